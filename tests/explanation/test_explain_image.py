"""`explain_image`: tested effects, contributions, path statistics and maps, against the same done by hand."""

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

import semiring_widgets as sw
from semiring_widgets.core.paths import paths as paths_of

SIDE, CELLS = 24, 3


def torch_cnn():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(4),
        torch.nn.Conv2d(6, 8, 3, padding=1),
        torch.nn.GELU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 4),
    )


def vit():
    config = transformers.ViTConfig(
        image_size=SIDE, patch_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, num_labels=4,
    )  # fmt: skip
    return transformers.ViTForImageClassification(config)


def resnet():
    config = transformers.ResNetConfig(
        embedding_size=6, hidden_sizes=[6, 8], depths=[1, 1], layer_type="basic", num_labels=4
    )
    return transformers.ResNetForImageClassification(config)


def convnext():
    config = transformers.ConvNextConfig(hidden_sizes=[5, 8], depths=[1, 1], num_stages=2, num_labels=4)
    return transformers.ConvNextForImageClassification(config)


def clip():
    config = transformers.CLIPVisionConfig(
        image_size=SIDE, patch_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=24, projection_dim=4,
    )  # fmt: skip
    return transformers.CLIPVisionModelWithProjection(config)


def second_embedding(output):
    return output.image_embeds[:, 1]


MODELS = {make.__name__: make for make in (torch_cnn, vit, resnet, convnext, clip)}


def asked(name):
    """A model, its pixels, and what makes a score of them."""
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    pixels = torch.randn(1, 3, SIDE, SIDE)

    def score(x):
        output = model(x)
        if name == "clip":
            return second_embedding(output)
        logits = output if isinstance(output, torch.Tensor) else output.logits
        return logits[:, 1] - logits[:, 2]

    question = {"score": second_embedding} if name == "clip" else {"target": 1, "contrast": 2}
    return model, pixels, score, question


@pytest.fixture(scope="module", params=MODELS)
def explained(request):
    model, pixels, score, question = asked(request.param)
    found = sw.explain_image(model, None, pixels, **question, grid=CELLS, routes=0)
    return found, model, pixels, score


def cells():
    step = SIDE // CELLS
    for row in range(CELLS):
        for column in range(CELLS):
            yield slice(row * step, (row + 1) * step), slice(column * step, (column + 1) * step)


def mean_colour(pixels):
    return pixels.mean((2, 3), keepdim=True).expand_as(pixels).contiguous()


@torch.no_grad()
def test_effects_equal_a_loop_over_the_cells(explained):
    found, _, pixels, score = explained
    before = float(score(pixels))
    by_hand = []
    for rows, columns in cells():
        changed = pixels.clone()
        changed[:, :, rows, columns] = mean_colour(pixels)[:, :, rows, columns]
        by_hand.append(before - float(score(changed)))
    assert found.score.value == pytest.approx(before, abs=1e-6)
    np.testing.assert_allclose(found.effects().effect, by_hand, atol=2e-6)


@torch.no_grad()
def test_contributions_under_secant_sum_to_the_difference_of_the_scores(explained):
    found, _, pixels, score = explained
    difference = float(score(pixels) - score(mean_colour(pixels)))
    assert found.rules == "secant"
    assert found.reference_score == pytest.approx(float(score(mean_colour(pixels))), abs=1e-6)
    assert found.effects().contribution.sum() == pytest.approx(difference, abs=2e-5)
    for index in (i for i, layer in enumerate(found.layers) if layer.kind == "feature map"):
        summed = np.nansum(found.dataset.layer_contribution.values[index])
        assert summed == pytest.approx(difference, abs=2e-5)


def test_statistics_of_paths_equal_direct_calls(explained):
    found, _, pixels, score = explained
    reference = mean_colour(pixels)
    with torch.no_grad(), sw.record(reference=reference, rules="secant") as tape:
        value = score(pixels).reshape(())
    entropy = sw.backprop(tape, value, pixels, "entropy")
    best = sw.backprop(tape, value, pixels, "max")
    whole = entropy.reduce()
    assert found.log_mass == pytest.approx(float(whole.log_mass), abs=1e-4)
    assert found.entropy == pytest.approx(float(whole.entropy), abs=1e-3)
    step = SIDE // CELLS
    rows = found.effects()
    for name, result, facts in (("entropy", entropy, "entropy"), ("best_log_weight", best, "log_weight")):
        parts = tuple(part.reshape(1, 3, CELLS, step, CELLS, step) for part in result.parts)
        whole_cells = type(result)(result.semiring, parts, result.granularity, result.level, torch.float32)
        direct = getattr(whole_cells.reduce([0, 1, 3, 5]), facts).flatten()
        np.testing.assert_allclose(rows[name], direct, rtol=1e-4)
    mass = entropy.log_mass.reshape(3, CELLS, step, CELLS, step).permute(1, 3, 0, 2, 4)
    share = (mass.flatten(2).logsumexp(2) - whole.log_mass).exp().flatten()
    np.testing.assert_allclose(rows.mass_share, share, rtol=1e-4)
    assert found.best.log_weight == pytest.approx(float(best.log_weight.max()), abs=1e-5)
    assert found.best.place == tuple(np.unravel_index(int(best.log_weight.argmax()), (3, SIDE, SIDE)))


