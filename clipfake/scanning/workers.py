"""Files in worker processes, in order, and files that need a process for themselves."""

import logging
import multiprocessing
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

from clipfake.errors import ErrorCode
from clipfake.imaging.decode import Views
from clipfake.imaging.limits import too_slow
from clipfake.records import Record
from clipfake.scanning import reader
from clipfake.scanning.processes.confine import watchdog
from clipfake.scanning.processes.last_words import LastWords, ending
from clipfake.scanning.processes.pool import AHEAD, in_order
from clipfake.scanning.processes.worker import prepare_worker
from clipfake.scanning.reader import ReadOptions
from clipfake.sources import Item

logger = logging.getLogger(__name__)

Sample = tuple[Record, Views | None]

_START_SECONDS = 120.0  # for a process to come up, on a machine that is out of breath
_END_SECONDS = 1.0  # for a killed process to go; one that waits for a dead disk never does
_WORDS = 600  # characters of a crashed decoder's last words that are told


def read_samples(
    items: Iterable[Item],
    options: ReadOptions,
    *,
    workers: int,
    chunk: int,
    ahead: int = AHEAD,
    alone: bool = False,
) -> Iterator[Sample]:
    """Read items in worker processes, in order.

    A file that kills or hangs its worker costs nothing but itself: the files of its chunk are read
    again, each in a process of its own, and the one that does it again is reported.

    Args:
        items: consumed lazily, ``workers * ahead`` chunks ahead of the consumer.
        options: what is done with each file.
        workers: processes; 0 reads in this one, which a file may kill or hang.
        chunk: files that a worker is handed at once.
        ahead: chunks that a worker has at most.
        alone: read each item in a process of its own from the start, one after another.
    """
    if alone:
        for item in items:
            yield read_alone(item, options)
        return
    read = partial(_read_here if workers == 0 else _read_chunk, options)
    prepare = partial(prepare_worker, options.limits)
    for samples in in_order(
        read,
        _chunks(items, chunk),
        workers=workers,
        prepare=prepare,
        rescue=partial(_read_each_alone, options),
        ahead=ahead,
    ):
        yield from samples


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def _read_here(options: ReadOptions, items: list[Item]) -> list[Sample]:
    return [reader.read_item(item, options) for item in items]


def _read_chunk(options: ReadOptions, items: list[Item]) -> list[Sample]:
    return [read_watched(item, options) for item in items]


def _read_each_alone(options: ReadOptions, items: list[Item]) -> list[Sample]:
    return [read_alone(item, options) for item in items]


def read_watched(item: Item, options: ReadOptions) -> Sample:
    """Read an item in a worker process, which ends if the file hangs it."""
    with watchdog(options.limits.patience):
        return reader.read_item(item, options)


def read_alone(item: Item, options: ReadOptions) -> Sample:
    """Read an item in a process of its own, which it may kill or hang."""
    words = LastWords()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(
        target=_send_sample, args=(sender, words.theirs, item, options), daemon=True
    )
    process.start()
    sender.close()
    words.listen()
    try:
        _receive(receiver, _START_SECONDS)
        sample: Sample = _receive(receiver, options.limits.patience)
        return sample
    except TimeoutError:
        slow = too_slow(options.limits.seconds)
        return _failed(item, slow.code, str(slow)), None
    except (EOFError, OSError):
        text = "the decoder crashed on it; treat the file as hostile"
        record = _failed(item, ErrorCode.DECODER_CRASH, text)
        process.join(_END_SECONDS)
        how, last = ending(process.exitcode), words.text(_WORDS)
        logger.warning("%s: its decoder %s; last words: %s", record.path, how, last)
        return record, None
    finally:
        process.kill()
        process.join(_END_SECONDS)
        receiver.close()


def _send_sample(
    sender: Connection, words: Connection | None, item: Item, options: ReadOptions
) -> None:
    prepare_worker(options.limits, words)
    sender.send("ready")
    sender.send(reader.read_item(item, options))


def _receive(receiver: Connection, seconds: float) -> Any:
    if not receiver.poll(seconds or None):
        raise TimeoutError
    return receiver.recv()


def _failed(item: Item, code: ErrorCode, text: str) -> Record:
    record = reader.record_of(item)
    record.error_code, record.error = code, f"{record.path}: {text}"
    return record
