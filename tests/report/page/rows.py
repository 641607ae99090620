"""Rows of a report as tests of pages make them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from clipfake.errors import ErrorCode
from clipfake.records import Claim, Exif, Fact, Record, Strength, Verdict
from clipfake.report.report import Report
from clipfake.report.schema import report_schema, to_row
from tests.conftest import encoded, picture

HOSTILE = "<img src=x onerror=alert(1)>.png"
RTL = "photo\u202egnp.exe"
ABOUT: dict[str, Any] = {
    "clipfake": "9.9",
    "started": "2026-01-02T03:04:05+00:00",
    "folder": "/data",
    "options": {"paths": ["photos"]},
    "adapter": "default",
    "adapter_sha256": "ab" * 32,
    "backbone": "ViT-B-16/openai",
    "operating": {
        "points": [
            {
                "fpr": 0.05,
                "threshold": 0.5,
                "fpr_interval": [0.02, 0.08],
                "recall": 0.9,
                "recall_interval": [0.8, 0.95],
                "reals": 10,
            },
            {
                "fpr": 0.01,
                "threshold": 0.9,
                "fpr_interval": [0.0, 0.023],
                "recall": 0.7,
                "recall_interval": [0.6, 0.8],
                "reals": 10,
            },
        ],
        "real_below": 0.25,
        "known": {"scores": [n / 10 for n in range(10)], "sources": 3},
    },
}


def record(number: int = 0, score: float | None = 0.5, **more: Any) -> Record:
    """A record whose verdict is that of its score at 0.9."""
    verdict = Verdict.ERROR
    if score is not None:
        verdict = Verdict.AI if score >= 0.9 else Verdict.REAL if score < 0.25 else None
        verdict = verdict or Verdict.INCONCLUSIVE
    given: dict[str, Any] = {
        "path": f"photos/{number:05d}.png",
        "sha256": f"{number:016x}" * 4,
        "bytes": 1000 + number,
        "format": "PNG",
        "width": 640,
        "height": 480,
        "animated": False,
        "score": score,
        "verdict": verdict,
        "verdict_basis": None if score is None else "pixels",
        "declared": "none",
        "explanation": None if score is None else f"{verdict.value}: as it scores.",
        "threshold": 0.9,
        "model": "default@abababababab",
        "facts": (),
        **more,
    }
    if score is None:
        given = {"error_code": ErrorCode.DAMAGED, "error": f"{given['path']}: broken", **given}
    return Record(**given)


def telling(number: int, text: str, **more: Any) -> Record:
    """A record whose every text is the given one."""
    return record(
        number,
        0.95,
        **{
            "path": f"photos/{text}",
            "explanation": text,
            "exif": Exif(make=text, model=text, lens=text, software=text, datetime_original=MOMENT),
            "facts": (
                Fact("parameters.tool", text, text, 3, Strength.SPECIFIC, Claim.AI),
                Fact("parameters.prompt", text, "PNG tEXt", None),
            ),
            "notes": (text,),
            "extra": {"caption": text},
            **more,
        },
    )


MOMENT = datetime(2024, 5, 6, 7, 8, 9)


def row(made: Record) -> dict[str, Any]:
    """A record's row."""
    return to_row(made, report_schema({}))


def thumbnail(seed: int = 0) -> bytes:
    """A small WebP."""
    return encoded(picture(48, 32, seed=seed), "WEBP", quality=50)


def written(path: Path, records: list[Record], about: dict[str, Any] | None = None) -> Path:
    """A report of records."""
    import pyarrow as pa

    columns = {name: pa.string() for made in records for name in made.extra}
    with Report([path], columns, ABOUT if about is None else about) as report:
        for made in records:
            report.add(made)
    return path
