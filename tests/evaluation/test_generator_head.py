"""The generator head on labelled sets: drawn clusters, of which some families it has not seen."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from clipfake.detector.calibration import DecisionRule
from clipfake.detector.generators import Generator, GeneratorHead
from clipfake.errors import UsageError
from clipfake.evaluation.attribution import Answers, answers_of, attributed
from clipfake.evaluation.dataset import LabelledSet, Layout
from clipfake.evaluation.generator_head import (
    SHOTS,
    GeneratorFigures,
    check_attribution,
    families_of,
    generator_figures,
)
from clipfake.evaluation.scores import Scores
from clipfake.sources.labelled import Example
from clipfake.training.generators import add_generator, without_family
from tests.clusters import BLOCKS, clusters, small_head, stranger

RULE = DecisionRule(0.5, 0.2)
LABELS = {"gan": "stylegan2", "flux": "flux1-dev", "google": "imagen-3", "other": "firefly"}


@pytest.fixture(scope="module")
def head() -> GeneratorHead:
    return small_head()


def drawn_set(head: GeneratorHead) -> tuple[LabelledSet, Scores]:
    """New images of the four families, of one unknown to the head, of mixtures, and real ones."""
    data = clusters(seed=9)
    strange, reals = stranger(12), stranger(10, seed=8)
    examples = [
        Example(f"{n}.png", True, LABELS[family], source)
        for n, (family, source) in enumerate(
            zip(data.families.tolist(), data.sources.tolist(), strict=True)
        )
    ]
    examples += [Example(f"m{n}.png", True, "midjourney", f"m{n % 3}") for n in range(12)]
    examples += [Example(f"r{n}.png", False, "photo", f"r{n}") for n in range(10)]
    examples += [Example("mixed.png", True, "mixed", "x"), Example("gone.png", True, "flux", "y")]
    embedded = head.embed(torch.cat([data.tokens, strange, reals, strange[:1]]), BLOCKS).numpy()
    embedded = np.vstack([embedded, np.full_like(embedded[:1], np.nan)])
    scores = np.full(len(examples), 0.9)
    scores[len(data.families) + 12 + 4 : len(data.families) + 22] = 0.1  # all but four reals
    scores[-1] = np.nan
    problems: list[str | None] = [None] * (len(examples) - 1)
    held = Scores(scores, [*problems, "gone"], np.zeros(len(examples), bool), "drawn", embedded)
    return LabelledSet("set", Layout.MANIFEST, examples, Counter()), held


@pytest.fixture(scope="module")
def found(head: GeneratorHead) -> GeneratorFigures:
    return generator_figures(*drawn_set(head), head, RULE, draws=40, shots=True)


def test_labels_say_what_is_measured(head: GeneratorHead, found: GeneratorFigures) -> None:
    data, _ = drawn_set(head)
    counts = Counter(families_of(data).tolist())
    assert counts[""] == 11  # real ones and the mixture
    assert (found.unnamed, found.unscored, found.unknown) == (1, 1, ["midjourney"])
    assert found.known.images == 128 + 12


def test_known_families_are_told_and_an_unknown_one_is_never_right(
    found: GeneratorFigures,
) -> None:
    by = {row.family: row for row in found.known.families}
    for family in ("gan", "flux", "google"):
        assert by[family].recall > 0.9
        assert by[family].wrong < 0.1
    assert by["midjourney"].recall == 0.0
    assert by["other"].wrong < 0.2
    assert found.known.confusion.sum() == found.known.images


def test_answers_are_those_of_a_scan(head: GeneratorHead) -> None:
    data = clusters(seed=9)
    embedded = head.embed(data.tokens, data.blocks)
    answers = answers_of(head, embedded, data.families, data.sources)
    said = head.answers(embedded)
    assert answers.given.tolist() == [each.family is not None for each in said]
    for family, given, each in zip(answers.family, answers.given, said, strict=True):
        assert not given or family == each.family
    told = answers.family != "other"
    scores = np.array([each.score for each in said])
    assert answers.confidence[told].tolist() == scores[told].tolist()
    assert not answers.confidence[~told].any()


def test_a_family_left_out_is_less_sure(found: GeneratorFigures) -> None:
    assert [row.family for row in found.left_out] == ["flux", "gan", "google"]
    for row in found.left_out:
        assert row.auroc.value > 0.8
        assert row.oscr.value <= row.auroc.value + 1e-9
        assert row.auroc.low <= row.auroc.value <= row.auroc.high
        assert row.images == 32


def test_the_head_without_a_family_has_its_added_generators_no_more(head: GeneratorHead) -> None:
    data = clusters(seed=9)
    points = head.embed(stranger(8), BLOCKS)
    grown = add_generator(head, points, "own", "flux").head
    part = without_family(grown, "flux")
    assert "flux" not in {each.family for each in part.generators}
    alone = without_family(head, "flux")
    assert part.generators == alone.generators
    assert torch.equal(part.owners, alone.owners)
    embedded = head.embed(data.tokens, data.blocks)
    assert np.allclose(part.looks(embedded).shares, alone.looks(embedded).shares)


def test_an_added_generator_is_told_whatever_its_family(head: GeneratorHead) -> None:
    points = head.embed(stranger(24), BLOCKS)
    grown = add_generator(head, points[:16], "own", "other").head
    named = np.full(8, "other", dtype=np.str_)
    answers = answers_of(replace(grown, least=0.0), points[16:], named, named)
    assert Generator("own", "other", added=True) in grown.generators
    assert answers.given.all()
    assert (answers.confidence > 0).all()


def test_generators_are_added_by_few_images_of_some_sources(found: GeneratorFigures) -> None:
    assert {row.shown for row in found.shots} <= set(SHOTS)
    labels = {row.generator for row in found.shots}
    assert labels == {*LABELS.values(), "midjourney"}
    # twelve images of three sources, four each: only eight can be shown
    own = [row for row in found.shots if row.generator == "midjourney"]
    assert [(row.shown, row.tested) for row in own] == [(8, 4)]
    assert own[0].likeliest.value > 0.7
    for row in found.shots:
        for share in (row.likeliest, row.recall, row.false):
            assert 0 <= share.low <= share.value <= share.high <= 1
        assert row.recall.value <= row.likeliest.value


def test_real_images_accused_are_counted(head: GeneratorHead, found: GeneratorFigures) -> None:
    assert found.accused.images == 4
    assert found.accused.named is not None
    assert sum(found.accused.families.values()) == round(4 * found.accused.named.value)
    none = generator_figures(*drawn_set(head), head, None, draws=20)
    assert (none.accused.images, none.accused.named, none.shots) == (0, None, [])


def test_what_cannot_be_measured_is_said_before(head: GeneratorHead) -> None:
    data, scores = drawn_set(head)
    with pytest.raises(UsageError, match="adapter drawn does not tell generators apart; give"):
        check_attribution(data, None, "drawn")
    mixed = replace(data, examples=[replace(each, generator="mixed") for each in data.examples])
    with pytest.raises(UsageError, match="none of the labels of 142 AI images names a family"):
        check_attribution(mixed, head, "drawn")
    blind = replace(scores, values=np.full(len(scores.values), np.nan))
    with pytest.raises(UsageError, match="none of the images whose label names a family"):
        generator_figures(data, blind, head, RULE, draws=20)


def test_a_draw_without_answers_costs_no_other_interval() -> None:
    names = np.array(["gan", "flux", "flux"], dtype=np.str_)
    sources = np.array(["a", "b", "c"], dtype=np.str_)
    silent = Answers(names, names, np.array([0.5, 0.4, 0.3]), np.zeros(3, dtype=bool), sources)
    found = attributed(silent, draws=20)
    assert np.isnan(found.precision.value)
    assert found.accuracy.low <= found.accuracy.value <= found.accuracy.high
