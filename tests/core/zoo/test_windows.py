"""Attention in windows is told in tokens of the stream: it is what full attention with a mask would be."""

import numpy as np
import pytest
import torch
import transformers
from torch import nn

import semiring_widgets as sw
from semiring_widgets.contract.answers import head_shares
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from tests.core.zoo.feeding import feed, normal, weigh
from tests.core.zoo.shrinking import build
from tests.core.zoo.table import TABLE
from tests.core.zoo.vision import SWIN

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

HEADS, UNITS = 2, 8


def split(x):
    """(examples, tokens, units) -> (examples, heads, tokens, units of one)."""
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def attend(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ value


def whole(mask):
    """Full attention with a mask."""

    def run(query, key, value):
        context = attend(split(query), split(key), split(value), mask)
        return context.transpose(1, 2).flatten(2)

    return run


def shifted_windows(size, window, shift):
    """Windows of an image, rolled and cut, as vision models do it."""

    def cut(x):
        x = x.unflatten(1, (size, size)).roll((-shift, -shift), (1, 2))
        x = x.unflatten(1, (-1, window)).unflatten(3, (-1, window)).permute(0, 1, 3, 2, 4, 5)
        return split(x.flatten(0, 2).flatten(1, 2))

    def run(query, key, value):
        count = size // window
        x = attend(cut(query), cut(key), cut(value)).transpose(1, 2).flatten(2)
        x = x.reshape(-1, count, count, window, window, UNITS).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, size, size, UNITS).roll((shift, shift), (1, 2))
        return x.flatten(1, 2)

    block = (torch.arange(size) - shift) % size // window
    cells = (block[:, None] * size + block[None, :]).flatten()
    return run, cells[:, None] == cells[None, :]


