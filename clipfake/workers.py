"""Worker processes: how many, how they are set up, and a file that needs one for itself."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from typing import Any

from clipfake import reader
from clipfake.confine import cap_memory, end_with_parent, watchdog
from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits, too_slow
from clipfake.reader import Pixels, ReadOptions
from clipfake.records import Record
from clipfake.sources import Item

MAX_WORKERS = 16
_START_SECONDS = 120.0  # for a process to come up, on a machine that is out of breath
_END_SECONDS = 1.0  # for a killed process to go; one that waits for a dead disk never does


def default_workers() -> int:
    """Decoding processes that suit the machine: a core is left to the encoder."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores - 1))


def prepare_worker(limits: Limits, _worker: int = 0) -> None:
    """Set up a worker process.

    Args:
        limits: what one file may cost.
    """
    # Ctrl-C goes to the whole process group; the parent ends the workers itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # C decoders print what they find in a file straight to the terminal
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    end_with_parent()
    cap_memory(limits.memory)


def read_watched(item: Item, options: ReadOptions) -> tuple[Record, Pixels | None]:
    """Read an item in a worker process, which ends if the file hangs it."""
    with watchdog(options.limits.patience):
        return reader.read_item(item, options)


def read_alone(item: Item, options: ReadOptions) -> tuple[Record, Pixels | None]:
    """Read an item in a process of its own, which it may kill or hang."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(
        target=_send_sample, args=(sender, item, options), daemon=True
    )
    process.start()
    sender.close()
    try:
        _receive(receiver, _START_SECONDS)
        sample: tuple[Record, Pixels | None] = _receive(receiver, options.limits.patience)
        return sample
    except TimeoutError:
        slow = too_slow(options.limits.seconds)
        return _failed(item, slow.code, str(slow)), None
    except (EOFError, OSError):
        text = "the decoder crashed on it; treat the file as hostile"
        return _failed(item, ErrorCode.DECODER_CRASH, text), None
    finally:
        receiver.close()
        process.kill()
        process.join(_END_SECONDS)


def _send_sample(sender: Connection, item: Item, options: ReadOptions) -> None:
    prepare_worker(options.limits)
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
