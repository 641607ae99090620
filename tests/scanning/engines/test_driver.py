"""How units are handed out and come back, by actors in this process that die as they are told."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clipfake.errors import ReportError
from clipfake.plan import ScanPlan
from clipfake.report.parquet import parquet_files
from clipfake.scanning import run
from clipfake.scanning.engines import ray as engine
from clipfake.scanning.engines.ray import ALONE, TRIES
from clipfake.scanning.events import Event, Noticed
from clipfake.scanning.units import Unit
from tests.conftest import fill
from tests.scanning.engines.one_machine import OneMachine

FILES = 8


class Stand(OneMachine):
    """Stands in for Ray: calls are made when they are waited for."""

    def __init__(self, deaths: dict[int, int]) -> None:
        self.deaths, self.calls, self.killed = Counter(deaths), list[tuple[int, bool]](), 0

    def remote(self, **_: Any) -> Any:
        return lambda kind: _Remote(lambda job: _Handle(kind(job), self))

    def wait(self, refs: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return refs[-1:], refs[:-1]  # the last one first, so that units come out of order

    def get(self, ref: Any) -> Any:
        return ref()

    def kill(self, actor: Any) -> None:
        self.killed += 1


class _Remote:
    def __init__(self, call: Any) -> None:
        self.remote = call


class _Handle:
    def __init__(self, actor: Any, stand: Stand) -> None:
        self.here = _Remote(lambda: lambda: actor.here())

        def do(unit: Unit, alone: bool) -> Any:
            def done() -> Any:
                stand.calls.append((unit.number, alone))
                if stand.deaths[unit.number] > 0:
                    stand.deaths[unit.number] -= 1
                    raise RuntimeError("The actor died")
                return actor.do(unit, alone)

            return done

        self.do = _Remote(do)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path / "in", FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def events_of(stand: Stand, monkeypatch: pytest.MonkeyPatch, actors: int = 2) -> list[Event]:
    monkeypatch.setattr(engine, "_imported", lambda: stand)
    plan = ScanPlan.of(
        ["in"],
        output=["r.parts"],
        unit=2,
        workers=0,
        no_pixels=True,
        engine="ray",
        actors=actors,
    )
    with run(plan) as events:
        return list(events)


def rows() -> list[dict[str, Any]]:
    return [row for file in parquet_files("r.parts") for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize("actors", [1, 2, 3])
def test_rows_are_those_of_a_plain_scan(
    folder: Path, monkeypatch: pytest.MonkeyPatch, actors: int
) -> None:
    events_of(Stand({}), monkeypatch, actors)
    plan = ScanPlan.of(["in"], output=["plain.parquet"], workers=0, no_pixels=True)
    with run(plan) as events:
        list(events)
    assert rows() == pq.read_table("plain.parquet").to_pylist()


def test_a_unit_whose_actor_dies_is_done_by_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = Stand({0: 1, 3: 2})
    found = events_of(stand, monkeypatch)
    assert [row["path"] for row in rows()] == [f"in/{n}.png" for n in range(FILES)]
    assert Counter(number for number, _ in stand.calls) == {0: 2, 1: 1, 2: 1, 3: 3}
    assert sum("another actor" in e.text for e in found if isinstance(e, Noticed)) == 3


def test_after_so_many_deaths_each_file_has_a_process_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = Stand({1: TRIES})
    events_of(stand, monkeypatch)
    assert [alone for number, alone in stand.calls if number == 1] == [False] * TRIES + [True]
    assert len(rows()) == FILES


def test_a_unit_that_cannot_be_done_costs_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ReportError, match="1 units could not be done") as told:
        events_of(Stand({1: TRIES + ALONE}), monkeypatch)
    assert "repeat the command" in str(told.value)
    stand = Stand({})
    events_of(stand, monkeypatch)  # the same command does what is left
    assert stand.calls == [(1, False)]
    assert len(rows()) == FILES
