"""SemiringGradient: right numbers, Captum's contract, and nothing left behind."""

import gc
import weakref

import pytest
import torch
from captum.attr import GradientAttribution, InputXGradient, NoiseTunnel, Saliency
from captum.metrics import infidelity, sensitivity_max
from torch import nn

from semiring_widgets.attr.gradient import SemiringGradient
from semiring_widgets.errors import InputError, NonFiniteError

TARGETS = {
    "int": 1,
    "scalar tensor": torch.tensor(2),
    "tensor": torch.tensor([0, 2]),
    "list": [2, 0],
}


def saliency(forward, inputs, **kwargs):
    tracked = tuple(v.clone().requires_grad_() for v in inputs) if isinstance(inputs, tuple) else None
    given = tracked if tracked is not None else inputs.clone().requires_grad_()
    return Saliency(forward).attribute(given, abs=False, **kwargs)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_sum_is_the_gradient(mlp, x, target):
    found = SemiringGradient(mlp, "sum").attribute(x, target=target)
    torch.testing.assert_close(found, saliency(mlp, x, target=target))


@pytest.mark.parametrize("target", [(1, 2), [(0, 1), (1, 0)]], ids=["tuple", "list of tuples"])
def test_targets_in_outputs_of_more_dimensions(mlp, x, target):
    def forward(value):
        return torch.stack([mlp(value), mlp(value * 2)], dim=1)

    found = SemiringGradient(forward, "sum").attribute(x, target=target)
    torch.testing.assert_close(found, saliency(forward, x, target=target))


def test_a_score_per_example_needs_no_target(mlp, x):
    def forward(value):
        return mlp(value)[:, 1]

    torch.testing.assert_close(SemiringGradient(forward, "sum").attribute(x), saliency(mlp, x, target=1))


def test_one_score_for_the_batch(mlp, x):
    def forward(value):
        return mlp(value)[:, 1].sum()

    torch.testing.assert_close(SemiringGradient(forward, "sum").attribute(x), saliency(mlp, x, target=1))


def test_every_semiring_agrees_with_all_paths_enumerated(mlp, x):
    target = [0, 2]
    with torch.no_grad():
        weights = torch.stack([mlp.path_weights(row, t) for row, t in zip(x, target, strict=True)])
    size = weights.abs()
    best = weights.gather(1, size.argmax(1, keepdim=True))[:, 0]
    share = size / size.sum(1, keepdim=True)
    expected = {
        "sum": weights.sum(1),
        "abs": size.sum(1),
        "max": best,
        "signed_max": weights.clamp(min=0).amax(1) + weights.clamp(max=0).amin(1),
        "entropy": -torch.special.xlogy(share, share).sum(1),
        "count": torch.log1p((size > 0).to(x.dtype).sum(1)),
    }
    for semiring, numbers in expected.items():
        found = SemiringGradient(mlp, semiring).attribute(x, target=target)
        torch.testing.assert_close(found, numbers, msg=lambda text, name=semiring: f"{name}: {text}")


@pytest.mark.parametrize("semiring", ["sum", "max", "signed_max", "abs"])
def test_multiplied_by_inputs(mlp, x, semiring):
    method = SemiringGradient(mlp, semiring, multiply_by_inputs=True)
    plain = SemiringGradient(mlp, semiring).attribute(x, target=1)
    factor = x.abs() if semiring == "abs" else x
    torch.testing.assert_close(method.attribute(x, target=1), plain * factor)
    assert method.multiplies_by_inputs
    if semiring == "sum":
        expected = InputXGradient(mlp).attribute(x.clone().requires_grad_(), target=1)
        torch.testing.assert_close(plain * x, expected)


def test_tuple_in_tuple_out_and_further_arguments(mlp, x):
    def forward(a, b, factor, unused):
        assert unused == "text"
        return mlp(a * b) * factor

    other = torch.randn(2, 4, dtype=x.dtype)
    arguments = {"target": 1, "additional_forward_args": (torch.tensor(3.0).double(), "text")}
    found = SemiringGradient(forward, "sum").attribute((x, other), **arguments)
    expected = saliency(forward, (x, other), **arguments)
    assert isinstance(found, tuple)
    torch.testing.assert_close(found, expected)
    single = SemiringGradient(mlp, "sum").attribute((x,), target=1)
    assert isinstance(single, tuple)
    assert len(single) == 1


