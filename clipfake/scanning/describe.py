"""A scan of metadata alone: no pixel is decoded, and torch is never imported."""

from collections.abc import Generator, Iterable
from dataclasses import asdict
from itertools import islice

from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.records import Record
from clipfake.scanning.cache import Cache, cache_key
from clipfake.scanning.processes.worker import default_workers
from clipfake.scanning.reader import ReadOptions
from clipfake.scanning.stages import Stages
from clipfake.scanning.workers import read_samples
from clipfake.sources import Item
from clipfake.verdict.judge import judge

CHUNK = 64  # files that a worker is handed at once
_AHEAD = 3  # chunks in flight for each worker


def scan_metadata(
    items: Iterable[Item],
    options: MetadataOptions | None,
    *,
    limits: Limits,
    workers: int | None = None,
    cache: Cache | None = None,
    stages: Stages | None = None,
    alone: bool = False,
) -> Generator[Record, None, None]:
    """Describe files by their metadata alone, in order.

    A file that kills or hangs its worker costs nothing but itself, as in a scan of pixels.

    Args:
        items: consumed lazily, a few hundred files ahead.
        options: what is read and reported; None hashes files and looks at nothing else.
        limits: what one file may cost.
        workers: reading processes; None suits the machine, 0 reads in this process.
        cache: of bytes that were read before.
        stages: counts what is done.
        alone: read each item in a process of its own.
    """
    stages = stages if stages is not None else Stages()
    key = cache_key(
        {
            **(cache.content if cache else {}),
            "max_pixels": limits.pixels,
            "metadata": None if options is None else asdict(options),
            "pixels": False,
        }
    )
    use = cache.use(key) if cache else None
    reading = ReadOptions(None, limits, options, cache=use)
    count = default_workers() if workers is None else workers
    samples = read_samples(items, reading, workers=count, chunk=CHUNK, ahead=_AHEAD, alone=alone)
    while records := [record for record, _ in islice(samples, CHUNK)]:
        stages.read += len(records)
        stages.cached += sum(record.cached for record in records)
        for record in records:
            judge(record, None)
        if cache is not None:
            cache.add(key, records)
        yield from records
