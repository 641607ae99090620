"""What is done with each item, the same wherever it is done: by a whole scan, or by unit."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clipfake.plan import ScanPlan
from clipfake.records import Record
from clipfake.scanning.cache import Cache
from clipfake.scanning.describe import CHUNK, scan_metadata
from clipfake.scanning.parts import cache_of, limits_of, load_detector, metadata_of
from clipfake.scanning.stages import Stages
from clipfake.sources import Item

if TYPE_CHECKING:  # both import torch, which a scan of metadata does without
    from clipfake.detector.adapter import Adapter
    from clipfake.detector.calibration import DecisionRule
    from clipfake.detector.detector import Detector
    from clipfake.detector.looks import Looks
    from clipfake.metadata.read import MetadataOptions

Transform = Callable[[bytes], bytes]


@dataclass
class Scanner:
    """Items in, judged records out, in the same order.

    Attributes:
        plan: how.
        metadata: what is read of the files' metadata; None leaves it unread.
        cache: of bytes that were scanned before; None without one.
        transform: what is done to a file's bytes before they are decoded.
        given: a detector that other processes are handed; None where they load one.
        detector: scores pixels; None where none are looked at, or before ``load``.
        adapter: that of the detector; None where no pixels are looked at.
        rule: its operating point; None likewise.
        looks: which looks at a picture are taken; None likewise.
        stages: counts what is done.
    """

    plan: ScanPlan
    metadata: "MetadataOptions | None"
    cache: Cache | None = None
    transform: Transform | None = None
    given: "Detector | None" = None
    detector: "Detector | None" = None
    adapter: "Adapter | None" = None
    rule: "DecisionRule | None" = None
    looks: "Looks | None" = None
    stages: Stages = field(default_factory=Stages)

    @classmethod
    def of(cls, plan: ScanPlan, transform: Transform | None = None) -> "Scanner":
        """A scanner that has no detector yet.

        Raises:
            UsageError: the list of trusted signers cannot be read, or the cache not be used.
        """
        metadata = metadata_of(plan)
        return cls(plan, metadata, cache_of(plan, metadata), transform)

    @property
    def scores(self) -> bool:
        """Whether pixels are looked at."""
        return not (self.plan.how.no_pixels or self.plan.how.hash_alone)

    @property
    def every(self) -> int:
        """How many items are done at once."""
        return CHUNK if self.detector is None else self.detector.batch_size

    def load(self, detector: "Detector | None" = None) -> None:
        """Take a detector, or load the plan's; nothing where no pixels are looked at.

        Raises:
            AdapterError, BackboneError: it cannot be loaded.
            UsageError: there is no such device or operating point.
        """
        if self.scores:
            self.detector = detector or load_detector(self.plan)
            self._take(self.detector.adapter, self.detector.looks)

    def know(self, detector: "Detector | None" = None) -> None:
        """Know by what is scored, where other processes score.

        Args:
            detector: which they are given; None where each loads the plan's.

        Raises:
            AdapterError: the adapter cannot be read.
            UsageError: there is no such operating point, or no such looks.
        """
        if self.scores:
            from clipfake.detector import adapter_file as adapters
            from clipfake.detector.looks import Looks

            self.given, how = detector, self.plan.how
            if detector is not None:
                self._take(detector.adapter, detector.looks)
                return
            adapter = adapters.load_adapter(how.adapter or adapters.DEFAULT_ADAPTER)
            self._take(adapter, adapter.looks(Looks(how.looks)))

    def _take(self, adapter: "Adapter", looks: "Looks") -> None:
        how = self.plan.how
        self.adapter, self.looks = adapter, looks
        self.rule = adapter.rule(fpr=how.fpr, threshold=how.threshold, looks=looks)

    def records(
        self, items: Iterable[Item], *, thumbnails: bool = False, alone: bool = False
    ) -> Generator[Record, None, None]:
        """Read, score and judge items.

        Args:
            items: consumed lazily.
            thumbnails: make a small picture of each image that is decoded.
            alone: read each item in a process of its own, which it may kill.
        """
        reading: dict[str, Any] = {
            "limits": limits_of(self.plan),
            "workers": self.plan.run.workers,
            "cache": self.cache,
            "stages": self.stages,
            "alone": alone,
        }
        if self.detector is None or self.rule is None:
            return scan_metadata(items, self.metadata, **reading)
        from clipfake.scanning.score import scan_items

        return scan_items(
            items,
            self.detector,
            self.rule,
            metadata=self.metadata,
            transform=self.transform,
            thumbnails=thumbnails,
            **reading,
        )
