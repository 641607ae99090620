"""What a scan shows at its end: the summary, the worst files, and what the run fails for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clipfake.cli.words import say
from clipfake.records import Verdict
from clipfake.report.findings import UNREAD
from clipfake.report.summary import Summary
from clipfake.report.text import printable
from clipfake.scanning.events import Finished, Started

if TYPE_CHECKING:  # both import torch, which a scan of metadata does without
    from clipfake.detector.calibration import DecisionRule, OperatingPoint

_LISTED = 10  # entries of a baseline that are named
_GENERATORS = 10  # that are shown
STYLES = {
    Verdict.AI: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.REAL: "green",
    Verdict.ERROR: "magenta",
}


def print_summary(out: Console, start: Started, end: Finished) -> None:
    """Print the counts, the worst files, what the verdicts mean and where the reports lie."""
    summary = end.summary
    adapter = start.adapter
    table = Table(title="clipfake scan", title_justify="left", min_width=40)
    table.add_column("verdict")
    table.add_column("files", justify="right")
    for verdict in (Verdict.AI, Verdict.INCONCLUSIVE, Verdict.REAL):
        table.add_row(Text(verdict.value, STYLES[verdict]), str(summary.verdicts[verdict]))
    table.add_row(Text("error", STYLES[Verdict.ERROR]), str(summary.failed))
    table.add_row("skipped (no images)", str(summary.skipped), end_section=True)
    table.add_row("all", str(summary.files))
    out.print(table)
    for code, count in sorted(summary.errors.items()):
        out.print(f"  {code}: {count}", markup=False)
    left_out = [f"{count} {kind}" for kind, count in sorted(end.passed_over.items()) if count]
    if left_out:
        say(out, f"passed over: {', '.join(left_out)}")
    _print_worst(out, summary)
    for line in _known(end):
        say(out, line)
    if any(summary.declared.values()):
        say(out, _declared(summary))
    _print_generators(out, summary)
    if start.rule is not None and adapter is not None:
        from clipfake.detector.looks import Looks

        looks = Looks(start.about["looks"])
        say(out, meaning(start.rule, adapter.thresholds(looks).points))
        if looks is not Looks.FIRST:
            taken = f"{summary.second_looks} of {summary.scored} images"
            say(out, f"second looks, at the whole picture: {taken} (looks: {looks.value})")
    done = "described by their metadata" if adapter is None else "scored"
    before = f", {summary.restored} files of them before" if summary.restored else ""
    by = f" by {adapter.label}" if adapter else ""
    took = f"{summary.seconds:.1f} s ({summary.rate:.1f} images/s)"
    say(out, f"{summary.scored} images {done}{by}{before}; this run took {took}")
    for line in _written(end):
        out.print(printable(line), markup=False, soft_wrap=True)


def _print_generators(out: Console, summary: Summary) -> None:
    """A table of the generators with most files."""
    if not summary.generators:
        return
    table = Table(title="generators", title_justify="left")
    table.add_column("generator", overflow="fold")
    table.add_column("known by")
    table.add_column("files", justify="right")
    for name, basis, files in summary.most_generators(_GENERATORS):
        table.add_row(Text(printable(name, out.encoding)), basis or "", str(files))
    out.print(table)
    if (more := len(summary.generators) - _GENERATORS) > 0:
        out.print(f"  ... and {more} more, all in the report", markup=False)


def _print_worst(out: Console, summary: Summary) -> None:
    """A line a file, whole, so that its path can be copied."""
    if summary.worst:
        shown = len(summary.worst)
        out.print(f"worst {shown} (ai, conflicts, inconclusive):", style="bold")
        out.print("  score  verdict       basis     path", style="dim")
    for found in summary.worst:
        score = "    -" if found.score is None else f"{found.score:.3f}"
        style = STYLES[Verdict(found.verdict)]
        line = Text(f"  {score}  ")
        line.append(f"{found.verdict:<12}", style)
        line.append(f"  {found.basis or '-':<8}  {printable(found.path)}")
        out.print(line, soft_wrap=True)
    if summary.unread:
        more = summary.unread - len(summary.unjudged)
        out.print(f"not judged, {summary.unread}:", style="bold")
        for found in summary.unjudged:
            say(out, f"  {found.line()}", path=found.path)
        if more and summary.unjudged:
            out.print(f"  ... and {more} more, all in the report", markup=False)


def print_findings(stdout: Console, summary: Summary) -> None:
    """Print every file that the run fails on there is, also when quiet."""
    if not summary.fail_on:
        return
    for found in summary.findings:
        say(stdout, f"fails: {found.line()}", path=found.path)
    if summary.failing > len(summary.findings):
        more = summary.failing - len(summary.findings)
        stdout.print(f"fails: {more} more files, all in the report", markup=False)
    if summary.failing:
        kinds = ", ".join(sorted(summary.fail_on))
        stdout.print(f"{summary.failing} of {summary.files} files are {kinds}", markup=False)
    if summary.failing_known:
        say(
            stdout,
            f"{summary.failing_known} of them are known to the baseline; --fail-on new-ai fails "
            "for the others alone",
        )
    if summary.unread and UNREAD not in summary.fail_on:
        say(
            stdout,
            f"{summary.unread} files that look like images, or were asked for by name, were "
            "not judged, and the run does not fail for them; --strict makes it",
        )


def as_object(start: Started, end: Finished) -> dict[str, Any]:
    """The summary as values that JSON has, with what scored and what was written."""
    return {
        **end.summary.to_json(),
        "adapter": start.adapter.label if start.adapter else None,
        "looks": start.about.get("looks"),
        "threshold": start.rule.threshold if start.rule else None,
        "fpr": start.rule.fpr if start.rule else None,
        "restored": end.summary.restored,
        "custody": None if end.custody is None else str(end.custody),
        "unmatched": [entry.path or entry.sha256 for entry in end.unmatched],
        "reports": [str(path) for path in end.reports],
    }


def _known(end: Finished) -> Iterator[str]:
    """What became of the baseline."""
    if end.summary.suppressed:
        yield f"known to the baseline: {end.summary.suppressed} findings"
    if end.unmatched:
        names = ", ".join(entry.path or entry.sha256[:12] for entry in end.unmatched[:_LISTED])
        more = ", ..." if len(end.unmatched) > _LISTED else ""
        yield (
            f"{len(end.unmatched)} entries of the baseline match nothing any more: {names}{more}; "
            "clipfake baseline update --prune deletes them"
        )


def _written(end: Finished) -> Iterator[str]:
    """A line for each file that the scan wrote."""
    for path in end.reports:
        yield f"report: {path}" + (" (replaced an older one)" * (path in end.replaced))
    if end.custody is not None:
        yield f"statement of custody: {end.custody}"
    if not end.reports:
        yield "no report was written; --output report.parquet keeps one"


def _declared(summary: Summary) -> str:
    counts = summary.declared
    parts = [f"{name} {counts[name]}" for name in ("ai", "composite", "camera", "conflicting")]
    return (
        f"declared by the files: {', '.join(parts)}, none {counts['none']}; "
        f"{summary.conflicts} with basis conflict. Metadata can be forged, and its absence says "
        "nothing."
    )


def _promised(point: "OperatingPoint") -> str:
    low, high = point.fpr_interval
    if point.accused is None or point.upper is None:
        return (
            f", chosen so that at most {point.fpr:.1%} of {point.reals} real images are "
            f"accused (95 % interval {low:.1%} to {high:.1%})"
        )
    sources = "" if point.sources is None else f" (of {point.sources} sources)"
    measured = f"{point.accused:.2%} of {point.reals} real images are accused{sources}"
    if point.upper <= point.fpr:
        stated = f"for at most {point.fpr:.1%} of real images"
    else:
        stated = f"for {point.fpr:.1%} of real images, which so few do not prove"
    return f", {stated}: {measured}, at most {point.upper:.2%} (upper 95 % bound)"


def meaning(rule: "DecisionRule", points: "Sequence[OperatingPoint]") -> str:
    """What the verdicts stand for, in a sentence; points are those of the looks in use."""
    head = f"ai: score {rule.threshold:.3f} and above"
    for point in points:
        if rule.fpr == point.fpr:
            head += _promised(point)
    return f"{head}; real: below {rule.real_below:.3f}. A score is evidence, not proof."
