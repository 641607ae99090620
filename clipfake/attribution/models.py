"""Names of models, as files of weights, repositories of them and data sets are called."""

import re
from dataclasses import dataclass

from clipfake.attribution.families import Family

_MAX_NAME = 300
_ENDINGS = re.compile(r"\.(?:safetensors|ckpt|gguf|sft|pth?|bin|onnx|mlmodelc?|zip)\b.*$", re.I)
_HASH = re.compile(r"\s*\[[0-9a-f]{6,64}\]\s*$", re.I)
# Civitai's resource names, "urn:air:sdxl:checkpoint:civitai:101@102"; the ecosystem's own name
_AIR = re.compile(r"urn-air-([a-z0-9]+)")

_FINETUNES_OF_1 = (
    "absolute-?reality|abyss-?orange|analog-?(?:diffusion|madness)|any-?lora|anything-?v"
    "|aom[23]|arcane-?diffusion|architecture-?real-?mix|basil-?mix|cetus-?mix|cheese-?daddy"
    "|chillout-?mix|counterfeit|cyber-?realistic|dan-?mumford|dark-?sushi|deliberate"
    "|divine-?elegance|dream-?shaper|dreamlike|edge-?of-?realism|epic-?(?:photogasm|realism)"
    "|faetastic|galena|ghost-?mix|gligen|grapefruit|hassaku|icbinp|inkpunk"
    "|japanese-?stable-?diffusion|juggernaut|lyriel|majic-?mix|mdjrny|meina-?(?:hentai|mix|pastel)"
    "|mistoon|moon-?mix|neurogen|never-?ending-?dream|nightmare-?shaper|open-?journey"
    "|orange-?mix|pastel-?mix|perfect-?world|photon-?v|protogen|real-?biter|realistic-?vision"
    "|rev-?animated|toon-?you|uber-?realistic|waifu-?diffusion|xs-?architectural"
)
# the first that is found counts: what is derived from a model often bears its name too
_MODELS: tuple[tuple[str, Family, str], ...] = (
    ("Krea 2", Family.OTHER, r"krea-?2(?!\d)"),
    ("Hunyuan", Family.OTHER, r"hunyuan"),
    ("Kolors", Family.OTHER, r"kolors"),
    ("PixArt", Family.OTHER, r"pixart"),
    ("AuraFlow", Family.OTHER, r"aura-?flow"),
    ("CogView", Family.OTHER, r"cogview"),
    ("Sana", Family.OTHER, r"(?<![a-z])sana(?![a-z])"),
    ("Lumina", Family.OTHER, r"(?<![a-z])lumina(?![a-z])"),
    ("OmniGen", Family.OTHER, r"omnigen"),
    ("HiDream", Family.OTHER, r"hidream"),
    ("Kandinsky", Family.OTHER, r"kandinsky"),
    ("Stable Cascade", Family.OTHER, r"w(?:u|ue)rstchen|stable-?cascade"),
    ("DeepFloyd IF", Family.OTHER, r"deep-?floyd|(?<![a-z])if-i-(?:m|l|xl)-"),
    ("ERNIE-Image", Family.OTHER, r"ernie-?image"),
    ("LongCat-Image", Family.OTHER, r"longcat"),
    ("Ovis-Image", Family.OTHER, r"ovis-?image"),
    ("Cosmos", Family.OTHER, r"cosmos-?predict"),
    ("Bria", Family.OTHER, r"(?<![a-z])(?:bria|fibo)(?![a-z])"),
    ("F Lite", Family.OTHER, r"(?<![a-z])f-lite"),
    ("GLM-Image", Family.OTHER, r"glm-?image"),
    ("Janus", Family.OTHER, r"janus-?(?:pro|1|flow)"),
    ("Playground", Family.OTHER, r"playground-?v?3"),
    ("NovelAI Diffusion 4", Family.OTHER, r"(?:novel-?ai|nai)-diffusion-v?4"),
    ("Latent Diffusion", Family.OTHER, r"latent-diffusion|(?<![a-z])ldm(?![a-z])|glid-?3"),
    ("Qwen-Image", Family.ALIBABA, r"qwen-?image"),
    ("Z-Image", Family.ALIBABA, r"(?<![a-z])z-?image"),
    ("Wan", Family.ALIBABA, r"(?<![a-z])wan-?(?:x|[12](?!\d))"),
    ("Seedream", Family.BYTEDANCE, r"see(?:dream|dedit)"),
    (
        "Chroma",
        Family.FLUX,
        r"(?<![a-z])chroma(?:1|-(?:1|unlocked|hd|base|flash|radiance|v\d\d))|^chroma$",
    ),
    ("FLUX.2", Family.FLUX, r"flux-?2"),
    ("FLUX", Family.FLUX, r"(?<!in)(?<!re)flux(?!us)|(?<![a-z])krea-?dev"),
    ("Stable Diffusion 3.5", Family.FLUX, r"(?:stable-?diffusion|(?<![a-z])sd)-?v?3-?5"),
    ("Stable Diffusion 3", Family.FLUX, r"(?:stable-?diffusion|(?<![a-z])sd)-?v?3(?!\d)"),
    ("Stable Image Ultra", Family.FLUX, r"stable-image-ultra"),
    ("Playground 2", Family.SDXL, r"playground-?v?2"),
    ("Pony Diffusion", Family.SDXL, r"pony(?!tail)|autism-?mix"),
    ("Illustrious", Family.SDXL, r"illustrious|noob-?ai|(?<![a-z])ilxl"),
    ("NovelAI Diffusion 3", Family.SDXL, r"(?:novel-?ai|nai)-diffusion-(?:furry-)?v?3"),
    ("Stable Diffusion XL", Family.SDXL, r"sd-?xl|stable-?diffusion-?xl|sdx(?![a-z])"),
    (
        "SDXL finetune",
        Family.SDXL,
        r"xl(?![a-z])|xl(?=v\d|lightning|turbo|hyper|inpaint)|ssd-1b|segmind-?vega|albedo-?base"
        r"|animagine|fuster-?cluck|juggernaut-?(?:x|ragnarok)",
    ),
    (
        "Stable Diffusion 2",
        Family.STABLE_DIFFUSION,
        r"(?:stable-?diffusion|(?<![a-z])sd)-?v?2(?!\d\d)|(?<![a-z0-9])v2-[01](?:-|$)"
        r"|768-v-ema|512-base-ema|illuminati|sd-?turbo|(?<![a-z])sdxs",
    ),
    (
        "Stable Diffusion 1",
        Family.STABLE_DIFFUSION,
        r"(?:stable-?diffusion|(?<![a-z])sd)-?v?1(?!\d\d)|(?<![a-z0-9])v1-[1-5](?:-|$)"
        r"|novelai-v?1|nai-?anime|anime-?full|stable-?diffusion-[0-9a-f]{8}$"
        r"|(?:novel-?ai|nai)-diffusion-(?:anime|furry)-?(?:v?1|full|curated)",
    ),
    ("Stable Diffusion 1 finetune", Family.STABLE_DIFFUSION, _FINETUNES_OF_1),
)
_PATTERNS = [(name, family, re.compile(pattern)) for name, family, pattern in _MODELS]
_ECOSYSTEMS = {
    "sd1": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sd3": "Stable Diffusion 3",
    "sd35": "Stable Diffusion 3.5",
    "sdxl": "Stable Diffusion XL",
    "sdxldistilled": "Stable Diffusion XL",
    "pony": "Pony Diffusion",
    "illustrious": "Illustrious",
    "noobai": "Illustrious",
    "flux1": "FLUX",
    "flux2": "FLUX.2",
    "chroma": "Chroma",
    "hunyuan1": "Hunyuan",
    "hidream": "HiDream",
    "kolors": "Kolors",
    "lumina": "Lumina",
    "auraflow": "AuraFlow",
    "pixarta": "PixArt",
    "pixarte": "PixArt",
    "scascade": "Stable Cascade",
    "qwen": "Qwen-Image",
    "zimageturbo": "Z-Image",
    "zimagebase": "Z-Image",
}
_FAMILIES = {name: family for name, family, _ in _MODELS}


