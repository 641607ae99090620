"""Names of generators, as programs, services and standards write them: one table.

A name counts as a whole, with a version behind it at most. Where a field is for any program a name
must be one that no editor, camera or telephone bears: ``Imagen 4.2`` edits photographs and
``Gemini`` is a telephone, so these stand only with the maker's name before them. Where the field
itself says that a model made the image, shorter names are enough.
"""

import re
from dataclasses import dataclass, replace

from clipfake.attribution.families import Family
from clipfake.attribution.models import model_named


@dataclass(frozen=True)
class Name:
    """What a name says.

    Attributes:
        generator: usual name of the generator; of a program that runs any model the program's,
            of a service that offers several the service's.
        family: of what it generates; None where that is not told.
        version: as given behind the name; None for none.
        program: usual name of the program or service that signs with it; None for names that count
            only where a field says that a model made the image.
    """

    generator: str
    family: Family | None = None
    version: str | None = None
    program: str | None = None


_Row = tuple[str, Family | None, str, tuple[str, ...]]
# generator, family, program, and patterns of whole names: lower case, spaces as in _folded
_SIGNED: tuple[_Row, ...] = (
    (
        "Adobe Firefly",
        Family.OTHER,
        "Adobe Firefly",
        ("adobe firefly(?: (?:image|video))?(?: model)?",),
    ),
    (
        "Amazon Titan Image Generator",
        Family.OTHER,
        "Amazon Nova Canvas",
        ("amazon titan image generator(?: g1)?",),
    ),
    ("Amazon Nova Canvas", Family.OTHER, "Amazon Nova Canvas", ("amazon nova canvas(?: g1)?",)),
    ("Artbreeder", None, "Artbreeder", ("artbreeder",)),
    (
        "AUTOMATIC1111",
        None,
        "AUTOMATIC1111",
        (
            "automatic1111(?: web ?ui)?",
            "(?:a1111 )?stable diffusion web ?ui(?: forge| reforge)?",
            "(?:sd web ?ui|stable diffusion web ?ui) forge",
        ),
    ),
    (
        "Bing Image Creator",
        None,
        "Bing Image Creator",
        (
            "bing image creator",
            "(?:microsoft )?(?:bing )?image creator from (?:microsoft )?(?:bing|designer)",
            "microsoft image creator",
        ),
    ),
    ("CogView", Family.OTHER, "CogView", ("cogview",)),
    ("ComfyUI", None, "ComfyUI", ("comfyui",)),
    ("Craiyon", Family.OTHER, "Craiyon", ("craiyon",)),
    ("DALL-E mini", Family.OTHER, "DALL-E", ("(?:openai )?dall ?e (?:mini|mega)",)),
    ("DALL-E", Family.DALL_E, "DALL-E", ("(?:openai )?dall ?e",)),
    ("Deep Dream Generator", None, "Deep Dream Generator", ("deep dream generator",)),
    ("DiffusionBee", None, "DiffusionBee", ("diffusion ?bee",)),
    ("Draw Things", None, "Draw Things", ("draw things",)),
    ("Dream by WOMBO", None, "Dream by WOMBO", ("dream by wombo", "wombo dream")),
    ("DreamStudio", None, "DreamStudio", ("dreamstudio", "dreamstudio by stability ai")),
    ("Easy Diffusion", None, "Easy Diffusion", ("easy diffusion",)),
    (
        "FLUX",
        Family.FLUX,
        "FLUX",
        (
            "black forest labs",
            "(?:black forest labs )?flux\\.[12](?:\\.[01])?(?: (?:dev|schnell|pro|flex|max|ultra"
            "|raw|fill|canny|depth|redux|kontext|krea|klein|\\[[a-z]+\\]))*",
            "flux ?1\\.1 (?:pro|\\[pro\\])(?: ultra)?",
            "flux (?:dev|schnell|pro|kontext)",
        ),
    ),
    ("RuinedFooocus", None, "Fooocus", ("ruined ?fooocus",)),
    ("Fooocus", None, "Fooocus", ("(?:de|simple|ruined|better)?fooocus(?: (?:mre|api))?",)),
    ("getimg.ai", None, "getimg.ai", ("getimg\\.ai",)),
    ("Google Imagen", Family.GOOGLE, "Google", ("(?:google )?imagefx", "google (?:ai )?imagen")),
    (
        "Google Gemini",
        Family.GOOGLE,
        "Google",
        (
            "google (?:ai )?gemini(?: (?:pro|ultra|nano|flash))?",
            "(?:google )?gemini [\\d.]+ (?:flash|pro)(?: preview)? image"
            "(?: (?:generation|preview))?",
            "(?:google )?nano ?banana(?: pro)?",
        ),
    ),
    ("Grok", Family.OTHER, "Grok", ("(?:xai )?grok(?: (?:imagine|image|2|3|4|aurora))?",)),
    ("Grok", Family.OTHER, "Grok", ("xai aurora",)),
    ("Hunyuan", Family.OTHER, "Hunyuan", ("(?:tencent )?hunyuan(?: ?image|dit| ?dit)",)),
    ("Ideogram", Family.OTHER, "Ideogram", ("ideogram(?: ai|\\.ai)?",)),
    ("imaginAIry", None, "imaginAIry", ("imaginairy",)),
    ("InvokeAI", None, "InvokeAI", ("invoke ?ai",)),
    ("Jimeng", Family.BYTEDANCE, "Jimeng", ("jimeng(?: ai)?", "\u5373\u68a6(?: ?ai)?")),
    ("Dreamina", Family.BYTEDANCE, "Jimeng", ("dreamina",)),
    ("Kandinsky", Family.OTHER, "Kandinsky", ("kandinsky (?=[\\d.]+$)",)),
    ("Kling", Family.OTHER, "Kling", ("kling ai",)),
    ("Krea", None, "Krea", ("krea ai", "krea\\.ai")),
    ("Leonardo", None, "Leonardo", ("leonardo(?: ai|\\.ai)", "leonardo interactive")),
    ("Mage", None, "Mage", ("mage\\.space",)),
    ("mflux", None, "mflux", ("mflux",)),
    (
        "Midjourney",
        Family.MIDJOURNEY,
        "Midjourney",
        ("midjourney(?: (?:ai|bot|inc))?", "niji ?journey", "midjourney niji"),
    ),
    ("Mochi Diffusion", None, "Mochi Diffusion", ("mochi diffusion",)),
    ("NightCafe", None, "NightCafe", ("nightcafe(?: studio| creator)?",)),
    (
        "NovelAI",
        None,
        "NovelAI",
        (
            "novel ?ai(?: diffusion)?",
            "nai diffusion(?: (?:\\d|full|curated|preview|furry))*",
        ),
    ),
    (
        "gpt-image",
        Family.GPT_IMAGE,
        "OpenAI",
        (
            "(?:openai )?gpt 4o(?: image(?: generation)?)?",
            "(?:openai )?gpt image(?: [\\d.]+)?(?: mini| high| low)?",
        ),
    ),
    ("ChatGPT", None, "OpenAI", ("(?:openai )?chatgpt(?: images?)?",)),
    ("Sora", None, "OpenAI", ("openai sora",)),
    ("OpenAI", None, "OpenAI", ("openai(?: (?:api|labs|images?))?",)),
    ("PixAI", None, "PixAI", ("pixai(?:\\.art)?",)),
    ("Playground", None, "Playground", ("playground ai", "playground v[\\d.]+")),
    ("Qwen-Image", Family.ALIBABA, "Qwen-Image", ("qwen image(?: edit)?",)),
    ("Recraft", Family.OTHER, "Recraft", ("recraft(?: ai|\\.ai)?",)),
    ("RunDiffusion", None, "RunDiffusion", ("rundiffusion",)),
    ("SD.Next", None, "SD.Next", ("sd\\.next", "sd next", "vladmandic sd\\.next")),
    ("SeaArt", None, "SeaArt", ("seaart(?: ai|\\.ai)?",)),
    ("Seedream", Family.BYTEDANCE, "Seedream", ("(?:bytedance |doubao )?seedream",)),
    ("Stability AI", None, "Stability AI", ("stability ?ai", "stability\\.ai")),
    (
        "Stable Diffusion",
        None,
        "Stable Diffusion",
        (
            "stable ?diffusion(?: xl)?(?: (?:turbo|base|refiner|medium|large|ultra|core))*",
            "sdxl(?: (?:turbo|base|refiner|lightning))?",
            "stable diffusion 3(?:\\.5)?(?: (?:medium|large))?(?: turbo)?",
            "stable image (?:ultra|core)",
            "stable cascade",
        ),
    ),
    ("AI Horde", None, "Stable Diffusion", ("stable horde", "ai horde")),
    ("stable-diffusion.cpp", None, "stable-diffusion.cpp", ("stable diffusion\\.cpp",)),
    ("starryai", None, "starryai", ("starryai",)),
    ("SwarmUI", None, "SwarmUI", ("(?:stable ?)?swarmui",)),
    ("Tensor.Art", None, "Tensor.Art", ("tensor\\.?art",)),
    ("Wan", Family.ALIBABA, "Wan", ("tongyi wanxiang",)),
    ("Z-Image", Family.ALIBABA, "Z-Image", ("z image(?: turbo)?",)),
)
# generator, family and patterns of names that count only where a field says that a model made the
# image: agents of C2PA actions, IPTC's AI system, producers of GB 45438
_STATED: tuple[tuple[str, Family | None, tuple[str, ...]], ...] = (
    (
        "Adobe Firefly",
        Family.OTHER,
        ("(?:adobe )?firefly(?: (?:image|vector|video|generative fill|fill|model))*",),
    ),
    (
        "Amazon Titan Image Generator",
        Family.OTHER,
        ("(?:amazon )?titan image(?: generator)?(?: g1)?",),
    ),
    ("Amazon Nova Canvas", Family.OTHER, ("(?:amazon )?nova canvas(?: g1)?",)),
    ("Amazon Bedrock", None, ("(?:amazon|aws) bedrock",)),
    ("Apple Image Playground", Family.OTHER, ("(?:apple )?image playground",)),
    ("Azure OpenAI", None, ("(?:microsoft )?azure openai(?: service)?(?: image ?gen)?",)),
    ("DALL-E", Family.DALL_E, ("(?:microsoft )?azure openai dall ?e",)),
    (
        "gpt-image",
        Family.GPT_IMAGE,
        (
            "(?:microsoft )?azure openai gpt (?:image|4o)(?: [\\d.]+)?(?: mini)?",
            "(?:openai )?(?:chatgpt )?4o image(?: generation)?",
            "(?:openai )?gpt (?:image|4o)(?: [\\d.]+)?(?: (?:mini|high|low|pro))?",
        ),
    ),
    ("ChatGPT", None, ("(?:openai )?gpt [5-9](?:\\.\\d)?(?: pro| mini)?", "chatgpt(?: [\\w.]+)?")),
    ("Sora", None, ("(?:openai )?sora",)),
    ("OpenAI", None, ("openai(?: opco| inc)?",)),
    ("Bing Image Creator", None, ("(?:microsoft )?bing(?: image creator)?",)),
    ("Microsoft Designer", None, ("(?:microsoft )?designer(?: image creator)?",)),
    ("Microsoft", None, ("microsoft(?: copilot| paint| responsible ai)?", "(?:paint )?cocreator")),
    ("MAI-Image", Family.OTHER, ("(?:microsoft )?mai image",)),
    (
        "Google Gemini",
        Family.GOOGLE,
        (
            "(?:google )?gemini(?! \\d+g)(?: app)?(?: [\\d.]+)?(?: (?:pro|ultra|nano|flash))*"
            "(?: image)?(?: (?:generation|preview))?",
            "(?:google )?nano ?banana(?: \\d)?(?: pro)?",
        ),
    ),
    (
        "Google Imagen",
        Family.GOOGLE,
        ("(?:google )?imagen(?! \\d+\\.[1-9])(?: \\d)?(?: (?:ultra|fast))?",),
    ),
    (
        "Google",
        Family.GOOGLE,
        (
            "google(?: ai| deepmind| llc)?",
            "(?:made|edited|created) (?:with|by|using) google (?:generative )?ai",
            "google generative ai",
            "google c2pa (?:core generator )?library(?: [\\d.:]+)?",
            "google media processing services",
            "(?:google )?(?:whisk|magic editor|vertex ai)",
        ),
    ),
    ("Grok", Family.OTHER, ("xai", "x\\.ai", "(?:xai )?grok(?: [\\w.]+)*", "(?:xai )?aurora")),
    (
        "Hunyuan",
        Family.OTHER,
        (
            "(?:tencent )?hunyuan(?: ?(?:image|dit|3d))?",
            "(?:\u817e\u8baf)?\u6df7\u5143",
        ),
    ),
    ("Tencent", Family.OTHER, ("tencent(?: yuanbao)?", "(?:\u817e\u8baf)?\u5143\u5b9d", "yuanbao")),
    ("Jimeng", Family.BYTEDANCE, ("jimeng(?: ai)?", "\u5373\u68a6(?: ?ai)?")),
    ("Dreamina", Family.BYTEDANCE, ("(?:capcut )?dreamina(?: ai)?",)),
    ("CapCut", Family.BYTEDANCE, ("capcut(?: ai)?", "jianying", "\u526a\u6620")),
    ("Doubao", Family.BYTEDANCE, ("(?:bytedance )?doubao(?: ai)?", "\u8c46\u5305(?: ?ai)?")),
    (
        "Seedream",
        Family.BYTEDANCE,
        ("(?:bytedance |doubao |jimeng )?see(?:dream|dedit)(?: [\\d.]+)?(?: (?:pro|lite))?",),
    ),
    (
        "ByteDance",
        Family.BYTEDANCE,
        (
            "bytedance(?: inc| ltd| pte)*",
            "byteplus",
            "volcano engine",
            "volcengine",
            "\u706b\u5c71\u5f15\u64ce",
            "(?:\u5317\u4eac)?\u5b57\u8282\u8df3\u52a8",
        ),
    ),
    (
        "Qwen-Image",
        Family.ALIBABA,
        ("qwen(?: image)?(?: (?:edit|plus|max|turbo))*", "(?:\u901a\u4e49)?\u5343\u95ee"),
    ),
    ("Wan", Family.ALIBABA, ("wanx?", "(?:tongyi )?wanxiang", "(?:\u901a\u4e49)?\u4e07\u76f8")),
    ("Z-Image", Family.ALIBABA, ("z image(?: (?:turbo|base|edit))?",)),
    (
        "Alibaba",
        Family.ALIBABA,
        ("alibaba(?: cloud)?", "tongyi(?: lab)?", "\u901a\u4e49", "\u963f\u91cc\u5df4\u5df4"),
    ),
    (
        "Baidu",
        Family.OTHER,
        (
            "baidu(?: ai)?",
            "ernie(?: (?:bot|image))?",
            "wenxin(?: yige| yiyan)?",
            "\u767e\u5ea6",
            "\u6587\u5fc3(?:\u4e00\u8a00|\u4e00\u683c)?",
        ),
    ),
    (
        "Kling",
        Family.OTHER,
        ("kling(?: ai| image)*", "kuaishou(?: kling)?", "\u53ef\u7075(?: ?ai)?", "\u5feb\u624b"),
    ),
    ("Kolors", Family.OTHER, ("kolors", "\u53ef\u56fe")),
    ("CogView", Family.OTHER, ("zhipu(?: ai)?", "\u667a\u8c31(?: ?ai)?", "glm image")),
    ("MiniMax", Family.OTHER, ("minimax(?: image)?", "hailuo(?: ai)?", "\u6d77\u87ba(?: ?ai)?")),
    ("Vidu", Family.OTHER, ("(?:shengshu )?vidu",)),
    (
        "FLUX",
        Family.FLUX,
        ("black forest labs(?: (?:api|inc|gmbh))?", "bfl(?: api)?", "flux(?:[. ][\\w.\\[\\]]+)*"),
    ),
    ("Ideogram", Family.OTHER, ("ideogram(?: (?:ai|inc))?",)),
    ("Leonardo", None, ("leonardo",)),
    ("Krea", None, ("krea",)),
    ("Luma", Family.OTHER, ("luma(?: ai)?(?: (?:photon|dream machine))?",)),
    ("Meta AI", Family.OTHER, ("meta ai", "imagined? with (?:meta )?ai", "made with meta ai")),
    ("Recraft", Family.OTHER, ("recraft(?: (?:ai|inc))?",)),
    ("Reve", Family.OTHER, ("reve(?: image)?",)),
    ("Runway", Family.OTHER, ("runway(?:ml)?(?: gen)?(?: \\d)?(?: (?:alpha|turbo|image))*",)),
    ("Higgsfield", None, ("higgsfield(?: ai)?(?: soul)?",)),
    ("Freepik", None, ("freepik(?: ai)?(?: (?:image generator|mystic|pikaso))?", "mystic")),
    ("Canva", None, ("canva (?:magic media|dream lab|ai)", "magic media", "dream lab")),
    ("Shutterstock AI", None, ("shutterstock(?:\\.| )ai(?: image)?(?: generator)?",)),
    ("Generative AI by Getty Images", None, ("(?:generative ai by )(?:getty images|istock)",)),
    ("Bria", Family.OTHER, ("bria(?: ai)?",)),
    ("Stability AI", None, ("stability(?: ai)?(?: (?:ltd|limited|api))?",)),
)
_VERSION = r"(?P<version>(?: ?v?\.?\d+(?:[. ]v?\d+)*[a-z]?\d*(?: ?\(\d+(?:\.\d+)*\))?)?)"
_SIGNATURES = [
    (re.compile(f"(?:{'|'.join(patterns)}){_VERSION}"), Name(generator, family, program=program))
    for generator, family, program, patterns in _SIGNED
]
_STATEMENTS = [
    (re.compile(f"(?:{'|'.join(patterns)}){_VERSION}"), Name(generator, family))
    for generator, family, patterns in _STATED
]
# organisations that sign manifests of what their models make, and of nothing else that has AI in it
_SIGNERS: tuple[tuple[str, str], ...] = (
    ("OpenAI", r"openai\b"),
    ("Google", r"google\b"),
    ("Microsoft", r"microsoft\b"),
    ("Amazon", r"amazon\b"),
    ("ByteDance", r"(?:bytedance|byteplus|tiktok|beijing volcano|capcut)\b"),
    ("Alibaba", r"alibaba\b"),
    ("Black Forest Labs", r"black forest labs\b"),
    ("Stability AI", r"stability ai\b"),
    ("Meta", r"meta(?: platforms)?\b"),
    ("xAI", r"(?:xai|x\.ai)\b"),
    ("Midjourney", r"midjourney\b"),
    ("Adobe", r"adobe\b"),
)
# unified social credit codes of companies, which stand behind "001" and a digit in the codes of
# producers (TC260-PG-20252A, identification of service providers)
_PRODUCERS: dict[str, tuple[str, Family]] = {
    "91110102MACQD9K640": ("Doubao", Family.BYTEDANCE),
    "9144030008867405X2": ("Jimeng", Family.BYTEDANCE),
    "91440101MA9Y9T4H7A": ("Qwen-Image", Family.ALIBABA),
    "91330106MA2CFLDG4R": ("Wan", Family.ALIBABA),
    "91110108335469089C": ("Kling", Family.OTHER),
    "91440300708461136T": ("Tencent", Family.OTHER),
    "9144030071526726XG": ("Hunyuan", Family.OTHER),
    "91110000802100433B": ("Baidu", Family.OTHER),
    "91110108MA01KP2T5U": ("CogView", Family.OTHER),
    "91110108MACC4D63XF": ("Vidu", Family.OTHER),
}
_PRODUCER = re.compile(r"001\d([0-9A-Z]{18})[0-9A-Za-z]*")
# what stands beside a name in fields that list what was done
_WORKS = re.compile(r"(?:ai generated|txt2img|img2img|text to image|image to image)")
_MAX_NAME = 100
_JOINTS = re.compile(r"\s*[;|]\s*|,\s+|\s+[/+]\s+")
# what the libraries that write manifests add of themselves
_LIBRARY = re.compile(r"\s+(?:\([^()]*\)\s*)?(?:c2pa|contentauth|adobe_?c2pa)\S*.*$", re.I)


