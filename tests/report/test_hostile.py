"""Whatever text files bring, what pipelines read stays what it is."""

import json
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from clipfake.report.alerts import Alerts
from clipfake.report.annotations import Annotations
from tests.report.rows import ai, broken, write

any_text = st.text(st.one_of(st.characters(), st.characters(categories=["Cs", "Cc"])), max_size=40)


def fit(text: str) -> bool:
    """Whether nothing in a text does more than to be read; spaces of any width may."""
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


@given(name=any_text.filter(bool), reason=any_text, accepted=any_text)
def test_any_text_is_text_in_every_format(
    tmp_path_factory: object, name: str, reason: str, accepted: str
) -> None:
    folder = Path(tmp_path_factory.mktemp("any"))  # type: ignore[attr-defined]
    from clipfake.report.schema import clean

    rows = [
        ai(name, explanation=f"ai: {reason}"),
        broken(name, error=f"{name}: {reason}"),
        ai(name, sha256="1" * 64, suppressed=clean(accepted)),
    ]
    sarif = json.loads(write(folder / "r.sarif", rows).read_text("utf-8"))
    results = sarif["runs"][0]["results"]
    assert [result["level"] for result in results] == ["error", "note", "error"]
    assert all(fit(result["message"]["text"]) for result in results)
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results]
    assert all(uri.isascii() and uri.isprintable() and " " not in uri for uri in uris)
    entries = json.loads(write(folder / "r.codequality.json", rows).read_text("utf-8"))
    assert len(entries) == 2
    suite = ElementTree.parse(write(folder / "r.junit.xml", rows)).getroot()[0]
    assert [len(case) for case in suite.iter("testcase")] == [1, 1, 1]
    plain = write(folder / "p.md", [ai("a"), broken("a"), ai("a", suppressed="b")])
    text = write(folder / "r.md", rows).read_text("utf-8")
    assert text.count("\n") == plain.read_text("utf-8").count("\n")
    assert text.count("|") == plain.read_text("utf-8").count("|")
    alerts = Alerts({"folder": str(folder)})
    alerts.add(rows)
    lines = list(Annotations(alerts).lines())
    assert len(lines) == 2
    assert all(fit(line) for line in lines)