def test_an_unused_input_has_no_path(x):
    def forward(a, b):
        return a.sum(1) + 0 * a[:, 0]

    for semiring in ["sum", "abs", "max", "entropy", "count"]:
        _, unused = SemiringGradient(forward, semiring).attribute((x, x.clone()))
        torch.testing.assert_close(unused, torch.zeros_like(x))


def test_explain_keeps_what_an_attribution_cannot_hold(mlp, x):
    result = SemiringGradient(mlp, "entropy").explain(x, target=1)
    mass = SemiringGradient(mlp, "abs").attribute(x, target=1)
    torch.testing.assert_close(result.log_mass.exp(), mass)
    results = SemiringGradient(mlp, "max").explain((x,), target=1)
    assert isinstance(results, tuple)


def test_aggregate_takes_the_best_unit_not_their_sum(mlp, x):
    plain = SemiringGradient(mlp, "max").attribute(x, target=1)
    joined = SemiringGradient(mlp, "max", aggregate=True).attribute(x, target=1)
    best = plain.gather(1, plain.abs().argmax(1, keepdim=True))
    torch.testing.assert_close(joined.sum(-1, keepdim=True), best)


def test_aggregate_with_inputs_multiplies_before_it_chooses(mlp, x):
    method = SemiringGradient(mlp, "max", aggregate=True, multiply_by_inputs=True)
    plain = SemiringGradient(mlp, "max").attribute(x, target=1) * x
    best = plain.gather(1, plain.abs().argmax(1, keepdim=True))
    torch.testing.assert_close(method.attribute(x, target=1).sum(-1, keepdim=True), best)
    entropy = SemiringGradient(mlp, "entropy", aggregate=True, multiply_by_inputs=True)
    with torch.no_grad():
        weights = (mlp.path_weights(x[0], 1) * x[0]).abs()
    share = weights / weights.sum()
    expected = -torch.special.xlogy(share, share).sum()
    torch.testing.assert_close(entropy.attribute(x, target=1)[0].sum(), expected)


def test_a_readout_of_ones_own(mlp, x):
    logs = SemiringGradient(mlp, "max", readout=lambda r: r.log_weight).attribute(x, target=1)
    torch.testing.assert_close(logs.exp(), SemiringGradient(mlp, "max").attribute(x, target=1).abs())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("semiring", ["sum", "abs", "max", "entropy"])
def test_lower_precision(mlp, x, dtype, semiring):
    exact = SemiringGradient(mlp, semiring).attribute(x, target=1)
    found = SemiringGradient(mlp.to(dtype), semiring).attribute(x.to(dtype), target=1)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), exact, rtol=0.05, atol=0.02)


def test_numbers_beyond_the_dtype_widen_it_instead_of_overflowing():
    x = torch.full((1, 2), 1e-25)

    def forward(value):
        return (value * 1e30 * 1e30).sum(1)

    for semiring in ["abs", "max"]:
        found = SemiringGradient(forward, semiring).attribute(x)
        assert found.dtype == torch.float64
        torch.testing.assert_close(found, torch.full((1, 2), 1e60, dtype=torch.float64), rtol=1e-4, atol=0)
    with pytest.raises(NonFiniteError, match=r"too large for torch\.float32"):
        SemiringGradient(forward, "sum").attribute(x)


def test_a_readout_that_overflows_is_refused(mlp, x):
    method = SemiringGradient(mlp, "abs", readout=lambda r: r.log_mass + float("inf"))
    with pytest.raises(NonFiniteError, match="ask for logarithms instead"):
        method.attribute(x, target=1)


@pytest.mark.parametrize("semiring", ["sum", "max", "entropy"])
def test_captum_takes_it(mlp, x, semiring):
    method = SemiringGradient(mlp, semiring)
    assert isinstance(method, GradientAttribution)
    assert not method.has_convergence_delta()
    torch.manual_seed(0)
    smooth = NoiseTunnel(method).attribute(x, nt_samples=3, stdevs=1e-6, target=torch.tensor([1, 2]))
    torch.testing.assert_close(smooth, method.attribute(x, target=[1, 2]), rtol=1e-3, atol=1e-3)

    def perturb(inputs):
        noise = torch.randn_like(inputs) * 0.01
        return noise, inputs - noise

    attributions = method.attribute(x, target=1)
    assert infidelity(mlp, perturb, x, attributions, target=1).shape == (2,)
    change = sensitivity_max(method.attribute, x, perturb_radius=1e-4, target=1)
    assert change.shape == (2,)
    assert torch.isfinite(change).all()


