"""Feed the readers of metadata with broken files, and see that nothing breaks, lasts or swells.

    python -m benchmarks.fuzz_metadata --seconds 600 [--seed 0] [--files FOLDER] [--save FOLDER]

Inputs are mutations of small files, whole and broken, made here and, if given, of the images below
--files; input N is the same for the same seed and files. They run in child processes, some hundred
each, so that a crash of native code is seen. An input fails when it raises what its parser does
not promise, gives text that no report can hold, kills its process, takes over a second of a CPU
twice in a row, or needs over 256 MB. The last line is a summary in JSON; the exit code is 1 if any
failed.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
import traceback
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.fuzz_broken import broken_seeds
from benchmarks.fuzz_mutations import mutate
from benchmarks.fuzz_seeds import FORMATS, Case, make_seeds, read_seeds
from clipfake.imaging.ancillary import without_damage
from clipfake.imaging.raw import raw_kind
from clipfake.metadata.c2pa import manifest_facts
from clipfake.metadata.containers.photoshop import iptc_blocks
from clipfake.metadata.exif import exif_table, read_exif
from clipfake.metadata.facts import Fact
from clipfake.metadata.iptc import read_iptc
from clipfake.metadata.jumbf import is_manifest_store
from clipfake.metadata.read import MetadataOptions, parameter_facts, read_metadata
from clipfake.metadata.stealth import read_stealth
from clipfake.metadata.thumbnail import compare_thumbnail
from clipfake.metadata.user_comment import decoded, user_comment
from clipfake.metadata.xmp import read_xmp

SECONDS = 1.0
MEGABYTES = 256
_BATCH = 300
_HANG = 20.0  # seconds after which a child is killed
_SUSPECT = 64  # megabytes of growth from which memory is measured again
_ADDRESSES = 4 * 2**30  # bytes of address space of a child
_OPTIONS = MetadataOptions(position=True, prompts=True)
_PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)


def run(case: Case) -> None:
    """Give an input to its parser; raises for anything that the parser does not promise."""
    _RUNNERS[case.target](case.data)


def _whole(data: bytes, form: str) -> None:
    without_damage(data, form)
    raw_kind(data)
    found = read_metadata(data, form, _OPTIONS)
    _check(found.facts)
    "".join(found.notes).encode()
    if found.thumbnail:
        compare_thumbnail(found.thumbnail, _PIXELS, 1)


def _check(facts: Sequence[Fact]) -> None:
    """Reports are UTF-8, so every text must be."""
    for fact in facts:
        f"{fact.key} {fact.value} {fact.place}".encode()


def _exif(data: bytes) -> None:
    with suppress(ValueError):
        read_exif(data, with_position=True)
    with suppress(ValueError):
        exif_table(data)


def _xmp(data: bytes) -> None:
    for values in read_xmp(data).properties.values():
        "".join(values).encode()


def _stealth(data: bytes) -> None:
    """An image whose lowest bits are the data, of the channels that its first words name."""
    bands = 3 if data.startswith(b"stealth_rgb") else 1
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    height = len(data) % 61 + 1
    width = -(-bits.size // (height * bands)) + 1
    planes: npt.NDArray[np.uint8] = np.zeros(height * width * bands, dtype=np.uint8)
    planes[: bits.size] = bits
    pixels = planes.reshape(width, height, bands).transpose(1, 0, 2)
    if bands == 1:
        pixels = np.concatenate([np.zeros((height, width, 3), np.uint8), pixels], axis=2)
    for _, text in read_stealth(Image.fromarray(np.ascontiguousarray(pixels))):
        _parameters({"stealth:parameters": text})


def _parameters(texts: dict[str, str]) -> None:
    for captured in (False, True):
        places = dict.fromkeys(texts, ("place", None))
        _check(parameter_facts(texts, places, prompts=True, captured=captured))


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _fields(data: bytes) -> None:
    _parameters({key: str(text) for key, text in _json(data).items()})


_RUNNERS: dict[str, Callable[[bytes], object]] = {
    **{form: partial(_whole, form=form) for form in (*FORMATS, "BMP")},
    "exif": _exif,
    "xmp": _xmp,
    "iptc": read_iptc,
    "photoshop": lambda data: list(iptc_blocks([(0, data[:99]), (99, data[99:])], "here")),
    "jumbf": is_manifest_store,
    "stealth": _stealth,
    "comment": lambda data: (user_comment(data).encode(), decoded(data).encode()),
    "parameters": _fields,
    "thumbnail": lambda data: compare_thumbnail(data, _PIXELS, 6),
    "manifest": lambda data: _check(manifest_facts(_json(data), "here", 0)),
}


class Inputs:
    """All inputs of a run, by number; the first are the seeds as they are."""

    def __init__(self, seeds: list[Case], seed: int) -> None:
        self.seeds, self.seed = seeds, seed
        self._targets: dict[str, list[Case]] = {}
        for case in seeds:
            self._targets.setdefault(case.target, []).append(case)
        # whole files more often than parts
        self._order = [name for name in self._targets for _ in range(3 if name.isupper() else 1)]

    def __getitem__(self, number: int) -> Case:
        if number < len(self.seeds):
            return self.seeds[number]
        rng = Random(f"{self.seed}/{number}")
        return mutate(rng.choice(self._targets[rng.choice(self._order)]), self.seeds, rng)


class Outcome(NamedTuple):
    """What one input did."""

    number: int
    seconds: float
    growth: float  # megabytes
    error: str = ""


def _peak() -> float:
    """Megabytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(case: Case, number: int) -> Outcome:
    """Run an input in this process."""
    before, start = _peak(), time.process_time()  # others' load is not the parser's
    error = ""
    try:
        run(case)
    except Exception:
        error = traceback.format_exc()
    return Outcome(number, time.process_time() - start, _peak() - before, error)


