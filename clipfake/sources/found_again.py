"""The files of a report's rows, found again as the scan named them."""

import os
from collections.abc import Mapping
from typing import Any

from clipfake.sources.archives.finder import Finder
from clipfake.sources.item import Item, native


class FoundAgain:
    """Finds the files of rows, as the scan named them from its folder."""

    def __init__(self, folder: str) -> None:
        """Nothing is opened yet.

        Args:
            folder: in which the scan ran.
        """
        self._folder, self._finder = native(folder), Finder()

    def item(self, row: Mapping[str, Any]) -> Item:
        """The file of a row, or the member of an archive."""
        raw = row["path_raw"]
        name = os.fsdecode(raw) if raw else native(str(row["path"]))
        return self._finder.found(Item(os.path.join(self._folder, name)))
