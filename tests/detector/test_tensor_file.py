"""Weights files that lie: each is one clear line, and costs no memory."""

import json
import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from clipfake.detector.adapter_file import DEFAULT_ADAPTER, HEADER_KEY, load_adapter
from clipfake.detector.backbone import EMBEDDED_ASSET, load_backbone
from clipfake.detector.detector import Detector
from clipfake.detector.reference import DEFAULT as DEFAULT_REFERENCE
from clipfake.detector.reference import load_reference
from clipfake.detector.tensor_file import MAX_HEADER, TensorFile
from clipfake.errors import AdapterError, BackboneError, ClipfakeError, UsageError
from clipfake.scanning.processes.confine import cap_memory

LOADERS: list[tuple[Callable[[Path], object], type[ClipfakeError]]] = [
    (load_adapter, AdapterError),
    (lambda path: load_backbone(f"ViT-B-16/{path}"), BackboneError),
    (load_reference, UsageError),
]
SPARE = 2**26  # bytes that a loader may allocate to find that a file lies
KEYS = ("clipfake-adapter", "clipfake-reference")
forks = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="needs a copy of the process"
)


def raw(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(dtype: str, shape: object, start: object, end: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def declaring(data: bytes, **tensors: object) -> bytes:
    texts = dict.fromkeys(KEYS, "{}")
    return raw(json.dumps({"__metadata__": texts, **tensors}), data)


LIES = {
    "terabytes": (declaring(b"", x=tensor("F32", [10**12], 0, 4 * 10**12)), "take 4000000000000"),
    "terabytes in few bytes": (
        declaring(bytes(8), x=tensor("F32", [10**9, 1000], 0, 8)),
        "tensor x is not what its header says",
    ),
    "overflow": (declaring(b"", x=tensor("F32", [2**62, 4], 0, 0)), "tensor x is not what"),
    "endless shape": (declaring(bytes(4), x=tensor("F32", [1] * 10_000, 0, 4)), "tensor x is not"),
    "negative": (declaring(bytes(4), x=tensor("F32", [-1, -1], 0, 4)), "tensor x is not what"),
    "a flag": (declaring(bytes(4), x=tensor("F32", [True], 0, 4)), "tensor x is not what"),
    "a text": (declaring(bytes(4), x=tensor("F32", "11", 0, 4)), "tensor x is not what"),
    "a fraction": (declaring(bytes(4), x=tensor("F32", [1], 0, 4.0)), "tensor x is not what"),
    "no entry": (declaring(bytes(4), x=7), "tensor x is not what"),
    "too short": (
        declaring(bytes(8), x=tensor("F32", [4], 0, 16)),
        "take 16 bytes, the file has 8",
    ),
    "too long": (
        declaring(bytes(99), x=tensor("F32", [4], 0, 16)),
        "take 16 bytes, the file has 99",
    ),
    "wrong size": (declaring(bytes(8), x=tensor("F32", [4], 0, 8)), "tensor x is not what"),
    "overlapping": (
        declaring(bytes(8), x=tensor("U8", [8], 0, 8), y=tensor("U8", [4], 4, 8)),
        "overlap, or leave gaps",
    ),
    "unknown type": (declaring(bytes(8), x=tensor("F4", [8], 0, 8)), "tensor x is not what"),
    "deep": (raw("[" * 500_000), "nested too deeply"),
    "deep objects": (raw('{"a":' * 100_000), "nested too deeply"),
    "a long number": (raw('{"a":' + "9" * 100_000 + "}"), "broken JSON"),
    "no JSON": (raw("{x}"), "broken JSON"),
    "no text": (raw(b"\xff\xfe{}"), "broken JSON"),
    "a list": (raw("[1, 2]"), "no JSON object"),
    "metadata": (raw('{"__metadata__": {"clipfake-adapter": {}}}'), "metadata are no texts"),
    "a long header": (raw(" " * (MAX_HEADER + 1)), "over the limit"),
    "a header beyond the file": (raw("{}", length=100_000_000), "cut off"),
    "a header beyond all": (raw("{}", length=2**64 - 1), "cut off"),
    "pickle": (pickle.dumps({"x": list(range(100))}), "pickle, which could run code"),
    "torch's pickle": (b"PK\x03\x04\x14\x00\x00\x08" + bytes(900), "pickle, which could run code"),
    "cut": (b"\x05\x00", "cut off"),
}


def load_all(path: Path) -> list[str]:
    """What each loader says of a file."""
    found = []
    for load, kind in LOADERS:
        try:
            load(path)
            found.append("loaded")
        except kind as error:
            found.append(str(error))
        except BaseException as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


@pytest.fixture(scope="module", autouse=True)
def loaders_that_have_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is imported when something is first read is no cost of a file that lies."""
    path = tmp_path_factory.mktemp("first") / "x.safetensors"
    path.write_bytes(b"no weights")
    load_all(path)


def send(sender: "multiprocessing.connection.Connection", call: Callable[[], object]) -> None:
    cap_memory(SPARE)
    sender.send(call())


def under_a_cap(call: Callable[[], object]) -> object:
    """What a call gives in a process that can hardly allocate anything."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=send, args=(sender, call))
    process.start()
    sender.close()
    found = receiver.recv()
    process.join()
    return found


@forks
@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_one_line_and_costs_no_memory(tmp_path: Path, name: str) -> None:
    content, text = LIES[name]
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    found = under_a_cap(lambda: load_all(path))
    assert isinstance(found, list)
    assert len(found) == 3
    for error in found:
        assert error.startswith(f"{path}: not a readable ")
        assert text in error
        assert "\n" not in error


@forks
def test_a_header_of_100_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write((100_000_000).to_bytes(8, "little") + b"{")
        file.truncate(200_000_000)
    adapter, backbone, reference = under_a_cap(lambda: load_all(path))  # type: ignore[misc]
    assert "too large or empty" in adapter
    assert "a header of 100000000 bytes, over the limit" in backbone
    assert "a header of 100000000 bytes, over the limit" in reference


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert all("pipe.safetensors: " in line for line in load_all(tmp_path / "pipe.safetensors"))
    assert all(str(tmp_path) in line for line in load_all(tmp_path))
    with (tmp_path / "big").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UsageError, match="too large"):
        load_reference(tmp_path / "big")


# files that are consistent, but not what they are taken for


def test_the_files_of_the_package_pass() -> None:
    for path in (DEFAULT_ADAPTER, EMBEDDED_ASSET, DEFAULT_REFERENCE):
        file = TensorFile.open(path)
        assert file.metadata
        assert file.tensors


def repacked(path: Path, source: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    tensors = load_file(source)
    change(tensors)
    path.write_bytes(save(tensors, metadata=TensorFile.open(source).metadata))
    return path


def cast(name: str, dtype: torch.dtype) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda tensors: tensors.update({name: tensors[name].to(dtype)})


def test_a_wrong_type_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    repacked(path, DEFAULT_ADAPTER, cast("head.weight", torch.int64))
    with pytest.raises(AdapterError, match=r"tensor head\.weight is I64, not F16 or BF16 or F32"):
        load_adapter(path)
    repacked(path, DEFAULT_REFERENCE, cast("tokens", torch.float32))
    with pytest.raises(UsageError, match="tensor tokens is F32, not I8"):
        load_reference(path)
    path.write_bytes(save({"class_embedding": torch.zeros(768, dtype=torch.int32)}))
    with pytest.raises(BackboneError, match=r"ViT-B-16 \(tensor class_embedding is I32, not F16"):
        load_backbone(f"ViT-B-16/{path}")


def test_a_wrong_shape_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TensorFile, "load", None)
    path = tmp_path / "x.safetensors"
    with pytest.raises(BackboneError, match=r"ViT-B-16 \(tensor class_embedding is absent\)"):
        load_backbone(f"ViT-B-16/{DEFAULT_ADAPTER}")
    # its own asset is int8, of the same shapes
    with pytest.raises(BackboneError, match="proj is I8, not F16 or BF16 or F32"):
        load_backbone(f"ViT-B-16-quickgelu/{EMBEDDED_ASSET}")
    repacked(path, DEFAULT_REFERENCE, lambda t: t.update(is_ai=t["is_ai"][1:]))
    with pytest.raises(UsageError, match="its tensors differ in number"):
        load_reference(path)
    repacked(path, DEFAULT_REFERENCE, lambda t: t.update(tokens=t["tokens"][:, :2].contiguous()))
    with pytest.raises(UsageError, match="its tokens have another shape"):
        load_reference(path)


def test_a_tensor_too_many_is_told(tmp_path: Path) -> None:
    tower = load_backbone()
    path = tmp_path / "x.safetensors"
    state = {f"visual.{k}": v.contiguous() for k, v in tower.visual.state_dict().items()}
    path.write_bytes(save({**state, "visual.more": torch.zeros(1), "text.ids": torch.zeros(1)}))
    with pytest.raises(BackboneError, match=r"\(tensor visual\.more is unknown\)"):
        load_backbone(f"ViT-B-16-quickgelu/{path}")


def rewritten(path: Path, text: Callable[[dict[str, object]], str]) -> Path:
    header = json.loads(TensorFile.open(DEFAULT_ADAPTER).metadata[HEADER_KEY])
    path.write_bytes(save(load_file(DEFAULT_ADAPTER), metadata={HEADER_KEY: text(header)}))
    return path


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"blocks": []}, "blocks are not numbers"),
        ({"blocks": [0, 1]}, "blocks are not numbers"),
        ({"blocks": [2, 1]}, "blocks are not numbers"),
        ({"blocks": [1e400]}, "where a number belongs"),
        ({"blocks": 7}, "header is incomplete"),
        ({"calibration": {"a": "1", "b": 0}}, "'1' where a number belongs"),
        ({"calibration": {"a": float("nan"), "b": 0}}, "'nan' where a number belongs"),
        ({"calibration": []}, "header is incomplete"),
        ({"calibration": {"a": 1, "b": 0, "c": 0}}, "header is incomplete"),
        ({"operating_points": [{}]}, "header is incomplete"),
        ({"operating_points": {"fpr": 1}}, "header is incomplete"),
        ({"real_below": "low"}, "where a number belongs"),
        ({"real_below": True}, "where a number belongs"),
        ({"facts": 7}, "header is incomplete"),
        ({"preprocessing": 7}, "unknown preprocessing"),
        ({"preprocessing": {"size": "224"}}, "no number of pixels"),
        ({"preprocessing": {"draft": -1}}, "no number of pixels"),
        ({"lora": {"blocks": [1], "rank": 10**12}}, "rank of its LoRA"),
        ({"lora": {"blocks": [1], "rank": 0}}, "rank of its LoRA"),
        ({"lora": {"blocks": [1], "alpha": "8"}}, "where a number belongs"),
        ({"lora": [1]}, "header is incomplete"),
    ],
)
def test_a_header_of_the_wrong_kind_is_told(
    tmp_path: Path, changes: dict[str, object], text: str
) -> None:
    path = rewritten(tmp_path / "x.safetensors", lambda header: json.dumps({**header, **changes}))
    with pytest.raises(AdapterError, match=text):
        load_adapter(path)


