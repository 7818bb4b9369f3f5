"""`compare_image`: Grad-CAM and its integral against their formulas, and how methods are measured."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

import semiring_widgets as sw
from semiring_widgets.attr.grad_cam import grad_cam, integrated_grad_cam
from semiring_widgets.attr.image_methods import IMAGE_METHODS, ImageProblem
from semiring_widgets.explanation.cells.images import image_question

SIDE, CELLS = 12, 3


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 5, 3, padding=1, stride=2)
        self.maps = torch.nn.Sequential(torch.nn.Conv2d(5, 4, 3, padding=1), torch.nn.GELU())
        self.head = torch.nn.Linear(4, 3)

    def forward(self, x):
        maps = self.maps(torch.relu(self.first(x)))
        return self.after(maps)

    def after(self, maps):
        return self.head((maps**2).mean((2, 3)))


@pytest.fixture
def asked():
    torch.manual_seed(0)
    return Model().eval(), torch.randn(1, 3, SIDE, SIDE), torch.randn(1, 3, SIDE, SIDE)


def maps_at(model, x):
    with torch.no_grad():
        return model.maps(torch.relu(model.first(x)))


def slopes_at(model, maps):
    maps = maps.clone().requires_grad_()
    (found,) = torch.autograd.grad(model.after(maps)[0, 1], maps)
    return found


def test_grad_cam_equals_its_formula(asked):
    model, x, _ = asked
    maps = maps_at(model, x)
    weights = slopes_at(model, maps).mean((2, 3), keepdim=True)
    found = grad_cam(lambda y: model(y)[:, 1], model.maps, x)
    torch.testing.assert_close(found, (weights * maps).sum(1, keepdim=True))


@pytest.mark.parametrize("rectified", [False, True])
def test_integrated_grad_cam_equals_the_integral_by_hand(asked, rectified):
    model, x, baseline = asked
    steps = 7
    start = maps_at(model, baseline)
    by_hand = torch.zeros(1, 1, *start.shape[2:])
    for step in range(steps):
        maps = maps_at(model, baseline + (step + 0.5) / steps * (x - baseline))
        term = torch.zeros_like(by_hand[0, 0])
        for k in range(maps.shape[1]):
            weight = slopes_at(model, maps)[0, k].mean()
            term += weight * (maps[0, k] - start[0, k])
        by_hand[0, 0] += (term.relu() if rectified else term) / steps
    found = integrated_grad_cam(lambda y: model(y)[:, 1], model.maps, x, baseline, steps, rectified=rectified)
    torch.testing.assert_close(found, by_hand)
    assert bool((found < 0).any()) != rectified
    assert not model.maps._forward_hooks


def test_integrated_grad_cam_of_a_linear_layer_onwards_is_half_of_grad_cam(asked):
    """Maps grow evenly along the line and the weights stay, so the integral of t is left."""
    _, x, _ = asked
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    whole = grad_cam(lambda y: model(y)[:, 1], model[0], x)
    found = integrated_grad_cam(lambda y: model(y)[:, 1], model[0], x, torch.zeros_like(x))
    torch.testing.assert_close(found, whole / 2)


@pytest.fixture(scope="module")
def compared():
    torch.manual_seed(0)
    model, x = Model().eval(), torch.randn(1, 3, SIDE, SIDE)
    return sw.compare_image(model, None, x, target=1, grid=CELLS, reference="zero"), model, x


def test_every_method_answers(compared):
    found, _, _ = compared
    table = found.to_pandas()
    assert table.error.isna().all()
    assert list(table.index) == list(IMAGE_METHODS)
    assert np.isfinite(found.dataset.scores).all()


def test_scores_are_added_up_by_cell(compared):
    found, model, x = compared
    whole = IntegratedGradients(lambda y: model(y)[:, 1]).attribute(x, baselines=0 * x, n_steps=50)
    step = SIDE // CELLS
    by_hand = whole[0].reshape(3, CELLS, step, CELLS, step).sum((0, 2, 4))
    np.testing.assert_allclose(found.method_map("IntegratedGradients"), by_hand.detach(), atol=1e-6)


def test_the_contribution_by_secant_is_complete(compared):
    found, _, _ = compared
    row = found.dataset.scores.values[list(found.to_pandas().index).index("contribution (secant)")]
    curve = found.dataset.deletion.values[0]
    assert row.sum() == pytest.approx(curve[0] - curve[-1], abs=1e-5)


@torch.no_grad()
def test_curves_replace_cells_in_the_order_of_the_method(compared):
    found, model, x = compared
    step = SIDE // CELLS
    row = list(found.to_pandas().index).index("GradCAM")
    order = np.argsort(-found.dataset.scores.values[row], kind="stable")
    left, curve = x.clone(), [float(model(x)[0, 1])]
    for cell in order:
        top, first = divmod(int(cell), CELLS)
        left[:, :, top * step : (top + 1) * step, first * step : (first + 1) * step] = 0
        curve.append(float(model(left)[0, 1]))
    np.testing.assert_allclose(found.dataset.deletion.values[row], curve, atol=1e-6)
    area = sum((a + b) / 2 for a, b in pairwise(curve)) / len(order)
    assert found.methods[row].deletion == pytest.approx(area, abs=1e-6)


def test_a_method_of_ones_own_and_one_that_fails(asked):
    model, x, _ = asked

    def own(problem):
        return problem.question.inputs.abs()

    def failing(problem):
        raise ZeroDivisionError("no reason")

    found = sw.compare_image(model, None, x, grid=CELLS, methods={"size": own, "broken": failing})
    sizes = x[0].abs().sum(0).reshape(CELLS, 4, CELLS, 4).sum((1, 3))
    np.testing.assert_allclose(found.method_map("size"), sizes, rtol=1e-5)
    assert found.methods[1].error == "broken failed with ZeroDivisionError: no reason"
    assert np.isnan(found.method_map("broken")).all()


def test_what_is_saved_is_read_back(compared, tmp_path):
    found, _, _ = compared
    found.save(tmp_path / "methods.npz")
    again = sw.ImageComparison.load(tmp_path / "methods.npz")
    assert again.methods == found.methods
    assert again.dataset.identical(found.dataset)


def test_unknown_methods_are_named(asked):
    model, x, _ = asked
    with pytest.raises(sw.SemiringWidgetsError, match="methods has 'magic'; choose of effect"):
        sw.compare_image(model, None, x, methods=["magic"])


class Biased(torch.nn.Module):
    """Its smallest maps are a bias of places, which no picture changes."""

    relu = staticmethod(torch.relu)

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Identity()
        self.maps = torch.nn.Conv2d(3, 4, 3, padding=1, stride=4)
        self.head = torch.nn.Linear(4, 3)
        self.register_buffer("table", torch.ones(1, 1, 2, 3))

    def forward(self, x):
        maps = self.relu(self.maps(x))
        return self.head((maps**2).mean((2, 3)) + self.bias(self.table).mean())


def test_the_layer_of_grad_cam_sees_the_picture():
    """The picture of 22 x 31 leaves maps of 6 x 8, whose proportions are its own but for rounding."""
    torch.manual_seed(0)
    model, x = Biased().eval(), torch.randn(1, 3, 22, 31)
    methods = ["GradCAM", "IntegratedGradCAM"]
    found = sw.compare_image(model, None, x, target=1, grid=2, methods=methods)
    given = sw.compare_image(model, None, x, target=1, grid=2, methods=methods, layer=model.maps)
    assert found.to_pandas().error.isna().all()
    np.testing.assert_array_equal(found.dataset.scores, given.dataset.scores)
    assert (np.abs(found.dataset.scores.values).sum(1) > 0).all()


def test_what_follows_in_place_changes_no_map():
    torch.manual_seed(0)
    model, x = Biased().eval(), torch.randn(1, 3, 22, 31)
    whole = integrated_grad_cam(lambda y: model(y)[:, 1], model.maps, x, torch.zeros_like(x))
    model.relu = torch.relu_
    found = integrated_grad_cam(lambda y: model(y)[:, 1], model.maps, x, torch.zeros_like(x))
    torch.testing.assert_close(found, whole)


def test_a_layer_without_maps_is_named(asked):
    model, x, _ = asked
    for layer in (model.head, torch.nn.Identity()):
        found = sw.compare_image(model, None, x, grid=CELLS, methods=["GradCAM"], layer=layer)
        assert "layer= gives no feature maps" in found.methods[0].error


@pytest.mark.parametrize("methods", [[], {}, 5])
def test_no_methods_are_refused(asked, methods):
    model, x, _ = asked
    with pytest.raises(sw.SemiringWidgetsError, match=r"methods is .*; give names of effect"):
        sw.compare_image(model, None, x, methods=methods)


def test_path_mass_is_that_of_the_explanation(compared):
    found, model, x = compared
    explained = sw.explain_image(model, None, x, target=1, grid=CELLS, reference="zero", routes=0)
    np.testing.assert_allclose(
        found.method_map("path mass").flatten(), explained.dataset.mass_share, rtol=1e-5
    )


def test_the_time_of_the_effect_is_that_of_testing(asked):
    model, x, _ = asked
    question, _ = image_question(model, None, x, 1, None, None, CELLS, None, None, 1)
    runs = []
    handle = model.register_forward_hook(lambda *_: runs.append(1))
    IMAGE_METHODS["effect"](ImageProblem(question, torch.zeros(CELLS**2), None))
    handle.remove()
    assert len(runs) == CELLS**2
