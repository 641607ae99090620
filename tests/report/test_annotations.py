"""GitHub's annotations: no name and no reason is a command of its own."""

import re

import pytest

from clipfake.report.alerts import Alerts
from clipfake.report.annotations import Annotations
from tests.report.rows import HOSTILE, ai, broken, every_kind

COMMAND = re.compile(r"::(error|warning|notice) (?:file=([^,]*),line=1,)?title=([^,:]*)::(.*)")


def lines(rows: list[dict[str, object]], **about: object) -> list[str]:
    alerts = Alerts({"folder": "/repo", **about})
    alerts.add(rows)
    return list(Annotations(alerts).lines())


def test_each_level_is_a_command() -> None:
    parts = [COMMAND.fullmatch(line) for line in lines(every_kind())]
    assert [(p[1], p[2]) for p in parts if p] == [
        ("error", "ai.png"),
        ("error", "declared.png"),
        ("error", "both.png"),
        ("warning", "conflict.png"),
        ("warning", "ic.png"),
        ("notice", "b.png"),
    ]
    assert len(parts) == 6


def test_what_a_runner_does_not_show_is_counted() -> None:
    rows = [ai(f"{n}.png") for n in range(12)] + [ai(f"c{n}.png", "conflict") for n in range(11)]
    rows += [broken(f"b{n}.png") for n in range(3)] + [ai("k.png", suppressed="known")]
    found = lines(rows)
    counts = [sum(line.startswith(f"::{c} ") for line in found) for c in ("error", "warning")]
    assert counts == [10, 10]
    assert found[-1] == "3 further findings are in the job summary and in the reports"


def test_nothing_is_no_line() -> None:
    assert lines([]) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_in_its_command(name: str) -> None:
    [line] = lines([ai(name, explanation=f"ai: {name}\r\n::set-output name=x::y")])
    assert line.isprintable()
    assert COMMAND.fullmatch(line)
    assert line.startswith("::error file=")


def test_what_lies_outside_has_no_file() -> None:
    [line] = lines([ai("../x.png")])
    assert line.startswith("::error title=")
    assert "/x.png" in line
