"""Names of models."""

import pytest

from clipfake.attribution.families import Family
from clipfake.attribution.models import model_named

SD, SDXL, FLUX = Family.STABLE_DIFFUSION, Family.SDXL, Family.FLUX
MODELS = {
    "Stable Diffusion 1": "v1-5-pruned v1-5-pruned-emaonly.ckpt sd-v1-4.ckpt sd15 SD_1.5 sd1.5 "
    "runwayml/stable-diffusion-v1-5 CompVis/stable-diffusion-v1-4 v1-5-inpainting "
    "stable_diffusion_1.5",
    "Stable Diffusion 1 finetune": "dreamshaper_8.safetensors DreamShaper_6BakedVae "
    "realisticVisionV60B1_v51VAE majicmixRealistic_v7 lyriel_v16 meinamix_meinaV11 "
    "darkSushiMixMix_225D deliberate_v2 cyberrealistic_v33 epicrealism_naturalSinRC1VAE "
    "revAnimated_v122 chilloutmix_NiPrunedFp32Fix anything-v4.5 AnythingV5_v5PrtRE "
    "Counterfeit-V3.0 abyssorangemix3AOM3_aom3a1b juggernaut_reborn openjourney-v4 "
    "absolutereality_v181 toonyou_beta6 ghostmix_v20Bakedvae",
    "Stable Diffusion 2": "v2-1_768-ema-pruned stabilityai/stable-diffusion-2-1 sd21 768-v-ema "
    "512-base-ema.ckpt stabilityai/sd-turbo SD_2.1 illuminatiDiffusionV1_v11",
    "Stable Diffusion XL": "sd_xl_base_1.0 sd_xl_turbo_1.0_fp16.safetensors SDXL sdxl_lightning_4 "
    "stabilityai/stable-diffusion-xl-base-1.0 sd-xl-refiner sdxl-turbo SDXL/anything/myModel "
    "urn:air:sdxl:checkpoint:civitai:101@102",
    "SDXL finetune": "juggernautXL_v9Rdphoto2Lightning Juggernaut-XI animagine-xl-3.1 "
    "albedobaseXL_v21 DreamShaperXL_Turbo himawarimix_xlV10 realvisxlV40 leosamsHelloworldXL_7 "
    "counterfeitXL_v25 zavychromaxl_v80 segmind/SSD-1B",
    "Pony Diffusion": "ponyDiffusionV6XL_v6StartWithThisOne cyberrealisticPony_v8 "
    "urn:air:pony:checkpoint:civitai:1@2 ponyRealism_v22",
    "Illustrious": "illustriousXL_v01 waiNSFWIllustrious_v140 noobaiXLNAIXL_vPred10 "
    "urn:air:illustrious:checkpoint:civitai:1@2 Illustrious-XL-v1.0",
    "Playground 2": "playground-v2.5-1024px-aesthetic playgroundai/playground-v2",
    "FLUX": "flux1-dev flux1-dev-fp8.safetensors flux1-schnell.gguf black-forest-labs/FLUX.1-dev "
    "jibMixFlux_v85 pixelwave_flux1Dev03 FLUX.1-Kontext-dev fluxdev flux1-krea-dev",
    "FLUX.2": "flux2-dev FLUX.2-klein-9B",
    "Chroma": "chroma-unlocked-v37.safetensors Chroma1-HD",
    "Stable Diffusion 3": "sd3_medium_incl_clips_t5xxlfp8 stabilityai/stable-diffusion-3-medium",
    "Stable Diffusion 3.5": "sd3.5_large.safetensors sd35_medium SD_3.5 "
    "stabilityai/stable-diffusion-3.5-large-turbo",
    "Qwen-Image": "qwen_image_fp8_e4m3fn qwen-image qwen_image_edit_2509 Qwen/Qwen-Image-2512",
    "Z-Image": "z_image_turbo_bf16.safetensors Z-Image z-image-turbo zImageTurbo_v10",
    "Wan": "wan2.2_t2v_high_noise_14B_fp8_scaled Wan2.1-T2V-14B wan_2.2",
    "Seedream": "seedream-4.5 seedream4",
    "Hunyuan": "hunyuan_image_2.1 HunyuanDiT-v1.2 hunyuan",
    "Kolors": "kolors Kwai-Kolors/Kolors",
    "PixArt": "PixArt-Sigma-XL-2-1024-MS PixArt-alpha/PixArt-XL-2-1024-MS",
    "Krea 2": "Krea-2-Raw-Q8_0.gguf krea2",
    "AuraFlow": "auraflow-v0.3 fal/AuraFlow",
    "Kandinsky": "kandinsky-community/kandinsky-2-2-decoder",
    "Stable Cascade": "stable_cascade_stage_c warp-ai/wuerstchen",
    "DeepFloyd IF": "DeepFloyd/IF-I-XL-v1.0",
    "HiDream": "hidream_i1_full_fp8",
    "Cosmos": "cosmos_predict2_2B_t2i.safetensors",
    "NovelAI Diffusion 3": "nai-diffusion-3 nai-diffusion-furry-3",
    "NovelAI Diffusion 4": "nai-diffusion-4-5-full nai-diffusion-4-curated-preview",
}
NOTHING = [
    "a-model",
    "model.safetensors",
    "20-bpcga9-lracrc2oh-b11i75pvc-gf34ym34-sd",
    "pixel",
    "fluxus",
    "influx",
    "excel_art",
    "exquisite",
    "512x768",
    "41429fdee1",
    "last.ckpt",
    "epoch=4",
    "chromav5",
    "wandering",
    "banana",
    "urn:air:other:checkpoint:civitai:1@2",
    "vae-ft-mse-840000",
    "ponytail",
    "sd",
    "1024",
    "final_v2",
    "v3",
]
FAMILIES = {
    **dict.fromkeys(
        ("Stable Diffusion 1", "Stable Diffusion 1 finetune", "Stable Diffusion 2"), SD
    ),
    **dict.fromkeys(
        (
            "Stable Diffusion XL",
            "SDXL finetune",
            "Pony Diffusion",
            "Illustrious",
            "Playground 2",
            "NovelAI Diffusion 3",
        ),
        SDXL,
    ),
    **dict.fromkeys(
        ("FLUX", "FLUX.2", "Chroma", "Stable Diffusion 3", "Stable Diffusion 3.5"), FLUX
    ),
    **dict.fromkeys(("Qwen-Image", "Z-Image", "Wan"), Family.ALIBABA),
    "Seedream": Family.BYTEDANCE,
}


@pytest.mark.parametrize(
    ("text", "generator"),
    [(text, generator) for generator, texts in MODELS.items() for text in texts.split()],
)
def test_a_model_is_known_by_its_name(text: str, generator: str) -> None:
    for variant in (text, f"C:\\models\\x\\{text}", text.replace("_", " "), f"{text} [1a2b3c4d]"):
        found = model_named(variant)
        if not variant.startswith("C:") or not text.startswith("urn"):
            assert found is not None, variant
            assert found.generator == generator, variant
            assert found.family is FAMILIES.get(generator, Family.OTHER)


@pytest.mark.parametrize("text", [*NOTHING, "", "/", "x" * 10_000, "sd" * 5000])
def test_other_names_tell_nothing(text: str) -> None:
    assert model_named(text) is None


def test_a_name_is_given_without_folder_ending_and_hash() -> None:
    found = model_named("SDXL\\of me\\mine_v3.safetensors [0123456789]")
    assert found is not None
    assert (found.generator, found.name) == ("Stable Diffusion XL", "mine_v3")
