"""Labelled images of a manifest, with the columns that training itself does not need."""

import os
from dataclasses import dataclass
from pathlib import Path

from clipfake.sources.labelled import Example, is_ai_label
from clipfake.sources.manifest import Manifest

NORMALISED = "normalised"


@dataclass(frozen=True)
class Row:
    """A row of the manifest.

    Attributes:
        example: the image with its label.
        full: path of the full-size original; empty when there is none.
        columns: all columns but ``path``, as text.
    """

    example: Example
    full: str
    columns: dict[str, str]


def read_rows(manifest: Path) -> list[Row]:
    """Rows in the manifest's order; those whose column ``form`` is not normalised are left out.

    Raises:
        UsageError: the manifest cannot be read, or a label is neither real nor fake.
    """
    rows = []
    for item in Manifest(str(manifest)):
        columns = {name: "" if v is None else str(v) for name, v in item.extra.items()}
        if columns.get("form", NORMALISED) != NORMALISED:
            continue
        example = Example(
            path=item.path,
            is_ai=is_ai_label(columns.get("label", ""), item.text),
            generator=columns.get("generator", ""),
            source=columns.get("source", ""),
            split=columns.get("split", ""),
        )
        full = columns.get("full", "")
        rows.append(Row(example, os.path.join(manifest.parent, full) if full else "", columns))
    return rows
