"""Ways of telling generators apart on the detector's tokens, and what few images bring.

    python -m benchmarks.generators methods MANIFEST.csv --work FOLDER
    python -m benchmarks.generators few MANIFEST.csv --work FOLDER
    python -m benchmarks.generators cost

MANIFEST and the options are those of `tools.fit_generators`, which leaves the tokens in FOLDER.
``methods``: accuracy, macro F1 and coverage at 90 % precision by sources left out, of split train.
``few``: a head is fitted without a generator, which is added by 8, 16 or 32 images out of as few of
its sources as hold so many; tested on its other sources and on all images of others. Medians of
three draws.
``cost``: CPU time of an image in scoring it, and in the generator head.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from clipfake.attribution.families import Family
from clipfake.detector.adapter_file import DEFAULT_ADAPTER
from clipfake.detector.detector import Detector
from clipfake.detector.generators import GeneratorHead
from clipfake.detector.head import normalise
from clipfake.evaluation.attribution import Answers, attributed
from clipfake.training.generators import (
    GeneratorOptions,
    Labelled,
    add_generator,
    fit_head,
    folds,
    weigh,
)
from tools.fit_generators import labelled, named_rows
from tools.split_val import shown_tokens

SHOTS, DRAWS = (8, 16, 32), 3
NEW = {
    "nano-banana-pro": ("nano-banana-pro",),
    "gpt-image-2": ("gpt-image-2",),
    "sdxl-turbo": ("sdxl-turbo",),
    "z-image": ("z-image", "z-image-turbo"),
    "dall-e-2": ("dall-e-2", "dalle2"),
}
# points and labels of training, weights, sources; points to answer for; log shares ``[N, C]``
Method = Callable[
    [torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor
]


def main() -> None:
    """Read tokens, and measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["methods", "few", "cost"])
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--originals", type=Path)
    parser.add_argument("--origins", type=Path)
    args = parser.parse_args()
    if args.what == "cost":
        cost()
        return
    if args.manifest is None or args.work is None:
        parser.error("MANIFEST and --work are needed")
    rows = named_rows(args.manifest, args.originals, args.origins)
    detector = Detector.load(DEFAULT_ADAPTER)
    parts = {}
    for split in ("train", "val"):
        own = [row for row in rows if row["split"] == split]
        paths = [row["path"] for row in own]
        tokens = shown_tokens(detector, args.work, f"generators-{split}", paths)
        parts[split] = labelled(tokens, detector.adapter.blocks, own)
    if args.what == "methods":
        methods(parts["train"])
    else:
        few(joined(parts["train"], parts["val"]))


def cost(rounds: int = 7, images: int = 32) -> None:
    """Print medians of some rounds of drawn images."""
    detector = Detector.load()
    head, blocks = detector.generators, detector.adapter.blocks
    if head is None:
        raise SystemExit("the default adapter tells no generators apart")
    pixels = torch.randint(0, 256, (images, 3, 224, 224), dtype=torch.uint8)
    spent = []
    for _ in range(rounds + 1):
        began = time.process_time()
        tokens = detector.tokens(pixels, blocks)
        detector.adapter.calibration(detector.adapter.head(tokens))
        between = time.process_time()
        head.answers(head.embed(tokens, blocks))
        spent.append((between - began, time.process_time() - between))
    score, named = 1e3 * np.median(np.array(spent[1:]), axis=0) / images  # the first warms up
    print(f"score {score:.1f} ms of CPU time an image, generator head {named:.2f} ms")


def joined(first: Labelled, second: Labelled) -> Labelled:
    """Both sets of images as one."""
    return Labelled(
        torch.cat([first.tokens, second.tokens]),
        first.blocks,
        np.concatenate([first.families, second.families]),
        np.concatenate([first.generators, second.generators]),
        np.concatenate([first.sources, second.sources]),
    )


