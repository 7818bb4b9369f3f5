"""LayerSemiringGradient beside Captum's LayerGradientXActivation."""

import pytest
import torch
from captum.attr import (
    LayerAttribution,
    LayerGradientXActivation,
    LLMGradientAttribution,
    NoiseTunnel,
    TextTokenInput,
)
from torch import nn

from semiring_widgets.attr.layer_gradient import LayerSemiringGradient
from semiring_widgets.errors import InputError


@pytest.mark.parametrize("at_input", [False, True])
@pytest.mark.parametrize("multiply", [False, True])
@pytest.mark.parametrize("name", ["first", "act", "second"])
def test_the_sum_is_captums_layer_gradient(mlp, x, name, at_input, multiply):
    layer = mlp.get_submodule(name)
    arguments = {"target": [1, 2], "attribute_to_layer_input": at_input}
    expected = LayerGradientXActivation(mlp, layer, multiply_by_inputs=multiply).attribute(x, **arguments)
    method = LayerSemiringGradient(mlp, layer, "sum", multiply_by_inputs=multiply)
    torch.testing.assert_close(method.attribute(x, **arguments), expected.detach())
    assert isinstance(method, LayerAttribution)
    assert method.multiplies_by_inputs is multiply
    assert not method.has_convergence_delta()


def test_hidden_units_have_one_path_each(mlp, x):
    found = LayerSemiringGradient(mlp, mlp.act, "max").attribute(x, target=1)
    torch.testing.assert_close(found, mlp.second.weight[1].detach().expand(2, -1))
    entropy = LayerSemiringGradient(mlp, mlp.act, "entropy").attribute(x, target=1)
    torch.testing.assert_close(entropy, torch.zeros_like(entropy))


def test_several_layers(mlp, x):
    layers = [mlp.first, mlp.act]
    expected = LayerGradientXActivation(mlp, layers).attribute(x, target=1)
    found = LayerSemiringGradient(mlp, layers, "sum", multiply_by_inputs=True).attribute(x, target=1)
    assert isinstance(found, list)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs.detach())


class Splits(nn.Module):
    def forward(self, x):
        return x * 2, None, x * 3


class TwoStreams(nn.Module):
    def __init__(self):
        super().__init__()
        self.split = Splits()

    def forward(self, x):
        double, _, triple = self.split(x)
        return (double * triple).sum(1)


def test_a_layer_with_several_outputs(x):
    model = TwoStreams()
    double, triple = LayerSemiringGradient(model, model.split, "sum").attribute(x)
    torch.testing.assert_close(double, x * 3)
    torch.testing.assert_close(triple, x * 2)


