"""Archives scanned where they lie: every form, names, rules, links and archives inside archives."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipfake.errors import ErrorCode
from clipfake.imaging.limits import Limits
from clipfake.scanning.reader import ReadOptions, read_item
from clipfake.sources import Item, Selection, Sources
from clipfake.sources.archives.member import Member
from clipfake.sources.archives.store import MemoryStore
from clipfake.sources.archives.zip_directory import zip_entries
from clipfake.sources.content import Carried, _Load
from tests.sources.archives import (
    FORMS,
    OTHER,
    PICTURE,
    TEXT,
    headers,
    limited,
    nested_gzip,
    packed,
    rows,
    scanned,
    tar_info,
    tarred,
    zipped,
)

FILES = {"a.png": PICTURE, "inner/b.jpg": OTHER, "inner/deep/c.txt": TEXT, "empty.png": b""}


@pytest.fixture(autouse=True)
def nothing_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items of other tests may still live, as in the traceback of one that failed."""
    monkeypatch.setattr("clipfake.sources.content._load", _Load())


@pytest.fixture(params=FORMS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"x.{request.param}"
    path.write_bytes(packed(FILES, request.param))
    return path


# what is in them


def test_members_are_read_as_files_are(archive: Path) -> None:
    found = scanned(archive)
    assert [record.path for record in found] == [f"{archive.name}!/{name}" for name in FILES]
    assert [record.bytes for record in found] == [len(data) for data in FILES.values()]
    pictures = [hashlib.sha256(data).hexdigest() for data in (PICTURE, OTHER)]
    assert [record.sha256 for record in found] == [*pictures, None, None]
    assert [record.format for record in found] == ["PNG", "JPEG", None, None]
    codes = [record.error_code for record in found]
    assert codes == [None, None, ErrorCode.NOT_AN_IMAGE, ErrorCode.NOT_AN_IMAGE]


def test_the_content_tells_an_archive_and_not_its_name(tmp_path: Path) -> None:
    for form in FORMS:
        path = tmp_path / f"{form}.png"
        path.write_bytes(packed({"a.png": PICTURE}, form))
        assert rows(path) == [(f"{form}.png!/a.png", None)]
    (tmp_path / "a.zip").write_bytes(PICTURE)
    assert rows(tmp_path / "a.zip") == [("a.zip", None)]


def test_an_image_with_an_archive_behind_it_is_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PICTURE + zipped({"b.png": OTHER}))
    assert rows(path) == [("a.png", None)]


