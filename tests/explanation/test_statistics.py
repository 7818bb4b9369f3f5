"""`explain(semiring=...)`: a user's semiring has its number at every token, layer, branch and head."""

import json
import math

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import answer
from semiring_widgets.errors import InputError, NonFiniteError
from semiring_widgets.explanation import demo, explain_run
from semiring_widgets.semirings import FUSED, Hops, KBest, Max, Product, Variance
from tests.own_semirings import Bottleneck, Collision

TEXT = demo.DEMO_TEXT
ASKED = Product(Bottleneck(), Collision())


@pytest.fixture(scope="module")
def pair():
    return sw.load_demo()


@pytest.fixture(scope="module")
def recorded(pair):
    model, tokenizer = pair
    encoded = tokenizer(TEXT, return_tensors="pt")
    x = model.get_input_embeddings()(encoded["input_ids"]).detach()
    with sw.record() as tape:
        logits = model(inputs_embeds=x, attention_mask=encoded["attention_mask"]).logits[0, 6]
        score = logits[tokenizer.convert_tokens_to_ids("are")] - logits[tokenizer.convert_tokens_to_ids("is")]
    return tape, score, x


@pytest.fixture(scope="module")
def result(pair):
    return sw.explain(*pair, TEXT, target="are", contrast="is", semiring=ASKED)


def numbers(semiring, result):
    return semiring.readout(result.parts).double().numpy()


def test_tokens_are_those_of_backprop(result, recorded):
    assert [(s.name, s.unit) for s in result.statistics] == [
        ("Bottleneck", ""),
        ("collision entropy", "nats"),
    ]
    for number, factor in enumerate(ASKED.factors):
        found = sw.backprop(*recorded, semiring=factor).reduce((0, 2))
        expected = result.dataset.token_statistic.values[number]
        assert numbers(factor, found) == pytest.approx(expected, rel=1e-4)
    assert (result.dataset.token_statistic[1] <= result.dataset.token_entropy).all()


@pytest.mark.parametrize("semiring", ["entropy", "max", "abs", "count"])
def test_parts_are_those_of_the_usual_statistics(pair, result, semiring):
    """Heads and branches by name agree with what the flow says, or with each other."""
    found = sw.explain(*pair, TEXT, target="are", contrast="is", semiring=semiring).dataset
    heads = found.head_statistic.values[0]
    if semiring == "max":
        best = found.head_best_log_weight.values
        assert heads[..., 1:] == pytest.approx(best, abs=1e-3)
        assert heads[..., 0] == pytest.approx(best.max(-1), abs=1e-3)
        assert found.node_statistic.values[0] == pytest.approx(found.node_best_log_weight.values, abs=1e-3)
        assert found.branch_statistic.values[0] == pytest.approx(
            found.branch_best_log_weight.values.max(-1), abs=1e-3
        )
    if semiring == "abs":
        total = result.totals.log_mass
        assert np.exp(heads[..., 1:] - total) == pytest.approx(
            found.head_mass_share.values, rel=2e-2, abs=1e-6
        )
        assert found.branch_statistic.values[0] == pytest.approx(
            np.log(found.branch_mass_share.values.sum(-1)) + total, abs=1e-3
        )
    if semiring == "entropy":
        assert found.token_statistic.values[0] == pytest.approx(found.token_entropy.values, rel=1e-5)
    if semiring == "count":
        # Every path passes the stream of each layer once.
        streams = np.logaddexp.reduce(found.node_statistic.values[0], axis=1)
        whole = np.logaddexp.reduce(found.token_statistic.values[0])
        assert streams == pytest.approx([whole] * len(streams), abs=1e-3)


def test_hops_are_those_of_path_lengths(pair, recorded):
    found = sw.explain(*pair, TEXT, target="are", contrast="is", semiring="hops")
    expected = sw.path_lengths(*recorded)[0].reduce((0, 2)).length
    assert found.dataset.token_statistic.values[0] == pytest.approx(expected.numpy(), abs=1e-4)
    branches = found.dataset.branch_statistic.values[0]
    # A path by the skip of a layer has at least one attention less to take.
    assert (branches[:, 0] <= 3 + 1e-4).all()
    assert (branches[:, 1:4] >= 1).all()
    few = sw.explain(*pair, TEXT, target="are", contrast="is", semiring=Hops(1))
    assert (few.dataset.token_statistic <= 1 + 1e-5).all()


