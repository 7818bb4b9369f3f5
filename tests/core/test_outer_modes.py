"""What is asked inside a caller's `inference_mode` or `no_grad` is answered as outside."""

import pytest
import torch
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets.explanation import demo
from tests.lanes import slow_but

MODES = {
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
}
NUMBERS = [1.0, 2.0, -3.0]
# Each needs of autograd that it keeps an operand, an index or a mask that was made in the mode, too.
EXPRESSIONS = {
    "square": lambda z: z * z,
    "reciprocal": lambda z: 1 / z,
    "norm": lambda z: z**3 / z.norm(),
    "deviation": lambda z: z / z.std(),
    "prod": lambda z: z.prod()[None],
    "cumprod": lambda z: z.cumprod(0),
    "where": lambda z: torch.where(z > 0, z * z, z.exp()),
    "cat": lambda z: torch.cat([z * z, z.sin()]),
    "gather": lambda z: z.gather(0, torch.tensor([0, 0, 2])) * z,
    "index_put": lambda z: (z * z).index_put((torch.tensor([0, 2]),), z[1:] ** 2),
    "scatter_reduce": lambda z: torch.zeros(3).scatter_reduce(0, torch.tensor([0, 0, 1]), z, "prod"),
    "masked_scatter": lambda z: (z * z).masked_scatter(torch.tensor([True, False, True]), z.exp()),
    "lerp": lambda z: torch.lerp(z, z * z, torch.tensor([0.1, 0.2, 0.3])),
    "inverse": lambda z: torch.linalg.inv(z.diag() + 1),
    "convolution": lambda z: F.conv1d(z[None, None], z[None, None]),
    "in_place": lambda z: z.clone().mul_(z).add_(z),
    "rms_norm": lambda z: F.rms_norm(z, (3,)),
    "complex": lambda z: torch.fft.fft(torch.complex(z, z * z)).abs(),
}
PATHS = {
    "top_paths": lambda *given: sw.top_paths(*given, k=4),
    "sample_paths": lambda *given: sw.sample_paths(*given, n=4),
    "select_paths": lambda *given: sw.select_paths(*given).top_paths(4),
}


def weighted(out):
    return (out * torch.arange(1.0, out.numel() + 1).reshape(out.shape)).sum()


def recorded(function, granularity="primitive"):
    z = torch.tensor(NUMBERS)
    with sw.record(granularity) as tape:
        score = weighted(function(z))
    return tape, score, z


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_gradients_are_those_of_autograd(name, mode):
    leaf = torch.tensor(NUMBERS, requires_grad=True)
    (expected,) = torch.autograd.grad(weighted(EXPRESSIONS[name](leaf)), leaf)
    for granularity in ("primitive", "operator"):
        with MODES[mode]():
            tape, score, z = recorded(EXPRESSIONS[name], granularity)
            found = sw.backprop(tape, score, z).value
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("semiring", ["abs", "max", "signed_max", "entropy", "count", "boolean", "variance"])
def test_every_semiring_says_the_same(semiring, mode):
    expected = sw.backprop(*recorded(EXPRESSIONS["norm"]), semiring).facts
    with MODES[mode]():
        found = sw.backprop(*recorded(EXPRESSIONS["norm"]), semiring).facts
    assert found.keys() == expected.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PATHS)
def test_paths_are_the_same(name, mode):
    def listed():
        paths = PATHS[name](*recorded(EXPRESSIONS["norm"]))
        return [(str(path), path.log_weight, path.sign) for path in paths]

    expected = listed()
    assert len(expected) == 4
    with MODES[mode]():
        assert listed() == expected


def asked(model, ids):
    """Every function that sweeps over a model, asked once."""
    embedded = model.get_input_embeddings()(ids).clone()
    with sw.record() as tape:
        score = model(inputs_embeds=embedded).logits[0, -1, 3]
    flow = sw.flow(tape, score, embedded)
    routes = sw.top_routes(tape, score, embedded, k=3, by="mass")
    chosen = sw.select_paths(tape, score, embedded, through={"layer": 1}, leaving_skip=True)
    return {
        "flow": torch.tensor(flow.branch_mass_share.values),
        "routes": torch.tensor([route.log_mass for route in routes], dtype=torch.float64),
        "through": chosen.backprop("entropy")[0].facts["log_mass"],
        "hops": sw.path_lengths(tape, score, embedded)[0].log_masses,
        "attr": sw.attr.SemiringGradient(lambda x: model(inputs_embeds=x).logits[:, -1], "max").attribute(
            embedded, target=3
        ),
    }


def told(model, tokenizer):
    """What people ask a model and a text."""
    return [f(model, tokenizer, demo.DEMO_TEXT, target="are") for f in (sw.explain, sw.compare)]


@pytest.fixture(scope="module")
def outside():
    """A model, and all its answers outside any mode."""
    model, tokenizer = sw.load_demo()
    ids = torch.tensor([tokenizer(demo.DEMO_TEXT)["input_ids"]])
    return model, tokenizer, ids, asked(model, ids), told(model, tokenizer)


@pytest.mark.parametrize("mode", slow_but(MODES, lambda mode: mode == "inference_mode"))
def test_a_model_is_answered_the_same(mode, outside):
    model, tokenizer, ids, expected, (whole, compared) = outside
    with MODES[mode]():
        found = asked(model, ids)
        inside, again = told(model, tokenizer)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], equal_nan=True, msg=name)
    assert inside.dataset.identical(whole.dataset)
    assert again.dataset.identical(compared.dataset)
    assert [r.label for r in inside.ranking("best").routes] == [r.label for r in whole.ranking("best").routes]
