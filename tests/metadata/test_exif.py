"""Camera facts out of EXIF blocks."""

import json
import struct
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import exifread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from clipfake.errors import ErrorCode, ImageError
from clipfake.metadata.containers.block import BlockKind
from clipfake.metadata.containers.read import read_blocks
from clipfake.metadata.exif import ExifBlock, exif_table, read_exif
from clipfake.metadata.read import MetadataOptions, read_metadata
from clipfake.records import Exif
from tests.conftest import EXAMPLES, encoded, picture

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF"]
MAKER_NOTE, USER_COMMENT, SERIAL, LENS_SERIAL = 0x927C, 0x9286, 0xA431, 0xA435
NORTH = (10.0, 30.0, 36.0)
EAST = (20.0, 15.0, 0.0)


def camera(
    *,
    latitude: object = NORTH,
    longitude: object = EAST,
    references: tuple[str, str] | None = ("N", "E"),
    **base: object,
) -> Image.Exif:
    """The block of an invented camera; GPS values may be of any kind."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Example Optics"
    exif[ExifTags.Base.Model] = "EO-1"
    exif[ExifTags.Base.Software] = "Firmware 1.0"
    exif[ExifTags.Base.Orientation] = base.pop("Orientation", 1)
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: base.pop("DateTimeOriginal", "2024:07:04 12:34:56"),
            ExifTags.Base.LensModel: "35mm F2",
            ExifTags.Base.ExifImageWidth: 4000,
            ExifTags.Base.ExifImageHeight: 3000,
        }
    )
    for name, value in base.items():
        exif[ExifTags.Base[name]] = value
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    if latitude is not None:
        gps[ExifTags.GPS.GPSLatitude] = latitude
    if longitude is not None:
        gps[ExifTags.GPS.GPSLongitude] = longitude
    if references:
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLongitudeRef] = references
    return exif


def block_of(data: bytes, form: str) -> bytes:
    """The first EXIF block of a file; empty when there is none."""
    kept = [block.data for block in read_blocks(data, form)[0] if block.kind is BlockKind.EXIF]
    return kept[0] if kept else b""


def camera_of(data: bytes, form: str = "JPEG", *, with_position: bool = True) -> Exif | None:
    """The camera facts of a file."""
    return read_exif(block_of(data, form), with_position=with_position).camera


def facts(exif: Image.Exif | bytes, form: str = "JPEG", *, with_position: bool = True) -> Exif:
    """What is read of a picture with the block."""
    # as bytes: Pillow leaves the inner directories of an Image.Exif out of a TIFF
    raw = exif if isinstance(exif, bytes) else exif.tobytes()
    found = camera_of(encoded(picture(), form, exif=raw), form, with_position=with_position)
    assert found is not None
    return found


def written(form: str = "JPEG", **directories: object) -> ExifBlock:
    """What is read of a picture whose block piexif wrote."""
    piexif = pytest.importorskip("piexif")
    raw = piexif.dump({name: {} for name in ("0th", "Exif", "GPS", "1st")} | directories)
    return read_exif(block_of(encoded(picture(), form, exif=raw), form))


def block(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A little-endian EXIF block of raw entries: tag, type, count, four bytes of value."""
    body = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


@pytest.mark.parametrize("form", FORMATS)
def test_camera_facts_are_read(form: str) -> None:
    found = facts(camera(Orientation=6), form)
    assert found == Exif(
        make="Example Optics",
        model="EO-1",
        lens="35mm F2",
        software="Firmware 1.0",
        datetime_original=datetime(2024, 7, 4, 12, 34, 56),
        gps=True,
        latitude=pytest.approx(10.51),
        longitude=pytest.approx(20.25),
        width=4000,
        height=3000,
        orientation=6,
    )


@pytest.mark.parametrize("form", FORMATS)
def test_coordinates_are_given_only_when_asked_for(form: str) -> None:
    found = facts(camera(), form, with_position=False)
    assert found.gps is True
    assert found.latitude is None
    assert found.longitude is None
    assert found.make == "Example Optics"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_without_a_block_there_are_no_facts(form: str) -> None:
    assert camera_of(encoded(picture(), form), form) is None


def test_a_tiff_without_a_camera_has_no_camera_facts() -> None:
    found = camera_of(encoded(picture(), "TIFF"), "TIFF")
    assert found == Exif(width=64, height=48)


