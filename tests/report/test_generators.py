"""Which generator, in every format of report."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq

from clipfake.records import Claim, Fact, Record, Strength
from clipfake.report.alerts import Alerts
from clipfake.report.annotations import Annotations
from clipfake.report.merge import merge_reports
from clipfake.report.report import Report
from clipfake.report.schema import COLUMNS, report_schema, to_row
from clipfake.verdict.judge import judge

ABOUT = {"options": {}}
TOLD = "Generator: Midjourney, 6.1 (declared)."


def generated(path: str = "a.png") -> Record:
    facts = (
        Fact("parameters.tool", "Midjourney", "PNG tEXt", 40, Strength.SPECIFIC, Claim.AI),
        Fact("parameters.version", "6.1", "PNG tEXt", 40),
    )
    record = Record(path, sha256="ab" * 32, facts=facts)
    judge(record, None)
    return record


def written(path: Path, *records: Record) -> Path:
    with Report([path], {}, ABOUT) as report:
        for record in records:
            report.add(record)
    return path


def test_every_format_that_tells_findings_names_generator_and_basis(tmp_path: Path) -> None:
    for ending in ("sarif", "junit.xml", "codequality.json", "md"):
        text = written(tmp_path / f"r.{ending}", generated()).read_text("utf-8")
        plain = text.replace("&#44;", ",").replace("&#46;", ".").replace("&#40;", "(")
        assert TOLD in plain.replace("&#58;", ":").replace("&#41;", ")"), ending
    alerts = Alerts(ABOUT)
    alerts.add([to_row(generated(), report_schema({}))])
    (line, *_) = Annotations(alerts).lines()
    assert TOLD in line


def test_tables_hold_what_every_source_says(tmp_path: Path) -> None:
    said = {
        "basis": "declared",
        "generator": "Midjourney",
        "family": "midjourney",
        "version": "6.1",
        "score": None,
        "by": "parameters.tool",
    }
    rows = pq.read_table(written(tmp_path / "r.parquet", generated())).to_pylist()
    parts = pq.read_table(written(tmp_path / "r.parts", generated())).to_pylist()
    [line] = written(tmp_path / "r.jsonl", generated()).read_text("utf-8").splitlines()
    for row in (rows[0], parts[0], json.loads(line)):
        assert row["attributions"] == [said]
        names = ("generator", "generator_basis", "generator_family", "generator_score")
        assert [row[name] for name in names] == ["Midjourney", "declared", "midjourney", None]
    with open(written(tmp_path / "r.csv", generated()), encoding="utf-8-sig", newline="") as file:
        [cells] = csv.DictReader(file)
    assert json.loads(cells["attributions"]) == [said]
    assert cells["generator"] == "Midjourney"


def test_older_reports_merge_with_newer_ones(tmp_path: Path) -> None:
    new = written(tmp_path / "new.parquet", generated("new.png"))
    table = pq.read_table(written(tmp_path / "o.parquet", generated("old.png")))
    absent = [name for name in COLUMNS if "generator" in name or name == "attributions"]
    pq.write_table(table.drop_columns(absent), tmp_path / "old.parquet")
    merge_reports([tmp_path / "old.parquet", new], [tmp_path / "both.parquet"])
    rows = pq.read_table(tmp_path / "both.parquet").to_pylist()
    assert [(row["path"], row["generator"]) for row in rows] == [
        ("old.png", None),
        ("new.png", "Midjourney"),
    ]
    assert rows[0]["attributions"] is None
