"""One file to a record and pixels."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import exifread
import numpy as np
import pytest
from PIL import Image

import clipfake.scanning.reader
from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.decode import decode
from clipfake.imaging.limits import Limits
from clipfake.imaging.preprocessing import Preprocessing
from clipfake.metadata.read import MetadataOptions
from clipfake.records import Record, Verdict
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item
from tests.conftest import EXAMPLES, PATIENCE, encoded, picture, run_out_of_time

SMALL = Preprocessing(size=16)
OPTIONS = ReadOptions(SMALL)
CAMERA = EXAMPLES / "rocket-camera-exif.jpg"


def limited(**limits: float) -> ReadOptions:
    return ReadOptions(SMALL, Limits(**limits))


def failed(item: Item | Path | str, options: ReadOptions = OPTIONS) -> Record:
    """The record of a file that gives no pixels."""
    item = item if isinstance(item, Item) else Item(str(item))
    record, pixels = read_item(item, options)
    assert pixels is None
    assert record.error is not None
    assert "\n" not in record.error
    assert record.error.startswith(record.path)
    assert record.verdict is Verdict.ERROR
    return record


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture()))
    return path


# one file


def test_a_picture_gives_pixels_and_facts(photo: Path) -> None:
    record, pixels = read_item(Item(str(photo), {"label": 1}), OPTIONS)
    data = photo.read_bytes()
    assert record == Record(
        path=str(photo),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        format="PNG",
        width=64,
        height=48,
        animated=False,
        phash=decode(data, SMALL, Limits(), hashed=True).phash,
        facts=(),
        extra={"label": 1},
    )
    assert record.phash is not None
    assert record.thumbnail is None
    assert pixels is not None
    assert np.array_equal(pixels.square, decode(data, SMALL, Limits()).pixels)
    assert pixels.tiles is None


def test_tiles_are_cut_in_the_same_decode(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded, real = [], clipfake.scanning.reader.decode
    monkeypatch.setattr(
        clipfake.scanning.reader, "decode", lambda *a, **k: decoded.append(a) or real(*a, **k)
    )
    record, views = read_item(Item(str(photo)), replace(OPTIONS, tiled=True))
    whole = decode(photo.read_bytes(), SMALL, Limits(), tiled=True)
    assert len(decoded) == 1
    assert views is not None
    assert views.tiles is not None
    assert whole.tiles is not None
    assert 4 <= len(views.tiles) <= 8
    assert np.array_equal(views.tiles, whole.tiles)
    assert np.array_equal(views.square, whole.pixels)
    assert record == read_item(Item(str(photo)), OPTIONS)[0]


def test_a_name_says_nothing_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture(), "JPEG"))
    assert read_item(Item(str(path)), OPTIONS)[0].format == "JPEG"
    path.write_text("a text")
    assert failed(path).error_code is ErrorCode.NOT_AN_IMAGE


def test_camera_facts_and_position_are_read() -> None:
    item = Item(str(CAMERA))
    exif = read_item(item, OPTIONS)[0].exif
    assert exif is not None
    assert (exif.model, exif.gps, exif.latitude) == ("EO-1", True, None)
    exif = read_item(item, ReadOptions(SMALL, metadata=MetadataOptions(position=True)))[0].exif
    assert exif is not None
    assert exif.latitude == pytest.approx(40.689, abs=0.001)
    assert exif.longitude == pytest.approx(-74.044, abs=0.001)


def test_an_animation_is_noted() -> None:
    record, pixels = read_item(Item(str(EXAMPLES / "drawn" / "bouncing-ball.gif")), OPTIONS)
    assert pixels is not None
    assert record.animated is True
    assert record.notes == ("animated, first frame only",)


def test_unreadable_exif_is_a_note_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError

    monkeypatch.setattr(exifread, "process_file", fail)
    record, pixels = read_item(Item(str(CAMERA)), OPTIONS)
    assert pixels is not None
    assert record.error is None
    assert record.notes == ("JPEG APP1: EXIF cannot be read (KeyError)",)


def test_slow_metadata_is_a_note_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exifread, "process_file", run_out_of_time)
    record, pixels = read_item(Item(str(CAMERA)), OPTIONS)
    assert pixels is not None
    assert record.error is None
    assert record.notes == ("metadata took too long",)


def test_metadata_is_read_without_pixels_and_pixels_without_metadata() -> None:
    record, pixels = read_item(Item(str(CAMERA)), ReadOptions(None))
    assert pixels is None
    assert record.error is None
    assert (record.width, record.exif is None) == (None, False)
    assert "exif.lens" in {fact.key for fact in record.facts or ()}
    record, pixels = read_item(Item(str(CAMERA)), ReadOptions(SMALL, metadata=None))
    assert pixels is not None
    assert (record.exif, record.facts) == (None, None)


def test_an_image_that_cannot_be_decoded_keeps_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(CAMERA.read_bytes()[:-2000])
    record = failed(path)
    assert record.error_code is ErrorCode.TRUNCATED
    assert record.exif is not None
    assert "exif.lens" in {fact.key for fact in record.facts or ()}


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("magic", "bands", "place"),
    [
        (b"stealth_pnginfo", [3], "alpha channel"),
        (b"stealth_rgbinfo", [0, 1, 2], "lowest bits of RGB"),
    ],
)
def test_parameters_hidden_in_the_pixels_are_found(
    tmp_path: Path, magic: bytes, bands: list[int], place: str, form: str
) -> None:
    text = b"a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1"
    stream = magic + (8 * len(text)).to_bytes(4, "big") + text
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))
    pixels = np.full((64, 64, 4), 254, np.uint8)  # columns first: bits run down them
    held = pixels[:, :, bands].reshape(-1)
    held[: len(bits)] |= bits
    pixels[:, :, bands] = held.reshape(64, 64, len(bands))
    path = tmp_path / "hidden"
    upright = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    Image.fromarray(upright).save(path, form, **options)
    facts = read_item(Item(str(path)), OPTIONS)[0].facts or ()
    assert [(f.value, f.place) for f in facts if f.claim] == [("AUTOMATIC1111", place)]


def test_a_thumbnail_is_compared_with_its_image(tmp_path: Path) -> None:
    piexif = pytest.importorskip("piexif")
    camera = {"0th": {piexif.ImageIFD.Make: "M"}, "1st": {piexif.ImageIFD.Compression: 6}}
    image = Image.linear_gradient("L").convert("RGB")
    for name, shown in (("agrees", image), ("differs", image.rotate(180))):
        thumbnail = encoded(shown.resize((64, 64)), "JPEG")
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(
            encoded(image, "JPEG", exif=piexif.dump({**camera, "thumbnail": thumbnail}))
        )
        facts = {f.key: f.value for f in read_item(Item(str(path)), OPTIONS)[0].facts or ()}
        assert facts["exif.thumbnail"].startswith(f"64x64, {name} with the image (correlation")


# what cannot be read


@pytest.mark.parametrize(
    "name",
    ["absent.png", "photo.png/inside.png", "x" * 300, "nul\0byte.png", "\ud800.png"],
)
def test_a_name_without_a_file_is_missing(photo: Path, name: str) -> None:
    record = failed(str(photo.parent / "x")[:-1] + name)
    assert record.error_code is ErrorCode.MISSING
    assert (record.sha256, record.bytes, record.format) == (None, None, None)


def test_an_empty_name_is_missing() -> None:
    assert failed("").error_code is ErrorCode.MISSING


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert failed(tmp_path).error_code is ErrorCode.NOT_A_FILE


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_nothing_stays_open(tmp_path: Path, photo: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        for path in (tmp_path, photo, "/dev/null", tmp_path / "absent"):
            read_item(Item(str(path)), OPTIONS)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert failed(tmp_path / "pipe.png").error_code is ErrorCode.NOT_A_FILE


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_is_not_a_file() -> None:
    assert failed("/dev/zero").error_code is ErrorCode.NOT_A_FILE


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_locked_file_has_no_permission(photo: Path) -> None:
    photo.chmod(0)
    assert failed(photo).error_code is ErrorCode.NO_PERMISSION


def test_no_permission_is_told(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert failed(photo).error_code is ErrorCode.NO_PERMISSION


def test_a_disk_error_is_told(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", fail)
    record = failed(photo)
    assert record.error_code is ErrorCode.UNREADABLE
    assert record.error == f"{photo}: cannot be read (Input/output error)"


def test_a_link_to_itself_is_missing(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert failed(tmp_path / "loop.png").error_code is ErrorCode.MISSING


def test_a_link_is_followed(photo: Path) -> None:
    link = photo.parent / "link.png"
    link.symlink_to(photo)
    assert read_item(Item(str(link)), OPTIONS)[0].format == "PNG"


def test_the_size_limit_is_exact(photo: Path) -> None:
    size = photo.stat().st_size
    assert read_item(Item(str(photo)), limited(bytes=size))[0].error is None
    record = failed(photo, limited(bytes=size - 1))
    assert record.error_code is ErrorCode.TOO_LARGE
    assert (record.bytes, record.sha256) == (size, None)
    assert f"{size} bytes" in str(record.error)


def test_what_is_no_image_is_never_too_large(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("text " * 1000)
    assert failed(tmp_path / "log.txt", limited(bytes=10)).error_code is ErrorCode.NOT_AN_IMAGE


def test_an_empty_file_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    record = failed(tmp_path / "empty.png")
    assert record.error_code is ErrorCode.NOT_AN_IMAGE
    assert record.bytes == 0


def test_a_damaged_file_keeps_its_facts() -> None:
    data = (EXAMPLES / "broken.jpg").read_bytes()
    record = failed(EXAMPLES / "broken.jpg")
    assert record.error_code is ErrorCode.TRUNCATED
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert (record.bytes, record.format, record.width) == (len(data), "JPEG", None)


def test_too_many_pixels_are_told(photo: Path) -> None:
    assert failed(photo, limited(pixels=100)).error_code is ErrorCode.TOO_MANY_PIXELS


def test_a_known_problem_is_passed_on() -> None:
    problem = ImageError(ErrorCode.MISSING, "no such file")
    record = failed(Item("row 3", {"label": "x"}, problem))
    assert (record.error_code, record.error) == (ErrorCode.MISSING, "row 3: no such file")
    assert record.extra == {"label": "x"}


def test_a_name_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9\n.png")
    try:
        Path(os.fsdecode(name)).write_bytes(encoded(picture()))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    record, pixels = read_item(Item(os.fsdecode(name)), OPTIONS)
    assert pixels is not None
    assert record.path == f"{tmp_path}/caf\\xe9\n.png"
    assert record.path_raw == name


def test_slow_decoding_is_stopped(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipfake.scanning.reader, "decode", run_out_of_time)
    record = failed(photo, limited(seconds=PATIENCE))
    assert record.error_code is ErrorCode.TOO_SLOW
    assert "raise --timeout-per-file" in str(record.error)
    assert record.sha256 is not None


def test_a_thumbnail_is_made_where_the_file_is_decoded(photo: Path) -> None:
    record, pixels = read_item(Item(str(photo)), replace(OPTIONS, thumbnail=True))
    made = decode(photo.read_bytes(), SMALL, Limits(), pictured=True).thumbnail
    assert record.thumbnail == made is not None
    assert pixels is not None
    alone, pixels = read_item(Item(str(photo)), ReadOptions(None, metadata=None, thumbnail=True))
    assert alone.thumbnail == made
    assert pixels is None


def test_a_broken_file_has_no_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(encoded(picture())[:300])
    record, _ = read_item(Item(str(path)), replace(OPTIONS, thumbnail=True))
    assert record.error_code is not None
    assert (record.thumbnail, record.phash) == (None, None)
