"""How long a start takes: two trees, or any two commands, timed in turn.

    python -m benchmarks.start TREE [TREE] [--rounds 7] [--arguments "scan IMAGE --quiet"]
    python -m benchmarks.start --commands "COMMAND" "COMMAND" [--rounds 7]

A tree is a checkout of this project; the second is this one unless named. Each round runs the first
and then the second, so that a machine's changes of speed fall on both. It prints the seconds of
every run, by the clock and of the CPU, the medians, and the median of the rounds' ratios, second by
first. Nothing is said of a run that fails but its output, and the exit code is 1.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
IMAGE = HERE / "examples" / "images" / "rocket-camera-exif.jpg"


class Run(NamedTuple):
    """Seconds of a command.

    Attributes:
        wall: by the clock.
        cpu: of the process and the workers it waited for.
    """

    wall: float
    cpu: float


class Command(NamedTuple):
    """What is timed: its words, and the tree whose package it runs."""

    words: list[str]
    tree: Path

    def run(self) -> Run:
        """Run it once; its stdout is passed over."""
        environment = {**os.environ, "PYTHONPATH": str(self.tree)}
        before, start = _cpu(), time.perf_counter()
        done = subprocess.run(
            self.words, cwd=self.tree, env=environment, capture_output=True, check=False
        )
        wall = time.perf_counter() - start
        if done.returncode:
            sys.exit(
                f"{shlex.join(self.words)}: exit code {done.returncode}\n{done.stderr.decode()}"
            )
        return Run(wall, _cpu() - before)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(first: Command, second: Command, rounds: int) -> None:
    """Time both in turn and print what came of it."""
    runs: list[tuple[Run, Run]] = []
    for number in range(rounds):
        one, other = first.run(), second.run()
        runs.append((one, other))
        print(
            f"round {number}: {one.wall:.2f} s (CPU {one.cpu:.2f}), "
            f"{other.wall:.2f} s (CPU {other.cpu:.2f})",
            flush=True,
        )
    for name in Run._fields:
        pairs = [(getattr(one, name), getattr(other, name)) for one, other in runs]
        before, after = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"{name}: {before:.2f} s, then {after:.2f} s; ratio {ratio:.2f} (medians)")


def main() -> None:
    """Parse the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trees", nargs="*", type=Path)
    parser.add_argument("--arguments", default=shlex.join(["scan", str(IMAGE), "--quiet"]))
    parser.add_argument("--commands", nargs=2)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    if args.commands:
        first, second = (Command(shlex.split(text), Path.cwd()) for text in args.commands)
    elif 1 <= len(args.trees) <= 2:
        words = [sys.executable, "-m", "clipfake", *shlex.split(args.arguments)]
        trees = [*(tree.resolve() for tree in args.trees), HERE]
        first, second = (Command(words, tree) for tree in trees[:2])
    else:
        parser.error("name one tree or two, or give --commands")
    compare(first, second, args.rounds)


if __name__ == "__main__":
    main()