def test_operating_points_are_numbers(tmp_path: Path) -> None:
    def point(header: dict[str, object], **changes: object) -> str:
        points = header["operating_points"]
        assert isinstance(points, list)
        return json.dumps({**header, "operating_points": [{**points[0], **changes}]})

    path = tmp_path / "x.safetensors"
    for changes in ({"threshold": "0.5"}, {"fpr": None}, {"fpr_interval": ["a", "b"]}):
        with pytest.raises(AdapterError, match="where a number belongs"):
            load_adapter(rewritten(path, lambda header, c=changes: point(header, **c)))
    load_adapter(rewritten(path, lambda header: point(header, recall=None, recall_interval=None)))


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", "{", '{"a":' * 100_000])
def test_a_header_that_is_no_object_is_told(tmp_path: Path, text: str) -> None:
    path = rewritten(tmp_path / "x.safetensors", lambda _header: text)
    with pytest.raises(AdapterError, match="not a readable adapter"):
        load_adapter(path)


@forks
def test_a_header_that_claims_a_huge_update_or_image_costs_no_memory(tmp_path: Path) -> None:
    tower = load_backbone()
    huge = {"lora": {"blocks": list(range(1, 13)), "rank": 4096}}
    wide = {"preprocessing": {"size": 10**9}}
    path = tmp_path / "x.safetensors"
    for changes, text in ((huge, "LoRA tensors do not fit"), (wide, "takes 224")):
        rewritten(path, lambda header, c=changes: json.dumps({**header, **c}))
        adapter = load_adapter(path)

        def fit(adapter: object = adapter) -> str:
            try:
                Detector(tower, adapter)  # type: ignore[arg-type]
            except AdapterError as error:
                return str(error)
            return "fits"

        assert text in str(under_a_cap(fit))


def test_what_was_read_stays_when_the_file_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(save({"a": torch.ones(4096)}))
    read = TensorFile.open(path).load(["a"])["a"]
    with path.open("r+b") as file:  # in place, as `cp` over an installed package does
        file.seek(-4 * 4096, 2)
        file.write(bytes(4 * 4096))
    assert torch.equal(load_file(path)["a"], torch.zeros(4096))
    assert torch.equal(read, torch.ones(4096))
