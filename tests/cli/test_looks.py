"""`--looks` on the command line: in every report, and by whatever reads one again."""

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.detector import Detector
from clipfake.detector.looks import Looks
from clipfake.evaluation.evaluate import Scorer
from clipfake.plan import ScanPlan
from clipfake.report.parquet import METADATA_KEY
from clipfake.scanning import run
from clipfake.scanning.events import Recorded
from clipfake.verification.verify import load_detector_of, verify_report
from tests.cli.command import clipfake, scan
from tests.conftest import encoded, picture
from tests.report.page.parsed import Parsed
from tests.small import NAME, small_adapter, small_by_default, small_second, small_tower

LOOKS = ("first", "auto", "all")
COUNT = 8  # pictures, as many as calibrate needs


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Pictures, and an adapter that is the default one, whose ``auto`` looks twice at a part."""
    folder = tmp_path_factory.mktemp("looks")
    (folder / "in").mkdir()
    for number in range(COUNT):
        (folder / "in" / f"{number}.png").write_bytes(encoded(picture(70, 50, seed=number)))
    first = small_adapter()
    scores = Detector(small_tower(), first, device="cpu").score(sorted((folder / "in").iterdir()))
    low, high = np.quantile(scores, [0.3, 0.8]).tolist()
    second = small_second(opens=low, settled=high)
    save_adapter(replace(first, second=second), folder / "small.safetensors")
    save_adapter(first, folder / "plain.safetensors")
    with small_by_default(folder / "small.safetensors"):
        yield folder


@pytest.fixture(scope="module")
def reports(work: Path) -> Path:
    """Reports of the pictures with each way of looking, also in other formats."""
    for looks in LOOKS:
        more = ["-o", work / f"{looks}.csv", "-o", work / f"{looks}.jsonl"]
        more += ["-o", work / f"{looks}.html"] if looks == "auto" else []
        assert scan(work / "in", work / f"{looks}.parquet", *more, "--looks", looks) == Exit.FINE
    return work


def rows(report: Path) -> list[dict[str, Any]]:
    return pq.read_table(report).to_pylist()


def about(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pq.read_schema(report).metadata[METADATA_KEY])
    return found


def test_every_report_has_both_scores(reports: Path) -> None:
    taken = {}
    for looks in LOOKS:
        found = rows(reports / f"{looks}.parquet")
        taken[looks] = sum(row["looks"] == 2 for row in found)
        assert about(reports / f"{looks}.parquet")["looks"] == looks
        told = pq.read_metadata(reports / f"{looks}.parquet").metadata[b"clipfake_second_looks"]
        assert int(told) == taken[looks]
        for row in found:
            both = row["looks"] == 2
            assert row["score"] == (row["score_second"] if both else row["score_first"])
            assert (row["score_second"] is None) is not both
        lines = (reports / f"{looks}.jsonl").read_text().splitlines()
        with open(reports / f"{looks}.csv", encoding="utf-8-sig", newline="") as file:
            cells = list(csv.DictReader(file))
        for row, line, cell in zip(found, map(json.loads, lines), cells, strict=True):
            assert line["looks"] == row["looks"] == int(cell["looks"])
            for name in ("score", "score_first", "score_second"):
                assert np.float32(line[name] or 0) == np.float32(row[name] or 0)
                assert np.float32(cell[name] or 0) == np.float32(row[name] or 0)
    assert (taken["first"], taken["all"]) == (0, COUNT)
    assert 0 < taken["auto"] < COUNT
    first, every = (rows(reports / f"{looks}.parquet") for looks in ("first", "all"))
    assert [row["score_first"] for row in first] == [row["score_first"] for row in every]


def test_the_page_tells_both_scores_and_the_thresholds_in_use(reports: Path, work: Path) -> None:
    page = Parsed(reports / "auto.html")
    found = rows(reports / "auto.parquet")
    twice = sum(row["looks"] == 2 for row in found)
    assert f"at {twice} of {COUNT} images with a score" in page.texts
    details = page.data["details"]
    assert sum(each.get("looks") == 2 for each in details) == twice
    for each in details:
        assert ("score_second" in each) is (each.get("looks") == 2)
    adapter = load_adapter(work / "small.safetensors")
    assert page.data["meta"]["threshold"] == pytest.approx(adapter.rule(looks=Looks.AUTO).threshold)
    # a page that is made later, of rows alone, finds the same
    assert clipfake("report", reports / "auto.parquet", "-o", work / "b.html", "-q") == Exit.FINE
    later = Parsed(work / "b.html")
    assert [each.get("looks") for each in later.data["details"]] == [
        each.get("looks") for each in details
    ]
    assert later.data["meta"]["below"] == page.data["meta"]["below"]


def test_a_report_of_before_is_shown_and_verified(reports: Path, work: Path) -> None:
    absent = ["looks", "score_first", "score_second"]
    old = work / "old.parquet"
    table = pq.read_table(reports / "first.parquet").drop_columns(absent)
    told = {**about(reports / "first.parquet")}
    del told["looks"]
    told["options"] = {**told["options"], "looks": "first"}
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(told)}), old)
    assert clipfake("report", old, "-o", work / "old.html", "-q") == Exit.FINE
    assert all("looks" not in each for each in Parsed(work / "old.html").data["details"])
    found = verify_report(old, load_detector_of(old), sample=100, workers=0)
    assert (found.scored, found.lines, found.rounding) == (COUNT, [], [])


@pytest.mark.parametrize("looks", LOOKS)
def test_verify_looks_as_the_report_did(reports: Path, looks: str) -> None:
    report = reports / f"{looks}.parquet"
    detector = load_detector_of(report)
    assert detector is not None
    assert detector.looks.value == looks
    found = verify_report(report, detector, sample=100, workers=0)
    assert (found.scored, found.lines, found.rounding) == (COUNT, [], [])


def test_a_look_that_rounding_turns_is_no_difference(reports: Path, work: Path) -> None:
    """Whether a second look is taken hangs on a score, which another machine rounds otherwise."""
    detector = load_detector_of(reports / "auto.parquet")
    for machine, shift, wanted in (
        ("another", 0.01, "rounding"),
        (None, 0.01, "difference"),
        ("another", 0.1, "difference"),
    ):
        report = work / "turned.parquet"
        shutil.copyfile(reports / "auto.parquet", report)
        table, told = pq.read_table(report), about(report)
        held = table.to_pylist()
        row = next(row for row in held if row["looks"] == 2)
        row |= {"looks": 1, "score_second": None, "score_first": row["score_first"] + shift}
        row["score"] = row["score_first"]
        told |= {"machine": machine} if machine else {}
        changed = table.from_pylist(held, schema=table.schema)
        pq.write_table(changed.replace_schema_metadata({METADATA_KEY: json.dumps(told)}), report)
        found = verify_report(report, detector, sample=100, workers=0)
        assert len(found.rounding) == (wanted == "rounding")
        assert bool(found.lines) == (wanted == "difference")
        if found.rounding:
            assert "looks were 1, are 2: score_first was" in found.rounding[0]


def test_reports_of_other_looks_are_not_joined(
    reports: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = reports / "auto.parquet", reports / "all.parquet"
    assert clipfake("merge", one, other, "-o", work / "joined.parquet") == Exit.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "made with looks all, and" in said
    assert not (work / "joined.parquet").exists()
    assert clipfake("merge", one, one, "-o", work / "joined.parquet", "-q") == Exit.FINE
    assert rows(work / "joined.parquet") == rows(one)


def test_a_scan_goes_on_only_with_the_same_looks(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = work / "broken-off.parquet"
    plan = ScanPlan.of(work / "in", output=report, workers=0, looks="auto")
    with run(plan) as events:
        kept = list(islice((event for event in events if isinstance(event, Recorded)), 3))
    assert len(kept) == 3
    assert not report.exists()
    assert scan(work / "in", report, "--looks", "all") == Exit.USAGE
    assert 'looks was "auto", is "all"' in " ".join(capsys.readouterr().err.split())
    assert scan(work / "in", report, "--looks", "auto") == Exit.FINE
    names = ("path", "score", "looks", "score_first", "score_second", "explanation")
    resumed, whole = rows(report), work / "whole.parquet"
    assert scan(work / "in", whole, "--looks", "auto") == Exit.FINE
    assert [[row[n] for n in names] for row in resumed] == [
        [row[n] for n in names] for row in rows(whole)
    ]


def test_the_screen_says_how_many_second_looks_were_taken(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("scan", work / "in", "--workers", 0, "--looks", "all") == Exit.FINE
    said = " ".join("".join(capsys.readouterr()).split())
    assert f"second looks, at the whole picture: {COUNT} of {COUNT} images (looks: all)" in said
    adapter = load_adapter(work / "small.safetensors")
    assert f"ai: score {adapter.rule(looks=Looks.ALL).threshold:.3f} and above" in said
    assert clipfake("scan", work / "in", "--workers", 0, "--json", "--looks", "all") == Exit.FINE
    found = json.loads(capsys.readouterr().out)
    assert (found["looks"], found["second_looks"]) == ("all", COUNT)


def test_inspect_shows_both(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = work / "in" / "0.png"
    assert clipfake("inspect", file, "--looks", "all") == Exit.FINE
    said = " ".join(capsys.readouterr().out.split())
    assert clipfake("inspect", file, "--looks", "all", "--json") == Exit.FINE
    found = json.loads(capsys.readouterr().out)
    assert found["looks"] == 2
    first, second = (f"{found[name]:.3f}" for name in ("score_first", "score_second"))
    assert f"the pixels score {second} (whole picture; {first} at first sight)" in said
    assert f"first look, at the centre square: {first}; second look, at the whole" in said


@pytest.mark.parametrize("command", ["scan", "inspect", "evaluate", "calibrate"])
def test_looks_that_cannot_be_had_are_one_line(
    command: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"calibrate": ["--real", work / "in", "--out", work / "no.safetensors"]}
    arguments = more.get(command, [work / "in"])
    if command == "evaluate":
        (work / "set.csv").write_text("path,label\nin/0.png,real\nin/1.png,ai\n")
        arguments = [work / "set.csv"]
    plain = ["--adapter", work / "plain.safetensors"]
    assert clipfake(command, *arguments, *plain, "--looks", "all") == Exit.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "has no second look; leave out --looks all" in said
    assert clipfake(command, *arguments, "--looks", "twice") == Exit.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "--looks twice: unknown; use first, auto, all" in said


def test_calibrate_sets_the_thresholds_of_the_looks_in_use(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = load_adapter(work / "small.safetensors"), work / "mine.safetensors"
    assert clipfake("calibrate", "--real", work / "in", "--out", out, "--looks", "all") == 0
    assert "thresholds of --looks all" in " ".join(capsys.readouterr().err.split())
    after = load_adapter(out)
    assert after.thresholds(Looks.FIRST) == before.thresholds(Looks.FIRST)
    assert after.thresholds(Looks.AUTO) == before.thresholds(Looks.AUTO)
    highest = max(row["score_second"] for row in _scored(work, "all"))
    for old, new in zip(
        before.thresholds(Looks.ALL).points, after.thresholds(Looks.ALL).points, strict=True
    ):
        assert new.threshold >= max(old.threshold, highest)
    assert after.facts["own_reals"]["looks"] == "all"


def _scored(work: Path, looks: str) -> list[dict[str, Any]]:
    report = work / f"again-{looks}.parquet"
    assert scan(work / "in", report, "--looks", looks) == Exit.FINE
    return rows(report)


def test_evaluate_judges_by_the_looks_in_use(work: Path) -> None:
    adapter = load_adapter(work / "small.safetensors")
    for looks in LOOKS:
        scorer = Scorer.of(ScanPlan.of(looks=looks))
        assert scorer.rule == adapter.rule(looks=Looks(looks))
    assert adapter.backbone == NAME
