"""What drives a score: patch evidence of an image, and a picture of it."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from clipfake.detector.detector import Detector
from clipfake.detector.patch_evidence import patch_evidence
from clipfake.errors import ImageError, ReportError
from clipfake.imaging.decode import decode, thumbnail
from clipfake.imaging.thumbnail import LARGE_SIDE, encode, shrink
from clipfake.inspection.evidence_folder import CAVEAT, VALUES
from clipfake.plan import ScanPlan
from clipfake.records import Record
from clipfake.report.files import remedy_of
from clipfake.report.schema import clean
from clipfake.scanning.parts import limits_of
from clipfake.scanning.pipeline import records
from clipfake.sources import Item

_SHORT_SIDE = 448  # pixels of the picture's short side
_AI, _REAL = (214, 69, 40), (38, 110, 180)  # told apart by the colour-blind too
_STRONGEST = 0.75  # opacity of the strongest patch
_STRONG = 0.97  # share of patches that are weaker than what is drawn strongest
_DIMMED = 0.35  # how much is left of what the detector does not see


@dataclass(frozen=True)
class Explanation:
    """Patch evidence of one image, of what the first look at it saw.

    Attributes:
        record: as a scan gives it.
        evidence: float32 ``[H, W]``, what each patch of the centre square adds to the calibrated
            logit; above zero for AI. None for an image without score.
        picture: the whole image with the evidence laid on it, RGB; None likewise.
    """

    record: Record
    evidence: npt.NDArray[np.float32] | None = None
    picture: Image.Image | None = None


def explain(items: Iterable[Item], plan: ScanPlan, detector: Detector) -> Iterator[Explanation]:
    """Scan files one by one, and say what drives their scores.

    Args:
        items: of images.
        plan: how they are read.
        detector: whose scores they are.
    """
    for item in items:
        (record,) = records(plan, items=[item], detector=detector)
        if record.score is None:
            yield Explanation(record)
            continue
        limits = limits_of(plan)
        try:
            with item.open() as file:
                data = file.read(record.bytes or limits.bytes)
            evidence = evidence_of(data, plan, detector)
            picture = overlay(thumbnail(data, _SHORT_SIDE, limits), evidence)
        except (ImageError, OSError):  # it changed since it was scored, a moment ago
            yield Explanation(record)
            continue
        yield Explanation(record, evidence, picture)


def evidence_of(data: bytes, plan: ScanPlan, detector: Detector) -> npt.NDArray[np.float32]:
    """Patch evidence of a file's bytes; see ``patch_evidence``.

    Raises:
        ImageError: it cannot be decoded.
    """
    pixels = decode(data, detector.adapter.preprocessing, limits_of(plan)).pixels
    maps = patch_evidence(detector, torch.from_numpy(pixels)[None])
    found: npt.NDArray[np.float32] = maps[0]
    return found


def overlay(image: Image.Image, evidence: npt.NDArray[np.float32]) -> Image.Image:
    """An image in grey, with patches coloured by what they add: red for AI, blue for real.

    What lies outside the centre square, which the detector does not see, is dimmed.

    Args:
        image: RGB, upright.
        evidence: ``[H, W]``, of its centre square.
    """
    width, height = image.size
    side = min(width, height)
    box = ((width - side) // 2, (height - side) // 2)
    grey = image.convert("L").convert("RGB")
    canvas = Image.blend(Image.new("RGB", image.size, "white"), grey, _DIMMED)
    square = grey.crop((*box, box[0] + side, box[1] + side))
    strength = strengths(evidence)
    colours = np.where((evidence > 0)[..., None], _AI, _REAL).astype(np.uint8)
    opacity = (255 * _STRONGEST * strength).astype(np.uint8)
    size = (side, side)
    paint = Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)
    mask = Image.fromarray(opacity).resize(size, Image.Resampling.BILINEAR)
    canvas.paste(Image.composite(paint, square, mask), box)
    return canvas


def heat_map(picture: Image.Image) -> bytes:
    """A picture of patch evidence as a page shows it: WebP, of the size of its larger pictures."""
    return encode(shrink(picture, LARGE_SIDE))


def strengths(evidence: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How strong each patch is beside the strong ones of its image, 0..1, same shape."""
    found = np.abs(evidence)
    strong = max(float(np.quantile(found, _STRONG)), 1e-12)
    return np.minimum(found / strong, 1.0).astype(np.float32)


def write_explanations(
    found: Iterable[Explanation], folder: Path, detector: Detector
) -> Iterator[tuple[Explanation, Path | None]]:
    """Write a picture for each image, and the values of all in ``patch-evidence.jsonl``.

    Yields:
        Each explanation, with its picture's file; None for an image without score.

    Raises:
        ReportError: a file cannot be written.
    """
    about = PngInfo()
    about.add_text("Description", CAVEAT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / VALUES, "w", encoding="utf-8") as values:
            for each in found:
                path = None
                if each.picture is not None:
                    path = folder / _name(each.record)
                    each.picture.save(path, pnginfo=about)
                values.write(json.dumps(_as_object(each, path, detector)) + "\n")
                yield each, path
    except OSError as error:
        remedy = remedy_of(folder / VALUES, error)
        text = f"{folder}: cannot be written ({error.strerror or error})"
        raise ReportError(f"{text}; {remedy}" if remedy else text) from error


def _name(record: Record) -> str:
    """A file name that says which image it is of, and is safe everywhere."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(record.path).stem)[:60].strip(".-")
    return f"{stem or 'image'}-{(record.sha256 or '')[:12]}.png"


def _as_object(each: Explanation, path: Path | None, detector: Detector) -> dict[str, Any]:
    record = each.record
    return {
        "path": clean(record.path),
        "sha256": record.sha256,
        "score": None if record.score is None else float(record.score),
        "score_first": None if record.score_first is None else float(record.score_first),
        "threshold": record.threshold,
        "error": None if record.error is None else clean(record.error),
        "picture": None if path is None else path.name,
        "model": detector.adapter.label,
        "evidence": None
        if each.evidence is None
        else [[round(float(value), 5) for value in row] for row in each.evidence],
        "note": CAVEAT,
    }
