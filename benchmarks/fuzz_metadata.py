"""Feed the readers of metadata with broken files, and see that nothing breaks, lasts or swells.

    python -m benchmarks.fuzz_metadata --seconds 600 [--seed 0] [--files FOLDER] [--save FOLDER]

Inputs are mutations of small files, whole and broken, made here and, if given, of the images below
--files. Beside what `benchmarks.fuzz` looks for, an input fails when it gives text that no report
can hold. The last line is a summary in JSON; the exit code is 1 if any failed.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.fuzz import fuzz
from benchmarks.fuzz_broken import broken_seeds
from benchmarks.fuzz_seeds import FORMATS, Case, make_seeds
from clipfake.imaging.ancillary import without_damage
from clipfake.imaging.raw import raw_kind
from clipfake.metadata.c2pa import manifest_facts
from clipfake.metadata.containers.photoshop import iptc_blocks
from clipfake.metadata.exif import exif_table, read_exif
from clipfake.metadata.iptc import read_iptc
from clipfake.metadata.jumbf import is_manifest_store
from clipfake.metadata.read import MetadataOptions, parameter_facts, read_metadata
from clipfake.metadata.stealth import read_stealth
from clipfake.metadata.thumbnail import compare_thumbnail
from clipfake.metadata.user_comment import decoded, user_comment
from clipfake.metadata.xmp import read_xmp
from clipfake.records import Fact

_OPTIONS = MetadataOptions(position=True, prompts=True)
_PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)


def run(case: Case) -> None:
    """Give an input to its parser; raises for anything that the parser does not promise."""
    _RUNNERS[case.target](case.data)


def _whole(data: bytes, form: str) -> None:
    without_damage(data, form)
    raw_kind(data)
    found = read_metadata(data, form, _OPTIONS)
    _check(found.facts)
    "".join(found.notes).encode()
    if found.thumbnail:
        compare_thumbnail(found.thumbnail, _PIXELS, 1)


def _check(facts: Sequence[Fact]) -> None:
    """Reports are UTF-8, so every text must be."""
    for fact in facts:
        f"{fact.key} {fact.value} {fact.place}".encode()


def _exif(data: bytes) -> None:
    with suppress(ValueError):
        read_exif(data, with_position=True)
    with suppress(ValueError):
        exif_table(data)


def _xmp(data: bytes) -> None:
    for values in read_xmp(data).properties.values():
        "".join(values).encode()


def _stealth(data: bytes) -> None:
    """An image whose lowest bits are the data, of the channels that its first words name."""
    bands = 3 if data.startswith(b"stealth_rgb") else 1
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    height = len(data) % 61 + 1
    width = -(-bits.size // (height * bands)) + 1
    planes: npt.NDArray[np.uint8] = np.zeros(height * width * bands, dtype=np.uint8)
    planes[: bits.size] = bits
    pixels = planes.reshape(width, height, bands).transpose(1, 0, 2)
    if bands == 1:
        pixels = np.concatenate([np.zeros((height, width, 3), np.uint8), pixels], axis=2)
    for _, text in read_stealth(Image.fromarray(np.ascontiguousarray(pixels))):
        _parameters({"stealth:parameters": text})


def _parameters(texts: dict[str, str]) -> None:
    for captured in (False, True):
        places = dict.fromkeys(texts, ("place", None))
        _check(parameter_facts(texts, places, prompts=True, captured=captured))


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _fields(data: bytes) -> None:
    _parameters({key: str(text) for key, text in _json(data).items()})


_RUNNERS: dict[str, Callable[[bytes], object]] = {
    **{form: partial(_whole, form=form) for form in (*FORMATS, "BMP")},
    "exif": _exif,
    "xmp": _xmp,
    "iptc": read_iptc,
    "photoshop": lambda data: list(iptc_blocks([(0, data[:99]), (99, data[99:])], "here")),
    "jumbf": is_manifest_store,
    "stealth": _stealth,
    "comment": lambda data: (user_comment(data).encode(), decoded(data).encode()),
    "parameters": _fields,
    "thumbnail": lambda data: compare_thumbnail(data, _PIXELS, 6),
    "manifest": lambda data: _check(manifest_facts(_json(data), "here", 0)),
}


if __name__ == "__main__":
    fuzz(make_seeds() + broken_seeds(), run, __doc__.splitlines()[0])
