"""JUMBF boxes that are C2PA manifest stores."""

import pytest

from clipfake.metadata.jumbf import is_manifest_store
from tests.metadata.pieces import box, store


def test_a_manifest_store_is_told() -> None:
    assert is_manifest_store(store())
    assert is_manifest_store(store(content=box(b"jumb", b"a manifest")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"c2pa",
        b"c2pa" * 20,
        store(label=b"c2pb"),
        store(label=b"c2pa.other"),
        store(label=b"C2PA"),
        store(label=b""),
        store(kind=bytes(16)),
        store(kind=b"c2ma" + bytes.fromhex("00110010800000aa00389b71")),
        store().replace(b"jumb", b"jumc", 1),
        store().replace(b"jumd", b"jume", 1),
        store()[4:],
    ],
)
def test_other_boxes_are_not(data: bytes) -> None:
    assert not is_manifest_store(data)


def test_no_truncation_is_a_store() -> None:
    whole = store()
    assert not any(is_manifest_store(whole[:end]) for end in range(len(whole)))