def signature(text: str) -> Name | None:
    """The generator that a text names, and nothing but names of generators.

    Args:
        text: of a field for the program that made a file. Several names may stand in it, joined
            by ``;``, ``|``, ``,`` or `` / ``; then all must be names of generators.

    Returns:
        The first of them; None for any other program and for longer texts.
    """
    if len(text) > _MAX_NAME:
        return None
    parts = [_folded(part) for part in _JOINTS.split(text) if part.strip()]
    names = [_looked_up(part, _SIGNATURES) for part in parts if not _WORKS.fullmatch(part)]
    if not names or None in names:
        return None
    # a program may stand beside the model that it ran
    first = names[0]
    family = next((each.family for each in names if each and each.family), None)
    return replace(first, family=family) if first and first.family is None else first


def stated(text: str) -> Name | None:
    """The generator that a text names in a field that says that a model made the image.

    Args:
        text: name of a C2PA action's agent or of who made the claim, of IPTC's AI system, of a
            credit or of a producer; the library that wrote the manifest may stand behind it.

    Returns:
        None for any other text: editors that can run models are no generators.
    """
    whole = text.strip()
    if not whole or len(whole) > _MAX_NAME:
        return None
    for form in dict.fromkeys((whole, _LIBRARY.sub("", whole))):
        part = _folded(form)
        for each in (part, re.sub(r"/(?=v?\d)", " ", part)):
            found = _looked_up(each, _SIGNATURES) or _looked_up(each, _STATEMENTS)
            if found is not None:
                return found
    return None


