"""Files of other machines, by URL and through fsspec; opened only where the user allows it."""

from clipfake.sources.remote.listing import remote_item, remote_items
from clipfake.sources.remote.urls import as_local, is_url, need_permission, shown

__all__ = ["as_local", "is_url", "need_permission", "remote_item", "remote_items", "shown"]