def test_layers_tell_where_paths_pass(explained):
    found, _, _, _ = explained
    assert found.layers
    for index, layer in enumerate(found.layers):
        share = found.layer_map(index).sum()
        # All paths cross a feature map; of a stream some pass the class token.
        assert share == pytest.approx(1, abs=1e-3) if layer.kind == "feature map" else 0 < share < 1.001
        for head in range(layer.heads):
            assert (
                found.layer_map(index, head).sum() <= found.dataset.head_mass_share.values[index, head] + 1e-6
            )


def test_a_map_equals_the_flow_of_the_recording():
    model, pixels, score, question = asked("vit")
    found = sw.explain_image(model, None, pixels, **question, routes=0)
    assert found.grid.shape == (3, 3)
    assert found.cells == "patch"
    with torch.no_grad(), sw.record(reference=mean_colour(pixels), rules="secant") as tape:
        value = score(pixels).reshape(())
    flow = sw.flow(tape, value, pixels)
    # The first token is the class token.
    np.testing.assert_allclose(found.dataset.layer_mass_share, flow.node_mass_share[:, 1:10], rtol=1e-4)
    by_values = flow.map_mass_share.sel(kind="value").sum("query").values[:, :, 1:10]
    np.testing.assert_allclose(found.dataset.head_map, by_values, rtol=1e-4)
    np.testing.assert_allclose(found.dataset.head_mass_share, flow.head_mass_share.sum("kind"), rtol=1e-4)


def test_routes_name_patches_and_their_numbers_are_those_of_paths():
    model, pixels, score, question = asked("vit")
    found = sw.explain_image(model, None, pixels, **question, routes=3)
    sizes = [abs(route.contribution) for route in found.routes]
    assert 0 < len(found.routes) <= 3
    assert sizes == sorted(sizes, reverse=True)
    with torch.no_grad(), sw.record(reference=mean_colour(pixels), rules="secant") as tape:
        value = score(pixels).reshape(())
    one = next(route for route in found.routes if len(route.heads) == 1)
    ((layer, head),) = one.heads
    through = paths_of(tape, value, pixels).through({"layer": layer, "head": head})
    assert one.share <= np.exp(float(through.log_mass) - found.log_mass) * (1 + 1e-4)
    assert max(one.cells) < found.grid.cells


@torch.no_grad()
@pytest.mark.parametrize("rule", ["gradient", "linear"])
def test_other_rules_weigh_the_same_pixels(rule):
    model, pixels, score, question = asked("torch_cnn")
    found = sw.explain_image(model, None, pixels, **question, grid=CELLS, rules=rule, reference="zero")
    with sw.record(rules=rule) as tape:
        value = score(pixels).reshape(())
    slopes = sw.backprop(tape, value, pixels).value * pixels
    by_hand = [float(slopes[:, :, rows, columns].sum()) for rows, columns in cells()]
    np.testing.assert_allclose(found.effects().contribution, by_hand, atol=1e-6)


@torch.no_grad()
def test_deletion_and_insertion_replace_one_cell_after_the_other():
    model, pixels, score, question = asked("torch_cnn")
    found = sw.explain_image(model, None, pixels, **question, grid=CELLS, batch_size=4)
    order = np.argsort(-found.effects().effect.values)
    boxes = list(cells())
    deleted, inserted = pixels.clone(), mean_colour(pixels).clone()
    deletion, insertion = [float(score(deleted))], [float(score(inserted))]
    for cell in order:
        place = (..., *boxes[cell])
        deleted[place], inserted[place] = mean_colour(pixels)[place], pixels[place]
        deletion.append(float(score(deleted)))
        insertion.append(float(score(inserted)))
    np.testing.assert_allclose(found.dataset.deletion, deletion, atol=1e-6)
    np.testing.assert_allclose(found.dataset.insertion, insertion, atol=1e-6)


