"""Units on Ray: the rows of a plain scan, whatever dies meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.detector.detector import Detector
from clipfake.errors import ClipfakeError, UsageError
from clipfake.plan import ScanPlan
from clipfake.report.parquet import parquet_files, read_about
from clipfake.report.parts import check_parts
from clipfake.scanning import run
from clipfake.scanning.engines import ray as engine
from clipfake.scanning.engines.ray import TRIES
from clipfake.scanning.events import Event, Noticed, Restored
from clipfake.sources.place import Place
from tests.cli.command import clipfake
from tests.conftest import PATIENCE, fill
from tests.small import small_adapter, small_tower

FILES = 8
ROOT = Path(__file__).parent.parent.parent.parent
SLOW = "timed out during startup"
MARK = b"the end of whoever reads this"
by_hand = pytest.mark.skipif(
    not os.environ.get("TEST_RAY"), reason="TEST_RAY=1 runs all tests on Ray"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    paths = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    options = {"num_cpus": 2, "include_dashboard": False, "runtime_env": paths}
    try:
        engine._started(ray, "local", options)
    except Exception as error:
        if SLOW not in str(error):
            raise
        pytest.skip(f"Ray does not come up in its 30 s on a machine as busy as this ({error})")
    yield ray
    ray.shutdown()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path / "in", FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def detector() -> Detector:
    return Detector(small_tower(), small_adapter(), device="cpu")


def plan(output: str, **given: Any) -> ScanPlan:
    options: dict[str, Any] = {"unit": 3, "workers": 0, "engine": "ray", "actors": 1}
    return ScanPlan.of(["in"], **{**options, "output": [output], **given})


def local(output: str, **given: Any) -> ScanPlan:
    return ScanPlan.of(["in"], workers=0, output=[output], **given)


def events_of(what: ScanPlan, **more: Any) -> list[Event]:
    with run(what, **more) as events:
        return list(events)


def rows_of(report: str) -> list[dict[str, Any]]:
    return [row for file in parquet_files(report) for row in pq.read_table(file).to_pylist()]


def said(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Noticed))


def test_rows_are_those_of_a_plain_scan_by_one_actor_and_by_two(cluster: Any, folder: Path) -> None:
    given = detector()
    events_of(local("plain.parquet"), detector=given)
    rows = pq.read_table("plain.parquet").to_pylist()
    assert all(row["score"] is not None for row in rows)
    for actors in (1, 2):
        name = f"{actors}.parts"
        events_of(plan(name, actors=actors, device="cpu"), detector=given)
        assert rows_of(name) == rows
        assert read_about(name)["adapter_sha256"] == given.adapter.digest
        assert read_about(name)["threads"] == given.arithmetic.threads


def kill_once(data: bytes) -> bytes:
    """Kill the process that reads, the first time that anybody does."""
    try:
        os.close(os.open("killed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return data
    os.kill(os.getpid(), signal.SIGKILL)
    return data


def test_an_actor_that_dies_in_mid_unit_costs_nothing(cluster: Any, folder: Path) -> None:
    given = detector()
    events_of(local("plain.parquet", no_metadata=True), detector=given)
    found = events_of(
        plan("r.parts", no_metadata=True), detector=given, transform=_named(kill_once)
    )
    assert "died" in said(found)
    assert "try 2 by another actor" in said(found)
    ours, plain = rows_of("r.parts"), pq.read_table("plain.parquet").to_pylist()
    assert [row["path"] for row in ours] == [row["path"] for row in plain]
    assert [row["score"] for row in ours] == [row["score"] for row in plain]


def kill_always(data: bytes) -> bytes:
    """Kill the process that reads marked bytes."""
    if MARK in data:
        os.kill(os.getpid(), signal.SIGKILL)
    return data


@by_hand
def test_an_item_that_kills_its_process_is_a_row(cluster: Any, folder: Path) -> None:
    with open("in/4.png", "ab") as file:
        file.write(MARK)
    found = events_of(
        plan("r.parts", no_metadata=True), detector=detector(), transform=_named(kill_always)
    )
    assert f"try {TRIES + 1} by each of its files in a process of its own" in said(found)
    rows = {row["path"]: row["error_code"] for row in rows_of("r.parts")}
    assert rows == {f"in/{n}.png": "decoder_crash" if n == 4 else None for n in range(FILES)}


def _named(function: Any) -> Any:
    """A function that is pickled by value, as another machine would have it."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return function


@by_hand
def test_parts_that_are_damaged_are_done_again(cluster: Any, folder: Path) -> None:
    given = {"no_pixels": True}
    events_of(plan("r.parts", **given))
    rows = rows_of("r.parts")
    part = Path("r.parts/part-000001.parquet")
    part.write_bytes(part.read_bytes()[:-20])
    found = events_of(plan("r.parts", **given))
    assert sum(event.rows for event in found if isinstance(event, Restored)) == FILES - 3
    assert rows_of("r.parts") == rows
    assert check_parts(Place("r.parts")).whole == [0, 1, 2]
    again = events_of(plan("r.parts", **given))
    assert "every part was whole already" in said(again)


