"""Fitting the generator head on tokens of images whose generator is known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression

from clipfake.attribution.families import TITLES, Family
from clipfake.detector.generators import (
    Confidence,
    Generator,
    GeneratorHead,
    Looks,
    solve,
)
from clipfake.detector.head import normalise
from clipfake.detector.quantization import LEVELS, to_levels

Strings = npt.NDArray[np.str_]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# what the images of an added generator count together, where an exemplar counts one in the mean
ADDED_WEIGHT = 480.0
_FAMILIES = tuple(family.value for family in Family)


@dataclass(frozen=True)
class GeneratorOptions:
    """How a generator head is fitted.

    Attributes:
        blocks: whose class tokens it reads.
        dimensions: of the projection, the first principal components.
        width: of the kernel, for a median squared distance of one.
        ridge: of the regression.
        sharpness: what its sums are multiplied by before the softmax.
        balance: families of n images weigh n^(1 - balance) together.
        folds: of whole sources, by whose answers confidence is fitted.
        unknown: share of images whose family is none of the head's, where confidence is fitted.
        precision: of the answers that are given.
        seed: of what chance decides.
    """

    blocks: tuple[int, ...] = (4, 5, 6, 7, 8, 9)
    dimensions: int = 192
    width: float = 0.5
    ridge: float = 0.1
    sharpness: float = 8.0
    balance: float = 0.7
    folds: int = 6
    unknown: float = 0.2
    precision: float = 0.9
    seed: int = 0


@dataclass(frozen=True)
class Labelled:
    """AI images whose generator is known.

    Attributes:
        tokens: float ``[N, K, W]``.
        blocks: ``[K]``, whose class tokens they are.
        families: ``[N]``, ``Family`` values.
        generators: ``[N]``, labels; they only balance.
        sources: ``[N]``.
    """

    tokens: torch.Tensor
    blocks: tuple[int, ...]
    families: Strings
    generators: Strings
    sources: Strings

    def part(self, taken: Bools | Rows) -> "Labelled":
        """Some of the images."""
        return Labelled(
            self.tokens[torch.from_numpy(np.asarray(taken))],
            self.blocks,
            self.families[taken],
            self.generators[taken],
            self.sources[taken],
        )


@dataclass(frozen=True)
class Apart:
    """What heads say of images whose source they had not seen.

    Attributes:
        looks: shares of all families in their order, and nearness.
        unknown: of each family the same of its own images, by heads that had seen nothing of the
            family either, but that their projection had.
    """

    looks: Looks
    unknown: dict[str, "Apart"] = field(default_factory=dict)

    def part(self, taken: Bools | slice) -> "Apart":
        """Some of the answers; those about families left out are not taken along."""
        return Apart(Looks(self.looks.shares[taken], self.looks.nearness[taken]))

    @property
    def family(self) -> Strings:
        """``[N]``, the likeliest."""
        return np.asarray(np.array(_FAMILIES, dtype=np.str_)[self.looks.shares.argmax(axis=1)])

    @property
    def named(self) -> Bools:
        """``[N]``, whether that is one that answers name."""
        return np.asarray(self.family != Family.OTHER.value)


@dataclass(frozen=True)
class Fitted:
    """A head, and what it does on images of sources that it has not seen.

    Attributes:
        head: fitted on all images.
        apart: answers about the passes, one after the other, by source left out.
    """

    head: GeneratorHead
    apart: Apart


def fit_generators(passes: Sequence[Labelled], options: GeneratorOptions, *, lora: str) -> Fitted:
    """Fit a head.

    Args:
        passes: images, and the same images augmented; each family that is there becomes one that
            the head can answer. An image is an exemplar in one pass, which one in turn; confidence
            is fitted on all of them.
        options: how.
        lora: ``Adapter.lora_digest`` of the tower that gave the tokens.

    Raises:
        ValueError: fewer sources than folds.
    """
    mixed, data = _in_turn(passes), _together(passes)
    fold = folds(passes[0], options)
    apart = _out_of_fold(data, mixed, fold, options)
    head = replace(fit_head(mixed, options), lora=lora)
    head = replace(head, confidence=_confidence(data, apart, options))
    sure, right, named = head.sure(apart.looks), apart.family == data.families, apart.named
    least = least_sure(right[named], sure[named], options.precision)
    facts = {
        "images": len(mixed.families),
        "sources": len(np.unique(mixed.sources)),
        "passes": len(passes),
        "families": dict(sorted(Counter(mixed.families.tolist()).items())),
        "options": asdict(options),
    }
    return Fitted(replace(head, least=least, facts=facts), apart)


def _in_turn(passes: Sequence[Labelled]) -> Labelled:
    """Each image as one of the passes shows it."""
    tokens = passes[0].tokens.clone()
    for number, data in enumerate(passes[1:], start=1):
        tokens[number :: len(passes)] = data.tokens[number :: len(passes)]
    return replace(passes[0], tokens=tokens)


def _together(passes: Sequence[Labelled]) -> Labelled:
    """All passes, one after the other."""
    first, count = passes[0], len(passes)
    return Labelled(
        torch.cat([each.tokens for each in passes]),
        first.blocks,
        np.tile(first.families, count),
        np.tile(first.generators, count),
        np.tile(first.sources, count),
    )


def folds(data: Labelled, options: GeneratorOptions) -> Rows:
    """Fold of each image ``[N]``; a source is in one, and families are spread evenly.

    Raises:
        ValueError: fewer sources than folds.
    """
    names = np.unique(data.sources)
    if len(names) < options.folds:
        raise ValueError(f"{len(names)} sources, at least {options.folds} are needed")
    rng = np.random.default_rng(options.seed)
    fold: dict[str, int] = {}
    for family in np.unique(data.families):
        own = Counter(data.sources[data.families == family].tolist())
        held = [0] * options.folds
        for source, count in sorted(own.items(), key=lambda item: (-item[1], rng.random())):
            fold.setdefault(source, int(np.argmin(held)))
            held[fold[source]] += count
    return np.array([fold[source] for source in data.sources.tolist()])


def weigh(data: Labelled, balance: float) -> Floats:
    """How much each image counts, float64 ``[N]``, mean 1.

    1/sqrt(images of the larger of its generator and its source), as ``sampling.weights``, and each
    family then by its sum to the power of ``-balance``.
    """
    generators, sources = Counter(data.generators.tolist()), Counter(data.sources.tolist())
    pairs = zip(data.generators.tolist(), data.sources.tolist(), strict=True)
    weight = np.array([max(generators[g], sources[s]) ** -0.5 for g, s in pairs])
    for family in np.unique(data.families):
        own = data.families == family
        weight[own] /= weight[own].sum() ** balance
    return np.asarray(weight / weight.mean())


def least_sure(right: Bools, sure: Floats, precision: float) -> float:
    """Confidence from which so many answers are right; above one where none is.

    Args:
        right: ``[N]``, whether each answer is.
        sure: ``[N]``, how sure.
        precision: 0..1.
    """
    order = np.argsort(-sure, kind="stable")
    reached = np.cumsum(right[order]) >= precision * np.arange(1, len(order) + 1)
    return float(sure[order][np.flatnonzero(reached)[-1]]) if reached.any() else 1.1


def fit_head(data: Labelled, options: GeneratorOptions) -> GeneratorHead:
    """A solved head, whose confidence is not fitted yet."""
    columns = [data.blocks.index(block) for block in options.blocks]
    normed = normalise(data.tokens[:, columns].float()).flatten(1)
    mean, spread = normed.mean(dim=0), normed.std(dim=0) + 1e-3
    standard = (normed - mean) / spread
    dimensions = min(options.dimensions, *standard.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        _, _, directions = torch.svd_lowrank(standard, q=dimensions, niter=4)
    projected = standard @ directions
    projection = (directions / spread[:, None]).T.contiguous()
    # as a file holds it, so that exemplars and images go through the same
    projection = projection.half().float()
    scale = projected.abs().amax(dim=0).clamp_min(1e-12) / LEVELS
    levels = to_levels(projected, scale)
    present = [name for name in _FAMILIES if (data.families == name).any()]
    owners = torch.tensor([present.index(name) for name in data.families.tolist()])
    shape = (dimensions, len(options.blocks), data.tokens.shape[2])
    head = GeneratorHead(
        generators=tuple(Generator(TITLES[Family(name)], name) for name in present),
        blocks=options.blocks,
        projection=projection.reshape(shape),
        shift=projection @ mean,
        levels=levels,
        scale=scale,
        owners=owners,
        weights=torch.from_numpy(weigh(data, options.balance)).float(),
        width=1.0,
        ridge=options.ridge,
        sharpness=options.sharpness,
        solution=torch.empty(0),
        base=torch.empty(0),
        confidence=Confidence(),
        least=0.0,
    )
    head = replace(head, width=options.width / _median_distance(head.exemplars))
    return head.solved()


def _median_distance(points: torch.Tensor) -> float:
    """Median squared distance between two points, float ``[P, D]``."""
    some = points[:: max(1, len(points) // 1000)]
    far = torch.cdist(some, some).square()
    return float(far[~torch.eye(len(some), dtype=torch.bool)].median())


def without_family(head: GeneratorHead, family: str) -> GeneratorHead:
    """The head as if it had seen nothing of a family, but for the projection and the confidence.

    Args:
        head: solved anew without the exemplars of the family, those of added generators included.
        family: ``Family`` value.
    """
    return _solved_with(
        head, [i for i, each in enumerate(head.generators) if each.family != family]
    )


def _solved_with(head: GeneratorHead, stay: Sequence[int]) -> GeneratorHead:
    """The head with some of its generators alone, ascending indexes, solved anew."""
    places = torch.full((len(head.generators),), -1)
    places[list(stay)] = torch.arange(len(stay))
    owners = places[head.owners]
    kept = owners >= 0
    part = replace(
        head,
        generators=tuple(head.generators[i] for i in stay),
        levels=head.levels[kept],
        owners=owners[kept],
        weights=head.weights[kept],
    )
    return part.solved()


def _out_of_fold(data: Labelled, mixed: Labelled, fold: Rows, options: GeneratorOptions) -> Apart:
    """Answers about all passes by heads fitted on other folds of the mixed ones.

    Args:
        data: ``[P N]``, the passes one after the other.
        mixed: ``[N]``, what heads are fitted on.
        fold: ``[N]``.
        options: how.
    """
    count = len(data.families)
    every = np.tile(fold, count // len(fold))
    known = Looks(np.zeros((count, len(_FAMILIES))), np.zeros(count))
    strange = Looks(np.zeros((count, len(_FAMILIES))), np.zeros(count))
    for number in range(options.folds):
        out = every == number
        head = fit_head(mixed.part(fold != number), options)
        embedded = head.embed(data.tokens[torch.from_numpy(out)], data.blocks)
        _put(head, head.looks(embedded), np.flatnonzero(out), known)
        seen = {generator.family for generator in head.generators}
        for name in np.unique(data.families[out]).tolist():
            own = data.families[out] == name
            part = without_family(head, name) if name in seen else head
            found = part.looks(embedded[torch.from_numpy(own)])
            _put(part, found, np.flatnonzero(out)[own], strange)
    unknown = {}
    for name in np.unique(data.families).tolist():
        own = data.families == name
        if name != Family.OTHER.value:
            unknown[name] = Apart(Looks(strange.shares[own], strange.nearness[own]))
    return Apart(known, unknown)


def _put(head: GeneratorHead, found: Looks, rows: Rows, into: Looks) -> None:
    """Set shares of all families, and nearness, of some rows."""
    for at, generator in enumerate(head.generators):
        into.shares[rows, _FAMILIES.index(generator.family)] = found.shares[:, at]
    into.nearness[rows] = found.nearness


def _confidence(data: Labelled, apart: Apart, options: GeneratorOptions) -> Confidence:
    """Fit the confidence on answers that name a family, of known and of left-out ones."""
    parts = [(apart, apart.family == data.families, 1.0)]
    strangers = sum(len(part.family) for part in apart.unknown.values())
    each = options.unknown / (1 - options.unknown) * len(data.families) / max(1, strangers)
    parts += [(part, np.zeros(len(part.family), bool), each) for part in apart.unknown.values()]
    inputs, right, weight = [], [], []
    for part, hits, counts in parts:
        named, looks = part.named, part.looks
        share = looks.shares.max(axis=1)[named].clip(1e-4, 1 - 1e-4)
        inputs.append(np.stack([np.log(share / (1 - share)), looks.nearness[named]], axis=1))
        right.append(hits[named])
        weight.append(np.full(int(named.sum()), counts))
    targets = np.concatenate(right)
    if targets.all() or not targets.any():
        return Confidence()
    model = LogisticRegression().fit(np.concatenate(inputs), targets, np.concatenate(weight))
    lead, near = model.coef_[0].tolist()
    return Confidence(lead, near, float(model.intercept_[0]))


@dataclass(frozen=True)
class Added:
    """What became of a generator that was added.

    Attributes:
        head: with it.
        images: that it was added by.
        recall: share of these that would be told as it, each by the others.
        taken: share of the exemplars known before that would now be told as it.
        nearest: generators known before and the share of the new images that is nearest to each,
            the largest first.
        distance: median distance of a new image to the nearest known exemplar, where 1 is the
            median distance of a known exemplar to the nearest other one of its generator.
    """

    head: GeneratorHead
    images: int
    recall: float
    taken: float
    nearest: list[tuple[str, float]]
    distance: float


def add_generator(head: GeneratorHead, embedded: torch.Tensor, name: str, family: str) -> Added:
    """Add a generator by its images; nothing is trained, the regression is solved anew.

    Args:
        head: to add to.
        embedded: float32 ``[n, D]``, its images as ``GeneratorHead.embed`` gives them.
        name: what answers call it.
        family: ``Family`` value.

    Returns:
        The head and how well the new generator is told apart; whether that is enough, the caller
        decides.
    """
    new = len(head.generators)
    levels = to_levels(embedded, head.scale)
    grown = replace(
        head,
        generators=(*head.generators, Generator(name, family, added=True)),
        levels=torch.cat([head.levels, levels]),
        owners=torch.cat([head.owners, torch.full((len(levels),), new)]),
        weights=torch.cat([head.weights, torch.full((len(levels),), ADDED_WEIGHT / len(levels))]),
    )
    solution, base, sums = solve(grown)
    grown = replace(grown, solution=solution.float(), base=base.float())
    told = sums.argmax(axis=1)
    known = len(head.levels)
    far = torch.cdist(grown.exemplars[known:], head.exemplars)
    nearest = head.owners[far.argmin(dim=1)]
    shares = Counter(head.generators[int(owner)].name for owner in nearest)
    return Added(
        grown,
        len(levels),
        float((told[known:] == new).mean()),
        float((told[:known] == new).mean()),
        [(each, count / len(levels)) for each, count in shares.most_common()],
        float(far.amin(dim=1).median()) / _own_distance(head),
    )


def remove_generator(head: GeneratorHead, name: str) -> GeneratorHead:
    """The head without a generator that was added.

    Raises:
        KeyError: none of that name was added.
    """
    found = [i for i, each in enumerate(head.generators) if each.added and each.name == name]
    if not found:
        raise KeyError(name)
    return _solved_with(head, [i for i in range(len(head.generators)) if i != found[0]])


def _own_distance(head: GeneratorHead) -> float:
    """Median distance of an exemplar to the nearest other one of its generator."""
    medians = []
    for at in range(len(head.generators)):
        own = head.exemplars[head.owners == at]
        if len(own) > 1:
            far = torch.cdist(own, own)
            far.fill_diagonal_(float("inf"))
            medians.append(far.amin(dim=1))
    return float(torch.cat(medians).median())
