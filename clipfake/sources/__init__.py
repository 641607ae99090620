"""Where images come from: files, folders and manifests, always streamed."""

from clipfake.sources.item import Item
from clipfake.sources.select import Selection
from clipfake.sources.sources import Sources

__all__ = ["Item", "Selection", "Sources"]
