"""Safetensors files, judged by their header before anything is allocated for them.

The file is the length of a header (8 bytes), the header, JSON with the type, shape and place of
each tensor, and their bytes (https://github.com/huggingface/safetensors#format).
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

FLOATS = ("F16", "BF16", "F32", "F64")
MAX_HEADER = 2**20  # that of a ViT-bigG with its text tower has 0.2 MB
_MAX_DIMENSIONS = 8
_PIECE = 2**20
_SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2}
_SIZES |= {"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}


@dataclass(frozen=True)
class Stored:
    """A tensor as the header declares it.

    Attributes:
        dtype: as safetensors names it, e.g. ``F32``.
        shape: its dimensions.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class TensorFile:
    """A safetensors file whose header was found to agree with its size.

    Attributes:
        path: the file.
        tensors: what it holds, by name.
        metadata: texts of the header.
    """

    path: Path
    tensors: dict[str, Stored]
    metadata: dict[str, str]

    @classmethod
    def open(cls, path: Path) -> "TensorFile":
        """Read and check the header.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no safetensors file, or one that contradicts itself; the message
                is the reason.
        """
        size = path.stat().st_size
        if not path.is_file():
            raise ValueError("not a file")
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > size - 8:
                if start.startswith((b"PK\x03\x04", b"\x80")):
                    raise ValueError("a pickle, which could run code; it is never loaded")
                raise ValueError("its header is not that of safetensors, or was cut off")
            if length > MAX_HEADER:
                raise ValueError(f"a header of {length} bytes, over the limit of {MAX_HEADER}")
            header = parse_object(file.read(length))
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            raise ValueError("its metadata are no texts")
        return cls(path, _stored(header, size - 8 - length), metadata)

    def header(self, key: str) -> dict[str, Any]:
        """The JSON object that is kept in the metadata.

        Raises:
            KeyError: there is none of that name.
            ValueError: it is no JSON object.
        """
        return parse_object(self.metadata[key])

    def check(self, dtypes: Mapping[str, Iterable[str]]) -> None:
        """Raise ValueError unless the named tensors are there, each in one of its dtypes."""
        for name, wanted in dtypes.items():
            if name not in self.tensors:
                raise ValueError(f"tensor {name} is absent")
            if self.tensors[name].dtype not in wanted:
                raise ValueError(
                    f"tensor {name} is {self.tensors[name].dtype}, not {' or '.join(wanted)}"
                )

    def load(self, names: Iterable[str]) -> dict[str, torch.Tensor]:
        """Read tensors.

        Raises:
            OSError: the file cannot be read.
            ValueError: safetensors refuses the file.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                # copies, since a file that is written over would change what is mapped from it
                return {name: file.get_tensor(name).clone() for name in names}
        except SafetensorError as error:
            raise ValueError(" ".join(str(error).split())[:200]) from error

    def digest(self) -> str:
        """sha256 of the file, hex."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object of an untrusted file.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"broken JSON ({' '.join(str(error).split())[:100]})") from error
    if not isinstance(value, dict):
        raise ValueError("its header is no JSON object")
    return value


def finite(value: Any) -> float:
    """A finite number of a header, which anybody may have written.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:40]!r} where a number belongs")
    return float(value)


def _stored(header: dict[str, Any], size: int) -> dict[str, Stored]:
    """Check that the tensors fill the data of ``size`` bytes, one after the other."""
    tensors, places = {}, []
    for name, entry in header.items():
        try:
            dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            whole = all(type(n) is int and n >= 0 for n in shape)
            numbers = whole and len(shape) <= _MAX_DIMENSIONS and type(start) is type(end) is int
            fitting = numbers and end - start == math.prod(shape) * _SIZES[dtype]
        except (KeyError, TypeError, ValueError):
            fitting = False
        if not fitting:
            raise ValueError(f"tensor {name[:80]} is not what its header says")
        tensors[name] = Stored(dtype, tuple(shape))
        places.append((start, end))
    at = 0
    for start, end in sorted(places):
        if start != at:
            raise ValueError("its tensors overlap, or leave gaps")
        at = end
    if at != size:
        raise ValueError(f"its tensors take {at} bytes, the file has {size} for them")
    return tensors
