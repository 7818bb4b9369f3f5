"""What real models do: write in place, detach, cache, drop, pad, compile, quantise. Exact, or refused."""

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from tests.core.zoo.feeding import normal
from tests.core.zoo.shrinking import build

X = normal(3, 4)


def agrees(call, x, tolerance=1e-5):
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(call(leaf), leaf)
    with sw.record() as tape:
        score = call(x)
    found = sw.backprop(tape, score, wrt=x).value
    assert float((found - expected).abs().max()) <= tolerance * float(expected.abs().max())
    assert float(expected.abs().max()) > 0


def written_through_a_view(x):
    y = x * 2
    y[:, 1:].add_(x[:, :-1])
    y[0].mul_(x[1])
    return (y * y).sum()


def collected_in_zeros(x):
    out = torch.zeros_like(x)
    for i in range(4):
        out[:, i] = x[:, i] * x[:, 0]
    return (out * out).sum()


def collected_in_empty(x):
    out = torch.empty_like(x)
    out[0] = x[1]
    out[1] = x[0] * x[2]
    out[2].zero_()
    return (out * out).sum()


def written_into_a_detached_view(x):
    y = (x * 2).detach()
    y[0].copy_(x[1] * 3)
    return (y * y * x).sum()


def detached_before_a_write(x):
    y = x * 2
    fixed = y.detach()
    y[0] = x[1] * x[2]
    return (fixed * fixed * x).sum() + (y * y).sum()


def centred_without_grad(x):
    with torch.no_grad():
        mean = x.mean()
    return ((x - mean) ** 3).sum()


@pytest.mark.parametrize(
    "call",
    [
        written_through_a_view,
        collected_in_zeros,
        collected_in_empty,
        written_into_a_detached_view,
        detached_before_a_write,
        centred_without_grad,
    ],
    ids=lambda call: call.__name__,
)
def test_writes_and_cuts(call):
    agrees(call, X.clone())


def overwritten_through_a_detached_tensor(x):
    y = x * 2
    y.detach().mul_(3)
    return (y * y).sum()


def overwritten_through_a_detached_view_of_written_memory(x):
    y = x * 2
    y[0].mul_(x[1])
    y.detach()[1:].mul_(3)
    y[2].add_(x[0])
    return (y * y).sum()


def data_read(x):
    y = x * 3
    y[0].mul_(2)
    return (y * y.data).sum()


def data_written_before_use(x):
    x.data.clamp_(-0.5, 0.5)
    return (x**3).sum()


def data_of_a_copy_written(x):
    y = x.clone()
    y.data.mul_(3)
    return (y * x).sum()


def copied_before_data_is_written(x):
    y = x.clone()
    x.data.mul_(2)
    return (y * y).sum() + (x**3).sum()


@pytest.mark.parametrize(
    "call",
    [
        overwritten_through_a_detached_tensor,
        overwritten_through_a_detached_view_of_written_memory,
        data_read,
        data_written_before_use,
        data_of_a_copy_written,
        copied_before_data_is_written,
    ],
    ids=lambda call: call.__name__,
)
def test_memory_shared_without_a_graph(call):
    agrees(call, X.clone())


def data_written_after_use(x):
    product = x * x
    x.data.mul_(2)
    return product.sum()


def data_of_a_result_written(x):
    y = x.exp()
    y.data.mul_(2)
    return y.sum()


def data_of_a_factor_written(x):
    factor = torch.ones(4)
    product = x * factor
    factor.data.mul_(2)
    return product.sum()


@pytest.mark.parametrize(
    "call",
    [data_written_after_use, data_of_a_result_written, data_of_a_factor_written],
    ids=lambda call: call.__name__,
)
def test_what_autograd_would_not_notice_is_refused(call):
    with pytest.raises(sw.SemiringWidgetsError, match=r"`\.data`.*Write into a clone"), sw.record():
        call(X.clone())


