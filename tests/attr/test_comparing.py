"""compare: every method's numbers, the table as it grows, and failures that stay in their row."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency, ShapleyValueSampling

from semiring_widgets.attr.comparing import compare, compare_run
from semiring_widgets.attr.gradient import SemiringGradient
from semiring_widgets.attr.methods import DEFAULT_NAMES, method_names, resolve
from semiring_widgets.attr.problem import seeded
from semiring_widgets.core import backprop, record
from semiring_widgets.errors import CancelledError, InputError
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from semiring_widgets.results.comparison import Comparison

TEXT = "the keys to the cabinet [MASK] on the table"
ASKED = {"target": "are", "contrast": "is"}


def scores_of(comparison, name):
    table = comparison.to_xarray()["scores"]
    # As a keyword, ``method=`` would be xarray's way of rounding to the nearest label.
    return table.sel({"method": name}).values


@pytest.fixture
def prepared(bert, tokenizer):
    return prepare(bert, tokenizer, Question(TEXT, **ASKED))


def test_the_default_methods_all_work(bert, tokenizer):
    found = compare(bert, tokenizer, TEXT, **ASKED)
    assert isinstance(found, Comparison)
    assert [m.name for m in found.methods] == list(DEFAULT_NAMES)
    assert [m.error for m in found.methods] == [None] * len(found.methods)
    assert found.status.state == "done"
    assert found.dataset["scores"].shape == (len(DEFAULT_NAMES), len(found.tokens))
    for name, variable in found.dataset.data_vars.items():
        assert variable.dtype == np.float32
        assert np.isfinite(variable.values).all(), name
    np.testing.assert_allclose(np.diag(found.dataset["rank_correlation"]), 1, atol=1e-6)
    np.testing.assert_array_equal(np.diag(found.dataset["top_k_overlap"]), 1)
    paths = [m for m in found.methods if m.family == "semiring"]
    assert {(m.granularity, m.level) for m in paths} == {("primitive", "unit")}
    assert all(m.seconds > 0 for m in found.methods)


def test_a_path_method_that_would_not_fit_fails_in_its_row(bert, tokenizer):
    asked = {**ASKED, "methods": ["Saliency", "path mass"]}
    found = compare(bert, tokenizer, TEXT, **asked, max_memory=1000)
    assert found.methods[0].error is None
    assert "max_memory" in found.methods[1].error
    enough = compare(bert, tokenizer, TEXT, **asked, max_memory=10**9)
    assert [m.error for m in enough.methods] == [None, None]


def test_scores_are_what_their_names_say(bert, tokenizer, prepared):
    found = compare(bert, tokenizer, TEXT, **ASKED, methods=method_names())
    x = prepared.inputs_embeds.detach().clone().requires_grad_()
    gradient = torch.autograd.grad(prepared.forward(x).sum(), x)[0][0]
    x = x.detach()
    close = {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(scores_of(found, "Saliency"), gradient.norm(dim=-1), **close)
    np.testing.assert_allclose(scores_of(found, "InputXGradient"), (gradient * x[0]).sum(-1), **close)
    np.testing.assert_allclose(scores_of(found, "path sum"), gradient.norm(dim=-1), **close)

    with torch.no_grad():
        full = prepared.forward(x)
        ablated = []
        for token in range(x.shape[1]):
            changed = x.clone()
            changed[0, token] = prepared.baseline_embeds[0, token]
            ablated.append(float(full - prepared.forward(changed)))
        change = float(full - prepared.forward(prepared.baseline_embeds))
    np.testing.assert_allclose(scores_of(found, "FeatureAblation"), ablated, **close)
    np.testing.assert_allclose(scores_of(found, "Occlusion"), ablated, **close)
    integrated = scores_of(found, "IntegratedGradients").sum()
    label = {m.name: m.label for m in found.methods}["IntegratedGradients"]
    assert abs(integrated - change) <= 0.05 * abs(change) or "misses" in label

    with record() as tape:
        score = prepared.forward(x)
    mass = backprop(tape, score, wrt=x, semiring="entropy").reduce(-1)
    best = backprop(tape, score, wrt=x, semiring="max").reduce(-1)
    np.testing.assert_allclose(scores_of(found, "path mass"), mass.log_mass.softmax(-1)[0], **close)
    np.testing.assert_allclose(scores_of(found, "path entropy"), mass.entropy[0], **close)
    np.testing.assert_allclose(scores_of(found, "best path"), (best.log_weight.exp() * best.sign)[0], **close)
    assert scores_of(found, "path mass").sum() == pytest.approx(1, abs=1e-5)


def test_granularity_and_level_reach_the_paths(bert, tokenizer):
    names = ["path sum", "path entropy", "best path"]
    fine = compare(bert, tokenizer, TEXT, **ASKED, methods=names)
    coarse = compare(bert, tokenizer, TEXT, **ASKED, methods=names, granularity="operator", level="branch")
    np.testing.assert_allclose(
        scores_of(fine, "path sum"), scores_of(coarse, "path sum"), rtol=1e-3, atol=1e-4
    )
    assert not np.allclose(scores_of(fine, "path entropy"), scores_of(coarse, "path entropy"), rtol=0.01)
    assert {(m.granularity, m.level) for m in coarse.methods} == {("operator", "branch")}


def test_the_same_call_gives_the_same_numbers_and_leaves_the_generators_alone(bert, tokenizer):
    before = torch.random.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    first = compare(bert, tokenizer, TEXT, **ASKED, methods=["GradientShap"])
    assert torch.equal(torch.random.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    second = compare(bert, tokenizer, TEXT, **ASKED, methods=["GradientShap", "GradientShap"])
    for row in second.dataset["scores"]:
        np.testing.assert_array_equal(first.dataset["scores"][0], row)


def test_a_method_that_fails_stays_in_its_row(bert, tokenizer):
    def fails(forward, inputs, baselines):
        raise ArithmeticError("no luck\nsecond line")

    def overflows(forward, inputs, baselines):
        return inputs[..., 0] / 0

    def misshapen(forward, inputs, baselines):
        return inputs[:, :2]

    given = ["Saliency", fails, overflows, misshapen, "best path"]
    found = compare(bert, tokenizer, TEXT, **ASKED, methods=given)
    errors = {m.name: m.error for m in found.methods}
    assert errors["fails"] == "fails failed with ArithmeticError: no luck"
    assert "NaN or infinite" in errors["overflows"]
    assert "Return one number per token" in errors["misshapen"]
    assert errors["Saliency"] is None
    assert errors["best path"] is None
    for name in ["fails", "overflows", "misshapen"]:
        assert np.isnan(scores_of(found, name)).all()
    assert found.dataset["rank_correlation"][0, 4].notnull()
    assert found.dataset["rank_correlation"][0, 1].isnull()
    assert found.status.state == "done"


def test_a_model_that_cannot_be_recorded_still_gets_captums_methods(bert, tokenizer):
    class Hidden(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g.clamp(-1e-9, 1e-9)  # no derivative of anything

    act = bert.bert.encoder.layer[0].intermediate.intermediate_act_fn
    act.register_forward_hook(lambda module, args, out: Hidden.apply(out))
    found = compare(bert, tokenizer, TEXT, **ASKED, methods=["Saliency", "path sum", "path mass"])
    assert found.methods[0].error is None
    assert "Hidden" in found.methods[1].error
    assert "Hidden" in found.methods[2].error


def test_progress_comes_after_every_method(bert, tokenizer):
    names = ["Saliency", "best path", "Occlusion"]
    seen = []
    final = compare_run(bert, tokenizer, TEXT, **ASKED, methods=names)(seen.append, lambda: None)
    assert [(c.status.state, c.status.done, c.status.total) for c in seen] == [
        ("running", 0, 3),
        ("running", 1, 3),
        ("running", 2, 3),
        ("done", 3, 3),
    ]
    known = [int(np.isfinite(c.dataset["scores"]).all("token").sum()) for c in seen]
    assert known == [0, 1, 2, 3]  # earlier snapshots are not written to afterwards
    assert seen[-1] is final


def test_cancelling_stops_between_two_runs_of_the_model(bert, tokenizer):
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 4:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        compare_run(bert, tokenizer, TEXT, **ASKED, methods=["DeepLift", "Occlusion"])(lambda c: None, check)
    assert len(calls) == 5
    assert not any(module._forward_hooks for module in bert.modules())


def test_an_interrupt_leaves_an_honest_table(bert, tokenizer):
    def interrupts(forward, inputs, baselines):
        raise KeyboardInterrupt

    found = compare(bert, tokenizer, TEXT, **ASKED, methods=["Saliency", interrupts, "Occlusion"])
    assert found.status.state == "cancelled"
    assert found.status.done == 1
    assert np.isfinite(scores_of(found, "Saliency")).all()


def test_the_model_is_left_as_it_was(bert, tokenizer):
    bert.train()
    bert.bert.encoder.layer[1].eval()
    parameter = next(bert.parameters())
    parameter.requires_grad_(False)
    before = [(m.training, len(m._forward_hooks), len(m._backward_hooks)) for m in bert.modules()]
    compare(bert, tokenizer, TEXT, **ASKED, methods=["DeepLift", "best path", "IntegratedGradients"])
    after = [(m.training, len(m._forward_hooks), len(m._backward_hooks)) for m in bert.modules()]
    assert after == before
    assert not parameter.requires_grad
    assert all(p.grad is None for p in bert.parameters())


def test_captum_classes_instances_and_functions(bert, tokenizer):
    def norm(forward, inputs, baselines):
        return inputs.norm(dim=-1)

    own = IntegratedGradients(lambda x: x)
    given = {
        "shapley": ShapleyValueSampling,
        "local": IntegratedGradients(own.forward_func, multiply_by_inputs=False),
        "smooth": NoiseTunnel(Saliency(own.forward_func)),
        "branch": SemiringGradient(own.forward_func, "max", level="branch"),
        "norm": norm,
    }
    found = compare(bert, tokenizer, TEXT, **ASKED, methods=given)
    assert [m.error for m in found.methods] == [None] * 5
    assert [m.name for m in found.methods] == list(given)
    assert [m.family for m in found.methods][3] == "semiring"
    assert found.methods[3].level == "branch"
    assert given["local"].forward_func is own.forward_func
    whole = compare(bert, tokenizer, TEXT, **ASKED, methods="IntegratedGradients")
    assert not np.allclose(scores_of(whole, "IntegratedGradients"), scores_of(found, "local"))
    branch = compare(bert, tokenizer, TEXT, **ASKED, methods="best path", level="branch")
    np.testing.assert_allclose(scores_of(found, "branch"), scores_of(branch, "best path"), rtol=1e-3)


def test_a_causal_model(gpt2, tokenizer):
    found = compare(gpt2, tokenizer, "the keys to the cabinet", target="are", top_k=2)
    assert [m.error for m in found.methods] == [None] * len(found.methods)
    assert found.top_k == 2


def test_saved_and_loaded(bert, tokenizer, tmp_path):
    found = compare(bert, tokenizer, TEXT, **ASKED, methods=["Saliency", "best path"])
    found.save(tmp_path / "table.nc")
    again = Comparison.load(tmp_path / "table.nc")
    assert again.methods == found.methods
    np.testing.assert_array_equal(again.dataset["scores"], found.dataset["scores"])
    assert list(found.to_pandas()["best path"]) == list(again.to_pandas()["best path"])


def test_names_are_forgiving_and_unique():
    names = [m.name for m in resolve(["saliency", "path max", "abs", "best_path", Saliency])]
    assert names == ["Saliency", "best path", "path mass", "best path (2)", "Saliency (2)"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"methods": ["Saliancy"]}, "no attribution method 'Saliancy'.*IntegratedGradients.*best path"),
        ({"methods": []}, "No method was given"),
        ({"methods": [3]}, "3 is no attribution method"),
        ({"granularity": "fine"}, "granularity is 'fine'; choose one of primitive"),
        ({"level": "fine"}, "level is 'fine'; choose one of unit"),
        ({"top_k": 0}, "top_k is 0"),
    ],
)
def test_wrong_arguments_are_refused_at_once(bert, tokenizer, arguments, words):
    with pytest.raises(InputError, match=words):
        compare_run(bert, tokenizer, TEXT, **ASKED, **arguments)


def test_seeded_restores_on_errors():
    state = torch.random.get_rng_state()
    with pytest.raises(RuntimeError, match="invalid for input"), seeded(3):
        torch.rand(1).reshape(2, 3)
    assert torch.equal(torch.random.get_rng_state(), state)
