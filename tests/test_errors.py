"""Errors cross process borders."""

import pickle

import pytest

from clipfake.errors import ErrorCode, ImageError


@pytest.mark.parametrize("code", ErrorCode)
def test_an_image_error_survives_pickling(code: ErrorCode) -> None:
    again = pickle.loads(pickle.dumps(ImageError(code, "what; and the remedy")))
    assert (type(again), again.code, str(again)) == (ImageError, code, "what; and the remedy")


def test_only_what_is_no_image_counts_as_skipped() -> None:
    assert {code for code in ErrorCode if code.skipped} == {
        ErrorCode.NOT_AN_IMAGE,
        ErrorCode.UNSUPPORTED,
        ErrorCode.LFS_POINTER,
    }
