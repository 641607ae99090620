"""Names of generators, as programs and services write them of themselves.

A name counts as a whole, with a version behind it at most: ``Imagen 4.2`` is an editor of
photographs and ``Gemini`` a telephone, so these stand here only with the maker's name before them.
"""

import re

# patterns of whole names, lower case, dashes and spaces as in _folded; (?:...) are variants
_NAMES: dict[str, tuple[str, ...]] = {
    "Adobe Firefly": ("adobe firefly(?: (?:image|video))?(?: model)?",),
    "Amazon Nova Canvas": ("amazon (?:titan image generator|nova canvas)(?: g1)?",),
    "Artbreeder": ("artbreeder",),
    "AUTOMATIC1111": (
        "automatic1111(?: web ?ui)?",
        "(?:a1111 )?stable diffusion web ?ui(?: forge| reforge)?",
        "(?:sd web ?ui|stable diffusion web ?ui) forge",
    ),
    "Bing Image Creator": (
        "bing image creator",
        "(?:microsoft )?(?:bing )?image creator from (?:microsoft )?(?:bing|designer)",
        "microsoft image creator",
    ),
    "CogView": ("cogview",),
    "ComfyUI": ("comfyui",),
    "Craiyon": ("craiyon",),
    "DALL-E": ("(?:openai )?dall ?e(?: (?:mini|mega))?",),
    "Deep Dream Generator": ("deep dream generator",),
    "DiffusionBee": ("diffusion ?bee",),
    "Draw Things": ("draw things",),
    "Dream by WOMBO": ("dream by wombo", "wombo dream"),
    "DreamStudio": ("dreamstudio", "dreamstudio by stability ai"),
    "Easy Diffusion": ("easy diffusion",),
    "FLUX": (
        "black forest labs",
        "(?:black forest labs )?flux\\.[12](?:\\.[01])?(?: (?:dev|schnell|pro|flex|max|ultra|raw"
        "|fill|canny|depth|redux|kontext|krea|klein|\\[[a-z]+\\]))*",
        "flux ?1\\.1 (?:pro|\\[pro\\])(?: ultra)?",
        "flux (?:dev|schnell|pro|kontext)",
    ),
    "Fooocus": ("(?:de|simple|ruined|better)?fooocus(?: (?:mre|api))?",),
    "getimg.ai": ("getimg\\.ai",),
    "Google": (
        "(?:google )?imagefx",
        "google (?:ai )?imagen",
        "google (?:ai )?gemini(?: (?:pro|ultra|nano|flash))?",
        "(?:google )?gemini [\\d.]+ (?:flash|pro)(?: preview)? image(?: (?:generation|preview))?",
        "(?:google )?nano ?banana(?: pro)?",
    ),
    "Grok": ("(?:xai )?grok(?: (?:imagine|image|2|3|4|aurora))?", "xai aurora"),
    "Hunyuan": ("(?:tencent )?hunyuan(?: ?image|dit| ?dit)",),
    "Ideogram": ("ideogram(?: ai|\\.ai)?",),
    "imaginAIry": ("imaginairy",),
    "InvokeAI": ("invoke ?ai",),
    "Jimeng": ("jimeng(?: ai)?", "\u5373\u68a6(?: ?ai)?", "dreamina"),
    "Kandinsky": ("kandinsky (?=[\\d.]+$)",),
    "Kling": ("kling ai",),
    "Krea": ("krea ai", "krea\\.ai"),
    "Leonardo": ("leonardo(?: ai|\\.ai)", "leonardo interactive"),
    "Mage": ("mage\\.space",),
    "mflux": ("mflux",),
    "Midjourney": ("midjourney(?: (?:ai|bot|inc))?", "niji ?journey", "midjourney niji"),
    "Mochi Diffusion": ("mochi diffusion",),
    "NightCafe": ("nightcafe(?: studio| creator)?",),
    "NovelAI": (
        "novel ?ai(?: diffusion)?",
        "nai diffusion(?: (?:\\d|full|curated|preview|furry))*",
    ),
    "OpenAI": (
        "openai(?: (?:api|labs|chatgpt|sora|images?))?",
        "(?:openai )?chatgpt(?: images?)?",
        "(?:openai )?gpt 4o(?: image(?: generation)?)?",
        "(?:openai )?gpt image(?: [\\d.]+)?(?: mini| high| low)?",
    ),
    "PixAI": ("pixai(?:\\.art)?",),
    "Playground": ("playground ai", "playground v[\\d.]+"),
    "Qwen-Image": ("qwen image(?: edit)?",),
    "Recraft": ("recraft(?: ai|\\.ai)?",),
    "RunDiffusion": ("rundiffusion",),
    "SD.Next": ("sd\\.next", "sd next", "vladmandic sd\\.next"),
    "SeaArt": ("seaart(?: ai|\\.ai)?",),
    "Seedream": ("(?:bytedance |doubao )?seedream",),
    "Stability AI": ("stability ?ai", "stability\\.ai"),
    "Stable Diffusion": (
        "stable ?diffusion(?: xl)?(?: (?:turbo|base|refiner|medium|large|ultra|core))*",
        "sdxl(?: (?:turbo|base|refiner|lightning))?",
        "stable diffusion 3(?:\\.5)?(?: (?:medium|large))?(?: turbo)?",
        "stable image (?:ultra|core)",
        "stable cascade",
        "stable horde",
        "ai horde",
    ),
    "stable-diffusion.cpp": ("stable diffusion\\.cpp",),
    "starryai": ("starryai",),
    "SwarmUI": ("(?:stable ?)?swarmui",),
    "Tensor.Art": ("tensor\\.?art",),
    "Wan": ("tongyi wanxiang",),
    "Z-Image": ("z image(?: turbo)?",),
}
_VERSION = r"(?: ?v?\.?\d+(?:[. ]v?\d+)*[a-z]?\d*(?: ?\(\d+(?:\.\d+)*\))?)?"
_WHOLE = [
    (re.compile(f"(?:{'|'.join(patterns)}){_VERSION}"), name) for name, patterns in _NAMES.items()
]
# what stands beside a name in fields that list what was done
_WORKS = re.compile(r"(?:ai generated|txt2img|img2img|text to image|image to image)")
_MAX_NAME = 100
_JOINTS = re.compile(r"\s*[;|]\s*|,\s+|\s+[/+]\s+")


def generator_named(text: str) -> str | None:
    """The generator that a text names, and nothing but names.

    Args:
        text: of a field for the program that made a file. Several names may stand in it, joined
            by ``;``, ``|``, ``,`` or `` / ``; then all must be names of generators.

    Returns:
        The generator's usual name; None for any other program and for longer texts.
    """
    if len(text) > _MAX_NAME:
        return None
    parts = [_folded(part) for part in _JOINTS.split(text) if part.strip()]
    names = [_named(part) for part in parts if not _WORKS.fullmatch(part)]
    return names[0] if names and all(names) else None


def _named(part: str) -> str | None:
    return next((name for pattern, name in _WHOLE if pattern.fullmatch(part)), None)


def _folded(text: str) -> str:
    """Lower case, with one space for spaces, dashes, underscores and middle dots."""
    return re.sub(r"[\s_\-\u2010-\u2015\u00b7\u2022\u30fb]+", " ", text).strip(" ,.").lower()
