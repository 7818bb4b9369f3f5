"""An image among words, as each of the models takes it."""

import inspect

import torch

from tests.core.zoo.shrinking import first_of, normal

# Pixels where they are not one image of (3, 32, 32).
TILED = ("LlavaNextForConditionalGeneration", "LlavaOnevisionForConditionalGeneration")
SEVERAL = (
    *("Idefics2ForConditionalGeneration", "Idefics3ForConditionalGeneration"),
    "SmolVLMForConditionalGeneration",
)
SHAPES = {**dict.fromkeys(TILED, (1, 2, 3, 32, 32)), **dict.fromkeys(SEVERAL, (1, 1, 3, 32, 32))}


def picture(model):
    """Pixels, and the call with as many placeholders among words as the model makes tokens of an image."""
    name, config = type(model).__name__, model.config
    takes = set(inspect.signature(model.forward).parameters)
    pixels, extra = normal(*SHAPES.get(name, (1, 3, 32, 32))), {}
    if "image_grid_thw" in takes:
        extra["image_grid_thw"] = torch.tensor([[1, 4, 4]])
        vision = config.vision_config
        pixels = normal(16, 3 * getattr(vision, "temporal_patch_size", 1) * vision.patch_size**2)
    # Llava has a tower without sizes, but its call takes them.
    if "image_sizes" in takes and name != "LlavaForConditionalGeneration":
        extra["image_sizes"] = torch.tensor([[32, 32]])
    if "qformer_input_ids" in takes:
        extra["qformer_input_ids"] = torch.tensor([[5, 9]])
    owner = model if hasattr(model, "get_image_features") else model.model
    with torch.no_grad():
        found = owner.get_image_features(pixel_values=pixels, **extra)
    features = first_of(found, "pooler_output", "last_hidden_state")
    parts = [features] if isinstance(features, torch.Tensor) else features
    count = sum(part.numel() for part in parts) // config.get_text_config().hidden_size
    token = first_of(config, "image_token_id", "image_token_index")
    ids = torch.tensor([[5, 9, *[token] * count, 7, 11]])
    for kinds in takes & {"mm_token_type_ids", "token_type_ids"}:
        extra[kinds] = (ids == token).int()
    extra["attention_mask"] = torch.ones_like(ids)
    return [pixels], lambda x: model(input_ids=ids, pixel_values=x[0], **extra)
