"""Errors cross process borders."""

import pickle

import pytest

from clipfake.errors import ErrorCode, ImageError


@pytest.mark.parametrize("code", ErrorCode)
def test_an_image_error_survives_pickling(code: ErrorCode) -> None:
    again = pickle.loads(pickle.dumps(ImageError(code, "what; and the remedy")))
    assert (type(again), again.code, str(again)) == (ImageError, code, "what; and the remedy")
