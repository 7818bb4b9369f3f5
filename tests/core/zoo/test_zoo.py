"""Every architecture: the sum equals autograd, mass and entropy and best path are sane, flow adds up."""

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from tests.core.zoo.feeding import feed, weigh
from tests.core.zoo.shrinking import build
from tests.core.zoo.table import ABSENT, LATE, PARALLEL, SIDE_WAYS, TABLE, WHERE, by_lane

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


DECODER_LAYERS = {"seq2seq": 2}


def attentions_of(row):
    # A model may have parts without, such as a convolutional backbone.
    parts = [row.name, *row.parts]
    return ("eager", "sdpa") if all(getattr(transformers, n)._supports_sdpa for n in parts) else ("eager",)


def recorded(row, attention):
    """A recording with inputs that require no gradient and one with inputs that do, and the gradients."""
    model = build(row.name, attention, **row.changes)
    inputs, call = feed(row.kind, model)
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    expected = weigh(call(leaves))
    gradients = torch.autograd.grad(expected, leaves)
    recordings = []
    for given in (inputs, leaves):
        with sw.record() as tape:
            score = weigh(call(given))
        torch.testing.assert_close(score.detach(), expected.detach(), rtol=1e-4, atol=1e-4)
        recordings.append((tape, score, given))
    return recordings, gradients


def anatomy_of(tape, score, inputs):
    return find_anatomy(GradientGraph(tape, *find_nodes(tape, score, inputs)))


def test_the_table_is_long_enough():
    assert len({row.name for row in TABLE}) >= 250


@pytest.mark.parametrize("row", by_lane(TABLE), ids=lambda row: row.name)
def test_sum_is_the_gradient_and_the_rest_is_sane(row):
    for attention in attentions_of(row):
        recordings, gradients = recorded(row, attention)
        largest = max(float(gradient.abs().max()) for gradient in gradients)
        assert largest > 0
        for tape, score, inputs in recordings:
            found = sw.backprop(tape, score, wrt=inputs)
            for result, gradient in zip(found, gradients, strict=True):
                assert float((result.value - gradient).abs().max()) <= 1e-5 * largest, attention
        heads = tuple(part.heads for part in anatomy_of(tape, score, inputs).attentions)
        assert heads == row.expected, attention
    entropies = sw.backprop(tape, score, wrt=inputs, semiring="entropy")
    counts = sw.backprop(tape, score, wrt=inputs, semiring="count")
    best = sw.backprop(tape, score, wrt=inputs, semiring="max")
    for all_paths, count, one, gradient in zip(entropies, counts, best, gradients, strict=True):
        reached = ~count.count.isneginf()
        assert bool(reached.any())
        assert torch.equal(all_paths.log_mass.isfinite(), reached)
        assert torch.equal(one.log_weight.isfinite(), reached)
        assert bool((all_paths.entropy >= -1e-3).all())
        assert bool((all_paths.entropy <= count.count.clamp(min=0) * (1 + 1e-5) + 1e-3).all())
        assert bool((one.log_weight <= all_paths.log_mass + 1e-3).all())
        assert bool((gradient.abs().log() <= all_paths.log_mass + 1e-3).all())


@pytest.mark.parametrize("row", by_lane(row for row in TABLE if row.expected), ids=lambda row: row.name)
def test_flow_through_a_layer_adds_up(row):
    ((tape, score, inputs), _), _ = recorded(row, "eager")
    anatomy = anatomy_of(tape, score, inputs)
    # Between a decoder's self-attention and its cross-attention there is no feed-forward part.
    absent = ABSENT.get(row.name, DECODER_LAYERS.get(row.kind, 0))
    assert sum(part.mlp is None for part in anatomy.attentions) == absent
    table = sw.flow(tape, score, wrt=inputs)
    assert table.sizes["layer"] == len(row.expected)
    shares = table.branch_mass_share.sum("token", skipna=True)
    stream = table.node_mass_share.sum("token").values
    for part in anatomy.attentions:
        if part.residual is None:
            continue
        here = shares.sel(layer=part.index)
        through = float(here.sel(branch=["skip", "query", "key", "value"]).sum())
        assert through <= 1 + 1e-3
        whole = stream[part.index] == pytest.approx(1, abs=1e-3)
        if whole and part.mlp is not None:
            here_too = WHERE.get(row.name, "") in part.module
            if row.name in SIDE_WAYS and here_too:
                assert through < 1 - 1e-4
                continue
            if row.name in PARALLEL and here_too:
                around = float(here.sel(branch="mlp_skip").sum())
                assert through == pytest.approx(around, abs=1e-3)
                through += float(here.sel(branch="mlp").sum())
            # Every path crosses the stream here, and leaves it by one of the branches.
            assert through == pytest.approx(1, abs=1e-3)
            fed = float(here.sel(branch=["mlp", "mlp_skip"]).sum())
            assert fed < 1 - 1e-3 if row.name in LATE else fed == pytest.approx(1, abs=1e-3)
    heads = table.head_mass_share.sum(("head", "kind")).values
    branches = shares.sel(branch=["query", "key", "value"]).sum("branch").values
    np.testing.assert_allclose(heads, branches, rtol=1e-3)
    # Only images have rows and columns.
    assert row.kind in ("image", "pictured") or not any(part.grid for part in anatomy.attentions)
    mapped, shares = table.map_mass_share.sum(("query", "key")), table.head_mass_share
    if all(part.weights is None for part in anatomy.attentions):
        assert bool(table.map_mass_share.isnull().all())
    elif row.name in SIDE_WAYS:
        # Queries and keys are read by more than their product.
        assert bool((mapped <= shares * (1 + 1e-3)).where(shares.notnull(), True).all())
    else:
        np.testing.assert_allclose(mapped, shares.fillna(0), rtol=1e-3, atol=1e-6)