@pytest.mark.parametrize(
    "content", [b"", b"PK", TEXT * 200, bytes(2048), nested_gzip(TEXT), b"\x1f\x8b", b"BZh9"]
)
def test_other_files_stay_what_they_were(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    assert rows(path) == [("a.tar.gz", ErrorCode.NOT_AN_IMAGE)]


def test_archives_are_left_alone_when_asked(archive: Path) -> None:
    [record] = scanned(archive, archives=None)
    assert (record.path, record.error_code) == (archive.name, ErrorCode.UNSUPPORTED)
    assert "unpack it" in str(record.error)


def test_nothing_is_written_and_nothing_stays_open(archive: Path) -> None:
    before = sorted(archive.parent.rglob("*"))
    scanned(archive)
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    for _ in range(5):
        scanned(archive)
    assert sorted(archive.parent.rglob("*")) == before
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 1


def test_folders_give_no_row(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.mkdir("folder")
        file.writestr("folder/a.png", PICTURE)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(tar_info("folder", kind=tarfile.DIRTYPE))
        tar.addfile(tar_info("folder/a.png", len(PICTURE)), io.BytesIO(PICTURE))
    assert rows(tmp_path / "a.zip") == [("a.zip!/folder/a.png", None)]
    assert rows(tmp_path / "a.tar") == [("a.tar!/folder/a.png", None)]


def test_a_zip_without_members_gives_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({}))
    assert rows(tmp_path) == []


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("mode", ["w:", "w:gz"])
def test_long_names_of_every_kind_of_tar(tmp_path: Path, form: int, mode: str) -> None:
    names = ["a" * 99 + "/" + "b" * 90 + ".png", "c.png"]
    if form != tarfile.USTAR_FORMAT:
        names.append("/".join(["d" * 200] * 10) + ".png")
    path = tmp_path / "a.tar"
    path.write_bytes(tarred(dict.fromkeys(names, PICTURE), mode, form))
    assert rows(path) == [(f"a.tar!/{name}", None) for name in names]


@pytest.mark.parametrize("form", ["gz", "bz2", "xz"])
def test_streams_one_after_another_are_one(tmp_path: Path, form: str) -> None:
    whole = tarred({"a.png": PICTURE, "b.png": OTHER})
    parts = [whole[:700], whole[700:701], whole[701:]]
    compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[form]
    path = tmp_path / "a.tar"
    path.write_bytes(b"".join(map(compress, parts)) + bytes(512))
    assert rows(path) == [("a.tar!/a.png", None), ("a.tar!/b.png", None)]


def test_a_zip_may_have_bytes_before_it_and_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.png", PICTURE)
        file.comment = b"PK\x05\x06 is no end" * 9
    assert rows(path) == [("a.zip!/a.png", None)]
    path.write_bytes(b"PK\x03\x04 and other bytes" + path.read_bytes())
    assert rows(path) == [("a.zip!/a.png", None)]


def test_zip64_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.png": PICTURE, "b.png": OTHER, "c.txt": b"c" * 50}))
    assert b"PK\x06\x06" in path.read_bytes()
    found = scanned(path)
    assert [r.sha256 is not None for r in found] == [True, True, False]
    path.write_bytes(b"PK\x03\x04 before" + path.read_bytes())
    assert [r.sha256 is not None for r in scanned(path)] == [True, True, False]


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="/\0\\"), min_size=1, max_size=8),
        st.binary(max_size=200),
        max_size=5,
    )
)
def test_the_directory_says_what_zipfile_says(files: dict[str, bytes]) -> None:
    data = zipped(files)
    with zipfile.ZipFile(io.BytesIO(data)) as known:
        expected = [
            (i.orig_filename.encode(), i.header_offset, i.compress_size, i.file_size, i.CRC)
            for i in known.infolist()
        ]
    entries = zip_entries(MemoryStore(data))
    found = [(e.name, e.span.offset, e.span.stored, e.span.size, e.span.crc) for e in entries]
    assert found == expected


# names


def test_names_that_climb_out_are_only_names(tmp_path: Path) -> None:
    names = [
        "../../x.png",
        "/etc/passwd.png",
        "C:/x.png",
        "a//b.png",
        "./c.png",
        "..",
        "line\nend",
    ]
    outside = tmp_path.parent.parent / "x.png"
    for form in ("zip", "tar", "tar.gz"):
        path = tmp_path / f"a.{form}"
        path.write_bytes(packed(dict.fromkeys(names, PICTURE), form))
        assert rows(path) == [(f"a.{form}!/{name}", None) for name in names]
        assert rows(path, exclude=["etc"]) == [
            (f"a.{form}!/{name}", None) for name in names if "etc" not in name
        ]
    assert not outside.exists()


def test_names_that_are_no_utf8_keep_their_bytes(tmp_path: Path) -> None:
    name = b"caf\xe9\xff.png"
    zip_bytes = zipped({"cafAB.png": PICTURE}).replace(b"cafAB.png", name)
    tar_bytes = tarred({os.fsdecode(name): PICTURE}, form=tarfile.GNU_FORMAT)
    for path, data in ((tmp_path / "a.zip", zip_bytes), (tmp_path / "a.tar", tar_bytes)):
        path.write_bytes(data)
        [record] = scanned(path)
        assert record.error is None
        assert record.path == f"{path.name}!/caf\\xe9\\xff.png"
        assert record.path_raw == os.fsencode(path) + b"!/" + name


