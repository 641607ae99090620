"""What a scan says in GitHub Actions."""

from pathlib import Path

import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.cli.github import wanted
from tests.cli.command import clipfake, declared
from tests.conftest import encoded, picture

METADATA = ("--no-pixels", "--workers", 0, "--quiet")


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job of GitHub Actions, and the file of its summary."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "ai.png").write_bytes(declared(1))
    (tmp_path / "in" / "a.png").write_bytes(encoded(picture()))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    return tmp_path / "summary.md"


def annotations(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("::")]


def test_findings_are_annotated_and_summed_up(
    summary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("scan", "in", *METADATA) == Exit.FINE
    [line] = annotations(capsys.readouterr().out)
    assert line.startswith("::error file=in/ai.png,line=1,title=")
    text = summary.read_text()
    assert text.startswith("before\n## clipfake\n")
    assert "**1 finding**, in 2 files." in text


def test_json_stays_alone_on_its_stream(summary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake("scan", "in", *METADATA, "--json") == Exit.FINE
    said = capsys.readouterr()
    assert annotations(said.out) == []
    assert len(annotations(said.err)) == 1


def test_more_than_a_runner_shows_is_in_the_summary(
    summary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(14):
        (summary.parent / "in" / f"x{number:02d}.png").write_bytes(declared(number))
    assert clipfake("scan", "in", *METADATA) == Exit.FINE
    out = capsys.readouterr().out
    assert len(annotations(out)) == 10
    assert "5 further findings are in the job summary and in the reports" in out
    assert all(f"x{number:02d}&#46;png" in summary.read_text() for number in range(14))


def test_a_summary_that_cannot_be_written_is_told(
    summary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary.parent))
    assert clipfake("scan", "in", *METADATA) == Exit.FINE
    out = capsys.readouterr().out
    assert len(annotations(out)) == 1
    assert "no job summary (Is a directory)" in out


def test_a_summary_is_never_too_large_for_github(summary: Path) -> None:
    full = "x" * (2**20 - 100)
    summary.write_text(full)
    assert clipfake("scan", "in", *METADATA) == Exit.FINE
    assert summary.read_text() == full


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [
        ("auto", "true", True),
        ("auto", "", False),
        ("plain", "true", False),
        ("github", "", True),
    ],
)
def test_when_annotations_are_printed(asked: str, there: str, expected: bool) -> None:
    assert wanted(asked, {"GITHUB_ACTIONS": there}) is expected
    assert wanted(asked, {}) is (asked == "github")


def test_plain_is_as_anywhere(summary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake("scan", "in", *METADATA, "--format", "plain") == Exit.FINE
    assert annotations(capsys.readouterr().out) == []
    assert summary.read_text() == "before\n"
