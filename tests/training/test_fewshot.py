"""Correcting a head by few images."""

import math

import numpy as np
import pytest
import torch

from clipfake.detector.calibration import Platt
from clipfake.detector.head import Head, Hidden
from clipfake.sources.labelled import Example
from clipfake.training.fewshot import STRENGTHS, Fewshot, fit_few
from clipfake.training.sampling import weights

WIDTH = 12
CALIBRATION = Platt(2.0, -0.3)


def start(seed: int = 0) -> Head:
    """A head with hidden units that says little about the tokens below."""
    drawn = torch.Generator().manual_seed(seed)
    hidden = Hidden(
        torch.randn(3, 2, WIDTH, generator=drawn) / 20, torch.zeros(3), torch.ones(3) / 10
    )
    return Head(torch.randn(2, WIDTH, generator=drawn) / 50, torch.tensor([0.1]), hidden)


def shots(count: int, sources: int = 1) -> list[Example]:
    """``count`` images of each class, real and AI in turn."""
    return [
        Example(f"{i}.png", is_ai=bool(i % 2), generator="g", source=f"s{i // 2 % sources}")
        for i in range(2 * count)
    ]


def shifted(count: int, seed: int, by: float = 2.0) -> torch.Tensor:
    """Tokens of ``shots``; four dimensions of those of AI images are shifted."""
    tokens = torch.randn(2 * count, 2, WIDTH, generator=torch.Generator().manual_seed(seed))
    tokens[1::2, 1, 3:7] += by
    return tokens


def fit(tokens: torch.Tensor, examples: list[Example], **options: object) -> Fewshot:
    return fit_few(tokens, examples, start(), CALIBRATION, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sources", [1, 2])
def test_it_learns_a_shifted_class_from_eight_images_of_each(sources: int) -> None:
    fitted = fit(shifted(8, seed=1, by=4.0), shots(8, sources))
    assert fitted.strength < math.inf
    others, is_ai = shifted(500, seed=2, by=4.0), np.arange(1000) % 2 == 1
    assert np.mean((start()(others) > 0) == is_ai) < 0.65
    assert np.mean((fitted.head(others) > np.median(fitted.head(others))) == is_ai) > 0.85
    assert fitted.losses[fitted.strength] < fitted.losses[math.inf]
    wanted = "leave one source out" if sources == 2 else "8-fold cross-validation"
    assert fitted.method == wanted


def test_labels_that_say_nothing_leave_the_head_nearly_as_it_was() -> None:
    others, moved = shifted(200, seed=99, by=0.0), []
    for seed in range(10):
        fitted = fit(shifted(8, seed=seed, by=0.0), shots(8))
        assert fitted.losses[fitted.strength] <= fitted.losses[math.inf]
        moved.append(float(np.abs(fitted.head(others) - start()(others)).mean()) * CALIBRATION.a)
        free = fit_free(shifted(8, seed=seed, by=0.0), shots(8))
        assert fitted.losses[fitted.strength] < free - 0.1
    assert np.median(moved) < 0.25


def fit_free(tokens: torch.Tensor, examples: list[Example]) -> float:
    """Out-of-fold loss of hardly any restraint."""
    return fit(tokens, examples).losses[STRENGTHS[-1]]


def test_infinite_strength_is_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, examples = shifted(8, seed=1), shots(8)
    monkeypatch.setattr("clipfake.training.fewshot._TIE", 1e9)
    fitted = fit(tokens, examples)
    assert fitted.strength == math.inf
    assert torch.equal(fitted.head.weight, start().weight)
    assert np.array_equal(fitted.logits, start()(tokens))
    log_odds = CALIBRATION.a * start()(tokens) + CALIBRATION.b
    is_ai = np.array([example.is_ai for example in examples])
    by_hand = -np.where(is_ai, -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds)).mean()
    assert fitted.losses[math.inf] == pytest.approx(by_hand, abs=1e-12)


def test_a_great_strength_is_close_to_the_start() -> None:
    fitted = fit(shifted(8, seed=1, by=0.0), shots(8))
    assert fitted.losses[STRENGTHS[1]] == pytest.approx(fitted.losses[math.inf], abs=0.05)


