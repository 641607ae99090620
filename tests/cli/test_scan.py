"""`clipfake scan`, as a user runs it."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL.PngImagePlugin import PngInfo

from clipfake import __version__
from clipfake.cli.app import main
from clipfake.cli.exit_codes import Exit
from clipfake.report.journal import journal_path
from clipfake.report.schema import COLUMNS
from tests.cli.command import clipfake
from tests.conftest import EXAMPLES, PATIENCE, encoded, picture

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    (root / "a.png").write_bytes(encoded(picture(seed=1)))
    (root / "sub" / "b.jpg").write_bytes(encoded(picture(seed=2), "JPEG"))
    (root / "cut.jpg").write_bytes(encoded(picture(400, 400), "JPEG")[:3000])
    (root / "notes.txt").write_text("no picture")
    return root


def rows(path: Path) -> dict[str, dict[str, object]]:
    return {Path(row["path"]).name: row for row in pq.read_table(path).to_pylist()}


def test_a_folder_gives_a_row_a_file_in_every_format(folder: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"r.{form}" for form in ("parquet", "csv", "jsonl")]
    arguments = [part for output in outputs for part in ("--output", output)]
    assert clipfake("scan", folder, *arguments, "--workers", 0, "--quiet") == Exit.FINE
    table = pq.read_table(outputs[0])
    assert table.column_names == list(COLUMNS)
    found = rows(outputs[0])
    assert list(found) == ["a.png", "cut.jpg", "notes.txt", "b.jpg"]
    assert found["a.png"]["verdict"] in ("ai", "real", "inconclusive")
    assert 0 <= found["a.png"]["score"] <= 1
    codes = {name: row["error_code"] for name, row in found.items()}
    expected = {"a.png": None, "cut.jpg": "truncated", "notes.txt": "not_an_image", "b.jpg": None}
    assert codes == expected
    with outputs[1].open(encoding="utf-8-sig", newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == table["path"].to_pylist()
    objects = [json.loads(line) for line in outputs[2].read_text().splitlines()]
    assert [o["sha256"] for o in objects] == table["sha256"].to_pylist()
    about = json.loads(pq.read_schema(outputs[0]).metadata[b"clipfake"])
    assert about["clipfake"] == __version__
    assert about["options"]["workers"] == 0
    assert about["adapter_sha256"].startswith(found["a.png"]["model"].split("@")[1])
    assert about["started"].endswith("+00:00")


@pytest.mark.usefixtures("small_detector")
def test_json_is_the_only_thing_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake("scan", folder, "--json", "--workers", 0) == Exit.FINE
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["files"], summary["scored"]) == (4, 2)
    assert (summary["errors"], summary["skipped"]) == (1, 1)
    assert summary["ai"] + summary["real"] + summary["inconclusive"] == 2
    assert summary["fpr"] == 0.01


@pytest.mark.usefixtures("small_detector")
def test_the_screen_says_what_the_thresholds_mean(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("scan", folder, "--workers", 0) == Exit.FINE
    out = " ".join(capsys.readouterr().out.split())
    assert "real images are accused" in out
    assert "evidence, not proof" in out
    assert "--output report.parquet" in out
    assert "truncated: 1" in out


@pytest.mark.usefixtures("small_detector")
def test_quiet_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert clipfake("scan", folder, "--quiet", "--workers", 0) == Exit.FINE
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def declaring(folder: Path) -> Path:
    """The folder, with a picture that says that it is AI-made."""
    words = PngInfo()
    settings = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 7, Size: 64x48"
    words.add_text("parameters", f"a cat\n{settings}")
    (folder / "cat.png").write_bytes(encoded(picture(seed=3), pnginfo=words))
    return folder


def test_a_declaration_is_merged_and_never_alters_the_score(
    declaring: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = tmp_path / "with.parquet", tmp_path / "without.parquet"
    assert clipfake("scan", declaring, "-o", reports[0], "--workers", 0) == Exit.FINE
    out = " ".join(capsys.readouterr().out.split())
    assert "declared by the files: ai 1, composite 0, camera 0, conflicting 0, none 3" in out
    assert clipfake("scan", declaring, "-o", reports[1], "--workers", 0, "--no-metadata") == 0
    with_it, without = (rows(report) for report in reports)
    assert {n: r["score"] for n, r in with_it.items()} == {
        n: r["score"] for n, r in without.items()
    }
    cat = with_it["cat.png"]
    assert (cat["verdict"], cat["declared"], cat["declared_by"]) == ("ai", "ai", "parameters.tool")
    assert cat["declared_strength"] == "specific"
    assert cat["evidence"][0] == {
        "key": "parameters.tool",
        "value": "AUTOMATIC1111",
        "place": "PNG tEXt parameters",
        "offset": 33,
        "strength": "specific",
        "claim": "ai",
    }
    assert without["cat.png"]["declared"] is None
    assert without["cat.png"]["evidence"] is None
    assert without["cat.png"]["verdict_basis"] == "pixels"


def test_metadata_alone_needs_neither_torch_nor_pixels(declaring: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from clipfake.cli.app import main
try:
    main(["scan", {str(declaring)!r}, "--no-pixels", "--json", "-o", {str(tmp_path / "r.jsonl")!r}])
finally:
    assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout)
    assert (summary["ai"], summary["inconclusive"], summary["real"]) == (1, 3, 0)
    assert (summary["adapter"], summary["threshold"]) == (None, None)
    objects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    found = {Path(o["path"]).name: o for o in objects}
    assert (found["cat.png"]["verdict_basis"], found["cat.png"]["score"]) == ("declared", None)
    assert found["a.png"]["explanation"].startswith("The file says nothing of its origin")
    assert found["notes.txt"]["error_code"] == "not_an_image"


def test_prompts_are_reported_only_when_asked_for(declaring: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.parquet"
    for options, value in (([], "5 characters; --prompts shows them"), (["--prompts"], "a cat")):
        assert clipfake("scan", declaring, "-o", report, "-q", "--no-pixels", *options) == 0
        facts = {f["key"]: f["value"] for f in rows(report)["cat.png"]["evidence"]}
        assert facts["parameters.prompt"] == value


@pytest.mark.usefixtures("small_detector")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--threshold", "0", "--fail-on", "ai"], Exit.FOUND),
        (["--threshold", "1", "--fail-on", "ai"], Exit.FINE),
        (["--fail-on", "error"], Exit.FOUND),
        (["--fail-on", "error", "--exclude", "cut.jpg"], Exit.FINE),
        (["--include", "*.txt"], Exit.NOTHING_READ),
        (["--include", "*.none"], Exit.NOTHING_READ),
    ],
)
def test_exit_codes(folder: Path, arguments: list[str], code: int) -> None:
    assert clipfake("scan", folder, "--quiet", "--workers", 0, *arguments) == code


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        ([".", "--fail-on", "fake"], "--fail-on fake: unknown; use ai, inconclusive, error"),
        ([".", "-o", "report.xlsx"], "report.xlsx: the ending names no format"),
        ([".", "-o", "none/report.csv"], "none: no such folder"),
        ([".", "--adapter", "none.safetensors"], "no such adapter file"),
        ([".", "--backbone", "ViT-L-14/openai"], "--allow-download"),
        ([".", "--fpr", "0.5"], "no operating point at FPR 0.5"),
        ([".", "--device", "cuda:77"], "device 'cuda:77' is not available"),
        ([".", "--batch-size", "0"], "--batch-size"),
    ],
)
def test_requests_at_fault_are_one_line_and_code_2(
    arguments: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert clipfake("scan", *arguments) == Exit.USAGE
    err = capfd.readouterr().err
    assert text in " ".join(err.split())
    assert "Traceback" not in err


def test_an_adapter_of_another_backbone_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from clipfake.detector.adapter_file import load_adapter, save_adapter

    other = replace(load_adapter(), backbone="ViT-L-14/openai")
    save_adapter(other, tmp_path / "large.safetensors")
    code = clipfake(
        "scan",
        tmp_path,
        "--adapter",
        tmp_path / "large.safetensors",
        "--backbone",
        "ViT-B-16/openai",
    )
    assert code == Exit.USAGE
    assert "fits backbone ViT-L-14/openai, not ViT-B-16/openai" in capfd.readouterr().err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    from clipfake.errors import UsageError

    with pytest.raises(UsageError, match="no such file"):
        main(["scan", str(tmp_path / "none"), "--debug"])


def test_a_fault_of_ours_is_one_line_and_code_5(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from clipfake.scanning import score

    def fault(*_: object, **__: object) -> None:
        raise LookupError("first line\nsecond \x1b[31m line")

    monkeypatch.setattr(score, "scan_items", fault)
    assert clipfake("scan", folder) == Exit.UNEXPECTED
    err = capfd.readouterr().err
    assert "LookupError: first line second \\x1b[31m line (run again with --debug" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("small_detector")
def test_manifest_columns_are_carried(folder: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,label,score\nin/a.png,real,9\nin/none.png,fake,\n")
    assert clipfake("scan", manifest, "-o", tmp_path / "r.parquet", "-q", "--workers", 0) == 0
    found = rows(tmp_path / "r.parquet")
    assert found["a.png"]["label"] == "real"
    assert found["a.png"]["manifest_score"] == "9"
    assert found["none.png"]["error_code"] == "missing"
    assert found["none.png"]["label"] == "fake"


def test_examples_scan_as_their_readme_says(tmp_path: Path) -> None:
    assert clipfake("scan", EXAMPLES, "-o", tmp_path / "r.parquet", "--gps", "-q") == Exit.FINE
    found = rows(tmp_path / "r.parquet")
    assert found["broken.jpg"]["error_code"] == "truncated"
    assert [name for name, row in found.items() if row["verdict"] == "error"] == ["broken.jpg"]
    camera = found["rocket-camera-exif.jpg"]
    assert (camera["exif_make"], camera["exif_orientation"]) == ("Example Optics", 6)
    assert camera["exif_longitude"] == pytest.approx(-74.0444, abs=1e-3)
    assert found["bouncing-ball.gif"]["animated"] is True
    claim = found["drawn-a1111-parameters.png"]
    assert (claim["verdict"], claim["verdict_basis"]) == ("ai", "conflict")
    assert claim["score"] < claim["threshold"]


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clipfake", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_version_and_help_do_not_import_torch() -> None:
    assert run("--version").stdout == f"clipfake {__version__}\n"
    code = (
        "import sys; from clipfake.cli.app import main\n"
        "try: main(['scan', '--help'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")
    assert "--follow-symlinks" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.parametrize("terminal", ["xterm", "dumb"])
def test_a_terminal_sees_progress_and_a_dumb_one_no_escape_codes(
    folder: Path, terminal: str
) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tests.small", "scan", str(folder)]
    environment = {**os.environ, "TERM": terminal, "COLUMNS": "120"}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment, cwd=ROOT
    )
    os.close(theirs)
    # read while it runs: a terminal holds few bytes, and gives them out in pieces
    pieces = []
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # what Linux says when the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    shown = b"".join(pieces).decode()
    assert process.wait() == Exit.FINE
    if terminal == "xterm":
        assert re.search(r"4/[4?]", shown)  # the total is counted beside the scan
        assert "images/s" in shown
        assert "errors 1, skipped 1" in shown
    else:  # lines of progress on a machine that takes long, and nothing else
        assert "\x1b" not in shown
        assert "\r" not in shown.replace("\r\n", "")


def test_paths_on_stdin(folder: Path, tmp_path: Path) -> None:
    done = run("scan", "-", "-o", tmp_path / "r.csv", "--json", input=f"{folder / 'a.png'}\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scored"] == 1


def test_nothing_connects_to_a_network(folder: Path) -> None:
    code = f"""
