"""`clipfake scan`."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import (
    AdapterFile,
    Debug,
    Device,
    Fpr,
    Gps,
    Precision,
    Prompts,
    Quiet,
    ScanBatch,
    Threshold,
    Trust,
    Workers,
)
from clipfake.errors import ErrorCode, UsageError
from clipfake.imaging.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clipfake.report.summary import Summary
    from clipfake.sources import Sources


def scan_command(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, archives, URLs, manifests (.txt .csv .jsonl .parquet), "
            "or - for paths on stdin."
        ),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", help="Report file: .parquet, .csv, .jsonl or .parts; repeatable."
        ),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Take only files that match this glob; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Leave out files and folders that match this glob; repeatable."),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files too.")] = False,
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="Follow symbolic links in folders.")
    ] = False,
    no_archives: Annotated[
        bool, typer.Option("--no-archives", help="Do not look into zip and tar archives.")
    ] = False,
    allow_network: Annotated[
        bool, typer.Option("--allow-network", help="Open URLs (s3:// gs:// hf:// https:// ...).")
    ] = False,
    null: Annotated[
        bool,
        typer.Option(
            "--null", "-0", help="Zero bytes end the names on stdin and in .txt lists (git -z)."
        ),
    ] = False,
    fpr: Fpr = None,
    threshold: Threshold = None,
    adapter: AdapterFile = None,
    backbone: Annotated[
        str | None, typer.Option(help="open_clip image tower, e.g. ViT-L-14/openai.")
    ] = None,
    allow_download: Annotated[
        bool,
        typer.Option("--allow-download", help="Fetch the backbone from its hub when absent."),
    ] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    batch_size: ScanBatch = None,
    workers: Workers = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Largest image that is decoded, pixels.")
    ] = Limits.pixels,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="Largest file that is read, bytes.")
    ] = Limits.bytes,
    timeout_per_file: Annotated[
        float, typer.Option(min=0, help="Seconds to decode one file; 0 for no limit.")
    ] = Limits.seconds,
    gps: Gps = False,
    prompts: Prompts = False,
    c2pa_trust: Trust = None,
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Score pixels alone; read no metadata.")
    ] = False,
    no_pixels: Annotated[
        bool,
        typer.Option("--no-pixels", help="Read metadata alone; no score, nothing is decoded."),
    ] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(
            help="Exit with 1 when any file is: ai, inconclusive, error, unread (comma list)."
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 1, too, when a file that was named, or is named like an image, was "
            "not judged (--fail-on unread).",
        ),
    ] = False,
    top: Annotated[int, typer.Option(min=0, help="How many of the worst files are shown.")] = 10,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume",
            help="Go on with an interrupted scan of the same --output, or start anew.",
        ),
    ] = True,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder that remembers scores by the sha256 of the bytes."),
    ] = None,
    trust_times: Annotated[
        bool,
        typer.Option(
            "--trust-times",
            help="With --cache: do not read a file again while its size, times and inode stay.",
        ),
    ] = False,
    shard: Annotated[
        str, typer.Option(help="Scan one share of the files, i/n; clipfake merge joins them.")
    ] = "1/1",
    custody: Annotated[
        bool,
        typer.Option("--custody", help="Write a statement of custody beside the first report."),
    ] = False,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON on stdout.")
    ] = False,
    debug: Debug = False,
) -> int:
    """Score every image of folders, files, archives, manifests and URLs.

    Thresholds are chosen by the share of real images that they accuse, never by accuracy.
    A score is evidence, not proof.
    """
    # torch takes seconds to import; --help and usage errors do not wait for it
    from clipfake.report.findings import parse_kinds

    fails = parse_kinds(fail_on, strict=strict)
    if debug:
        logging.getLogger("clipfake").setLevel(logging.DEBUG)
    from clipfake.report.custody import Inputs, custody_path, write_custody
    from clipfake.report.journal import journal_path
    from clipfake.report.report import Report, check_outputs
    from clipfake.scanning.resume import remaining
    from clipfake.sources import ArchiveLimits, Item, Selection, Sources
    from clipfake.sources.shard import Shard

    if custody and not output:
        raise UsageError("--custody needs a report that it is of: give --output")
    beside = [journal_path(output[0])] if output else []
    beside += [custody_path(output[0])] if output and custody else []
    check_outputs(output or [], beside)
    selection = Selection(
        tuple(include or ()),
        tuple(exclude or ()),
        hidden,
        follow_symlinks,
        archives=None if no_archives else ArchiveLimits(member_bytes=max_bytes),
        network=allow_network,
    )
    sources = Sources(paths, selection, null=null)
    share = Shard.parse(shard)

    from clipfake.cli.provenance import about_scan, open_journal
    from clipfake.cli.screen import Screen, Written
    from clipfake.metadata.read import MetadataOptions
    from clipfake.metadata.trust import read_trust
    from clipfake.report.summary import Summary
    from clipfake.scanning.cache import Cache

    if no_pixels and no_metadata:
        raise UsageError("--no-pixels and --no-metadata together leave nothing to read")
    if trust_times and cache is None:
        raise UsageError("--trust-times is about what a cache knows: give --cache")
    if trust_times and custody:
        raise UsageError("--custody is of files that were read: leave --trust-times out")
    screen = Screen(quiet=quiet, as_json=as_json)
    limits = Limits(max_pixels, max_bytes, timeout_per_file)
    metadata = MetadataOptions(gps, prompts, read_trust(c2pa_trust))
    known = Cache(cache, trust_times=trust_times) if cache else None
    detector, rule = None, None
    if no_pixels:
        from clipfake.scanning.describe import CHUNK, scan_metadata

        at_once = CHUNK
        start = partial(scan_metadata, options=metadata)
    else:
        from clipfake.detector import Detector
        from clipfake.scanning.score import scan_items

        with screen.loading():
            detector = Detector.load(
                adapter,
                backbone=backbone,
                device=device,
                precision=precision,
                batch_size=batch_size,
                allow_download=allow_download,
            )
        rule = detector.adapter.rule(fpr=fpr, threshold=threshold)
        at_once = detector.batch_size
        read = None if no_metadata else metadata
        start = partial(scan_items, detector=detector, rule=rule, metadata=read)
    summary = Summary(fail_on=fails, top=top)
    about = about_scan(detector, context.params)
    journal = open_journal(output or [], sources, about, every=at_once, resume=resume)
    replaced = {path for path in output or [] if path.exists()}
    report = Report(output or [], sources.columns, about, journal)
    inputs = Inputs()
    try:
        with report, screen.progress(sources, summary):
            items: Iterable[Item] = share.of(sources)
            if journal is not None:

                def restore(row: dict[str, Any]) -> None:
                    report.restore(row)
                    summary.restore(row)
                    inputs.add(row)
                    screen.advance()

                items = remaining(items, journal, restore)
                screen.restored(summary.restored, journal.path)
            for record in start(items, limits=limits, workers=workers, cache=known):
                row = report.add(record)
                summary.add(row)
                inputs.add(row)
                screen.advance()
    except KeyboardInterrupt:
        screen.interrupted(report.paths)
        raise
    statement = None
    if custody:
        statement = write_custody(inputs, about, report.paths, restored=summary.restored)
    written = Written(report.paths, replaced, statement)
    screen.summarise(
        summary, rule, detector.adapter if detector else None, written, sources.passed_over
    )
    screen.list_findings(summary)
    if as_json:
        used = {
            "adapter": detector.adapter.label if detector else None,
            "threshold": rule.threshold if rule else None,
            "fpr": rule.fpr if rule else None,
            "restored": summary.restored,
            "custody": None if statement is None else str(statement),
        }
        reports = [str(path) for path in report.paths]
        typer.echo(json.dumps({**summary.to_json(), **used, "reports": reports}))
    if _nothing_to_scan(summary, sources) and not quiet:
        typer.echo("nothing to scan: the list names no image", err=True)
    return _exit_code(summary, sources)


def _nothing_to_scan(summary: "Summary", sources: "Sources") -> bool:
    """Whether lists alone were given, and nothing that they name is an image."""
    no_images = summary.errors[ErrorCode.NOT_AN_IMAGE.value]
    return sources.only_lists and summary.files == no_images and not summary.unread


def _exit_code(summary: "Summary", sources: "Sources") -> int:
    if summary.failing:
        return Exit.FOUND
    fine = summary.scored or _nothing_to_scan(summary, sources)
    return Exit.FINE if fine else Exit.NOTHING_READ
