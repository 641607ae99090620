"""Class tokens of many images in a folder that grows: what is there is never computed again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_MADE_BY, _INDEX, _TOKENS = "made-by.json", "index.jsonl", "tokens.f16"


class TokenStore:
    """Tokens by name, appended as they are computed.

    A torn write loses the images of that write alone: a name is in the index only when its
    tokens are in the file.

    Attributes:
        shape: ``(K, W)`` of a row.
    """

    def __init__(self, folder: Path, made_by: Mapping[str, Any], shape: tuple[int, int]) -> None:
        """Open the folder; what it holds of another ``made_by`` is deleted.

        Args:
            folder: is made if it is absent.
            made_by: plain JSON values, all that decides what the tokens are.
            shape: blocks and width of a token.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.shape, self._folder = shape, folder
        self._rows: dict[str, tuple[int, int]] = {}
        facts = json.dumps(dict(made_by), sort_keys=True)
        key = folder / _MADE_BY
        if not key.exists() or key.read_text() != facts:
            for name in (_INDEX, _TOKENS):
                (folder / name).unlink(missing_ok=True)
            key.write_text(facts)
        index = folder / _INDEX
        text = index.read_text() if index.exists() else ""
        if text and not text.endswith("\n"):  # the last line of a process that was killed
            text = text[: text.rfind("\n") + 1]
            index.write_text(text)
        for line in text.splitlines():
            name, first, count = json.loads(line)
            self._rows[name] = (first, count)
        self._end = max((first + count for first, count in self._rows.values()), default=0)

    def __contains__(self, name: str) -> bool:
        """Whether tokens of this name are there."""
        return name in self._rows

    def add(self, names: Sequence[str], tokens: Sequence[npt.NDArray[np.float16]]) -> None:
        """Append the tokens ``[n, K, W]`` of some names."""
        file = self._folder / _TOKENS
        with file.open("r+b" if file.exists() else "w+b") as out:
            out.seek(self._end * 2 * int(np.prod(self.shape)))
            for rows in tokens:
                out.write(np.ascontiguousarray(rows, dtype=np.float16).data)
        with (self._folder / _INDEX).open("a") as index:
            for name, rows in zip(names, tokens, strict=True):
                self._rows[name] = (self._end, len(rows))
                index.write(json.dumps([name, self._end, len(rows)]) + "\n")
                self._end += len(rows)

    def read(self, name: str) -> npt.NDArray[np.float16]:
        """Tokens ``[n, K, W]`` of a name, mapped from the file.

        Raises:
            KeyError: there are none.
        """
        first, count = self._rows[name]
        return self._mapped()[first : first + count]

    def means(self, names: Sequence[str]) -> npt.NDArray[np.float16]:
        """Mean over the rows of each name, ``[N, K, W]``."""
        found, mapped = np.empty((len(names), *self.shape), np.float16), self._mapped()
        for at, name in enumerate(names):
            first, count = self._rows[name]
            found[at] = mapped[first : first + count].astype(np.float32).mean(axis=0)
        return found

    def _mapped(self) -> npt.NDArray[np.float16]:
        shape = (self._end, *self.shape)
        return np.memmap(self._folder / _TOKENS, np.float16, "r", shape=shape)
