"""Mutants of small files: nothing raises what its parser does not promise, and nothing lasts."""

import time

import pytest

from benchmarks.fuzz import Inputs
from benchmarks.fuzz_broken import broken_seeds
from benchmarks.fuzz_metadata import run
from benchmarks.fuzz_seeds import make_seeds
from tests.conftest import PATIENCE

INPUTS = Inputs(make_seeds() + broken_seeds(), seed=0, run=run)
EACH = 200  # mutants of a test; benchmarks/fuzz_metadata.py runs as many as one has time for


def test_the_seeds_themselves_are_read() -> None:
    targets = {case.target for case in INPUTS.seeds}
    assert {"JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "xmp", "manifest"} <= targets
    for case in INPUTS.seeds:
        run(case)


@pytest.mark.parametrize("part", range(8))
def test_mutants_raise_nothing_and_come_to_an_end(part: int) -> None:
    for number in range(len(INPUTS.seeds) + part * EACH, len(INPUTS.seeds) + (part + 1) * EACH):
        start = time.process_time()
        run(INPUTS[number])
        assert time.process_time() - start < PATIENCE, number
