"""Terminals and pipes of other encodings, and readers that are gone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from tests.conftest import EXAMPLES, PATIENCE, encoded, picture

ROOT = Path(__file__).parent.parent.parent
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}, C_LOCALE]
NAMES = ["é.png", "日本 ☃.png"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors and C locales")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with names in letters of several scripts, and manifests of them."""
    (tmp_path / "in").mkdir()
    for seed, name in enumerate(NAMES):
        (tmp_path / "in" / name).write_bytes(encoded(picture(seed=seed)))
    (tmp_path / "in" / "日ü.png").write_text("no picture")
    lines = "".join(f"in/{name},real\n" for name in NAMES)
    (tmp_path / "list.csv").write_text(f"path,label\n{lines}", encoding="utf-8")
    names = "".join(f"in/{name}\n" for name in NAMES)
    (tmp_path / "list.txt").write_text(names, encoding="utf-8")
    objects = "".join(json.dumps({"path": f"in/{name}"}) + "\n" for name in NAMES)
    (tmp_path / "list.jsonl").write_text(objects, encoding="utf-8")
    return tmp_path


def run(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None, **options: object
) -> "subprocess.CompletedProcess[bytes]":
    settled = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "PYTHONUTF8"))}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, "-m", "clipfake", *arguments],
        cwd=folder,
        env={**settled, "PYTHONPATH": str(ROOT), **(environment or {})},
        timeout=PATIENCE,
        check=False,
        **streams,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("environment", ENCODINGS, ids=["cp1252", "ascii", "C"])
@pytest.mark.parametrize("source", ["in", "list.csv", "list.txt", "list.jsonl"])
def test_a_scan_finds_every_name_in_every_locale(
    folder: Path, source: str, environment: dict[str, str]
) -> None:
    outputs = [part for form in ("parquet", "csv", "jsonl") for part in ("-o", f"rö.{form}")]
    done = run(folder, "scan", source, "--no-pixels", *outputs, environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    found = pq.read_table(folder / "rö.parquet").to_pylist()
    assert {row["path"] for row in found if row["error_code"] is None} == {
        f"in/{name}" for name in NAMES
    }
    assert all(row["path_raw"] is None for row in found)
    lines = (folder / "rö.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["path"] for line in lines] == [row["path"] for row in found]


@pytest.mark.parametrize("environment", ENCODINGS, ids=["cp1252", "ascii", "C"])
def test_every_command_prints_escapes_for_what_an_encoding_has_not(
    folder: Path, environment: dict[str, str]
) -> None:
    encoding = environment.get("PYTHONIOENCODING", "ascii")
    report = ["rö.parquet"]
    commands = [
        (["scan", "in", "-o", *report], Exit.FINE, "\\u65e5"),
        (["scan", "in", "--no-pixels", "--json", "--fail-on", "inconclusive"], Exit.FOUND, ""),
        (["inspect", f"in/{NAMES[1]}"], Exit.FINE, "\\u65e5"),
        (["verify", *report, "--sample", "1"], Exit.FINE, ""),
        (["merge", *report, "-o", "mö.csv"], Exit.FINE, ""),
        (["evaluate", "list.csv"], Exit.USAGE, ""),
        (["calibrate", "--real", "in", "--out", "ö.safetensors"], Exit.USAGE, ""),
        (["scan", "nö"], Exit.USAGE, ""),
        (["scan", "--help"], Exit.FINE, ""),
    ]
    for arguments, code, text in commands:
        done = run(folder, *arguments, environment=environment)
        said = done.stdout.decode(encoding) + done.stderr.decode(encoding)
        assert done.returncode == code, said
        assert text in said
        assert "Traceback" not in said
        assert "unexpected" not in said
    done = run(folder, "inspect", f"in/{NAMES[0]}", "--json", environment=environment)
    assert json.loads(done.stdout.decode(encoding))["path"] == f"in/{NAMES[0]}"


# a reader that is gone


@pytest.fixture
def gone() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "in", "--no-pixels", "--fail-on", "inconclusive"],
        ["scan", "in", "--no-pixels", "--json"],
        ["scan", "--help"],
        ["--version"],
        ["inspect", f"in/{NAMES[0]}"],
    ],
)
@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_is_gone_ends_a_command_quietly(
    folder: Path, gone: int, arguments: list[str], both: bool
) -> None:
    options = {"stdout": gone, "stderr": gone} if both else {"stdout": gone}
    done = run(folder, *arguments, **options)
    assert done.returncode == Exit.READER_GONE == 141
    assert not done.stderr


def test_the_report_is_whole_all_the_same(folder: Path, gone: int) -> None:
    done = run(folder, "scan", "in", "--no-pixels", "-o", "r.parquet", stdout=gone, stderr=gone)
    assert done.returncode == Exit.READER_GONE
    assert pq.read_table(folder / "r.parquet").num_rows == 3
    assert not list(folder.glob("r.parquet.*"))


def test_a_shell_sees_it_too(folder: Path) -> None:
    command = f"{sys.executable} -m clipfake inspect {EXAMPLES}/*.png | head -1; echo $PIPESTATUS"
    shell = ["bash", "-c", command.replace("$PIPESTATUS", "${PIPESTATUS[0]}")]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (len(done.stdout.splitlines()), done.stderr) == (2, "")
    assert done.stdout.splitlines()[1] == "141"


def test_standard_error_may_be_gone(folder: Path, gone: int) -> None:
    done = run(folder, "scan", "in", "--no-pixels", "-o", "r.csv", stderr=gone)
    assert done.returncode == Exit.FINE
    assert b"report: r.csv" in done.stdout
    assert run(folder, "scan", "nowhere", stderr=gone).returncode == Exit.USAGE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_standard_output_is_told(folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = run(folder, "scan", "in", "--no-pixels", "-o", "r.csv", stdout=full)
    assert done.returncode == Exit.REPORT_FAILED
    assert done.stderr.startswith(b"error: standard output cannot be written (No space left")
    assert done.stderr.count(b"\n") == 1
    assert (folder / "r.csv").exists()


def test_closed_streams_are_no_files_of_the_scan(folder: Path) -> None:
    command = f"exec {sys.executable} -m clipfake scan in --no-pixels -o r.csv <&- >&- 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=False)
    assert done.returncode == Exit.FINE
    lines = (folder / "r.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("path,")
