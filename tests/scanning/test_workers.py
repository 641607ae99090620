"""What ends worker processes: files that hang them or eat their memory, and a dead parent."""

import faulthandler
import multiprocessing
import os
import subprocess
import sys
import time
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace

import pytest

import clipfake.imaging.decode
import clipfake.scanning.reader
from clipfake.errors import ErrorCode
from clipfake.imaging.limits import GRACE, Limits, time_limit
from clipfake.imaging.preprocessing import Preprocessing, square
from clipfake.metadata.read import MetadataOptions
from clipfake.records import Record
from clipfake.scanning import workers
from clipfake.scanning.batches import read_batches
from clipfake.scanning.describe import scan_metadata
from clipfake.scanning.processes.confine import cap_memory, watchdog
from clipfake.scanning.reader import METADATA_SECONDS, ReadOptions, read_item
from clipfake.scanning.workers import read_alone
from clipfake.sources import Item
from tests.conftest import PATIENCE, encoded, picture, run_out_of_time

pytestmark = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork",
    reason="workers see what a test replaced only where they are forked",
)
on_linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
SECONDS = 0.3
OPTIONS = ReadOptions(Preprocessing(size=16), Limits(seconds=SECONDS))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    for name in "abcdef":
        (tmp_path / f"{name}.png").write_bytes(encoded(picture(width=ord(name))))
    names = ["a.png", "b.png", "bad.png", "c.png", "d.png", "e.png", "f.png"]
    return [Item(str(tmp_path / name)) for name in names]


