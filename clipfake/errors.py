"""Errors that a user meets: each is one line that names the thing and the remedy."""

from enum import Enum


class ErrorCode(str, Enum):
    """Why a file has no score; the value is what the report's ``error_code`` column says."""

    MISSING = "missing"
    NO_PERMISSION = "no_permission"
    NOT_A_FILE = "not_a_file"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SLOW = "too_slow"
    DECODER_CRASH = "decoder_crash"
    ARCHIVE_LIMIT = "archive_limit"
    ENCRYPTED = "encrypted"
    LFS_POINTER = "lfs_pointer"

    @property
    def skipped(self) -> bool:
        """Whether the file is no image that clipfake reads, rather than a failed one."""
        return self in (ErrorCode.NOT_AN_IMAGE, ErrorCode.UNSUPPORTED, ErrorCode.LFS_POINTER)


class ClipfakeError(Exception):
    """Base of every error that clipfake raises on purpose; its message is one line."""


class UsageError(ClipfakeError):
    """The request itself is at fault: an option, a manifest or an output path."""


class AdapterError(ClipfakeError):
    """An adapter file cannot be read, or does not fit the backbone."""


class BackboneError(ClipfakeError):
    """A backbone is unknown, absent, or its weights do not fit its architecture."""


class ReportError(ClipfakeError):
    """A report could not be written."""


class ImageError(ClipfakeError):
    """One file could not be turned into pixels.

    Attributes:
        code: what the report's ``error_code`` column says.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["ImageError"], tuple[ErrorCode, str]]:
        """Pickle with both arguments, since errors cross from worker processes."""
        return ImageError, (self.code, str(self))
