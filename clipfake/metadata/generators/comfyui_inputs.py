"""Names and types of the inputs of ComfyUI's nodes, by what they carry."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# carry no pixels, so that what feeds them does not make the image
NO_PIXELS = _words(
    """
    model model2 unet clip clip_vision clip_vision_output vae optional_vae control_net controlnet
    upscale_model style_model lora lora_stack positive negative conditioning cond prompt text
    caption string filename filename_prefix prefix path seed noise_seed steps cfg denoise width
    height batch_size size fps frame_rate sampler sampler_name scheduler sigmas noise guider audio
    font color select index boolean condition ipadapter insightface bbox_detector sam_model_opt
    segm_detector_opt script tags metadata
    """
)
NO_PIXEL_TYPES = _words(
    """
    MODEL CLIP VAE CONDITIONING CLIP_VISION CLIP_VISION_OUTPUT CONTROL_NET UPSCALE_MODEL
    STYLE_MODEL STRING INT FLOAT BOOLEAN COMBO NOISE GUIDER SAMPLER SIGMAS AUDIO LORA_STACK
    BBOX_DETECTOR SAM_MODEL SEGM_DETECTOR INSIGHTFACE IPADAPTER
    """
)
# carry an image, or the latents of one
PIXEL_INPUTS = _words(
    "image images pixels frames video samples latent latent_image input_image images_opt"
)
PIXEL_TYPES = _words("LATENT IMAGE *")
# what a sampler takes, whatever its name
FOUR_INPUTS = _words("model positive negative latent_image")
MODEL_INPUTS = _words("model unet diffusion_model transformer pipeline pipe basic_pipe guider")
WORD_INPUTS = _words(
    "positive conditioning cond text_embeds prompt_embeds hyvid_embeds guider basic_pipe"
)
LATENT_INPUTS = _words("latent_image latent latents samples init_latent image_embeds image pixels")
SAMPLER_SETTINGS = _words(
    """
    steps cfg cfg_scale guidance guidance_scale seed noise_seed sampler_name scheduler denoise
    denoise_strength start_at_step
    """
)
# lead away from the words that were asked for
UNWISHED_INPUTS = _words("negative uncond neg_conditioning negative_prompt vae image pixels")
# settings of nodes that write files
FILE_SETTINGS = _words(
    "filename_prefix filename save_prefix output_path output_folder save_path file_name"
)
