"""The baseline: what it knows, how it is kept, and files that are none."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import ReportError, UsageError
from clipfake.report.baseline import Baseline, Entry, read_baseline, updated
from clipfake.report.places import Places
from clipfake.report.rules import RULES
from tests.report.rows import HOSTILE, ai, broken, digest, document, every_kind, inconclusive, real


def made(folder: Path, rows: list[dict[str, Any]], **options: Any) -> Baseline:
    """A new baseline of rows, written and read again."""
    places = Places(str(folder))
    baseline, _ = updated(
        Baseline(folder / "known.jsonl"), ((row, places) for row in rows), **options
    )
    baseline.write()
    return read_baseline(baseline.path)


def marked(baseline: Baseline, row: dict[str, Any]) -> str | None:
    baseline.mark(row)
    return row["suppressed"]


def test_findings_are_known_by_bytes_and_rule(tmp_path: Path) -> None:
    baseline = made(tmp_path, every_kind(), reason="ours", who="ann")
    assert {(entry.path, entry.rule) for entry in baseline} == {
        ("ai.png", "ai-pixels"),
        ("declared.png", "ai-declared"),
        ("both.png", "ai-both"),
        ("conflict.png", "ai-conflict"),
        ("ic.png", "inconclusive-conflict"),
        ("b.png", "not-judged"),
        ("known.png", "ai-pixels"),
    }
    assert {(entry.reason, entry.who) for entry in baseline} == {("ours", "ann")}
    one = digest("ai.png")
    assert marked(baseline, ai("elsewhere/new name.png", sha256=one, score=0.51)) == "ours"
    assert marked(baseline, ai("ai.png", sha256=digest("other bytes"))) is None
    assert marked(baseline, ai("ai.png", "declared")) is None  # a declaration is news
    assert marked(baseline, real("ai.png", sha256=one)) is None
    assert marked(baseline, document("ai.png", sha256=one)) is None


def test_no_reason_is_known_all_the_same(tmp_path: Path) -> None:
    baseline = made(tmp_path, [ai()])
    assert marked(baseline, ai()) == "known"


@pytest.mark.parametrize("accepted", ["declared", "both", "conflict"])
@pytest.mark.parametrize("found", ["declared", "both", "conflict", "pixels"])
def test_a_declared_origin_is_known_whatever_the_pixels_say(
    tmp_path: Path, accepted: str, found: str
) -> None:
    baseline = made(tmp_path, [ai("a.png", accepted)])
    assert (marked(baseline, ai("a.png", found)) is not None) is (found != "pixels")


def test_the_undecided_are_kept_when_asked_for(tmp_path: Path) -> None:
    rows = [inconclusive(), ai()]
    assert len(made(tmp_path, rows)) == 1
    baseline = made(tmp_path, rows, undecided=True)
    assert len(baseline) == 2
    assert marked(baseline, inconclusive()) == "known"


def test_what_has_no_hash_cannot_be_kept(tmp_path: Path) -> None:
    rows = [(broken(sha256=None), Places(str(tmp_path)))]
    baseline, change = updated(Baseline(tmp_path / "b"), rows)
    assert (len(baseline), change.without_hash) == (0, 1)
    assert marked(baseline, broken(sha256=None)) is None


def test_the_file_is_sorted_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = [ai(f"{number}.png") for number in range(30)] + [
        ai("0 copy.png", sha256=digest("0.png"))
    ]
    texts = set()
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        texts.add(made(tmp_path, rows).path.read_bytes())
    [text] = texts
    lines = text.decode().splitlines()
    assert json.loads(lines[0]) == {"clipfake_baseline": 1}
    assert lines[1:] == sorted(lines[1:])
    assert len(lines) == 31
    first = json.loads(lines[1])
    assert list(first) == ["sha256", "rule", "path", "reason", "who"]


def test_an_update_keeps_reasons_and_follows_moves(tmp_path: Path) -> None:
    made(tmp_path, [ai("a.png"), ai("b.png"), ai("gone.png")], reason="old", who="ann")
    places = Places(str(tmp_path))
    rows = [ai("a.png"), ai("z/b.png", sha256=digest("b.png")), ai("new.png")]
    for prune in (False, True):
        old = read_baseline(tmp_path / "known.jsonl")
        new, change = updated(
            old, ((r, places) for r in rows), reason="later", who="bob", prune=prune
        )
        assert (change.added, change.moved, change.unmet, change.dropped) == (
            (1, 1, 0, 1) if prune else (1, 1, 1, 0)
        )
        kept = {entry.path: (entry.reason, entry.who) for entry in new}
        assert kept == {
            "a.png": ("old", "ann"),
            "z/b.png": ("old", "ann"),
            "new.png": ("later", "bob"),
            **({} if prune else {"gone.png": ("old", "ann")}),
        }


def test_a_copy_beside_it_moves_no_hint(tmp_path: Path) -> None:
    old = made(tmp_path, [ai("m.png")])
    copies = [ai("a.png", sha256=digest("m.png")), ai("m.png")]
    _, change = updated(old, ((r, Places(str(tmp_path))) for r in copies))
    assert change.moved == 0


def test_what_no_row_matched_is_told(tmp_path: Path) -> None:
    baseline = made(tmp_path, [ai("a.png"), ai("b.png")])
    baseline.mark(ai("x.png", sha256=digest("a.png")))
    assert [entry.path for entry in baseline.unmet()] == ["b.png"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_one_line(tmp_path: Path, name: str) -> None:
    baseline = made(tmp_path, [ai(name)], reason=f"r {name}\n{{", who=name)
    assert baseline.path.read_text().count("\n") == 2
    [entry] = baseline
    assert entry.reason.isprintable()
    assert marked(baseline, ai(name)) == entry.reason


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True)


def test_two_branches_that_add_entries_merge(tmp_path: Path) -> None:
    try:
        git(tmp_path, "init", "-q", "-b", "main")
    except FileNotFoundError:
        pytest.skip("git is not on this machine")
    # far apart, as digests of pictures are
    old = [ai(f"{n}.png", sha256=f"{n:02x}" * 32) for n in range(0, 250, 10)]
    made(tmp_path, old)
    git(tmp_path, "add", "."), git(tmp_path, "commit", "-qm", "base")
    for branch, number in (("one", 15), ("two", 205)):
        git(tmp_path, "checkout", "-q", "-b", branch, "main")
        made(tmp_path, [*old, ai(f"{branch}.png", sha256=f"{number:02x}" * 32)])
        git(tmp_path, "commit", "-qam", branch)
    done = git(tmp_path, "merge", "-q", "one")
    assert done.returncode == 0, done.stdout + done.stderr
    merged = read_baseline(tmp_path / "known.jsonl")
    assert {"one.png", "two.png"} <= {entry.path for entry in merged}
    assert len(merged) == len(old) + 2


ENTRY = Entry("ab" * 32, "ai-pixels", "a.png").line()
HEAD = '{"clipfake_baseline": 1}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEAD}\n<<<<<<< ours\n{ENTRY}\n=======\n>>>>>>> theirs\n", ":2: a conflict marker"),
        (f"{HEAD}\n{ENTRY}\n>>>>>>> theirs", ":3: a conflict marker of git; keep the lines"),
        (f"<<<<<<< ours\n{HEAD}\n", ":1: a conflict marker"),
        ('{"clipfake_baseline": 2}\n', ":1: a baseline of version 2, this clipfake reads 1"),
        ('{"clipfake_baseline": "\x1b[31m"}\n', ":1: "),
        ("", ": empty, no baseline; clipfake baseline create makes one"),
        ("\n\n", ": empty, no baseline"),
        (ENTRY, ":1: no baseline; clipfake baseline create makes one"),
        ("path,score\na.png,1\n", ":1: no entry of a baseline; mend or delete the line"),
        (f"{HEAD}\n[]\n", ":2: no entry of a baseline"),
        (f"{HEAD}\n{{\n", ":2: no entry of a baseline"),
        (HEAD + "\n" + "[" * 60_000 + "\n", ":2: no entry of a baseline"),
        (HEAD + "\n" + json.dumps({"reason": "x" * 100_000}), ":2: no entry of a baseline"),
        (f"{HEAD}\n" + ENTRY.replace("abab", "xyxy", 1), ":2: sha256 is not 64 hex digits"),
        (f"{HEAD}\n" + ENTRY.replace("ai-pixels", "ai-words"), ":2: no such rule; use one of ai-"),
        (f"{HEAD}\n" + ENTRY.replace('"who"', '"when"'), ":2: unknown key when; an entry has"),
        (f"{HEAD}\n" + ENTRY.replace('"who": ""', '"who": 3'), ":2: who is no text"),
        (f"{HEAD}\n" + ENTRY.replace('"a.png"', json.dumps("a" * 3000)), ":2: path is no text"),
        ("\x00\x01\x02", ":1: no entry of a baseline"),
    ],
)
def test_what_is_no_baseline_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_baseline(path)
    message = str(caught.value)
    assert message.startswith(f"{path}{told}")
    assert message.isprintable()


def test_a_baseline_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such baseline; clipfake baseline create makes one"):
        read_baseline(tmp_path / "b.jsonl")
    with pytest.raises(UsageError, match="baseline cannot be read"):
        read_baseline(tmp_path)


def test_what_editors_and_git_do_to_text_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    other = Entry("00" * 32, "ai-both", "b.png", "r").line()
    text = f"\ufeff{HEAD}\r\n{ENTRY}\r\n\r\n{HEAD}\r\n{other}\r\n{ENTRY}"
    path.write_bytes(text.encode())
    baseline = read_baseline(path)
    assert [entry.path for entry in baseline] == ["b.png", "a.png"]
    baseline.write()
    assert path.read_text() == f"{HEAD}\n{other}\n{ENTRY}\n"


def test_text_that_is_none_comes_to_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    values = {"sha256": "ab" * 32, "rule": "ai-pixels", "reason": "\ud800\x1b[31m" + "\x01" * 1900}
    path.write_text(f"{HEAD}\n{json.dumps(values)}\n")
    for _ in range(2):
        baseline = read_baseline(path)
        [entry] = baseline
        assert entry.reason.startswith("\\ud800\\x1b[31m\\x01")
        assert entry.reason.isprintable()
        baseline.write()


def test_a_baseline_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    baseline = made(tmp_path, [ai()])
    before = baseline.path.read_bytes()
    (tmp_path / "known.jsonl.partial").mkdir()
    with pytest.raises(ReportError, match=r"known\.jsonl: cannot be written \(Is a directory\)"):
        Baseline(baseline.path, []).write()
    assert baseline.path.read_bytes() == before
    with pytest.raises(UsageError, match="no such folder"):
        Baseline(tmp_path / "gone" / "b.jsonl").write()


def test_every_rule_can_be_kept(tmp_path: Path) -> None:
    entries = [Entry("cd" * 32, rule) for rule in RULES]
    Baseline(tmp_path / "b", entries).write()
    assert len(read_baseline(tmp_path / "b")) == len(RULES)