class Skip(nn.Module):
    """The layer's input also goes around the layer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4).double()

    def forward(self, x):
        x = x * 2
        return x + self.layer(x)


@pytest.mark.parametrize("multiply", [False, True])
def test_paths_that_go_around_the_layer_count_for_its_input(x, multiply):
    model = Skip()
    arguments = {"target": 1, "attribute_to_layer_input": True}
    expected = LayerGradientXActivation(model, model.layer, multiply_by_inputs=multiply)
    method = LayerSemiringGradient(model, model.layer, "sum", multiply_by_inputs=multiply)
    torch.testing.assert_close(method.attribute(x, **arguments), expected.attribute(x, **arguments).detach())


class NamedInput(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2).double()

    def forward(self, x):
        return self.layer(input=x * 2)


def test_an_input_passed_by_name(x):
    model = NamedInput()
    found = LayerSemiringGradient(model, model.layer, "sum").attribute(
        x, target=1, attribute_to_layer_input=True
    )
    torch.testing.assert_close(found, model.layer.weight[1].detach().expand(2, -1))


def test_an_operation_in_place_after_the_layer(x):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Linear(3, 2)).double()
    for layer in model:
        for at_input in [False, True]:
            arguments = {"target": 1, "attribute_to_layer_input": at_input}
            expected = LayerGradientXActivation(model, layer, multiply_by_inputs=False).attribute(
                x, **arguments
            )
            found = LayerSemiringGradient(model, layer, "sum").attribute(x, **arguments)
            torch.testing.assert_close(found, expected.detach())


def test_hooks_are_removed_on_errors(mlp, x):
    method = LayerSemiringGradient(mlp, [mlp.first, mlp.act])
    with pytest.raises(InputError, match="3 numbers per example"):
        method.attribute(x)
    with pytest.raises(InputError, match="3 numbers per example"):
        method.attribute(x, attribute_to_layer_input=True)
    for module in mlp.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_unusable_layers_are_refused(mlp, x):
    with pytest.raises(InputError, match=r"Linear did not run"):
        LayerSemiringGradient(mlp, nn.Linear(2, 2)).attribute(x, target=1)
    with pytest.raises(InputError, match=r"must be a torch\.nn\.Module"):
        LayerSemiringGradient(mlp, "first")
    with pytest.raises(InputError, match="grad_kwargs"):
        LayerSemiringGradient(mlp, mlp.act).attribute(x, target=1, grad_kwargs={"create_graph": True})
    embedding = nn.Embedding(4, 2)
    model = nn.Sequential(embedding, nn.Flatten())
    with pytest.raises(InputError, match="input of the layer Embedding holds no floating-point"):
        LayerSemiringGradient(model, embedding).attribute(
            torch.tensor([[1]]), target=0, attribute_to_layer_input=True
        )


def test_data_parallel_without_devices(mlp, x):
    parallel = nn.DataParallel(mlp)
    found = LayerSemiringGradient(parallel, mlp.act, "sum", device_ids=[0]).attribute(x, target=1)
    torch.testing.assert_close(found, mlp.second.weight[1].detach().expand(2, -1))


def test_noise_tunnel_around_a_layer(mlp, x):
    smooth = NoiseTunnel(LayerSemiringGradient(mlp, mlp.act, "max")).attribute(
        x, nt_samples=2, stdevs=0.1, target=1
    )
    torch.testing.assert_close(smooth, mlp.second.weight[1].detach().expand(2, -1))


@pytest.fixture
def prompt(tokenizer):
    return TextTokenInput("the keys to the cabinet", tokenizer)


def test_the_sum_under_llm_attribution_is_captums(gpt2, tokenizer, prompt):
    layer = gpt2.transformer.wte
    # Times the inputs: behind a layer norm the plain gradient adds up to zero for every token.
    theirs = LLMGradientAttribution(LayerGradientXActivation(gpt2, layer), tokenizer)
    ours = LLMGradientAttribution(
        LayerSemiringGradient(gpt2, layer, "sum", multiply_by_inputs=True), tokenizer
    )
    theirs, ours = (method.attribute(prompt, target="are on") for method in [theirs, ours])
    assert theirs.token_attr.abs().max() > 0.1
    torch.testing.assert_close(ours.token_attr, theirs.token_attr, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(ours.seq_attr, theirs.seq_attr, rtol=1e-3, atol=1e-5)


def test_a_token_under_llm_attribution_has_its_best_path_not_a_sum(gpt2, tokenizer, prompt):
    layer = gpt2.transformer.wte
    ids = prompt.to_model_input()
    # As a number: Captum 0.8 puts a tokenizer's special tokens around a word.
    target = tokenizer.encode("are", add_special_tokens=False)[0]
    found = LLMGradientAttribution(LayerSemiringGradient(gpt2, layer, "max"), tokenizer).attribute(
        prompt, target=torch.tensor([target])
    )
    # The same question put directly: units one by one, the largest taken here.
    units = LayerSemiringGradient(
        lambda given: gpt2(given).logits[:, -1].log_softmax(-1), layer, "max"
    ).attribute(ids, target=target)
    best = units.gather(-1, units.abs().argmax(-1, keepdim=True))[..., 0]
    torch.testing.assert_close(found.token_attr, best, rtol=1e-4, atol=1e-6)
