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
from clipfake.cli.captions import CaptionsAsked, tell_captioned, write_captioned
from clipfake.cli.exit_codes import Exit
from clipfake.cli.options import AdapterName, AdapterOut, Debug, Options, Quiet, takes
from clipfake.errors import UsageError
from clipfake.report.files import check_writable, remedy_of

METHODS = ("mpft", "captions")
MOVES = ("auto", "head", "encoder")
_PANEL = "Captions"
_EPOCHS = {"mpft": 4.0, "captions": 12.0}
_MPFT_RATES = (1e-4, 2e-5)  # of LoRA and of the head
_RATES = {True: (1e-4, 1e-3), False: (1e-5, 1e-3)}  # of LoRA or of whole towers, and of captions


@takes("backbone", "allow_download", "device", "precision")
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
    method: Annotated[
        str,
        typer.Option(
            help="mpft: a detector's head, or LoRA and head with hidden patches. captions: the "
            "tower as it was pretrained, image against caption; tells the generator too."
        ),
    ] = "mpft",
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
    epochs: Annotated[
        float | None,
        typer.Option(min=0.01, help="Passes over the images; by default 4, of captions 12."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Images of a step.")] = 16,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Split each step into so many parts, to save memory.")
    ] = 1,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Peak learning rate of LoRA, by default 1e-4; of whole towers, by default 1e-5.",
        ),
    ] = None,
    head_rate: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Peak rate of the head, by default 2e-5; of learnt captions and the temperature, "
            "by default 1e-3.",
        ),
    ] = None,
    rank: Annotated[
        int, typer.Option(min=1, help="Rank of LoRA; an adapter that has one keeps its own.")
    ] = 8,
    mask: Annotated[
        str | None,
        typer.Option(
            help="Patches hidden first: texture, random, smooth or none; by default random, of "
            "captions none."
        ),
    ] = None,
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
    model: Annotated[
        str | None,
        typer.Option(
            help="captions: an open_clip model with both towers, e.g. ViT-B-32. Without it "
            "captions are vectors, learnt in the space of the image tower alone.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="captions: weights of --model, a tag or a safetensors file.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    lora: Annotated[
        bool | None,
        typer.Option(
            "--lora/--full",
            help="captions: train LoRA of the image tower, or all weights, which are then written "
            "beside the adapter; by default all where --model is given, else LoRA.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    caption_real: Annotated[
        list[str] | None,
        typer.Option(
            help="captions: caption of real images, by default 'a photograph'; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    caption_fake: Annotated[
        list[str] | None,
        typer.Option(
            help="captions: caption of AI images, by default 'an image generated by {name}', where "
            "{name} is the generator of a manifest or the images' folder; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    caption: Annotated[
        list[str] | None,
        typer.Option(
            help="captions: another caption to compare images with, on which nothing is trained; "
            "needs --model; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
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
    if method not in METHODS:
        raise UsageError(f"--method {method}: unknown; use {', '.join(METHODS)}")
    asked = CaptionsAsked(
        model, weights, lora, caption_real or [], caption_fake or [], caption or []
    )
    if method == "captions":
        others = {"--init": init != "default", "--move": move != "auto", "--mix": mix is not None}
        others["--contrast"] = contrast > 0
    else:
        others = dict.fromkeys(asked.given(), True)
    if foreign := [option for option, is_given in others.items() if is_given]:
        raise UsageError(f"{foreign[0]} means nothing to --method {method}; leave it out")
    if resume and work is None:
        raise UsageError("--resume needs the --work folder of the run that was broken off")
    if move not in MOVES:
        raise UsageError(f"--move {move}: unknown; use {', '.join(MOVES)}")
    if work is not None:
        _make(work)
    from clipfake.training.examples import read_examples
    from clipfake.training.texture import Masking, Order

    by_captions = method == "captions"
    mask = mask or ("none" if by_captions else "random")
    if mask not in [order.value for order in Order]:
        raise UsageError(f"--mask {mask}: unknown; use texture, random, smooth or none")
    masking = Masking(Order(mask), mask_ratio)
    if by_captions:
        asked.check(options["backbone"])
    examples = read_examples(real, is_ai=False) + read_examples(fake, is_ai=True)

    from rich.console import Console

    from clipfake.cli.training_screen import TrainingProgress, tell
    from clipfake.detector.adapter_file import DEFAULT_ADAPTER, load_adapter
    from clipfake.detector.backbone import EMBEDDED_BACKBONE, load_backbone
    from clipfake.scanning.processes.worker import default_workers
    from clipfake.training.finetune import finetune
    from clipfake.training.loop import LoopOptions
    from clipfake.training.options import FinetuneOptions, Move
    from clipfake.training.world import World

    base = None
    if init != "backbone" and not by_captions:
        base = load_adapter(DEFAULT_ADAPTER if init == "default" else Path(init))
    usual = _RATES[asked.by_lora] if by_captions else _MPFT_RATES
    tuning = FinetuneOptions(
        Move(move),
        LoopOptions(
            batch_size=batch_size,
            accumulate=accumulate,
            lora_rate=usual[0] if rate is None else rate,
            head_rate=usual[1] if head_rate is None else head_rate,
            contrast=contrast,
            augmented=augmented,
            masking=masking,
            seed=seed,
        ),
        epochs=epochs or _EPOCHS[method],
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
    if by_captions:
        from clipfake.training.caption_tuning import CaptionOptions, tune_captions

        tower = asked.tower(options["backbone"], allow_download=options["allow_download"])
        with _folder(work) as folder, progress.live():
            captioned = tune_captions(
                examples,
                tower,
                tuning,
                CaptionOptions(asked.templates(), lora=asked.by_lora),
                folder,
                name=name or out.stem,
                resume=resume,
                show=progress.show,
                world=world,
            )
        if world.first:
            write_captioned(captioned, out)
            tell_captioned(console, captioned, out)
        world.leave()
        return Exit.FINE
    with _folder(work) as folder, progress.live():
        result = finetune(
            examples,
            load_backbone(
                options["backbone"] or (base.backbone if base else EMBEDDED_BACKBONE),
                allow_download=options["allow_download"],
            ),
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
