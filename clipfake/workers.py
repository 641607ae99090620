"""Worker processes: how many, how they are set up, and a file that needs one for itself."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection

from clipfake import reader
from clipfake.errors import ErrorCode
from clipfake.reader import Pixels, ReadOptions
from clipfake.records import Record
from clipfake.sources import Item

MAX_WORKERS = 16


def default_workers() -> int:
    """Decoding processes that suit the machine: a core is left to the encoder."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores - 1))


def prepare_worker(_worker: int = 0) -> None:
    """Set up a worker process."""
    # Ctrl-C goes to the whole process group; the parent ends the workers itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # C decoders print what they find in a file straight to the terminal
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def read_alone(item: Item, options: ReadOptions) -> tuple[Record, Pixels | None]:
    """Read an item in a process of its own, which it may kill."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(
        target=_send_sample, args=(sender, item, options), daemon=True
    )
    process.start()
    sender.close()
    try:
        sample: tuple[Record, Pixels | None] = receiver.recv()
    except EOFError:
        record = Record(path=item.text, path_raw=item.raw, extra=item.extra)
        record.error_code = ErrorCode.DECODER_CRASH
        record.error = f"{record.path}: the decoder crashed on it; treat the file as hostile"
        sample = record, None
    finally:
        receiver.close()
        process.kill()
        process.join()
    return sample


def _send_sample(sender: Connection, item: Item, options: ReadOptions) -> None:
    prepare_worker()
    sender.send(reader.read_item(item, options))