def _batch(inputs: Inputs, first: int, pipe: Connection) -> None:
    """A child: run inputs until there were enough or memory has grown."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    start = _peak()
    for number in range(first, first + _BATCH):
        pipe.send(measure(inputs[number], number))
        if _peak() - start > _SUSPECT:
            break


def _again(inputs: Inputs, number: int, pipe: Connection) -> None:
    """A child: run one input alone, then once more under tracemalloc."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    case = inputs[number]
    first = measure(case, number)
    tracemalloc.start()
    measure(case, number)
    traced = tracemalloc.get_traced_memory()[1] / 2**20
    pipe.send(first._replace(growth=max(first.growth, traced)))


def _child(
    body: Callable[[Inputs, int, Connection], None], inputs: Inputs, number: int
) -> tuple[list[Outcome], str]:
    """Outcomes of a child process, and how it died if it did."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=body, args=(inputs, number, theirs))
    process.start()
    theirs.close()
    outcomes: list[Outcome] = []
    death = ""
    try:
        while not death:
            if ours.poll(_HANG):
                outcomes.append(ours.recv())
            else:
                death = f"no answer in {_HANG:g} s"
    except EOFError:
        pass
    if death:
        process.kill()
    process.join()
    if not death and process.exitcode:
        death = f"the process ended with {process.exitcode}"
    return outcomes, death


class Fuzzer:
    """Runs batches, looks twice at what is slow or large, and keeps what failed."""

    def __init__(self, inputs: Inputs, folder: Path | None) -> None:
        self.inputs, self.folder = inputs, folder
        self.number = 0
        self.failed = {"crashes": 0, "slow": 0, "large": 0}
        self.worst = self.growth = 0.0
        self._told: dict[str, int] = {}

    def step(self) -> None:
        """Run one batch."""
        outcomes, death = _child(_batch, self.inputs, self.number)
        for outcome in outcomes:
            self.number += 1
            self._judge(outcome)
        if death:
            self._fail("slow" if "answer" in death else "crashes", self.number, death)
            self.number += 1

    def _judge(self, outcome: Outcome) -> None:
        number = outcome.number
        if outcome.error:
            self._fail("crashes", number, outcome.error)
        if outcome.seconds <= SECONDS and outcome.growth <= _SUSPECT:
            self.worst = max(self.worst, outcome.seconds)
            self.growth = max(self.growth, outcome.growth)
            return
        outcomes, death = _child(_again, self.inputs, number)
        again = outcomes[0] if outcomes else outcome
        seconds = min(outcome.seconds, again.seconds)
        self.worst, self.growth = max(self.worst, seconds), max(self.growth, again.growth)
        if death:
            self._fail("crashes", number, death)
        if seconds > SECONDS:
            self._fail("slow", number, f"{outcome.seconds:.2f} s, then {again.seconds:.2f} s")
        if again.growth > MEGABYTES:
            self._fail("large", number, f"{again.growth:.0f} MB")

    def _fail(self, kind: str, number: int, why: str) -> None:
        case = self.inputs[number]
        self.failed[kind] += 1
        lines = why.strip().splitlines()
        signature = f"{kind} {case.target} " + " ".join(lines[-3:] if kind == "crashes" else ())
        self._told[signature] = self._told.get(signature, 0) + 1
        if self._told[signature] > 5:  # more of the same tells nothing
            return
        size = len(case.data)
        print(f"{kind} {number} {case.target} {size} bytes: {lines[-1]}", file=sys.stderr)
        if self.folder:
            path = self.folder / f"{kind}-{self.inputs.seed}-{number}.{case.target}"
            path.write_bytes(case.data)
            path.with_suffix(path.suffix + ".txt").write_text(why)


def main() -> None:
    """Print findings as they come, and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=Path)
    parser.add_argument("--save", type=Path)
    args = parser.parse_args()
    made = make_seeds() + broken_seeds()
    seeds = made + (read_seeds(args.files) if args.files else [])
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
    for case in made:  # imports are not timed
        run(case)
    fuzzer = Fuzzer(Inputs(seeds, args.seed), args.save)
    start = time.perf_counter()
    while time.perf_counter() - start < args.seconds:
        fuzzer.step()
    seconds = time.perf_counter() - start
    summary = {
        "seconds": round(seconds, 1),
        "inputs": fuzzer.number,
        "inputs_per_second": round(fuzzer.number / seconds, 1),
        **fuzzer.failed,
        "worst_seconds": round(fuzzer.worst, 3),
        "peak_growth_mb": round(fuzzer.growth, 1),
    }
    print(json.dumps(summary))
    sys.exit(any(fuzzer.failed.values()))


if __name__ == "__main__":
    main()