import socket
from clipfake.cli.app import main

connect = socket.socket.connect

def refuse(*_, **__):
    raise SystemExit("a connection was tried")

def local_only(self, address):  # worker processes hand over tensors through local sockets
    return connect(self, address) if self.family == socket.AF_UNIX else refuse()

socket.socket.connect = local_only
socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
main(["scan", {str(folder)!r}, "--quiet"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_scan_keeps_its_rows(tmp_path: Path, number: int) -> None:
    names = [tmp_path / f"{index:03d}.png" for index in range(200)]
    for index, name in enumerate(names):  # each with bytes of its own: the same are scored once
        name.write_bytes(encoded(picture(seed=index)))
    output = tmp_path / "r.parquet"
    unfinished = tmp_path / "r.parquet.partial"
    command = [sys.executable, "-m", "tests.small", "scan", "-", "-o", str(output)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background has its children ignore Ctrl-C
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        process.stdin.write("".join(f"{name}\n" for name in names))
        process.stdin.flush()  # and stays open, so that the scan is never done
        deadline = time.monotonic() + PATIENCE
        while not has_rows(journal_path(output)) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED
    assert "Traceback" not in err
    assert "interrupted" in err
    assert not output.exists()
    assert 0 < pq.read_table(unfinished).num_rows <= 200


def has_rows(journal: Path) -> bool:
    """Whether there is more than the line that says which scan it is."""
    if not journal.exists():
        return False
    head, _, rows = journal.read_bytes().partition(b"\n")
    return bool(head) and bool(rows)
