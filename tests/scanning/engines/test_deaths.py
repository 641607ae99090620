"""Whatever dies while units are done costs no row and doubles none; actors are real processes."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.plan import ScanPlan
from clipfake.report.parquet import parquet_files
from clipfake.report.parts import check_parts, digest_name, part_name
from clipfake.scanning import reader, run
from clipfake.scanning.engines import actor as actors
from clipfake.scanning.engines import ray as engine
from clipfake.scanning.engines.ray import TRIES
from clipfake.scanning.events import Event, Noticed, Restored
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.workers import Sample
from clipfake.sources import Item
from clipfake.sources.place import Place
from tests.cli.command import clipfake
from tests.conftest import PATIENCE, fill
from tests.scanning.engines.one_machine import OneMachine

FILES, UNIT = 8, 2
Doing = Callable[[str], None]

pytestmark = pytest.mark.skipif(
    multiprocessing.get_start_method(allow_none=False) != "fork",
    reason="what a test changes reaches processes that are forked alone",
)


class Processes(OneMachine):
    """Stands in for Ray: each actor is a process, which tells its death by a closed pipe."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None
        self.landed: Callable[[Any], None] = lambda _: None
        self.actors: list[_Handle] = []

    def remote(self, **_: Any) -> Any:
        return lambda kind: _Remote(lambda job: self._brought_up(kind, job))

    def _brought_up(self, kind: Any, job: Any) -> "_Handle":
        self.actors.append(_Handle(kind, job))
        return self.actors[-1]

    def wait(self, refs: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        self.meanwhile()
        ready = wait([ref.connection for ref in refs], timeout=0.1)
        return [ref for ref in refs if ref.connection in ready][:1], []

    def get(self, ref: Any) -> Any:
        try:
            found = ref.connection.recv()
        except (EOFError, OSError):
            raise RuntimeError("The actor died unexpectedly") from None
        if isinstance(found, Exception):
            raise found
        self.landed(ref)
        return found

    def kill(self, actor: Any) -> None:
        actor.process.kill()
        actor.process.join(PATIENCE)


class _Remote:
    def __init__(self, call: Any) -> None:
        self.remote = call


class _Call:
    def __init__(self, connection: Connection, given: tuple[Any, ...]) -> None:
        self.connection, self.given = connection, given


class _Handle:
    def __init__(self, kind: Any, job: Any) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._connection = ours
        self.process = multiprocessing.Process(target=_serve, args=(kind, job, theirs, ours))
        self.process.start()
        theirs.close()
        self.here = _Remote(lambda: self._asked("here"))
        self.do = _Remote(lambda *given: self._asked("do", *given))

    def _asked(self, name: str, *given: Any) -> _Call:
        self._connection.send((name, given))
        return _Call(self._connection, given)


def _serve(kind: Any, job: Any, connection: Connection, parents: Connection) -> None:
    parents.close()
    try:
        actor = kind(job)
        while True:
            name, given = connection.recv()
            connection.send(getattr(actor, name)(*given))
    except EOFError:
        os._exit(0)  # the driver is gone
    except Exception as error:
        connection.recv()
        connection.send(error)
    os._exit(0)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    stand = Processes()
    monkeypatch.setattr(engine, "_imported", lambda: stand)
    yield stand
    for each in stand.actors:
        each.process.kill()
        each.process.join(PATIENCE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path / "in", FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def on_reading(monkeypatch: pytest.MonkeyPatch, doing: Doing) -> None:
    """Do something before each file is read, in the process that reads it."""
    read = reader.read_item

    def reading(item: Item, options: ReadOptions) -> Sample:
        doing(item.path)
        return read(item, options)

    monkeypatch.setattr(reader, "read_item", reading)


def plan(output: str = "r.parts", **given: Any) -> ScanPlan:
    options: dict[str, Any] = {"unit": UNIT, "workers": 0, "no_pixels": True}
    return ScanPlan.of(["in"], output=[output], **{**options, **given})


def events_of(what: ScanPlan) -> list[Event]:
    with run(what) as events:
        return list(events)


def on_processes(actors: int = 2) -> list[Event]:
    return events_of(plan(engine="ray", actors=actors))


def rows() -> list[dict[str, Any]]:
    return [row for file in parquet_files("r.parts") for row in pq.read_table(file).to_pylist()]


def plain_rows() -> list[dict[str, Any]]:
    events_of(plan("plain.parquet"))
    return pq.read_table("plain.parquet").to_pylist()


def said(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Noticed))


def first_time(mark: str) -> bool:
    """Whether nobody has asked for this mark before."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def wait_for(mark: str) -> None:
    """Wait until a file is there."""
    patience = time.monotonic() + PATIENCE
    while not Path(mark).exists() and time.monotonic() < patience:
        time.sleep(0.02)


def test_an_actor_that_is_killed_in_mid_unit_costs_no_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    """As the system does where memory is short, and Ray's own watch over memory."""
    expected = plain_rows()

    def die(path: str) -> None:
        if path.endswith("3.png") and first_time("died"):
            os.kill(os.getpid(), signal.SIGKILL)

    on_reading(monkeypatch, die)
    found = on_processes()
    assert "try 2 by another actor" in said(found)
    assert rows() == expected


def test_an_actor_that_is_killed_from_outside_costs_no_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    expected, pid = plain_rows(), folder / "pid"

    def hang(path: str) -> None:
        if path.endswith("5.png") and first_time("hung"):
            (folder / "pid.new").write_text(str(os.getpid()))
            os.rename("pid.new", pid)
            wait_for("the end")

    def kill() -> None:
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
            pid.unlink()

    on_reading(monkeypatch, hang)
    processes.meanwhile = kill
    found = on_processes()
    assert said(found).count("try 2 by another actor") == 1
    assert rows() == expected


def test_a_file_that_kills_whoever_reads_it_is_a_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    expected = plain_rows()

    def die(path: str) -> None:
        if path.endswith("4.png"):
            os.kill(os.getpid(), signal.SIGKILL)

    on_reading(monkeypatch, die)
    found = on_processes(actors=1)
    assert f"try {TRIES + 1} by each of its files in a process of its own" in said(found)
    ours = rows()
    assert [row["path"] for row in ours] == [row["path"] for row in expected]
    assert [row["error_code"] for row in ours] == [None] * 4 + ["decoder_crash"] + [None] * 3
    del ours[4], expected[4]
    assert ours == expected


def _drive() -> None:
    on_processes(actors=1)
    os._exit(0)


def test_a_driver_that_is_killed_is_started_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    expected = plain_rows()

    def stop(path: str) -> None:
        if path.endswith("5.png") and first_time("stopped"):
            wait_for("go on")

    with monkeypatch.context() as changed:
        on_reading(changed, stop)
        driver = multiprocessing.Process(target=_drive)
        driver.start()
    wait_for("stopped")
    driver.kill()
    os.waitid(os.P_PID, driver.pid or 0, os.WEXITED | os.WNOWAIT)
    found = on_processes()
    assert sum(event.rows for event in found if isinstance(event, Restored)) == 2 * UNIT
    assert rows() == expected
    part = Path("r.parts", part_name(2))
    before = part.stat().st_ino
    Path("go on").touch()  # the first driver's actor, which writes its part now
    # its end: it holds what the driver held; join would not wait, the driver was reaped long ago
    assert wait([driver.sentinel], PATIENCE)
    assert part.stat().st_ino != before
    assert rows() == expected
    assert check_parts(Place("r.parts")).whole == list(range(FILES // UNIT))


def test_a_part_that_is_damaged_under_way_is_done_again(folder: Path, processes: Processes) -> None:
    expected = plain_rows()

    def damage(call: Any) -> None:
        if call.given and call.given[0].number == 1 and first_time("damaged"):
            part = Path("r.parts") / part_name(1)
            part.write_bytes(part.read_bytes()[:-9])

    processes.landed = damage
    on_processes()
    assert rows() == expected


def test_a_part_that_is_written_twice_is_there_once(folder: Path, processes: Processes) -> None:
    """As when an actor was thought dead, and goes on."""
    expected = plain_rows()

    def again(call: Any) -> None:
        if call.given and call.given[0].number == 2 and first_time("again"):
            (Path("r.parts") / digest_name(2)).unlink()
            late = processes._brought_up(actors.Actor, jobs[-1])
            processes.get(late.here.remote())
            late.do.remote(*call.given).connection.recv()

    jobs: list[Any] = []

    def put(value: Any) -> Any:
        jobs.append(value)
        return value

    processes.put = put  # type: ignore[method-assign]
    processes.landed = again
    on_processes()
    assert rows() == expected
    assert [path.name for path in sorted(Path("r.parts").glob("part-*"))] == [
        part_name(number) for number in range(FILES // UNIT)
    ]


def test_another_version_on_a_machine_is_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    processes: Processes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(actors, "__version__", "0.0.1")
    words = ["scan", "in", "--no-pixels", "--engine", "ray", "--quiet", "-o", "r.parts"]
    assert clipfake(*words) == Exit.USAGE
    told = " ".join(capsys.readouterr().err.split())
    assert "has clipfake 0.0.1" in told
    assert "install the same everywhere" in told
    assert check_parts(Place("r.parts")).whole == []
