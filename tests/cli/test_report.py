"""`clipfake report`, and pages of a scan."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.command import clipfake, scan, twelve_files
from tests.report.page.parsed import Parsed


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twelve files, and a report, a page and a site of them."""
    folder = tmp_path_factory.mktemp("scanned")
    twelve_files(folder / "files")
    outputs = [folder / name for name in ("r.parquet", "r.html", "r.site")]
    assert scan(folder / "files", outputs[0], "-o", outputs[1], "-o", outputs[2]) == 0
    return folder


def test_a_scan_writes_page_and_site_with_pictures(scanned: Path) -> None:
    page, site = Parsed(scanned / "r.html"), Parsed(scanned / "r.site" / "index.html")
    assert len(page.named("img")) == 11
    assert len(list((scanned / "r.site" / "pictures").rglob("*.webp"))) == 11
    for text in ("of 7,774 real photographs of 695 sources 0.7 in 100 were", "in use", "12 files"):
        assert text in page.texts
        assert text in site.texts
    rows = pq.read_table(scanned / "r.parquet").to_pylist()
    assert [row["phash"] is None for row in rows] == [False] * 11 + [True]
    copies = dict(zip([e["name"] for e in page.data["details"]], page.data["copies"], strict=True))
    alike = [group for group in copies.values() if group >= 0]
    assert len(alike) == 4
    assert copies[f"{scanned}/files/00.png"] == copies[f"{scanned}/files/09.png"] >= 0


def test_an_earlier_report_becomes_a_page(
    scanned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("report", scanned / "r.parquet", "-o", tmp_path / "b.html") == 0
    page, first = Parsed(tmp_path / "b.html"), Parsed(scanned / "r.html")
    assert len(page.named("img")) == 11
    assert page.data["details"] == first.data["details"]
    assert "12 rows of" in capsys.readouterr().err


def test_a_report_made_without_a_page_knows_its_detector_again(
    scanned: Path, tmp_path: Path
) -> None:
    assert scan(scanned / "files", tmp_path / "r.parquet") == 0
    about = json.loads(pq.read_schema(tmp_path / "r.parquet").metadata[b"clipfake"])
    assert "operating" not in about
    assert clipfake("report", tmp_path / "r.parquet", "-o", tmp_path / "r.html", "-q") == 0
    assert "of 7,774 real photographs of 695 sources" in Parsed(tmp_path / "r.html").texts


def test_a_resumed_scan_and_one_out_of_a_cache_have_all_pictures(
    scanned: Path, tmp_path: Path
) -> None:
    cache = ("--cache", tmp_path / "cache")
    assert scan(scanned / "files", tmp_path / "a.parquet", *cache) == 0
    assert scan(scanned / "files", tmp_path / "b.html", *cache) == 0
    assert len(Parsed(tmp_path / "b.html").named("img")) == 11
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert scan(scanned / "files", tmp_path / "c.parquet", *cache) == 0
    assert pq.read_table(tmp_path / "c.parquet").to_pylist() == rows


def test_a_page_without_pixels_decodes_nothing(scanned: Path, tmp_path: Path) -> None:
    scan(scanned / "files", tmp_path / "r.html", "--no-pixels")
    page = Parsed(tmp_path / "r.html")
    assert page.named("img") == []
    assert "pixels were not scored" in page.texts


def test_reviews_are_printed(
    scanned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reviews.csv").write_text(
        f"path,decision,who\n{scanned}/files/03.png,cleared,Ann\nnowhere.png,unsure,Ann\n"
    )
    given = ("--reviews", tmp_path / "reviews.csv", "-o", tmp_path / "b.html")
    assert clipfake("report", scanned / "r.parquet", *given) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "1 reviews beside them" in said
    assert "1 reviews are of images that the report has not" in said
    assert "cleared by Ann" in Parsed(tmp_path / "b.html").texts


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "no.parquet", "-o", "b.html"), "no.parquet: no such report"),
        (("report", "text.parquet", "-o", "b.html"), "text.parquet: not a readable Parquet report"),
        (("report", "{r}", "-o", "b.txt"), "the ending names no format"),
        (("report", "{r}", "-o", "{r}"), "is the report itself; give another --output"),
        (
            ("report", "{r}", "-o", "b.html", "--reviews", "no.csv"),
            "no.csv: reviews cannot",
        ),
        (("report", "{plain}", "-o", "b.html", "--adapter", "no"), "no: no such adapter file"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    scanned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.parquet").write_text("no report")
    plain = tmp_path / "plain.parquet"  # which does not say what is known of its thresholds
    if "--adapter" in arguments:
        scan(scanned / "files", plain)
    given = [each.format(r=scanned / "r.parquet", plain=plain) for each in arguments]
    assert clipfake(*given) == 2
    text = capsys.readouterr().err.strip()
    assert said in text
    assert text.startswith("error:")
    assert not (tmp_path / "b.html").exists()
