"""The adapter: all that turns a backbone into a detector."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from clipfake.detector.backbone import Backbone
from clipfake.detector.calibration import DEFAULT_FPR, DecisionRule, OperatingPoint, Platt
from clipfake.detector.captions import CaptionHead
from clipfake.detector.generators import GeneratorHead
from clipfake.detector.head import Head
from clipfake.detector.looks import Looks
from clipfake.detector.lora import Lora, LoraShape, merge
from clipfake.detector.second_look import SecondLook, Thresholds
from clipfake.errors import AdapterError, UsageError
from clipfake.imaging.preprocessing import Preprocessing


@dataclass(frozen=True)
class Adapter:
    """A trained detector without its backbone.

    Attributes:
        name: what reports call it.
        backbone: name of the backbone it fits, ``ARCHITECTURE/TAG``.
        blocks: blocks whose class tokens the head reads, 1 is the first, ascending.
        preprocessing: how images are cut.
        head: weights over the tokens, or captions that images are compared with.
        calibration: logits to scores.
        points: operating points, each a threshold at a stated false-positive rate.
        real_below: score below which the verdict is real.
        facts: training data, metrics and whatever else the header says.
        digest: sha256 of the file, hex; empty before it is saved.
        lora_shape: what of the backbone is tuned; None leaves it frozen.
        lora: the tuned tensors, by their names in ``Lora``.
        generators: tells generators apart; None where it cannot.
        weights: sha256 of the backbone's file, hex, where that was tuned as a whole and belongs to
            this adapter alone; empty for a backbone that its name identifies.
        second: the second look; None where the first is the only one.
    """

    name: str
    backbone: str
    blocks: tuple[int, ...]
    preprocessing: Preprocessing
    head: Head | CaptionHead
    calibration: Platt
    points: tuple[OperatingPoint, ...]
    real_below: float
    facts: dict[str, Any]
    digest: str = ""
    lora_shape: LoraShape | None = None
    lora: dict[str, torch.Tensor] = field(default_factory=dict)
    generators: GeneratorHead | None = None
    weights: str = ""
    second: SecondLook | None = None

    @property
    def depth(self) -> int:
        """The last block that the head reads."""
        return max(self.blocks)

    @property
    def linear_head(self) -> Head:
        """The head over tokens.

        Raises:
            UsageError: the head compares images with captions.
        """
        if isinstance(self.head, CaptionHead):
            raise UsageError(
                f"adapter {self.name}: its head is of captions, which nothing else goes on from; "
                "give another --init, or train it anew with --method captions"
            )
        return self.head

    @property
    def label(self) -> str:
        """Name and short digest, as reports print it."""
        return f"{self.name}@{self.digest[:12]}"

    @property
    def lora_digest(self) -> str:
        """sha256 of the LoRA tensors as a file holds them, hex; empty where there are none.

        Two adapters of one backbone with the same digest have the same tokens.
        """
        if not self.lora:
            return ""
        digest = hashlib.sha256()
        for name in sorted(self.lora):
            values = self.lora[name].detach().cpu().half().contiguous()
            digest.update(name.encode() + values.numpy().tobytes())
        return digest.hexdigest()

    @property
    def generator_head(self) -> GeneratorHead | None:
        """What tells generators apart, if it reads this tower's tokens.

        One that was fitted on the tokens of another LoRA says nothing of these.
        """
        head = self.generators
        fitting = head is not None and head.lora == self.lora_digest and not self.weights
        return head if fitting else None

    @property
    def second_look(self) -> SecondLook | None:
        """The second look, if it reads this tower's tokens, as ``generator_head``."""
        second = self.second
        fitting = second is not None and second.lora == self.lora_digest and not self.weights
        return second if fitting else None

    @property
    def tiles_head(self) -> Head | CaptionHead:
        """What reads the mean of the tokens of a picture's tiles; of the second look, if it has."""
        second = self.second_look
        return self.head if second is None or second.head is None else second.head

    def looks(self, wanted: Looks) -> Looks:
        """Which looks are taken where some are wanted: ``auto`` makes do with the first alone.

        Raises:
            UsageError: all are wanted, and the adapter has no second look.
        """
        if self.second_look is not None:
            return wanted
        if wanted is Looks.ALL:
            raise UsageError(f"adapter {self.name} has no second look; leave out --looks all")
        return Looks.FIRST

    def thresholds(self, looks: Looks = Looks.FIRST) -> Thresholds:
        """Operating points, and where ``real`` ends, for scores of some looks.

        Raises:
            UsageError: as ``looks``.
        """
        second, taken = self.second_look, self.looks(looks)
        if second is None or taken is Looks.FIRST:
            return Thresholds(self.points, self.real_below)
        return second.auto if taken is Looks.AUTO else second.all

    def with_thresholds(self, thresholds: Thresholds, looks: Looks = Looks.FIRST) -> "Adapter":
        """The adapter with other thresholds for scores of some looks; see ``thresholds``."""
        second, taken = self.second_look, self.looks(looks)
        if second is None or taken is Looks.FIRST:
            return replace(self, points=thresholds.points, real_below=thresholds.real_below)
        auto = thresholds if taken is Looks.AUTO else second.auto
        every = thresholds if taken is Looks.ALL else second.all
        return replace(self, second=replace(second, auto=auto, all=every))

    def rule(
        self,
        *,
        fpr: float | None = None,
        threshold: float | None = None,
        looks: Looks = Looks.FIRST,
    ) -> DecisionRule:
        """The decision rule at an operating point, or at a threshold of one's own.

        Args:
            fpr: one of the stored false-positive rates; the default is 1 %.
            threshold: a score, instead of ``fpr``.
            looks: which looks gave the scores that are judged.

        Raises:
            UsageError: both are given, the rate is not stored, the threshold not in 0..1, or the
                adapter has not these looks.
        """
        known = self.thresholds(looks)
        if threshold is not None:
            if fpr is not None:
                raise UsageError("give --fpr or --threshold, not both")
            if not 0.0 <= threshold <= 1.0:
                raise UsageError(f"threshold {threshold:g} is not in 0..1")
            return DecisionRule(threshold, min(known.real_below, threshold))
        wanted = DEFAULT_FPR if fpr is None else fpr
        for point in known.points:
            if abs(point.fpr - wanted) < 1e-9:
                below = min(known.real_below, point.threshold)
                return DecisionRule(point.threshold, below, point.fpr)
        stored = ", ".join(f"{point.fpr:g}" for point in known.points) or "none"
        raise UsageError(f"adapter {self.name} has no operating point at FPR {wanted:g} ({stored})")

    def check_fits(self, backbone: Backbone) -> None:
        """Raise AdapterError when the adapter was made for another backbone."""
        if self.weights and self.weights != backbone.digest:
            raise AdapterError(
                f"adapter {self.name} was trained with other weights than {backbone.name}; "
                "give the file that was written beside it as --backbone ARCHITECTURE/FILE"
            )
        if not self.weights and self.backbone != backbone.name:
            raise AdapterError(
                f"adapter {self.name} fits backbone {self.backbone}, not {backbone.name}; "
                "give the --adapter that was trained on it, or leave out --backbone"
            )
        read = len(self.blocks)
        fitting = all(head.fits(read, backbone.width) for head in (self.head, self.tiles_head))
        if not fitting or self.depth > backbone.depth:
            raise AdapterError(f"adapter {self.name}: its head does not fit {backbone.name}")
        head = self.generator_head
        if head is not None and not head.fits(self.blocks, backbone.width):
            raise AdapterError(
                f"adapter {self.name}: its generator head does not fit {backbone.name}"
            )
        if self.preprocessing.size != backbone.image_size:
            raise AdapterError(
                f"adapter {self.name} cuts squares of {self.preprocessing.size} pixels, "
                f"{backbone.name} takes {backbone.image_size}"
            )
        if self.lora_shape is not None:
            with torch.device("meta"):  # a header may claim any rank; nothing is allocated
                wanted = Lora(backbone, self.lora_shape).state_dict()
            if {n: t.shape for n, t in wanted.items()} != {
                n: t.shape for n, t in self.lora.items()
            }:
                raise AdapterError("LoRA tensors do not fit the adapter's own header")

    def tune(self, backbone: Backbone, *, in_place: bool = False) -> Backbone:
        """The backbone with the adapter's LoRA merged.

        Args:
            backbone: as it was released; one with this very LoRA in it is returned as it is.
            in_place: change the tower given instead of a copy, which saves its memory.

        Raises:
            AdapterError: the tensors do not fit the backbone, or it has another adapter's LoRA.
        """
        if self.lora_shape is None and not backbone.lora:
            return backbone
        if backbone.lora and backbone.lora == self.lora_digest:
            return backbone
        if backbone.lora or self.lora_shape is None:
            raise AdapterError(
                f"adapter {self.name}: the tower has the LoRA of another adapter; load it anew"
            )
        lora = Lora(backbone, self.lora_shape)
        lora.load_tensors(self.lora)
        return replace(merge(backbone, lora, in_place=in_place), lora=self.lora_digest)

    def as_stored(self) -> "Adapter":
        """The adapter with the rounding of its file, so that what is measured is what is saved."""
        second = self.second
        if second is not None and second.head is not None:
            second = replace(second, head=second.head.as_stored())
        return replace(
            self,
            head=self.head.as_stored(),
            lora={name: tensor.half() for name, tensor in self.lora.items()},
            second=second,
        )