@pytest.mark.parametrize(
    "selection",
    [{"layer": 2, "branch": "value", "head": 1}, {"layer": 1, "branch": "skip"}, {"token": 3}],
    ids=str,
)
def test_a_selection_conditions_the_statistic(result, selection):
    chosen = {"layer": None, "branch": None, "head": None, "token": None, "stream": 0, **selection}
    table, _ = result.session.conditioned(chosen)
    widest = table.token_statistic.values[0].max()
    known = result.dataset
    if "head" in selection:
        assert widest == pytest.approx(float(known.head_statistic[0, 2, 1, 3]), rel=1e-4)
    elif "branch" in selection:
        assert widest == pytest.approx(float(known.branch_statistic[0, 1, 0]), rel=1e-4)
    else:
        assert table.token_statistic.values[1, 3] == pytest.approx(
            float(known.token_statistic[1, 3]), rel=1e-4
        )
        assert np.isnan(table.token_statistic.values[1]).sum() == len(result.tokens) - 1


def test_every_exit_carries_it(result, tmp_path):
    frame = result.to_pandas()
    np.testing.assert_array_equal(frame["Bottleneck"], result.dataset.token_statistic[0])
    labelled = result.to_xarray()
    np.testing.assert_array_equal(
        labelled.head_statistic.sel(statistic="collision entropy", operand="value"),
        result.dataset.head_statistic.values[1, :, :, 3],
    )
    result.save(tmp_path / "r.nc")
    back = sw.load(tmp_path / "r.nc")
    assert back.statistics == result.statistics
    np.testing.assert_array_equal(back.dataset.head_statistic, result.dataset.head_statistic)
    header, buffer = messages.encode(back, 1)
    assert header["statistics"][1] == {"name": "collision entropy", "unit": "nats"}
    columns = messages.unpack(header["columns"], buffer)
    np.testing.assert_array_equal(columns["node_statistic"], result.dataset.node_statistic)
    conditioned, _ = answer(result, {"type": "condition", "id": 1, "selection": {"layer": 1}})
    assert {"token_statistic", "head_statistic"} <= {column["name"] for column in conditioned["columns"]}
    chart, _ = answer(back, {"type": "chart", "id": 2})
    assert "collision entropy (primitive)" in json.dumps(chart["item"])
    data = result._repr_mimebundle_()
    assert "Bottleneck: from 0." in data["text/plain"]
    page = result.to_html(tmp_path / "r.html", chart=False, answers=3)
    assert "collision entropy" in page.read_text(encoding="utf-8")


def test_names_that_are_taken_stay_apart(pair):
    result = sw.explain(*pair, TEXT, target="are", semiring=Product(Max(), KBest(2), Max(), Variance()))
    assert [s.name for s in result.statistics] == ["max", "2-best", "max (2)", "variance"]

    class Entropy(Bottleneck):
        name = "entropy"

    frame = sw.explain(*pair, TEXT, target="are", semiring=Entropy()).to_pandas()
    assert {"entropy", "entropy statistic"} <= set(frame)


def test_without_a_path_there_is_no_number(pair):
    """The later tokens of a causal model; the readout of `Collision` is undefined there."""
    config = transformers.GPT2Config(
        vocab_size=len(pair[1]), n_embd=8, n_layer=1, n_head=2, n_positions=16, bos_token_id=0, eos_token_id=0
    )
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(config).eval()
    result = sw.explain(model, pair[1], "The keys to the cabinet", "are", position=2, semiring=ASKED)
    widths, spreads = result.dataset.token_statistic.values
    assert (widths[:3] > 0).all()
    assert (widths[3:] == 0).all()
    assert np.isfinite(spreads[:3]).all()
    assert np.isnan(spreads[3:]).all()


def test_at_branch_level_parts_have_no_sum(pair):
    result = sw.explain(*pair, TEXT, target="are", semiring="max", level="branch")
    assert np.isfinite(result.dataset.token_statistic.values).all()
    assert np.isnan(result.dataset.head_statistic).all()


@pytest.mark.parametrize("semiring", ["luck", Bottleneck, 7])
def test_what_is_no_semiring_is_refused_before_anything_runs(pair, semiring):
    with pytest.raises(InputError, match=r"choose one of|pass an object"):
        explain_run(*pair, TEXT, "are", semiring=semiring)


def test_a_readout_that_is_no_number_is_an_error(pair):
    class Wrong(Bottleneck):
        def readout(self, value):
            return value[0] * math.nan

    with pytest.raises(NonFiniteError, match="The readout of the semiring Wrong is NaN"):
        sw.explain(*pair, TEXT, target="are", semiring=Wrong())


def test_fused_and_flags(pair):
    result = sw.explain(*pair, TEXT, target="are", semiring="fused")
    assert [s.name for s in result.statistics] == [factor.name for factor in FUSED.factors]
    reach = sw.explain(*pair, TEXT, target="are", semiring="boolean")
    assert reach.dataset.token_statistic.values.tolist() == [[1.0] * len(result.tokens)]
