"""Graphs of ComfyUI: the executed one and the editor's, made of the same nodes."""

import json
from typing import Any

Graph = dict[str, dict[str, Any]]


def node(kind: str, **inputs: object) -> dict[str, Any]:
    """A node of the executed graph; a link is a list of key and output."""
    return {"class_type": kind, "inputs": inputs}


LOADERS: Graph = {
    "4": node("CheckpointLoaderSimple", ckpt_name="model.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a lighthouse", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="fog", clip=["4", 1]),
}
SAMPLED = {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
SETTINGS = {"seed": 1234, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal"}
DETAILS = {"model": "model.safetensors", "sampler": "euler", "seed": "1234", "steps": "20"}
TEXT_TO_IMAGE: Graph = {
    **LOADERS,
    "3": node("KSampler", **SETTINGS, denoise=1.0, **SAMPLED),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
}
EDITING: Graph = {
    "1": node("LoadImage", image="photo.jpg", upload="image"),
    "2": node("ImageScale", image=["1", 0], upscale_method="lanczos", width=512, height=512),
    "9": node("SaveImage", images=["2", 0], filename_prefix="resized"),
}


def edited(graph: Graph, modes: dict[str, int] | None = None) -> dict[str, Any]:
    """The editor's graph of an executed one; ``modes`` by key, 2 muted, 4 bypassed."""
    types = {
        **dict.fromkeys(("image", "images", "pixels"), "IMAGE"),
        **dict.fromkeys(("samples", "latent_image"), "LATENT"),
        **dict.fromkeys(("positive", "negative"), "CONDITIONING"),
    }
    nodes, links = [], []
    for key, each in graph.items():
        inputs, widgets = [], []
        for name, value in each["inputs"].items():
            if isinstance(value, list):
                number = len(links) + 1
                kind = types.get(name, name.upper())
                links.append([number, int(value[0]), value[1], int(key), len(inputs), kind])
                inputs.append({"name": name, "type": kind, "link": number})
            else:
                widgets.append(value)
        nodes.append(
            {
                "id": int(key),
                "type": each["class_type"],
                "mode": (modes or {}).get(key, 0),
                "inputs": inputs,
                "outputs": [],
                "widgets_values": widgets,
            }
        )
    for link in links:
        outputs = next(n for n in nodes if n["id"] == link[1])["outputs"]
        while len(outputs) <= link[2]:
            outputs.append({"name": "", "type": "", "links": []})
        outputs[link[2]] = {"name": link[5], "type": link[5], "links": [link[0]]}
    return {"last_node_id": 99, "nodes": nodes, "links": links, "version": 0.4}


def texts_of(prompt: Graph | None = None, workflow: dict[str, Any] | None = None) -> dict[str, str]:
    """PNG texts as ComfyUI writes them."""
    texts = {} if prompt is None else {"png:prompt": json.dumps(prompt)}
    return texts if workflow is None else texts | {"png:workflow": json.dumps(workflow)}
