"""Circuits: as the model computes them by hand, and what is done with their scores."""

import math

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.circuits import FRACTIONS, circuit_curves, edge_values
from semiring_widgets.core.effects import effect_rows
from semiring_widgets.errors import InputError
from tests.core.transformers_by_hand import MODELS, score_of_circuit

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    by_hand = MODELS[request.param]()
    with sw.record() as tape:
        score = by_hand.score(by_hand.inputs)
    return by_hand, tape, score


def ends(row):
    return row["source"], row["target"] + (f"<{row['branch'][0]}>" if row["branch"] else "")


def test_the_model_by_hand_is_the_model(case):
    by_hand, _, score = case
    _, read = by_hand.run(*by_hand.inputs)
    assert float(read["score",]) == pytest.approx(float(score), rel=1e-5)


def test_circuits_of_edges_are_those_by_hand(case):
    by_hand, tape, score = case
    x, x0 = by_hand.inputs, by_hand.reference
    numbers = torch.rand(110, generator=torch.Generator().manual_seed(5))
    curves = [sw.circuit_curve(tape, score, x, x0, of="edges")]
    curves.append(sw.circuit_curve(tape, score, x, x0, of="edges", by=numbers, fractions=[0.3, 0.6, 0.9]))
    assert tuple(k for k, _ in curves[0].points) == FRACTIONS
    with torch.no_grad():
        nothing = float(by_hand.score(x0))
        for circuit in (one for curve in curves for one in curve.circuits):
            assert len(circuit.kept) == int(circuit.fraction * circuit.total + 1e-9)
            expected = score_of_circuit(by_hand, set(map(ends, circuit.kept)))
            assert circuit.score == pytest.approx(expected, abs=2e-6)
            assert circuit.score_nothing == pytest.approx(nothing, abs=2e-6)
            assert circuit.score_model == float(score)
    assert curves[0].circuits[-1].faithfulness == pytest.approx(1, abs=1e-5)
    assert len({round(one.score, 4) for one in curves[0].circuits}) > 3


def test_what_is_kept_was_ranked_first(case):
    by_hand, tape, score = case
    rows = edge_values(tape, score, by_hand.inputs, by_hand.reference).rows()
    largest = sorted(rows, key=lambda row: -abs(row["contribution"]))[:11]
    found = sw.circuit(tape, score, by_hand.inputs, by_hand.reference, k=0.1, of="edges")
    assert found.total == len(rows) == 110
    assert list(map(ends, found.kept)) == list(map(ends, largest))


@pytest.mark.parametrize("by", ["contribution", "effect"])
def test_circuits_of_parts_are_tests_of_the_rest(case, by):
    by_hand, tape, score = case
    x, x0 = by_hand.inputs, by_hand.reference
    found = sw.circuit(tape, score, x, x0, k=0.4, by=by)
    rows = effect_rows(tape, score, x, x0)
    first = sorted(rows, key=lambda row: -abs(row[by]))[: int(0.4 * len(rows))]
    places = ("kind", "layer", "head", "token")
    assert [[row[p] for p in places] for row in found.kept] == [[row[p] for p in places] for row in first]
    rest = []
    for row in rows:
        if row not in first:
            part = {p: row[p] for p in places[1:] if row[p] is not None}
            rest.append((part | ({"branch": "mlp"} if row["kind"] == "mlp" else {}), "reference"))
    alone = sw.test(tape, score, rest, wrt=x, reference=x0)
    assert found.score == pytest.approx(alone.after, abs=2e-6)
    assert found.score_nothing == pytest.approx(float(by_hand.score(x0)), abs=2e-6)


@pytest.mark.parametrize("of", ["parts", "edges"])
def test_progress_of_every_circuit_may_stop_it(case, of):
    by_hand, tape, score = case
    seen = []

    def note(done, total):
        seen.append((done, total))

    sw.circuit_curve(tape, score, by_hand.inputs, by_hand.reference, of=of, progress=note)
    assert seen
    assert all(done <= total for done, total in seen)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sw.circuit(tape, score, by_hand.inputs, by_hand.reference, of=of, progress=stop)


def test_several_rankings_at_once_are_as_one_by_one(case):
    by_hand, tape, score = case
    x, x0 = by_hand.inputs, by_hand.reference
    drawn = torch.rand(110, generator=torch.Generator().manual_seed(7)).tolist()
    both = circuit_curves(tape, score, x, x0, ["contribution", drawn], of="edges", fractions=[0.0, 0.1, 0.3])
    for curve, by in zip(both, ["contribution", drawn], strict=True):
        alone = sw.circuit_curve(tape, score, x, x0, of="edges", by=by, fractions=[0.0, 0.1, 0.3])
        assert curve.points == alone.points
        assert [one.kept for one in curve.circuits] == [one.kept for one in alone.circuits]
    assert both[0].points != both[1].points


def test_only_heads(case):
    by_hand, tape, score = case
    found = sw.circuit(tape, score, by_hand.inputs, by_hand.reference, k=1.0, kind="heads")
    assert {row["kind"] for row in found.kept} == {"head"}
    assert found.score == pytest.approx(float(score), abs=2e-6)
    assert found.score_nothing != pytest.approx(float(by_hand.score(by_hand.reference)), abs=1e-3)


def test_areas():
    kept = [
        sw.Circuit("parts", k, (), 10, score, 1.0, 3.0) for k, score in [(0.1, 2.0), (0.5, 5.0), (1.0, 3.0)]
    ]
    curve = sw.Curve(tuple(kept))
    assert curve.points == ((0.1, 0.5), (0.5, 2.0), (1.0, 1.0))
    assert curve.cpr == pytest.approx(0.4 * 1.25 + 0.5 * 1.5)
    assert curve.cmd == pytest.approx(0.4 * 0.75 + 0.5 * 0.5)
    assert math.isnan(sw.Circuit("parts", 0.1, (), 10, 2.0, 1.0, 1.0).faithfulness)


def test_words_that_do_not_fit(case):
    by_hand, tape, score = case
    wrong = [
        ({"k": 1.5}, "fraction from 0 to 1"),
        ({"k": "all"}, "a number from 0 to 1"),
        ({"of": "layers"}, "parts, edges"),
        ({"by": "mass"}, "contribution, effect"),
        ({"by": [1.0]}, "one for each row"),
        ({"by": 3}, "one for each row"),
        ({"of": "edges", "by": "effect"}, "by contribution"),
        ({"of": "edges", "kind": "heads"}, "have no kinds"),
    ]
    for more, says in wrong:
        with pytest.raises(InputError, match=says):
            sw.circuit(tape, score, by_hand.inputs, by_hand.reference, **more)
    with pytest.raises(InputError, match="ascending"):
        sw.circuit_curve(tape, score, by_hand.inputs, by_hand.reference, fractions=[0.5, 0.1])
