"""`clipfake verify`, and reports that come from other machines."""

import json
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.verification.verify import load_detector_of, verify_report
from tests.cli.command import clipfake, scan, twelve_files
from tests.conftest import encoded, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return twelve_files(tmp_path / "in")


@pytest.mark.usefixtures("small_detector")
def test_a_report_is_verified_against_its_files(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "r.parquet"
    assert scan(folder, report, "--custody") == Exit.FINE
    statement = json.loads((tmp_path / "r.parquet.custody.json").read_text())
    assert statement["inputs"]["files"] == 12
    assert statement["inputs"]["bytes"] == sum(p.stat().st_size for p in folder.iterdir())
    assert clipfake("verify", report, "--workers", 0) == Exit.FINE
    out = capsys.readouterr().out
    assert "12 rows, 12 files hashed again, 11 scored again" in " ".join(out.split())
    assert "statement of custody checked: 0 differences" in " ".join(out.split())

    (folder / "00.png").write_bytes(encoded(picture(seed=99)))
    (folder / "01.png").unlink()
    assert clipfake("verify", report, "--sample", 0, "--workers", 0) == Exit.FOUND
    out = capsys.readouterr().out
    assert "00.png: its bytes have changed since the scan" in out
    assert "01.png: " in out
    assert "no such file" in out


@pytest.mark.usefixtures("small_detector")
def test_members_of_archives_are_verified_too(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, archive = tmp_path / "r.parquet", tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.glob("*.png")):
            file.write(path, path.name)
    assert scan(archive, report) == Exit.FINE
    assert clipfake("verify", report, "--workers", 0) == Exit.FINE
    out = " ".join(capsys.readouterr().out.split())
    assert "11 rows, 11 files hashed again, 11 scored again" in out
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.glob("*.png"))[:10]:
            file.write(folder / "03.png", path.name)
    assert clipfake("verify", report, "--sample", 0, "--workers", 0) == Exit.FOUND
    out = capsys.readouterr().out
    assert out.count("its bytes have changed since the scan") == 9
    assert "a.zip!/10.png: " in out


@pytest.mark.usefixtures("small_detector")
def test_a_report_that_was_altered_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "r.parquet"
    assert scan(folder, report, "--custody") == Exit.FINE
    table = pq.read_table(report)
    scores = [0.001 if score is not None else None for score in table["score"].to_pylist()]
    at = table.column_names.index("score")
    altered = table.set_column(at, table.field("score"), pa.array(scores, pa.float32()))
    pq.write_table(altered, report)
    assert clipfake("verify", report, "--workers", 0) == Exit.FOUND
    out = " ".join(capsys.readouterr().out.split())
    assert "is not the report that r.parquet.custody.json is of" in out
    assert "score was 0.0010" in out


@pytest.mark.parametrize("options", [["--precision", "fp32", "--batch-size", 1], []])
def test_a_fresh_report_differs_in_nothing_and_in_one_file_after_one_byte(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[object]
) -> None:
    report = tmp_path / "r.parquet"
    for path in sorted(folder.iterdir())[3:]:
        path.unlink()
    assert scan(folder, report, *options) == Exit.FINE
    assert clipfake("verify", report, "--workers", 0) == Exit.FINE
    out = capsys.readouterr().out
    assert "scores must be equal" in out
    assert out.endswith("0 differences\n")
    data = bytearray((folder / "02.png").read_bytes())
    data[-1] ^= 1
    (folder / "02.png").write_bytes(data)
    assert clipfake("verify", report, "--workers", 0) == Exit.FOUND
    out = capsys.readouterr().out
    assert "02.png: its bytes have changed since the scan" in out
    assert out.endswith("1 differences\n")


def altered(report: Path, about: dict[str, object], shift: float) -> None:
    """Write the report again, as if made elsewhere and with the first score moved."""
    table = pq.read_table(report)
    held = json.loads(table.schema.metadata[b"clipfake"])
    scores = table["score"].to_pylist()
    scores[0] += shift if scores[0] < 0.5 else -shift
    at = table.column_names.index("score")
    table = table.set_column(at, table.field("score"), pa.array(scores, pa.float32()))
    pq.write_table(
        table.replace_schema_metadata({"clipfake": json.dumps({**held, **about})}), report
    )


@pytest.mark.usefixtures("small_detector")
def test_rounding_is_told_from_a_difference(folder: Path, tmp_path: Path) -> None:
    made, report = tmp_path / "made.parquet", tmp_path / "r.parquet"
    for path in sorted(folder.iterdir())[3:]:
        path.unlink()
    assert scan(folder, made) == Exit.FINE
    detector = load_detector_of(made)
    cases: list[tuple[dict[str, object], float, str]] = [
        ({}, 0.01, "difference"),
        ({"machine": "another"}, 0.01, "rounding"),
        ({"machine": "another"}, 0.1, "difference"),
        ({"precision": "float64"}, 0.1, "rounding"),
        ({"precision": "float64"}, 0.25, "difference"),
        ({"micro_batch": "many"}, 0.01, "rounding"),  # it does not tell how it was scored
    ]
    for about, shift, wanted in cases:
        shutil.copyfile(made, report)
        altered(report, about, shift)
        found = verify_report(report, detector, sample=100, workers=0)
        assert ["00.png: score was" in line for line in found.rounding] == (
            [True] if wanted == "rounding" else []
        ), about
        assert [line for line in found.lines if "score was" not in line] == []
        assert len(found.lines) == (wanted == "difference"), about
        assert (found.tolerance == 0.0) is (about == {})


def test_a_report_of_metadata_alone_is_verified_without_a_detector(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = tmp_path / "r.parquet"
    assert scan(folder, report, "--no-pixels") == Exit.FINE
    monkeypatch.setattr("clipfake.detector.detector.Detector.load", None)
    assert clipfake("verify", report, "--workers", 0) == Exit.FINE
    assert "12 files hashed again, 0 scored again" in capsys.readouterr().out


@pytest.mark.usefixtures("small_detector")
def test_merging_says_where_scores_round_otherwise(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    assert scan(folder, first) == Exit.FINE
    assert scan(folder, second, "--precision", "fp32") == Exit.FINE
    altered(second, {"machine": "another", "precision": "float16"}, 0.0)
    capsys.readouterr()
    assert clipfake("merge", first, second, "-o", tmp_path / "all.csv") == Exit.FINE
    err = capsys.readouterr().err
    assert "the last digits of scores may differ from" in err
    assert "precision float16, not " in err
    assert "machine another, not " in err
