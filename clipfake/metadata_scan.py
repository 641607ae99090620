"""A scan of metadata alone: no pixel is decoded, and torch is never imported."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from itertools import islice

from clipfake import reader
from clipfake.cache import Cache, cache_key
from clipfake.imaging.limits import Limits
from clipfake.merge import judge
from clipfake.metadata.read import MetadataOptions
from clipfake.reader import ReadOptions
from clipfake.records import Record
from clipfake.sources import Item
from clipfake.workers import default_workers, prepare_worker, read_alone, read_watched

CHUNK = 64  # files that a worker is handed at once
_AHEAD = 3  # chunks in flight for each worker

_Flight = deque[tuple[list[Item], "Future[list[Record]]"]]


def scan_metadata(
    items: Iterable[Item],
    options: MetadataOptions,
    *,
    limits: Limits,
    workers: int | None = None,
    cache: Cache | None = None,
) -> Iterator[Record]:
    """Describe files by their metadata alone, in order.

    A file that kills or hangs its worker costs nothing but itself, as in a scan of pixels.

    Args:
        items: consumed lazily, a few hundred files ahead.
        options: what is read and reported.
        limits: what one file may cost.
        workers: reading processes; None suits the machine, 0 reads in this process.
        cache: of bytes that were read before.
    """
    key = cache_key({"max_pixels": limits.pixels, "metadata": asdict(options), "pixels": False})
    use = cache.use(key) if cache else None
    reading = ReadOptions(None, limits, options, cache=use)
    count = default_workers() if workers is None else workers
    for records in _read(items, reading, count) if count else _read_here(items, reading):
        for record in records:
            judge(record, None)
        if cache is not None:
            cache.add(key, records)
        yield from records


def _read_here(items: Iterable[Item], options: ReadOptions) -> Iterator[list[Record]]:
    source = iter(items)
    while chunk := list(islice(source, CHUNK)):
        yield [reader.read_item(item, options)[0] for item in chunk]


def _read(items: Iterable[Item], options: ReadOptions, workers: int) -> Iterator[list[Record]]:
    source = iter(items)
    flight: _Flight = deque()
    pool = _pool(workers, options)
    try:
        while True:
            while len(flight) < workers * _AHEAD and (chunk := list(islice(source, CHUNK))):
                try:
                    future = pool.submit(_read_chunk, chunk, options)
                except BrokenProcessPool:
                    pool = _pool(workers, options)
                    future = pool.submit(_read_chunk, chunk, options)
                flight.append((chunk, future))
            if not flight:
                return
            chunk, future = flight.popleft()
            try:
                records = future.result()
            except BrokenProcessPool:
                # which file did it is not told, so each of those in flight gets a process
                records = [read_alone(item, options)[0] for item in chunk]
            yield records
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _pool(workers: int, options: ReadOptions) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, initializer=prepare_worker, initargs=(options.limits,))


def _read_chunk(items: list[Item], options: ReadOptions) -> list[Record]:
    return [read_watched(item, options)[0] for item in items]
