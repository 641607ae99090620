"""Families of generators: what pixels can tell apart, and what named generators belong to."""

from enum import Enum


class Family(str, Enum):
    """Generators that share an architecture, or a maker whose models leave alike images."""

    GAN = "gan"
    STABLE_DIFFUSION = "stable-diffusion"
    SDXL = "sdxl"
    FLUX = "flux"
    MIDJOURNEY = "midjourney"
    DALL_E = "dall-e"
    GPT_IMAGE = "gpt-image"
    GOOGLE = "google"
    BYTEDANCE = "bytedance"
    ALIBABA = "alibaba"
    OTHER = "other"


TITLES: dict[Family, str] = {
    Family.GAN: "GAN",
    Family.STABLE_DIFFUSION: "Stable Diffusion 1 or 2",
    Family.SDXL: "SDXL or a finetune of it",
    Family.FLUX: "Stable Diffusion 3 or FLUX",
    Family.MIDJOURNEY: "Midjourney",
    Family.DALL_E: "OpenAI DALL-E",
    Family.GPT_IMAGE: "OpenAI gpt-image",
    Family.GOOGLE: "Google Imagen or Gemini",
    Family.BYTEDANCE: "ByteDance Seedream or Jimeng",
    Family.ALIBABA: "Alibaba Qwen, Z-Image or Wan",
    Family.OTHER: "another generator",
}
