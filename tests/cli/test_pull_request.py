"""What a pull request is told: what it adds, and nothing that was there before."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from tests.cli.command import clipfake, declared
from tests.conftest import encoded, picture
from tests.sources.repository import POINTER, Repository

METADATA = ("--no-pixels", "--workers", 0, "--quiet")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Thirty old pictures that declare that they are AI-made, ten others, and a baseline."""
    made = Repository(tmp_path / "repo")
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for number in range(30):
        made.write(f"old/{number:02d}.png", declared(number))
    for number in range(10):
        made.write(f"photos/{number}.png", seed=number)
    made.write("README.md", "words")
    assert clipfake("scan", ".", *METADATA, "-o", tmp_path / "all.parquet") == Exit.FINE
    made.git("config", "user.name", "Ann")
    create = ("baseline", "create", "accepted.jsonl", tmp_path / "all.parquet")
    assert clipfake(*create, "--reason", "made by us") == Exit.FINE
    made.commit()
    made.git("checkout", "-q", "-b", "topic")
    return made


@pytest.fixture
def topic(repo: Repository) -> Repository:
    """A branch that adds a picture that is AI-made, moves an old one and edits a text."""
    repo.write("new/hero.png", declared(99))
    repo.git("mv", "old/07.png", "new/moved here.png")
    repo.write("README.md", "other words")
    repo.commit()
    return repo


def rows(path: Path) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in pq.read_table(path).to_pylist()}


