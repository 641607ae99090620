"""The report's life: opened, written, published or left partial."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.errors import ClipfakeError, ReportError, UsageError
from clipfake.records import Record
from clipfake.report.custody import digest_of
from clipfake.report.files import publish
from clipfake.report.parquet import parquet_files, read_about
from clipfake.report.report import FORMATS, Report, check_output, ending_of

ENDINGS = (".parquet", ".csv", ".jsonl")


def outputs(folder: Path, *endings: str) -> list[Path]:
    return [folder / f"r{ending}" for ending in endings or ENDINGS]


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def fill(paths: list[Path], rows: int, *, then: BaseException | None = None) -> None:
    with Report(paths, {}, {}) as report:
        for row in range(rows):
            report.add(Record(str(row)))
        if then is not None:
            raise then


def paths_in(file: Path) -> list[str]:
    """The ``path`` column, whatever the format."""
    name = file.name.removesuffix(".partial")
    if name.endswith(".parquet"):
        return pq.read_table(file)["path"].to_pylist()
    lines = file.read_text().splitlines()
    if name.endswith(".csv"):
        return [line.split(",")[0] for line in lines[1:]]
    return [json.loads(line)["path"] for line in lines]


def full_disk(path: Path) -> None:
    """Let the report be written to a device that is always full."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    path.with_name(path.name + ".partial").symlink_to("/dev/full")


def test_formats_are_these() -> None:
    told = (".sarif", ".junit.xml", ".codequality.json", ".md")
    assert tuple(FORMATS) == (*ENDINGS, ".parts", *told, ".html", ".site")


def test_every_format_holds_the_same_rows(tmp_path: Path) -> None:
    paths = outputs(tmp_path)
    fill(paths, 3)
    assert [paths_in(path) for path in paths] == [["0", "1", "2"]] * 3
    assert listing(tmp_path) == ["r.csv", "r.jsonl", "r.parquet"]


@pytest.mark.parametrize("name", ["R.CSV", "r.Parquet", "r.JSONL"])
def test_the_endings_case_does_not_matter(tmp_path: Path, name: str) -> None:
    fill([tmp_path / name], 1)
    assert listing(tmp_path) == [name]


def test_an_ending_of_two_dots_goes_before_its_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, ".wide.csv", FORMATS[".csv"])
    names = ["a.csv", "a.wide.csv", "A.Wide.CSV", "a.wide.b.csv", "wide.csv"]
    endings = [ending_of(Path(name)) for name in names]
    assert endings == [".csv", ".wide.csv", ".wide.csv", ".csv", ".csv"]


def test_the_same_format_twice_is_fine(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    fill(paths, 2)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_report_to_nowhere_takes_records() -> None:
    with Report([], {"x": pa.string()}, {}) as report:
        report.add(Record("a"))
    assert report.paths == []


def test_the_name_appears_when_the_report_is_whole(tmp_path: Path) -> None:
    with Report(outputs(tmp_path), {}, {}) as report:
        report.add(Record("a"))
        assert listing(tmp_path) == ["r.csv.partial", "r.jsonl.partial", "r.parquet.partial"]
    assert listing(tmp_path) == ["r.csv", "r.jsonl", "r.parquet"]


def test_an_older_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    paths = outputs(tmp_path)
    for path in paths:
        path.write_text("older")
        path.with_name(path.name + ".partial").write_text("left over" * 1000)
    with Report(paths, {}, {}) as report:
        report.add(Record("new"))
        assert {path.read_text() for path in paths} == {"older"}
    assert [paths_in(path) for path in paths] == [["new"]] * 3
    assert listing(tmp_path) == ["r.csv", "r.jsonl", "r.parquet"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), ClipfakeError("x")])
def test_an_interrupted_report_is_readable_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 2)
    paths = outputs(tmp_path)
    paths[0].write_text("older")
    with pytest.raises(type(error)) as caught:
        fill(paths, 5, then=error)
    assert caught.value is error
    partials = [path.with_name(path.name + ".partial") for path in paths]
    assert [paths_in(partial) for partial in partials] == [["0", "1", "2", "3", "4"]] * 3
    assert paths[0].read_text() == "older"
    assert listing(tmp_path) == sorted([paths[0].name, *(partial.name for partial in partials)])


def test_an_interrupted_report_says_where_its_rows_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = outputs(tmp_path, ".csv")
    with pytest.raises(KeyboardInterrupt), Report(paths, {}, {}):
        raise KeyboardInterrupt
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/r.csv.partial: the rows so far, finished early"
    ]
    caplog.clear()
    fill(paths, 1)
    assert caplog.records == []


def test_rows_reach_the_file_group_by_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 2)
    partials = [tmp_path / f"r{ending}.partial" for ending in (".csv", ".jsonl")]
    seen = []
    with Report(outputs(tmp_path, ".csv", ".jsonl"), {}, {}) as report:
        for row in range(5):
            report.add(Record(str(row)))
            seen.append([len(paths_in(partial)) for partial in partials])
    assert seen == [[0, 0], [2, 2], [2, 2], [4, 4], [4, 4]]


# --- outputs that cannot be


