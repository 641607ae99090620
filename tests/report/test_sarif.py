"""SARIF: valid by the published schema, and what code scanning makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from clipfake.report.rules import RULES
from tests.report.rows import HOSTILE, ai, digest, every_kind, failing_on, inconclusive, write

SCHEMA = Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json"


def run_of(path: Path) -> dict[str, Any]:
    """The run of a report that the schema accepts."""
    log = json.loads(path.read_text(encoding="utf-8"))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(log)] == []
    [run] = log["runs"]
    return run


def uris(run: dict[str, Any]) -> list[str]:
    return [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    ]


def test_every_kind_is_valid_and_has_its_level(tmp_path: Path) -> None:
    run = run_of(write(tmp_path / "r.sarif", every_kind()))
    found = dict(zip(uris(run), run["results"], strict=True))
    assert {uri: (r["ruleId"], r["level"]) for uri, r in found.items()} == {
        "ai.png": ("ai-pixels", "error"),
        "declared.png": ("ai-declared", "error"),
        "both.png": ("ai-both", "error"),
        "conflict.png": ("ai-conflict", "warning"),
        "ic.png": ("inconclusive-conflict", "warning"),
        "b.png": ("not-judged", "note"),
        "known.png": ("ai-pixels", "error"),
    }
    assert [r["ruleId"] for r in run["results"]] == [
        run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] for r in run["results"]
    ]
    assert all(r["message"]["text"].startswith("whole file: ") for r in run["results"])
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in run["results"]]
    assert regions == [{"startLine": 1}] * len(regions)
    [accepted] = found["known.png"]["suppressions"]
    assert (accepted["status"], accepted["justification"]) == ("accepted", "ours")
    assert all("suppressions" not in r for uri, r in found.items() if uri != "known.png")


@pytest.mark.parametrize("kind", ["inconclusive", "new-inconclusive", "ai, inconclusive,later"])
def test_the_undecided_are_told_when_asked_for(tmp_path: Path, kind: str) -> None:
    run = run_of(write(tmp_path / "r.sarif", every_kind(), **failing_on(kind)))
    undecided = [r for r in run["results"] if r["ruleId"].startswith("inconclusive")]
    assert {r["ruleId"] for r in undecided} == {i for i in RULES if i.startswith("inconclusive")}
    assert {r["level"] for r in undecided} == {"warning"}


def test_every_rule_says_what_it_means(tmp_path: Path) -> None:
    run = run_of(write(tmp_path / "r.sarif", []))
    assert run["results"] == []
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert all(len(rule["help"]["text"]) > 50 for rule in rules)


def fingerprints(path: Path) -> list[str]:
    results = run_of(path)["results"]
    return [r["partialFingerprints"]["primaryLocationLineHash"] for r in results]


def test_a_fingerprint_is_of_the_bytes_and_the_rule_alone(tmp_path: Path) -> None:
    first = ai("a.png", score=0.91, explanation="ai: 0.91.")
    moved = ai("b/c.png", score=0.99, explanation="ai: 0.99.", sha256=first["sha256"])
    other_rule = ai("a.png", "both")
    other_bytes = ai("a.png", sha256=digest("other"))
    marks = [
        fingerprints(write(tmp_path / f"{n}.sarif", [one]))
        for n, one in enumerate((first, moved, other_rule, other_bytes))
    ]
    assert marks[0] == marks[1]
    assert len({mark for [mark] in marks}) == 3


def test_copies_are_findings_of_their_own(tmp_path: Path) -> None:
    copies = [ai(name, sha256=digest("one")) for name in ("a.png", "b.png", "c.png")]
    marks = fingerprints(write(tmp_path / "r.sarif", copies))
    assert [mark.rpartition(":")[2] for mark in marks] == ["1", "2", "3"]
    assert len({mark.partition(":")[0] for mark in marks}) == 1


def test_names_begin_at_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "in" / "deep").mkdir(parents=True)
    names = ["a.png", "./b.png", "../c.png", "deep/../d.png", str(tmp_path / "e.png")]
    outside = [str(tmp_path.parent / "f g.png"), "../../h.png", "s3://bucket/i%20j.png?x=1"]
    run = run_of(
        write(tmp_path / "r.sarif", [ai(n) for n in names + outside], folder=str(tmp_path / "in"))
    )
    parent = tmp_path.parent.as_uri()
    assert uris(run) == [
        *("in/a.png", "in/b.png", "c.png", "in/d.png", "e.png"),
        *(f"{parent}/f%20g.png", f"{parent}/h.png", "s3://bucket/i%20j.png?x=1"),
    ]
    bases = [
        r["locations"][0]["physicalLocation"]["artifactLocation"].get("uriBaseId")
        for r in run["results"]
    ]
    assert bases == ["%SRCROOT%"] * len(names) + [None] * len(outside)
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": f"{tmp_path.as_uri()}/"}}


def test_a_name_with_links_on_its_way_is_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "link").symlink_to("repo")
    rows = [ai(str(tmp_path / "link" / "a.png"))]
    run = run_of(write(tmp_path / "r.sarif", rows, folder=str(tmp_path / "repo")))
    assert uris(run) == ["a.png"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_percent_encoded(tmp_path: Path, name: str) -> None:
    run = run_of(write(tmp_path / "r.sarif", [ai(name)]))
    [uri] = uris(run)
    assert uri == (tmp_path / name).as_uri().removeprefix(f"{tmp_path.as_uri()}/")
    text = run["results"][0]["message"]["text"]
    assert text.isprintable()
    assert "](" not in text
    assert "{0}" not in text


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path: Path) -> None:
    run = run_of(write(tmp_path / "r.sarif", [ai("a\\xff.png", path_raw=b"a\xff.png")]))
    assert uris(run) == ["a%FF.png"]


def test_a_member_is_told_at_its_archive(tmp_path: Path) -> None:
    (tmp_path / "odd!").mkdir()
    (tmp_path / "odd!" / "a.png").touch()
    (tmp_path / "x.zip").touch()
    names = ["x.zip!/in/a b.png", "odd!/a.png", "gone.zip!/a.png"]
    run = run_of(write(tmp_path / "r.sarif", [ai(name) for name in names]))
    assert uris(run) == ["x.zip", "odd%21/a.png", "gone.zip%21/a.png"]
    assert [r["locations"][0].get("logicalLocations") for r in run["results"]] == [
        [{"fullyQualifiedName": "in/a b.png"}],
        None,
        None,
    ]


def test_what_no_importer_takes_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipfake.report.report.ROWS_A_GROUP", 1000)
    rows = [ai(f"c{n}.png", "conflict") for n in range(3000)]
    rows += [inconclusive(f"i{n}.png") for n in range(100)]
    rows += [ai(f"k{n}.png", suppressed="known") for n in range(10)]
    rows += [ai(f"a{n}.png") for n in range(4000)]
    run = run_of(write(tmp_path / "r.sarif", rows))
    levels = [result["level"] for result in run["results"]]
    assert levels == ["error"] * 4000 + ["warning"] * 1000  # the weightiest, wherever they stood
    [told] = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("2010 further findings are left out")
    few = run_of(write(tmp_path / "few.sarif", rows[:9]))
    assert "toolExecutionNotifications" not in few["invocations"][0]
