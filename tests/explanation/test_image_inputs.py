"""`explain_image`: which pictures, processors and kinds of model it reads, and which it refuses."""

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

import semiring_widgets as sw

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def vit():
    config = transformers.ViTConfig(image_size=(50, 60), patch_size=8, num_labels=3, **SMALL)
    return transformers.ViTForImageClassification(config)


def with_registers():
    config = transformers.Dinov2WithRegistersConfig(
        image_size=48, patch_size=8, num_register_tokens=4, num_labels=3, **SMALL
    )
    return transformers.Dinov2WithRegistersForImageClassification(config)


def yolos():
    config = transformers.YolosConfig(
        image_size=[50, 60], patch_size=8, num_detection_tokens=5, num_labels=3, **SMALL
    )
    return transformers.YolosForObjectDetection(config)


def segformer():
    config = transformers.SegformerConfig(
        num_encoder_blocks=1, depths=[1], sr_ratios=[4], hidden_sizes=[16], patch_sizes=[7], strides=[4],
        num_attention_heads=[2], mlp_ratios=[2], num_labels=3,
    )  # fmt: skip
    return transformers.SegformerForImageClassification(config)


def first_logit(output):
    return output.logits.flatten(1)[:, 0]


@pytest.mark.parametrize(
    ("make", "size", "patches", "known"),
    [
        (vit, (50, 60), (6, 7), True),
        (with_registers, (50, 60), (6, 7), True),
        (yolos, (50, 60), (6, 7), True),
        # Each of its keys stands for 4 x 4 patches, so that no number can be told of one.
        (segformer, (32, 32), (8, 8), False),
    ],
)
def test_patches_are_those_of_the_configuration(make, size, patches, known):
    torch.manual_seed(0)
    model = make().eval()
    found = sw.explain_image(model, None, torch.randn(1, 3, *size), score=first_logit, grid=2, routes=1)
    layer = found.layers[0]
    assert (layer.rows, layer.columns) == patches
    assert found.layer_map(0).shape == patches
    assert np.isfinite(found.layer_map(0, 0)).mean() == known
    for route in found.routes:
        assert max(route.cells, default=-1) < patches[0] * patches[1]


class Small(torch.nn.Module):
    """Takes one picture, and has a local variable of the name of another argument."""

    def __init__(self, channels=3):
        super().__init__()
        self.first = torch.nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, image):
        pixel_values = self.first(image)
        return pixel_values.mean((2, 3))


def rescaling():
    return transformers.ViTImageProcessor(size={"height": 16, "width": 16})


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.random.default_rng(0).random((16, 16, 3)), "numbers from 0 to 1, and the processor divides"),
        (torch.rand(3, 16, 16), "numbers from 0 to 1, and the processor divides"),
        (Image.fromarray(np.full((16, 16), 40_000, dtype=np.uint16)), "mode 'I;16'.*convert it to 'L'"),
        (Image.new("F", (16, 16)), "mode 'F'.*convert it to 'L'"),
    ],
)
def test_pictures_that_would_turn_black_or_white_are_refused(image, message):
    with pytest.raises(sw.SemiringWidgetsError, match=message):
        sw.explain_image(Small().eval(), rescaling(), image, grid=2)


def test_a_grey_picture_stays_grey_where_the_model_takes_one_channel():
    def tensor_of(picture):
        return torch.from_numpy(np.asarray(picture, dtype=np.float32))[None] / 255

    found = sw.explain_image(Small(1).eval(), tensor_of, Image.new("L", (16, 16), 51), grid=2)
    np.testing.assert_allclose(found.picture, 0.2, rtol=1e-5)


def test_a_reference_of_the_same_shape_is_processed_like_the_picture():
    def halved(picture):
        return picture / 2

    model, image, other = Small().eval(), torch.rand(3, 16, 16), torch.rand(3, 16, 16)
    found = sw.explain_image(model, halved, image, target=0, reference=other, grid=2)
    with torch.no_grad():
        assert found.reference_score == pytest.approx(float(model(other[None] / 2)[0, 0]), abs=1e-6)


def test_a_negative_score_is_not_lost():
    model = Small().eval()
    with torch.no_grad():
        model.first.weight.zero_()
        model.first.weight[0, :, 1, 1] = 1
        model.first.bias.fill_(-1)
    image = torch.zeros(3, 16, 16)
    image[:, :8, :8] = 1
    found = sw.explain_image(model, None, image, target=0, reference="zero", grid=2)
    assert found.score.value < 0
    assert "It falls furthest without the cell in row 1, column 1 (" in found.answer


def test_colours_in_another_order_are_shown_as_they_are():
    processor = transformers.MobileViTImageProcessor(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}, do_flip_channel_order=True
    )
    found = sw.explain_image(Small().eval(), processor, Image.new("RGB", (16, 16), (255, 51, 0)), grid=2)
    np.testing.assert_allclose(found.picture[8, 8], (1, 0.2, 0), atol=0.01)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"target": "crane", "labels": ["crane", "egret", "heron", "crane"]},
            "names classes 0 and 3; give a",
        ),
        ({"score": lambda output: output[:, 0], "labels": list("abcd")}, "labels= names.*leave one out"),
        ({"grid": 65}, "grid makes 4,225 cells, .* run 12,677 times; give at most 4,096"),
        ({"processor": lambda image: {"input_features": image}}, "returned input_features, and no pixel_val"),
    ],
)
def test_what_is_not_clear_is_refused(given, message):
    arguments = {"processor": None, "image": torch.rand(3, 70, 70), **given}
    with pytest.raises(sw.SemiringWidgetsError, match=message):
        sw.explain_image(Small().eval(), arguments.pop("processor"), arguments.pop("image"), **arguments)
