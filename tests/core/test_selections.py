"""The one checker of selections: what it takes, what it refuses and says."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import Extent, LayerExtent, Selection, checked
from semiring_widgets.errors import InputError

# The second layer has fewer heads than the first, and looks at a longer text.
EXTENT = Extent((LayerExtent(4, 6, 6), LayerExtent(2, 6, 9)), (6, 9))


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"layer": 1, "head": 1}, [Selection(1, None, 1)]),
        (Selection(token=8, stream=1), [Selection(token=8, stream=1)]),
        ([{"token": 2}, {"layer": 0, "head": 3}], [Selection(token=2), Selection(0, head=3)]),
        pytest.param(({"token": 2} for _ in range(2)), [Selection(token=2)], id="generator"),
        ({"layer": np.int64(1), "head": np.uint8(1)}, [Selection(1, head=1)]),
        ({"layer": torch.tensor(1), "branch": "key", "token": 8}, [Selection(1, "key", token=8)]),
        ({"layer": 0, "branch": None, "head": None, "token": None, "stream": None}, [Selection(0)]),
        ({"layer": None, "branch": None, "head": None, "token": None, "stream": 1}, []),
        ({}, []),
        ([], []),
        ((), []),
    ],
    ids=str,
)
def test_what_is_taken(given, parts):
    found = checked(given, EXTENT)
    assert list(found) == parts
    assert all(type(part.layer) in (int, type(None)) for part in found)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"head": 1}, "head is 1, and there is no layer that it is of; add layer="),
        ({"branch": "skip"}, "branch is 'skip', and there is no layer"),
        ({"token": 1, "head": 1}, "no layer that it is of"),
        ({"layer": 1, "head": 2}, "head is 2; layer 1 has 2 heads, counted from 0"),
        ({"layer": 2}, "layer is 2; there are 2 layers, counted from 0"),
        ({"layer": -1}, "layer is -1; there are 2 layers"),
        ({"token": 6}, "token is 6; input 0 has 6 tokens"),
        ({"token": -1}, "token is -1; input 0"),
        ({"token": 9, "stream": 1}, "token is 9; input 1 has 9 tokens"),
        ({"layer": 1, "token": 8}, "token is 8; layer 1 has 6 tokens"),
        ({"layer": 1, "token": 8, "branch": "query"}, "token is 8; layer 1 has 6 tokens"),
        ({"layer": 1, "token": 9, "branch": "value"}, "token is 9; layer 1 has 9 tokens"),
        ({"token": 1, "stream": 2}, "stream is 2; there are 2 inputs"),
        ({"layer": 0, "stream": -1}, "stream is -1"),
        ({"layer": 0, "branch": "sideways"}, "branch is 'sideways'; choose one of skip, query"),
        ({"layer": 0, "branch": 3}, "branch is 3; choose one of"),
        ({"layer": 0, "branch": ["skip"]}, r"branch is \['skip'\]; choose one of"),
        ({"layer": 0, "branch": "mlp", "head": 1}, "The mlp of a layer has no heads"),
        ({"layer": 0, "heads": 1}, "it has 'heads'. A part is a dict with some of layer, branch, head"),
        ({"layer": True}, "layer is True; give a whole number"),
        ({"layer": 1.0}, r"layer is 1.0; give a whole number"),
        ({"layer": "1"}, "layer is '1'; give a whole number"),
        ({"layer": [1]}, r"layer is \[1\]; give a whole number"),
        ({"layer": float("nan")}, "layer is nan"),
        ({3: 1}, "no part of a model: it has 3"),
        ([{"layer": 1}, None], "None is no part of a model"),
        ([{"layer": 1}, [{"layer": 0}]], "is no part of a model"),
        ("layer", "A selection is a part or a list of parts, got 'layer'"),
        (3, "A selection is a part or a list of parts, got 3"),
        (None, "got None"),
        (Selection(head=1), "no layer that it is of"),
        (Selection(layer="0"), "layer is '0'"),
    ],
    ids=str,
)
def test_what_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        checked(given, EXTENT)


@pytest.mark.parametrize("where", ["through", "avoiding"])
@pytest.mark.parametrize("given", [{"layer": 7}, "layer", None, [{"layer": 0}, 3], {"head": 0}], ids=str)
def test_select_paths_asks_it(where, given):
    with sw.record() as tape:
        x = torch.ones(2, 3)
        score = x.sum()
    with pytest.raises(InputError):
        sw.select_paths(tape, score, x, **{where: given})


@pytest.mark.parametrize(
    ("dtype", "shape", "token", "rows"),
    [
        (torch.float64, (2, 3, 4), 2, (slice(None), 2)),
        (torch.float64, (4,), 0, ...),
        (torch.float64, (), 0, ...),
        (torch.complex128, (3, 4), 2, 2),
        (torch.complex128, (4,), 0, ...),
        (torch.complex128, (), 0, ...),
    ],
    ids=str,
)
def test_a_token_of_an_input_is_its_row(dtype, shape, token, rows):
    """Of a complex one, too, whose real and imaginary parts are no units of it."""
    x = torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with sw.record() as tape:
        score = (x * x).abs().sum()
    paths = sw.paths(tape, score, x)
    whole = paths.backprop().value
    kept = torch.zeros_like(whole)
    kept[rows] = whole[rows]
    chosen = paths.through({"token": token})
    torch.testing.assert_close(chosen.backprop().value, kept)
    torch.testing.assert_close(paths.avoiding({"token": token}).backprop().value, whole - kept)
    (by_token,) = paths.flow().start(paths.graph.wrt[0])
    assert float(by_token[token]) == pytest.approx(chosen.log_mass)
    assert float(by_token.logsumexp(0)) == pytest.approx(paths.log_mass)
    with pytest.raises(InputError, match=f"token is {len(by_token)}; input 0 has {len(by_token)} tokens"):
        paths.through({"token": len(by_token)})
