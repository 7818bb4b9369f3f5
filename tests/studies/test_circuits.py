"""The study of circuits: its areas, what it compares with, and what it calls overlooked."""

import numpy as np
import pandas as pd
import pytest
import torch

import semiring_widgets as sw
from examples.studies.circuits import STUDY, areas, reporting, training
from examples.studies.circuits.attribution_patching import Patching
from examples.studies.circuits.captured import Anatomy, anatomy_of, captured
from examples.studies.circuits.causal_tasks import CAUSAL_TASKS, causal_task
from examples.studies.circuits.missed import OTHERS, recall_rows
from examples.studies.circuits.rankings import AVERAGED, CONTRIBUTION, METHODS, aligned, fixed_order, of_parts
from examples.studies.circuits.saturated import HEADS, LAYERS, saturated_question
from examples.studies.circuits.suspects import CONTRIBUTION as ATP
from examples.studies.circuits.suspects import EFFECT, cancellations, suspects
from examples.studies.circuits.textbook import attribution_patching

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def question():
    return saturated_question(0)


def test_areas_are_those_of_a_curve():
    fractions, scores = (0.1, 0.5, 1.0), [2.0, 5.0, 3.0]
    circuits = [sw.Circuit("edges", k, (), 10, m, 1.0, 3.0) for k, m in zip(fractions, scores, strict=True)]
    curve = sw.Curve(tuple(circuits))
    f = areas.faithfulness(np.array([scores]), np.array([1.0]), np.array([3.0]))
    assert f.tolist() == [k for _, k in curve.points]
    assert float(areas.cpr(fractions, f)) == pytest.approx(curve.cpr)
    assert float(areas.cmd(fractions, f)) == pytest.approx(curve.cmd)


def test_areas_of_known_curves():
    k = np.linspace(0, 1, 1001)
    for f, cpr, cmd in [(np.ones_like(k), 1, 0), (k, 0.5, 0.5), (2 - k, 1.5, 0.5), (k**2, 1 / 3, 2 / 3)]:
        assert float(areas.cpr(k, f)) == pytest.approx(cpr, abs=1e-6)
        assert float(areas.cmd(k, f)) == pytest.approx(cmd, abs=1e-6)


def test_the_first_are_the_largest_of_either_sign():
    numbers = np.array([[1.0, -3.0, 2.0, -2.0], [0.0, 0.0, 0.0, -1.0]])
    assert areas.first(numbers, 2).tolist() == [[False, True, True, False], [True, False, False, True]]


def test_stability_of_what_never_varies_and_of_chance():
    same = np.tile(np.arange(20.0), (30, 1))
    assert areas.stability(same, 4, 30).tolist() == [1.0] * 200
    chance = np.random.default_rng(0).random((30, 400))
    # Two draws of a tenth share a tenth of it, which is 1 of 19 of what either has.
    assert areas.stability(chance, 40, 1).mean() < 0.15
    assert areas.jaccard(np.array([True, True, False]), np.array([False, True, True])) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("method", "shares"), [(CONTRIBUTION, [1.0]), (AVERAGED, [0.1, 0.3, 0.5, 0.7, 0.9])])
def test_contributions_are_edge_attribution_patching_by_autograd(question, method, shares):
    by_hand = attribution_patching(question.model, question.x, question.reference, question.score_of, shares)
    edges = method.edges(question)
    assert len(edges) == len(by_hand)
    largest = edges["number"].abs().max()
    for row in edges.itertuples():
        branch = row.branch if isinstance(row.branch, str) else None
        expected = float(by_hand[row.source, row.target, branch])
        assert row.number == pytest.approx(expected, abs=1e-4 * largest)


def test_parts_are_all_their_edges(question):
    tape, score = question.record()
    kinds = ["heads", "mlps"]
    expected = sw.contributions(tape, score, question.x, reference=question.reference, kind=kinds)
    found = of_parts(CONTRIBUTION.edges(question), CONTRIBUTION)
    assert found["kind"].tolist() == expected["kind"].tolist()
    np.testing.assert_allclose(found["number"], expected["contribution"], atol=1e-5)


def test_where_attention_is_constant_queries_and_keys_have_no_edge(question):
    every = CONTRIBUTION.edges(question)
    linear = next(method for method in METHODS if method.rules == "linear")
    found = aligned(linear.edges(question), every)
    assert len(found) == len(every)
    through = found["branch"].isin(["query", "key"])
    assert (found.loc[through, "number"] == 0).all()
    assert (found.loc[~through, "number"] != 0).any()


