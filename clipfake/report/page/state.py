"""What state a row is in: its verdict, with files that are no images told apart from errors."""

from collections.abc import Mapping
from typing import Any

from clipfake.errors import ErrorCode

SKIPPED = "skipped"
STATES = ("ai", "inconclusive", "real", "error", SKIPPED)
BASES = ("", "pixels", "declared", "both", "conflict")
DECLARED = ("", "ai", "composite", "camera", "conflicting", "none")
CONFLICT = "conflict"


def state_of(row: Mapping[str, Any]) -> str:
    """One of ``STATES``; what this version does not know is an error."""
    code = row["error_code"]
    if code is None:
        return row["verdict"] if row["verdict"] in STATES else "error"
    return SKIPPED if code in _SKIPPED else "error"


def folder_of(path: str) -> str:
    """The folder of a file, or the archive and folder of a member."""
    head, _, _ = path.replace("\\", "/").rpartition("/")
    return head or "."


def camera_of(row: Mapping[str, Any]) -> str:
    """Maker and model, the maker once; empty where neither is named."""
    make, model = ((row[name] or "").strip() for name in ("exif_make", "exif_model"))
    if make and model.lower().startswith(make.lower()):
        return model
    return f"{make} {model}".strip()


_SKIPPED = frozenset(code.value for code in ErrorCode if code.skipped)
