"""Where no path leads from the inputs to the score, the message says why, and where it was cut."""

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import InputError


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