def padded_blocks(tokens, length):
    """Blocks of a sequence that does not fill them; each sees itself and the block before."""
    count = -(-tokens // length)

    def cut(x):
        x = split(nn.functional.pad(x, (0, 0, 0, count * length - tokens)))
        return x.unflatten(2, (count, length))

    def back(x):
        return nn.functional.pad(x, (0, 0, 0, 0, 1, 0))[:, :, :-1]

    # What no token sees: padding at the end, and the block before the first.
    real = (torch.arange(count * length) < tokens).unflatten(0, (count, length))
    seen = torch.cat([nn.functional.pad(real, (0, 0, 1, 0))[:-1], real], 1)

    def run(query, key, value):
        query, key, value = cut(query), cut(key), cut(value)
        key, value = torch.cat([back(key), key], 3), torch.cat([back(value), value], 3)
        context = attend(query, key, value, seen[:, None, :])
        return context.flatten(2, 3).transpose(1, 2).flatten(2)[:, :tokens]

    block = torch.arange(tokens) // length
    distance = block[:, None] - block[None, :]
    return run, (distance == 0) | (distance == 1)


class Layer(nn.Module):
    """One layer, with one way or another to attend."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(UNITS, UNITS) for _ in range(4))
        self.norm = nn.LayerNorm(UNITS)
        self.mlp = nn.Sequential(nn.Linear(UNITS, 12), nn.GELU(), nn.Linear(12, UNITS))

    def forward(self, x, attending):
        y = self.norm(x)
        x = x + self.out(attending(self.query(y), self.key(y), self.value(y)))
        return x + self.mlp(x)


def measured(layers, x, attending):
    with sw.record() as tape:
        y = x
        for layer in layers:
            y = layer(y, attending)
        score = (y * normal(*y.shape[1:])).sum()
    return tape, score


@pytest.mark.parametrize("examples", [1, 2])
@pytest.mark.parametrize(
    ("tokens", "way"),
    [
        (36, shifted_windows(6, 3, 0)),
        (36, shifted_windows(6, 3, 2)),
        (36, shifted_windows(6, 2, 1)),
        (7, padded_blocks(7, 3)),
        (9, padded_blocks(9, 3)),
    ],
)
def test_flow_is_that_of_full_attention_with_a_mask(tokens, way, examples):
    attending, mask = way
    torch.manual_seed(0)
    layers = nn.ModuleList([Layer(), Layer()])
    x = normal(examples, tokens, UNITS)
    tables = [sw.flow(*measured(layers, x, run), wrt=x) for run in (attending, whole(mask))]
    assert tables[0].sizes == tables[1].sizes
    for name in tables[1].data_vars:
        np.testing.assert_allclose(tables[0][name], tables[1][name], rtol=1e-3, atol=1e-5, err_msg=str(name))


@pytest.mark.parametrize(
    "way",
    [pytest.param(shifted_windows(6, 3, 2), marks=pytest.mark.slow), padded_blocks(7, 3)],
    ids=["image", "sequence"],
)
def test_selections_and_routes_are_those_of_full_attention_with_a_mask(way):
    attending, mask = way
    torch.manual_seed(0)
    layers = nn.ModuleList([Layer(), Layer()])
    x = normal(1, len(mask), UNITS)
    for part in (
        {"layer": 1, "head": 1, "branch": "key", "token": 5},
        {"layer": 0, "head": 0, "token": 4},
        {"layer": 1, "branch": "value", "token": 3},
    ):
        both = [
            sw.select_paths(*measured(layers, x, run), x, through=part) for run in (attending, whole(mask))
        ]
        assert both[0].log_mass == pytest.approx(both[1].log_mass, abs=1e-4)
        assert both[0].log_weight == pytest.approx(both[1].log_weight, abs=1e-4)
    lists = [sw.top_routes(*measured(layers, x, run), x, by="mass", k=5) for run in (attending, whole(mask))]
    for one, other in zip(*lists, strict=True):
        assert (one.token, one.legs) == (other.token, other.legs)
        assert one.log_mass == pytest.approx(other.log_mass, abs=1e-4)


def anatomy_of(name, **changes):
    row = next(row for row in TABLE if row.name == name)
    model = build(name, **{**row.changes, **changes})
    inputs, call = feed(row.kind, model)
    with sw.record() as tape:
        score = weigh(call(inputs))
    return find_anatomy(GradientGraph(tape, *find_nodes(tape, score, inputs))), tape, score, inputs


@pytest.mark.parametrize("name", ["LongformerForMaskedLM", "LEDForConditionalGeneration"])
def test_sliding_chunks_reach_as_far_as_their_window(name):
    anatomy, tape, score, inputs = anatomy_of(name)
    table = sw.flow(tape, score, wrt=inputs)
    places = np.arange(8)
    near = abs(places[:, None] - places[None, :]) <= 2
    # Seven tokens are padded to eight; the last is masked.
    near &= (places[:, None] < 7) & (places[None, :] < 7)
    for layer in (0, 1):
        part = anatomy.attentions[layer]
        assert (part.query.tokens, part.key.tokens, part.value.tokens) == (8, 8, 8)
        for kind in ("query", "key", "value"):
            shares = table.map_mass_share.sel(layer=layer, kind=kind).sum("head").values[:8, :8]
            assert (shares[~near] == 0).all()
            assert (shares[near] > 0).all()
            # What passes a head passes it somewhere.
            summed = table.head_mass_share.sel(layer=layer, kind=kind).sum("head")
            assert float(shares.sum()) == pytest.approx(float(summed), rel=1e-3)


def banded(
    self, hidden_states, attention_mask=None, is_index_masked=None, is_index_global_attn=None, **others
):
    """Longformer's attention, but full and with a mask."""

    def heads(x):
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def attending(query, key, value, seen):
        scores = heads(query / self.head_dim**0.5) @ heads(key).mT
        weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
        weights = weights.masked_fill(is_index_masked[:, None, :, None], 0.0)
        return (weights @ heads(value)).transpose(1, 2).flatten(2)

    x, real, far = hidden_states, ~is_index_masked[:, None, None, :], is_index_global_attn[0]
    places = torch.arange(x.shape[1])
    near = (places[:, None] - places[None, :]).abs() <= self.one_sided_attn_window_size
    context = attending(self.query(x), self.key(x), self.value(x), (near | far) & real)
    if bool(far.any()):
        chosen = far.nonzero().flatten()
        query = self.query_global(x[:, chosen])
        seen = real.expand(-1, -1, len(chosen), -1)
        scores = heads(query / self.head_dim**0.5) @ heads(self.key_global(x)).mT
        weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
        everywhere = (weights @ heads(self.value_global(x))).transpose(1, 2).flatten(2)
        context = torch.where(far[:, None], context.index_copy(1, chosen, everywhere), context)
    return (context,)


def longformer(far):
    model = build("LongformerForMaskedLM", attention_window=4)
    x = normal(1, 8, 32)
    everywhere = torch.zeros(1, 8, dtype=torch.int64)
    everywhere[0, far] = 1
    with sw.record() as tape:
        score = weigh(model(inputs_embeds=x, global_attention_mask=everywhere))
    return score, sw.flow(tape, score, wrt=x)


def test_sliding_chunks_are_full_attention_with_a_band(monkeypatch):
    score, sliding = longformer([])
    owner = transformers.models.longformer.modeling_longformer.LongformerSelfAttention
    monkeypatch.setattr(owner, "forward", banded)
    again, band = longformer([])
    torch.testing.assert_close(again, score)
    for name in band.data_vars:
        np.testing.assert_allclose(sliding[name], band[name], rtol=1e-3, atol=1e-5, err_msg=str(name))


@pytest.mark.parametrize("far", [[0], [0, 5]])
def test_near_and_far_keys_together_are_full_attention(monkeypatch, far):
    """Words that all others see are a second product beside the chunks, and see all others by a third."""
    score, sliding = longformer(far)
    owner = transformers.models.longformer.modeling_longformer.LongformerSelfAttention
    monkeypatch.setattr(owner, "forward", banded)
    again, band = longformer(far)
    torch.testing.assert_close(again, score)
    assert (sliding.sizes["layer"], band.sizes["layer"]) == (6, 4)
    for name in ("map_mass_share", "head_mass_share"):
        parts = sliding[name].values.reshape(2, 3, *sliding[name].shape[1:])
        whole = band[name].values.reshape(2, 2, *band[name].shape[1:])
        if name == "map_mass_share":
            np.testing.assert_allclose(parts[:, :2].sum(1), whole[:, 0], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(parts[:, 2], whole[:, 1], rtol=1e-3, atol=1e-5)
    for name in ("skip", "mlp", "mlp_skip"):
        one = sliding.branch_mass_share.sel(branch=name).values[::3]
        np.testing.assert_allclose(one, band.branch_mass_share.sel(branch=name).values[::2], rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "shift"), [("SwinForImageClassification", 0), ("SwinForImageClassification", 2)]
)
def test_windows_of_an_image_are_told_by_row_and_column(name, shift):
    depths = {"depths": [2, 1]} if shift else {}
    anatomy, tape, score, inputs = anatomy_of(name, **{**SWIN, **depths})
    layer = 1 if shift else 0
    part = anatomy.attentions[layer]
    assert part.grid == (8, 8)
    table = sw.flow(tape, score, wrt=inputs)
    assert table.rows.values[layer] == 8
    assert table.columns.values[layer] == 8
    # Windows of 4 by 4; where they are shifted, the image's borders stay borders.
    block = (np.arange(8) + 4 - shift) // 4 if shift else np.arange(8) // 4
    cells = (block[:, None] * 4 + block[None, :]).reshape(-1)
    together = cells[:, None] == cells[None, :]
    shares = table.map_mass_share.sel(layer=layer).sum(("head", "kind")).values[:64, :64]
    assert (shares[~together] < 1e-12).all()
    assert (shares[together] > 0).all()


def test_explain_leaves_out_what_fills_up_the_windows():
    _, tokenizer = sw.load_demo()
    words = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    model = build("LongformerForMaskedLM", attention_window=4, **words)
    result = sw.explain(model, tokenizer, "the keys to the cabinet [MASK] on the table")
    assert len(result.tokens) == 11
    assert head_shares(result, 1, 3).shape == (3, 11, 11)
    assert float(result.dataset.head_mass_share.isel(layer=1).sum()) > 0


def test_blocks_of_several_products_see_what_they_should():
    """Far, near and random blocks: eight pairs of products in each layer, which add up to one attention."""
    sparse = {"attention_type": "block_sparse", "block_size": 2, "num_random_blocks": 1}
    model = build("BigBirdForMaskedLM", **sparse)
    x = normal(1, 32, 32)
    with sw.record() as tape:
        score = weigh(model(inputs_embeds=x))
    table = sw.flow(tape, score, wrt=x)
    parts = table.sizes["layer"] // 2
    for first in (0, parts):
        layer = table.isel(layer=slice(first, first + parts))
        branches = layer.branch_mass_share.sum("token")
        left = float(branches.sel(branch=["query", "key", "value"]).sum())
        assert left + float(branches.sel(branch="skip")[0]) == pytest.approx(1, abs=1e-3)
        seen = layer.map_mass_share.sum(("layer", "head", "kind")).values > 0
        blocks = seen.reshape(16, 2, 16, 2).any((1, 3))
        assert blocks[[0, -1]].all()
        assert blocks[:, [0, -1]].all()
        assert blocks[range(1, 15), range(2, 16)].all()
        # First, last and three near; in evaluation, what is chosen at random is the first again.
        assert blocks[2:-2].sum(1).tolist() == [5] * 12


def test_keys_that_are_averages_have_places_of_their_own():
    """Each block of two words is one more key for all; the last of seven words is in none."""
    anatomy, tape, score, inputs = anatomy_of(
        "LongT5ForConditionalGeneration",
        encoder_attention_type="transient-global",
        local_radius=1,
        global_block_size=2,
    )
    assert [part.query.tokens for part in anatomy.attentions[:2]] == [7, 7]
    assert [part.key.tokens for part in anatomy.attentions[:2]] == [10, 10]
    table = sw.flow(tape, score, wrt=inputs)
    assert table.sizes["key"] == 10
    shares = table.branch_mass_share.sel(layer=0).sum("token")
    assert float(shares.sel(branch=["skip", "query", "key", "value"]).sum()) == pytest.approx(1, abs=1e-3)
    seen = table.map_mass_share.isel(layer=0).sum(("head", "kind")).values > 0
    places = np.arange(7)
    assert (seen[:7, :7] == (abs(places[:, None] - places[None, :]) <= 1)).all()
    assert seen[:7, 7:].all()


def pooled(query, key, value):
    """Queries that are averages of three words, given back to each: of no one token."""
    few = query.unflatten(1, (-1, 3)).mean(2)
    return whole(None)(few, key, value).repeat_interleave(3, 1)


def test_what_cannot_be_followed_to_the_stream_says_so():
    torch.manual_seed(0)
    layers = nn.ModuleList([Layer()])
    x = normal(1, 9, UNITS)
    tape, score = measured(layers, x, pooled)
    (part,) = find_anatomy(GradientGraph(tape, *find_nodes(tape, score, x))).attentions
    assert (part.in_windows, part.query.tokens, part.heads) == (True, 3, HEADS)
    table = sw.flow(tape, score, wrt=x)
    assert table.tokens_of.values.tolist() == ["window"]
    shares = table.branch_mass_share.sel(layer=0).sum("token")
    assert float(shares.sel(branch=["skip", "query", "key", "value"]).sum()) == pytest.approx(1, abs=1e-3)
