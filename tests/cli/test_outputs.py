"""Outputs that cannot be written are found before the work, with the remedy that helps."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.report import files
from clipfake.report.report import check_outputs
from tests.cli.command import clipfake
from tests.conftest import PATIENCE, encoded, picture

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encoded(picture()))
    (tmp_path / "list.csv").write_text("path,label\nin/a.png,real\nin/b.png,fake\n")
    return tmp_path


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No detector is loaded, and no tower."""
    import clipfake.detector.backbone
    import clipfake.detector.detector

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the model is loaded")

    monkeypatch.setattr(clipfake.detector.detector, "load_backbone", never)
    monkeypatch.setattr(clipfake.detector.backbone, "load_backbone", never)


COMMANDS = {
    "scan": (["scan", "in", "-o"], "r.parquet"),
    "scan csv": (["scan", "in", "-o"], "r.csv"),
    "scan parts": (["scan", "in", "-o"], "r.parts"),
    "merge": (["merge", "none.parquet", "-o"], "r.parquet"),
    "evaluate": (["evaluate", "list.csv", "-o"], "r.json"),
    "evaluate page": (["evaluate", "list.csv", "--html"], "r.html"),
    "calibrate": (["calibrate", "--real", "in", "--out"], "r.safetensors"),
    "finetune": (["finetune", "--real", "in", "--fake", "in", "--out"], "r.safetensors"),
}


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "(Permission denied); make {} writable, or name a file elsewhere"),
        (errno.EROFS, "(Read-only file system); name a file elsewhere"),
        (errno.ENOSPC, "(No space left on device); free space"),
    ],
    ids=["permission", "read-only", "space"],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_written_is_told_first(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    number: int,
    remedy: str,
) -> None:
    real = os.open

    def refuse(path: object, flags: int, *rest: object, **options: object) -> int:
        if flags & os.O_CREAT and "sealed" in str(path):
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.chdir(folder)
    Path("sealed").mkdir()
    monkeypatch.setattr(files.os, "open", refuse)
    words, name = COMMANDS[command]
    code = clipfake(*words, f"sealed/{name}")
    said = " ".join(capsys.readouterr().err.split())
    assert f"sealed/{name}: cannot be written {remedy.format('sealed')}" in said
    assert code == (Exit.REPORT_FAILED if number == errno.ENOSPC else Exit.USAGE)
    assert "Traceback" not in said


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_folders_and_folders_in_the_way_are_told_first(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.chdir(folder)
    words, name = COMMANDS[command]
    Path("file").write_text("x")
    Path(name).write_text("x") if name.endswith(".parts") else Path(name).mkdir()
    for output, text in (
        (f"none/{name}", "none: no such folder"),
        (f"file/{name}", "file: is no folder; name another"),
        (name, "is a file, parts need a folder" if name.endswith(".parts") else "is a folder"),
        (f"{'a' * 260}{Path(name).suffix}", "too long"),
    ):
        assert clipfake(*words, output) == Exit.USAGE
        assert text in " ".join(capsys.readouterr().err.split())


def test_nothing_stays_of_the_trial_and_what_is_there_is_kept(folder: Path) -> None:
    (folder / "r.csv.partial").write_text("rows of a broken scan")
    before = sorted(folder.iterdir())
    check_outputs([folder / "r.csv", folder / "r.parts"], [folder / "r.csv.journal"])
    assert sorted(folder.iterdir()) == before
    assert (folder / "r.csv.partial").read_text() == "rows of a broken scan"


@pytest.mark.parametrize("name", ["r.csv.journal", "r.csv.custody.json", "r.csv.partial"])
def test_what_is_written_beside_a_report_is_tried_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(folder)
    Path(name).mkdir()
    words = ["scan", "in", "-o", "r.csv", "--custody"]
    assert clipfake(*words) in (Exit.USAGE, Exit.REPORT_FAILED)


def test_a_real_read_only_file_system_is_told(folder: Path) -> None:
    mounts = "mount -t tmpfs -o ro tmpfs sealed"
    (folder / "sealed").mkdir()
    if shutil.which("unshare") is None:
        pytest.skip("this machine has no mount namespaces")
    shell = ["unshare", "-m", "sh", "-c"]
    if subprocess.run([*shell, mounts], cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    command = f'{mounts} && exec "$0" -m clipfake scan in --no-pixels -o sealed/r.csv'
    done = subprocess.run(
        [*shell, command, sys.executable],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == Exit.USAGE
    assert done.stderr == (
        "error: sealed/r.csv: cannot be written (Read-only file system); name a file elsewhere\n"
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.EACCES, "Permission denied"), "(Permission denied); make here writable"),
        (OSError(errno.ENOSPC, "No space left"), "(No space left); what was written is in"),
        (OSError(errno.EIO, "Input/output error"), "(Input/output error); what was written is in"),
    ],
)
def test_a_report_that_fails_later_has_the_remedy_of_its_reason(error: OSError, text: str) -> None:
    assert text in str(files.report_error(Path("here/r.csv"), error))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["evaluate", "list.csv", "--perturb", "none-such"], "none-such"),
        (["evaluate", "list.csv", "--compare", "a.csv", "b.csv"], "a.csv"),
        (["evaluate", "list.csv", "--scores", "a.csv", "--fpr", "0.01"], "give --threshold"),
        (["scan", "in", "-o", "r.csv", "-o", "./r.csv"], "the same --output is given twice"),
        (["scan", "in", "--cache", "list.csv"], "cache cannot be used"),
        (
            [
                "finetune",
                "--real",
                "in",
                "--fake",
                "in",
                "--out",
                "a.safetensors",
                "--work",
                "list.csv/w",
            ],
            "list.csv/w: cannot be made",
        ),
    ],
)
def test_other_requests_at_fault_are_found_first(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(folder)
    assert clipfake(*arguments) == Exit.USAGE
    assert text in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("arguments", "missing", "text"),
    [
        (["scan", "in", "--c2pa-trust", "list.csv"], "c2pa", "clipfake[c2pa]"),
        (["inspect", "in/a.png", "--c2pa-trust", "list.csv"], "c2pa", "clipfake[c2pa]"),
    ],
)
def test_a_missing_extra_is_found_first(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    missing: str,
    text: str,
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr("clipfake.metadata.trust.find_spec", lambda _name: None)
    assert clipfake(*arguments) == Exit.USAGE
    assert text in capsys.readouterr().err