def test_a_zero_byte_shows_as_an_escape(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"aXb.png": PICTURE}).replace(b"aXb.png", b"a\0b.png"))
    assert rows(path) == [("a.zip!/a\\x00b.png", None)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_members_of_one_name_are_all_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    buffer = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(buffer, "w") as file:
            for data in (PICTURE, OTHER):
                file.writestr("a", data)
    else:
        with tarfile.open(None, "w:" + form.partition(".")[2], buffer) as tar:
            for data in (PICTURE, OTHER):
                tar.addfile(tar_info("a", len(data)), io.BytesIO(data))
    path.write_bytes(buffer.getvalue())
    assert [(r.path, r.format) for r in scanned(path)] == [
        (f"a.{form}!/a", "PNG"),
        (f"a.{form}!/a", "JPEG"),
    ]


def test_names_that_no_file_system_takes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    names = ["d/" * 200 + "a.png", "e" * 5000]
    path.write_bytes(tarred(dict.fromkeys(names, PICTURE)))
    found = rows(path, exclude=["*/" * 30 + "x"])
    assert [code for _, code in found] == [ErrorCode.ARCHIVE_LIMIT] * 2
    assert all(len(name) < 4200 for name, _ in found)


# rules


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ({}, ["raw/a.png", "raw/x/b.png", "c.jpg"]),
        ({"include": ["*.png"]}, ["raw/a.png", "raw/x/b.png"]),
        ({"include": ["raw/*.png"]}, ["raw/a.png"]),
        ({"exclude": ["x"]}, ["raw/a.png", "c.jpg"]),
        ({"exclude": ["raw/x"]}, ["raw/a.png", "c.jpg"]),
        ({"exclude": ["**/x/**", "*.jpg"]}, ["raw/a.png"]),
        ({"hidden": True}, ["raw/a.png", "raw/x/b.png", "c.jpg", ".d/e.png", "raw/.f.png"]),
        ({"hidden": True, "include": [".d"]}, [".d/e.png"]),
    ],
)
def test_globs_see_members_as_files_below_a_folder(
    tmp_path: Path, form: str, rules: dict[str, object], taken: list[str]
) -> None:
    names = ["raw/a.png", "raw/x/b.png", "c.jpg", ".d/e.png", "raw/.f.png"]
    path = tmp_path / f"pack.{form}"
    path.write_bytes(packed(dict.fromkeys(names, PICTURE), form))
    assert [name for name, _ in rows(path, **rules)] == [f"pack.{form}!/{n}" for n in taken]


def test_archives_in_folders_are_folders_for_globs(tmp_path: Path) -> None:
    root = tmp_path / "in"
    for name in ("sub/a.zip", "b.zip"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(zipped({"x/1.png": PICTURE, "2.jpg": OTHER}))
    (root / "c.png").write_bytes(PICTURE)
    (root / ".h.zip").write_bytes(zipped({"3.png": PICTURE}))

    def names(**rules: object) -> list[str]:
        return [name.removeprefix("in/") for name, _ in rows(root, **rules)]

    everything = ["b.zip!/x/1.png", "b.zip!/2.jpg", "c.png", "sub/a.zip!/x/1.png"]
    assert names() == [*everything, "sub/a.zip!/2.jpg"]
    assert names(include=["*.png"]) == everything[:1] + everything[2:]
    assert names(include=["sub/a.zip/x/*.png"]) == ["sub/a.zip!/x/1.png"]
    assert names(exclude=["*.zip"]) == ["c.png"]
    assert names(exclude=["sub/a.zip/x"]) == [*everything[:3], "sub/a.zip!/2.jpg"]
    assert names(archives=None, include=["*.zip"]) == ["b.zip", "sub/a.zip"]
    assert ".h.zip!/3.png" in names(hidden=True)


def test_a_manifests_columns_come_with_each_member(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"x.png": PICTURE, "y.png": OTHER}))
    (tmp_path / "list.csv").write_text("path,label\na.zip,7\n")
    items = list(Sources([tmp_path / "list.csv"], Selection()))
    assert [item.extra for item in items] == [{"label": "7"}] * 2
    assert [item.path for item in items] == [f"{tmp_path}/a.zip!/{n}.png" for n in "xy"]


# archives inside archives


