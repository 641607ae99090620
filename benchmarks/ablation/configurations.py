"""The rows of the ablation, each a detector that differs in one thing from another."""

from dataclasses import dataclass, field

from clipfake.training.texture import Hiding, Masking, Order

from .cuts import Cut

FIRST_BLOCK, LAST_BLOCK = 4, 12
BLOCKS = tuple(range(FIRST_BLOCK, LAST_BLOCK + 1))


@dataclass(frozen=True)
class FrozenRow:
    """A head on tokens of the frozen tower.

    Attributes:
        name: of the row.
        hidden: hidden units beside the linear part.
        blocks: whose class tokens it reads.
        cuts: of the squares; tokens of several are joined.
        images: at most so many are trained on, half of each class; None for all.
        augmented: fitted on augmented passes too.
        masking: patches that are hidden, in training and when measured; None for none.
    """

    name: str
    hidden: bool
    blocks: tuple[int, ...] = BLOCKS
    cuts: tuple[Cut, ...] = (Cut.RESIZED,)
    images: int | None = None
    augmented: bool = False
    masking: Masking | None = None

    @property
    def by_chance(self) -> bool:
        """Whether another seed gives another result."""
        return self.hidden or self.images is not None


@dataclass(frozen=True)
class TunedRow:
    """LoRA and a head, trained from the head of ``START``.

    Attributes:
        name: of the row.
        masking: which patches are hidden.
        augmented: share of images that are augmented; None is the loop's default.
    """

    name: str
    masking: Masking = field(default_factory=Masking)
    augmented: float | None = None

    @property
    def by_chance(self) -> bool:
        """Whether another seed gives another result."""
        return True


AnyRow = FrozenRow | TunedRow

# the same head is a row too, since it is what tuning has to beat
START = FrozenRow("hidden-4-12-augmented", hidden=True, augmented=True)

_FROZEN: tuple[FrozenRow, ...] = (
    FrozenRow("linear-last", hidden=False, blocks=(LAST_BLOCK,)),
    FrozenRow("linear-7-12", hidden=False, blocks=tuple(range(7, LAST_BLOCK + 1))),
    FrozenRow("linear-4-12", hidden=False),
    FrozenRow("linear-4-12-native", hidden=False, cuts=(Cut.NATIVE,)),
    FrozenRow("linear-4-12-both", hidden=False, cuts=(Cut.RESIZED, Cut.NATIVE)),
    *(
        FrozenRow(
            f"linear-4-12-sees-{seen}",
            hidden=False,
            images=600,
            masking=Masking(hidden_first, ratio=0.5, randomness=0.0),
        )
        for seen, hidden_first in (
            ("smooth", Order.TEXTURE),
            ("textured", Order.SMOOTH),
            ("half", Order.RANDOM),
        )
    ),
    FrozenRow("linear-4-12-n600", hidden=False, images=600),
    FrozenRow("hidden-4-12-n100", hidden=True, images=100),
    FrozenRow("hidden-4-12-n400", hidden=True, images=400),
    FrozenRow("hidden-4-12-n1600", hidden=True, images=1600),
    FrozenRow("hidden-4-12", hidden=True),
    START,
)
_TUNED: tuple[TunedRow, ...] = (
    TunedRow("lora-none", Masking(Order.NONE)),
    TunedRow("lora-random", Masking(Order.RANDOM)),
    TunedRow("lora-tam", Masking(Order.TEXTURE)),
    TunedRow("lora-smooth", Masking(Order.SMOOTH)),
    TunedRow("lora-random-0.4", Masking(Order.RANDOM, ratio=0.4)),
    TunedRow("lora-random-0.75", Masking(Order.RANDOM, ratio=0.75)),
    TunedRow("lora-tam-0.25", Masking(ratio=0.25)),
    TunedRow("lora-tam-0.4", Masking(ratio=0.4)),
    TunedRow("lora-tam-0.75", Masking(ratio=0.75)),
    TunedRow("lora-tam-always", Masking(share=1.0)),
    TunedRow("lora-tam-blank", Masking(hiding=Hiding.BLANK)),
    TunedRow("lora-tam-variance", Masking(measure="variance")),
    TunedRow("lora-tam-laplacian", Masking(measure="laplacian")),
    TunedRow("lora-tam-noaug", augmented=0.0),
)
_ALL: tuple[AnyRow, ...] = (*_FROZEN, *_TUNED)
ROWS = {row.name: row for row in _ALL}
