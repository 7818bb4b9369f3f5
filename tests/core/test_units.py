"""Units of a feed-forward part and of a head, against autograd and the paths counted by hand."""

import math

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import Selection
from semiring_widgets.core.anatomy.hidden_layers import hidden_of
from semiring_widgets.core.effects.units import units_of
from semiring_widgets.errors import InputError

TOKENS, UNITS, HEADS = 3, 4, 2


class Small(torch.nn.Module):
    """One layer: attention by two heads and a feed-forward part, plain, gated or with a norm at its end."""

    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.q, self.k, self.v, self.o = (torch.nn.Linear(UNITS, UNITS) for _ in range(4))
        self.up, self.gate = (torch.nn.Linear(UNITS, 6) for _ in range(2))
        self.down = torch.nn.Linear(6, UNITS)
        self.norm = torch.nn.LayerNorm(UNITS)

    def forward(self, x):
        q, k, v = (
            f(x).reshape(1, TOKENS, HEADS, UNITS // HEADS).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        self.context = ((q @ k.mT).softmax(-1) @ v).reshape(HEADS, TOKENS, UNITS // HEADS)
        x = x + self.o(self.context.reshape(1, HEADS, TOKENS, -1).transpose(1, 2).flatten(2))
        wide = self.up(x)
        self.hidden = torch.nn.functional.gelu(wide) * (self.gate(x) if self.kind == "gated" else 1)
        added = self.down(self.hidden)
        return (x + (self.norm(added) if self.kind == "normed" else added))[0, -1].sin().sum()


@pytest.fixture(params=["plain", "gated", "normed"])
def asked(request):
    model = Small(request.param).double()
    x, other = torch.randn(2, 1, TOKENS, UNITS, dtype=torch.float64)
    with sw.record() as tape:
        score = model(x)
    return model, x, other, sw.paths(tape, score, x), tape


@pytest.mark.parametrize("part", [Selection(0, head=1), Selection(0, "mlp"), Selection(0, "mlp", token=2)])
def test_contributions_are_slope_times_difference(asked, part):
    model, x, other, paths, tape = asked
    if part.branch == "mlp" and model.kind == "normed":
        with pytest.raises(InputError, match="No hidden layer was found"):
            units_of(paths, tape, part, other)
        return
    found = units_of(paths, tape, part, other)
    model(other)
    reference = (model.hidden if part.branch == "mlp" else model.context).detach()
    score = model(x.clone().requires_grad_())
    here = model.hidden if part.branch == "mlp" else model.context
    (slope,) = torch.autograd.grad(score, here)
    rows = slice(None) if part.token is None else slice(part.token, part.token + 1)
    place = 1 if part.branch is None else 0
    expected = (slope * (here - reference))[place, rows].sum(0)
    assert found.contribution.tolist() == pytest.approx(expected.tolist(), rel=1e-9)
    assert found.value.tolist() == pytest.approx(here[place, rows].mean(0).tolist(), rel=1e-9)
    assert found.hidden == (part.branch == "mlp")


def test_masses_are_those_of_all_paths_through_the_hidden_layer(asked):
    """With nothing but the skip beside it, the mass of a feed-forward part is that of its hidden units."""
    model, _, other, paths, tape = asked
    if model.kind == "normed":
        return
    found = units_of(paths, tape, Selection(0, "mlp"), other)
    through = paths.through({"layer": 0, "branch": "mlp"})
    assert float(found.log_mass.logsumexp(0)) == pytest.approx(through.log_mass, abs=1e-6)
    assert math.exp(float(found.log_mass.max()) - paths.log_mass) < 1


def test_a_hidden_layer_is_found_or_it_is_said(asked):
    model, _, _, paths, _ = asked
    (attention,) = paths.anatomy.attentions
    hidden = hidden_of(paths.graph, attention.mlp)
    assert (hidden is None) == (model.kind == "normed")
    if hidden is not None:
        assert hidden.shape[-1] == 6
