"""Tasks in worker processes: order, errors, deaths, and machines without shared memory."""

import itertools
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import clipfake.scanning.reader
from clipfake.errors import ErrorCode
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.scanning.batches import read_batches
from clipfake.scanning.processes.last_words import KEPT, LastWords, ending, speak_into
from clipfake.scanning.processes.pool import WorkerEndedError, in_order
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from tests.conftest import PATIENCE, encoded, picture

ROOT = Path(__file__).parents[3]
forks = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork",
    reason="workers see what a test replaced only where they are forked",
)


def square(number: int) -> int:
    return number * number


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_the_order_of_their_tasks(workers: int) -> None:
    def late(number: int) -> tuple[int, int]:
        if number == 0 and workers:
            time.sleep(0.2)  # the others are done before
        return number, os.getpid()

    work = late if multiprocessing.get_start_method() == "fork" else square
    found = list(in_order(work, range(20), workers=workers))
    assert [n[0] if isinstance(n, tuple) else n for n in found] == [
        n if work is late else n * n for n in range(20)
    ]


def test_no_more_workers_are_started_than_there_are_tasks() -> None:
    before = len(multiprocessing.active_children())
    results = in_order(square, [2], workers=8)
    assert next(results) == 4
    assert len(multiprocessing.active_children()) <= before + 1
    assert list(results) == []


def test_tasks_are_taken_only_as_needed_and_in_the_consumers_thread() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in itertools.count():
            taken.append(threading.current_thread())
            yield number

    results = in_order(square, tasks(), workers=2, ahead=3)
    assert [next(results) for _ in range(4)] == [0, 1, 4, 9]
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 4 + 2 * 3
    assert set(taken) == {threading.current_thread()}


def test_large_tasks_and_results_do_not_wait_for_each_other() -> None:
    # far more than a pipe holds, both ways, for every worker at once
    tasks = [bytes([number]) * 3_000_000 for number in range(12)]
    assert list(in_order(bytes, tasks, workers=2, ahead=4)) == tasks


def fail(number: int) -> int:
    if number == 3:
        raise KeyError("three")
    return number


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_work_is_raised_where_it_comes(workers: int) -> None:
    results = in_order(fail, range(9), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="three"):
        next(results)
    assert not [p for p in multiprocessing.active_children() if p.name.startswith("never")]


def unpicklable(_number: int) -> object:
    return lambda: None


def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="pickle"):
        list(in_order(unpicklable, [1], workers=1))


def die(number: int) -> int:
    if number in (3, 4):
        os.kill(os.getpid(), signal.SIGKILL if number == 3 else signal.SIGTERM)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_only_the_task_that_a_worker_was_at_is_rescued(workers: int) -> None:
    rescued = []

    def rescue(number: int) -> int:
        rescued.append(number)
        return -number

    found = list(in_order(die, range(12), workers=workers, rescue=rescue, ahead=4))
    assert found == [0, 1, 2, -3, -4, *range(5, 12)]
    assert sorted(rescued) == [3, 4]


def test_a_death_without_a_rescue_is_an_error() -> None:
    with pytest.raises(WorkerEndedError, match="a worker process was ended by SIGKILL"):
        list(in_order(die, range(12), workers=1))


def test_workers_end_with_the_iterator() -> None:
    before = set(multiprocessing.active_children())
    results = in_order(square, itertools.count(), workers=2)
    next(results)
    assert set(multiprocessing.active_children()) - before
    results.close()  # type: ignore[attr-defined]
    assert not set(multiprocessing.active_children()) - before


# last words


def speak(theirs: Connection | None, text: bytes, code: int) -> None:
    speak_into(theirs)
    os.write(2, text)
    os._exit(code)


