"""Classes that read images and videos, alone or to be compared with a text."""

from tests.core.zoo.row import NONE, Row, rows

SWIN = {"depths": [1, 1], "num_heads": [2, 4], "embed_dim": 32, "window_size": 4, "patch_size": 4}
STAGES = {"depths": [1, 1], "hidden_sizes": [8, 16]}
PYRAMID = {**STAGES, "num_encoder_blocks": 2, "num_attention_heads": [1, 2], "mlp_ratios": [2, 2]}
PATCHES = {"patch_sizes": [7, 3], "strides": [4, 2]}
RESIDUAL = {**STAGES, "embedding_size": 8}

BACKBONE = {
    "model_type": "resnet",
    "depths": [1, 1],
    "hidden_sizes": [8, 16],
    "embedding_size": 8,
    "out_features": ["stage2"],
}
# The encoder's two attentions and the decoder's three; its first layer reads only queries of its own.
DETECTION = {"num_queries": 3, "backbone_config": BACKBONE}
HIERA = {
    "depths": [1, 1],
    "num_heads": [2, 4],
    "embed_dim": 16,
    "embed_dim_multiplier": 2.0,
    "image_size": [32, 32],
    "patch_size": [7, 7],
    "patch_stride": [4, 4],
    "patch_padding": [3, 3],
    "masked_unit_size": [4, 4],
    "masked_unit_attention": [True, False],
    "query_stride": [2, 2],
    "num_query_pool": 1,
}
MATTE = {
    "backbone_config": {
        "model_type": "vitdet",
        "num_channels": 4,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 16,
        "out_features": ["stage2"],
    },
    "hidden_size": 32,
    "convstream_hidden_sizes": [8, 8, 8],
    "fusion_hidden_sizes": [8, 8, 8, 8],
}
MASKS = {
    "backbone_config": {
        "model_type": "swin",
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 2, 2, 4],
        "embed_dim": 8,
        "window_size": 2,
        "patch_size": 2,
        "image_size": 32,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
    },
    "feature_size": 32,
    "mask_feature_size": 32,
    "hidden_dim": 32,
    "num_attention_heads": 4,
    "encoder_feedforward_dim": 48,
    "dim_feedforward": 48,
    "encoder_layers": 1,
    "decoder_layers": 3,
    "num_queries": 3,
}
CONVOLVED = {
    "stem_channels": [3, 8, 8],
    **{f"stage_{part}_channels": [8, 8, 8, 8] for part in ("in", "mid", "out")},
    "stage_num_blocks": [1, 1, 1, 1],
    "hidden_sizes": [8, 8, 8, 8],
    "depths": [1, 1, 1, 1],
    "embedding_size": 8,
}
PREDICTED = {
    "crop_size": 32,
    "frames_per_clip": 2,
    "tubelet_size": 2,
    "mlp_ratio": 2,
    "num_pooler_layers": 1,
    "pred_hidden_size": 32,
    "pred_num_attention_heads": 4,
    "pred_num_hidden_layers": 1,
}

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
    *rows("image", "VitDetModel", window_block_indices=[0], window_size=2),
    *rows("image", "MLCDVisionModel PixioModel FlavaImageModel SamHQVisionModel ViTMAEModel"),
    *rows("image", "YolosForObjectDetection", image_size=[32, 32], num_detection_tokens=3),
    *rows("clip", "Owlv2Model MetaClip2Model"),
    Row(
        "ViTMAEForPreTraining",
        "image",
        {
            "decoder_num_attention_heads": 4,
            "decoder_num_hidden_layers": 2,
            "decoder_hidden_size": 32,
            "decoder_intermediate_size": 48,
        },
        (4,) * 4,
    ),
    *rows("image", "EomtForUniversalSegmentation", num_blocks=1, num_upscale_blocks=1, num_queries=3),
    Row("VitMatteForImageMatting", "image", MATTE, (4, 4)),
    # What the last of four layers makes is not used.
    Row(
        "BeitForSemanticSegmentation",
        "image",
        {
            "num_hidden_layers": 4,
            "out_indices": [1, 2, 3, 4],
            "pool_scales": [1, 2],
            "auxiliary_channels": 8,
        },
        (4,) * 3,
    ),
    Row("HieraForImageClassification", "image", HIERA, (2, 4)),
    Row(
        "Swin2SRForImageSuperResolution",
        "image",
        {**SWIN, "num_channels_out": 3, "patch_size": 1, "embed_dim": 16},
        (2, 4),
    ),
    Row(
        "GLPNForDepthEstimation",
        "image",
        {**PYRAMID, **PATCHES, "sr_ratios": [2, 1], "decoder_hidden_size": 8},
        (1, 2),
    ),
    Row(
        "SegformerForSemanticSegmentation",
        "image",
        {**PYRAMID, **PATCHES, "sr_ratios": [2, 1], "decoder_hidden_size": 8},
        (1, 2),
    ),
    # Four of the backbone; then each layer of the decoder has cross-attention before self-attention.
    Row("Mask2FormerForUniversalSegmentation", "image", MASKS, (1, 2, 2, 4, 4, 4, 4, 4)),
    *[
        Row(f"{name}ForObjectDetection", "image", DETECTION, (4,) * 5, ("ResNetBackbone",))
        for name in ("Detr", "ConditionalDetr", "DabDetr", "TableTransformer")
    ],
    Row("VivitForVideoClassification", "video", {"num_frames": 4, "tubelet_size": [2, 16, 16]}),
    Row("VideoMAEForVideoClassification", "video", {"num_frames": 2, "tubelet_size": 2}),
    # Attention over time and attention over space in each layer.
    Row("TimesformerForVideoClassification", "video", {"num_frames": 2}, (4,) * 4),
    # Two attentions of the encoder, then self-attention and cross-attention that pool.
    Row("VJEPA2ForVideoClassification", "video", PREDICTED, (4,) * 4),
    Row("MobileNetV1ForImageClassification", "image", {"depth_multiplier": 0.25}, NONE),
    Row(
        "PoolFormerForImageClassification",
        "image",
        {**STAGES, **PATCHES, "num_encoder_blocks": 2, "padding": [2, 1], "mlp_ratio": 2.0},
        NONE,
    ),
    Row("BitForImageClassification", "image", {**RESIDUAL, "num_groups": 4}, NONE),
    Row(
        "SwiftFormerForImageClassification",
        "image",
        {"depths": [1, 1, 1, 1], "embed_dims": [8, 16, 16, 32]},
        NONE,
    ),
    Row("TextNetForImageClassification", "image", {"hidden_sizes": [8] * 5, "stem_out_channels": 8}, NONE),
    Row("HGNetV2ForImageClassification", "image", CONVOLVED, NONE),
]