@pytest.mark.parametrize(
    ("references", "signs"),
    [(("N", "E"), (1, 1)), (("S", "E"), (-1, 1)), (("N", "W"), (1, -1)), (("S", "W"), (-1, -1))],
)
def test_south_and_west_are_negative(references: tuple[str, str], signs: tuple[int, int]) -> None:
    found = facts(camera(references=references))
    assert found.latitude == pytest.approx(10.51 * signs[0])
    assert found.longitude == pytest.approx(20.25 * signs[1])


@pytest.mark.parametrize(
    ("north", "east", "signs"),
    [
        ("South", "West", (-1, -1)),
        ("SOUTH", "west", (-1, -1)),
        ("s", "w", (-1, -1)),
        ("S ", " W", (-1, -1)),
        ("S\0", "W\0\0", (-1, -1)),
        ("North", "East", (1, 1)),
        ("n", "e ", (1, 1)),
    ],
)
def test_references_are_read_however_written(north: str, east: str, signs: tuple[int, int]) -> None:
    found = facts(camera(references=(north, east)))
    assert found.latitude == pytest.approx(10.51 * signs[0])
    assert found.longitude == pytest.approx(20.25 * signs[1])


@pytest.mark.parametrize("odd", ["", " ", "X", "Sud", "E", "NS", "O", "-", "1"])
@pytest.mark.parametrize("first", [True, False])
def test_an_unknown_reference_gives_no_position(odd: str, first: bool) -> None:
    if odd == "E" and not first:
        pytest.skip("that is a longitude's own")
    found = facts(camera(references=(odd, "E") if first else ("N", odd)))
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)


@pytest.mark.parametrize(
    ("kind", "value", "known"),
    [(1, b"S\0", True), (7, b"S\0", True), (1, b"S", True), (1, b"\0\0", False), (3, b"SS", False)],
)
def test_a_reference_of_another_type_is_letters_or_nothing(
    kind: int, value: bytes, known: bool
) -> None:
    piexif = pytest.importorskip("piexif")
    degrees = ((10, 1), (30, 1), (36, 1))
    whole = piexif.dump({"0th": {}, "GPS": {1: "N", 2: degrees, 3: "E", 4: degrees}})
    count = len(value) if kind != 3 else 1
    old = struct.pack(">HHI4s", 1, 2, 2, b"N\0")
    assert whole.count(old) == 1
    found = facts(whole.replace(old, struct.pack(">HHI4s", 1, kind, count, value)))
    assert found.latitude == (pytest.approx(-10.51) if known else None)


@pytest.mark.parametrize("kind", [5, 10])
def test_degrees_below_zero_are_no_position(kind: int) -> None:
    minus = ((-10, 1), (30, 1), (36, 1))
    values = b"".join(struct.pack(">2i", *each) for each in minus)
    piexif = pytest.importorskip("piexif")
    plain = ((10, 1), (30, 1), (36, 1))
    whole = piexif.dump({"0th": {}, "GPS": {1: "S", 2: plain, 3: "E", 4: plain}})
    entry = struct.pack(">HHI", 2, 5, 3)
    assert whole.count(entry) == 1
    packed = b"".join(struct.pack(">2I", *each) for each in plain)
    odd = whole.replace(entry, struct.pack(">HHI", 2, kind, 3)).replace(packed, values, 1)
    found = facts(odd)
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)


def test_the_point_zero_is_a_position() -> None:
    found = facts(camera(latitude=(0.0, 0.0, 0.0), longitude=(0.0, 0.0, 0.0)))
    assert (found.gps, found.latitude, found.longitude) == (True, 0.0, 0.0)


@pytest.mark.parametrize(
    "latitude",
    [
        ((0, 0), (0, 0), (0, 0)),
        ((10, 0), (30, 1), (0, 1)),
        ((10, 1), (30, 1), (1, 0)),
        ((91, 1), (0, 1), (0, 1)),
        ((4_000_000_000, 1), (0, 1), (0, 1)),
    ],
)
def test_an_impossible_position_is_flagged_without_coordinates(
    latitude: tuple[tuple[int, int], ...],
) -> None:
    piexif = pytest.importorskip("piexif")
    fine = ((20, 1), (15, 1), (0, 1))
    gps = {1: "N", 2: latitude, 3: "E", 4: fine}
    found = facts(piexif.dump({"0th": {piexif.ImageIFD.Make: "M"}, "GPS": gps}))
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)
    assert found.make == "M"


