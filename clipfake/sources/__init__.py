"""Where images come from: files, folders, archives, manifests and URLs, always streamed.

May use: ``imaging``, ``errors``.
"""

from clipfake.sources.archive_limits import ArchiveLimits
from clipfake.sources.archives.finder import Finder
from clipfake.sources.changes import Changes
from clipfake.sources.ignore import Ignoring
from clipfake.sources.item import Item
from clipfake.sources.select import Selection
from clipfake.sources.sources import Sources

__all__ = ["ArchiveLimits", "Changes", "Finder", "Ignoring", "Item", "Selection", "Sources"]
