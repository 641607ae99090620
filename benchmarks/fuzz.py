"""Feed parsers with broken inputs, and see that nothing breaks, lasts or swells.

Input N is the same for the same seeds and seed. They run in child processes, some hundred each, so
that a crash of native code is seen. An input fails when it raises what its parser does not promise,
kills its process, takes over a second of a CPU twice in a row, or needs over 256 MB.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
import traceback
import tracemalloc
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.fuzz_mutations import mutate
from benchmarks.fuzz_seeds import Case, read_seeds

SECONDS = 1.0
MEGABYTES = 256
_BATCH = 300
_HANG = 20.0  # seconds after which a child is killed
_SUSPECT = 64  # megabytes of growth from which memory is measured again
_ADDRESSES = 4 * 2**30  # bytes of address space of a child


class Inputs:
    """All inputs of a run, by number; the first are the seeds as they are."""

    def __init__(self, seeds: list[Case], seed: int, run: Callable[[Case], None]) -> None:
        """Nothing is made yet.

        Args:
            seeds: inputs that are changed.
            seed: of the changes.
            run: gives an input to its parser; raises for anything that the parser does not promise.
        """
        self.seeds, self.seed, self.run = seeds, seed, run
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


def measure(inputs: Inputs, number: int) -> Outcome:
    """Run an input in this process."""
    case = inputs[number]
    before, start = _peak(), time.process_time()  # others' load is not the parser's
    error = ""
    try:
        inputs.run(case)
    except Exception:
        error = traceback.format_exc()
    return Outcome(number, time.process_time() - start, _peak() - before, error)


def _batch(inputs: Inputs, first: int, pipe: Connection) -> None:
    """A child: run inputs until there were enough or memory has grown."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    start = _peak()
    for number in range(first, first + _BATCH):
        pipe.send(measure(inputs, number))
        if _peak() - start > _SUSPECT:
            break


def _again(inputs: Inputs, number: int, pipe: Connection) -> None:
    """A child: run one input alone, then once more under tracemalloc."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    first = measure(inputs, number)
    tracemalloc.start()
    measure(inputs, number)
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


def fuzz(made: list[Case], run: Callable[[Case], None], what: str) -> None:
    """The command: print findings as they come, and a summary; exit with 1 if any failed.

    Args:
        made: seeds, whole and broken.
        run: gives an input to its parser.
        what: the command is for.
    """
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=Path, help="folder of more seeds, images")
    parser.add_argument("--save", type=Path, help="folder for inputs that fail")
    args = parser.parse_args()
    seeds = made + (read_seeds(args.files) if args.files else [])
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
    for case in made:  # imports are not timed
        run(case)
    fuzzer = Fuzzer(Inputs(seeds, args.seed, run), args.save)
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