@pytest.mark.parametrize("outer", FORMS)
@pytest.mark.parametrize("inner", ["zip", "tar", "tar.gz"])
def test_archives_inside_archives_are_read(tmp_path: Path, outer: str, inner: str) -> None:
    path = tmp_path / "x"
    content = packed({"d/a.png": PICTURE, "b.txt": TEXT}, inner)
    path.write_bytes(packed({"in": content, "c.png": OTHER}, outer))
    assert rows(path) == [
        ("x!/in!/d/a.png", None),
        ("x!/in!/b.txt", ErrorCode.NOT_AN_IMAGE),
        ("x!/c.png", None),
    ]
    assert rows(path, include=["in/d/*"]) == [("x!/in!/d/a.png", None)]
    assert rows(path, exclude=["in"]) == [("x!/c.png", None)]
    digests = [record.sha256 for record in scanned(path)]
    assert digests[0] == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_depth_has_a_limit(tmp_path: Path, form: str) -> None:
    data = packed({"a.png": PICTURE}, form)
    for level in range(4):
        data = packed({f"{level}": data, f"{level}.jpg": OTHER}, form)
    path = tmp_path / "x"
    path.write_bytes(data)
    assert rows(path) == [
        ("x!/3!/2", ErrorCode.ARCHIVE_LIMIT),
        ("x!/3!/2.jpg", None),
        ("x!/3.jpg", None),
    ]
    # an archive that may hold what is wanted is told of whatever its name
    assert ("x!/3!/2", ErrorCode.ARCHIVE_LIMIT) in rows(path, include=["*.jpg"])
    deep = rows(path, archives=limited(depth=9))
    assert deep[0] == ("x!/3!/2!/1!/0!/a.png", None)


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_large_archives_inside_archives_are_told(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed({"a.zip": zipped({"b.png": PICTURE}), "c.png": OTHER}, form))
    assert rows(path, archives=limited(nested_bytes=100)) == [
        ("x!/a.zip", ErrorCode.ARCHIVE_LIMIT),
        ("x!/c.png", None),
    ]


# links and what else is no file


@pytest.mark.parametrize("mode", ["w:", "w:gz"])
def test_links_and_devices_in_a_tar_are_never_followed(tmp_path: Path, mode: str) -> None:
    (tmp_path / "secret.png").write_bytes(PICTURE)
    infos = [
        tar_info("sym.png", kind=tarfile.SYMTYPE, link=str(tmp_path / "secret.png")),
        tar_info("hard.png", kind=tarfile.LNKTYPE, link="../secret.png"),
        tar_info("chr.png", kind=tarfile.CHRTYPE),
        tar_info("blk.png", kind=tarfile.BLKTYPE),
        tar_info("fifo.png", kind=tarfile.FIFOTYPE),
        tar_info("odd.png", kind=b"Z"),
    ]
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode, format=tarfile.GNU_FORMAT) as tar:
        for info in infos:
            tar.addfile(info)
        tar.addfile(tar_info("last.png", len(PICTURE)), io.BytesIO(PICTURE))
    found = rows(path, follow_symlinks=True)
    assert found == [(f"a.tar!/{info.name}", ErrorCode.NOT_A_FILE) for info in infos] + [
        ("a.tar!/last.png", None)
    ]


def test_links_and_devices_in_a_zip_are_never_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, mode in (("sym.png", 0o120777), ("fifo.png", 0o010644), ("a.png", 0o100644)):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            file.writestr(info, "/etc/passwd" if mode != 0o100644 else PICTURE)
    assert rows(path, follow_symlinks=True) == [
        ("a.zip!/sym.png", ErrorCode.NOT_A_FILE),
        ("a.zip!/fifo.png", ErrorCode.NOT_A_FILE),
        ("a.zip!/a.png", None),
    ]


def test_sparse_members_are_told_and_passed_over(tmp_path: Path) -> None:
    old = bytearray(tar_info("old.png", 512, b"S").tobuf(tarfile.GNU_FORMAT))
    old[482] = 1  # more of the map follows
    old[148:156] = b"%06o\0 " % (256 + sum(old[:148]) + sum(old[156:]))
    new = tar_info("GNUSparseFile.0/new.png", 512)
    new.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "new.png"}
    data = bytes(old) + bytes(512) + b"x" * 512 + new.tobuf(tarfile.PAX_FORMAT) + b"x" * 512
    (tmp_path / "a.tar").write_bytes(data + tarred({"last.png": PICTURE}))
    assert rows(tmp_path / "a.tar") == [
        ("a.tar!/old.png", ErrorCode.UNSUPPORTED),
        ("a.tar!/new.png", ErrorCode.UNSUPPORTED),
        ("a.tar!/last.png", None),
    ]


