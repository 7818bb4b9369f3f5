"""Where no path leads from the inputs to the score, the message says why, and where it was cut."""

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import InputError, TapeError


class Frozen(nn.Module):
    """An encoder whose output is cut off in one way or another, and a head."""

    def __init__(self, cut):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head, self.cut = nn.Linear(4, 1), cut

    def forward(self, x):
        if self.cut == "no_grad":
            with torch.no_grad():
                h = self.encoder(x)
        else:
            h = self.encoder(x)
        if self.cut == "detach":
            h = h.detach()
        return self.head(h)[0, 0, 0]


ASK = {
    "flow": sw.flow,
    "top_routes": sw.top_routes,
    "path_lengths": sw.path_lengths,
    "select_paths": lambda *given: sw.select_paths(*given, leaving_skip=True),
}


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize(
    ("cut", "place"), [("no_grad", "in module 'encoder"), ("detach", "outside|in module ''")]
)
def test_the_cut_is_named(ask, cut, place):
    model, x = Frozen(cut).eval(), torch.randn(1, 3, 4)
    with sw.record() as tape:
        score = model(x)
    with pytest.raises(InputError, match=rf"all are cut, at last ({place}).*torch.no_grad or detach"):
        ASK[ask](tape, score, x)


@pytest.mark.parametrize("ask", ASK)
def test_what_does_not_depend_on_the_inputs(ask):
    x, other = torch.randn(1, 3, 4), torch.randn(1, 3, 4)
    with sw.record() as tape:
        other * 2
        score = (x * x).sum()
    with pytest.raises(InputError, match="to the score: it does not depend on them"):
        ASK[ask](tape, score, other)


def test_frozen_weights_are_no_cut():
    model, x = Frozen("nothing").eval().requires_grad_(False), torch.randn(1, 3, 4)
    with sw.record() as tape:
        score = model(x)
    assert sw.flow(tape, score, x).sizes["layer"] == 1


COUNT = {
    "backprop": sw.backprop,
    "top_paths": sw.top_paths,
    "sample_paths": sw.sample_paths,
}


@pytest.mark.parametrize("ask", COUNT)
@pytest.mark.parametrize("cut", ["no_grad", "detach"])
def test_a_score_behind_a_cut_is_no_zero(ask, cut):
    model, x = Frozen(cut).eval(), torch.randn(1, 3, 4)
    with sw.record() as tape:
        score = model(x)
    with pytest.raises(TapeError, match=r"all are cut.*torch.no_grad or detach"):
        COUNT[ask](tape, score, x)


def test_a_score_computed_without_grad():
    x = torch.randn(3)
    with sw.record() as tape, torch.no_grad():
        score = (x * x).sum()
    with pytest.raises(TapeError, match="all are cut, at last outside of any module"):
        sw.backprop(tape, score, x)


def test_one_of_several_inputs_behind_a_cut():
    x, other = torch.randn(3), torch.randn(3)
    with sw.record() as tape:
        score = (x * other.detach()).sum()
    of_x, of_other = sw.backprop(tape, score, [x, other])
    torch.testing.assert_close(of_x.value, other)
    assert of_other.value.count_nonzero() == 0


def test_what_the_score_does_not_depend_on_counts_as_zero():
    x, other = torch.randn(3), torch.randn(3)
    with sw.record() as tape:
        other * 2
        score = (x * x).sum()
    assert sw.backprop(tape, score, other).value.count_nonzero() == 0
    assert sw.top_paths(tape, score, other) == []
