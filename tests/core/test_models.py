"""Four model families: the sum equals autograd, flow adds up, and a deep model stays finite."""

import pytest
import torch
import transformers

import semiring_widgets as sw

SIZES = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
EMBEDS = torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(1))


def bert(attention, **more):
    config = transformers.BertConfig(
        **{**SIZES, "intermediate_size": 64, **more}, attn_implementation=attention
    )
    model = transformers.BertForMaskedLM(config).eval()

    def difference(x):
        logits = model(inputs_embeds=x).logits[0, 2]
        return logits[3] - logits[5]

    return model, difference


def gpt2(attention):
    config = transformers.GPT2Config(
        vocab_size=50, n_embd=32, n_layer=2, n_head=4, attn_implementation=attention
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    return model, lambda x: model(inputs_embeds=x).logits[0, -1, 3]


def llama(attention):
    config = transformers.LlamaConfig(
        **SIZES, num_key_value_heads=2, intermediate_size=64, attn_implementation=attention
    )
    model = transformers.LlamaForCausalLM(config).eval()
    return model, lambda x: model(inputs_embeds=x).logits[0, -1, 3]


def t5(attention):
    config = transformers.T5Config(
        vocab_size=50, d_model=32, d_kv=8, num_layers=2, num_heads=4, d_ff=64, decoder_start_token_id=0,
        attn_implementation=attention,
    )  # fmt: skip
    if attention == "sdpa" and not transformers.T5PreTrainedModel._supports_sdpa:
        pytest.skip("this version of transformers has no T5 with sdpa")
    model = transformers.T5ForConditionalGeneration(config).eval()
    return model, lambda x: model(inputs_embeds=x, decoder_input_ids=torch.tensor([[0, 5]])).logits[0, -1, 3]


FAMILIES = pytest.mark.parametrize("family", [bert, gpt2, llama, t5], ids=lambda f: f.__name__)


def recorded(family, attention="sdpa", dtype=torch.float32, **more):
    torch.manual_seed(0)
    model, call = family(attention, **more)
    model.to(dtype)
    x = EMBEDS.to(dtype)
    with sw.record() as tape:
        score = call(x)
    return tape, score, x, call


@FAMILIES
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_sum_is_the_gradient(family, attention):
    tape, score, x, call = recorded(family, attention)
    leaf = x.clone().requires_grad_()
    expected = call(leaf)
    (gradient,) = torch.autograd.grad(expected, leaf)
    torch.testing.assert_close(score, expected.detach(), rtol=1e-5, atol=1e-5)
    found = sw.backprop(tape, score, wrt=x).value
    assert float((found - gradient).norm() / gradient.norm()) < 1e-5


@FAMILIES
def test_bfloat16_is_computed_in_float32(family):
    tape, score, x, _ = recorded(family, dtype=torch.bfloat16)
    result = sw.backprop(tape, score, wrt=x, semiring="entropy")
    assert result.entropy.dtype == torch.float32
    assert bool(torch.isfinite(result.entropy).all())
    wide, wide_score, wide_x, _ = recorded(family)
    expected = sw.backprop(wide, wide_score, wide_x, semiring="entropy").reduce((0, 1, 2)).entropy
    assert float(result.reduce((0, 1, 2)).entropy) == pytest.approx(float(expected), rel=0.05)


@FAMILIES
def test_flow_of_a_layer_adds_up(family):
    tape, score, x, _ = recorded(family)
    table = sw.flow(tape, score, wrt=x)
    shares = table.branch_mass_share.sel(branch=["skip", "query", "key", "value"]).sum(("branch", "token"))
    on_the_way = shares.values[table.node_mass_share.sum("token").values > 0.5]
    assert on_the_way == pytest.approx(1, abs=1e-3)
    heads = table.head_mass_share.sum(("head", "kind"))
    branches = table.branch_mass_share.sel(branch=["query", "key", "value"]).sum(("branch", "token"))
    assert heads.values == pytest.approx(branches.values, rel=1e-4)
    best = float(sw.backprop(tape, score, wrt=x, semiring="max").log_weight.max())
    assert float(table.branch_best_log_weight.max()) == pytest.approx(best, abs=1e-3)


def test_48_layers_do_not_overflow():
    tape, score, x, _ = recorded(bert, num_hidden_layers=48)
    results = {name: sw.backprop(tape, score, x, semiring=name) for name in ("entropy", "max", "count")}
    for fact in (results["entropy"].log_mass, results["entropy"].entropy, results["max"].log_weight):
        assert bool(torch.isfinite(fact).all())
    assert float(results["count"].count.max()) > 1000


def test_a_step_names_its_place():
    tape, score, x, _ = recorded(bert)
    path = sw.top_paths(tape, score, wrt=x, k=1)[0]
    assert {step.route for step in path.steps} >= {"embedding", "output"}
    inside = [step for step in path.steps if step.layer is not None]
    assert {step.layer for step in inside} == {0, 1}
    assert all(step.token is not None and step.module for step in inside if step.op != "aten.view.default")


def test_nothing_is_left_behind_after_an_error():
    model, _ = bert("sdpa")
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def fail(module, args):
        raise RuntimeError("stop")

    hook = model.cls.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="stop"), sw.record():
        model(inputs_embeds=EMBEDS)
    hook.remove()
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()
    assert not model._forward_hooks
    assert not torch.nn.modules.module._global_forward_hooks
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_operator_without_a_rule_is_named():
    x = torch.randn(80, 80)
    with sw.record() as tape:
        score = torch.linalg.pinv(x).sum()
    with pytest.raises(sw.SemiringWidgetsError, match="aten"):
        sw.backprop(tape, score, wrt=x, semiring="max")
