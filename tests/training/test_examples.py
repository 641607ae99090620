"""Labelled images out of folders and manifests."""

from collections import Counter
from pathlib import Path

import pytest

from clipfake.errors import UsageError
from clipfake.sources.labelled import Example
from clipfake.training.examples import (
    LEAST_OF_A_CLASS,
    read_examples,
    split_by_source,
    take_shots,
    usable,
)
from clipfake.training.store import ImageStore, StoredImage


def made(count: int, is_ai: bool, generator: str = "g", source: str = "s") -> list[Example]:
    return [Example(f"{is_ai}-{source}-{i}.png", is_ai, generator, source) for i in range(count)]


def stored(digests: list[str], errors: dict[int, str] | None = None) -> ImageStore:
    wrong = errors or {}
    images = [StoredImage(0, 1, 1, digest, wrong.get(i, "")) for i, digest in enumerate(digests)]
    return ImageStore(Path("unused"), images)


def test_a_folder_is_its_own_generator_and_source(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").touch()
    (example,) = read_examples([tmp_path], is_ai=True)
    assert example.is_ai
    assert example.generator == example.source == str(tmp_path / "a")


def test_one_manifest_serves_both_classes(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(
        "path,label,generator,source,split\n"
        "1.png,real,,camera,train\n2.png,fake,sdxl,web,val\n3.png,AI,sd15,web,train\n"
    )
    assert [e.source for e in read_examples([manifest], is_ai=False)] == ["camera"]
    fakes = read_examples([manifest], is_ai=True)
    assert [e.generator for e in fakes] == ["sdxl", "sd15"]
    assert split_by_source(fakes, 0.2, 0) == [True, False]


def test_an_unknown_label_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("path,label\n1.png,maybe\n")
    with pytest.raises(UsageError, match=r"1\.png: label 'maybe' is unknown"):
        read_examples([manifest], is_ai=True)


def test_what_cannot_be_used_is_counted() -> None:
    n = LEAST_OF_A_CLASS
    examples = made(n + 3, False) + made(n + 1, True)
    digests = [str(i) for i in range(len(examples))]
    digests[1] = digests[0]  # given twice
    digests[2] = digests[n + 3]  # in both classes
    rows, left_out = usable(examples, stored(digests))
    assert left_out == Counter({"in both classes": 2, "given twice": 1})
    assert rows == [0, *range(3, n + 3), *range(n + 4, 2 * n + 4)]


def test_too_few_usable_images_are_an_error_that_says_why() -> None:
    n = LEAST_OF_A_CLASS
    examples = made(n, False) + made(n, True)
    digests = [str(i) for i in range(len(examples))]
    assert len(usable(examples, stored(digests))[0]) == 2 * n
    with pytest.raises(UsageError, match=f"--fake: {n - 1} usable images.*1 unreadable; name"):
        usable(examples, stored(digests, {n: "x.png: damaged"}))


def test_an_empty_class_is_an_error() -> None:
    with pytest.raises(UsageError, match="--fake: 0 usable images"):
        usable(made(20, False), stored([str(i) for i in range(20)]))


def test_shots_are_drawn_evenly_over_generators() -> None:
    examples = made(50, True, "big") + made(4, True, "small") + made(3, False)
    taken = take_shots(examples, 8, seed=1)
    assert Counter(e.generator for e in taken if e.is_ai) == {"big": 4, "small": 4}
    assert sum(not e.is_ai for e in taken) == 3
    assert taken == take_shots(examples, 8, seed=1)
    assert taken != take_shots(examples, 8, seed=2)


def test_whole_sources_are_held_out() -> None:
    examples = [e for k in range(10) for e in made(5, True, source=f"a{k}")]
    examples += [e for k in range(10) for e in made(5, False, source=f"r{k}")]
    held_out = split_by_source(examples, 0.2, seed=3)
    for is_ai in (True, False):
        own = [(e.source, out) for e, out in zip(examples, held_out, strict=True)]
        own = [pair for pair, e in zip(own, examples, strict=True) if e.is_ai == is_ai]
        assert sum(out for _, out in own) == 10
        assert not {s for s, out in own if out} & {s for s, out in own if not out}


def test_a_single_source_is_split_by_image() -> None:
    examples = made(20, True) + made(20, False)
    held_out = split_by_source(examples, 0.25, seed=0)
    assert sum(held_out[:20]) == sum(held_out[20:]) == 5


def test_some_of_each_generator_may_be_held_out() -> None:
    examples = made(12, True, "a", "folder a") + made(8, True, "b", "folder b")
    examples += made(1, True, "c", "folder c") + made(20, False)
    assert any(split_by_source(examples, 0.25, 0))
    held_out = split_by_source(examples, 0.25, 0, each_generator=True)
    assert [sum(held_out[:12]), sum(held_out[12:20]), held_out[20], sum(held_out[21:])] == [
        3,
        2,
        False,
        5,
    ]
    # sources of one generator stay whole
    examples = [e for k in range(8) for e in made(3, True, "a", f"a{k}")] + made(20, False)
    held_out = split_by_source(examples, 0.25, 0, each_generator=True)
    own = list(zip(examples[:24], held_out[:24], strict=True))
    assert sum(out for _, out in own) == 6
    assert not {e.source for e, out in own if out} & {e.source for e, out in own if not out}


def test_a_source_that_holds_most_of_its_class_stays_in_training() -> None:
    examples = made(90, True, source="big") + made(10, True, source="small") + made(20, False)
    for seed in range(5):
        held_out = split_by_source(examples, 0.2, seed=seed)
        assert not any(held_out[:90])
        assert all(held_out[90:100])
