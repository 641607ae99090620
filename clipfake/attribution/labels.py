"""Families of data sets' labels: what a column such as ``generator`` of a manifest says."""

import re

from clipfake.attribution.families import Family

# labels that name a site, a mixture or a choice of generators, never one
_SEVERAL = re.compile(
    r"(?:mixed|replit|ai-wild|other|c2pa|comfyui|freepik)(?:-|$)"
    r"|.*-or-.*|.*-multi$"
    r"|(?:sd|leonardo)-(?:wild|comfyui|unspecified|finetune)$|.*-refiner$"
)
# finetunes of Stable Diffusion 1 and 2 that are known by names of their own
_FINETUNES_OF_1 = (
    "architecturerealmix|chilloutmix|counterfeit|cyberrealistic|dan-mumford|dark-sushi|deliberate"
    "|dreamlike|dreamshaper|edge-of-realism|epicrealism|faetastic|galena|ghostmix|gligen"
    "|icbinp(?!-xl)|illuminati|japanese-stable-diffusion|absolute-?reality|abyss-?orange|anything-?v"
    "|lyriel|majicmix|meinamix|mistoon|moonmix|neurogen|nightmare-?shaper|novelai-v1|openjourney"
    "|inkpunk|analog-diffusion|arcane-diffusion|mdjrny|perfect-world|protogen|realbiter"
    "|realistic-?vision|rev-?animated|toonyou|waifu-diffusion|xsarchitectural"
)
# the first that fits counts, at the start of the label
_LABELS: tuple[tuple[str, Family], ...] = (
    # what is derived from a generator whose name stands later in the label
    (r"(?:dalle|dall-e)-?(?:mini|mega)|craiyon", Family.OTHER),
    (r"krea-?2|hunyuan|kolors|f-lite|leonardo-(?:lucid|phoenix)", Family.OTHER),
    (r"glide|glid-3|kandinsky|imagen-?video", Family.OTHER),
    (
        r".*sdxl(?:-|$)|sdxl|.*-xl(?:-|$)|stable-?diffusion-?xl|(?:ssd-1b|segmind|playground-v?2)"
        r"|.*(?:albedobase|juggernaut|animagine|illustrious|noobai|pony-?diffusion|fustercluck)",
        Family.SDXL,
    ),
    (
        r"(?:open-?)?flux|chroma(?:-|\d|$)|sd-?3|stable-?diffusion-?3|stable-image-ultra",
        Family.FLUX,
    ),
    (
        r"sd-?[12](?:-?\d)?(?:-|$)|sd-(?:turbo|anime)|sdxs|controlnet|ldm4-sd"
        rf"|stable-?diffusion(?:-|$)|(?:.*-)?(?:{_FINETUNES_OF_1})",
        Family.STABLE_DIFFUSION,
    ),
    (r"midjourney|niji", Family.MIDJOURNEY),
    (r"(?:bing-)?dall-?e|bing-image|copilot-image", Family.DALL_E),
    (r"gpt-?(?:image|4o)|chatgpt", Family.GPT_IMAGE),
    (r"(?:google-)?(?:gemini|imagen|imagefx|nano-?banana|whisk|veo-whisk)", Family.GOOGLE),
    (r"(?:bytedance-|doubao-)?(?:seedream|seededit)|jimeng|dreamina|doubao", Family.BYTEDANCE),
    (r"qwen|z-?image|wan-?\d|wanx|tongyi", Family.ALIBABA),
    (
        r"big-?gan|bigsleep|big-sleep|(?:style|pro|giga|cycle|star|atto|sn|mmd|info|dc|r|gau)-?gan"
        r"|pix2pix|stylegan|generatedphotos|thispersondoesnotexist",
        Family.GAN,
    ),
    (
        r"adm$|amazon|auraflow|bagel|bria|clip-guided|cogview|cosmos|deep-?daze|deepfloyd|disco"
        r"|emu-?3|ernie|fibo|firefly|grok|guided-diffusion|hidream|higgsfield|ideogram|infinity"
        r"|janus|krea|latent-diffusion|ldm|longcat|lumina|majesty|meta-ai|nova-canvas|omnigen"
        r"|ovis|pixart|prx|recraft|runway|sana|show-o|stable-cascade|titan|vq-?diffusion|vqdm"
        r"|vqgan|wuerstchen|wurstchen|wukong|luminagpt|ddpm|kling|minimax|reve|vidu|photon",
        Family.OTHER,
    ),
)
_PATTERNS = [(re.compile(pattern), family) for pattern, family in _LABELS]
_MAX_LABEL = 100


def family_of_label(text: str) -> Family | None:
    """The family that a data set's label for generated images names.

    Args:
        text: a label as data sets write it: ``sd15``, ``SDXL_Turbo``, ``flux1-dev-lora``; case,
            and which of dash, underscore, point or space parts its words, do not count. Labels of
            real images are not for this: some name the data set that held the reals beside a
            generator's images.

    Returns:
        The family; None for a label that names several generators, none or an unknown one.
    """
    label = re.sub(r"[\s_.\-]+", "-", text.strip().lower())
    if len(label) > _MAX_LABEL or _SEVERAL.match(label):
        return None
    return next((family for pattern, family in _PATTERNS if pattern.match(label)), None)
