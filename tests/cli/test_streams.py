"""Terminals and pipes of other encodings, and readers that are gone."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from tests.conftest import EXAMPLES, PATIENCE, encoded, picture

ROOT = Path(__file__).parent.parent.parent
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}, C_LOCALE]
NAMES = ["é.png", "日本 ☃.png"]
WITH_SMALL = ("-m", "tests.small")
# commands in one process, which starts in an encoding and imports all that they need once
_END = b"--- the end of a command ---"
_ONE_AFTER_ANOTHER = f"""
import json, sys
from itertools import groupby
from clipfake.cli.app import main
codes = []
for named, arguments in groupby(sys.argv[1:], lambda argument: argument != ";"):
    if not named:
        continue
    try:
        main(list(arguments))
    except SystemExit as end:
        codes.append(end.code)
    for stream in (sys.stdout, sys.stderr):
        stream.write({_END.decode()!r})
        stream.flush()
json.dump(codes, open("codes.json", "w"))
"""
_SMALL_FIRST = """
from pathlib import Path
from tests.small import save_small, small_by_default
small = small_by_default(save_small(Path()))
small.__enter__()
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors and C locales")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return filled(tmp_path)


def filled(tmp_path: Path) -> Path:
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
    folder: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    program: Sequence[str] = ("-m", "clipfake"),
    **options: object,
) -> "subprocess.CompletedProcess[bytes]":
    settled = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "PYTHONUTF8"))}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env={**settled, "PYTHONPATH": str(ROOT), **(environment or {})},
        timeout=PATIENCE,
        check=False,
        **streams,  # type: ignore[arg-type]
    )


SOURCES = ["in", "list.csv", "list.txt", "list.jsonl"]


@pytest.fixture(scope="module", params=ENCODINGS, ids=["cp1252", "ascii", "C"])
def scanned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with reports of each source, all made by one process of an encoding."""
    folder, row = filled(tmp_path_factory.mktemp("scanned")), []
    for source in SOURCES:
        outputs = [("-o", f"{source}.rö.{form}") for form in ("parquet", "csv", "jsonl")]
        row += ["scan", source, "--no-pixels", *(part for pair in outputs for part in pair), ";"]
    done = run(folder, *row, environment=request.param, program=["-c", _ONE_AFTER_ANOTHER])
    assert done.returncode == 0
    assert done.stderr == _END * len(SOURCES)
    assert json.loads((folder / "codes.json").read_text()) == [0] * len(SOURCES)
    return folder


@pytest.mark.parametrize("source", SOURCES)
def test_a_scan_finds_every_name_in_every_locale(scanned: Path, source: str) -> None:
    found = pq.read_table(scanned / f"{source}.rö.parquet").to_pylist()
    assert {row["path"] for row in found if row["error_code"] is None} == {
        f"in/{name}" for name in NAMES
    }
    assert all(row["path_raw"] is None for row in found)
    lines = (scanned / f"{source}.rö.jsonl").read_text("utf-8").splitlines()
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
    commands.append((["inspect", f"in/{NAMES[0]}", "--json"], Exit.FINE, ""))
    row = [part for arguments, *_ in commands for part in (*arguments, ";")]
    program = ["-c", _SMALL_FIRST + _ONE_AFTER_ANOTHER]
    done = run(folder, *row, environment=environment, program=program)
    assert done.returncode == 0, done.stderr
    said = list(zip(*(stream.split(_END) for stream in (done.stdout, done.stderr)), strict=True))
    codes = json.loads((folder / "codes.json").read_text())
    for (arguments, code, text), found, streams in zip(commands, codes, said[:-1], strict=True):
        printed = "".join(stream.decode(encoding) for stream in streams)
        assert found == code, (arguments, printed)
        assert text in printed
        assert "Traceback" not in printed
        assert "unexpected" not in printed
    assert json.loads(said[-2][0].decode(encoding))["path"] == f"in/{NAMES[0]}"
    assert said[-1] == (b"", b"")


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
    if arguments[0] == "inspect":
        options["program"] = WITH_SMALL
    done = run(folder, *arguments, **options)
    assert done.returncode == Exit.READER_GONE == 141
    assert not done.stderr


def test_the_report_is_whole_all_the_same(folder: Path, gone: int) -> None:
    done = run(folder, "scan", "in", "--no-pixels", "-o", "r.parquet", stdout=gone, stderr=gone)
    assert done.returncode == Exit.READER_GONE
    assert pq.read_table(folder / "r.parquet").num_rows == 3
    assert not list(folder.glob("r.parquet.*"))


def test_a_shell_sees_it_too(folder: Path) -> None:
    command = (
        f"{sys.executable} -m tests.small inspect {EXAMPLES}/*.png | head -1; echo $PIPESTATUS"
    )
    shell = ["bash", "-c", command.replace("$PIPESTATUS", "${PIPESTATUS[0]}")]
    done = subprocess.run(
        shell, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT
    )
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