def test_noise_tunnel_on_the_sum_is_noise_tunnel_on_saliency(mlp, x):
    arguments = {"nt_samples": 4, "stdevs": 0.5, "target": 1}
    torch.manual_seed(0)
    ours = NoiseTunnel(SemiringGradient(mlp, "sum")).attribute(x, **arguments)
    torch.manual_seed(0)
    theirs = NoiseTunnel(Saliency(mlp)).attribute(x.clone().requires_grad_(), abs=False, **arguments)
    torch.testing.assert_close(ours, theirs)


def state_of(model):
    return [
        (
            module.training,
            len(module._forward_hooks),
            len(module._forward_pre_hooks),
            len(module._backward_hooks),
        )
        for module in model.modules()
    ] + [(p.requires_grad, p.grad) for p in model.parameters()]


@pytest.mark.parametrize("mode", [True, False])
def test_the_model_and_the_inputs_are_left_alone(mlp, x, mode):
    mlp.train(mode)
    mlp.first.weight.requires_grad_(False)
    x.requires_grad_()
    x.grad = torch.full_like(x, 7.0)
    before, values = state_of(mlp), x.detach().clone()
    SemiringGradient(mlp, "max").attribute(x, target=1)
    with pytest.raises(RuntimeError, match="broken"):
        SemiringGradient(lambda v: (mlp(v), broken()), "max").attribute(x, target=1)
    assert state_of(mlp) == before
    assert x.requires_grad
    torch.testing.assert_close(x.grad, torch.full_like(x, 7.0))
    torch.testing.assert_close(x.detach(), values)
    # Recording is over: an ordinary backward pass works.
    mlp(x).sum().backward()


def broken():
    raise RuntimeError("broken")


def test_a_forward_pass_in_place_spares_the_inputs(x):
    def forward(value):
        value.mul_(3)
        return value.sum(1)

    values = x.clone()
    found = SemiringGradient(forward, "sum").attribute(x)
    torch.testing.assert_close(found, torch.full_like(x, 3.0))
    torch.testing.assert_close(x, values)


def test_works_under_no_grad_and_inference_mode(mlp, x):
    expected = SemiringGradient(mlp, "max").attribute(x, target=1)
    with torch.no_grad():
        torch.testing.assert_close(SemiringGradient(mlp, "max").attribute(x, target=1), expected)
    with torch.inference_mode():
        torch.testing.assert_close(SemiringGradient(mlp, "max").attribute(x, target=1), expected)


def test_nothing_is_kept_alive(mlp, x):
    seen = []

    def forward(value):
        hidden = mlp.first(value)
        seen.append(weakref.ref(hidden))
        return mlp.second(hidden)

    method = SemiringGradient(forward, "max")
    method.attribute(x, target=1)
    gc.collect()
    assert seen[0]() is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"semiring": "mean"}, "semiring is 'mean'.*signed_max"),
        ({"semiring": object()}, "semiring is an object; choose one of"),
        ({"granularity": "coarse"}, "granularity is 'coarse'; choose one of .*operator"),
        ({"level": "head"}, "level is 'head'; choose one of .*branch"),
    ],
)
def test_unknown_choices_are_refused(mlp, arguments, words):
    with pytest.raises(InputError, match=words):
        SemiringGradient(mlp, **arguments)


def test_unusable_calls_are_refused(mlp, x):
    with pytest.raises(InputError, match="3 numbers per example"):
        SemiringGradient(mlp).attribute(x)
    with pytest.raises(InputError, match=r"torch.int64.*LayerSemiringGradient"):
        SemiringGradient(nn.Embedding(4, 2)).attribute(torch.tensor([[1, 2]]))
    with pytest.raises(InputError, match="returned tuple, not a tensor"):
        SemiringGradient(lambda v: (mlp(v), 1)).attribute(x, target=1)
