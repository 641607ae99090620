"""Tuning CLIP as it was pretrained: images against captions that say how they came to be.

The idea is that of Moskowitz, Gaona and Peterson (2024, arXiv 2404.08788): no change of the
architecture, captions that name "real" or the generator, Adam, 12 epochs. Their code was not used;
batches, augmentation, the choice of weights and thresholds are those of the other method.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from clipfake.detector.adapter import Adapter
from clipfake.detector.backbone import VISUAL, Backbone, Traits, traits_of
from clipfake.detector.calibration import Platt
from clipfake.detector.captions import Caption, CaptionHead
from clipfake.detector.device import encoding, pick_device, pick_training_precision
from clipfake.detector.forward import block_tokens
from clipfake.detector.lora import Lora, LoraShape
from clipfake.detector.pair import Pair
from clipfake.errors import UsageError
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.sources.labelled import Example
from clipfake.training.caption_model import CaptionModel, CaptionTrainer
from clipfake.training.caption_texts import Templates, Written, class_numbers, write_captions
from clipfake.training.examples import LEAST_OF_A_CLASS
from clipfake.training.headonly import Outcome, with_facts
from clipfake.training.looks import train_to_end
from clipfake.training.options import FinetuneOptions, State
from clipfake.training.parts import counts, labelled_parts
from clipfake.training.sampling import weights
from clipfake.training.validation import Part, Scored, Validation, calibrate
from clipfake.training.world import ALONE, World

CHECKPOINT = "captions.safetensors"
_MEASURE = "held-out score"  # mean of AUC and share of generators named right
_START_IMAGES = 16  # of a class, whose mean a vector starts at
_START_BATCH = 16
_NO_REFERENCE = "captions have a head of their own"


@dataclass(frozen=True)
class CaptionOptions:
    """What is particular to captions.

    Attributes:
        templates: how captions are written.
        lora: train updates of the image tower instead of the towers themselves.
    """

    templates: Templates = dataclasses.field(default_factory=Templates)
    lora: bool = False


@dataclass(frozen=True)
class Named:
    """How often the generator of a held-out AI image was named right, among those trained on.

    Attributes:
        right: images.
        images: of so many.
        balanced: mean over generators of the share that is right.
        generators: how many there are to choose from.
    """

    right: int
    images: int
    balanced: float
    generators: int


@dataclass(frozen=True)
class TunedModel:
    """Weights of a tower or of both, tuned as a whole, which no adapter has the room for.

    Attributes:
        tensors: float16, by their names in a checkpoint of open_clip.
        traits: what they ask for beside an architecture.
        architecture: name that open_clip knows.
    """

    tensors: dict[str, torch.Tensor]
    traits: Traits
    architecture: str


@dataclass(frozen=True)
class Captioned:
    """What came of it.

    Attributes:
        outcome: the new adapter, not saved yet.
        model: tuned weights that belong to it; None where the adapter is all.
        named: None where no held-out image is of a generator that was trained on.
        captions: that images are compared with.
        parameters: numbers that were trained.
        images: images trained on and held out.
        left_out: how many images were not used, by reason.
        errors: one line for each unreadable image.
    """

    outcome: Outcome
    model: TunedModel | None
    named: Named | None
    captions: tuple[Caption, ...]
    parameters: int
    images: tuple[int, int]
    left_out: Counter[str]
    errors: tuple[str, ...]


def tune_captions(
    examples: Sequence[Example],
    tower: Backbone | Pair,
    options: FinetuneOptions,
    captions: CaptionOptions,
    folder: Path,
    *,
    name: str,
    resume: bool = False,
    show: Callable[[State], None] = lambda _state: None,
    world: World = ALONE,
) -> Captioned:
    """Train images against captions, on labelled images.

    The logit is that of ``CaptionHead``; calibration and thresholds are set on the held-out part.

    Args:
        examples: both classes.
        tower: both towers, or an image tower alone, for which captions are vectors that are
            learnt. It is changed unless ``captions.lora``.
        options: how to train, and when to stop; ``move`` and ``mix`` mean nothing here.
        captions: what is written, and whether towers or updates are trained.
        folder: existing folder for decoded images and checkpoints.
        name: of the new adapter.
        resume: go on from what ``folder`` holds.
        show: called as training goes on.
        world: the processes that train together, on the same ``folder``.

    Raises:
        BackboneError: the image tower is none of CLIP's kind.
        UsageError: too few images of a class, captions that cannot be, or a checkpoint of another
            run.
    """
    captions.templates.check()
    pair = tower if isinstance(tower, Pair) else None
    if pair is None:
        _check_vectors(captions.templates)
    parts = labelled_parts(
        examples,
        options,
        folder,
        least=LEAST_OF_A_CLASS,
        resume=resume,
        show=show,
        world=world,
        each_generator=True,
    )
    train, val = parts.train, parts.val
    written = write_captions(train.examples, captions.templates)
    of_image = class_numbers(train.examples, written)
    read = _read(written, pair)
    steps = max(1, round(options.epochs * len(train.examples) / options.loop.batch_size))
    # Adam on the loss as it is, to the last epoch; weights that did best are kept all the same
    loop = dataclasses.replace(options.loop, steps=steps, weight_decay=0.0, smoothing=0.0)
    options = dataclasses.replace(options, loop=loop, patience=options.looks + 1)
    backbone = tower.backbone if isinstance(tower, Pair) else tower
    model = _model(backbone, pair, written, read, train, of_image, options, captions, show)
    task = repr((captions, [(one.text, one.number) for one in written], backbone.digest))
    trainer = CaptionTrainer(model, options.loop, backbone.patch_size, world, task)
    checkpoint = folder / CHECKPOINT
    if resume and checkpoint.exists():
        trainer.load(checkpoint)

    held_out = _HeldOut(val, class_numbers(val.examples, written), trainer, read, options, name)
    train_to_end(
        trainer,
        trainer.run(
            train.store,
            weights(train.examples),
            train.is_ai,
            Preprocessing(size=backbone.image_size),
            workers=options.workers,
            precision=pick_training_precision(options.precision, pick_device(options.device)),
            targets=of_image,
        ),
        lambda: held_out.look(trainer.mean).score,
        options,
        checkpoint,
        show,
        _MEASURE,
    )
    best = trainer.best
    if not captions.lora:  # as the file has them, so that what is measured is what is saved
        best = {key: value.half().float() for key, value in best.items()}
    found = held_out.look(best)
    adapter = calibrate(found.adapter, [found.scored])
    if pair is not None and captions.templates.more:
        more = tuple(pair.caption(text) for text in captions.templates.more)
        with trainer.holding(best):
            head = found.head.with_captions(more, pair.embeddings(more))
        adapter, read = dataclasses.replace(adapter, head=head), head.captions
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    outcome = Outcome(
        adapter=adapter,
        before=None,
        after=found.scored.compare(adapter),
        measured="held-out part",
        reference=None,
        no_reference=_NO_REFERENCE,
        choice="",
        improved=True,
    )
    reals, ais = counts(train)
    facts: dict[str, Any] = {
        "method": "captions: images against captions, as CLIP was pretrained",
        "from": f"{backbone.name}@{backbone.digest[:12]}",
        "images": {"real": reals, "ai": ais},
        "sources": len(set(train.sources.tolist())),
        "trained": "LoRA of the image tower" if captions.lora else "all of the weights",
        "captions": "read by a text tower" if pair else "vectors that were learnt",
        "parameters": parameters,
        "options": dataclasses.asdict(options.loop),
        "step": trainer.best_step,
        "named": dataclasses.asdict(found.named) if found.named else None,
    }
    return Captioned(
        outcome=with_facts(outcome, facts),
        model=None if captions.lora else _tuned_model(trainer, pair, best),
        named=found.named,
        captions=read,
        parameters=parameters,
        images=(len(train.examples), len(val.examples)),
        left_out=parts.left_out,
        errors=parts.errors,
    )


def _check_vectors(templates: Templates) -> None:
    """Raise UsageError for what only a text tower can do."""
    if templates.more:
        raise UsageError("--caption needs a text tower; give --model and --weights")
    if len(templates.real) > 1 or len(templates.fake) > 1:
        raise UsageError(
            "several templates need a text tower, without one captions are vectors that are "
            "learnt; give one template, or --model and --weights"
        )


def _read(written: Sequence[Written], pair: Pair | None) -> tuple[Caption, ...]:
    """Captions as the text tower reads them, if there is one."""
    if pair is None:
        return tuple(Caption(one.text, one.kind, one.name) for one in written)
    read = tuple(pair.caption(one.text, one.kind, one.name) for one in written)
    seen: dict[tuple[int, ...], Written] = {}
    for caption, one in zip(read, written, strict=True):
        other = seen.setdefault(caption.tokens, one)
        if other.number != one.number:
            raise UsageError(
                f"captions {other.text[:60]!r} and {one.text[:60]!r} are the same to the text "
                "tower; change --caption-fake, or the names of generators"
            )
    return read


def _model(
    backbone: Backbone,
    pair: Pair | None,
    written: Sequence[Written],
    read: Sequence[Caption],
    train: Part,
    of_image: npt.NDArray[np.int64],
    options: FinetuneOptions,
    captions: CaptionOptions,
    show: Callable[[State], None],
) -> CaptionModel:
    """The model where training starts, on its device."""
    device = pick_device(options.device)
    backbone.visual.to(device)
    lora = None
    if captions.lora:
        lora = Lora(backbone, LoraShape(tuple(range(1, backbone.depth + 1)), options.rank))
        lora.initialise(torch.Generator().manual_seed(options.loop.seed))
    tokens, vectors = None, None
    if pair is not None:
        tokens = pair.tokenise([caption.text for caption in read])
    else:
        vectors = _class_means(backbone, train, of_image, options, show)
    numbers = torch.tensor([one.number for one in written])
    model = CaptionModel(
        backbone, of_caption=numbers, pair=pair, tokens=tokens, vectors=vectors, lora=lora
    )
    return model.to(device)


def _class_means(
    backbone: Backbone,
    train: Part,
    of_image: npt.NDArray[np.int64],
    options: FinetuneOptions,
    show: Callable[[State], None],
) -> torch.Tensor:
    """Mean embedding of some images of each class, of unit length, float32 ``[classes, E]``."""
    visual: Any = backbone.visual
    device = pick_device(options.device)
    rng = np.random.default_rng(options.loop.seed)
    preprocessing = Preprocessing(size=backbone.image_size)
    classes = range(int(of_image.max()) + 1)
    rows = [
        row
        for number in classes
        for row in rng.permutation(np.flatnonzero(of_image == number))[:_START_IMAGES].tolist()
    ]
    found = []
    with encoding(device, pick_training_precision(options.precision, device)):
        for at in range(0, len(rows), _START_BATCH):
            pixels = train.pixels(preprocessing, rows[at : at + _START_BATCH]).to(device)
            token = block_tokens(backbone, pixels, (backbone.depth,))[:, 0]
            embedded = (visual.ln_post(token) @ visual.proj).float()
            found.append(functional.normalize(embedded, dim=1).cpu())
            show(State("encoding", min(at + _START_BATCH, len(rows)), len(rows)))
    embeddings, number = torch.cat(found).clone(), torch.from_numpy(of_image[rows])
    means = torch.stack([embeddings[number == one].mean(dim=0) for one in classes])
    return functional.normalize(means, dim=1)


@dataclass(frozen=True)
class _Look:
    """What the held-out part looks like with some weights."""

    adapter: Adapter
    head: CaptionHead
    scored: Scored
    named: Named | None

    @property
    def score(self) -> float:
        """Mean of the AUC and the share of generators named right, or the AUC alone."""
        auc = self.scored.auc
        return auc if self.named is None else (auc + self.named.balanced) / 2


@dataclass(frozen=True)
class _HeldOut:
    """The held-out part, to be looked at with one set of weights after another."""

    part: Part
    numbers: npt.NDArray[np.int64]
    trainer: CaptionTrainer
    captions: tuple[Caption, ...]
    options: FinetuneOptions
    name: str

    def look(self, values: dict[str, torch.Tensor]) -> _Look:
        """Score the part with some weights of the trainer's model."""
        model = self.trainer.model
        backbone, shape = model.backbone, None
        lora: dict[str, torch.Tensor] = {}
        with self.trainer.holding(values):
            head = model.head(self.captions).as_stored()
            if model.lora is not None:
                shape, state = model.lora.shape, model.lora.state_dict()
                # clones, since what the model holds is put back
                lora = {key: value.detach().cpu().clone() for key, value in state.items()}
            adapter = Adapter(
                name=self.name,
                backbone=backbone.name,
                blocks=(backbone.depth,),
                preprocessing=Preprocessing(size=backbone.image_size),
                head=head,
                calibration=Platt(),
                points=(),
                real_below=0.0,
                facts={},
                lora_shape=shape,
                lora=lora,
            ).as_stored()
            device, precision = self.options.device, self.options.precision
            tokens = Validation(self.part, backbone, device, precision).tokens(adapter)
        scored = Scored(head(tokens), self.part.is_ai, self.part.sources)
        return _Look(adapter, head, scored, self._named(head, tokens))

    def _named(self, head: CaptionHead, tokens: torch.Tensor) -> Named | None:
        """Which generator, of AI images whose own was trained on; real is no answer."""
        rows = np.flatnonzero(self.numbers > 0)
        if not len(rows):
            return None
        truth = self.numbers[rows]
        # classes are numbered as the head has them, real is 0
        found = head.name_shares(tokens[torch.from_numpy(rows)])[:, 1:].argmax(axis=1) + 1
        right = found == truth
        shares = [float(right[truth == number].mean()) for number in np.unique(truth)]
        return Named(int(right.sum()), len(rows), float(np.mean(shares)), len(head.names) - 1)


def _tuned_model(
    trainer: CaptionTrainer, pair: Pair | None, values: dict[str, torch.Tensor]
) -> TunedModel:
    """All weights of the towers that there are, as they are to be kept."""
    backbone = trainer.model.backbone
    with trainer.holding(values):
        state = (pair.model if pair else backbone.visual).state_dict()
        prefix = "" if pair else VISUAL
        tensors = {prefix + key: value.detach().cpu().half() for key, value in state.items()}
    return TunedModel(tensors, traits_of(backbone), backbone.name.partition("/")[0])