def methods(data: Labelled) -> None:
    """Print a row a method."""
    options = GeneratorOptions()
    fold = folds(data, options)
    names, labels = np.unique(data.families, return_inverse=True)
    _, sources = np.unique(data.sources, return_inverse=True)
    columns = [data.blocks.index(block) for block in options.blocks]
    points = normalise(data.tokens[:, columns].float()).flatten(1)
    print("| method | accuracy | macro F1 | coverage at 90 % |\n|---|---|---|---|")
    for title, method in _methods(len(names)):
        shares = torch.zeros(len(labels), len(names))
        for number in range(options.folds):
            held = torch.from_numpy(fold == number)
            known = ~held
            mean, spread = points[known].mean(dim=0), points[known].std(dim=0) + 1e-3
            standard = (points - mean) / spread
            torch.manual_seed(0)
            _, _, axes = torch.svd_lowrank(standard[known], q=options.dimensions, niter=4)
            projected = standard @ axes
            projected /= projected[known].norm(dim=1).mean()
            weight = torch.from_numpy(weigh(data.part(known.numpy()), options.balance)).float()
            shares[held] = method(
                projected[known],
                torch.from_numpy(labels)[known],
                weight,
                torch.from_numpy(sources)[known],
                projected[held],
            )
        best = shares.argmax(dim=1).numpy()
        sure = shares.softmax(dim=1).amax(dim=1).double().numpy()
        sure[names[best] == Family.OTHER.value] = 0.0
        everything = np.ones(len(sure), dtype=bool)
        found = attributed(
            Answers(data.families, names[best], sure, everything, data.sources), draws=1
        )
        print(
            f"| {title} | {found.accuracy.value:.3f} | {found.macro_f1.value:.3f} | "
            f"{found.coverage.value:.3f} |",
            flush=True,
        )


def _methods(classes: int) -> Iterator[tuple[str, Method]]:
    yield "logistic", lambda x, y, w, _s, z: _logistic(x, y, w, z, classes)
    yield "cosine classifier", lambda x, y, w, s, z: _cosine(x, y, w, s, z, classes, 0.0)[0]
    for count in (1, 5, 10, 20):
        yield f"{count} nearest neighbours", _neighbours(classes, count)
    yield (
        "supervised contrastive projection, its classifier",
        lambda x, y, w, s, z: _cosine(x, y, w, s, z, classes, 0.9)[0],
    )
    yield (
        "supervised contrastive projection, 20 nearest",
        lambda x, y, w, s, z: _cosine(x, y, w, s, z, classes, 0.9)[1],
    )
    yield "kernel ridge on exemplars", lambda x, y, w, _s, z: _ridge(x, y, w, z, classes)


def _neighbours(classes: int, count: int) -> Method:
    return lambda x, y, w, _s, z: _nearest(x, y, w, z, classes, count)


def _logistic(
    x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, z: torch.Tensor, classes: int
) -> torch.Tensor:
    scale = x.shape[1] ** 0.5  # as if standardised
    layer = torch.nn.Linear(x.shape[1], classes)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (functional.cross_entropy(layer(x * scale), y, reduction="none") * w).mean()
        loss = loss + 1e-2 * layer.weight.square().sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(step)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        found: torch.Tensor = layer(z * scale)
    return found