@dataclass(frozen=True)
class Model:
    """What a model's name says.

    Attributes:
        generator: usual name of the model, or of what it was trained from.
        family: of it.
        name: of the model as given, without folders, ending and hash.
    """

    generator: str
    family: Family
    name: str


def model_named(text: str) -> Model | None:
    """The model that a name tells, whoever writes it.

    Args:
        text: name of a file of weights with or without folders, ending and hash, of a repository
            (``stabilityai/stable-diffusion-xl-base-1.0``), a URN of Civitai, or a model's usual
            name. Folders count where the rest of the name tells nothing.

    Returns:
        None for a name that tells no architecture.
    """
    if len(text) > _MAX_NAME:
        return None
    whole = _HASH.sub("", _ENDINGS.sub("", text.strip()))
    parts = [part for part in re.split(r"[\\/]+", whole) if part]
    ecosystem = _AIR.match(folded(whole))
    if ecosystem:
        known = _ECOSYSTEMS.get(ecosystem[1])
        return Model(known, _FAMILIES[known], whole) if known else None
    for part in reversed(parts):
        label = folded(part)
        for name, family, pattern in _PATTERNS:
            if pattern.search(label):
                return Model(name, family, parts[-1])
    return None


def folded(text: str) -> str:
    """Lower case, with one dash for spaces, underscores, points, colons and dashes."""
    return re.sub(r"[\s_.:\-]+", "-", text.strip().lower()).strip("-")
