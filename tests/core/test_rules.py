"""Rules on models: what all paths sum to, and that every question can be asked under each."""

import math

import pytest
import torch
import transformers
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import InputError, UnsupportedOpError
from semiring_widgets.vocabulary import RULES

WIDTH, HEADS, TOKENS = 16, 2, 5
_SMALL = {"num_hidden_layers": 2, "num_attention_heads": HEADS, "vocab_size": 20, "hidden_size": WIDTH}
_MLP = {"intermediate_size": 24, "max_position_embeddings": 8}


def bert():
    return transformers.BertForMaskedLM(transformers.BertConfig(**_SMALL, **_MLP))


def gpt2():
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_embd=WIDTH, n_layer=2, n_head=HEADS, vocab_size=20, n_positions=8)
    )


def llama():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**_SMALL, **_MLP))


class T5(nn.Module):
    """The encoder's embeddings are the inputs; the decoder reads three words."""

    def __init__(self):
        super().__init__()
        self.model = transformers.T5ForConditionalGeneration(
            transformers.T5Config(
                **{"d_model": WIDTH, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": HEADS},
                **{"vocab_size": 20, "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0},
            )
        )

    def forward(self, inputs_embeds):
        return self.model(inputs_embeds=inputs_embeds, decoder_input_ids=torch.tensor([[1, 2, 3]]))


class Image(nn.Module):
    """A convolutional network: batch norm, max pooling, two activations."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(4, 4, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        )

    def forward(self, x):
        return self.layers(x)


MODELS = {"BERT": bert, "GPT-2": gpt2, "Llama": llama, "T5": T5, "CNN": Image}


def made(name, dtype=torch.float64):
    """A model in eval mode, the function from its inputs to a score, and its inputs."""
    torch.manual_seed(0)
    model = MODELS[name]().eval().to(dtype)
    for parameter in model.parameters():
        # Biases and scales as after some training.
        parameter.data += 0.2 * torch.randn_like(parameter)
    if name == "CNN":
        return model, lambda x: model(x)[0, 1], torch.randn(1, 2, 8, 8, dtype=dtype)
    x = torch.randn(1, TOKENS, WIDTH, dtype=dtype)
    return model, lambda x: model(inputs_embeds=x).logits[0, -1, 3], x


def elsewhere(x):
    """A reference that shares a token, or a corner, with the inputs."""
    other = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=x.dtype)
    other[..., 0, :] = x[..., 0, :]
    return other


def recorded(name, **more):
    model, run, x = made(name)
    with sw.record(**more) as tape:
        score = run(x)
    return model, run, x, tape, score


# The norms of these compute in float32, whatever the model is in.
ROUNDED = {"Llama": 1e-6, "T5": 1e-6}


@pytest.mark.parametrize("name", MODELS)
def test_all_paths_of_a_secant_graph_sum_to_the_difference_of_the_scores(name):
    _, run, x, tape, score = recorded(name)
    reference = elsewhere(x)
    slopes = sw.backprop(tape, score, x, rules="secant", reference=reference).value
    with torch.no_grad():
        difference = float(score - run(reference))
    assert abs(difference) > 1e-2
    found = float((slopes * (x - reference)).sum())
    assert found == pytest.approx(difference, abs=ROUNDED.get(name, 1e-9))
    gradient = sw.backprop(tape, score, x).value
    assert abs(float((gradient * (x - reference)).sum()) - difference) > 1e-3


@pytest.mark.parametrize("name", ["BERT", "GPT-2", "Llama", "CNN"])
def test_slopes_times_inputs_and_biases_are_the_score_on_a_linear_graph(name):
    model, _, x, tape, score = recorded(name)
    if name == "CNN":
        model.layers[1].running_mean.zero_()
    added = [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]
    added += [
        module.weight for at, module in model.named_modules() if at.endswith(("position_embeddings", "wpe", "type_embeddings"))
    ]
    every = [x, *(bias for bias in added if tape._bindings.find(bias) is not None)]
    results = sw.backprop(tape, score, every, rules="linear")
    total = sum(float((result.value * given.detach()).sum()) for result, given in zip(results, every, strict=True))
    assert total == pytest.approx(float(score), abs=ROUNDED.get(name, 1e-9))
    assert abs(float((sw.backprop(tape, score, x).value * x).sum()) - float(score)) > 1e-3
