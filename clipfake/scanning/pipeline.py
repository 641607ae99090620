"""The run of a scan: a plan in, events out.

It owns journal, report, summary, statement of custody and cache. The detector is imported only
where pixels are scored: that takes seconds.
"""

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from clipfake.errors import ClipfakeError, UsageError
from clipfake.plan import ScanPlan
from clipfake.records import Record
from clipfake.report.custody import Inputs, custody_path, write_custody
from clipfake.report.findings import parse_kinds
from clipfake.report.journal import journal_path
from clipfake.report.page.pictures import HeatMaps
from clipfake.report.report import Report, check_outputs, shows_pictures
from clipfake.report.summary import Summary
from clipfake.scanning.describe import CHUNK, scan_metadata
from clipfake.scanning.events import (
    Event,
    Failed,
    Finished,
    Listed,
    Loading,
    Recorded,
    Restored,
    Started,
    Writing,
)
from clipfake.scanning.parts import (
    baseline_of,
    cache_of,
    changes_of,
    limits_of,
    load_detector,
    metadata_of,
    selection_of,
)
from clipfake.scanning.pictures import PicturesAgain
from clipfake.scanning.provenance import about_scan, open_journal
from clipfake.scanning.resume import Resumed
from clipfake.scanning.stages import Stages
from clipfake.sources import Item, Sources
from clipfake.sources.shard import Shard

if TYPE_CHECKING:
    from clipfake.detector.calibration import DecisionRule
    from clipfake.detector.detector import Detector

Stage = Callable[[Iterable[Item]], Generator[Record, None, None]]
Transform = Callable[[bytes], bytes]
Explainer = Callable[[Summary, "Detector"], HeatMaps]


@contextmanager
def run(
    plan: ScanPlan,
    *,
    items: Iterable[Item] | None = None,
    detector: "Detector | None" = None,
    transform: Transform | None = None,
    count: bool = False,
    explain: Explainer | None = None,
) -> Iterator[Iterator[Event]]:
    """Carry out a plan.

    Used as a context manager that gives an iterator of events; see ``clipfake.scanning.events``.
    Reports appear under their names before ``Finished`` comes. A run that is left before keeps
    what it has: the same plan goes on from there.

    Args:
        plan: what is to be done.
        items: scanned instead of the plan's paths; then there is no journal.
        detector: loaded already; None loads the plan's.
        transform: what is done to a file's bytes before they are decoded.
        count: list everything a second time beside the scan, for ``Listed``.
        explain: draws what drives the worst scores, once all are known; raises nothing. None draws
            nothing.

    Raises:
        UsageError: a name does not exist, a list cannot be read, an output cannot be written, or
            there is no such operating point.
        AdapterError, BackboneError: the detector cannot be loaded.
        ReportError: a report cannot be written.
    """
    with closing(_events(plan, items, detector, transform, count, explain)) as events:
        yield events


def records(
    plan: ScanPlan,
    *,
    items: Iterable[Item] | None = None,
    detector: "Detector | None" = None,
    transform: Transform | None = None,
) -> Iterator[Record]:
    """The records of a run, without its other events; see ``run``."""
    with run(plan, items=items, detector=detector, transform=transform) as events:
        for event in events:
            if isinstance(event, Recorded) and event.record is not None:
                yield event.record


def scan(
    paths: ScanPlan | Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    detector: "Detector | None" = None,
    **options: Any,
) -> Iterator[Record]:
    """Scan files, folders, archives and lists, without a report.

    Every file gives one record, in order; a file that cannot be read gives a record with an
    error code instead of a score.

    Args:
        paths: names, or one name, or a whole plan.
        detector: None loads the one that the options name, by default the one in the package.
        options: those of the command line by their long names, such as ``fpr=0.001`` or
            ``no_metadata=True``; see ``clipfake.plan``.

    Raises:
        UsageError: a name does not exist, a list cannot be read, there is no such option or
            operating point, or options contradict each other.
    """
    plan = paths.replaced(**options) if isinstance(paths, ScanPlan) else None
    plan = plan or ScanPlan.of(cast("Sequence[str] | str", paths), **options)
    if plan.outputs.output:
        raise UsageError("scan() gives records and writes no report: use clipfake.scanning.run")
    return records(plan, detector=detector)


