"""How labelled sets are laid out, and what is told of each."""

import os
from pathlib import Path

import pytest

from clipfake.errors import UsageError
from clipfake.evaluation.dataset import LabelledSet, Layout, read_labelled


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def told(found: LabelledSet, root: Path) -> dict[str, tuple[bool, str, str]]:
    """Label, generator and split by path."""
    return {
        str(Path(e.path).relative_to(root)): (e.is_ai, e.generator, e.split) for e in found.examples
    }


def test_genimage(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "Midjourney/imagenet_midjourney/train/ai/1.png",
        "Midjourney/imagenet_midjourney/val/nature/2.jpg",
        "ADM/val/ai/3.png",
        "README.txt",
    )
    found = read_labelled(root)
    assert found.layout is Layout.GENIMAGE
    assert told(found, root) == {
        "Midjourney/imagenet_midjourney/train/ai/1.png": (True, "Midjourney", "train"),
        "Midjourney/imagenet_midjourney/val/nature/2.jpg": (False, "Midjourney", "val"),
        "ADM/val/ai/3.png": (True, "ADM", "val"),
    }
    assert found.passed_over == {"not in a folder of a class": 1}
    only_val = read_labelled(root, where={"split": "val"})
    assert sorted(told(only_val, root)) == [
        "ADM/val/ai/3.png",
        "Midjourney/imagenet_midjourney/val/nature/2.jpg",
    ]
    assert only_val.passed_over["of other columns"] == 1


def test_forensynths_with_and_without_classes(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "progan/horse/0_real/1.png",
        "progan/horse/1_fake/2.png",
        "dalle/1_fake/3.png",
        "laion/0_real/4.png",
    )
    found = read_labelled(root)
    assert found.layout is Layout.FORENSYNTHS
    assert told(found, root) == {
        "progan/horse/0_real/1.png": (False, "progan", ""),
        "progan/horse/1_fake/2.png": (True, "progan", ""),
        "dalle/1_fake/3.png": (True, "dalle", ""),
        "laion/0_real/4.png": (False, "laion", ""),
    }
    # images of a folder are independent, so each is a source of its own
    assert len({example.source for example in found.examples}) == 4


def test_plain_folders_name_generators_and_sources_below(tmp_path: Path) -> None:
    root = tree(tmp_path / "mine", "real/phone/1.jpg", "Fake/sdxl/2.png", "Fake/3.png")
    found = read_labelled(root)
    assert found.layout is Layout.PLAIN
    assert told(found, root) == {
        "real/phone/1.jpg": (False, "phone", ""),
        "Fake/sdxl/2.png": (True, "sdxl", ""),
        "Fake/3.png": (True, "mine", ""),
    }
    sources = {Path(e.path).name: e.source for e in found.examples}
    assert sources["1.jpg"] == "phone"
    assert sources["3.png"].endswith("3.png")


def test_a_folder_that_cannot_be_listed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(tmp_path, "real/1.png", "fake/2.png", "fake/shut/3.png")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("os.scandir", refuse)
    found = read_labelled(root)
    assert len(found.examples) == 2
    assert found.passed_over == {"folders that cannot be listed": 1}


def test_the_layout_with_most_files_is_taken_unless_one_is_named(tmp_path: Path) -> None:
    root = tree(
        tmp_path, "a/ai/real/1.png", "a/nature/real/2.png", "a/nature/fake/3.png", "a/ai/4.png"
    )
    assert read_labelled(root).layout is Layout.GENIMAGE
    found = read_labelled(root, layout=Layout.PLAIN)
    assert {Path(e.path).name: e.is_ai for e in found.examples} == {
        "1.png": False,
        "2.png": False,
        "3.png": True,
    }


def test_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "set.csv"
    manifest.write_text(
        "path,label,generator,source,split\n"
        "a.png,fake,sdxl,repo,val\nb.png,REAL,phone,,val\nc.png,1,,,train\n"
    )
    found = read_labelled(manifest)
    assert found.layout is Layout.MANIFEST
    assert [(e.is_ai, e.generator, e.split) for e in found.examples] == [
        (True, "sdxl", "val"),
        (False, "phone", "val"),
        (True, "ai", "train"),
    ]
    assert [e.source for e in found.examples] == [
        "repo",
        str(tmp_path / "b.png"),
        str(tmp_path / "c.png"),
    ]
    assert len(read_labelled(manifest, where={"split": "val"}).examples) == 2


@pytest.mark.parametrize(("real", "ai"), [("0.0", "1.0"), ("False", "True"), ("real", " ai ")])
def test_labels_of_a_manifest_are_told_in_every_spelling(
    tmp_path: Path, real: str, ai: str
) -> None:
    manifest = tmp_path / "set.csv"
    manifest.write_text(f"label;path\n{real};a.png\n{ai};b.png\n{ai};\n")
    found = read_labelled(manifest)
    assert [example.is_ai for example in found.examples] == [False, True]
    assert found.passed_over == {"rows without a path": 1}


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("path\na.png\n", {}, "no column named 'label'"),
        ("path,label\na.png,fake\n", {"form": "x"}, "no column named 'form'"),
        ("path,label\n,fake\na.png,fake\n", {}, "no real image among 1"),
        ("path,label\na.png,maybe\n", {}, "label 'maybe' is unknown; use real or fake"),
        ("path,label\na.png,fake\n", {}, "no real image among 1"),
        ("path,label,split\na.png,fake,val\nb.png,real,train\n", {"split": "val"}, "split=val"),
        ("path,label\na.png,real\n", {}, "no AI-generated image among 1"),
    ],
)
def test_a_manifest_that_cannot_be_measured_on(
    tmp_path: Path, text: str, where: dict[str, str], said: str
) -> None:
    (tmp_path / "set.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_labelled(tmp_path / "set.csv", where=where)


def test_trees_that_cannot_be_measured_on(tmp_path: Path) -> None:
    tree(tmp_path / "none", "cats/1.png")
    with pytest.raises(UsageError, match="no folders named real and fake"):
        read_labelled(tmp_path / "none")
    with pytest.raises(UsageError, match="no files in folders named 0_real or 1_fake"):
        read_labelled(tmp_path / "none", layout=Layout.FORENSYNTHS)
    tree(tmp_path / "half", "gen/ai/1.png")
    with pytest.raises(UsageError, match="no real image among 1"):
        read_labelled(tmp_path / "half")
    with pytest.raises(UsageError, match="a tree has no such column"):
        read_labelled(tmp_path / "half", where={"form": "x"})
    with pytest.raises(UsageError, match="no such file or folder"):
        read_labelled(tmp_path / "absent")
    with pytest.raises(UsageError, match="neither a folder nor a manifest"):
        read_labelled(tree(tmp_path, "a.png") / "a.png")
    with pytest.raises(UsageError, match="is a folder; name a manifest"):
        read_labelled(tmp_path / "half", layout=Layout.MANIFEST)
