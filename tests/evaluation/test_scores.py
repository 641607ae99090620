"""Scores of labelled images, by a detector and out of reports of any tool."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipfake.detector.detector import Detector
from clipfake.errors import UsageError
from clipfake.evaluation.perturbations import perturbation
from clipfake.evaluation.scores import read_scores, score_images
from clipfake.plan import ScanPlan
from clipfake.sources.labelled import Example
from tests.conftest import picture


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load()


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    for seed in range(2):
        picture(seed=seed).save(tmp_path / f"{seed}.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    (tmp_path / "notes.txt").write_text("no image")
    names = ("0.png", "1.png", "broken.png", "notes.txt", "absent.png")
    return [Example(str(tmp_path / name), False, "g", name) for name in names]


def test_by_a_detector(detector: Detector, examples: list[Example]) -> None:
    said: list[tuple[int, int]] = []
    plan = ScanPlan.of(no_metadata=True, workers=0)
    found = score_images(
        examples, detector, plan, show=lambda done, total: said.append((done, total))
    )
    expected = detector.score([example.path for example in examples[:2]])
    assert found.values[:2].tolist() == expected.tolist()
    assert np.isnan(found.values[2:]).all()
    assert found.no_image.tolist() == [False, False, False, True, False]
    assert found.problems[:2] == [None, None]
    assert all(problem is not None for problem in found.problems[2:])
    assert said[-1] == (5, 5)
    assert found.by == f"{detector.adapter.label}, looks auto"


def test_changed_images(detector: Detector, examples: list[Example]) -> None:
    change = perturbation("jpeg-30")
    plan = ScanPlan.of(no_metadata=True, workers=1)
    found = score_images(examples, detector, plan, transform=change)
    files = [change(Path(example.path).read_bytes()) for example in examples[:2]]
    assert found.values[:2].tolist() == detector.score(files).tolist()
    assert np.isnan(found.values[2:]).all()


@pytest.fixture
def three(tmp_path: Path) -> list[Example]:
    return [
        Example(str(tmp_path / "set" / f"{n}.png"), n == 0, "g", str(n), "val") for n in range(3)
    ]


@pytest.mark.parametrize("form", ["absolute", "below the set", "beside the report", "from above"])
def test_a_report_may_name_files_in_its_own_way(
    tmp_path: Path, three: list[Example], form: str
) -> None:
    report = tmp_path / "out" / "report.csv"
    report.parent.mkdir()
    (tmp_path / "set").mkdir()
    start = {
        "absolute": f"{tmp_path}/set/",
        "below the set": "",
        "beside the report": "../set/",
        "from above": "set/",
    }[form]
    report.write_text(f"path,score\n{start}0.png,0.9\n{start}1.png,\n{start}9.png,0.3\n")
    found = read_scores(report, three, str(tmp_path / "set"))
    assert found.values[0] == 0.9
    assert np.isnan(found.values[1:]).all()
    assert found.problems == [None, "no score in the report", "not in the report"]
    assert found.by == "report.csv"


def test_another_column_and_the_errors_of_a_report(tmp_path: Path, three: list[Example]) -> None:
    (tmp_path / "r.csv").write_text(
        f"path,logit,error\n{three[0].path},-3.5,\n{three[1].path},,cut off\n"
    )
    found = read_scores(tmp_path / "r.csv", three, str(tmp_path), column="logit")
    assert found.values[0] == -3.5
    assert found.problems[1] == "cut off"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,other\na.png,1\n", "no column 'score'; --score-column names one of other"),
        ("path,score\nelsewhere.png,1\n", "names none of the images"),
        ("path,score\nset/0.png,high\n", "score 'high' is not a number"),
    ],
)
def test_reports_that_cannot_be_used(
    tmp_path: Path, three: list[Example], text: str, said: str
) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_scores(tmp_path / "r.csv", three, str(tmp_path / "set"))


@pytest.mark.parametrize("name", ["r.parquet", "r.parts/part-00000.parquet"])
def test_a_report_may_lie_at_a_url(tmp_path: Path, three: list[Example], name: str) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    table = pa.table({"path": ["set/0.png", three[1].path, "set/9.png"], "score": [0.9, 0.2, 0.1]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    place = f"/{tmp_path.name}-{name[:4]}"
    fsspec.filesystem("memory").pipe_file(f"{place}/{name}", buffer.getvalue())
    report = f"memory:/{place}/{name.partition('/')[0]}"
    found = read_scores(report, three, str(tmp_path / "set"))
    assert found.values[:2].tolist() == [0.9, 0.2]
    assert found.problems[2] == "not in the report"
    assert found.by == name.partition("/")[0]


def test_lists_of_text_are_not_read_from_a_url(three: list[Example]) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    with pytest.raises(UsageError, match=r"by URL only \.parquet and \.parts are read"):
        read_scores("memory://place/r.csv", three, "set")
