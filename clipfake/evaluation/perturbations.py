"""What becomes of images on their way, by name.

A name is a kind of change and its strength, ``jpeg-75``, or a chain of ``CHAINS``; several are
joined by ``+`` and happen in that order, ``resize-0.5+jpeg-75``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from clipfake.errors import UsageError
from clipfake.evaluation.changes import KINDS, WHOLE, opened, saved
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits

CHAINS = {
    # a photo network, twice: Instagram keeps 1,080 pixels, Facebook said that it resamples by
    # Lanczos (blog.patyuen.com, 2010-10-19); who saves and posts again compresses again
    "social-a": "lanczos-1080+jpeg-80+jpeg-70",
    # 2,048 and 720 are sizes of Facebook's, WebP of 75 is what libwebp writes unasked; a page then
    # serves a smaller JPEG of that
    "social-b": "lanczos-2048+webp-75+width-720+jpeg-82",
    # a 3:4 photo fills a phone's screen of 1,080 pixels with 1,440; a hand crops, and Telegram for
    # Android sends 1,280 pixels as JPEG of 80 (its AndroidUtilities.getPhotoSize). The PNG between
    # loses nothing, so it is no step
    "screenshot-chain": "bilinear-1440+randomcrop-0.95+bilinear-1280+jpeg-80",
    # a 10 x 15 cm print scanned at 300 dpi: tones and geometry are changed as Lin and Chang model
    # it (1999, "Distortion modeling and invariant extraction for digital image print-and-scan
    # process"), dots grow (gamma; Solanki et al. 2005, "Modeling the print-scan process for
    # resilient data hiding"). Ink on paper spans some 18 to 237 of 255, ink and lens blur, paper
    # has grain, the lid lets light in, and a scanner sharpens; strengths are chosen, not measured
    "print-scan-like": "lanczos-1772+gamma-1.1+halftone-14+contrast-0.86+blur-0.7+rotate-0.7"
    "+noise-2+shade-4+sharpen-80+jpeg-85",
}

SUITE = (
    *(f"jpeg-{quality}" for quality in (95, 85, 75, 50, 30)),
    *(f"webp-{quality}" for quality in (80, 50)),
    *(f"resize-{scale}" for scale in (0.75, 0.5, 0.25)),
    *(f"blur-{deviation}" for deviation in (1, 2)),
    *(f"noise-{deviation}" for deviation in (4, 8)),
    "crop-0.75",
    "screenshot-0.8",
    "fit-1080+jpeg-75",
    "resize-0.5+jpeg-75",
    "flip",
    *CHAINS,
)


@dataclass(frozen=True)
class Perturbation:
    """A sequence of changes; picklable, so that workers can be given one.

    Attributes:
        name: as it was asked for.
        steps: kinds with their strengths, in order; 1 for a kind that has none.
    """

    name: str
    steps: tuple[tuple[str, float], ...]

    @property
    def spelled(self) -> str:
        """The name of the same steps without chains."""
        return "+".join(
            kind if KINDS[kind].strength is None else f"{kind}-{repr(value).removesuffix('.0')}"
            for kind, value in self.steps
        )

    def __call__(self, data: bytes) -> bytes:
        """A file whose image is changed; PNG unless the last change compresses.

        What chance decides follows from the bytes, the name and the place of a change.

        Args:
            data: the whole file.

        Raises:
            ImageError: it cannot be decoded.
        """
        image: Image.Image | bytes = thumbnail(data, WHOLE, Limits())
        digest = hashlib.sha256(data + self.name.encode()).digest()
        seed = int.from_bytes(digest[:8], "big")
        for place, (kind, strength) in enumerate(self.steps):
            image = KINDS[kind].change(opened(image), strength, seed + place)
        return image if isinstance(image, bytes) else saved(image, "PNG", compress_level=1)


def perturbation(name: str) -> Perturbation:
    """The perturbation of a name.

    Raises:
        UsageError: a kind or chain is unknown, or a strength is missing or out of range.
    """
    parts = (step for part in name.split("+") for step in CHAINS.get(part, part).split("+"))
    return Perturbation(name, tuple(_step(part) for part in parts))


def perturbations(names: Sequence[str]) -> list[Perturbation]:
    """Those of some names, where ``all`` stands for ``SUITE`` and commas part names.

    Raises:
        UsageError: as ``perturbation``.
    """
    wanted: dict[str, None] = {}
    for name in (part.strip() for given in names for part in given.split(",") if part.strip()):
        wanted |= dict.fromkeys(SUITE if name == "all" else (name,))
    return [perturbation(name) for name in wanted]


def _step(part: str) -> tuple[str, float]:
    kind, _, strength = part.partition("-")
    chains = f"chains are {', '.join(CHAINS)}"
    if kind not in KINDS:
        raise UsageError(f"perturbation {part}: unknown; kinds are {', '.join(KINDS)}; {chains}")
    rule = KINDS[kind].strength
    if rule is None:
        if strength:
            raise UsageError(f"perturbation {part}: {kind} has no strength; give {kind} alone")
        return kind, 1.0
    such_as = f"such as {_such_as(kind)}"
    try:
        value = float(strength)
    except ValueError as error:
        text = f"its strength {strength!r} is no number" if strength else "its strength is missing"
        raise UsageError(f"perturbation {part}: {text}; {such_as}; {chains}") from error
    try:
        rule.check(value)
    except ValueError as error:
        raise UsageError(f"perturbation {part}: {error}; {such_as}") from error
    return kind, value


def _such_as(kind: str) -> str:
    steps = (step for name in SUITE for step in CHAINS.get(name, name).split("+"))
    return next(step for step in steps if step.partition("-")[0] == kind)
