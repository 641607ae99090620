"""Mutants of small lists and archives: nothing raises what is not promised, and all end."""

import time

import pytest

from benchmarks.fuzz import Inputs
from benchmarks.fuzz_sources import run, seeds
from tests.conftest import PATIENCE

INPUTS = Inputs(seeds(), seed=0, run=run)
EACH = 200  # mutants of a test; benchmarks/fuzz_sources.py runs as many as one has time for


def test_the_seeds_themselves_are_read() -> None:
    targets = {case.target for case in INPUTS.seeds}
    assert {".csv", ".txt", ".jsonl", ".parquet", ".zip", ".tar", ".tar.gz", "names0"} <= targets
    for case in INPUTS.seeds:
        run(case)


@pytest.mark.parametrize("part", range(4))
def test_mutants_raise_nothing_and_come_to_an_end(part: int) -> None:
    for number in range(len(INPUTS.seeds) + part * EACH, len(INPUTS.seeds) + (part + 1) * EACH):
        start = time.process_time()
        run(INPUTS[number])
        assert time.process_time() - start < PATIENCE, number