@pytest.mark.parametrize("latitude", [(10.0,), (10.0, 30.0), (1.0, 2.0, 3.0, 4.0)])
def test_coordinates_of_a_wrong_length_are_not_given(latitude: tuple[float, ...]) -> None:
    found = facts(camera(latitude=latitude))
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)


def test_coordinates_without_hemispheres_are_not_given() -> None:
    found = facts(camera(references=None))
    assert (found.gps, found.latitude, found.longitude) == (True, None, None)


@pytest.mark.parametrize("half", ["latitude", "longitude"])
def test_half_a_position_is_none(half: str) -> None:
    found = facts(camera(**{half: None}))
    assert (found.gps, found.latitude, found.longitude) == (False, None, None)


BAD_DATES = [
    "0000:00:00 00:00:00",
    "    :  :     :  :  ",
    "2024:02:30 12:00:00",
    "2024-07-04 12:34:56",
    "2024/07/04 12:34:56",
    "2024-07-04T12:34:56Z",
    "2019:01:01 24:04:20",
    "2019:01:01 24:00:00",
    "2019:01:01 23:59:60",
    "2019:13:01 12:00:00",
    "2019:01:01 1:02:03 PM",
    "2019:01:01",
    "20190101120000",
    "1556450022",
    "04/07/2024 12:34",
    "yesterday",
]


@pytest.mark.parametrize("text", BAD_DATES)
def test_a_bad_date_is_kept_as_text_and_no_date(text: str) -> None:
    data = encoded(picture(), "JPEG", exif=camera(DateTimeOriginal=text).tobytes())
    found = read_metadata(data, "JPEG", MetadataOptions())
    assert found.exif is not None
    assert found.exif.datetime_original is None
    assert found.exif.make == "Example Optics"
    assert [f.value for f in found.facts if f.key == "exif.datetime_original"] == [text]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024:07:04 12:34:56", "2024-07-04 12:34:56"),
        ("2024:07:04 12:34:56\0 ", "2024-07-04 12:34:56"),
        ("2024:07:04 12:34:56.123", "2024:07:04 12:34:56.123"),
        ("2024:07:04 12:34:56+02:00", "2024:07:04 12:34:56+02:00"),
        ("2024:07:04 12:34:56.50 -0730", "2024:07:04 12:34:56.50 -0730"),
        ("2024:07:04 12:34:56Z", "2024:07:04 12:34:56Z"),
        ("2024:7:4 12:34:56", "2024-07-04 12:34:56"),
    ],
)
def test_a_date_is_the_cameras_clock_and_its_text_is_kept(text: str, value: str) -> None:
    data = encoded(picture(), "JPEG", exif=camera(DateTimeOriginal=text).tobytes())
    found = read_metadata(data, "JPEG", MetadataOptions())
    assert found.exif is not None
    assert found.exif.datetime_original == datetime(2024, 7, 4, 12, 34, 56)
    assert [f.value for f in found.facts if f.key == "exif.datetime_original"] == [value]


def test_a_date_of_another_type_is_read() -> None:
    raw = camera().tobytes()
    entry = struct.pack(">HHI", 0x9003, 2, 20)
    assert raw.count(entry) == 1
    for kind in (1, 7):
        found = facts(raw.replace(entry, struct.pack(">HHI", 0x9003, kind, 20)))
        assert found.datetime_original == datetime(2024, 7, 4, 12, 34, 56)


@pytest.mark.parametrize("text", ["", "\0\0\0", "   ", " \0 "])
def test_no_date_is_none(text: str) -> None:
    data = encoded(picture(), "JPEG", exif=camera(DateTimeOriginal=text).tobytes())
    found = read_metadata(data, "JPEG", MetadataOptions())
    assert [f for f in found.facts if f.key == "exif.datetime_original"] == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_read(orientation: int) -> None:
    assert facts(camera(Orientation=orientation)).orientation == orientation


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    assert facts(camera(Orientation=orientation)).orientation is None


def test_a_huge_orientation_is_none() -> None:
    data = block((0x0112, 4, 1, b"\xff\xff\xff\xff"), (0x010F, 2, 4, b"Abc\0"))
    assert facts(data) == Exif(make="Abc")


def test_text_is_trimmed_and_not_endless() -> None:
    assert facts(camera(Make="  NIKON \0\0 ")).make == "NIKON"
    assert facts(camera(Make="   ")).make is None
    long = facts(camera(Make="x" * 5000)).make
    assert long is not None
    assert set(long) == {"x"}
    assert len(long) <= 256


