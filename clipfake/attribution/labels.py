"""Families of data sets' labels: what a column such as ``generator`` of a manifest says."""

import re

from clipfake.attribution.families import Family
from clipfake.attribution.models import folded, model_named

# labels that name a site, a mixture or a choice of generators, never one
_SEVERAL = re.compile(
    r"(?:mixed|replit|ai-wild|other|c2pa|comfyui|freepik)(?:-|$)"
    r"|.*-or-.*|.*-multi$"
    r"|(?:sd|leonardo)-(?:wild|comfyui|unspecified|finetune)$|.*-refiner$"
)
# what is no model's name, or means another thing in a label; the first that fits counts, at the
# start of the label
_LABELS: tuple[tuple[str, Family], ...] = (
    (r"(?:dalle|dall-e)-?(?:mini|mega)|craiyon", Family.OTHER),
    (r"midjourney|niji", Family.MIDJOURNEY),
    (r"(?:bing-)?dall-?e|bing-image|copilot-image", Family.DALL_E),
    (r"gpt-?(?:image|4o)|chatgpt", Family.GPT_IMAGE),
    (r"(?:google-)?(?:gemini|imagen|imagefx|nano-?banana|whisk|veo-whisk)", Family.GOOGLE),
    (r"jimeng|dreamina|doubao", Family.BYTEDANCE),
    (r"qwen|tongyi", Family.ALIBABA),
    (
        r"big-?gan|bigsleep|big-sleep|(?:style|pro|giga|cycle|star|atto|sn|mmd|info|dc|r|gau)-?gan"
        r"|pix2pix|generatedphotos|thispersondoesnotexist",
        Family.GAN,
    ),
    (r"sd-anime|controlnet|ldm4-sd", Family.STABLE_DIFFUSION),
    (r"chroma(?:-|\d|$)", Family.FLUX),
    (
        r"adm$|amazon|bagel|clip-guided|cogview|cosmos|deep-?daze|disco|emu-?3|ernie|firefly|glide"
        r"|grok|guided-diffusion|higgsfield|ideogram|infinity|janus|leonardo-(?:lucid|phoenix)"
        r"|majesty|meta-ai|nova-canvas|ovis|prx|recraft|runway|show-o|titan|vq-?diffusion|vqdm"
        r"|vqgan|wukong|ddpm|kling|minimax|reve|vidu|krea$|lumina",
        Family.OTHER,
    ),
)
# after the names of models: Stable Diffusion of no version was 1 or 2 in every set that says so
_REST = ((r"stable-?diffusion(?:-early)?$", Family.STABLE_DIFFUSION),)
_PATTERNS = [(re.compile(pattern), family) for pattern, family in _LABELS]
_PATTERNS_OF_REST = [(re.compile(pattern), family) for pattern, family in _REST]
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
    if len(text) > _MAX_LABEL:
        return None
    label = folded(text)
    if _SEVERAL.match(label):
        return None
    for pattern, family in _PATTERNS:
        if pattern.match(label):
            return family
    model = model_named(label)
    if model is not None:
        return model.family
    return next((family for pattern, family in _PATTERNS_OF_REST if pattern.match(label)), None)
