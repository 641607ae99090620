"""`clipfake evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AllowNetwork, Debug, Options, Quiet, takes
from clipfake.errors import UsageError
from clipfake.plan import ScanPlan

if TYPE_CHECKING:
    from clipfake.detector.calibration import DecisionRule


@takes(
    "adapter",
    "backbone",
    "device",
    "precision",
    "looks",
    "fpr",
    "threshold",
    "workers",
    "batch_size",
)
def evaluate_command(
    data: Annotated[
        str,
        typer.Argument(
            help="Manifest with columns path and label (also generator, source, split), or a tree: "
            "GENERATOR/{ai,nature}, GENERATOR/{0_real,1_fake} or {real,fake}."
        ),
    ],
    options: Options,
    layout: Annotated[
        str | None,
        typer.Option(help="manifest, genimage, forensynths or plain (default: found out)."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Take images with this value, as COLUMN=VALUE; repeatable."),
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Report with columns path and score, of any tool, instead of scoring; .parquet "
            "and .parts also by URL."
        ),
    ] = None,
    score_column: Annotated[
        str, typer.Option(help="Column of the report that holds scores.")
    ] = "score",
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Two reports to tell apart by a paired bootstrap."),
    ] = None,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure changed images too: all, names such as jpeg-75, resize-0.5, "
            "resize-0.5+jpeg-75, or the chains social-a, social-b, screenshot-chain and "
            "print-scan-like; repeatable, commas allowed."
        ),
    ] = None,
    bias: Annotated[
        bool, typer.Option("--bias/--no-bias", help="How far the files alone tell the label.")
    ] = True,
    attribution: Annotated[
        bool,
        typer.Option(
            "--attribution",
            help="Measure too which family of generators images are told to be of, where the "
            "label in column generator names one.",
        ),
    ] = False,
    attribution_shots: Annotated[
        bool,
        typer.Option(
            "--attribution-shots",
            help="Also how well generators are told that are added by 8, 16 or 32 images; takes "
            "minutes. Implies --attribution.",
        ),
    ] = False,
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="Figures: .json, .csv, .parquet, .md; repeatable."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="One page with plots, .html.")] = None,
    draws: Annotated[
        int, typer.Option(min=20, help="Bootstrap draws of each 95 % interval.")
    ] = 1000,
    allow_network: AllowNetwork = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Measure a detector on labelled images.

    Figures per generator and real source with 95 % intervals that take whole sources, under
    perturbations, and beside what the files alone tell. Thresholds are chosen by the share of
    real images that they accuse, never by accuracy.
    """
    del debug
    if scores is not None and (options["adapter"] or options["backbone"] or perturb):
        raise UsageError("--scores takes the scores of a report; leave out --adapter and --perturb")
    attribution = attribution or attribution_shots
    if scores is not None and attribution:
        raise UsageError("--attribution needs the images' pixels; leave out --scores")
    plan = None if scores is not None else ScanPlan.of(no_metadata=True, **options)
    columns = _columns(where or [])
    from clipfake.evaluation.dataset import Layout, read_labelled
    from clipfake.evaluation.outputs import check_figures_path
    from clipfake.evaluation.perturbations import perturbations

    if layout is not None and layout not in [known.value for known in Layout]:
        known = ", ".join(known.value for known in Layout)
        raise UsageError(f"--layout {layout}: unknown; use one of {known}")
    for path in output or []:
        check_figures_path(path)
    if html is not None:
        check_figures_path(html, (".html", ".htm"))
    changes = perturbations(perturb or [])
    if scores is not None and options["fpr"] is not None:
        raise UsageError("--scores: a report has no operating points; give --threshold")
    labelled = read_labelled(data, layout=Layout(layout) if layout else None, where=columns)

    from clipfake.cli.evaluation_screen import EvaluationScreen
    from clipfake.evaluation import evaluate as evaluation
    from clipfake.evaluation.evaluate import Scorer
    from clipfake.evaluation.files import write_figures
    from clipfake.evaluation.scores import open_scores, read_scores
    from clipfake.report.parts import open_report

    compared = tuple(open_report(report, network=allow_network) for report in compare or ())
    for report in compared:
        open_scores(report, score_column)
    screen = EvaluationScreen(quiet=quiet)
    screen.found(labelled)
    rule: DecisionRule | None
    scorer: Scorer | None = None
    if scores is not None:
        rule = _rule(options["threshold"])
        opened = open_report(scores, network=allow_network)
        scored = read_scores(opened, labelled.examples, data, column=score_column)
    if plan is not None:
        scorer = Scorer.of(plan)
        rule = scorer.rule
        if attribution:
            scorer.check_attribution(labelled)
        with screen.progress() as show:
            scored = scorer.score(labelled, show)
    found = evaluation.evaluate(labelled, scored, rule, draws=draws, audit=bias)
    if scorer is not None and changes:
        with screen.progress() as show:
            evaluation.perturb(found, scorer, changes, show, draws=draws)
    if scorer is not None and attribution:
        with screen.progress() as show:
            evaluation.attribute(found, scorer, show, draws=draws, shots=attribution_shots)
    if compared:
        evaluation.compare_reports(found, compared, column=score_column, draws=draws)
    for path in output or []:
        write_figures(found, path)
    if html is not None:
        from clipfake.evaluation.page.page import write_page

        write_page(found, html, workers=options["workers"])
    screen.show(found)
    for path in [*(output or []), *([html] if html else [])]:
        screen.wrote(path)
    return Exit.FINE


def _columns(given: list[str]) -> dict[str, str]:
    columns = {}
    for text in given:
        column, equals, value = text.partition("=")
        if not equals or not column:
            raise UsageError(f"--where {text}: give COLUMN=VALUE, such as split=val")
        columns[column] = value
    return columns


def _rule(threshold: float | None) -> "DecisionRule | None":
    """The rule of a report's scores: calls AI from a threshold on, and nothing is in between."""
    from clipfake.detector.calibration import DecisionRule

    return None if threshold is None else DecisionRule(threshold, threshold)
