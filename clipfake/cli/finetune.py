"""`clipfake finetune`."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipfake.cli.exit_codes import Exit
from clipfake.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from clipfake.training.finetune import Finetuned, State

PLAIN_SECONDS = 10.0


def finetune_command(
    real: Annotated[
        list[str],
        typer.Option(help="Folder, file or manifest of real images; repeatable."),
    ],
    fake: Annotated[
        list[str],
        typer.Option(help="Folder, file or manifest of AI-generated images; repeatable."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Adapter to write, .safetensors.")],
    init: Annotated[
        Path | None, typer.Option(help="Adapter to start from instead of the built-in one.")
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(help="Local open_clip tower that the --init adapter fits.")
    ] = None,
    shots: Annotated[
        int | None, typer.Option(min=1, help="Use at most so many images of each class.")
    ] = None,
    epochs: Annotated[float, typer.Option(min=0.01, help="Passes over the images.")] = 4.0,
    batch_size: Annotated[int, typer.Option(min=2, help="Images of a step.")] = 16,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Split each step into so many parts, to save memory.")
    ] = 1,
    rate: Annotated[float, typer.Option(min=0.0, help="Peak learning rate of LoRA.")] = 1e-4,
    head_rate: Annotated[float, typer.Option(min=0.0, help="Peak rate of the head.")] = 2e-5,
    rank: Annotated[int, typer.Option(min=1, help="Rank of LoRA, when it starts anew.")] = 8,
    mask: Annotated[
        str, typer.Option(help="Patches hidden first: texture, random, smooth or none.")
    ] = "texture",
    mask_ratio: Annotated[
        float, typer.Option(help="Share of an image's patches that is hidden.")
    ] = 0.5,
    contrast: Annotated[
        float, typer.Option(min=0.0, help="Weight of the term that pulls real images together.")
    ] = 0.0,
    validation: Annotated[
        float, typer.Option(min=0.05, max=0.5, help="Share of images held out, by source.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that chance decides.")] = 0,
    work: Annotated[
        Path | None,
        typer.Option(help="Folder for decoded images and checkpoints; kept. Needed to resume."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in --work.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="What reports call the adapter.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> int:
    """Teach the detector your own images.

    A manifest may have the columns label, generator, source and split; then one file can be
    given to both --real and --fake. Part of the images is held out, by source, to choose the
    weights and to set thresholds by the share of real images they accuse.
    """
    _check(out, work, resume)
    from clipfake.training.examples import read_examples
    from clipfake.training.texture import Masking, Order

    if mask not in [order.value for order in Order]:
        raise UsageError(f"--mask {mask}: unknown; use texture, random, smooth or none")
    masking = Masking(Order(mask), mask_ratio)
    examples = read_examples(real, is_ai=False) + read_examples(fake, is_ai=True)

    from rich.console import Console

    from clipfake.detector.adapter import DEFAULT_ADAPTER, load_adapter, save_adapter
    from clipfake.detector.backbone import load_backbone
    from clipfake.scanning import default_workers
    from clipfake.training.finetune import FinetuneOptions, finetune
    from clipfake.training.loop import LoopOptions

    base = load_adapter(init or DEFAULT_ADAPTER)
    options = FinetuneOptions(
        LoopOptions(
            batch_size=batch_size,
            accumulate=accumulate,
            lora_rate=rate,
            head_rate=head_rate,
            contrast=contrast,
            masking=masking,
            seed=seed,
        ),
        epochs=epochs,
        rank=rank,
        shots=shots,
        validation=validation,
        workers=default_workers(),
        device=device,
        precision=precision,
    )
    console = Console(stderr=True, highlight=False, quiet=quiet)
    with _folder(work) as folder:
        result = finetune(
            examples,
            load_backbone(backbone or base.backbone),
            base,
            options,
            folder,
            name=name or out.stem,
            resume=resume,
            show=_Progress(console, batch_size).show,
        )
    unfinished = out.with_name(out.name + ".part")
    save_adapter(result.adapter, unfinished)
    unfinished.replace(out)
    _tell(console, result, out)
    return Exit.FINE


def _check(out: Path, work: Path | None, resume: bool) -> None:
    if out.suffix != ".safetensors":
        raise UsageError(f"{out}: adapters end in .safetensors")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder; make it first")
    if not os.access(out.parent, os.W_OK) or out.is_dir():
        raise UsageError(f"{out}: cannot be written; name another file")
    if resume and work is None:
        raise UsageError("--resume needs the --work folder of the run that was broken off")


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        try:
            work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{work}: cannot be used ({error.strerror})") from error
        yield work
        return
    folder = Path(tempfile.mkdtemp(prefix="clipfake-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Progress:
    """A line every few seconds: phase, loss, AUC, images/s and the time left."""

    def __init__(self, console: "Console", batch_size: int) -> None:
        self._console, self._batch_size = console, batch_size
        self._phase, self._first = "", 0
        self._started = self._said = time.monotonic()

    def show(self, state: "State") -> None:
        now = time.monotonic()
        if state.phase != self._phase:
            self._phase, self._first, self._started = state.phase, state.done, now
            self._said = now
        if now - self._said < PLAIN_SECONDS and state.done < state.total:
            return
        self._said = now
        # the first of a phase has no time of its own, the clock starts at its end
        rate = max(state.done - self._first, 1) / max(now - self._started, 1e-3)
        left = (state.total - state.done) / rate
        text = f"{state.phase} {state.done} of {state.total}"
        if state.phase == "training":
            text += f", loss {state.loss:.3f}, validation AUC {state.auc:.4f}"
            rate *= self._batch_size
        text += f", {rate:.1f} images/s, {left / 60:.0f} min left"
        self._console.print(text, markup=False)


def _tell(console: "Console", result: "Finetuned", out: Path) -> None:
    for line in result.errors:
        console.print(f"unreadable: {line}", markup=False, soft_wrap=True)
    for reason, count in sorted(result.left_out.items()):
        console.print(f"{count} images left out: {reason}", markup=False)
    before, after = result.before, result.after
    low, high = after.fpr_interval
    trained, held_out = result.images
    console.print(
        f"{trained} images trained on, {held_out} held out. On these:\n"
        f"  AUC    {before.auc:.4f} -> {after.auc:.4f}\n"
        f"  recall {before.recall:.1%} -> {after.recall:.1%}\n"
        f"  FPR    {before.fpr:.1%} -> {after.fpr:.1%} (95 % interval {low:.1%} to {high:.1%})",
        markup=False,
    )
    console.print(
        "Thresholds were set on the held-out images by the share of real ones accused; "
        "the interval says how little a small set proves.",
        markup=False,
    )
    if not result.improved:
        console.print("no trained weights did better than the start: only thresholds moved")
    console.print(f"adapter: {out} (clipfake scan --adapter {out} ...)", markup=False)