def test_the_solution_is_that_of_gradient_descent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The formula of the module, minimised by torch in the weights themselves."""
    tokens, examples = shifted(10, seed=3), shots(10)
    others = shifted(50, seed=4)
    monkeypatch.setattr("clipfake.training.fewshot.STRENGTHS", (math.inf, 0.03))
    monkeypatch.setattr("clipfake.training.fewshot._TIE", 0.0)
    fitted = fit(tokens, examples, known=others)
    assert fitted.strength == 0.03

    def normed(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.layer_norm(values.double(), (WIDTH,)).flatten(1)

    known, together = normed(others), torch.cat([tokens, others])
    inputs = (normed(together) - known.mean(0)) / (known.std(0, correction=0) + 1e-6)
    inputs = inputs / math.sqrt(2 * WIDTH)
    offset = torch.from_numpy(CALIBRATION.a * start()(together) + CALIBRATION.b)
    labels = torch.tensor([float(example.is_ai) for example in examples]).double()
    target = torch.cat([labels, torch.sigmoid(offset[len(examples) :])])
    own = torch.from_numpy(weights(examples)) / len(examples)
    share = torch.cat([own / 2, torch.full((len(others),), 0.5 / len(others)).double()])
    w = torch.zeros(2 * WIDTH, dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=500, tolerance_grad=1e-12, tolerance_change=0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = offset + inputs @ w + b
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, target, share, reduction="sum"
        )
        loss = loss + 0.03 * (w.square().sum() + b.square())
        loss.backward()
        return loss

    optimizer.step(closure)
    wanted = (inputs @ w + b + offset).detach().numpy()
    found = CALIBRATION.a * fitted.head(together) + CALIBRATION.b
    assert np.allclose(found, wanted, atol=1e-4)


def test_known_images_keep_their_scores_better_than_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens, others = shifted(8, seed=1, by=4.0), shifted(100, seed=7, by=0.0)
    monkeypatch.setattr("clipfake.training.fewshot.STRENGTHS", (math.inf, 1e-3))
    moved = [
        np.abs(fit(tokens, shots(8), known=known).head(others[100:]) - start()(others[100:])).mean()
        for known in (None, others[:100])
    ]
    assert moved[1] < 0.5 * moved[0]


def test_out_of_fold_logits_are_of_heads_that_had_not_seen_the_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An AI image that looks like a real one is learned by heart, but is a miss out of fold."""
    tokens, examples = shifted(16, seed=5, by=6.0), shots(16)
    tokens[1] = shifted(16, seed=5, by=0.0)[1]
    monkeypatch.setattr("clipfake.training.fewshot.STRENGTHS", (math.inf, 1e-3))
    fitted = fit(tokens, examples)
    assert fitted.strength == 1e-3
    assert fitted.head(tokens)[1] > 0.1
    assert fitted.logits[1] < -0.3


def test_hidden_units_stay_and_the_same_images_give_the_same_head() -> None:
    one = fit(shifted(8, seed=1, by=4.0), shots(8))
    two = fit(shifted(8, seed=1, by=4.0), shots(8))
    assert torch.equal(one.head.weight, two.head.weight)
    assert not torch.equal(one.head.weight, start().weight)
    assert one.head.hidden is not None
    assert torch.equal(one.head.hidden.weight, start().hidden.weight)  # type: ignore[union-attr]


def test_many_sources_are_left_out_in_ten_folds() -> None:
    fitted = fit(shifted(30, seed=1), shots(30, sources=8))
    assert fitted.method == "10 folds of whole sources"


def test_whole_sources_are_left_out() -> None:
    """A mark that only a source has helps nobody else, so it is not learned."""
    tokens, examples = shifted(16, seed=6, by=0.0), shots(16, sources=2)
    for row, example in enumerate(examples):
        tokens[row, 0, 5 + 2 * example.is_ai + int(example.source[1])] += 6.0
    by_source = fit(tokens, examples)
    one = [Example(e.path, e.is_ai, e.generator, "one") for e in examples]
    by_image = fit(tokens, one)
    assert by_image.losses[by_image.strength] < by_source.losses[by_source.strength] - 0.2
    assert by_source.strength > by_image.strength


def test_a_flat_calibration_is_no_division_by_zero() -> None:
    fitted = fit_few(shifted(8, seed=1, by=4.0), shots(8), start(), Platt(0.0, 0.0))
    assert torch.isfinite(fitted.head.weight).all()