def signer(organisation: str) -> str | None:
    """The maker of generators whose name an organisation that signs manifests bears."""
    folded = _folded(organisation)
    return next((name for name, pattern in _SIGNERS if re.match(pattern, folded)), None)


def producer(text: str) -> Name | None:
    """The generator of a producer in a label of GB 45438-2025: by its code, or by its name.

    Args:
        text: the label's ContentProducer.

    Returns:
        None for a producer that is not known here.
    """
    code = _PRODUCER.fullmatch(text.strip())
    if code:
        known = _PRODUCERS.get(code[1])
        return Name(*known) if known else None
    found = stated(text)
    if found is not None:
        return found
    # a company's whole name, in Chinese or English
    folded = _folded(text)
    for pattern, name, family in _COMPANIES:
        if re.search(pattern, folded):
            return Name(name, family)
    return None


_COMPANIES: tuple[tuple[str, str, Family], ...] = (
    (
        "\u5b57\u8282\u8df3\u52a8|\u706b\u5c71\u5f15\u64ce|\\bbytedance\\b",
        "ByteDance",
        Family.BYTEDANCE,
    ),
    ("\u8c46\u5305|\\bdoubao\\b", "Doubao", Family.BYTEDANCE),
    ("\u5373\u68a6|\\bjimeng\\b", "Jimeng", Family.BYTEDANCE),
    ("\u963f\u91cc|\u901a\u4e49|\\balibaba\\b", "Alibaba", Family.ALIBABA),
    ("\u817e\u8baf|\\btencent\\b", "Tencent", Family.OTHER),
    ("\u767e\u5ea6|\\bbaidu\\b", "Baidu", Family.OTHER),
    ("\u5feb\u624b|\\bkuaishou\\b", "Kling", Family.OTHER),
)


def _looked_up(part: str, table: list[tuple[re.Pattern[str], Name]]) -> Name | None:
    for pattern, name in table:
        found = pattern.fullmatch(part)
        if found:
            return _detailed(part, name, found["version"])
    return None


def _detailed(part: str, name: Name, version: str) -> Name:
    """A name with its version, and with the family of the model that it names."""
    inner = re.search(r"(?:^| )v?(\d+(?:\.\d+)*)(?= |$)", part)
    given = version.strip(" .") or (inner[1] if inner else "")
    given = given.removeprefix("v")
    if name.family is None:
        model = model_named(part)
        if model is not None:
            called = model.generator if name.generator == "Stable Diffusion" else name.generator
            return replace(name, generator=called, family=model.family, version=given or None)
    return replace(name, version=given or None)


def _folded(text: str) -> str:
    """Lower case, with one space for spaces, dashes, underscores and middle dots."""
    return re.sub(r"[\s_\-\u2010-\u2015\u00b7\u2022\u30fb]+", " ", text).strip(" ,.").lower()
