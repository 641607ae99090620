"""GitLab's Code Quality: the fields that its documentation asks for."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.report.rows import HOSTILE, ai, digest, every_kind, write

# docs.gitlab.com/ci/testing/code_quality, "Code Quality report format": what is needed, and the
# values that a severity may have; paths are relative and begin without ./
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def entries(path: Path) -> list[dict[str, Any]]:
    """Entries that GitLab takes."""
    data = path.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")  # GitLab refuses a byte order mark
    found = json.loads(data)
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(found)] == []
    assert len({entry["fingerprint"] for entry in found}) == len(found)
    return found


def test_every_kind_that_is_new_is_told(tmp_path: Path) -> None:
    found = entries(write(tmp_path / "r.codequality.json", every_kind()))
    assert [(e["location"]["path"], e["check_name"], e["severity"]) for e in found] == [
        ("ai.png", "ai-pixels", "critical"),
        ("declared.png", "ai-declared", "critical"),
        ("both.png", "ai-both", "critical"),
        ("conflict.png", "ai-conflict", "major"),
        ("ic.png", "inconclusive-conflict", "major"),
        ("b.png", "not-judged", "info"),
    ]


def test_nothing_is_an_empty_array(tmp_path: Path) -> None:
    assert entries(write(tmp_path / "r.codequality.json", [])) == []


def test_paths_begin_at_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")  # as a worktree has it
    (tmp_path / "in").mkdir()
    rows = [ai("./a b.png"), ai("../c.png")]
    found = entries(write(tmp_path / "r.codequality.json", rows, folder=str(tmp_path / "in")))
    assert [e["location"]["path"] for e in found] == ["in/a b.png", "c.png"]


def test_a_moved_picture_is_the_same_finding(tmp_path: Path) -> None:
    one = digest("one")
    before = entries(write(tmp_path / "a.codequality.json", [ai("a.png", sha256=one)]))
    after = entries(
        write(tmp_path / "b.codequality.json", [ai("b.png", sha256=one), ai("c.png", sha256=one)])
    )
    assert after[0]["fingerprint"] == before[0]["fingerprint"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_can_be_shown(tmp_path: Path, name: str) -> None:
    [entry] = entries(write(tmp_path / "r.codequality.json", [ai(name)]))
    assert entry["location"]["path"].isprintable()
    assert entry["description"].isprintable()


def test_what_is_too_much_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [ai(f"{n}.png") for n in range(5003)]
    found = entries(write(tmp_path / "r.codequality.json", rows))
    assert len(found) == 5001
    assert found[-1]["description"].startswith("3 further findings are left out")
