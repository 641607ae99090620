"""Setting thresholds of both looks on images that nothing was fitted on."""

import csv
from pathlib import Path

import numpy as np
import pytest

from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.detector import Detector
from clipfake.detector.looks import Looks
from clipfake.detector.reference import find_reference, load_reference
from tests.conftest import encoded, picture
from tests.small import save_small, small_by_default
from tools.set_thresholds import main


def test_both_looks_get_thresholds_and_the_head_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("path", "split", "label", "generator", "source")]
    for number in range(24):
        (tmp_path / f"{number}.png").write_bytes(encoded(picture(90, 60, seed=number)))
        label, split = ("real", "fake")[number % 2], ("val", "thresholds")[number // 12]
        rows.append((f"{number}.png", split, label, "hard-cg-x", f"{label}/{number % 6}"))
    rows.append(("absent.png", "train", "real", "photo-x", "a/b"))
    with (tmp_path / "m.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    start = save_small(tmp_path)
    with small_by_default(start):
        before = load_adapter(start)
        out, kept = tmp_path / "out.safetensors", tmp_path / "reference.safetensors"
        arguments = [str(start), str(tmp_path / "m.csv"), "--work", str(tmp_path / "work")]
        arguments += ["--out", str(out), "--reference", str(kept), "--name", "sure"]
        for _again in range(2):  # the second time from the kept tokens
            monkeypatch.setattr("sys.argv", ["set_thresholds", *arguments])
            main()
        said = capsys.readouterr().out
        adapter = load_adapter(out)
        assert adapter.name == "sure"
        assert adapter.label in said
        assert adapter.second_look is not None
        files = [tmp_path / f"{number}.png" for number in range(0, 24, 2)]
        for looks in Looks:
            detector = Detector.load(out, looks=looks.value)
            # twelve real images prove little, so thresholds lie above all of them, but for the
            # half precision of kept tokens
            assert (detector.score(files) < detector.rule().threshold + 1e-3).all()
            point = adapter.thresholds(looks).points[-1]
            assert (point.reals, point.sources, point.accused) == (12, 3, 0.0)
            assert point.upper is not None
            assert point.upper > point.fpr
        metrics = adapter.facts["metrics"]
        assert metrics["images"] == {"real": 12, "ai": 12}
        assert metrics["false_positives"]["hard-cg"]["images"] == 12
        assert np.array_equal(adapter.linear_head.weight, before.linear_head.weight)

        reference, _why = find_reference(adapter, kept)
        assert reference is not None
        assert reference.second_logits(adapter) is not None
        assert len(load_reference(kept).is_ai) == 4  # a third of the sources of split val