def test_what_belongs_to_the_tar_itself_gives_no_row(tmp_path: Path) -> None:
    label = headers(tar_info("label", kind=b"V"))[:512]
    commit = tarfile.TarInfo.create_pax_global_header({"comment": "0" * 40})
    (tmp_path / "a.tar").write_bytes(label + commit + tarred({"a.png": PICTURE}))
    assert rows(tmp_path / "a.tar") == [("a.tar!/a.png", None)]


# how workers come to the bytes


def test_members_are_read_in_place_and_those_of_compressed_tars_carried(archive: Path) -> None:
    items = list(Sources([archive], Selection()))
    kind = Carried if archive.name.startswith("x.tar.") else Member
    assert all(isinstance(item.content, kind) for item in items)
    assert pickle.loads(pickle.dumps(items)) == items
    assert all(len(pickle.dumps(item)) < 1200 for item in items if kind is Member)


@pytest.mark.parametrize("form", ["tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("inner", [False, True])
def test_workers_inflate_for_themselves_what_cannot_be_carried(
    tmp_path: Path, form: str, inner: bool
) -> None:
    names = [f"{number}.png" for number in range(6)]
    data = packed(dict.fromkeys(names, PICTURE) | {"x.jpg": OTHER}, form)
    path = tmp_path / "x"
    path.write_bytes(packed({"in": data}, "zip") if inner else data)
    items = list(Sources([path], Selection(archives=limited(carried_bytes=2 * len(PICTURE)))))
    kinds = [type(item.content) for item in items]
    assert kinds == [Carried, Carried] + [Member] * 5
    options = ReadOptions(None, Limits(), None)
    # in any order, as with several workers
    for item in (items[-1], items[3], items[4], items[2], items[5], items[0]):
        record, _ = read_item(item, options)
        assert record.error is None
        expected = OTHER if item.path.endswith("jpg") else PICTURE
        assert record.sha256 == hashlib.sha256(expected).hexdigest()


def test_what_is_carried_counts_only_while_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed({f"{n}.png": PICTURE for n in range(9)}, "tar.gz"))
    selection = Selection(archives=limited(carried_bytes=2 * len(PICTURE)))
    assert all(isinstance(item.content, Carried) for item in Sources([path], selection))


def test_an_archive_that_changes_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    options = ReadOptions(None, Limits(), None)
    for data in (PICTURE, OTHER):
        path.write_bytes(zipped({"a.png": data}))
        [item] = Sources([path], Selection())
        assert read_item(item, options)[0].sha256 == hashlib.sha256(data).hexdigest()
    path.unlink()
    assert read_item(item, options)[0].error_code is ErrorCode.MISSING


def test_counting_does_not_read_compressed_tars(archive: Path) -> None:
    count = Sources([archive, archive], Selection()).count()
    assert count == ((2, False) if archive.name.startswith("x.tar.") else (2 * len(FILES), True))


def test_counting_beside_compressed_tars_tells_the_least(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(packed(FILES, "tar.gz"))
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(PICTURE)
    assert Sources([tmp_path], Selection()).count() == (4, False)
    assert len(list(Sources([tmp_path], Selection()))) == 3 + len(FILES)


def test_a_member_has_no_path_of_the_file_system(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"x.png": PICTURE}))
    (tmp_path / "a.zip!").mkdir()
    (tmp_path / "a.zip!" / "x.png").write_bytes(OTHER)
    [member] = Sources([tmp_path / "a.zip"], Selection())
    options = ReadOptions(None, Limits(), None)
    assert read_item(member, options)[0].format == "PNG"
    assert read_item(Item(member.path), options)[0].format == "JPEG"
