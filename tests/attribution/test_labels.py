"""Families of data sets' labels."""

import pytest

from clipfake.attribution.families import Family
from clipfake.attribution.labels import family_of_label

NAMED = {
    Family.STABLE_DIFFUSION: "sd15 SD1.4 sd_anime sd-turbo stable-diffusion-2.1 sd15-majicmix "
    "realistic-vision dreamshaper lcm-dreamshaper lyriel meinamix dark-sushi-mix sd14_custom",
    Family.SDXL: "sdxl SDXL_Turbo sdxl-web albedobase-xl-sdxl dmd2-sdxl lcm-sdxl playground-v2 "
    "playground-v2.5 segmind-vega pcm-sdxl icbinp-xl stable-diffusion-xl fustercluck",
    Family.FLUX: "flux1-dev flux.1-schnell flux-lora-wild flux2-klein sd3 sd3.5-large sd35-medium "
    "stable-diffusion-3 chroma flux-krea openflux-1",
    Family.MIDJOURNEY: "midjourney midjourney-v5 midjourney4 midjourney-wild niji",
    Family.DALL_E: "dalle dalle2 dalle3 dall-e-3 dalle3-wild bing-dall-e-3 copilot-image",
    Family.GPT_IMAGE: "gpt-image-1 gpt-4o gpt-image-2 chatgpt-wild gpt-image-1-sora",
    Family.GOOGLE: "gemini-wild gemini-2.5-flash-image nano-banana-pro imagen-whisk imagen-3",
    Family.BYTEDANCE: "seedream45 seedream-5-pro jimeng dreamina",
    Family.ALIBABA: "qwen-image qwen-image-edit z-image-turbo z-image wan2.2",
    Family.GAN: "biggan stylegan2 stylegan2-ada-anime progan gigagan cyclegan pix2pixhd "
    "stargan generatedphotos",
    Family.OTHER: "kolors latent-diffusion ldm glide kandinsky2 pixart-alpha hunyuan-dit "
    "cogview4 disco_diffusion vqgan_clip craiyon dalle-mini deepfloyd-if stable-cascade "
    "auraflow-0.2 sana krea2 firefly firefly-wild ideogram-wild grok",
}
UNNAMED = (
    "mixed-RafiAndi ai-wild-replit replit-agent replit-wild other-wild c2pa-wild sd-comfyui "
    "gpt-image-or-gemini dall-e-2-or-sd sd-comfy-multi comfyui-wild comfyui-mixed freepik-wild "
    "leonardo-wild sd_unspecified sd-wild pixart-sigma-sd15-refiner photo-kaldi real"
)


@pytest.mark.parametrize(
    ("label", "family"),
    [(label, family) for family, labels in NAMED.items() for label in labels.split()],
)
def test_label_of_one_generator(label: str, family: Family) -> None:
    assert family_of_label(label) is family
    assert family_of_label(f" {label.upper().replace('-', '_')} ") is family


@pytest.mark.parametrize("label", [*UNNAMED.split(), "", "-" * 1_000_000, "sd15" + "x" * 200])
def test_label_of_none_or_several(label: str) -> None:
    assert family_of_label(label) is None
