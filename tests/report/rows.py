"""Rows of reports, as the tests of formats need them."""

from pathlib import Path
from typing import Any

from clipfake.errors import ErrorCode
from clipfake.records import Record, Verdict
from clipfake.report.report import Report
from clipfake.report.schema import report_schema, to_row

SCHEMA = report_schema({})
# names that mean something to a terminal, a runner, XML, Markdown or a URL
HOSTILE = (
    "a b%20c.png",
    "::error::x.png",
    "x\n::error file=y::z.png",
    "]]>&<b>.png",
    "|`*_[a](http://e.vil)`|.png",
    "\x1b[31mred\x07.png",
    "@maintainers #1.png",
    "\u202egnp.exe.png",
    "<img src=x onerror=alert(1)>.png",
    "h\u00e9ro \U0001f600.png",
    "c:\\x,title=y.png",
    "a\u2028b\ufffe.png",
    "{0} ](x).png",
)


def digest(name: str) -> str:
    """64 hex digits that go with a name."""
    return name.encode("utf-8", "surrogatepass").hex().ljust(64, "0")[:64]


def row(path: str = "a.png", suppressed: str | None = None, **values: Any) -> dict[str, Any]:
    """A row of a report; its sha256 goes with its path unless it is given."""
    values.setdefault("sha256", digest(path))
    made = to_row(Record(path, **values), SCHEMA)
    made["suppressed"] = suppressed
    return made


def ai(path: str = "ai.png", basis: str = "pixels", **values: Any) -> dict[str, Any]:
    """A picture that is called AI."""
    values.setdefault("explanation", f"ai: {path} says so.")
    values.setdefault("score", 0.9)
    return row(path, verdict=Verdict.AI, verdict_basis=basis, **values)


def inconclusive(
    path: str = "i.png", basis: str | None = "pixels", **values: Any
) -> dict[str, Any]:
    """A picture that is not decided."""
    values.setdefault("explanation", "inconclusive: undecided.")
    return row(path, verdict=Verdict.INCONCLUSIVE, verdict_basis=basis, score=0.4, **values)


def real(path: str = "r.png", **values: Any) -> dict[str, Any]:
    """A picture that is called real."""
    return row(path, verdict=Verdict.REAL, verdict_basis="pixels", score=0.01, **values)


def broken(path: str = "b.png", **values: Any) -> dict[str, Any]:
    """A picture that could not be read."""
    values.setdefault("error", f"{path}: truncated; get the whole file")
    return row(path, error_code=ErrorCode.TRUNCATED, unread=True, **values)


def document(path: str = "d.txt", **values: Any) -> dict[str, Any]:
    """A file that is no picture and nobody asked for."""
    values.setdefault("error", f"{path}: no image")
    return row(path, error_code=ErrorCode.NOT_AN_IMAGE, **values)


def every_kind() -> list[dict[str, Any]]:
    """A row of each kind."""
    return [
        ai(),
        ai("declared.png", "declared"),
        ai("both.png", "both"),
        ai("conflict.png", "conflict"),
        inconclusive(),
        inconclusive("ic.png", "conflict"),
        inconclusive("id.png", "declared"),
        inconclusive("in.png", None),
        real(),
        broken(),
        document(),
        ai("known.png", suppressed="ours"),
    ]


def write(path: Path, rows: list[dict[str, Any]], **about: Any) -> Path:
    """Write rows as a report whose ending says the format."""
    about.setdefault("folder", str(path.parent))
    with Report([path], {}, about) as report:
        for each in rows:
            report.restore(report.fit(each))
    return path


def failing_on(*kinds: str) -> dict[str, Any]:
    """What says of a report that its scan was to fail on kinds."""
    return {"options": {"fail_on": ",".join(kinds)}}