def test_the_fixed_order_begins_at_the_score(question):
    edges = CONTRIBUTION.edges(question)
    order = np.argsort(-fixed_order(edges))
    ends = edges.iloc[order]["target"].tolist()
    assert set(ends[: edges["target"].eq("logits").sum()]) == {"logits"}
    assert edges.iloc[order[-1]]["target_layer"] == 0


def test_attribution_patching_and_effects_are_those_of_the_package(question):
    anatomy = anatomy_of(question.model)
    with torch.no_grad():
        _, given = captured(anatomy, lambda: question.score(question.reference))
    patching = Patching(anatomy, question.score, question.x, given)
    tape, score = question.record()
    expected = sw.effects(tape, score, question.x, reference=question.reference, kind="heads")
    for mine, column in ((patching.effects(), "effect"), (patching.attribution(), "contribution")):
        found = torch.cat([mine[layer, "output"] for layer in range(LAYERS)])
        np.testing.assert_allclose(found, expected[column], atol=1e-5)
    queries = [({"layer": 1, "head": head, "branch": "query"}, "reference") for head in range(HEADS)]
    tests = sw.test(tape, score, [[one] for one in queries], wrt=question.x, reference=question.reference)
    np.testing.assert_allclose(patching.effects()[1, "query"], [one.effect for one in tests], atol=1e-5)


class ByHand(torch.nn.Module):
    """Two layers of one head each, without norms. What the first adds, the second takes away again.

    The first head's softmax is saturated: queries are larger by ``sharpness``.
    """

    def __init__(self, sharpness, undone):
        super().__init__()
        units = 4
        self.attention = torch.nn.ModuleList(torch.nn.Linear(units, 3 * units) for _ in range(2))
        self.joined = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2))
        self.others = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2))
        with torch.no_grad():
            self.attention[0].weight[:units] *= sharpness
            self.attention[1].weight.zero_()
            self.attention[1].bias.zero_()
        self.undone = undone

    def forward(self, x):
        query, key, value = self.attention[0](x).chunk(3, -1)
        joined = self.joined[0]((query @ key.mT * 0.5).softmax(-1) @ value)
        stream = x + joined + self.others[0](torch.zeros_like(x))
        query, key, value = self.attention[1](stream).chunk(3, -1)
        stream = stream + self.joined[1]((query @ key.mT * 0.5).softmax(-1) @ value)
        stream = stream + self.others[1](-self.undone * stream)
        return stream[:, -1].sum(-1)


def by_hand(sharpness, undone):
    torch.manual_seed(3)
    model = ByHand(sharpness, undone).requires_grad_(False)
    anatomy = Anatomy(
        heads=1,
        causal=False,
        joint=dict(enumerate(model.attention)),
        single={},
        before=dict(enumerate(model.joined)),
        added={layer: (model.joined[layer], model.others[layer]) for layer in range(2)},
    )
    x = torch.randn(1, 3, 4)
    # Queries and keys turn round, so that the head looks at another token.
    reference = -x
    _, given = captured(anatomy, lambda: model(reference))
    return Patching(anatomy, model, x, given)


def test_the_qk_fix_is_exact_where_attention_is_saturated():
    """Behind the attention weights the score is linear, so nothing but the softmax bends."""
    patching = by_hand(sharpness=400.0, undone=0.0)
    plain, fixed, effect = patching.attribution(), patching.attribution(qk_fix=True), patching.effects()
    for what in ("query", "key"):
        assert abs(float(effect[0, what])) > 0.01
        assert abs(float(plain[0, what])) < 1e-3 * abs(float(effect[0, what]))
        assert float(fixed[0, what]) == pytest.approx(float(effect[0, what]), rel=1e-4)


def test_grad_drop_sees_what_the_next_layer_cancels():
    patching = by_hand(sharpness=1.0, undone=1.0)
    moved = (patching.slopes(patching.x)[0][0, "output"] - patching.given[0, "output"])[0, -1].sum()
    assert abs(float(moved)) > 0.1
    assert float(patching.attribution()[0, "output"]) == pytest.approx(0, abs=1e-6)
    # Without the first layer nothing is left, without the second all of it; the mean is over the other one.
    assert float(patching.without_layers()[0, "output"]) == pytest.approx(abs(float(moved)), rel=1e-5)


