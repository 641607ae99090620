"""Invisible watermarks that public reference pipelines of generators embed.

The messages are constants of public repositories; anybody can embed them, and scaling, cropping or
an ordinary JPEG destroys them, so that absence says nothing.

**When a message counts.** Let c_k be the share of blocks that say 1 at bit k, less the mean of all
bits, and s_k = +1 or -1 the message. The message scores T = sum s_k c_k. Bits of natural pictures
are no fair coins, so nothing is assumed of the picture: its c_k are taken as they are, and chance
lies in the message. Of messages drawn at random the share that scores T or more is, by Chernoff's
bound, at most exp(-t T) prod cosh(t c_k) for every t > 0. Where all bits agree alike it is 2^-L;
bits that a flat or a periodic picture cannot tell from each other add nothing. A message counts
where the bound is under ``CHANCE`` divided by how many messages and readings are tried, so that
all of them together are found by chance in fewer than one of ten million pictures.

Texts are no random messages: the bits of all texts in ASCII are alike at the same places of their
bytes, so that a stranger's text would count for a long one of these. Therefore votes and message
must be alike, too, when both are taken less their means at each place of a byte: Pearson's
correlation of what is left is at least ``LIKENESS``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.metadata.dwt_dct import Reading, Votes, read_bits, votes
from clipfake.records import Claim, Fact, Strength

CHANCE = 1e-7
LIKENESS = 0.6  # of 3,000 other texts embedded, the likest has 0.27 (benchmarks.watermark)
_LEAST = 4.0  # deviations of a chance score; what has less is not looked at closer
PLACE = "pixels (DWT-DCT, U channel)"
_TIMES = np.geomspace(0.05, 400.0, 60)  # Chernoff's t, for c of a mean square of one


@dataclass(frozen=True)
class Watermark:
    """A message of a public pipeline.

    Attributes:
        name: of the pipeline.
        bits: bool ``[L]``.
        strength: weak where the program offers to mark any picture.
        claim: what the mark says of the origin.
    """

    name: str
    bits: npt.NDArray[np.bool_]
    strength: Strength = Strength.SPECIFIC
    claim: Claim = Claim.AI


def _text(text: str) -> npt.NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(text.encode(), np.uint8)).astype(bool)


def _number(message: int) -> npt.NDArray[np.bool_]:
    """As ``bin`` writes it: zeros in front are left out, and so are they in the pipelines."""
    return np.array([digit == "1" for digit in f"{message:b}"])


WATERMARKS = (
    # CompVis/stable-diffusion scripts/txt2img.py
    Watermark("Stable Diffusion 1 (reference script)", _text("StableDiffusionV1")),
    # runwayml/stable-diffusion scripts/inpaint_st.py; what was not painted over is the original
    Watermark(
        "Stable Diffusion 1 inpainting (reference script)",
        _text("StableDiffusionV1-Inpainting"),
        claim=Claim.COMPOSITE,
    ),
    # Stability-AI/stablediffusion scripts/txt2img.py
    Watermark("Stable Diffusion 2 (reference script)", _text("SDV2")),
    # Stability-AI/generative-models sgm/inference/helpers.py, and huggingface/diffusers
    # src/diffusers/pipelines/stable_diffusion_xl/watermark.py, with the channels exchanged before
    # its pull request 7013
    Watermark(
        "Stable Diffusion XL (reference pipeline)",
        _number(0b101100111110110010010000011110111011000110011110),
    ),
    # black-forest-labs/flux src/flux/util.py; 46 bits, since it starts with two zeros
    Watermark(
        "FLUX.1 (reference pipeline)",
        _number(0b001010101111111010000111100111001111010100101110),
    ),
    # invoke-ai/InvokeAI invokeai/app/invocations/image.py: the default text of a node that marks
    # whatever picture it is given
    Watermark("InvokeAI", _text("InvokeAI"), Strength.WEAK),
)
# logarithm to base 10 that the bound of chance must be under
LIMIT = np.log10(CHANCE / (len(WATERMARKS) * len(Reading)))


def read_watermarks(image: Image.Image, width: int, height: int) -> Iterator[Fact]:
    """Facts of the known messages that a picture holds.

    Args:
        image: as stored, not turned, scaled by one half at most.
        width: pixels of a row as stored.
        height: rows as stored.
    """
    found = read_bits(image, width, height)
    if found is None:
        return
    for mark in WATERMARKS:
        length = len(mark.bits)
        heard = [votes(bits, length) for bits in found.values() if len(bits) >= length]
        chances = [chance(each, mark.bits) for each in heard]
        if not chances or min(chances) > LIMIT:
            continue
        best = heard[int(np.argmin(chances))]
        if likeness(best, mark.bits) < LIKENESS:
            continue
        agree = int(np.sum((best > best.mean()) == mark.bits))
        value = f"{agree} of {length} bits, chance below 1e{int(np.ceil(min(chances)))}"
        yield Fact("watermark.pattern", mark.name, PLACE, None, mark.strength, mark.claim)
        yield Fact("watermark.agreement", value, PLACE, None)


def chance(heard: Votes, message: npt.NDArray[np.bool_]) -> float:
    """How many of all messages of its length agree with the votes as well, at most.

    Args:
        heard: share of ones of each bit, float64 ``[L]``.
        message: bool ``[L]``.

    Returns:
        Logarithm to base 10 of Chernoff's bound (see above), 0 or less.
    """
    lean = heard - heard.mean()
    spread = np.sqrt(np.mean(lean * lean))
    if spread < 1e-9:  # every bit heard alike
        return 0.0
    lean /= spread
    score = np.sum(np.where(message, lean, -lean))
    if score < _LEAST * np.sqrt(len(lean)):
        return 0.0
    turns = np.abs(_TIMES[:, None] * lean)
    cosh = np.sum(turns + np.log1p(np.exp(-2 * turns)) - np.log(2.0), axis=1)  # its logarithm
    return float(min(0.0, np.min(cosh - _TIMES * score)) / np.log(10.0))


def likeness(heard: Votes, message: npt.NDArray[np.bool_]) -> float:
    """Correlation of votes and message, both less their means at each place of a byte.

    Args:
        heard: share of ones of each bit, float64 ``[L]``.
        message: bool ``[L]``.

    Returns:
        -1..1; 0 where nothing is left of one of them.
    """
    place = np.arange(len(message)) % 8
    count = np.bincount(place)
    both = np.stack([heard, message.astype(np.float64)])
    both -= np.stack([(np.bincount(place, weights=each) / count)[place] for each in both])
    size = np.sqrt(np.prod(np.sum(both * both, axis=1)))
    return float(np.sum(both[0] * both[1]) / size) if size > 1e-9 else 0.0