def hang() -> None:
    """Loop in C, where no signal handler of Python ever runs."""
    deque(repeat(None), maxlen=0)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file called bad hangs the process that reads it."""

    patient, alone = replace(OPTIONS, limits=Limits(seconds=PATIENCE)), workers.read_alone

    def read(item: Item, options: ReadOptions) -> object:
        if "bad" in item.path:
            hang()
        # the time of the others is not what is tested, and a machine may be slow
        faulthandler.cancel_dump_traceback_later()
        return read_item(item, replace(options, limits=patient.limits))

    def lone(item: Item, options: ReadOptions) -> object:
        return alone(item, options if "bad" in item.path else patient)

    monkeypatch.setattr(clipfake.scanning.reader, "read_item", read)
    monkeypatch.setattr(workers, "read_alone", lone)


def check_hang(records: list[Record], items: list[Item]) -> None:
    assert [record.path for record in records] == [item.path for item in items]
    codes = [record.error_code for record in records]
    assert codes == [ErrorCode.TOO_SLOW if "bad" in item.path else None for item in items]
    error = next(record.error for record in records if record.error)
    assert error == f"{items[2].path}: not decoded in 0.3 s; raise --timeout-per-file"


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_hangs_its_worker_costs_only_itself(items: list[Item], workers: int) -> None:
    start = time.monotonic()
    batches = list(read_batches(items, OPTIONS, batch_size=2, workers=workers))
    # in its worker, and once more alone
    assert time.monotonic() - start > 2 * (SECONDS + GRACE)
    check_hang([record for batch in batches for record in batch.records], items)
    assert [len(batch.rows) for batch in batches] == [2, 1, 2, 1]


@pytest.mark.usefixtures("hanging")
def test_a_file_that_hangs_its_worker_costs_only_itself_without_pixels(items: list[Item]) -> None:
    found = scan_metadata(items, MetadataOptions(), limits=OPTIONS.limits, workers=2)
    check_hang(list(found), items)


@pytest.mark.usefixtures("hanging")
def test_a_file_alone_is_given_up_after_its_time(items: list[Item]) -> None:
    start = time.monotonic()
    record, pixels = workers.read_alone(items[2], OPTIONS)
    assert time.monotonic() - start >= SECONDS
    assert (record.error_code, pixels) == (ErrorCode.TOO_SLOW, None)
    record, pixels = workers.read_alone(items[0], OPTIONS)
    assert record.error is None
    assert pixels is not None


def test_a_process_that_never_comes_up_is_given_up(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "prepare_worker", lambda _limits, _words: hang())
    monkeypatch.setattr(workers, "_START_SECONDS", 0.2)
    assert read_alone(items[0], OPTIONS)[0].error_code is ErrorCode.TOO_SLOW


def test_a_stall_of_the_disk_is_too_slow(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, _writing = os.pipe()
    # a read that never comes back, as of a network disk
    monkeypatch.setattr(clipfake.scanning.reader, "sniff", lambda _head: os.read(reading, 1))
    record, _ = read_item(items[0], OPTIONS)
    assert record.error_code is ErrorCode.TOO_SLOW
    assert record.sha256 is None


@pytest.mark.parametrize(
    ("spent", "left"),
    [(1.0, METADATA_SECONDS), (PATIENCE - 2.5, 2.5), (PATIENCE + 1, GRACE / 2)],
)
def test_metadata_gets_what_is_left_of_the_time(
    items: list[Item], monkeypatch: pytest.MonkeyPatch, spent: float, left: float
) -> None:
    now, given = [0.0], []

    def decoded_late(*_: object, **__: object) -> None:
        now[0] += spent
        run_out_of_time()

    def limited(seconds: float) -> AbstractContextManager[None]:
        given.append(seconds)
        return time_limit(seconds)

    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(clipfake.scanning.reader, "time", clock)
    monkeypatch.setattr(clipfake.scanning.reader, "time_limit", limited)
    monkeypatch.setattr(clipfake.scanning.reader, "decode", decoded_late)
    monkeypatch.setattr(clipfake.scanning.reader, "read_metadata", run_out_of_time)
    options = ReadOptions(Preprocessing(size=16), Limits(seconds=PATIENCE))
    record, _ = read_item(items[0], options)
    assert record.error_code is ErrorCode.TOO_SLOW
    assert record.notes == ("metadata took too long",)
    assert given == [PATIENCE, pytest.approx(left)]


def test_a_watchdog_is_armed_for_its_own_block_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(
        faulthandler, "dump_traceback_later", lambda *a, **k: calls.append((*a, k["exit"]))
    )
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: calls.append("off"))
    for seconds in (0.2, 0, -1):
        with watchdog(seconds):
            calls.append("block")
    with pytest.raises(KeyError), watchdog(7):
        raise KeyError
    assert calls == [(0.2, True), "block", "off", "block", "block", (7, True), "off"]


def test_a_watchdog_ends_what_hangs_in_c() -> None:
    code = """
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import repeat
from clipfake.scanning.processes.confine import watchdog
print("alive", flush=True)
with watchdog(0.2):
    deque(repeat(None), maxlen=0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.stdout == "alive\n"
    assert done.returncode == 1
    assert "Timeout" in done.stderr


# memory


@pytest.fixture
def greedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of an odd width ask for more memory than a worker may have."""

    def eat(image: object, size: int) -> object:
        if image.width % 2:  # type: ignore[attr-defined]
            bytes(2 * Limits().memory)  # untouched, so that it costs the machine nothing
        return square(image, size)  # type: ignore[arg-type]

    monkeypatch.setattr(clipfake.imaging.decode, "square", eat)


@on_linux
@pytest.mark.usefixtures("greedy")
def test_a_file_that_asks_for_too_much_memory_costs_only_itself(items: list[Item]) -> None:
    del items[2]
    options = ReadOptions(Preprocessing(size=16))
    expected = [ErrorCode.TOO_MANY_PIXELS, None] * 3
    batches = read_batches(items, options, batch_size=2, workers=1)
    assert [r.error_code for batch in batches for r in batch.records] == expected
    assert [read_alone(item, options)[0].error_code for item in items] == expected
    # nothing caps the process of the caller
    assert [read_item(item, options)[0].error_code for item in items] == [None] * 6


@on_linux
def test_a_worker_of_metadata_is_capped_too(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def eat(*_: object) -> None:
        bytes(2 * Limits().memory)

    monkeypatch.setattr(clipfake.scanning.reader, "read_metadata", eat)
    del items[2]
    records = list(scan_metadata(items, MetadataOptions(), limits=Limits(), workers=1))
    assert [record.notes for record in records] == [("metadata took too much memory",)] * 6
    assert all(record.error is None for record in records)


def test_a_file_that_does_not_fit_into_memory_is_too_large(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(clipfake.scanning.reader, "_read_bytes", fail)
    record, _ = read_item(items[0], OPTIONS)
    assert record.error_code is ErrorCode.TOO_LARGE
    assert str(record.error).endswith("not enough memory to read it; lower --max-bytes")


@on_linux
def test_the_cap_counts_from_what_the_process_has() -> None:
    code = """
from pathlib import Path
from types import SimpleNamespace
from clipfake.scanning.processes.confine import cap_memory
held = bytes(2**28)
cap_memory(2**26)
try:
    bytes(2**27)
    print("no cap")
except MemoryError:
    bytes(2**25)
    print("capped", Path("/proc/self/oom_score_adj").read_text())
cap_memory(2**40)  # a cap is never raised
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "capped"


def test_where_there_are_no_caps_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipfake.scanning.processes.confine.resource", None)
    cap_memory(1)
    monkeypatch.undo()
    monkeypatch.setattr("clipfake.scanning.processes.confine._STATM", Path("/nowhere"))
    cap_memory(1)
    bytes(2**20)


def test_the_cap_grows_with_what_may_be_read() -> None:
    limits = Limits()
    assert 16 * limits.pixels < limits.memory < 2**33
    assert Limits(pixels=2 * limits.pixels).memory > limits.memory + 16 * limits.pixels
    assert Limits(seconds=0).patience == 0


# a parent that is killed


@on_linux
@pytest.mark.parametrize("pixels", [True, False])
def test_workers_end_with_their_parent(items: list[Item], pixels: bool) -> None:
    code = f"""
import os, signal, sys
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.sources import Item
items = repeat(Item({items[0].path!r}))
if {pixels}:
    from clipfake.scanning.batches import read_batches
    from clipfake.scanning.reader import ReadOptions
    rows = read_batches(items, ReadOptions(), batch_size=4, workers=2)
else:
    from clipfake.scanning.describe import scan_metadata
    rows = scan_metadata(items, MetadataOptions(), limits=Limits(), workers=2)
next(rows)
print(Path("/proc/self/task", str(os.getpid()), "children").read_text(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    children = [Path("/proc", pid) for pid in done.stdout.split()]
    assert len(children) >= 2
    deadline = time.monotonic() + PATIENCE
    while any(child.exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(child.exists() for child in children)