def test_averaged_steps_between_equal_sentences_are_the_gradient(question):
    anatomy = anatomy_of(question.model)
    with torch.no_grad():
        _, given = captured(anatomy, lambda: question.score(question.reference))
    patching = Patching(anatomy, question.score, question.x, given)
    averaged, plain = patching.averaged(question.x, 2), patching.attribution()
    for place, value in plain.items():
        torch.testing.assert_close(averaged[place], value, atol=1e-5, rtol=1e-4)


def test_cancellation_by_every_definition():
    found = cancellations(
        contribution=np.array([1.0, 3.0]),
        spread=np.array([4.0, 3.0]),
        log_mass=np.log([9.0, 3.0]),
        entropy=np.array([2.0, 1.0]),
        layer=np.array([0.0, 0.0]),
    )
    told = {name: values.round(6).tolist() for name, values in found.items()}
    assert told["mass - |contribution|"] == [0.5, -0.5]
    assert told["mass - |contribution|, within the layer"] == [0.5, -0.5]
    assert told["mass x entropy - |contribution|"] == pytest.approx([6 / 7 - 0.25, 1 / 7 - 0.75], abs=1e-6)
    assert told["1 - |contribution| / mass"] == pytest.approx(np.log([9.0, 1.0]), abs=1e-6)
    assert told["spread - |contribution|"] == [3.0, 0.0]
    assert told["1 - |contribution| / spread"] == [0.75, 0.0]


def test_contribution_spread_and_mass_are_in_order(question):
    for group in ("outputs", "queries and keys"):
        found = suspects(question, group)
        assert (found["spread - |contribution|"] > -1e-6).all()
        assert (found["1 - |contribution| / mass"] > -1e-6).all()
        last = slice(-HEADS, None)
        # Behind the last layer's outputs paths pass a norm and no attention, so much is alike.
        assert found["1 - |contribution| / mass"][last].mean() < found["1 - |contribution| / mass"].mean()


def test_recall_counts_what_is_overlooked():
    effect = np.array([[9.0, 8.0, 1.0, 0.0, 0.5, 0.4, 0.3, 0.2]] * 3)
    contribution = np.array([[9.0, 0.1, 2.0, 3.0, 0.5, 0.4, 0.3, 0.2]] * 3)
    knows = np.array([[1.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]] * 3)
    found = [
        {EFFECT: e, ATP: c, "knows": k, "infinite": np.where(k > 5, k, -np.inf)}
        for e, c, k in zip(effect, contribution, knows, strict=True)
    ]
    table = pd.DataFrame(recall_rows(found)).set_index(["method", "measure"])
    assert table.loc[(ATP, "missed"), ["parts", "value"]].tolist() == [3, 0]
    assert table.loc[("knows", "missed"), ["value", "low", "high"]].tolist() == [1, 1, 1]
    assert table.loc[("infinite", "missed"), "value"] == 1
    assert table.loc[(ATP, "underestimated"), ["parts", "value"]].tolist() == [3, 0]
    assert table.loc[(ATP, "all"), ["parts", "value"]].tolist() == [6, 0.5]
    assert table.loc[(OTHERS, "all"), "value"] == 1


@pytest.mark.parametrize("name", CAUSAL_TASKS)
def test_the_kept_models_solve_their_tasks(name):
    assert training.accuracy(training.load_model(name), causal_task(name)) > 0.95


def test_cells_have_names_of_their_own_and_the_short_form_is_short():
    keys = [cell.key for cell in STUDY.cells(False)]
    assert len(set(keys)) == len(keys) == 7
    assert sum(cell.seconds for cell in STUDY.cells(True)) < 180
    assert sum(cell.seconds for cell in STUDY.cells(False)) <= 30 * 60


def test_a_report_of_few_rows_says_what_is_there():
    about = {
        "task": "greater-than",
        "of": "edges",
        "fraction": np.nan,
        "sentences": 3,
        "low": 0.1,
        "high": 0.3,
    }
    rows = pd.DataFrame([about | {"ranking": "random", "measure": "CMD", "value": 0.2}])
    tables = reporting.report(rows).tables
    assert [table.title for table in tables] == ["CMD of circuits of edges"]
    assert tables[0].frame.to_numpy().tolist() == [["random", "0.200 [0.100, 0.300]"]]
