"""Files in worker processes: their number, their set-up, and files that need one for themselves."""

import faulthandler
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

from clipfake import reader
from clipfake.confine import cap_memory, end_with_parent, watchdog
from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits, too_slow
from clipfake.last_words import LastWords, ending, speak_into
from clipfake.pool import AHEAD, in_order
from clipfake.reader import Pixels, ReadOptions
from clipfake.records import Record
from clipfake.sources import Item

logger = logging.getLogger(__name__)

Sample = tuple[Record, Pixels | None]

MAX_WORKERS = 16
_START_SECONDS = 120.0  # for a process to come up, on a machine that is out of breath
_END_SECONDS = 1.0  # for a killed process to go; one that waits for a dead disk never does
_WORDS = 600  # characters of a crashed decoder's last words that are told


def default_workers() -> int:
    """Decoding processes that suit the machine: a core is left to the encoder."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores - 1))


def read_samples(
    items: Iterable[Item], options: ReadOptions, *, workers: int, chunk: int, ahead: int = AHEAD
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
    """
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


def prepare_worker(limits: Limits, words: Connection | None) -> None:
    """Set up a worker process that reads files.

    Args:
        limits: what one file may cost.
        words: where its stderr goes; None is nowhere.
    """
    quiet_worker(words)
    cap_memory(limits.memory)


def quiet_worker(words: Connection | None) -> None:
    """Set up a worker process that prints nothing and ends when its parent does."""
    # Ctrl-C goes to the whole process group; the parent ends the workers itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # C decoders print what they find in a file straight to the terminal
    speak_into(words)
    faulthandler.enable(2)  # says where a crash was
    end_with_parent()


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
