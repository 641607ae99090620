"""IPTC digital source types."""

import pytest

from clipfake.metadata.source_types import SOURCE_TYPES, source_type
from clipfake.records import Claim
from tests.metadata.pieces import NEWSCODES

CLAIMS: dict[str, Claim | None] = {
    "trainedAlgorithmicMedia": Claim.AI,
    "compositeWithTrainedAlgorithmicMedia": Claim.COMPOSITE,
    "compositeSynthetic": Claim.COMPOSITE,
    "algorithmicMedia": None,
    "algorithmicallyEnhanced": None,
    "composite": None,
    "compositeCapture": Claim.CAMERA,
    "computationalCapture": Claim.CAMERA,
    "dataDrivenMedia": None,
    "digitalArt": None,
    "digitalCapture": Claim.CAMERA,
    "digitalCreation": None,
    "humanEdits": None,
    "minorHumanEdits": Claim.CAMERA,
    "negativeFilm": Claim.CAMERA,
    "positiveFilm": Claim.CAMERA,
    "print": Claim.CAMERA,
    "screenCapture": None,
    "softwareImage": None,
    "virtualRecording": None,
}


def test_the_whole_list_of_newscodes_is_known() -> None:
    assert SOURCE_TYPES == CLAIMS


@pytest.mark.parametrize("code", CLAIMS)
def test_a_type_is_known_however_written(code: str) -> None:
    for value in (
        code,
        NEWSCODES + code,
        NEWSCODES.replace("http:", "https:") + code,
        f"http://c2pa.org/digitalsourcetype/{code}",
        f"digsrctype:{code}",
        f"  {NEWSCODES}{code}/\n",
        NEWSCODES + code.upper(),
    ):
        assert source_type(value) == code


@pytest.mark.parametrize(
    "value",
    [
        "",
        NEWSCODES,
        "trainedAlgorithmicMediaX",
        "not trainedAlgorithmicMedia",
        f"{NEWSCODES}trainedAlgorithmicMedia and more",
        "http://example.com/trainedAlgorithmicMedia",
        "http://c2pa.org/digitalsourcetype/empty",
    ],
)
def test_other_values_are_none(value: str) -> None:
    assert source_type(value) is None
