"""Rules: what a finding is of, for formats that pipelines read; one for each basis of a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from clipfake.report.findings import NEW, kinds_of

INCONCLUSIVE = "inconclusive"
_EVIDENCE = "A score is evidence, not proof, and metadata can be forged; look at the picture."


class Level(str, Enum):
    """How hard a finding weighs; the values are SARIF's (2.1.0, section 3.27.10)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Rule:
    """What a finding is of.

    Attributes:
        id: stable; of the verdict and what it rests on, never of the score.
        level: how hard it weighs.
        title: a few words, without a full stop.
        help: what it means and what to do.
    """

    id: str
    level: Level
    title: str
    help: str


_ALL = (
    Rule(
        "ai-pixels",
        Level.ERROR,
        "The pixels look AI-generated",
        "The detector's score is at or above the operating point, and the file declares no origin. "
        "A small share of real photographs is called AI at any operating point. " + _EVIDENCE,
    ),
    Rule(
        "ai-declared",
        Level.ERROR,
        "The file declares that it is AI-generated",
        "A field made for saying so (IPTC digital source type, C2PA, generation parameters) names "
        "an AI origin; the pixels do not decide, or were not looked at. " + _EVIDENCE,
    ),
    Rule(
        "ai-both",
        Level.ERROR,
        "The pixels look AI-generated, and the file declares it",
        "The detector's score is at or above the operating point, and the file itself names an AI "
        "origin. " + _EVIDENCE,
    ),
    Rule(
        "ai-conflict",
        Level.WARNING,
        "The pixels and the file disagree on an AI origin",
        "Either the pixels look AI-generated while the file claims a camera, or the file declares "
        "an AI origin while its pixels look real. One of the two is wrong: a person has to decide.",
    ),
    Rule(
        "inconclusive-pixels",
        Level.WARNING,
        "The pixels do not decide",
        "The score lies between the points for real and for AI, or the picture has too few pixels "
        "to be judged. Nothing follows from it.",
    ),
    Rule(
        "inconclusive-declared",
        Level.WARNING,
        "The file declares an origin that does not decide",
        "The file declares to be in part synthetic, or a camera's, and pixels do not settle it.",
    ),
    Rule(
        "inconclusive-conflict",
        Level.WARNING,
        "What the file declares contradicts itself, or its pixels",
        "The file names several origins that exclude each other, or synthetic parts that its "
        "pixels do not show. A person has to decide.",
    ),
    Rule(
        "inconclusive-unknown",
        Level.WARNING,
        "The file says nothing of its origin",
        "No pixels were looked at, and the file declares no origin. Nothing follows from it.",
    ),
    Rule(
        "not-judged",
        Level.NOTE,
        "A picture that could not be judged",
        "The file was asked for by name, is named like a picture or is one, and could not be read. "
        "The message says why, and what to do: until then nobody has looked at it.",
    ),
)
RULES = {rule.id: rule for rule in _ALL}
NOT_JUDGED = RULES["not-judged"]


def rule_of(row: Mapping[str, Any]) -> Rule | None:
    """The rule that a report's row is a finding of; None for what is no finding."""
    if row["error_code"] is not None:
        return NOT_JUDGED if kinds_of(row) else None
    verdict, basis = row["verdict"], row["verdict_basis"]
    if not kinds_of(row):
        return None
    found = RULES.get(f"{verdict}-{basis or 'unknown'}")
    return found or RULES[f"{verdict}-pixels"]  # a basis of another version is a finding too


def is_told(row: Mapping[str, Any], asked: frozenset[str]) -> bool:
    """Whether a finding is told: an undecided picture only when the run fails on those.

    Args:
        row: of a report.
        asked: kinds that the run fails on.
    """
    rule = rule_of(row)
    if rule is None:
        return False
    undecided = row["verdict"] == INCONCLUSIVE and row["error_code"] is None
    return not undecided or rule.id == "inconclusive-conflict" or INCONCLUSIVE in asked


def asked_for(about: Mapping[str, Any]) -> frozenset[str]:
    """Kinds that the scan which made a report was to fail on, whether new or known.

    Args:
        about: what made the report, as its metadata has it; empty where that is not known.
    """
    options = about.get("options") or {}
    kinds = str(options.get("fail_on") or "").split(",")  # a later version may know others
    return frozenset(kind.strip().removeprefix(NEW) for kind in kinds)
