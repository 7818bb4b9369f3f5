"""Classes that read images and videos, alone or to be compared with a text."""

from tests.core.zoo.row import NONE, Row, rows

SWIN = {"depths": [1, 1], "num_heads": [2, 4], "embed_dim": 32, "window_size": 4, "patch_size": 4}
STAGES = {"depths": [1, 1], "hidden_sizes": [8, 16]}
PYRAMID = {**STAGES, "num_encoder_blocks": 2, "num_attention_heads": [1, 2], "mlp_ratios": [2, 2]}
PATCHES = {"patch_sizes": [7, 3], "strides": [4, 2]}
RESIDUAL = {**STAGES, "embedding_size": 8}

VISION = [
    *rows("image", "ViTForImageClassification DeiTForImageClassification BeitForImageClassification"),
    *rows("image", "Dinov2ForImageClassification Dinov2WithRegistersForImageClassification DPTModel"),
    *rows("image", "ViTMSNForImageClassification Data2VecVisionForImageClassification"),
    *rows("image", "IJepaForImageClassification CLIPVisionModelWithProjection SiglipVisionModel"),
    Row("SwinForImageClassification", "image", SWIN, (2, 4)),
    Row("Swinv2ForImageClassification", "image", SWIN, (2, 4)),
    Row("DonutSwinModel", "image", SWIN, (2, 4)),
    Row("ConvNextForImageClassification", "image", {**STAGES, "num_stages": 2}, NONE),
    Row("ConvNextV2ForImageClassification", "image", {**STAGES, "num_stages": 2}, NONE),
    Row("SegformerForImageClassification", "image", {**PYRAMID, **PATCHES, "sr_ratios": [2, 1]}, (1, 2)),
    Row("PvtV2ForImageClassification", "image", {**PYRAMID, **PATCHES, "sr_ratios": [2, 1]}, (1, 2)),
    Row(
        "PvtForImageClassification",
        "image",
        {**PYRAMID, "sequence_reduction_ratios": [2, 1], "patch_sizes": [4, 2], "strides": [4, 2]},
        (1, 2),
    ),
    Row(
        "FocalNetForImageClassification",
        "image",
        {**STAGES, "embed_dim": 8, "focal_levels": [1, 1], "focal_windows": [3, 3], "patch_size": 4},
        NONE,
    ),
    Row("ResNetForImageClassification", "image", RESIDUAL, NONE),
    Row("RegNetForImageClassification", "image", {**RESIDUAL, "groups_width": 8}, NONE),
    Row("MobileNetV2ForImageClassification", "image", {}, NONE),
    *rows("image", "DINOv3ViTModel Aimv2VisionModel PixtralVisionModel SamVisionModel"),
    # The last pools the patches, with a query of its own.
    Row("SiglipModel", "clip", {}, (4,) * 3),
    *rows("clip", "BlipForImageTextRetrieval OwlViTModel CLIPSegModel"),
    *rows("clip", "CLIPModel AltCLIPModel ChineseCLIPModel BlipModel"),
]
