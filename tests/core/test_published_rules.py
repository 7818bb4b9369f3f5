"""AttnLRP and GIM against the packages of their authors, where these are installed.

``pip install lxt`` (2.1 wants transformers 4.52, torchvision, zennit, open_clip_torch) and ``pip install
gim-explain``. What both do to a model they do in its forward pass; here the model is recorded as it is.
"""

import math

import pytest
import torch
import transformers
from torch import nn

import semiring_widgets as sw

WORDS, WIDTH, HEADS, TOKENS = 30, 32, 4, 6


def llama():
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            hidden_size=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=HEADS,
            num_key_value_heads=2,
            intermediate_size=48,
            vocab_size=WORDS,
            max_position_embeddings=16,
        )
    )


def gpt2():
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_embd=WIDTH, n_layer=3, n_head=HEADS, vocab_size=WORDS, n_positions=16)
    )


def spread(model):
    """Weights as large as after some training, so that what rules change is no small matter."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return model.eval()


def score_of(model, x):
    return model(inputs_embeds=x, use_cache=False).logits[0, -1, 7]


def slopes(model, x, rules):
    with sw.record(rules=rules) as tape:
        score = score_of(model, x)
    return sw.backprop(tape, score, x).value


def differ(one, other):
    """How far apart two gradients are, relative to the other one."""
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("make", [llama, gpt2])
def test_lrp_is_what_lxt_computes(make, monkeypatch):
    efficient = pytest.importorskip("lxt.efficient", exc_type=ImportError)
    model, x = spread(make()), torch.randn(1, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))
    found, gradient = slopes(model, x, "lrp"), slopes(model, x, "gradient")
    module = __import__(type(model).__module__, fromlist=["_"])
    patched = {"llama": efficient.models.llama, "gpt2": efficient.models.gpt2}[make.__name__].attnLRP
    for target in patched:
        # All that is patched is put back afterwards.
        for name in ("forward", "eager_attention_forward", "ALL_ATTENTION_FUNCTIONS"):
            if hasattr(target, name):
                monkeypatch.setattr(target, name, getattr(target, name))
    efficient.monkey_patch(module, patched)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(score_of(model, leaf), leaf)
    assert differ(found, expected) < 1e-5
    assert differ(gradient, expected) > 0.1


class Layer(nn.Module):
    """Pre-norm; its attention is PyTorch's, its norm and its activation are modules."""

    def __init__(self):
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.maps = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in "qkvoud"})

    def forward(self, x):
        maps, h = self.maps, self.before(x)
        q, k, v = (maps[name](h).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in "qkv")
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + maps["o"](mixed.transpose(1, 2).flatten(-2))
        return x + maps["d"](nn.functional.gelu(maps["u"](self.between(x))))


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, **more):
    """The same in Python: of the softmax inside PyTorch's own, ``gim-explain`` sees nothing."""
    mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    logits = (query @ key.mT / math.sqrt(query.shape[-1])).masked_fill(~mask, float("-inf"))
    return nn.functional.softmax(logits, dim=-1) @ value


def test_gim_is_what_gim_explain_computes(monkeypatch):
    gim = pytest.importorskip("gim")
    model = spread(nn.Sequential(Layer(), Layer(), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS)))
    x = torch.randn(1, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))
    with sw.record() as tape:
        score = model(x)[0, -1, 7]
    found, gradient = (sw.backprop(tape, score, x, rules=rules).value for rules in ("gim", "gradient"))
    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", attention)
    leaf = x.clone().requires_grad_()
    with gim.GIM(model):
        (expected,) = torch.autograd.grad(model(leaf)[0, -1, 7], leaf)
    assert differ(found, expected) < 1e-5
    assert differ(gradient, expected) > 0.1
