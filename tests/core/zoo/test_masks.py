"""What a mask hides is on no path: exactly zero flow through padding, and from later tokens to earlier."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from tests.core.zoo.feeding import feed, normal, weigh
from tests.core.zoo.shrinking import TOKENS, WIDTH, build
from tests.core.zoo.table import DECODERS, ENCODER_DECODERS, ENCODERS, MIXED, SIDE_WAYS, by_lane

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

REAL = TOKENS - 2
PADDING = slice(REAL, TOKENS)


def answer(output):
    """The part of the output that belongs to real tokens."""
    name = next(name for name in ("logits", "last_hidden_state") if output.get(name) is not None)
    values = output[name]
    return weigh({name: values[:, :REAL] if values.shape[1] >= TOKENS else values})


def by_head(table, row):
    """For every layer its heads: flow by kind, and what the map says in all."""
    if row.name == "YosoForMaskedLM":
        # One step, which does not show what goes from token to token.
        assert bool(table.map_mass_share.isnull().all())
        return
    for layer, heads in enumerate(row.expected):
        here = table.isel(layer=layer, head=slice(0, heads))
        yield here.head_mass_share.values, here.map_mass_share.sum(("query", "key")).values


@pytest.mark.parametrize(
    "row", by_lane(row for row in [*ENCODERS, *DECODERS] if row.expected), ids=lambda row: row.name
)
def test_padding_and_the_future_carry_nothing(row):
    model = build(row.name, **row.changes)
    x = normal(1, TOKENS, WIDTH)
    mask = torch.tensor([[1] * REAL + [0] * (TOKENS - REAL)])
    with sw.record() as tape:
        score = answer(model(inputs_embeds=x, attention_mask=mask))
    table = sw.flow(tape, score, wrt=x)
    maps = table.map_mass_share
    starts = table.input_mass_share
    assert float(starts.sum()) == pytest.approx(1, abs=1e-3)
    assert (float(starts.isel(token=PADDING).sum()) == 0) == (row.name not in MIXED)
    if row.name not in MIXED:
        assert float(table.node_mass_share.isel(token=PADDING).sum()) == 0
        assert float(table.branch_mass_share.isel(token=PADDING).sum()) == 0
        assert float(maps.isel(query=PADDING).sum()) == 0
        assert float(maps.isel(key=PADDING).sum()) == 0
    if row in DECODERS:
        between = maps.sum(("layer", "head", "kind")).values
        assert np.triu(between, 1).sum() == 0
        assert (np.diagonal(between)[1:REAL] > 0).all()
    for shares, mapped in by_head(table, row):
        assert (shares > 0).all()
        if row.name in SIDE_WAYS:
            # Queries and keys are read by more than their product.
            assert (mapped <= shares * (1 + 1e-3)).all()
        else:
            np.testing.assert_allclose(mapped, shares, rtol=1e-3)


@pytest.mark.parametrize("row", by_lane(ENCODER_DECODERS), ids=lambda row: row.name)
def test_cross_attention_goes_from_words_read_to_words_written(row):
    model = build(row.name, **row.changes)
    inputs, _ = feed(row.kind, model)
    mask = torch.tensor([[1] * REAL + [0] * (TOKENS - REAL)])
    with sw.record() as tape:
        output = model(inputs_embeds=inputs[0], decoder_inputs_embeds=inputs[1], attention_mask=mask)
        # The second of three words that are written.
        score = (output.logits[0, 1] * normal(output.logits.shape[-1])).sum()
    table = sw.flow(tape, score, wrt=inputs)
    assert float(table.input_mass_share.isel(token=PADDING).sum()) == 0
    assert (float(table.input_mass_share.isel(input=1, token=2)) == 0) == (row.name not in MIXED)
    attentions = find_anatomy(GradientGraph(tape, *find_nodes(tape, score, inputs))).attentions
    crossing = [part for part in attentions if part.stream != part.key_stream]
    assert len(crossing) == 2
    for part in attentions:
        between = table.map_mass_share.isel(layer=part.index).sum(("head", "kind")).values
        if part.key_stream == 0:
            assert between[:, PADDING].sum() == 0
        if part.stream == 1 and row.name not in MIXED:
            # The third word, also of the streams that predict, which follow on the main one.
            assert between[2::3].sum() == 0
            assert part.key_stream == 0 or between[:, 2::3].sum() == 0
    # Only the second word is left where the last attention asks for words that are read.
    last = table.map_mass_share.isel(layer=crossing[-1].index).sum(("head", "kind")).values
    asking = np.flatnonzero(last.sum(1))
    assert (asking % 3 == 1).all()
    assert (last[asking, :REAL] > 0).all()
    for shares, mapped in by_head(table, row):
        np.testing.assert_allclose(mapped, shares, rtol=1e-3)