def _cosine(
    x: torch.Tensor,
    y: torch.Tensor,
    w: torch.Tensor,
    s: torch.Tensor,
    z: torch.Tensor,
    classes: int,
    contrast: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine classifier; positives of the contrastive loss (arXiv 2004.11362) of other sources."""
    torch.manual_seed(0)
    scale = x.shape[1] ** 0.5
    projection = torch.nn.Linear(x.shape[1], 128, bias=False)
    centres = torch.nn.Parameter(torch.randn(classes, 128))
    log_scale = torch.nn.Parameter(torch.tensor(2.3))
    parameters = [*projection.parameters(), centres, log_scale]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.1)
    steps = 25 * len(y) // 256
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)

    def embed(points: torch.Tensor) -> torch.Tensor:
        return functional.normalize(projection(points * scale), dim=1)

    def logits(embedded: torch.Tensor) -> torch.Tensor:
        return log_scale.exp() * embedded @ functional.normalize(centres, dim=1).T

    for _ in range(steps):
        rows = torch.multinomial(w, 256, replacement=True)
        embedded = embed(functional.dropout(x[rows], 0.2))
        loss = functional.cross_entropy(logits(embedded), y[rows], label_smoothing=0.05)
        if contrast:
            like = embedded @ embedded.T / 0.1
            alike = (y[rows][:, None] == y[rows]) & (s[rows][:, None] != s[rows])
            itself = rows[:, None] == rows
            log = like - like.masked_fill(itself, -1e9).logsumexp(dim=1, keepdim=True)
            has = alike.any(dim=1)
            pulled = -(log * alike).sum(dim=1)[has] / alike.sum(dim=1)[has]
            loss = (1 - contrast) * loss + contrast * pulled.mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return logits(embed(z)), _nearest(embed(x), y, w, embed(z), classes, 20)


def _nearest(
    x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, z: torch.Tensor, classes: int, count: int
) -> torch.Tensor:
    like = functional.normalize(z, dim=1) @ functional.normalize(x, dim=1).T
    near, which = like.topk(count, dim=1)
    shares = torch.zeros(len(z), classes)
    shares.scatter_add_(1, y[which], (near / 0.07).exp() * w[which])
    return (shares / shares.sum(dim=1, keepdim=True)).clamp_min(1e-9).log()


def _ridge(
    x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, z: torch.Tensor, classes: int
) -> torch.Tensor:
    options = GeneratorOptions()
    far = torch.cdist(x, x).square()
    width = options.width / far.median()
    targets = functional.one_hot(y, classes).float()
    base = (w[:, None] * targets).sum(dim=0) / w.sum()
    noise = torch.diag(options.ridge / w)
    solution = torch.linalg.solve(torch.exp(-width * far) + noise, targets - base)
    sums = torch.exp(-width * torch.cdist(z, x).square()) @ solution + base
    found: torch.Tensor = options.sharpness * sums
    return found


def few(data: Labelled) -> None:
    """Print a row a generator and number of shots."""
    print(
        "| generator | shots | tested | recall | right family | others told as it | "
        "own, each by the others | refused |\n|---|---|---|---|---|---|---|---|"
    )
    for name, labels in NEW.items():
        own = np.isin(data.generators, labels)
        head = fit_head(data.part(~own), GeneratorOptions())
        points = head.embed(data.tokens[torch.from_numpy(own)], data.blocks)
        family, sources = str(data.families[own][0]), data.sources[own]
        for shots in SHOTS:
            rows = [
                row
                for draw in range(DRAWS)
                if (row := _drawn(head, points, sources, family, shots, draw)) is not None
            ]
            if not rows:
                print(f"| {name} | {shots} | too few images | | | | | |", flush=True)
                continue
            tested, recall, right, taken, alone, refused = np.median(np.array(rows), axis=0)
            print(
                f"| {name} | {shots} | {tested:.0f} | {recall:.1%} | {right:.1%} | {taken:.2%} | "
                f"{alone:.1%} | {'yes' if refused else 'no'} |",
                flush=True,
            )


def _drawn(
    head: GeneratorHead,
    points: torch.Tensor,
    sources: np.ndarray,
    family: str,
    shots: int,
    seed: int,
) -> tuple[float, ...] | None:
    """Figures of one draw; None where no other source is left to test on."""
    from clipfake.cli.generators import LEAST_RECALL, MOST_TAKEN

    rng = np.random.default_rng(seed)
    taken: list[int] = []
    used = []
    for source in rng.permutation(np.unique(sources)):
        if len(taken) >= shots:
            break
        taken += rng.permutation(np.flatnonzero(sources == source)).tolist()
        used.append(source)
    tested = torch.from_numpy(~np.isin(sources, used))
    if len(taken) < shots or not tested.any():
        return None
    added = add_generator(head, points[taken[:shots]], "new", family)
    best = added.head.looks(points[tested]).shares.argmax(axis=1)
    families = np.array([generator.family for generator in added.head.generators])
    refused = added.recall < LEAST_RECALL or added.taken > MOST_TAKEN
    return (
        float(tested.sum()),
        float((best == len(head.generators)).mean()),
        float((families[best] == family).mean()),
        added.taken,
        added.recall,
        float(refused),
    )


if __name__ == "__main__":
    main()