@pytest.mark.skipif(os.name != "posix", reason="pipes that take the place of stderr")
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b"", "none"),
        (b"libpng error: \x1b[31mbad\n\n  chunk\xff\n", "libpng error: [31mbad chunk\ufffd"),
        (b"x" * 500_000 + b" the end", "x" * (KEPT - 8) + " the end"),
    ],
)
def test_what_a_process_said_last_is_one_bounded_line(text: bytes, kept: str) -> None:
    words = LastWords()
    process = multiprocessing.Process(target=speak, args=(words.theirs, text, 3))
    process.start()
    words.listen()
    process.join()
    assert words.text() == kept
    assert ending(process.exitcode) == "ended with code 3"
    assert ending(-11) == "was ended by SIGSEGV"
    assert ending(-200) == "was ended by signal 200"


@forks
def test_a_crashed_decoder_is_quoted_and_a_chatty_one_is_not(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def read(item: Item, options: ReadOptions) -> object:
        os.write(2, b"decoder: a warning that nobody asked for\n")
        if "deadly" in item.path:
            os.write(2, b"decoder: \x1b[1mthe heap is gone\n")
            os.abort()
        return read_item(item, options)

    monkeypatch.setattr(clipfake.scanning.reader, "read_item", read)
    names = ["a.png", "deadly.png", "b.png"]
    for name in names:
        (tmp_path / name).write_bytes(encoded(picture()))
    items = [Item(str(tmp_path / name)) for name in names]
    options = ReadOptions(Preprocessing(size=16))
    with caplog.at_level(logging.WARNING, "clipfake"):
        [batch] = read_batches(items, options, batch_size=4, workers=1)
    assert [record.error_code for record in batch.records] == [None, ErrorCode.DECODER_CRASH, None]
    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"{tmp_path / 'deadly.png'}: its decoder was ended by SIGABRT; ")
    assert "the heap is gone" in told
    assert "\x1b" not in told
    assert "\n" not in told
    assert capfd.readouterr() == ("", "")


# shared memory

_MOUNTS = {
    "small": "mount -t tmpfs -o size=64m tmpfs /dev/shm",
    "read-only": "mount -t tmpfs -o ro,size=1m tmpfs /dev/shm",
    "missing": "mount -t tmpfs tmpfs /dev && mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9",
}
_READ = """
import sys
from clipfake.scanning.batches import read_batches
from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.scanning.describe import scan_metadata
from clipfake.scanning.processes.pool import in_order
from clipfake.scanning.reader import ReadOptions
from clipfake.sources import Item
items = [Item(sys.argv[1])] * 700
sizes = [len(b.rows) for b in read_batches(items, ReadOptions(), batch_size=512, workers=2)]
found = scan_metadata(items, MetadataOptions(), limits=Limits(), workers=2)
print(sizes, sum(record.error is None for record in found))
"""


def namespaces(mounts: str) -> bool:
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(["unshare", "-m", "sh", "-c", mounts], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("mounts", _MOUNTS)
def test_a_large_batch_needs_no_shared_memory(tmp_path: Path, mounts: str) -> None:
    if not namespaces(_MOUNTS[mounts]):
        pytest.skip("this machine lets nobody mount a /dev/shm of their own")
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    command = f'{_MOUNTS[mounts]} && exec "$0" -c "$1" "$2"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, sys.executable, _READ, str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "[512, 188] 700\n", done.stderr


def test_nothing_is_put_into_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # where no mounts can be made: whatever would use it needs one of these
    def never(*_: object, **__: object) -> None:
        raise AssertionError("shared memory is asked for")

    context = multiprocessing.get_context()
    for name in ("Lock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Queue"):
        monkeypatch.setattr(type(context), name, never)
        monkeypatch.setattr(multiprocessing, name, never)
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    batches = read_batches([Item(str(path))] * 5, ReadOptions(), batch_size=4, workers=2)
    assert [len(batch.rows) for batch in batches] == [4, 1]
    assert list(in_order(partial(pow, 2), range(4), workers=1)) == [1, 2, 4, 8]
