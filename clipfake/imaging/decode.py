"""Decode the bytes of one image to the square that the detector sees."""

import importlib
import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.ancillary import without_damage
from clipfake.imaging.color import UNUSABLE_PROFILE, flatten, to_srgb
from clipfake.imaging.formats import sniff
from clipfake.imaging.limits import MAX_PNG_TEXT, Limits
from clipfake.imaging.phash import phash, squeeze
from clipfake.imaging.preprocessing import Preprocessing, square
from clipfake.imaging.thumbnail import SIDE, encode, shrink
from clipfake.imaging.tiles import tiles

Image.MAX_IMAGE_PIXELS = None  # the limit is ours, checked before anything is decoded
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PNG_TEXT

# EXIF 2.32 tag 0x0112: what brings the stored rows upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK = _TURNS | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
_ON_THEIR_SIDE = (5, 6, 7, 8)
T = TypeVar("T")
Pixels = npt.NDArray[np.uint8]
_TRUNCATION_WORDS = ("truncated", "incomplete", "unexpected end", "end of file")


class Views(NamedTuple):
    """What a detector looks at.

    Attributes:
        square: the centre square, uint8 sRGB ``[3, S, S]``.
        tiles: of the whole picture, uint8 sRGB ``[T, 3, S, S]``; None unless asked for.
    """

    square: Pixels
    tiles: Pixels | None = None


@dataclass(frozen=True)
class DecodedImage:
    """An image ready for the detector.

    Attributes:
        pixels: uint8 sRGB ``[3, S, S]``.
        format: as ``sniff`` names it.
        width: pixels of a row as stored, before EXIF orientation.
        height: rows as stored, before EXIF orientation.
        animated: more than one frame; only the first was decoded.
        notes: what was done out of the ordinary.
        stored: the first frame as stored, not turned; not scaled either, but for a JPEG, which may
            be decoded at 1/2, 1/4 or 1/8.
        phash: perceptual hash, 16 hex digits; None for a picture of one colour, or unasked.
        thumbnail: small upright picture, WebP; None unless asked for.
        tiles: of the whole picture, uint8 sRGB ``[T, 3, S, S]``; None unless asked for.
    """

    pixels: Pixels
    format: str
    width: int
    height: int
    animated: bool
    notes: tuple[str, ...]
    stored: Image.Image
    phash: str | None = None
    thumbnail: bytes | None = None
    tiles: Pixels | None = None

    @property
    def views(self) -> Views:
        """What the detector looks at."""
        return Views(self.pixels, self.tiles)


def decode(
    data: bytes,
    preprocessing: Preprocessing,
    limits: Limits,
    *,
    hashed: bool = False,
    pictured: bool = False,
    tiled: bool = False,
) -> DecodedImage:
    """Decode the first frame of an image.

    EXIF orientation is applied, ICC colours go to sRGB, alpha is laid on white, deep samples
    go to 8 bits. Colours are converted after the resize, where there are few pixels.

    Args:
        data: the whole file.
        preprocessing: how the square is cut.
        limits: ``limits.pixels`` is checked before any pixel is decoded.
        hashed: take the perceptual hash too.
        pictured: make the thumbnail too.
        tiled: cut the tiles too.

    Raises:
        ImageError: with the code that says why.
    """

    def use(image: Image.Image, form: str) -> DecodedImage:
        return _decode(
            image, form, preprocessing, limits, hashed=hashed, pictured=pictured, tiled=tiled
        )

    found, note = _opened(data, use)
    return found if note is None else replace(found, notes=(*found.notes, note))


def decode_thumbnail(data: bytes, limits: Limits, side: int = SIDE) -> bytes:
    """Decode the first frame of an image for a smaller picture of it alone.

    Args:
        data: the whole file.
        limits: ``limits.pixels`` is checked before any pixel is decoded.
        side: pixels that neither side of the picture is longer than.

    Returns:
        WebP, upright sRGB.

    Raises:
        ImageError: with the code that says why.
    """

    def use(image: Image.Image, form: str) -> bytes:
        _load(image, form, limits, least=side)
        return encode(_Finish.of(image)(shrink(flatten(image), side)))

    return _opened(data, use)[0]


def thumbnail(data: bytes, short_side: int, limits: Limits) -> Image.Image:
    """Decode the first frame of an image, whole, for training.

    Args:
        data: the whole file.
        short_side: an image whose short side is longer is scaled down to it, antialiased.
        limits: ``limits.pixels`` is checked before any pixel is decoded.

    Returns:
        Upright sRGB image, mode RGB; colours, alpha and depth as in ``decode``.

    Raises:
        ImageError: with the code that says why.
    """

    def shrink(image: Image.Image, form: str) -> Image.Image:
        _load(image, form, limits, least=short_side * Preprocessing.draft)
        finish = _Finish.of(image)
        small = flatten(image)
        scale = short_side / min(small.size)
        if scale < 1.0:
            width, height = (max(1, round(scale * side)) for side in small.size)
            small = small.resize((width, height), Image.Resampling.BICUBIC)
        return finish(small)

    return _opened(data, shrink)[0]


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> tuple[Pixels, str | None]:
    """Cut the detector's square out of a loaded image; see ``to_views``.

    Returns:
        uint8 sRGB ``[3, S, S]``, and a note when something could not be applied.
    """
    views, note = to_views(image, preprocessing)
    return views.square, note


def to_views(
    image: Image.Image, preprocessing: Preprocessing, *, tiled: bool = False
) -> tuple[Views, str | None]:
    """Cut what the detector looks at out of a loaded image.

    Args:
        image: any mode; its EXIF orientation and ICC profile are applied.
        preprocessing: how the square is cut.
        tiled: cut the tiles too.

    Returns:
        The views, and a note when something could not be applied.
    """
    finish, flat = _Finish.of(image), flatten(image)
    return _views(flat, finish, preprocessing.size, tiled=tiled), finish.note


