"""Lists of the C2PA signers that a user trusts."""

from importlib.util import find_spec
from pathlib import Path

from clipfake.errors import UsageError


def read_trust(path: Path | None) -> str:
    """PEM text of a trust list; empty for none.

    Raises:
        UsageError: the file cannot be read, or holds no certificate, or what reads manifests is
            not installed.
    """
    if path is None:
        return ""
    if find_spec("c2pa") is None:
        raise UsageError("--c2pa-trust needs the extra c2pa: pip install 'clipfake[c2pa]'")
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as PEM; give a file of certificates") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"{path}: holds no certificate; give PEM")
    return text
