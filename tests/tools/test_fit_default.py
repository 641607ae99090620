"""Fitting the default's head, with heads of folds that thresholds are set on."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from clipfake.detector.adapter_file import load_adapter, save_adapter
from clipfake.detector.lora import LoraShape
from tests.conftest import encoded, picture
from tests.small import NAME, small_adapter, small_by_default, tuned
from tools import fit_default, set_thresholds
from tools.gather_images import read_csv
from tools.split_val import fold_of

COLUMNS = ("path", "full", "split", "label", "generator", "source")


def write_manifest(folder: Path) -> Path:
    """Images of four splits; the small copies of some are their own files."""
    rows = [COLUMNS]
    for number in range(40):
        image, label = picture(90, 60, seed=number), ("real", "fake")[number % 2]
        (folder / f"{number}.png").write_bytes(encoded(image))
        split = ("train", "val", "thresholds", "unseen")[number // 12]
        full = ""
        if number in (0, 1):
            full = str(folder / f"full-{number}.png")
            Path(full).write_bytes(encoded(picture(180, 120, seed=number)))
        rows.append((f"{number}.png", full, split, label, "photo-x", f"{label}s/{number % 12}"))
    with (folder / "m.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "m.csv"


def list_images(folder: Path) -> list[str]:
    """Files that name some images of split train and thresholds."""
    tiles = [f"{n}.png" for n in (*range(2, 12), *range(24, 34))] + ["full-1.png", "none.png"]
    lists = {"tiles": tiles, "changed": ["0.png", *tiles[4:10]], "small": ["full-1.png", "2.png"]}
    for name, images in lists.items():
        (folder / f"{name}.txt").write_text("\n".join(images))
    return [str(folder / f"{name}.txt") for name in lists]


def test_heads_of_folds_have_not_seen_the_images_that_they_set_thresholds_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, tower = str(write_manifest(tmp_path)), tmp_path / "tower.safetensors"
    save_adapter(tuned(small_adapter(), LoraShape((11, 12), rank=2, norms=True)), tower)
    head, out = tmp_path / "head.safetensors", tmp_path / "out.safetensors"
    kept = tmp_path / "reference.safetensors"
    with small_by_default(tower):
        words = ["fit_default", manifest, "--work", str(tmp_path / "fit"), "--out", str(head)]
        words += ["--backbone", NAME, "--tower", str(tower), "--splits", "train", "thresholds"]
        words += ["--folds", "2", "--units", "4", "--members", "1", "--epochs", "2"]
        words += ["--tiles-units", "3", "--tiles-of"]
        words += list_images(tmp_path)
        monkeypatch.setattr("sys.argv", words)
        fit_default.main()
        fitted = load_adapter(head)
        assert fitted.facts["training"]["images"] == {"real": 12, "fake": 12}
        assert fitted.facts["training"]["small_copies"] == 2
        assert fitted.lora_digest == load_adapter(tower).lora_digest
        work = tmp_path / "fit"
        names = ("tiles", "chained-tiles-0", "small-tiles")
        seen = [len(np.load(work / f"{name}.npy")) for name in names]
        assert seen == [21, 6, 1]
        about = fitted.facts["training"]["tiles"]
        assert about == {"units": 3, "images": 21, "changed": 6, "small": 1}
        folds = [load_adapter(fit_default.fold_file(head, fold)) for fold in (0, 1)]
        assert not torch.equal(folds[0].linear_head.weight, folds[1].linear_head.weight)
        for adapter in (*folds, fitted):
            assert adapter.second_look is not None
            assert adapter.second_look.head is not None
            # hidden units of as many networks as the first head has
            assert adapter.second_look.head.hidden is not None
            assert len(adapter.second_look.head.hidden.weight) == 2 * 3
            assert adapter.second_look.head.hidden.levels() is not None
            assert adapter.linear_head.hidden is not None
            assert adapter.linear_head.hidden.levels() is not None
        again = fit_default.fold_file(head, 1).read_bytes()
        monkeypatch.setattr("sys.argv", [*words, "--fit", "1"])
        fit_default.main()
        assert fit_default.fold_file(head, 1).read_bytes() == again

        words = ["set_thresholds", str(head), manifest, "--work", str(tmp_path / "set")]
        words += ["--out", str(out), "--reference", str(kept), "--folds", "2"]
        monkeypatch.setattr("sys.argv", words)
        set_thresholds.main()
    metrics = load_adapter(out).facts["metrics"]
    assert metrics["images"] == {"real": 20, "ai": 14}  # AI images of split train take no part
    assert metrics["folds"]["number"] == 2
    shift = metrics["folds"]["logits"]
    for moved in (shift["first"], shift["tiles"]):
        assert moved["added"] == pytest.approx(moved["others"] - moved["tuned_on"])
    assert shift["first"] != shift["tiles"]
    look, fitted_look = load_adapter(out).second_look, fitted.second_look
    assert look is not None
    assert look.head is not None
    assert fitted_look is not None
    assert fitted_look.head is not None
    assert torch.equal(look.head.weight, fitted_look.head.weight)

    # by hand: an image of split thresholds by the head of the fold that its source lies in, one of
    # split train likewise and raised, others by the head itself
    rows = read_csv(tmp_path / "set" / "logits.csv")
    assert [row["split"] for row in rows] == ["val"] * 12 + ["thresholds"] * 12 + ["unseen"] * 4 + [
        "train"
    ] * 6
    first, tiles = (
        torch.from_numpy(
            np.concatenate([np.load(tmp_path / "set" / f"{look}{of}.npy") for of in ("", "-train")])
        ).float()
        for look in ("first", "tiles")
    )
    fold, heads = fold_of(rows, 2), [*folds, fitted]
    for number, row in enumerate(rows):
        adapter = heads[2 if row["split"] in ("val", "unseen") else fold[number]]
        own = slice(number, number + 1)
        said = {"first": adapter.head(first[own])[0], "tiles": adapter.tiles_head(tiles[own])[0]}
        if row["split"] == "train":
            said = {look: logit + shift[look]["added"] for look, logit in said.items()}
        assert float(row["first"]) == pytest.approx(said["first"], abs=1e-4)
        assert float(row["second"]) == pytest.approx(sum(said.values()) / 2, abs=1e-4)
        assert float(row["stands_for"]) == 1.0
    assert len({int(number) for number in fold}) == 2
    assert load_adapter(out).label in capsys.readouterr().out


def test_tokens_of_marked_images_are_put_in_their_place() -> None:
    tokens, those = torch.zeros(4, 1, 2), torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    found = fit_default.put(tokens, torch.tensor([False, True, False, True]), those)
    assert found[:, 0].tolist() == [[0, 0], [1, 2], [0, 0], [3, 4]]
    assert not tokens.any()
