"""Blocks of PNG files."""

import tracemalloc
import zlib

import pytest
from PIL.PngImagePlugin import PngInfo

from clipfake.metadata.containers.block import MAX_BLOCK, MAX_BLOCKS, Block, BlockKind, inflate
from clipfake.metadata.containers.png import read_png
from clipfake.metadata.containers.read import read_blocks
from tests.conftest import encoded, picture
from tests.metadata.pieces import XMP_HEAD, chunk, dataset, packet, png, resource, store

PACKET = packet(attributes='xmp:CreatorTool="a tool"')
TIFF_HEAD = b"II*\0\x08\0\0\0\0\0"
XMP_KEYWORD = b"XML:com.adobe.xmp"
CREDIT = dataset(110, b"a credit")


def blocks(*chunks: bytes, late: bytes = b"") -> list[Block]:
    """Blocks that can be read."""
    found = read_png(png(*chunks, late=late))
    return [block for block in found if block.kind is not BlockKind.DAMAGED]


def fault(*chunks: bytes) -> str:
    """What is said of a damaged chunk, the only one that there is."""
    (found,) = read_png(png(*chunks))
    assert found.kind is BlockKind.DAMAGED
    assert found.offset == 33
    return found.data.decode()


def international(text: bytes, keyword: bytes = b"Comment", *, compressed: bool = False) -> bytes:
    """An iTXt chunk with a language and a translated keyword."""
    body = zlib.compress(text) if compressed else text
    return chunk(b"iTXt", keyword + bytes([0, compressed, 0]) + b"en\0Kommentar\0" + body)


def profile(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """The text that ImageMagick writes for a profile."""
    lines = body.hex().encode()
    lines = b"\n".join(lines[at : at + 72] for at in range(0, len(lines), 72))
    return b"\n%s\n%8d\n%s\n" % (name, len(body) if size is None else size, lines)


def test_blocks_of_pillow_stand_where_they_are_told_to() -> None:
    texts = PngInfo()
    texts.add_text("parameters", "latin words")
    texts.add_text("packed", "packed words", zip=True)
    texts.add_itxt("wide", "größe 猫", "de", "weit")
    texts.add_itxt("wide packed", "größe 猫", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", PACKET.decode())
    data = encoded(picture(), "PNG", pnginfo=texts, exif=b"Exif\0\0" + TIFF_HEAD)
    found = list(read_png(data))
    assert [(block.kind, block.keyword, block.data, block.place) for block in found] == [
        (BlockKind.TEXT, "parameters", b"latin words", "PNG tEXt parameters"),
        (BlockKind.TEXT, "packed", b"packed words", "PNG zTXt packed"),
        (BlockKind.TEXT, "wide", "größe 猫".encode(), "PNG iTXt wide"),
        (BlockKind.TEXT, "wide packed", "größe 猫".encode(), "PNG iTXt wide packed"),
        (BlockKind.XMP, "", PACKET, "PNG iTXt"),
        (BlockKind.EXIF, "", TIFF_HEAD, "PNG eXIf"),
    ]
    for block in found:
        assert data[block.offset + 4 : block.offset + 8].decode() == block.place.split()[1]


def test_xmp_megabytes_behind_the_pixels_is_found() -> None:
    pad = chunk(b"prVt", bytes(3_000_000))
    late = chunk(b"iTXt", XMP_KEYWORD + bytes(5) + PACKET)
    (found,) = blocks(late=pad + late)
    assert (found.kind, found.data) == (BlockKind.XMP, PACKET)
    assert found.offset > 3_000_000


def test_a_manifest_store_is_a_block() -> None:
    (found,) = blocks(chunk(b"caBX", store()))
    assert found == Block(BlockKind.C2PA, store(), "PNG caBX", 33)


def test_latin_text_becomes_utf8_and_utf8_stays() -> None:
    latin, wide = chunk(b"tEXt", b"a\0gr\xf6\xdfe"), chunk(b"tEXt", b"b\0" + "größe".encode())
    assert [block.data.decode() for block in blocks(latin, wide)] == ["größe", "größe"]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"caBX"])
def test_a_chunk_with_a_wrong_crc_is_no_block(kind: bytes) -> None:
    body = {
        b"tEXt": b"parameters\0words",
        b"zTXt": b"parameters\0\0" + zlib.compress(b"words"),
        b"iTXt": b"parameters\0\0\0\0\0words",
        b"eXIf": TIFF_HEAD,
        b"caBX": store(),
    }[kind]
    good = chunk(kind, body)
    assert len(blocks(good)) == 1
    bad = good[:-1] + bytes([good[-1] ^ 1])
    assert blocks(bad, chunk(b"tEXt", b"next\0words"))[0].keyword == "next"
    assert fault(bad) == "its checksum does not fit"


def test_what_follows_the_end_is_no_block() -> None:
    assert list(read_png(encoded(picture()) + chunk(b"tEXt", b"parameters\0words"))) == []


@pytest.mark.parametrize("kind", [b"teXt", b"IDAT", b"tEXT", b"exIf", b"prVt"])
def test_chunks_of_another_kind_are_no_blocks(kind: bytes) -> None:
    assert blocks(chunk(kind, b"parameters\0Steps: 20, Sampler: Euler")) == []


