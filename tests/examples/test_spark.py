"""The pandas UDF, called as Spark calls it, without Spark."""

import importlib.util
from pathlib import Path

import pytest

from clipfake import Detector
from tests.conftest import encoded, picture
from tests.small import small_adapter, small_tower

pd = pytest.importorskip("pandas")
FILE = Path(__file__).parent.parent.parent / "examples" / "ray" / "spark_udf.py"


def test_the_udf_gives_a_row_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("spark_udf", FILE)
    assert spec is not None
    assert spec.loader is not None
    udf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(udf)
    small = Detector(small_tower(), small_adapter(), device="cpu")
    monkeypatch.setattr(udf, "detector", lambda: small)
    names = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encoded(picture(seed=number)) if number < 2 else b"no image")
        names.append(str(path))
    [frame] = udf.judge(iter([pd.Series(names, index=[5, 6, 7])]))
    assert list(frame.index) == [5, 6, 7]
    assert frame["score"].notna().tolist() == [True, True, False]
    assert frame["error_code"].tolist()[2] == "not_an_image"
    assert set(frame["verdict"][:2]) <= {"ai", "real", "inconclusive"}
