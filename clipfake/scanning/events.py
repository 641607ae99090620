"""What a run tells, in the order in which it comes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipfake.errors import ErrorCode
from clipfake.records import Record
from clipfake.report.baseline import Entry
from clipfake.report.summary import Summary
from clipfake.scanning.stages import Stages

if TYPE_CHECKING:  # both import torch, which a scan of metadata does without
    from clipfake.detector.adapter import Adapter
    from clipfake.detector.calibration import DecisionRule
    from clipfake.detector.detector import Detector


@dataclass(frozen=True)
class Loading:
    """All that could be found at fault before is fine, and the detector is being loaded."""


@dataclass(frozen=True)
class Started:
    """Files are going to be read.

    Attributes:
        about: what makes the scan, as its reports have it.
        summary: counts rows as they come.
        detector: None for a scan without scores, or one that others score.
        rule: the operating point; None for a scan without scores.
        adapter: that scores; None likewise.
        stages: counts what each stage does as it does it.
    """

    about: Mapping[str, Any]
    summary: Summary
    detector: "Detector | None"
    rule: "DecisionRule | None"
    adapter: "Adapter | None" = None
    stages: Stages = field(default_factory=Stages)


@dataclass(frozen=True)
class Listed:
    """Everything was counted, beside the scan.

    Attributes:
        files: to be scanned, at least.
        exact: nothing is left that only reading it would tell.
    """

    files: int
    exact: bool


@dataclass(frozen=True)
class Recorded:
    """One file is done, in order.

    Attributes:
        row: of the report.
        record: what the row was made of; None for a row of an earlier, interrupted run.
    """

    row: Mapping[str, Any]
    record: Record | None


@dataclass(frozen=True)
class Failed(Recorded):
    """One file is done, and could not be judged: ``row`` has its ``error_code`` and ``error``."""


@dataclass(frozen=True)
class Restored:
    """All rows of an earlier, interrupted run have come.

    Attributes:
        rows: how many.
        journal: which held them: a file, or the folder or URL of parts.
    """

    rows: int
    journal: Path | str


@dataclass(frozen=True)
class Noticed:
    """Something that a user should know, and that ends nothing.

    Attributes:
        text: a sentence.
    """

    text: str


@dataclass(frozen=True)
class Writing:
    """All files are done; what shows pictures is being written, from the files again."""


@dataclass(frozen=True)
class Finished:
    """The scan is over, and its reports are whole.

    Attributes:
        summary: of all rows.
        reports: in the order in which they were asked for; a URL for parts on another machine.
        replaced: those of them that were there before.
        custody: the statement of custody; None without one.
        passed_over: what was not looked at, by kind.
        only_lists: nothing but lists was given, or git was asked.
        unmatched: entries of the baseline that nothing matched; empty where only a part of the
            files was looked at.
    """

    summary: Summary
    reports: tuple[Path | str, ...] = ()
    replaced: frozenset[Path | str] = frozenset()
    custody: Path | None = None
    passed_over: Mapping[str, int] = field(default_factory=Counter)
    only_lists: bool = False
    unmatched: tuple[Entry, ...] = ()

    @property
    def nothing_to_scan(self) -> bool:
        """Whether lists alone were given, or git was asked, and no image was named."""
        no_images = self.summary.errors[ErrorCode.NOT_AN_IMAGE.value]
        return self.only_lists and self.summary.files == no_images and not self.summary.unread


Event = Loading | Started | Listed | Recorded | Restored | Noticed | Writing | Finished
