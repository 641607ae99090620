"""The run of a scan: a plan in, events out.

It owns journal, report, summary, statement of custody and cache. The detector is imported only
where pixels are scored: that takes seconds.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from clipfake.errors import ClipfakeError, UsageError
from clipfake.plan import ScanPlan
from clipfake.plan.groups import is_parts
from clipfake.records import Record
from clipfake.report.baseline import Baseline
from clipfake.report.custody import Inputs, custody_path, write_custody
from clipfake.report.findings import parse_kinds
from clipfake.report.journal import Journal, journal_path
from clipfake.report.page.pictures import HeatMaps
from clipfake.report.report import Report, check_outputs, shows_pictures
from clipfake.report.schema import to_row
from clipfake.report.summary import Summary
from clipfake.scanning.engines.local import run_here
from clipfake.scanning.engines.work import Came, Work
from clipfake.scanning.events import (
    Event,
    Failed,
    Finished,
    Listed,
    Loading,
    Noticed,
    Recorded,
    Restored,
    Started,
    Writing,
)
from clipfake.scanning.parts import baseline_of, changes_of, limits_of, selection_of
from clipfake.scanning.pictures import PicturesAgain
from clipfake.scanning.provenance import about_scan, open_journal, open_units
from clipfake.scanning.resume import Resumed
from clipfake.scanning.scanner import Scanner, Transform
from clipfake.scanning.units import Unit, Units, check_place
from clipfake.sources import Item, Sources
from clipfake.sources.place import Place
from clipfake.sources.remote import is_url, shown
from clipfake.sources.shard import Shard

if TYPE_CHECKING:
    from clipfake.detector.detector import Detector
    from clipfake.scanning.engines.ray import Cluster

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
    out = _Outputs.of(plan)
    paths = plan.what.paths if items is None else ()
    changes = changes_of(plan) if items is None else None
    sources = Sources(paths, selection_of(plan), null=plan.what.null, changes=changes)
    asked = _Asked(plan, out, sources, items, baseline_of(plan), Scanner.of(plan, transform))
    cluster = _cluster_of(plan)
    if cluster is None:
        yield from _scanned(asked, None, detector, count, explain)
        return
    asked.scanner.know(detector)
    # the plan's faults are told before a cluster is waited for, the cluster's before any is written
    with cluster:
        yield from _scanned(asked, cluster, detector, count, explain)


@dataclass(frozen=True)
class _Asked:
    """A plan whose names were looked at, before anything is written."""

    plan: ScanPlan
    out: "_Outputs"
    sources: Sources
    items: Iterable[Item] | None
    baseline: Baseline | None
    scanner: Scanner


def _cluster_of(plan: ScanPlan) -> "Cluster | None":
    if plan.run.engine != "ray":
        return None
    from clipfake.scanning.engines.ray import Cluster

    return Cluster(plan.run.address)


def _scanned(
    asked: _Asked,
    cluster: "Cluster | None",
    detector: "Detector | None",
    count: bool,
    explain: Explainer | None,
) -> Generator[Event, None, None]:
    plan, out, sources, items = asked.plan, asked.out, asked.sources, asked.items
    baseline, scanner = asked.baseline, asked.scanner
    if cluster is None:
        if scanner.scores and detector is None:
            yield Loading()
        scanner.load(detector)
    fails = parse_kinds(plan.outputs.fail_on, strict=plan.outputs.strict)
    summary = Summary(fail_on=fails, top=plan.outputs.top, kept=plan.outputs.explain)
    inputs = Inputs()
    about = about_scan(plan, scanner.detector)
    if scanner.looks is not None:
        about["looks"] = scanner.looks.value  # told also where other processes score
    units = journal = None
    if out.place is not None:
        units = open_units(plan, out.place, sources, scanner.adapter, scanner.looks)
        about = {**about, "started": units.started}
    elif items is None:
        journal = open_journal(plan, sources, about, every=scanner.every)
    with closing(units) if units else nullcontext():
        columns = sources.columns if units is None else units.columns
        told, pictures = about, None
        if out.shown and scanner.scores:
            told = {**about, "operating": _operating(scanner)}
            pictures = PicturesAgain(about["folder"], limits_of(plan), plan.run.workers)
        report = Report(out.files, columns, told, journal, baseline, pictures)
        with report:
            yield Started(
                about, summary, scanner.detector, scanner.rule, scanner.adapter, scanner.stages
            )
            listed = Shard.parse(plan.run.shard).of(sources if items is None else items)
            counted = SimpleQueue[Listed]()
            if units is not None and units.listed is not None:
                counted.put(Listed(units.listed.items, True))
            elif count and sources.rereadable:
                counted = _counted(sources)
            if units is not None:
                cut = units.cut(listed, sources.passed_over)
                work = Work(scanner, units.parts, about, baseline, out.shown)
                done = _by_units(units, cut, work, cluster)
            else:
                done = _by_journal(listed, journal, report.schema, scanner, out.shown)
            with closing(done):
                for came in done:
                    if isinstance(came, (Noticed, Restored)):
                        yield came
                        continue
                    row, record = came.row, came.record
                    take = report.restore if came.restored else report.take
                    take(row, record.thumbnail if record else None)
                    (summary.restore if came.restored else summary.add)(row)
                    inputs.add(row)
                    failed = row["error_code"] is not None and not came.restored
                    yield (Failed if failed else Recorded)(row, record)
                    while not counted.empty():
                        yield counted.get()
            if out.shown or explain is not None:
                yield Writing()
            if explain is not None and scanner.detector is not None:
                report.explain(explain(summary, scanner.detector))
    passed_over = sources.passed_over
    if units is not None and units.listed is not None:
        passed_over = Counter(units.listed.passed_over)
    custody = None
    if plan.outputs.custody:
        custody = write_custody(inputs, about, out.local, restored=summary.restored)
    # an entry matches nothing only where everything was looked at
    whole = items is None and not sources.only_lists and plan.run.shard == "1/1"
    unmatched = tuple(baseline.unmet()) if baseline is not None and whole else ()
    yield Finished(
        summary,
        out.all,
        out.replaced,
        custody,
        passed_over,
        sources.only_lists,
        unmatched,
    )


@dataclass(frozen=True)
class _Outputs:
    """What a plan's run writes.

    Attributes:
        files: reports that are written from the first row to the last.
        place: the folder of parts; None without one.
        all: every report in the order in which they were asked for.
        replaced: those of ``files`` that were there before.
        shown: whether one shows pictures.
    """

    files: tuple[Path, ...]
    place: Place | None
    all: tuple[Path | str, ...]
    replaced: frozenset[Path | str]
    shown: bool

    @classmethod
    def of(cls, plan: ScanPlan) -> "_Outputs":
        """See that what a plan names can be written.

        Raises:
            UsageError: it cannot, because of what it is called or where it is to lie.
            ReportError: it cannot, for another reason.
        """
        outputs, place = plan.outputs, None
        if outputs.parts is not None:
            place = Place(outputs.parts, network=plan.what.allow_network)
        for name in outputs.output:
            if is_url(name) and not is_parts(name):
                raise UsageError(f"{shown(name)}: of reports only .parts are written to a URL")
        every: list[Path | str] = []
        for name in outputs.output:
            every.append(Path(name) if not is_parts(name) or place is None else _named(place))
        first = every[0] if every else None
        if plan.outputs.custody and not isinstance(first, Path):
            raise UsageError("--custody lies beside the first report: name one of this machine")
        beside = [] if place or not outputs.files else [journal_path(outputs.files[0])]
        beside += [custody_path(first)] if outputs.custody and isinstance(first, Path) else []
        check_outputs([each for each in every if isinstance(each, Path)], beside)
        if place is not None:
            check_place(place)
        return cls(
            outputs.files,
            place,
            tuple(every),
            frozenset(path for path in outputs.files if path.exists()),
            any(map(shows_pictures, outputs.files)),
        )

    @property
    def local(self) -> list[Path]:
        """Every report of this machine."""
        return [each for each in self.all if isinstance(each, Path)]


def _named(place: Place) -> Path | str:
    return str(place) if place.path is None else place.path


def _by_units(
    units: Units, cut: Iterator[Unit], work: Work, cluster: "Cluster | None"
) -> Generator[Came | Noticed | Restored, None, None]:
    """Rows of a scan whose report is a folder of parts."""
    place = units.parts.place
    for name in units.changed:
        yield Noticed(
            f"{name} changed since it was listed; the scan goes on with what was listed, "
            "--no-resume starts anew"
        )
    done: Iterator[Came | Noticed]
    done = run_here(cut, work) if cluster is None else cluster.run(cut, work)
    restored = fresh = 0
    for came in done:
        if isinstance(came, Came):
            restored, fresh = restored + came.restored, fresh + (not came.restored)
        yield came
    yield Restored(restored, _named(place))
    if restored and not fresh:
        yield Noticed(f"{place}: every part was whole already; --no-resume scans anew")


def _by_journal(
    listed: Iterable[Item],
    journal: Journal | None,
    schema: pa.Schema,
    scanner: Scanner,
    thumbnails: bool,
) -> Generator[Came | Restored, None, None]:
    """Rows of a scan whose reports are written from the first row to the last."""
    if journal is not None:
        resumed, restored = Resumed(listed, journal), 0
        with closing(resumed.rows()) as kept:
            for row in kept:
                restored += 1
                yield Came(row, None, restored=True)
        yield Restored(restored, journal.path)
        listed = resumed.items
    with closing(scanner.records(listed, thumbnails=thumbnails)) as done:
        for record in done:
            yield Came(to_row(record, schema), record)


def _operating(scanner: Scanner) -> dict[str, Any]:
    from clipfake.detector.operating import operating_facts

    if scanner.adapter is None or scanner.looks is None:
        return {}
    return operating_facts(scanner.adapter, scanner.looks)


def _counted(sources: Sources) -> "SimpleQueue[Listed]":
    """Count everything in a thread of its own; the queue has the result when it is there."""
    found: SimpleQueue[Listed] = SimpleQueue()

    def count() -> None:
        with suppress(ClipfakeError):  # the scan itself meets the same error and tells it
            counted = sources.count()
            found.put(Listed(counted.files, counted.exact))

    threading.Thread(target=count, daemon=True).start()
    return found
