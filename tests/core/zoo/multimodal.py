"""Classes that read an image among words; paths start from its pixels."""

from tests.core.zoo.row import Row
from tests.core.zoo.text import DELTA


def pictured(names, attentions=None, **changes):
    return [Row(name, "pictured", changes, attentions) for name in names.split()]


TOKEN = {"image_token_id": 3, "image_token_index": 3}
SIZES = {"image_grid_pinpoints": [[32, 32]]}
# Images come as patches with a grid; positions have three parts: time, row, column.
GRID = {
    "vision_config": {
        "depth": 2,
        "num_heads": 4,
        "hidden_size": 32,
        "out_hidden_size": 32,
        "patch_size": 4,
        "mlp_ratio": 2,
        "fullatt_block_indexes": [1],
        "window_size": 16,
        "deepstack_visual_indexes": [0],
        "num_position_embeddings": 16,
    },
    "text_config": {
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [1, 1, 2],
            "partial_rotary_factor": 1.0,
        }
    },
    "image_token_id": 3,
    "video_token_id": 4,
    "vision_start_token_id": 9,
    "vision_end_token_id": 6,
}
HYBRID = {**GRID, "text_config": {**GRID["text_config"], **DELTA}}
TILES = {
    "intermediate_size": 128,
    "vision_output_dim": 32,
    "pixel_shuffle_ratio": 0.5,
    "projector_input_dim": 32,
    "projector_output_dim": 32,
}
RESAMPLER = {
    "resampler_n_latents": 2,
    "resampler_depth": 1,
    "resampler_n_heads": 4,
    "resampler_head_dim": 8,
    "num_key_value_heads": 2,
}
CODES = {
    "base_channels": 32,
    "channel_multiplier": [1],
    "num_res_blocks": 1,
    "embed_dim": 8,
    "latent_channels": 32,
    "num_embeddings": 16,
}

MULTIMODAL = [
    *pictured("Qwen2VLForConditionalGeneration Qwen2_5_VLForConditionalGeneration", **GRID),
    *pictured("Qwen3VLForConditionalGeneration Qwen3VLMoeForConditionalGeneration", **GRID),
    *pictured("Qwen2_5OmniThinkerForConditionalGeneration Glm46VForConditionalGeneration", **GRID),
    *pictured("Glm4vForConditionalGeneration Glm4vMoeForConditionalGeneration", **GRID),
    *pictured("GlmOcrForConditionalGeneration", **GRID),
    # Linear attention in one of two layers that read text.
    *pictured("Qwen3_5ForConditionalGeneration Qwen3_5MoeForConditionalGeneration", (4,) * 3, **HYBRID),
    *pictured(
        "Gemma3ForConditionalGeneration",
        **TOKEN,
        mm_tokens_per_image=4,
        vision_config={"vision_use_head": False},
    ),
    *pictured("Llama4ForConditionalGeneration", **TOKEN, vision_config=TILES),
    *pictured(
        "LlavaForConditionalGeneration VideoLlavaForConditionalGeneration", vision_feature_layer=-1, **TOKEN
    ),
    *pictured("LlavaNextForConditionalGeneration", vision_feature_layer=-1, **TOKEN, **SIZES),
    *pictured("LlavaOnevisionForConditionalGeneration", **TOKEN, **SIZES),
    *pictured("VipLlavaForConditionalGeneration", vision_feature_layers=[-1, -2], **TOKEN),
    *pictured("Idefics3ForConditionalGeneration SmolVLMForConditionalGeneration", scale_factor=2, **TOKEN),
    # Two latent queries gather the image.
    *pictured("Idefics2ForConditionalGeneration", (4,) * 5, perceiver_config=RESAMPLER, **TOKEN),
    *pictured("InternVLForConditionalGeneration PaliGemmaForConditionalGeneration", **TOKEN),
    *pictured(
        "Mistral3ForConditionalGeneration LightOnOcrForConditionalGeneration",
        **TOKEN,
        vision_config={"head_dim": 8},
        spatial_merge_size=2,
    ),
    *pictured("AyaVisionForConditionalGeneration", downsample_factor=2, **TOKEN),
    *pictured(
        "Cohere2VisionForConditionalGeneration",
        downsample_factor=2,
        alignment_intermediate_size=48,
        **TOKEN,
    ),
    *pictured("GotOcr2ForConditionalGeneration Ovis2ForConditionalGeneration", **TOKEN),
    *pictured("DeepseekVLForConditionalGeneration", **TOKEN),
    *pictured("JanusForConditionalGeneration", vq_config=CODES, **TOKEN),
    # Sixteen patches are gathered by four queries.
    *pictured("AriaForConditionalGeneration", (4,) * 5, projector_patch_to_query_dict={16: 4}, **TOKEN),
    # Between the two towers queries gather the image, in the first of two layers, and then attend to each
    # other; their first self-attention reads no image.
    *pictured("Blip2ForConditionalGeneration", (4,) * 6, num_query_tokens=2, **TOKEN),
    *pictured("InstructBlipForConditionalGeneration", (4,) * 6, num_query_tokens=2, **TOKEN),
]
