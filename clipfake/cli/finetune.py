"""`clipfake finetune`."""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from clipfake.cli.adapter_out import check_out, write_out
from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AdapterName, AdapterOut, Debug, Options, Quiet, takes
from clipfake.errors import UsageError
from clipfake.report.files import check_writable, remedy_of

MOVES = ("auto", "head", "encoder")


@takes("backbone", "device", "precision")
def finetune_command(
    real: Annotated[
        list[str],
        typer.Option(help="Folder, file or manifest of real images; repeatable."),
    ],
    fake: Annotated[
        list[str],
        typer.Option(help="Folder, file or manifest of AI-generated images; repeatable."),
    ],
    out: AdapterOut,
    options: Options,
    init: Annotated[
        str,
        typer.Option(
            help="Where to start: default (the built-in adapter), backbone (a new head on the "
            "tower), or an adapter file."
        ),
    ] = "default",
    move: Annotated[
        str,
        typer.Option(
            help="What is trained: head, encoder (and head), or auto: the head alone where a "
            "class has fewer than 200 images to train on."
        ),
    ] = "auto",
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
    rank: Annotated[
        int, typer.Option(min=1, help="Rank of LoRA; an adapter that has one keeps its own.")
    ] = 8,
    mask: Annotated[
        str, typer.Option(help="Patches hidden first: texture, random, smooth or none.")
    ] = "random",
    mask_ratio: Annotated[
        float, typer.Option(help="Share of an image's patches that is hidden.")
    ] = 0.5,
    augmented: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of images that are augmented.")
    ] = 0.8,
    mix: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="How far to go from the weights at the start to the tuned ones, encoder only; by "
            "default the share that does best on the held-out images.",
        ),
    ] = None,
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
    name: AdapterName = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Teach the detector your own images, from 8 of each class on.

    A manifest may have the columns label, generator, source and split; then one file can be
    given to both --real and --fake. Thresholds are set on images that the weights have not seen,
    by the share of real images that they accuse, never by accuracy.
    """
    check_out(out)
    if resume and work is None:
        raise UsageError("--resume needs the --work folder of the run that was broken off")
    if move not in MOVES:
        raise UsageError(f"--move {move}: unknown; use {', '.join(MOVES)}")
    if work is not None:
        _make(work)
    from clipfake.training.examples import read_examples
    from clipfake.training.texture import Masking, Order

    if mask not in [order.value for order in Order]:
        raise UsageError(f"--mask {mask}: unknown; use texture, random, smooth or none")
    masking = Masking(Order(mask), mask_ratio)
    examples = read_examples(real, is_ai=False) + read_examples(fake, is_ai=True)

    from rich.console import Console

    from clipfake.cli.training_screen import TrainingProgress, tell
    from clipfake.detector.adapter import DEFAULT_ADAPTER, load_adapter
    from clipfake.detector.backbone import EMBEDDED_BACKBONE, load_backbone
    from clipfake.scanning.processes.worker import default_workers
    from clipfake.training.finetune import finetune
    from clipfake.training.loop import LoopOptions
    from clipfake.training.options import FinetuneOptions, Move
    from clipfake.training.world import World

    base = None
    if init != "backbone":
        base = load_adapter(DEFAULT_ADAPTER if init == "default" else Path(init))
    tuning = FinetuneOptions(
        Move(move),
        LoopOptions(
            batch_size=batch_size,
            accumulate=accumulate,
            lora_rate=rate,
            head_rate=head_rate,
            contrast=contrast,
            augmented=augmented,
            masking=masking,
            seed=seed,
        ),
        epochs=epochs,
        mix=mix,
        rank=rank,
        shots=shots,
        validation=validation,
        workers=default_workers(),
        device=options["device"],
        precision=options["precision"],
    )
    world = World.join(options["device"])
    if world.size > 1 and work is None:
        raise UsageError("several processes need one --work folder; name it")
    tuning = dataclasses.replace(tuning, device=str(world.device))
    console = Console(stderr=True, highlight=False, quiet=quiet or not world.first)
    progress = TrainingProgress(console, batch_size)
    with _folder(work) as folder, progress.live():
        result = finetune(
            examples,
            load_backbone(options["backbone"] or (base.backbone if base else EMBEDDED_BACKBONE)),
            base,
            tuning,
            folder,
            name=name or out.stem,
            resume=resume,
            show=progress.show,
            world=world,
        )
    if world.first:
        write_out(result.outcome.adapter, out)
        tell(console, result, out)
    world.leave()
    return Exit.FINE


def _make(work: Path) -> None:
    """Make the work folder, and find out whether it can be written."""
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = remedy_of(work, error) or "name another --work"
        raise UsageError(f"{work}: cannot be made ({error.strerror}); {remedy}") from error
    check_writable(work / "try", [work / "try"])


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        yield work
        return
    folder = Path(tempfile.mkdtemp(prefix="clipfake-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