def test_numbers_where_text_belongs_are_none() -> None:
    assert facts(block((0x010F, 3, 1, b"\7\0\0\0"), (0x0112, 3, 1, b"\3\0\0\0"))) == Exif(
        orientation=3
    )


def test_text_where_a_number_belongs_is_none() -> None:
    found = facts(block((0x010F, 2, 4, b"Abc\0"), (0x0112, 2, 4, b"six\0")))
    assert found == Exif(make="Abc")


@pytest.mark.parametrize("form", FORMATS)
def test_texts_are_given_with_their_offsets(form: str) -> None:
    piexif = pytest.importorskip("piexif")
    words = {
        "ImageDescription": (0x010E, "a described scene"),
        "Make": (0x010F, "Example Optics"),
        "Model": (0x0110, "Model EO-1"),
        "Software": (0x0131, "Firmware 1.0"),
        "Artist": (0x013B, "An Artist"),
    }
    comment = {USER_COMMENT: b"ASCII\0\0\0a comment"}
    base = {tag: text.encode() for tag, text in words.values()}
    raw = piexif.dump({"0th": base, "Exif": comment})
    block = block_of(encoded(picture(), form, exif=raw), form)
    found = read_exif(block).texts
    assert {name: text for name, (text, _) in found.items()} == {
        **{name: text for name, (_, text) in words.items()},
        "UserComment": "a comment",
    }
    for name, (text, offset) in found.items():
        value = b"ASCII\0\0\0a comment" if name == "UserComment" else text.encode()
        assert block[offset : offset + len(value)] == value


def test_a_short_text_stands_in_its_entry() -> None:
    data = block((0x010F, 2, 4, b"Abc\0"))
    assert read_exif(data[6:]).texts == {"Make": ("Abc", 18)}


def test_a_text_of_another_type_is_none() -> None:
    assert read_exif(block((0x010F, 1, 4, b"Abc\0"))[6:]).texts == {}


@pytest.mark.parametrize("directory", ["Exif", "0th"])
def test_a_maker_note_is_found_in_either_directory(directory: str) -> None:
    if directory == "Exif":
        found = written(Exif={MAKER_NOTE: b"the maker's own"}).maker_note
    else:
        found = read_exif(block((MAKER_NOTE, 7, 4, b"note"))[6:]).maker_note
    assert found is not None
    assert found[1] == (b"the maker's own" if directory == "Exif" else b"note")


def test_without_a_maker_note_there_is_none() -> None:
    assert written(**{"0th": {0x010F: b"M"}}).maker_note is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_thumbnail_is_cut_out(form: str) -> None:
    piexif = pytest.importorskip("piexif")
    small = encoded(picture(16, 12), "JPEG")
    raw = piexif.dump({"0th": {}, "1st": {}, "thumbnail": small})
    data = block_of(encoded(picture(), form, exif=raw), form)
    found = read_exif(data).thumbnail
    assert found is not None
    kept = small[:2] + small[20:]  # piexif leaves the JFIF header out
    assert found[1] in (small, kept)
    assert data[found[0] :].startswith(found[1])


def test_a_thumbnail_that_is_no_jpeg_is_none() -> None:
    piexif = pytest.importorskip("piexif")
    small = encoded(picture(16, 12), "JPEG")
    raw = piexif.dump({"0th": {}, "1st": {}, "thumbnail": small})
    assert read_exif(raw[6:].replace(b"\xff\xd8", b"\xff\xd7")).thumbnail is None


def test_exposure_is_given_as_text() -> None:
    exposure = {0x829A: (1, 50), 0x829D: (28, 10), 0x8827: 200, 0x920A: (35, 1)}
    assert written(Exif=exposure).exposure == {
        "ExposureTime": "1/50",
        "FNumber": "14/5",
        "ISOSpeedRatings": "200",
        "FocalLength": "35",
    }
    assert written(Exif={0x829A: (1, 8)}).exposure == {"ExposureTime": "1/8"}
    assert written(**{"0th": {0x010F: b"M"}}).exposure == {}


@pytest.mark.parametrize("number", [SERIAL, LENS_SERIAL])
def test_a_serial_number_is_noted(number: int) -> None:
    assert written(Exif={number: b"0042"}).serial
    assert not written(Exif={0x829A: (1, 8)}).serial