@pytest.mark.parametrize("name", ["r", "r.txt", "r.parquet.gz", "r.xlsx", "parquet", ".csv"])
def test_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_output(tmp_path / name)
    assert str(caught.value) == (
        f"{tmp_path}/{name}: the ending names no format; use one of .parquet, .csv, .jsonl, "
        ".parts, .sarif, .junit.xml, .codequality.json, .md, .html, .site"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.csv").mkdir()
    with pytest.raises(UsageError, match=r"r\.csv: is a folder; give a file name"):
        check_output(tmp_path / "r.csv")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone: no such folder; create it first"):
        check_output(tmp_path / "gone" / "r.csv")


def test_a_good_output_is_not_created_by_the_check(tmp_path: Path) -> None:
    check_output(tmp_path / "r.csv")
    assert listing(tmp_path) == []


def test_one_bad_output_opens_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Report([tmp_path / "r.csv", tmp_path / "r.txt"], {}, {})
    assert listing(tmp_path) == []


def test_the_same_output_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for other in ("r.csv", "./r.csv", "sub/../r.csv", str(tmp_path / "r.csv")):
        with pytest.raises(UsageError, match="the same --output is given twice"):
            Report([Path("r.csv"), Path("r.parquet"), Path(other)], {}, {})
    assert listing(tmp_path) == ["sub"]


# --- disks that fail


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"r{ending}.partial").mkdir()
    with pytest.raises(ReportError) as caught:
        Report(outputs(tmp_path, ending), {}, {})
    assert str(caught.value).startswith(f"{tmp_path}/r{ending}: report cannot be written (")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rows", [1, 9])
def test_a_full_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, rows: int
) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 4)
    [path] = outputs(tmp_path, ending)
    full_disk(path)
    with pytest.raises(ReportError) as caught:
        fill([path], rows)
    message = str(caught.value)
    assert message.startswith(f"{path}: report cannot be written (")
    assert "No space left on device" in message
    assert f"{path}.partial" in message
    assert "\n" not in message
    assert not path.exists()


@pytest.mark.parametrize("rows", [3, 9])
def test_a_full_disk_costs_no_other_report_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 4)
    full, *others = outputs(tmp_path, ".csv", ".parquet", ".jsonl")
    full_disk(full)
    with pytest.raises(ReportError, match=r"r\.csv: report cannot be written"):
        fill([full, *others], rows)
    expected = [str(row) for row in range(min(rows, 4))]
    for path in others:
        assert not path.exists()
        assert paths_in(path.with_name(path.name + ".partial")) == expected


def test_a_write_that_fails_later_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 1)
    written: list[str] = []
    real = FORMATS[".jsonl"].write

    def write(self: object, rows: list[dict[str, object]]) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(str(rows[0]["path"]))
        real(self, rows)

    monkeypatch.setattr(FORMATS[".jsonl"], "write", write)
    [path] = outputs(tmp_path, ".jsonl")
    with pytest.raises(ReportError) as caught:
        fill([path], 3)
    assert str(caught.value) == (
        f"{path}: report cannot be written (No space left on device); "
        f"what was written is in {path}.partial"
    )
    assert paths_in(tmp_path / "r.jsonl.partial") == ["0"]
    assert listing(tmp_path) == ["r.jsonl.partial"]


def test_a_close_that_fails_costs_no_other_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FORMATS[".csv"].close

    def close(self: object) -> None:
        real(self)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(FORMATS[".csv"], "close", close)
    with pytest.raises(ReportError, match=r"r\.csv: .*Input/output error"):
        fill(outputs(tmp_path, ".csv", ".parquet"), 2)
    assert listing(tmp_path) == ["r.csv.partial", "r.parquet"]
    assert paths_in(tmp_path / "r.parquet") == ["0", "1"]


def test_a_report_that_cannot_be_named_is_told(tmp_path: Path) -> None:
    [path] = outputs(tmp_path, ".csv")
    report = Report([path], {}, {})
    report.add(Record("a"))
    path.mkdir()  # someone else takes the name meanwhile
    with pytest.raises(ReportError, match=r"r\.csv: report cannot be written"), report:
        pass
    assert paths_in(tmp_path / "r.csv.partial") == ["a"]


def test_a_report_that_is_gone_cannot_be_published(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"r\.csv: .*No such file"):
        publish(tmp_path / "r.csv")


# --- folders of parts


def test_a_part_has_a_fixed_number_of_rows_and_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 2)
    monkeypatch.setattr("clipfake.report.parts.UNIT", 2)
    path = tmp_path / "r.parts"
    fill([path], 5)
    files = [Path(file) for file in parquet_files(path)]
    assert [file.name for file in files] == [f"part-00000{number}.parquet" for number in range(3)]
    assert [paths_in(file) for file in files] == [["0", "1"], ["2", "3"], ["4"]]
    assert read_about(path) == {"unit": {"number": 0, "first": 0, "rows": 2}}
    for file in files:
        line = (path / "_digests" / f"{file.stem}.sha256").read_text()
        assert line == f"{digest_of(file)}  {file.name}\n"
    assert pq.read_table(path)["path"].to_pylist() == list("01234")


def test_new_parts_take_the_place_of_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "r.parts"
    fill([path], 3)
    (path / "part-000001.parquet").write_bytes(b"old")
    fill([path], 1)
    assert listing(path) == ["_digests", "_scan.json", "part-000000.parquet"]
    assert listing(tmp_path) == ["r.parts"]
    assert paths_in(path / "part-000000.parquet") == ["0"]


def test_interrupted_parts_are_readable(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill([tmp_path / "r.parts"], 2, then=KeyboardInterrupt())
    assert paths_in(tmp_path / "r.parts.partial" / "part-000000.parquet") == ["0", "1"]


def test_a_report_that_is_absent_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such report"):
        parquet_files(tmp_path / "r.parquet")
    with pytest.raises(UsageError, match="no such report"):
        read_about(tmp_path)