class _Finish:
    """What is left to do with a picture that is small already: colours to sRGB, and upright.

    Attributes:
        note: said when something could not be applied to the last picture.
    """

    def __init__(self, profile: object, turn: Image.Transpose | None) -> None:
        self._profile = profile if isinstance(profile, bytes) else None
        # there is one, of which parts are missing or do not inflate
        self._unusable = profile is None
        self._turn = turn
        self.note: str | None = None

    @classmethod
    def of(cls, image: Image.Image) -> "_Finish":
        """By what the file of a loaded image says of it."""
        return cls(image.info.get("icc_profile", b""), _TURNS.get(_orientation(image)))

    def __call__(self, small: Image.Image) -> Image.Image:
        """The picture in mode RGB."""
        rgb, self.note = to_srgb(small, self._profile)
        if self._unusable:
            self.note = UNUSABLE_PROFILE
        return rgb if self._turn is None else rgb.transpose(self._turn)


def _views(flat: Image.Image, finish: _Finish, size: int, *, tiled: bool) -> Views:
    cut = [_channels_first(finish(tile)) for tile in tiles(flat, size)] if tiled else []
    # the square comes last, so that a note is about it
    return Views(_channels_first(finish(square(flat, size))), np.stack(cut) if cut else None)


def _channels_first(rgb: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(rgb).transpose(2, 0, 1))


def one_line(error: BaseException) -> str:
    """The message of an error as a single line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _opened(data: bytes, use: Callable[[Image.Image, str], T]) -> tuple[T, str | None]:
    """What ``use`` makes of the opened image, and a note if that took leaving damage out.

    Whatever goes wrong becomes an ImageError.
    """
    form = sniff(data)
    if form == "HEIF":
        _register_heif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of oddities that do not stop it
        try:
            return _used(data, form, use), None
        except ImageError as error:
            rest = None
            if error.code in (ErrorCode.DAMAGED, ErrorCode.TRUNCATED):
                rest = without_damage(data, form)
            if rest is None:
                raise
            try:
                return _used(rest[0], form, use), rest[1]
            except ImageError as second:
                if second.code in (ErrorCode.DAMAGED, ErrorCode.TRUNCATED):
                    raise error from second
                raise


def _used(data: bytes, form: str, use: Callable[[Image.Image, str], T]) -> T:
    try:
        with Image.open(io.BytesIO(data), formats=[form]) as image:
            return use(image, form)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(
            ErrorCode.TOO_MANY_PIXELS, "not enough memory to decode it; lower --max-pixels"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            ErrorCode.DAMAGED,
            f"starts like {form}, but is damaged or of a rare kind; convert it to PNG first",
        ) from error
    except (OSError, SyntaxError, EOFError, struct.error, zlib.error) as error:
        text = one_line(error)
        cut = isinstance(error, EOFError) or any(w in text.lower() for w in _TRUNCATION_WORDS)
        code = ErrorCode.TRUNCATED if cut else ErrorCode.DAMAGED
        raise ImageError(code, f"{form}: {text}; get a whole copy") from error
    except Exception as error:  # Pillow's plugins raise whatever a broken field leads to
        raise ImageError(
            ErrorCode.DAMAGED,
            f"{form}: {type(error).__name__}: {one_line(error)}; get a whole copy",
        ) from error


def _decode(
    image: Image.Image,
    form: str,
    preprocessing: Preprocessing,
    limits: Limits,
    *,
    hashed: bool,
    pictured: bool,
    tiled: bool,
) -> DecodedImage:
    width, height = image.size
    turned = _orientation(image) if form == "TIFF" else 1  # Pillow turns a TIFF as it loads it
    if turned in _ON_THEIR_SIDE:
        width, height = height, width
    animated = _load(image, form, limits, least=preprocessing.draft * preprocessing.size)
    notes = ["animated, first frame only"] if animated else []
    flat, finish = flatten(image), _Finish.of(image)
    views = _views(flat, finish, preprocessing.size, tiled=tiled)
    if finish.note:
        notes.append(finish.note)
    return DecodedImage(
        views.square,
        form,
        width,
        height,
        animated,
        tuple(notes),
        image.transpose(_BACK[turned]) if turned in _BACK else image,
        phash=phash(finish(squeeze(flat))) if hashed else None,
        thumbnail=encode(finish(shrink(flat))) if pictured else None,
        tiles=views.tiles,
    )


def _load(image: Image.Image, form: str, limits: Limits, *, least: int) -> bool:
    """Decode the first frame, a JPEG at a fraction that leaves sides of at least ``least``.

    Returns whether there are more frames.
    """
    width, height = image.size
    if width * height > limits.pixels:
        raise ImageError(
            ErrorCode.TOO_MANY_PIXELS,
            f"{width} x {height} pixels, over the limit of {limits.pixels}; raise --max-pixels",
        )
    if width < 1 or height < 1:
        raise ImageError(ErrorCode.DAMAGED, f"{width} x {height} pixels")
    animated = bool(getattr(image, "is_animated", False)) and form != "JPEG"
    if animated:
        image.seek(0)
    if form == "JPEG" and least:
        image.draft(None, (least, least))
    image.load()
    return animated


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except ImageError:  # the time limit
        raise
    except Exception:  # a corrupt EXIF block must not cost the pixels
        return 1


def _register_heif() -> None:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise ImageError(
            ErrorCode.UNSUPPORTED, "HEIC needs an extra: pip install 'clipfake[heic]'"
        ) from error
