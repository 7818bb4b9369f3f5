"""`explain_image` of classes of transformers beside ViT: whatever cuts, merges or unfolds patches."""

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw

SIZE = 32
PATCHES = {
    "image_size": SIZE,
    "patch_size": 8,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
WINDOWS = {
    "image_size": SIZE,
    "patch_size": 2,
    "embed_dim": 8,
    "depths": [2],
    "num_heads": [2],
    "window_size": 4,
}
STAGES = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_labels": 3}
REDUCED = {"sr_ratios": [2, 1], "patch_sizes": [7, 3], "strides": [4, 2], "num_attention_heads": [1, 2]}
MOBILE = {
    "hidden_sizes": [16, 24, 32],
    "neck_hidden_sizes": [8, 8, 8, 16, 16, 16, 32],
    "num_attention_heads": 2,
}


def built(name, **config):
    """A small random model of a class, whose numbers are not all but 0."""
    torch.manual_seed(0)
    kind = getattr(transformers, name)
    model = kind(kind.config_class(**config)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 4:
                torch.nn.init.kaiming_normal_(parameter)
            elif parameter.dim() > 1:
                parameter.mul_(1.5)
            else:
                parameter.add_(0.02 * torch.randn_like(parameter))
    return model


def explained(model, grid, size=SIZE, **more):
    torch.manual_seed(1)
    return sw.explain_image(
        model, None, torch.randn(3, size, size), grid=grid, reference="zero", routes=1, **more
    )


def assert_complete(found):
    difference = found.score.value - found.reference_score
    scale = float(np.abs(found.dataset.contribution).sum())
    assert float(found.dataset.contribution.sum()) == pytest.approx(difference, abs=1e-4 * scale)
    assert float(found.dataset.mass_share.sum()) == pytest.approx(1, abs=1e-4)


OF_PATCHES = {
    "DeiT": ("DeiTForImageClassification", PATCHES, 4),
    "BEiT": ("BeitForImageClassification", {**PATCHES, "use_relative_position_bias": True}, 4),
    "DINOv2": ("Dinov2ForImageClassification", PATCHES, 4),
    "SigLIP": ("SiglipForImageClassification", {"vision_config": PATCHES}, 4),
    "Swin": ("SwinForImageClassification", WINDOWS, 16),
    "Swinv2": ("Swinv2ForImageClassification", WINDOWS, 16),
}


@pytest.mark.parametrize("name", OF_PATCHES)
def test_paths_enter_the_first_layer_where_they_begin(name):
    """Nothing before it mixes patches, so its places have the mass of the pixels that they were cut from."""
    kind, config, side = OF_PATCHES[name]
    found = explained(built(kind, **config), side)
    assert_complete(found)
    first = found.layers[0]
    assert (first.kind, first.rows, first.columns, first.heads) == ("attention", side, side, 2)
    share = found.dataset.mass_share.values.reshape(side, side)
    assert np.allclose(found.layer_map(0), share, atol=1e-5)
    assert share.std() > 1e-4  # so that other places would be told from them


def test_an_embedding_of_the_picture_is_a_score_of_ones_own():
    model = built("CLIPVisionModelWithProjection", **PATCHES, projection_dim=8)
    with pytest.raises(sw.errors.InputError, match="image_embeds @ text_embed"):
        explained(model, 4)
    found = explained(model, 4, score=lambda output: output.image_embeds[:, 0])
    assert_complete(found)
    assert np.allclose(found.layer_map(0), found.dataset.mass_share.values.reshape(4, 4), atol=1e-5)


OF_MAPS = {
    "ResNet": ("ResNetForImageClassification", {**STAGES, "embedding_size": 8, "layer_type": "basic"}),
    "RegNet": ("RegNetForImageClassification", {**STAGES, "embedding_size": 8, "groups_width": 4}),
    "ConvNeXtV2": ("ConvNextV2ForImageClassification", {**STAGES, "num_stages": 2}),
    "MobileNetV2": ("MobileNetV2ForImageClassification", {"image_size": SIZE, "depth_multiplier": 0.25}),
}


@pytest.mark.parametrize("name", OF_MAPS)
def test_all_paths_cross_every_feature_map(name):
    kind, config = OF_MAPS[name]
    found = explained(built(kind, **config), 4)
    assert_complete(found)
    assert len(found.layers) >= 2
    assert {layer.kind for layer in found.layers} == {"feature map"}
    total = float(found.dataset.contribution.sum())
    for layer in range(len(found.layers)):
        assert float(np.nansum(found.layer_map(layer))) == pytest.approx(1, abs=1e-3)
        contribution = found.dataset.layer_contribution.values[layer]
        scale = float(np.nansum(np.abs(contribution)))
        assert float(np.nansum(contribution)) == pytest.approx(total, abs=1e-3 * scale)


def test_keys_of_several_patches_have_no_map_and_later_ones_have():
    config = {**REDUCED, **STAGES, "num_encoder_blocks": 2, "mlp_ratios": [2, 2]}
    found = explained(built("SegformerForImageClassification", **config), 4)
    assert_complete(found)
    assert [(layer.rows, layer.heads) for layer in found.layers] == [(8, 1), (4, 2)]
    assert np.isnan(found.layer_map(0, 0)).all()
    assert 0 < found.layer_map(1, 1).sum() <= 1


@pytest.mark.slow
def test_patches_that_are_unfolded_are_told_by_feature_maps():
    """MobileViT holds the pixels of a patch in several sequences: their order is not that of the picture."""
    found = explained(built("MobileViTForImageClassification", **MOBILE, num_labels=3, image_size=SIZE), 2)
    assert float(found.dataset.mass_share.sum()) == pytest.approx(1, abs=1e-4)
    assert {layer.kind for layer in found.layers} == {"feature map"}
