"""Tiny models with the modules that hooks are put on, and what a part is when it is patched by them."""

import contextlib

import pytest
import torch

import semiring_widgets as sw
from tests.core.zoo.feeding import feed
from tests.core.zoo.shrinking import build

WIDTH = 8  # of a head


class Model:
    """A tiny model with the modules that hooks are put on, by layer of the anatomy."""

    def __init__(self, name, kind, projections, mlps, blocks):
        self.model = build(name)
        self.inputs, self.call = feed(kind, self.model)
        self.projections, self.mlps, self.blocks = (pick(self.model) for pick in (projections, mlps, blocks))

    def score(self, inputs):
        logits = self.call(inputs).logits[0]
        return logits[-1, 3] - logits[-1, 4] + 0.5 * logits[1, 5]

    @contextlib.contextmanager
    def hooked(self, module, change, *, output=False):
        """The model with what a module takes, or gives, changed."""

        def before(_, args, kwargs):
            if args:
                return (change(args[0]), *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": change(kwargs["hidden_states"])}

        if output:
            handle = module.register_forward_hook(lambda _, given, made: change(made))
        else:
            handle = module.register_forward_pre_hook(before, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()

    def seen(self, module, inputs, *, output=False):
        """What a module takes, or gives, with some inputs."""
        found = []
        with self.hooked(module, lambda x: found.append(x) or x, output=output), torch.no_grad():
            self.score(inputs)
        return found[0]


MODELS = {
    "BertForMaskedLM": (
        "embeds",
        lambda m: [layer.attention.output.dense for layer in m.bert.encoder.layer],
        lambda m: [layer.output.dense for layer in m.bert.encoder.layer],
        lambda m: list(m.bert.encoder.layer),
    ),
    "GPT2LMHeadModel": (
        "embeds",
        lambda m: [block.attn.c_proj for block in m.transformer.h],
        lambda m: [block.mlp for block in m.transformer.h],
        lambda m: list(m.transformer.h),
    ),
    "LlamaForCausalLM": (
        "embeds",
        lambda m: [layer.self_attn.o_proj for layer in m.model.layers],
        lambda m: [layer.mlp for layer in m.model.layers],
        lambda m: list(m.model.layers),
    ),
    "T5ForConditionalGeneration": (
        "seq2seq",
        lambda m: [
            *(block.layer[0].SelfAttention.o for block in m.encoder.block),
            *(
                o
                for block in m.decoder.block
                for o in (block.layer[0].SelfAttention.o, block.layer[1].EncDecAttention.o)
            ),
        ],
        lambda m: [
            *(block.layer[-1].DenseReluDense for block in m.encoder.block),
            *(x for block in m.decoder.block for x in (None, block.layer[-1].DenseReluDense)),
        ],
        lambda m: [*m.encoder.block, *(x for block in m.decoder.block for x in (block, None))],
    ),
}


def recorded(name):
    """A model, its tape, its score, and inputs of a reference."""
    kind, *picks = MODELS[name]
    model = Model(name, kind, *picks)
    with sw.record() as tape:
        score = model.score(model.inputs)
    generator = torch.Generator().manual_seed(11)
    reference = [x + torch.randn(x.shape, generator=generator) for x in model.inputs]
    return model, tape, score, reference


def close(found, expected, score):
    """A number is the expected one, up to the rounding of the score."""
    assert found == pytest.approx(float(expected), rel=1e-5, abs=1e-5 * max(1.0, abs(float(score))))


def in_head(x, head, value, tokens=slice(None)):
    """The heads' outputs side by side, with one head changed."""
    x = x.clone()
    x[:, tokens, head * WIDTH : (head + 1) * WIDTH] = value
    return x


def in_row(x, token, value):
    """A stream with the row of one token changed."""
    x = x.clone()
    x[:, token] = value
    return x