def test_a_pull_request_has_exactly_one_finding(
    topic: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    outputs = [tmp_path / name for name in ("r.parquet", "r.sarif", "r.junit.xml", "r.md")]
    outputs.append(tmp_path / "r.codequality.json")
    written = [part for path in outputs for part in ("-o", path)]
    gate = ("--changed-since", "main", "--baseline", "accepted.jsonl", "--fail-on", "new-ai")
    assert clipfake("scan", *gate, *METADATA, *written) == Exit.FOUND
    out = capsys.readouterr().out
    assert [line.partition(": ai")[0] for line in out.splitlines() if "fails: " in line] == [
        "fails: new/hero.png"
    ]
    found = rows(outputs[0])
    assert set(found) == {"new/hero.png", "new/moved here.png", "README.md"}
    assert {path: row["suppressed"] for path, row in found.items()} == {
        "new/hero.png": None,
        "new/moved here.png": "made by us",
        "README.md": None,
    }
    [run] = json.loads(outputs[1].read_text())["runs"]
    shown = [result for result in run["results"] if "suppressions" not in result]
    [location] = [result["locations"][0]["physicalLocation"] for result in shown]
    assert location["artifactLocation"]["uri"] == "new/hero.png"
    assert len(run["results"]) == 2
    assert 'tests="2" failures="1" errors="0" skipped="1"' in outputs[2].read_text()
    assert "**1 finding**, and 1 that the baseline knows, in 3 files." in outputs[3].read_text()
    [entry] = json.loads(outputs[4].read_text())
    assert entry["location"]["path"] == "new/hero.png"


def test_a_branch_that_only_moves_has_none(repo: Repository) -> None:
    for number in range(30):
        repo.git("mv", f"old/{number:02d}.png", f"photos/moved {number}.png")
    repo.commit()
    gate = ("--changed-since", "main", "--baseline", "accepted.jsonl", "--fail-on", "new-ai")
    assert clipfake("scan", *gate, *METADATA) == Exit.FINE
    assert clipfake("scan", ".", *gate[2:], *METADATA) == Exit.FINE


def test_what_is_known_fails_where_it_is_asked_for_and_the_way_out_is_told(
    topic: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    gate = ("--baseline", "accepted.jsonl", "--fail-on", "ai")
    assert clipfake("scan", ".", *gate, *METADATA) == Exit.FOUND
    out = capsys.readouterr().out
    assert "31 of 42 files are ai" in out.replace("43", "42")
    assert "30 of them are known to the baseline; --fail-on new-ai" in out


def test_the_whole_tree_tells_of_entries_that_match_nothing(
    topic: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (topic.root / "old" / "03.png").unlink()
    topic.write("old/04.png", declared(1004))
    capsys.readouterr()
    command = ("scan", ".", "--no-pixels", "--workers", 0, "--baseline", "accepted.jsonl")
    assert clipfake(*command) == Exit.FINE
    out = " ".join(capsys.readouterr().out.split())
    assert "known to the baseline: 28 findings" in out
    assert (
        "2 entries of the baseline match nothing any more: old/03.png, old/04.png; "
        "clipfake baseline update --prune deletes them"
    ) in out
    assert clipfake(*command, "--json") == Exit.FINE
    summary = json.loads(capsys.readouterr().out)
    assert (summary["suppressed"], summary["unmatched"]) == (28, ["old/03.png", "old/04.png"])
    # a part of the tree matches a part of the entries
    assert clipfake("scan", "--changed-since", "main", *command[2:], "--json") == Exit.FINE
    assert json.loads(capsys.readouterr().out)["unmatched"] == []


def test_an_update_accepts_what_is_new(
    topic: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "now.parquet"
    assert clipfake("scan", ".", *METADATA, "-o", report) == Exit.FINE
    capsys.readouterr()
    update = ("baseline", "update", "accepted.jsonl", report)
    assert clipfake(*update, "--reason", "the new hero", "--who", "bob") == Exit.FINE
    assert capsys.readouterr().out == "accepted.jsonl: 31 entries, 1 new, 1 moved\n"
    gate = ("--baseline", "accepted.jsonl", "--fail-on", "new-ai")
    assert clipfake("scan", ".", *gate, *METADATA) == Exit.FINE
    changes = topic.git("diff", "--unified=0", "accepted.jsonl")
    added = [line for line in changes.splitlines() if line.startswith("+{")]
    assert len(added) == 2
    assert any('"the new hero", "who": "bob"' in line for line in added)
    capsys.readouterr()
    assert clipfake("baseline", "show", "accepted.jsonl") == Exit.FINE
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "31 entries"
    [hero] = [line for line in shown if line.startswith("new/hero.png  ai-declared  ")]
    assert hero.endswith("  bob: the new hero")
    assert clipfake("baseline", "show", "accepted.jsonl", "--json") == Exit.FINE
    entries = json.loads(capsys.readouterr().out)
    assert [entry["who"] for entry in entries].count("Ann") == 30
    (topic.root / "old" / "00.png").unlink()
    assert clipfake("scan", ".", *METADATA, "-o", report) == Exit.FINE
    capsys.readouterr()
    assert clipfake(*update) == Exit.FINE
    assert "1 match nothing of these reports (--prune deletes them)" in capsys.readouterr().out
    assert clipfake(*update, "--prune") == Exit.FINE
    assert capsys.readouterr().out.startswith("accepted.jsonl: 30 entries, 0 new, 1 deleted")


def test_what_could_not_be_read_is_not_lost_in_a_baseline(
    repo: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.write("cut.jpg", encoded(picture(400, 400), "JPEG")[:3000])
    report = tmp_path / "r.parquet"
    (repo.root / "names.txt").write_text("cut.jpg\ngone.png\n")
    # only a decoder finds out that it is cut off; a name that is not there has no bytes at all
    assert clipfake("scan", "names.txt", "--workers", 0, "-q", "-o", report) == Exit.NOTHING_READ
    capsys.readouterr()
    assert clipfake("baseline", "create", "b.jsonl", report) == Exit.FINE
    said = capsys.readouterr()
    assert said.out == "b.jsonl: 1 entries, 1 new\n"
    assert said.err.startswith("1 findings are left out: their bytes were not read")


def test_a_scan_that_goes_on_may_have_another_baseline(
    topic: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipfake.report.report import Report

    report, taken = tmp_path / "r.parquet", Report.take

    def interrupted(self: Report, row: dict[str, Any], *picture: Any) -> Any:
        if row["path"].endswith("photos/5.png"):
            raise KeyboardInterrupt
        return taken(self, row, *picture)

    monkeypatch.setattr("clipfake.scanning.describe.CHUNK", 4)
    monkeypatch.setattr("clipfake.scanning.scanner.CHUNK", 4)
    monkeypatch.setattr(Report, "take", interrupted)
    assert clipfake("scan", ".", *METADATA, "-o", report) == Exit.INTERRUPTED
    monkeypatch.setattr(Report, "take", taken)
    command = ("scan", ".", *METADATA, "-o", report, "--baseline", "accepted.jsonl")
    assert clipfake(*command, "--fail-on", "new-ai") == Exit.FOUND
    found = rows(report)
    assert sum(row["suppressed"] is not None for row in found.values()) == 30


# --- what the next commit adds


def test_staged_files_are_a_gate(repo: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repo.write("x.png", declared(50))
    repo.write("loose.png", declared(51))
    repo.git("add", "x.png")
    repo.write("x.png", seed=3)  # other bytes than those that will be committed
    capsys.readouterr()
    assert clipfake("scan", "--staged", "--fail-on", "ai", *METADATA) == Exit.FOUND
    assert capsys.readouterr().out.startswith("fails: x.png: ai ")
    repo.git("add", "x.png")
    assert clipfake("scan", "--staged", "--fail-on", "ai", *METADATA) == Exit.FINE


def test_nothing_staged_is_nothing_to_scan(
    repo: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--fail-on", "ai", "--strict", "--no-pixels", "--workers", 0)
    assert clipfake("scan", "--staged", *options) == Exit.FINE
    assert "nothing to scan: no image is named" in capsys.readouterr().err
    repo.write("README.md", "more words")
    repo.git("add", ".")
    assert clipfake("scan", "--staged", *options) == Exit.FINE


def test_a_pointer_of_lfs_is_reported(
    repo: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.write("big.png", POINTER)
    repo.git("add", ".")
    capsys.readouterr()
    report = tmp_path / "r.parquet"
    command = ("scan", "--staged", "-o", report, "--fail-on", "ai", *METADATA)
    assert clipfake(*command) == Exit.NOTHING_READ
    assert "were not judged" in capsys.readouterr().out
    assert clipfake(*command, "--strict") == Exit.FOUND
    [line] = [line for line in capsys.readouterr().out.splitlines() if "fails: " in line]
    assert line.startswith("fails: big.png: not judged (lfs_pointer): ")
    assert "git lfs pull" in line
    assert rows(report)["big.png"]["unread"]


def test_ignore_files_count_for_names_when_asked(
    repo: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.write(".clipfakeignore", "old/\n")
    gate = ("--fail-on", "ai", "--no-pixels", "--workers", 0)
    assert clipfake("scan", ".", *gate) == Exit.FINE
    assert "1 named by .clipfakeignore" in capsys.readouterr().out
    assert clipfake("scan", ".", *gate, "--ignore", "none") == Exit.FOUND
    names = ("old/00.png", "old/01.png")
    assert clipfake("scan", *names, *gate) == Exit.FOUND
    assert clipfake("scan", *names, *gate, "--ignore", "all", "--strict") == Exit.FINE
    assert clipfake("scan", *names, "photos/1.png", *gate, "--ignore", "all") == Exit.FINE
    (repo.root / "list.txt").write_text("old/00.png\n")
    assert clipfake("scan", "list.txt", *gate) == Exit.FOUND
    assert clipfake("scan", "list.txt", *gate, "--ignore", "all") == Exit.FINE


# --- bad inputs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--changed-since", "nowhere"), "no such commit here; git fetch origin nowhere"),
        ((".", "--baseline", "none.jsonl"), "none.jsonl: no such baseline; clipfake baseline"),
        ((".", "--baseline", "torn.jsonl"), "torn.jsonl:2: a conflict marker of git; keep"),
        ((".", "--baseline", "later.jsonl"), "later.jsonl:1: a baseline of version 7"),
        ((".", "--fail-on", "new-ai"), "--fail-on new-ai: new beside what? give --baseline FILE"),
        (("--staged", "--changed-since", "main"), "give --staged or --changed-since, not both"),
        (("--staged", "-"), "-: --staged asks git, not a list"),
        (("--staged", "--null"), "--null is about names on standard input"),
        ((), "no files are named"),
    ],
)
def test_what_is_wrong_is_one_line(
    repo: Repository, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    (repo.root / "torn.jsonl").write_text('{"clipfake_baseline": 1}\n<<<<<<< HEAD\n')
    (repo.root / "later.jsonl").write_text('{"clipfake_baseline": 7}\n')
    capsys.readouterr()
    assert clipfake("scan", *arguments, "--no-pixels") == Exit.USAGE
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_no_git_is_one_line(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(repo.root))
    assert shutil.which("git") is None
    capsys.readouterr()
    assert clipfake("scan", "--staged", "--no-pixels") == Exit.USAGE
    assert capsys.readouterr().err.startswith("error: git is not installed")
    # a baseline does without it
    assert clipfake("scan", ".", "--baseline", "accepted.jsonl", *METADATA) == Exit.FINE


def test_baselines_that_cannot_be_made_are_told(
    repo: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, old = tmp_path / "all.parquet", tmp_path / "old.parquet"
    pq.write_table(pq.read_table(report).drop(["unread"]), old)
    for arguments, words in (
        (("create", "accepted.jsonl", report), "is there already; clipfake baseline update"),
        (("create", "b.jsonl", "none.parquet"), "none.parquet: no such report"),
        (("create", "b.jsonl", "README.md"), "README.md: not a readable Parquet report"),
        (("create", "b.jsonl", old), "old.parquet: made by another version of clipfake, it has no"),
        (("create", "none/b.jsonl", report), "none: no such folder; create it first"),
        (("update", "b.jsonl", report), "b.jsonl: no such baseline; clipfake baseline create"),
        (("show", "README.md"), "README.md:1: no entry of a baseline"),
    ):
        capsys.readouterr()
        assert clipfake("baseline", *arguments) == Exit.USAGE
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
        assert not (repo.root / "b.jsonl").exists()


def test_an_earlier_report_becomes_any_format(repo: Repository, tmp_path: Path) -> None:
    report, log = tmp_path / "all.parquet", tmp_path / "all.sarif"
    assert clipfake("merge", report, "-o", log) == Exit.FINE
    results = json.loads(log.read_text())["runs"][0]["results"]
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    assert uris == {f"old/{number:02d}.png" for number in range(30)}
