"""Which generator made an image, as the sources have it; rows of older reports say nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clipfake.records import GeneratorBasis
from clipfake.report.page.words import shown

ORIGINS = ("", *(basis.value for basis in GeneratorBasis))
MOST = 50  # sources of one image; the report has all
_NAME = 120  # characters
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Named:
    """What one source says; each text is fit to be shown.

    Attributes:
        basis: one of ``ORIGINS``.
        generator: its name.
        family: its family; empty where none is known.
        version: as the source has it; empty where it has none.
        score: that the family is right, 0..1; None where nothing was measured.
        by: the fact that says so, or what looked at the pixels; may be empty.
    """

    basis: str
    generator: str
    family: str = ""
    version: str = ""
    score: float | None = None
    by: str = ""

    @property
    def label(self) -> str:
        """Generator and basis, as they are counted."""
        return f"{self.generator} ({self.basis})"

    def to_json(self) -> dict[str, Any]:
        """As plain values, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}


def named_of(row: Mapping[str, Any]) -> Named | None:
    """What the most trusted source says; None where none does.

    A manifest's own column ``generator`` has no basis, and says nothing here.
    """
    return _named(
        {
            "basis": row.get("generator_basis"),
            "generator": row.get("generator"),
            "family": row.get("generator_family"),
            "score": row.get("generator_score"),
        }
    )


def sources_of(row: Mapping[str, Any]) -> list[Named]:
    """What every source says, the most trusted first."""
    held = row.get("attributions")
    said = [each for each in held if isinstance(each, Mapping)] if isinstance(held, list) else []
    found = [named for named in map(_named, said[:MOST]) if named is not None]
    if not found:
        first = named_of(row)
        return [] if first is None else [first]
    return sorted(found, key=lambda named: ORIGINS.index(named.basis))


def disagree(sources: Sequence[Named]) -> bool:
    """Whether sources name generators of different families; by name where no family is known."""
    known = [each for each in sources if each.generator.lower() != _UNKNOWN]
    families = {each.family for each in known if each.family}
    names = {each.generator.casefold() for each in known if not each.family}
    told = {each.generator.casefold() for each in known if each.family}
    return len(families) > 1 or len(names) > 1 or bool(names and told and not names <= told)


def _named(held: Mapping[str, Any]) -> Named | None:
    basis, generator, score = held.get("basis"), held.get("generator"), held.get("score")
    if basis not in ORIGINS[1:] or not isinstance(generator, str) or not generator:
        return None
    texts = {name: held.get(name) for name in ("family", "version", "by")}
    measured = isinstance(score, (int, float)) and math.isfinite(score)
    return Named(
        str(basis),
        shown(generator, _NAME),
        score=round(float(score), 4) if measured and score is not None else None,
        **{
            name: shown(text, _NAME) if isinstance(text, str) else ""
            for name, text in texts.items()
        },
    )