@pytest.mark.parametrize("kind", ["cnn", "vit"])
def test_the_embedded_models_look_at_the_deciding_shape(kind):
    model, processor = sw.load_demo_image(kind)
    scene = next(s for s in sw.tasks.shape_scenes(20, seed=3) if s.objects[s.deciding].shape == "triangle")
    found = sw.explain_image(model, processor, Image.fromarray(scene.image), grid=6, routes=0)
    top, left, bottom, right = scene.objects[scene.deciding].box
    first = found.effects().sort_values("effect").iloc[-1]
    assert found.score.target == "triangle"
    assert top - 8 < first.top < bottom
    assert left - 8 < first.left < right
    assert np.abs(found.picture * 255 - scene.image).max() < 1
    assert "*triangle*" in found.answer


@pytest.mark.parametrize(
    ("strength", "said"),
    [
        (10.0, "Most of it is lost without the patch in row 1, column 1 ("),
        (2.5, "It falls furthest without the patch in row 1, column 1 ("),
        (0.3, "No patch alone matters much: it falls furthest without the patch in row 1, column 1 ("),
        (-1.0, "No patch alone speaks for it."),
    ],
)
def test_the_answer_says_how_much_a_patch_matters(strength, said):
    """A constant score of 10 less what one bright patch speaks for."""

    class Bright(torch.nn.Module):
        def forward(self, pixels):
            score = 10 - abs(strength) + strength * pixels[:, 0, :8, :8].mean((1, 2))
            return torch.stack([score, -score], 1)

    pixels = torch.zeros(3, 24, 24)
    pixels[:, :8, :8] = 1
    found = sw.explain_image(Bright().eval(), None, pixels, target=0, grid=3, reference="zero", routes=0)
    assert said.replace("patch", found.cells) in found.answer


def test_what_is_saved_is_read_back(tmp_path):
    model, pixels, _, question = asked("vit")
    found = sw.explain_image(model, None, pixels, **question, routes=1)
    found.save(tmp_path / "picture.npz")
    again = sw.ImageExplanation.load(tmp_path / "picture.npz")
    assert again.dataset.identical(found.dataset)
    assert (again.grid, again.layers, again.routes, again.best) == (
        found.grid, found.layers, found.routes, found.best,
    )  # fmt: skip
    assert repr(again) == repr(found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": Image.new("RGB", (24, 24))}, "Give the model's image processor"),
        ({"image": torch.zeros(1, 24, 24)}, "has 1 channels.* takes 3.*convert"),
        ({"image": torch.zeros(24, 24)}, r"shape \(channels, height, width\)"),
        ({"image": torch.full((3, 24, 24), torch.nan)}, "NaN"),
        ({"target": "elephant"}, "no class of this model; choose one of class 0, class 1"),
        ({"target": 9}, "the classes are 0 to 3"),
        ({"target": 1, "contrast": 1}, "their difference is always 0"),
        ({"reference": "grey"}, "'mean' .*, 'zero' or 'blur'"),
        ({"reference": torch.zeros(1, 3, 8, 8)}, "of the same shape"),
        ({"grid": (3, 99)}, "grid is 99"),
        ({"rules": "magic"}, "rule"),
        ({"labels": ["one", "two"]}, "all 4 classes"),
        ({"score": lambda output: output, "target": 1}, "either score="),
        ({"score": lambda output: output[:, :2]}, "one number for each input"),
        ({"processor": 3, "image": torch.zeros(3, 24, 24)}, "processor is 3; give an image processor"),
        ({"processor": lambda image: "no"}, "processor returned 'no'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"routes": -1}, "routes is -1"),
    ],
)
def test_errors_say_what_to_do(given, message):
    model, pixels, _, _ = asked("torch_cnn")
    arguments = {"processor": None, "image": pixels, "grid": CELLS, **given}
    with pytest.raises(sw.SemiringWidgetsError, match=message):
        sw.explain_image(model, arguments.pop("processor"), arguments.pop("image"), **arguments)


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(sw.SemiringWidgetsError, match=r"call model\.eval\(\) first"):
        sw.explain_image(torch_cnn().append(torch.nn.Dropout(0.1)).train(), None, torch.zeros(3, SIDE, SIDE))


@pytest.mark.parametrize("reference", ["zero", "blur", "other"])
def test_references_are_put_in_the_place_of_cells(reference):
    model, pixels, _, question = asked("torch_cnn")
    given = pixels.flip(-1) if reference == "other" else reference
    found = sw.explain_image(model, None, pixels, **question, grid=CELLS, reference=given)
    whole = found.score.value - found.reference_score
    assert found.effects().contribution.sum() == pytest.approx(whole, abs=1e-5)
    assert found.dataset.deletion.values[-1] == pytest.approx(found.reference_score, abs=1e-5)
