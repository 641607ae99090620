"""Camera facts from EXIF blocks, whole and corrupt."""

import json
import random
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from clipfake.metadata.exif import read_exif
from clipfake.records import Exif
from tests.conftest import EXAMPLES, encoded, picture

EXIF_IFD, GPS_IFD = 0x8769, 0x8825


def block(**changes: object) -> Image.Exif:
    """An EXIF block of an invented camera at 12.5 south, 45.25 west."""
    values = {"date": "2021:03:04 05:06:07", "latitude": (12, 30, 0), **changes}
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Example Optics", "EO-1", "Firmware 1.0"
    exif[0x0112] = values.get("orientation", 3)
    inner = exif.get_ifd(EXIF_IFD)
    inner[0x9003], inner[0xA434] = values["date"], "EO 50mm f/2"
    inner[0xA002], inner[0xA003] = 4000, 3000
    gps = exif.get_ifd(GPS_IFD)
    gps[1], gps[3] = "S", "W"
    gps[2] = tuple(map(IFDRational, values["latitude"]))
    gps[4] = (IFDRational(45), IFDRational(15), IFDRational(0))
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_container_gives_the_same_facts(form: str) -> None:
    found = read_exif(encoded(picture(), form, exif=block().tobytes()), with_position=True)
    assert found is not None
    assert (found.make, found.model, found.lens) == ("Example Optics", "EO-1", "EO 50mm f/2")
    assert (found.software, found.orientation) == ("Firmware 1.0", 3)
    assert found.datetime_original == datetime(2021, 3, 4, 5, 6, 7)
    assert (found.width, found.height) == (4000, 3000)
    assert found.gps
    assert (found.latitude, found.longitude) == pytest.approx((-12.5, -45.25))


def test_coordinates_are_given_only_when_asked_for() -> None:
    found = read_exif(encoded(picture(), "JPEG", exif=block().tobytes()))
    assert found is not None
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_no_block_is_none(form: str) -> None:
    assert read_exif(encoded(picture(), form)) is None


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "2021:13:40 99:00:00", "yesterday", ""])
def test_dates_that_are_none_are_none(date: str) -> None:
    found = read_exif(encoded(picture(), "JPEG", exif=block(date=date).tobytes()))
    assert found is not None
    assert found.datetime_original is None
    assert found.model == "EO-1"


def test_an_impossible_position_is_kept_as_presence_only() -> None:
    data = encoded(picture(), "JPEG", exif=block(latitude=(200, 0, 0)).tobytes())
    found = read_exif(data, with_position=True)
    assert found is not None
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)


def test_a_zero_denominator_is_no_crash() -> None:
    data = encoded(picture(), "JPEG", exif=block().tobytes())
    twelve = (12).to_bytes(4, "big") + (1).to_bytes(4, "big")
    little = (12).to_bytes(4, "little") + (1).to_bytes(4, "little")
    zeroed = data.replace(twelve, twelve[:4] + bytes(4)).replace(little, little[:4] + bytes(4))
    assert zeroed != data
    found = read_exif(zeroed, with_position=True)
    assert found is not None
    assert (found.gps, found.latitude) == (True, None)


def test_an_orientation_out_of_range_is_none() -> None:
    found = read_exif(encoded(picture(), "JPEG", exif=block(orientation=77).tobytes()))
    assert found is not None
    assert found.orientation is None


def test_the_camera_example_reads_as_its_script_wrote_it() -> None:
    found = read_exif((EXAMPLES / "rocket-camera-exif.jpg").read_bytes(), with_position=True)
    assert found is not None
    assert (found.make, found.model, found.orientation) == ("Example Optics", "EO-1", 6)
    assert (found.latitude, found.longitude) == pytest.approx((40.68917, -74.04444), abs=1e-4)


def test_mutated_blocks_give_facts_or_a_value_error() -> None:
    original = encoded(picture(16, 16), "JPEG", exif=block().tobytes())
    end = original.index(b"\xff\xdb")  # the first table after the EXIF segment
    rng = random.Random(0)
    outcomes: list[object] = []
    for _ in range(300):
        data = bytearray(original)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(4, end)] = rng.randrange(256)
        try:
            outcomes.append(read_exif(bytes(data), with_position=True))
        except ValueError:
            outcomes.append(None)
    assert all(outcome is None or isinstance(outcome, Exif) for outcome in outcomes)
    assert any(isinstance(outcome, Exif) for outcome in outcomes)


def test_real_cameras_are_read_as_exiftool_reads_them(shared: Path) -> None:
    expected = json.loads((shared / "metadata" / "expected.json").read_text())
    checked = 0
    for name, facts in expected.items():
        tags = facts["exiftool"]
        make = tags.get("EXIF:Make", tags.get("IFD0:Make"))
        model = tags.get("EXIF:Model", tags.get("IFD0:Model"))
        found = read_exif((shared / "metadata" / name).read_bytes())
        assert (found.make if found else None) == (str(make).strip() if make else None), name
        assert (found.model if found else None) == (str(model).strip() if model else None), name
        checked += bool(make)
    assert checked >= 8
