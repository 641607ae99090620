"""Archives, scanned where they lie: members are listed and read, nothing is unpacked to disk."""

from clipfake.sources.archives.limits import ArchiveLimits

__all__ = ["ArchiveLimits"]
