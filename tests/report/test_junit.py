"""JUnit XML: valid by Jenkins' schema, with counts that are right and a size that is bounded."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema

from clipfake.report.junit import MOST_BYTES
from tests.report.rows import HOSTILE, ai, broken, every_kind, failing_on, real, write

XSD = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "junit-10.xsd")


def suite_of(path: Path) -> ElementTree.Element:
    """The suite of a report that the schema accepts."""
    XSD.validate(path)
    [suite] = ElementTree.parse(path).getroot()
    return suite


def counts(suite: ElementTree.Element) -> dict[str, int]:
    return {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


def outcomes(suite: ElementTree.Element) -> dict[str, str]:
    return {
        case.attrib["name"]: case[0].tag if len(case) else "passed"
        for case in suite.iter("testcase")
    }


def test_each_kind_has_its_outcome_and_is_counted(tmp_path: Path) -> None:
    suite = suite_of(write(tmp_path / "r.junit.xml", every_kind()))
    assert outcomes(suite) == {
        **dict.fromkeys(("ai.png", "declared.png", "both.png", "conflict.png"), "failure"),
        "b.png": "error",
        **dict.fromkeys(("i.png", "ic.png", "id.png", "in.png", "known.png"), "skipped"),
        "r.png": "passed",
    }
    assert counts(suite) == {"tests": 11, "failures": 4, "errors": 1, "skipped": 5}
    [failure] = [c[0] for c in suite.iter("testcase") if c.attrib["name"] == "both.png"]
    assert failure.attrib == {"type": "ai-both", "message": "ai: both.png says so."}
    [known] = [c[0] for c in suite.iter("testcase") if c.attrib["name"] == "known.png"]
    assert known.attrib["message"].startswith("known to the baseline (ours): ")


def test_the_undecided_fail_when_asked_for(tmp_path: Path) -> None:
    rows = every_kind()
    suite = suite_of(write(tmp_path / "r.junit.xml", rows, **failing_on("inconclusive")))
    assert counts(suite) == {"tests": 11, "failures": 8, "errors": 1, "skipped": 1}


def test_nothing_is_an_empty_suite(tmp_path: Path) -> None:
    assert counts(suite_of(write(tmp_path / "r.junit.xml", [])))["tests"] == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_text(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [ai(name), broken(f"b{name}"), real(f"r{name}")]
    suite = suite_of(write(tmp_path / "r.junit.xml", rows))
    assert [len(case) for case in suite.iter("testcase")] == [1, 1, 0]
    for case in suite.iter():
        assert all(value.isprintable() for value in case.attrib.values())


def test_what_is_too_much_is_counted(tmp_path: Path) -> None:
    long = "\U0001f600" * 3000
    rows = [real(f"r{n}.png") for n in range(20_000)] + [ai(f"a{n}.png") for n in range(100)]
    rows += [broken(f"b{n}.png") for n in range(50)] + [ai("z.png", explanation=f"ai: {long}")]
    path = write(tmp_path / "r.junit.xml", rows)
    assert MOST_BYTES * 0.9 < path.stat().st_size <= MOST_BYTES
    suite = suite_of(path)
    assert counts(suite) == {"tests": 20_151, "failures": 101, "errors": 50, "skipped": 0}
    listed = list(outcomes(suite).values())
    assert listed[:151] == ["failure"] * 101 + ["error"] * 50
    left = f"{20_151 - len(listed)} further test cases are counted, not listed"
    assert suite.findtext("system-out") == left


def test_failures_alone_can_be_too_much(tmp_path: Path) -> None:
    rows = [ai(f"{n}.png", explanation="ai: " + "x" * 900) for n in range(500)]
    path = write(tmp_path / "r.junit.xml", rows)
    assert path.stat().st_size <= MOST_BYTES
    assert counts(suite_of(path))["failures"] == 500