class Counting(nn.Module):
    """It counts its calls in a buffer and keeps a moving average."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("average", torch.zeros(4))

    def forward(self, x):
        self.calls += 1
        with torch.no_grad():
            self.average.mul_(0.9).add_(x.mean(0), alpha=0.1)
        return (x * self.calls.clamp(max=1) - self.average.clamp(0, 0)) ** 2


def test_buffers_that_change():
    agrees(lambda x: Counting()(x).sum(), X.clone())


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 1)).eval()


def test_tied_weights():
    model = build("GPT2LMHeadModel")
    assert model.lm_head.weight is model.transformer.wte.weight
    agrees(lambda x: model(inputs_embeds=x).logits[0, -1, 3], normal(1, 5, 32))


def test_dropout_in_training_uses_the_sampled_mask():
    net = small().train()

    def call(x):
        torch.manual_seed(5)
        return net(x).sum()

    agrees(call, X.clone())


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", ["BertForMaskedLM", "GPT2LMHeadModel", "T5EncoderModel"])
def test_dropout_in_a_model_in_training(name, attention):
    changes = {"T5EncoderModel": {"dropout_rate": 0.3}}.get(name, {})
    model = build(name, attention, **changes).train()

    def call(x):
        torch.manual_seed(5)
        output = model(inputs_embeds=x)
        return (output.logits if "logits" in output else output.last_hidden_state)[0, -1, 3]

    x = normal(1, 5, 32)
    with torch.no_grad():
        sampled = float(call(x))
        model.eval()
        # The mask is part of what is explained.
        assert sampled != pytest.approx(float(call(x)), rel=1e-3)
        model.train()
    agrees(call, x)


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
def test_dropout_keeps_its_mask_where_there_is_nothing_to_drop(granularity):
    x = torch.zeros(64)
    torch.manual_seed(5)
    with sw.record(granularity=granularity) as tape:
        score = nn.functional.dropout(x, 0.25, training=True).sum()
    torch.manual_seed(5)
    expected = nn.functional.dropout(torch.ones(64), 0.25, training=True)
    assert 0 < int((expected == 0).sum()) < 64
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected)


# PyTorch's own warning that a hook fires twice on such a module; ours only follow what runs.
@pytest.mark.filterwarnings("ignore:Using `torch.compile")
@pytest.mark.parametrize("way", ["function", "method"])
def test_a_compiled_model_runs_eagerly_and_says_so(way):
    net = small()
    if way == "function":
        compiled = torch.compile(net, backend="eager")
    else:
        compiled = net
        net.compile(backend="eager")
    x = X.clone()
    with pytest.warns(UserWarning, match="runs eagerly"), sw.record() as tape:
        score = compiled(x).sum()
    leaf = X.clone().requires_grad_()
    (expected,) = torch.autograd.grad(small()(leaf).sum(), leaf)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected)


@pytest.mark.filterwarnings("ignore")
def test_quantised_weights_are_refused():
    net = torch.ao.quantization.quantize_dynamic(small(), {nn.Linear}, dtype=torch.qint8)
    with pytest.raises(sw.SemiringWidgetsError, match="quantised"), sw.record():
        net(X)


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "LlamaForCausalLM"])
def test_key_value_caches(name):
    model = build(name)
    agrees(lambda x: model(inputs_embeds=x, use_cache=True).logits[0, -1, 3], normal(1, 5, 32))
    ids = torch.tensor([[4, 8, 15]])

    def later(x):
        with torch.no_grad():
            past = model(input_ids=ids, use_cache=True).past_key_values
        return model(inputs_embeds=x, past_key_values=past, use_cache=True).logits[0, -1, 3]

    agrees(later, normal(1, 2, 32))


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "LlamaForCausalLM"])
def test_a_loop_of_steps_is_explained_from_the_prompt(name):
    model = build(name)
    words = model.get_input_embeddings()

    def answer(x):
        """Three greedy steps; the later ones see the prompt through the cache only."""
        output = model(inputs_embeds=x, use_cache=True)
        for _ in range(2):
            chosen = output.logits[:, -1].argmax(-1, keepdim=True)
            output = model(
                inputs_embeds=words(chosen), past_key_values=output.past_key_values, use_cache=True
            )
        return output.logits[0, -1, 3]

    x = normal(1, 5, 32)
    agrees(answer, x)
    with sw.record() as tape:
        score = answer(x)
    # All paths from the prompt to the last step enter its attentions by keys and values of the cache.
    table = sw.flow(tape, score, wrt=x)
    last = table.isel(layer=slice(-2, None)).head_mass_share
    assert float(last.sel(kind="query", layer=last.layer[0]).sum()) == 0
    assert float(last.isel(layer=0).sum()) > 0


def test_generate_has_no_paths_and_says_so():
    model = build("GPT2LMHeadModel")
    x = normal(1, 5, 32)
    with sw.record() as tape:
        found = model.generate(
            inputs_embeds=x,
            max_new_tokens=2,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
    with pytest.raises(sw.SemiringWidgetsError, match="no_grad"):
        sw.backprop(tape, found.scores[-1][0, 3], wrt=x)


@pytest.mark.parametrize("semiring", ["sum", "abs", "max"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_padded_batch_is_its_examples(semiring, attention):
    model = build("BertForMaskedLM", attention)
    x = normal(2, 7, 32)
    mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
    with sw.record() as tape:
        score = model(inputs_embeds=x, attention_mask=mask).logits[:, 2, 3]
    together = sw.backprop(tape, score, wrt=x, semiring=semiring).parts[0]
    for row, length in enumerate((7, 4)):
        alone = x[row : row + 1, :length].clone()
        with sw.record() as tape:
            score = model(inputs_embeds=alone).logits[:, 2, 3]
        single = sw.backprop(tape, score, wrt=alone, semiring=semiring).parts[0]
        torch.testing.assert_close(together[row : row + 1, :length], single, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["BertForMaskedLM", "LlamaForCausalLM"])
def test_half_precision_is_close_to_single(name, dtype):
    model = build(name)
    masses = []
    for kind in (torch.float32, dtype):
        x = normal(1, 7, 32).to(kind)
        model.to(kind)
        with sw.record() as tape:
            score = model(inputs_embeds=x).logits[0, -1, 3]
        result = sw.backprop(tape, score, wrt=x, semiring="entropy").reduce((0, 1, 2))
        masses.append((float(result.log_mass), float(result.entropy)))
    assert masses[0] == pytest.approx(masses[1], rel=0.03)