def test_the_table_names_every_tag() -> None:
    table = dict(exif_table(camera(Artist="A. N. Artist").tobytes()[6:]))
    assert table["Image Make"] == "Example Optics"
    assert table["Image Artist"] == "A. N. Artist"
    assert table["EXIF LensModel"] == "35mm F2"
    assert table["GPS GPSLatitudeRef"] == "N"


def test_no_value_of_the_table_is_endless() -> None:
    table = dict(exif_table(camera(ImageDescription="x" * 100_000).tobytes()[6:]))
    assert len(table["Image ImageDescription"]) <= 2000


@pytest.mark.parametrize("data", [b"", b"II*\0", b"MM\0*\0\0\0\x08\0\x01", b"no structure"])
def test_what_is_no_structure_says_nothing(data: bytes) -> None:
    assert read_exif(data) == ExifBlock(None)
    assert exif_table(data) == []


def test_a_bigtiff_gives_its_texts_and_no_nonsense() -> None:
    data = encoded(picture(), "TIFF", big_tiff=True, software="Firmware 1.0")
    found = read_exif(data)
    assert found.texts["Software"][0] == "Firmware 1.0"
    assert found.camera is None


def test_the_time_limit_is_not_taken_for_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise ImageError(ErrorCode.TOO_SLOW, "slow")

    monkeypatch.setattr(exifread, "process_file", slow)
    for reader in (read_exif, exif_table):
        with pytest.raises(ImageError, match="slow"):
            reader(b"")


def test_what_cannot_be_read_at_all_is_a_value_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise struct.error("offset")

    monkeypatch.setattr(exifread, "process_file", fail)
    for reader in (read_exif, exif_table):
        with pytest.raises(ValueError, match=r"EXIF cannot be read \(error\)"):
            reader(b"")


def test_the_example_photograph_reads_as_its_readme_says() -> None:
    found = camera_of((EXAMPLES / "rocket-camera-exif.jpg").read_bytes())
    assert found == Exif(
        make="Example Optics",
        model="EO-1",
        lens="Example Optics 35mm F2",
        software="EO-1 Firmware 1.0",
        datetime_original=datetime(2024, 7, 4, 12, 34, 56),
        gps=True,
        # the Statue of Liberty
        latitude=pytest.approx(40 + 41 / 60 + 21 / 3600),
        longitude=pytest.approx(-(74 + 2 / 60 + 40 / 3600)),
        width=427,
        height=320,
        orientation=6,
    )


def test_real_cameras_read_as_exiftool_reads_them(shared: Path) -> None:
    expected = json.loads((shared / "metadata" / "expected.json").read_text("utf-8"))
    assert sum("IFD0:Make" in facts["exiftool"] for facts in expected.values()) >= 8
    for name, facts in expected.items():
        tags = facts["exiftool"]
        data = (shared / "metadata" / name).read_bytes()
        found = camera_of(data, "PNG" if name.endswith(".png") else "JPEG") or Exif()
        for own, tag in (("make", "IFD0:Make"), ("model", "IFD0:Model")):
            value = str(tags[tag]).strip() if tag in tags else None
            assert getattr(found, own) == value, name
        if "ExifIFD:DateTimeOriginal" in tags:
            assert found.datetime_original == datetime.strptime(
                tags["ExifIFD:DateTimeOriginal"], "%Y:%m:%d %H:%M:%S"
            )
        assert found.gps == ("GPS:GPSLatitude" in tags)
        assert (found.latitude is None) == ("GPS:GPSLatitude" not in tags)


WHOLE = [
    block_of(encoded(picture(16, 16), form, exif=camera().tobytes()), form) for form in FORMATS
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An EXIF block with some of its bytes changed."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 10))):
        data[draw(st.integers(0, min(500, len(data) - 1)))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.none() | st.integers(0, len(data)))])


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_damage_gives_facts_or_a_value_error(data: bytes) -> None:
    found = None
    with suppress(ValueError):
        found = read_exif(data, with_position=True).camera
    if found is not None:
        assert found.orientation in (None, *range(1, 9))
        assert all(value is None or 0 <= value < 2**32 for value in (found.width, found.height))
        assert found.latitude is None or abs(found.latitude) <= 90
        assert found.longitude is None or abs(found.longitude) <= 180
        assert (found.latitude is None) == (found.longitude is None)
        assert found.gps or found.latitude is None