@pytest.mark.parametrize(
    "bad",
    [
        chunk(b"tEXt", b"no zero"),
        chunk(b"tEXt", b"\0no keyword"),
        chunk(b"tEXt", b"k" * 80 + b"\0too long"),
        chunk(b"zTXt", b"k\0\1" + zlib.compress(b"method 1")),
        chunk(b"zTXt", b"k\0\0no stream"),
        chunk(b"zTXt", b"k\0\0" + zlib.compress(b"cut off")[:-3]),
        chunk(b"zTXt", b"k\0"),
        chunk(b"iTXt", b"k\0"),
        chunk(b"iTXt", b"k\0\0\0only one zero\0"),
        chunk(b"iTXt", b"k\0\1\1\0\0" + zlib.compress(b"method 1")),
        chunk(b"iTXt", b"k\0\1\0\0\0no stream"),
    ],
)
def test_a_broken_text_chunk_is_no_block(bad: bytes) -> None:
    assert blocks(bad) == []
    assert fault(bad).startswith("no text, or more than")


# bombs


def test_a_stream_inflates_up_to_the_limit() -> None:
    assert inflate(zlib.compress(bytes(MAX_BLOCK - 1))) == bytes(MAX_BLOCK - 1)
    assert inflate(zlib.compress(bytes(MAX_BLOCK + 1))) is None


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_bomb_gives_nothing_and_takes_little_memory(kind: bytes) -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()
    body = b"parameters\0" + (b"\0" if kind == b"zTXt" else b"\1\0\0\0") + bomb
    data = png(chunk(kind, body))
    assert len(data) < 100_000
    tracemalloc.start()
    found = list(read_png(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [block.kind for block in found] == [BlockKind.DAMAGED]
    assert peak < 3 * MAX_BLOCK


def test_many_bombs_below_the_limit_are_bounded_together() -> None:
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(MAX_BLOCK - 1), 9))
    found, _ = read_blocks(png(*[bomb] * 20), "PNG")
    assert sum(len(block.data) for block in found) <= MAX_BLOCKS
    assert len(found) == 4


def test_an_endless_text_is_no_block() -> None:
    assert blocks(chunk(b"tEXt", b"k\0" + bytes(MAX_BLOCK + 1))) == []


# ImageMagick's profiles


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
@pytest.mark.parametrize(
    ("name", "body", "block"),
    [
        (b"exif", b"Exif\0\0" + TIFF_HEAD, (BlockKind.EXIF, TIFF_HEAD)),
        (b"APP1", b"Exif\0\0" + TIFF_HEAD, (BlockKind.EXIF, TIFF_HEAD)),
        (b"APP1", XMP_HEAD + PACKET, (BlockKind.XMP, PACKET)),
        (b"xmp", PACKET, (BlockKind.XMP, PACKET)),
        (b"iptc", resource(0x0404, CREDIT), (BlockKind.IPTC, CREDIT)),
        (b"8bim", resource(0x0404, CREDIT), (BlockKind.IPTC, CREDIT)),
        (b"iptc", CREDIT, (BlockKind.IPTC, CREDIT)),
    ],
)
def test_a_raw_profile_is_its_block(
    kind: bytes, name: bytes, body: bytes, block: tuple[BlockKind, bytes]
) -> None:
    text = profile(name, body)
    packed = b"\0" + zlib.compress(text) if kind == b"zTXt" else text
    (found,) = blocks(chunk(kind, b"Raw profile type " + name + b"\0" + packed))
    assert (found.kind, found.data) == block
    assert found.place == f"PNG {kind.decode()} Raw profile type {name.decode()}"
    assert found.offset == 33


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"exif",
        b"\nexif\n4\n",
        b"\nexif\nfour\n00000000",
        b"\nexif\n 4\nabc",
        b"\nexif\n 4\nno hex at all",
        b"\nexif\n 4\n\xff\xff",
    ],
)
def test_a_broken_raw_profile_is_no_block(text: bytes) -> None:
    assert blocks(chunk(b"tEXt", b"Raw profile type exif\0" + text)) == []
    assert fault(chunk(b"tEXt", b"Raw profile type exif\0" + text)).startswith("no profile")


@pytest.mark.parametrize("name", [b"icc", b"generic"])
def test_other_raw_profiles_are_no_blocks(name: bytes) -> None:
    assert blocks(chunk(b"tEXt", b"Raw profile type " + name + b"\0" + profile(name, PACKET))) == []


def test_a_raw_profile_of_resources_without_iptc_is_no_block() -> None:
    text = profile(b"iptc", resource(0x0425, b"digest"))
    assert blocks(chunk(b"tEXt", b"Raw profile type iptc\0" + text)) == []


def test_a_raw_profile_of_spaces_takes_no_time() -> None:
    text = b"\nexif\n 4\n" + b" " * 4_000_000 + b"x"
    assert blocks(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))) == []


# damage


def test_no_truncation_raises() -> None:
    texts = PngInfo()
    texts.add_text("parameters", "words", zip=True)
    texts.add_itxt("wide", "words", zip=True)
    data = encoded(picture(8, 8), "PNG", pnginfo=texts, exif=b"Exif\0\0" + TIFF_HEAD)
    counts = [len(list(read_png(data[:end]))) for end in range(len(data) + 1)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 3)


def test_a_length_beyond_the_file_ends_it() -> None:
    lie = b"\x7f\xff\xff\xfftEXtparameters\0words"
    assert [block.keyword for block in blocks(chunk(b"tEXt", b"k\0v"), lie)] == ["k"]
