"""How fast the encoder is: two trees in turn, beside the matrix products alone.

    python -m benchmarks.encoder TREE [TREE] [--rounds 15] [--threads 1] [--precision bf16]

A tree is a checkout of this project; the second is this one unless named. A process of each loads
its detector and then encodes a micro-batch whenever it is its turn, and this one makes the products
that the blocks of CLIP ViT-B/16 make of a micro-batch, so that a machine's changes of speed fall on
all three. It prints images a second, of processor time (all threads) and by the clock: medians over
the rounds, and of the rounds' ratios to the first tree. Processor time is what tells on a machine
that does other things too; with one thread nothing waits for another. ``ONEDNN_MAX_CPU_ISA=AVX2``
and the like make all three compute as on a lesser processor.

How far scores differ is what ``benchmarks.rounding`` says of two reports.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch

HERE = Path(__file__).resolve().parent.parent
_MICRO_BATCH = 8
# what a tree runs: nothing of it but what both trees have
_TURNS = """
import sys, time
import torch
from clipfake.detector import Detector
torch.set_num_threads(int(sys.argv[1]))
detector = Detector.load(device="cpu", precision=sys.argv[2])
read = detector.adapter.blocks
drawn = torch.Generator().manual_seed(0)
pixels = torch.randint(0, 256, (8, 3, 224, 224), dtype=torch.uint8, generator=drawn)
for line in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    detector.tokens(pixels, read)
    print(time.process_time() - cpu, time.perf_counter() - wall, flush=True)
"""


class Turn(NamedTuple):
    """Seconds of a micro-batch.

    Attributes:
        cpu: of the processor, all threads.
        wall: by the clock.
    """

    cpu: float
    wall: float


class Tree:
    """A process that encodes by a checkout's own package."""

    def __init__(self, folder: Path, threads: int, precision: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_WAIT_POLICY": "passive"}
        words = [sys.executable, "-c", _TURNS, str(threads), precision]
        self._process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def turn(self) -> Turn:
        """Encode a micro-batch."""
        told, answers = self._process.stdin, self._process.stdout
        assert told is not None  # both are pipes
        assert answers is not None
        told.write("\n")
        told.flush()
        answer = answers.readline().split()
        if len(answer) != 2:
            sys.exit("a tree's encoder failed, see above")
        return Turn(*map(float, answer))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Products:
    """The products of the blocks alone: in bf16 or float32, without biases."""

    def __init__(self, precision: str) -> None:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        rows, width = _MICRO_BATCH * 197, 768
        sizes = ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width))
        self._pairs = [
            (torch.randn(rows, inputs).to(dtype), torch.randn(outputs, inputs).to(dtype))
            for inputs, outputs in sizes
        ]

    def turn(self) -> Turn:
        """Make those of 12 blocks."""
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(12):
            for hidden, weight in self._pairs:
                torch.mm(hidden, weight.t())
        return Turn(time.process_time() - cpu, time.perf_counter() - wall)


def main() -> None:
    """Let all take turns, and print a line of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    args = parser.parse_args()
    folders = [*(tree.resolve() for tree in args.trees), HERE][:2]
    torch.set_num_threads(args.threads)
    first, second = (Tree(folder, args.threads, args.precision) for folder in folders)
    parts = (first, second, Products(args.precision))
    for part in parts:
        part.turn()  # what is made ready at the first call is not counted
    rounds = [tuple(part.turn() for part in parts) for _ in range(args.rounds)]
    first.close()
    second.close()
    for number, name in enumerate((*map(str, folders), "matrix products alone")):
        told = []
        for clock in Turn._fields:
            seconds = [getattr(turns[number], clock) for turns in rounds]
            ratios = [getattr(turns[0], clock) / getattr(turns[number], clock) for turns in rounds]
            speed = _MICRO_BATCH / statistics.median(seconds)
            told.append(f"{clock} {speed:.1f} images/s, {statistics.median(ratios):.2f} times")
        print(f"{name}: {'; '.join(told)}")


if __name__ == "__main__":
    main()
