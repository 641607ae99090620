"""Images that test a detector from outside, and so must not be trained on: digests of them.

The file is JSON: ``repositories``, the first 20 hex digits of the sha256 of
``kept back owner/name`` in small letters; ``sha256``, the first 16 digits of each image's;
``dhash``, 64-bit difference hashes in hex. It names neither images nor labels.
"""

import hashlib
import json
from pathlib import Path

from tools.gather_images import alike

_REPOSITORY, _IMAGE = 20, 16  # hex digits that are kept


class KeptBack:
    """What is kept back; nothing, without a file."""

    def __init__(self, file: Path | None = None) -> None:
        held = json.loads(file.read_text()) if file else {}
        self._repositories = set(held.get("repositories", ()))
        self._images = set(held.get("sha256", ()))
        self._looks = [int(look, 16) for look in held.get("dhash", ())]

    def repository(self, name: str) -> bool:
        """Whether a repository, ``owner/name``, is."""
        digest = hashlib.sha256(f"kept back {name.lower()}".encode()).hexdigest()
        return digest[:_REPOSITORY] in self._repositories

    def image(self, sha256: str, dhash: int) -> bool:
        """Whether an image is, by its bytes or by its look."""
        return sha256[:_IMAGE] in self._images or alike(dhash, self._looks)
