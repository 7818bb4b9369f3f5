"""What autograd has agreed upon, where there is no derivative or several: the sum-product has it too."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import semiring_widgets as sw

# Zeros, ties, bounds at -1 and 1, a row of zeros and one of equal numbers.
X = torch.tensor([[0.0, 1.0, -1.0, 0.0], [2.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, 3.0, 3.0]])
TURNS = torch.arange(1.0, 5.0)
FIRST = torch.zeros(4, 4, dtype=torch.int64)
KINKS = {
    "abs": torch.abs,
    "norm": lambda x: x.norm(dim=-1),
    "norm of zeros": lambda x: (x * 0).norm(),
    "norm 1": lambda x: x.norm(p=1, dim=-1),
    "norm inf": lambda x: x.norm(p=float("inf"), dim=-1),
    "clamp": lambda x: x.clamp(-1, 1),
    "clamp by tensors": lambda x: x.clamp(-torch.ones(4), torch.ones(4)),
    "relu": torch.relu,
    "relu6": lambda x: functional.relu6(3 * x),
    "hardtanh": functional.hardtanh,
    "hardswish": lambda x: functional.hardswish(3 * x),
    "softshrink": lambda x: functional.softshrink(x, 1.0),
    "threshold": lambda x: functional.threshold(x, 1.0, 7.0),
    "amax": lambda x: x.amax(-1),
    "amax of all": lambda x: x.amax(),
    "max": lambda x: x.max(-1)[0],
    "max of all": lambda x: x.max(),
    "maximum": lambda x: torch.maximum(x, x.flip(0)),
    "sort": lambda x: x.sort(-1)[0] * TURNS,
    "sort downwards": lambda x: x.sort(dim=-1, stable=True, descending=True)[0] * TURNS,
    "topk": lambda x: x.topk(2, -1)[0] * TURNS[:2],
    "median": lambda x: x.median(-1)[0],
    "mode": lambda x: x.mode(-1)[0],
    "cummax": lambda x: x.cummax(-1)[0] * TURNS,
    "prod": lambda x: x.prod(-1),
    "prod with one zero": lambda x: x[1].prod(),
    "cumprod": lambda x: x.cumprod(-1),
    "cdist": lambda x: torch.cdist(x, x),
    "cdist 1": lambda x: torch.cdist(x, x, p=1.0),
    "pdist": functional.pdist,
    "normalize": lambda x: functional.normalize(x, dim=-1) * TURNS,
    "sqrt": lambda x: (x * x).sqrt(),
    "power 0": lambda x: x**0 * x,
    "xlogy": lambda x: torch.xlogy(x.abs(), x.abs()),
    "sign": lambda x: x.sign() * x,
    "round": lambda x: x.round() * x,
    "remainder": lambda x: torch.remainder(x, 2),
    "nan_to_num": lambda x: (x / 0).nan_to_num(1, 2, 3) * x,
    "where": lambda x: torch.where(x > 0, x, x / 0),
    "std of equals": lambda x: x[2].std(),
    "renorm": lambda x: x.renorm(2, 0, 1.0),
    "huber": lambda x: functional.huber_loss(x, x.flip(0)),
    "l1": lambda x: functional.l1_loss(x, x.clone()),
    "max_pool": lambda x: functional.max_pool1d(x, 2),
    "scatter amax": lambda x: torch.zeros(4, 4).scatter_reduce(0, FIRST, x, "amax"),
    "scatter prod": lambda x: torch.ones(4, 4).scatter_reduce(0, FIRST, x, "prod"),
    "max_norm": lambda x: functional.embedding(torch.tensor([1, 3, 3]), x * 1, max_norm=1.0),
}


def agrees(call, x):
    """Compare with autograd, once as it asks and once as people give tensors to a recording."""
    leaf = x.clone().requires_grad_()
    torch.manual_seed(0)
    plain = call(leaf)
    plain = (plain * plain.detach().cos()).sum()
    (expected,) = torch.autograd.grad(plain, leaf)
    for given in (leaf, x.clone()):
        torch.manual_seed(0)
        with sw.record() as tape:
            out = call(given)
            score = (out * out.detach().cos()).sum()
        torch.testing.assert_close(score, plain, equal_nan=True)
        value = sw.backprop(tape, score, wrt=given).value
        torch.testing.assert_close(value, expected, equal_nan=True, rtol=1e-4, atol=1e-5)
    return tape


@pytest.mark.parametrize("call", KINKS.values(), ids=KINKS)
def test_kinks_ties_and_bounds(call):
    agrees(call, X)


def _first(module):
    def call(x):
        out = module(x)
        return out[0] if isinstance(out, tuple) else out

    return call


def _packed(module):
    def call(x):
        lengths = torch.tensor([5, 3])
        return module(nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True))[0].data

    return call


torch.manual_seed(2)
RECURRENT = {
    "LSTM": _first(nn.LSTM(4, 4, batch_first=True)),
    "two layers": _first(nn.LSTM(4, 4, num_layers=2, bidirectional=True, batch_first=True)),
    "frozen": _first(nn.LSTM(4, 4, batch_first=True).requires_grad_(False)),
    "packed": _packed(nn.LSTM(4, 4, batch_first=True)),
    "GRU": _first(nn.GRU(4, 4, batch_first=True)),
    "attention": _first(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()),
    "dropout alone": lambda x: functional.dropout(x, 0.3, training=True),
    "alpha dropout": lambda x: functional.alpha_dropout(x, 0.3, training=True),
    "gumbel": lambda x: functional.gumbel_softmax(x, hard=True) * x,
    "drawn": lambda x: torch.distributions.Normal(x, x.exp()).rsample(),
    "norm of a batch": lambda x: functional.batch_norm(x, None, None, training=True),
}


@pytest.mark.parametrize("call", RECURRENT.values(), ids=RECURRENT)
def test_states_and_drawn_numbers(call):
    """Also layers whose fast implementation PyTorch chooses by what requires a gradient."""
    agrees(call, torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(5)))
