"""`flow`: the maps between tokens, the embeddings, the best paths and the signed sums agree with the rest."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError, MemoryLimitError
from tests.core.test_models import FAMILIES, bert, gpt2, llama, recorded, t5

IDS = torch.tensor([[3, 4, 5, 6]])
EMBEDDINGS = {
    bert: ["word_embeddings", "token_type_embeddings", "position_embeddings"],
    gpt2: ["wte", "wpe"],
    llama: ["embed_tokens"],
    # The module that both share has its own name in transformers 4.
    t5: [("encoder.embed_tokens", "shared"), ("decoder.embed_tokens", "shared #2")],
}


def known(values):
    return values[~np.isnan(values)]


@FAMILIES
def test_maps_are_the_heads_by_token(family):
    tape, score, x, _ = recorded(family, dtype=torch.float64)
    table = sw.flow(tape, score, wrt=x)
    by_map = table.map_mass_share.sum(("query", "key"))
    assert known((by_map - table.head_mass_share.fillna(0)).values) == pytest.approx(0, abs=1e-5)
    best = table.map_best_log_weight.max(("query", "key")).values
    heads = table.head_best_log_weight.values
    assert known(best) == pytest.approx(known(heads), abs=1e-4)
    assert float(table.map_best_share.max()) <= 1 + 1e-5
    assert float(table.branch_best_share.max()) == pytest.approx(1, abs=1e-5)
    assert not any(str(name).startswith("map") for name in sw.flow(tape, score, x, maps=False).data_vars)


def test_of_a_set_of_paths_nothing_is_asked_twice():
    """A limit in particular is kept, or refused: never passed over."""
    tape, score, x, _ = recorded(bert)
    paths = sw.paths(tape, score, x)
    for more in ({"score": score}, {"wrt": x}, {"max_memory": 10}):
        with pytest.raises(InputError, match=r"knows its score, .* given to sw\.paths"):
            sw.flow(paths, **more)
    with pytest.raises(MemoryLimitError):
        sw.flow(sw.paths(tape, score, x, max_memory=10))


def test_a_map_entry_is_a_set_of_paths():
    """A value's path from one token to another, counted by sets of paths instead."""
    tape, score, x, _ = recorded(bert, dtype=torch.float64)
    table = sw.flow(tape, score, wrt=x)
    through = [{"layer": 0, "head": 1, "branch": "value", "token": 4}, {"layer": 1, "token": 2}]
    chosen = sw.select_paths(tape, score, x, through=through)
    place = {"layer": 0, "head": 1, "kind": 2, "query": 2, "key": 4}
    assert float(table.map_mass_share[place]) == pytest.approx(np.exp(chosen.log_share), rel=1e-4)
    assert float(table.map_best_log_weight[place]) == pytest.approx(chosen.log_weight, abs=1e-4)


@pytest.mark.parametrize("family", EMBEDDINGS, ids=lambda f: f.__name__)
def test_embeddings_are_found_in_the_graph(family):
    torch.manual_seed(0)
    model, _ = family("eager")
    more = {"decoder_input_ids": torch.tensor([[0, 5]])} if family is t5 else {}
    with sw.record() as tape:
        score = model(input_ids=IDS, **more).logits[0, -1, 3]
    table = sw.flow(tape, score)
    names = [str(name) for name in table.input.values]
    assert [n for n, end in zip(names, EMBEDDINGS[family], strict=True) if not n.endswith(end)] == []
    assert float(table.input_mass_share.sum()) == pytest.approx(1, abs=1e-4)
    assert float(table.input_best_share.max()) == pytest.approx(1, abs=1e-5)


@FAMILIES
def test_contributions_add_up_to_the_gradient(family):
    tape, score, x, _ = recorded(family, dtype=torch.float64)
    direction = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    gradient = sw.backprop(tape, score, wrt=x).value
    for given, used in ((None, x), (direction, direction)):
        table = sw.flow(tape, score, wrt=x, direction=given, maps=False)
        expected = float((gradient * used).sum())
        size = float((gradient * used).abs().sum())
        assert table.input_contribution.values[0] == pytest.approx(
            (gradient * used)[0].sum(-1), abs=1e-9 * size
        )
        attention = table.branch_contribution.sel(branch=["skip", "query", "key", "value"])
        # The first two layers are on the way of every path, the decoder of T5 is not.
        assert attention.sum(("branch", "token")).values[:2] == pytest.approx(expected, abs=1e-8 * size)
        assert table.node_contribution.sum("token").values[:2] == pytest.approx(expected, abs=1e-8 * size)
        for part in ("input", "node", "branch", "head"):
            ratios = known(table[f"{part}_cancellation"].values)
            assert len(ratios)
            assert 0 <= ratios.min() <= ratios.max() <= 1


def test_cancellation_is_that_of_the_paths():
    """Against sets of paths: the head's query, key and value apart."""
    tape, score, x, _ = recorded(gpt2, dtype=torch.float64)
    table = sw.flow(tape, score, wrt=x, maps=False)
    for kind, branch in enumerate(("query", "key", "value")):
        chosen = sw.select_paths(tape, score, x, through={"layer": 1, "head": 2, "branch": branch})
        place = {"layer": 1, "head": 2, "kind": kind}
        assert float(table.head_contribution[place]) == pytest.approx(chosen.contribution(), rel=1e-7)
        assert float(table.head_cancellation[place]) == pytest.approx(chosen.cancellation(), rel=1e-7)


def test_named_inputs():
    tape, score, x, _ = recorded(bert)
    table = sw.flow(tape, score, wrt={"words": x}, maps=False)
    assert list(table.input.values) == ["words"]


def test_nothing_to_start_from_is_a_sentence():
    with sw.record() as tape:
        score = torch.tanh(torch.randn(3)).sum()
    with pytest.raises(sw.SemiringWidgetsError, match="No embedding"):
        sw.flow(tape, score)
