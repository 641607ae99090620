"""What an inspection shows on the terminal, or as JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clipfake.cli.summary_screen import STYLES, meaning
from clipfake.cli.words import say
from clipfake.detector.calibration import DecisionRule, OperatingPoint
from clipfake.inspection.evidence_folder import CAVEAT
from clipfake.inspection.explain import strengths
from clipfake.inspection.inspect import Inspection, Standing
from clipfake.records import Attribution, Fact, Record
from clipfake.report.jsonl import plain
from clipfake.report.schema import clean, report_schema, to_row
from clipfake.report.text import printable

_STRENGTH_STYLES = {"cryptographic": "bold", "specific": "", "weak": "dim"}


def show(
    found: Inspection, rule: DecisionRule, points: Sequence[OperatingPoint], console: Console
) -> None:
    """Print one inspection.

    Args:
        found: the image.
        rule: that gave the verdict.
        points: of the adapter that scored it, for the looks that were taken.
        console: to print on.
    """
    record = found.record
    console.rule(Text(printable(record.path, console.encoding)), align="left")
    if record.error is not None:
        say(console, f"error: {record.error}", path=record.path)
    size = "" if record.width is None else f", {record.width} x {record.height} pixels"
    if record.bytes is not None:
        kind = record.format or "no image"
        digest = f", sha256 {record.sha256}" if record.sha256 else ""
        text = f"{kind}{size}, {record.bytes} bytes{digest}"
        say(console, text)
    console.print(Text(f"verdict {record.verdict.value}", STYLES[record.verdict]))
    if record.explanation:
        say(console, record.explanation)
    if record.attributions:
        console.print(_attributions(record.attributions, console.encoding))
    if record.score is not None:
        if record.score_first is not None:
            say(console, _looks(record))
        say(console, meaning(rule, points))
    if found.standing is not None:
        say(console, _standing(found.standing, record))
    if found.evidence is not None:
        say(console, CAVEAT)
        console.print(_blocks(found.evidence, console.encoding))
    if record.facts:
        console.print(_facts(record.facts, console.encoding))
        console.print(
            "Metadata can be forged; missing EXIF is no evidence of anything.", markup=False
        )
    if found.exif:
        console.print(_exif(found.exif, console.encoding))
    for note in record.notes:
        say(console, f"note: {note}")


def as_object(found: Inspection, rule: DecisionRule) -> dict[str, Any]:
    """One inspection as values that JSON has: the columns of a report, and more."""
    schema: pa.Schema = report_schema({})
    row = {name: plain(value) for name, value in to_row(found.record, schema).items()}
    standing = found.standing
    return {
        **row,
        "fpr": rule.fpr,
        "real_below": rule.real_below,
        "reals_scoring_as_high": None
        if standing is None
        else {
            "images": standing.higher,
            "of": standing.reals,
            "share_interval": [round(share, 5) for share in standing.interval],
        },
        "exif": {clean(name): clean(text) for name, text in found.exif},
    }


def _blocks(evidence: npt.NDArray[np.float32], encoding: str) -> Text:
    """A small picture, two patches a character: red speaks for AI, blue for real."""
    block = "\u2580"
    if printable(block, encoding) != block:
        return Text("(this terminal has no blocks to draw with; clipfake explain writes a picture)")
    strong = strengths(evidence)
    text = Text()
    for row in range(0, len(evidence) - 1, 2):
        for column in range(evidence.shape[1]):
            upper, lower = (
                _colour(evidence[at, column] > 0, float(strong[at, column]))
                for at in (row, row + 1)
            )
            text.append(block * 2, f"{upper} on {lower}")
        text.append("\n")
    return text


def _colour(ai: bool, strength: float) -> str:
    end = (214, 69, 40) if ai else (38, 110, 180)
    red, green, blue = (round(128 + (part - 128) * strength) for part in end)
    return f"rgb({red},{green},{blue})"


def _looks(record: Record) -> str:
    """What each look at the picture gave."""
    first = f"first look, at the centre square: {record.score_first:.3f}"
    if record.score_second is None:
        return first
    return f"{first}; second look, at the whole picture: {record.score_second:.3f}"


def _standing(standing: Standing, record: Record) -> str:
    low, high = standing.interval
    share = standing.higher / standing.reals
    return (
        f"{standing.higher} of {standing.reals} real reference images score as high or higher "
        f"{'' if record.score_second is None else 'at first sight '}"
        f"({share:.1%}, 95 % interval {low:.1%} to {high:.1%})"
    )


def _attributions(found: Sequence[Attribution], encoding: str) -> Table:
    table = Table(title="which generator", title_justify="left")
    for name in ("generator", "version", "family", "known by", "score", "fact"):
        table.add_column(name, overflow="fold")
    for each in found:
        score = "" if each.score is None else f"{each.score:.3f}"
        cells = (each.generator, each.version, each.family, each.basis.value, score, each.by)
        table.add_row(*(Text(printable(cell or "", encoding)) for cell in cells))
    return table


def _facts(facts: tuple[Fact, ...], encoding: str) -> Table:
    table = Table(title="what the file says of itself", title_justify="left")
    for name in ("fact", "value", "place", "strength", "says"):
        table.add_column(name, overflow="fold")
    for fact in facts:
        place = fact.place if fact.offset is None else f"{fact.place} at {fact.offset}"
        cells = (fact.key, fact.value, place, fact.strength.value, fact.claim or "")
        style = _STRENGTH_STYLES[fact.strength.value]
        table.add_row(*(Text(printable(getattr(c, "value", c), encoding), style) for c in cells))
    return table


def _exif(tags: list[tuple[str, str]], encoding: str) -> Table:
    table = Table(title="EXIF", title_justify="left")
    table.add_column("tag", overflow="fold")
    table.add_column("value", overflow="fold")
    for name, text in tags:
        table.add_row(Text(printable(name, encoding)), Text(printable(text, encoding)))
    return table