@by_hand
def test_a_driver_that_is_killed_is_started_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    command = [sys.executable, "-m", "clipfake", "scan", "in", "-o", "r.parts", "--unit", "1"]
    command += ["--no-pixels", "--workers", "0", "--quiet", "--engine", "ray"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as driver:
        patience = time.monotonic() + PATIENCE
        while driver.poll() is None and time.monotonic() < patience:
            if "part-000001.parquet" in Place("r.parts").names():
                break
            time.sleep(0.02)
        driver.kill()
        assert driver.stderr is not None
        if SLOW in (told := driver.stderr.read()):
            pytest.skip("Ray does not come up in its 30 s on a machine as busy as this")
    assert "part-000001.parquet" in Place("r.parts").names(), told
    # whichever engine goes on, units are the same
    events_of(ScanPlan.of(["in"], unit=1, workers=0, no_pixels=True, output=["r.parts"]))
    events_of(local("plain.parquet", no_pixels=True))
    assert rows_of("r.parts") == pq.read_table("plain.parquet").to_pylist()


# --- what cannot be


def test_without_ray_the_remedy_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ["scan", "in", "--no-pixels", "--engine", "ray", "-o", "r.parts"]
    assert clipfake(*words) == Exit.USAGE
    assert 'pip install "clipfake[ray]"' in " ".join(capsys.readouterr().err.split())
    assert not Path("r.parts").exists()


class Refusing:
    """Ray that finds no cluster."""

    def __init__(self, text: str) -> None:
        self.text = text

    def is_initialized(self) -> bool:
        return False

    def init(self, **_: Any) -> None:
        raise ConnectionError(self.text)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Could not find any running Ray instance", "ray start --head"),
        ("Version mismatch: The cluster was started with Ray: 2.1", "install the cluster's here"),
    ],
)
def test_a_cluster_that_does_not_answer_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, remedy: str
) -> None:
    monkeypatch.setattr(engine, "_imported", lambda: Refusing(text))
    with pytest.raises(UsageError, match=r"--address 10\.0\.0\.9:6379") as told:
        events_of(plan("r.parts", no_pixels=True, address="10.0.0.9:6379"))
    assert remedy in str(told.value)
    assert not Path("r.parts").exists()


@pytest.mark.parametrize(
    ("path", "options", "told"),
    [
        ("im", {"no_pixels": True}, "im"),
        ("in", {"fpr": 0.5}, "0.5"),
        ("in", {"adapter": Path("none.safetensors")}, "none.safetensors"),
    ],
)
def test_what_is_mistyped_is_told_before_a_cluster_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, options: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(engine, "_imported", lambda: Refusing("no cluster"))
    asked = ScanPlan.of([path], output=["r.parts"], engine="ray", **options)
    with pytest.raises(ClipfakeError, match=told) as error:
        events_of(asked)
    assert "no cluster" not in str(error.value)
    assert not Path("r.parts").exists()


@pytest.mark.parametrize(
    ("given", "machines", "actors", "shares"),
    [
        ({}, [{"CPU": 2.0}], 1, {"num_cpus": 1.0, "num_gpus": 0}),
        ({"actors": 2}, [{"CPU": 2.0}], 2, {"num_cpus": 0.5, "num_gpus": 0}),
        ({}, [{"CPU": 16.0}] * 3, 3, {"num_cpus": 15.0, "num_gpus": 0}),
        ({}, [{"CPU": 8.0, "GPU": 2.0}], 2, {"num_gpus": 1.0, "num_cpus": 0}),
        ({"gpus_per_actor": 0.5}, [{"CPU": 8.0, "GPU": 1.0}], 2, {"num_gpus": 0.5, "num_cpus": 0}),
        ({"gpus_per_actor": 0}, [{"CPU": 8.0, "GPU": 1.0}], 1, {"num_cpus": 7.0, "num_gpus": 0}),
        ({}, [{"CPU": 1.0}], 1, {"num_cpus": 1.0, "num_gpus": 0}),
    ],
)
def test_a_cpu_stays_free_on_every_machine(
    given: dict[str, Any], machines: list[dict[str, float]], actors: int, shares: dict[str, float]
) -> None:
    options = {"actors": None, **given}
    what = plan("r.parts", **options)
    assert engine._shares(what.run, machines) == (actors, shares)


def test_gpus_that_are_not_there_are_told() -> None:
    with pytest.raises(UsageError, match="the cluster has 0 GPUs"):
        engine._shares(plan("r.parts", gpus_per_actor=1).run, [{"CPU": 2.0}])