def _events(
    plan: ScanPlan,
    items: Iterable[Item] | None,
    detector: "Detector | None",
    transform: Transform | None,
    count: bool,
    explain: Explainer | None,
) -> Generator[Event, None, None]:
    outputs = plan.outputs.output
    beside = [journal_path(outputs[0])] if outputs else []
    beside += [custody_path(outputs[0])] if plan.outputs.custody else []
    check_outputs(outputs, beside)
    paths = plan.what.paths if items is None else ()
    changes = changes_of(plan) if items is None else None
    sources = Sources(paths, selection_of(plan), null=plan.what.null, changes=changes)
    baseline = baseline_of(plan)
    metadata = metadata_of(plan)
    cache = cache_of(plan, metadata)
    reading: dict[str, Any] = {
        "limits": limits_of(plan),
        "workers": plan.run.workers,
        "cache": cache,
        "stages": Stages(),
    }
    shown = any(map(shows_pictures, outputs))
    rule: DecisionRule | None = None
    if plan.how.no_pixels or plan.how.hash_alone:
        detector, every = None, CHUNK
        start: Stage = partial(scan_metadata, options=metadata, **reading)
    else:
        if detector is None:
            yield Loading()
            detector = load_detector(plan)
        rule = detector.rule(fpr=plan.how.fpr, threshold=plan.how.threshold)
        every = detector.batch_size
        reading |= {"metadata": metadata, "transform": transform, "thumbnails": shown}
        start = partial(_scored, detector=detector, rule=rule, **reading)
    fails = parse_kinds(plan.outputs.fail_on, strict=plan.outputs.strict)
    summary, inputs = (
        Summary(fail_on=fails, top=plan.outputs.top, kept=plan.outputs.explain),
        Inputs(),
    )
    about = about_scan(plan, detector)
    journal = open_journal(plan, sources, about, every=every) if items is None else None
    replaced = frozenset(path for path in outputs if path.exists())
    told, pictures = about, None
    if shown and detector is not None:
        told = {**about, "operating": _operating(detector)}
        pictures = PicturesAgain(about["folder"], limits_of(plan), plan.run.workers)
    report = Report(outputs, sources.columns, told, journal, baseline, pictures)
    with report:
        yield Started(about, summary, detector, rule, reading["stages"])
        counted = _counted(sources) if count and sources.rereadable else SimpleQueue[Listed]()
        listed = Shard.parse(plan.run.shard).of(sources if items is None else items)
        if journal is not None:
            resumed = Resumed(listed, journal)
            with closing(resumed.rows()) as kept:
                for row in kept:
                    report.restore(row)
                    summary.restore(row)
                    inputs.add(row)
                    yield Recorded(row, None)
            yield Restored(summary.restored, journal.path)
            listed = resumed.items
        with closing(start(listed)) as done:
            for record in done:
                row = report.add(record)
                summary.add(row)
                inputs.add(row)
                yield (Recorded if record.error_code is None else Failed)(row, record)
                while not counted.empty():
                    yield counted.get()
        if shown or explain is not None:
            yield Writing()
        if explain is not None and detector is not None:
            report.explain(explain(summary, detector))
    custody = None
    if plan.outputs.custody:
        custody = write_custody(inputs, about, outputs, restored=summary.restored)
    # an entry matches nothing only where everything was looked at
    whole = items is None and not sources.only_lists and plan.run.shard == "1/1"
    unmatched = tuple(baseline.unmet()) if baseline is not None and whole else ()
    yield Finished(
        summary,
        outputs,
        replaced,
        custody,
        sources.passed_over,
        sources.only_lists,
        unmatched,
    )


def _scored(items: Iterable[Item], **options: Any) -> Generator[Record, None, None]:
    from clipfake.scanning import score

    return score.scan_items(items, **options)


def _operating(detector: "Detector") -> dict[str, Any]:
    from clipfake.detector.operating import operating_facts

    return operating_facts(detector.adapter, detector.looks)


def _counted(sources: Sources) -> "SimpleQueue[Listed]":
    """Count everything in a thread of its own; the queue has the result when it is there."""
    found: SimpleQueue[Listed] = SimpleQueue()

    def count() -> None:
        with suppress(ClipfakeError):  # the scan itself meets the same error and tells it
            counted = sources.count()
            found.put(Listed(counted.files, counted.exact))

    threading.Thread(target=count, daemon=True).start()
    return found
