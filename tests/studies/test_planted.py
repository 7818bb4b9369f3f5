"""Models whose circuit is known: that it is the circuit, and that textbook methods agree with the package."""

import itertools

import pandas as pd
import pytest
import torch

import semiring_widgets as sw
from examples.studies.planted.hand_set import HAND_SET
from examples.studies.planted.medians import interval_of_median
from examples.studies.planted.patching import Runs
from examples.studies.planted.programs import program, program_names
from examples.studies.planted.report import choosing, chosen
from examples.studies.planted.routes import measure_hand_set
from examples.studies.planted.scores import scored
from examples.studies.planted.trained import FOLDER, trained_facts, trained_model, trained_names
from examples.studies.planted.turning import turned


@pytest.fixture(scope="module")
def planted():
    return program("detect_ab")


def runs_of(planted, pairs=12):
    return Runs(planted.model, planted.pairs(pairs, seed=1))


def test_there_are_enough_programs():
    assert len(program_names()) >= 80


@pytest.mark.parametrize("name", ["detect_ab", "hist", "frac_prevs", "drawn_011"])
def test_only_edges_of_the_circuit_have_an_effect(name):
    planted = program(name)
    runs = runs_of(planted)
    largest = runs.patched().amax(0).tolist()
    outside = [
        size for edge, size in zip(runs.edges, largest, strict=True) if runs.name(edge) not in planted.edges
    ]
    inside = [
        size for edge, size in zip(runs.edges, largest, strict=True) if runs.name(edge) in planted.edges
    ]
    assert max(outside) == 0
    assert min(inside) > 1e-3


def test_all_edges_outside_of_the_circuit_can_be_removed_at_once(planted):
    runs = runs_of(planted)
    outside = torch.zeros(1, len(runs.sources), len(runs.targets), dtype=torch.bool)
    for source, target in runs.edges:
        outside[0, source, target] = runs.name((source, target)) not in planted.edges
    assert float(runs.tested(outside).max()) == 0
    assert float(runs.tested(torch.ones_like(outside)).min()) == pytest.approx(1)


def test_a_turned_model_computes_the_same(planted):
    other = turned(planted)
    texts = planted.texts(8, torch.Generator().manual_seed(0))
    torch.testing.assert_close(other.model(texts).float(), planted.model(texts), rtol=1e-5, atol=1e-5)
    assert (other.model.token_embedding.weight != 0).all()


@pytest.mark.parametrize("steps", [None, 3])
def test_the_textbook_and_the_package_agree(planted, steps):
    pairs = planted.pairs(1, seed=0)
    runs = Runs(planted.model, pairs)
    expected = runs.attributed([1.0] if steps is None else [(i + 0.5) / steps for i in range(steps)])
    with sw.record() as tape:
        score = (planted.outputs(pairs.inputs) * pairs.direction).sum()
    found = sw.edges(tape, score, list(pairs.inputs), list(pairs.reference), steps=steps)
    names = found[["source", "target", "branch"]].fillna("").itertuples(index=False, name=None)
    numbers = dict(zip(names, found["contribution"], strict=True))
    assert len(numbers) == len(runs.edges)
    for edge, number in zip(runs.edges, expected[0].tolist(), strict=True):
        assert numbers[runs.name(edge)] == pytest.approx(number, rel=1e-4, abs=1e-6)


def test_secants_find_the_circuit_where_attention_is_saturated():
    planted = turned(program("sort"))
    rows = scored(planted, pairs=2, weighing=())
    rows = rows[rows["statistic"] == "mean size"].set_index(["method", "rule"])["auroc"]
    assert rows["sw.edges", "secant"] == 1
    assert rows["EAP", ""] < 0.98
    assert rows["sw.edges", "gradient"] < 0.98


@pytest.mark.parametrize("name", HAND_SET)
def test_routes_by_contribution_are_those_that_were_set(name):
    planted = HAND_SET[name]()
    assert planted.score(planted.inputs(planted.tokens)) > 2
    assert planted.score(planted.inputs(planted.other)) < -2
    rows = measure_hand_set(name).set_index(["method", "statistic"])["value"]
    assert rows["sw.top_routes, contribution", "ways"] == 1
    assert rows["sw.top_routes, best", "heads"] == 1


def test_an_induction_head_continues_any_repetition():
    model = HAND_SET["induction"]().model
    texts = torch.tensor([[a, b, *rest, a] for a, b, *rest in itertools.permutations(range(6), 5)])
    assert (model(texts)[:, -1].argmax(-1) == texts[:, 1]).all()


@pytest.mark.parametrize("name", trained_names()[:2])
def test_a_trained_model_does_what_its_program_does(name):
    facts, planted, source = trained_facts(name), trained_model(name), program(name)
    texts = source.texts(300, torch.Generator().manual_seed(5))
    ours, theirs = (one.model(texts)[:, 1:] for one in (planted, source))
    if ours.shape[-1] == 1:
        agreement = ((ours - theirs).abs() < 0.05).double().mean()
    else:
        agreement = (ours.argmax(-1) == theirs.argmax(-1)).double().mean()
    assert float(agreement) > 0.97
    assert min(facts["agreement"].values()) >= 0.95


def test_enough_models_are_trained_and_small():
    assert len(trained_names()) >= 16
    assert max(file.stat().st_size for file in FOLDER.iterdir()) < 300_000


def test_what_is_chosen_is_not_reported_on():
    names = [f"p{number}" for number in range(9)]
    apart = choosing(names)
    assert len(apart) == 3
    # On the models to choose on one way is best, on the others another.
    rows = pd.DataFrame(
        [
            {"model": name, "method": "sw.edges", "rule": rule, "statistic": "mean size", "auroc": auroc}
            for name in names
            for rule, auroc in (("linear", 0.9 if name in apart else 0.1), ("secant", 0.5))
        ]
    )
    assert chosen(rows[rows["model"].isin(apart)]).rule == "linear"


def test_the_interval_holds_the_median():
    values = pd.Series([0.2, 0.5, 0.6, 0.9, 1.0])
    low, high = interval_of_median(values.tolist())
    assert low < values.median() < high
    assert interval_of_median([0.7] * 4) == pytest.approx((0.7, 0.7))
