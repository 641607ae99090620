"""The examples that read a report, run on one."""

import subprocess
import sys
from pathlib import Path

import pytest

from clipfake.cli.exit_codes import Exit
from tests.cli.command import clipfake
from tests.conftest import EXAMPLES, PATIENCE

FOLDER = EXAMPLES.parent


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.parquet"
    options = ("--no-pixels", "--workers", 0, "--quiet")
    assert clipfake("scan", EXAMPLES, "-o", path, *options) == Exit.FINE
    return path


@pytest.mark.parametrize("library", ["pandas", "duckdb"])
def test_an_example_tells_what_the_report_holds(report: Path, library: str) -> None:
    pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, FOLDER / f"report_with_{library}.py", report],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={"PYTHONUTF8": "1", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert "Example Optics EO-1" in done.stdout
    assert "2024-07" in done.stdout
    assert "parameters.tool" in done.stdout
    assert str(EXAMPLES / "drawn")[-12:] in done.stdout
