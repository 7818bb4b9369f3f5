import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.circuits.all_edges import edge_values
from tests.core.transformers_by_hand import MODELS, attribution_patching, node_of


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    by_hand = MODELS[request.param]()
    with sw.record() as tape:
        score = by_hand.score(by_hand.inputs)
    return by_hand, tape, score


def test_by_hand(case):
    by_hand, tape, score = case
    given, read = by_hand.run(*by_hand.inputs)
    assert float(read["score",]) == pytest.approx(float(score), rel=1e-5)


def test_eap(case):
    by_hand, tape, score = case
    found = edge_values(tape, score, by_hand.inputs, by_hand.reference)
    expected = torch.zeros(found.contribution.shape)
    there = torch.zeros(found.contribution.shape, dtype=torch.bool)
    rows = {p.node: i for i, p in enumerate(found.sources)}
    columns = {p.name if p.branch else p.node: i for i, p in enumerate(found.targets)}
    for source, target, v in attribution_patching(by_hand, by_hand.inputs[0]):
        name = node_of(target) + (f"<{target[2][0]}>" if target[0] == "a" else "")
        expected[rows[node_of(source)], columns[name]] = v
        there[rows[node_of(source)], columns[name]] = True
    assert torch.equal(there, found.there)
    print((expected - found.contribution).abs().max(), expected.abs().max())
    torch.testing.assert_close(
        found.contribution, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max())
    )


def names(by_hand):
    return {
        (s, t): (node_of(s), node_of(t) + (f"<{t[2][0]}>" if t[0] == "a" else ""))
        for s in by_hand.sources()
        for t in by_hand.targets()
        if by_hand.earlier(s, t)
    }


def test_circuit(case):
    by_hand, tape, score = case
    curve = sw.circuit_curve(tape, score, by_hand.inputs, by_hand.reference, of="edges")
    print(curve.points, curve.cmd, curve.cpr)
    with torch.no_grad():
        assert curve.circuits[-1].score == pytest.approx(float(score), abs=1e-5)
        assert curve.circuits[-1].score_nothing == pytest.approx(
            float(by_hand.score(by_hand.reference)), abs=1e-5
        )
        there, _ = by_hand.run(*by_hand.reference)
        where = {v: k for k, v in names(by_hand).items()}
        for circuit in curve.circuits:
            kept = {
                where[row["source"], row["target"] + (f"<{row['branch'][0]}>" if row["branch"] else "")]
                for row in circuit.kept
            }

            def choose(target, given):
                shown = {}
                for name, value in given.items():
                    if name == "input":
                        shown[name] = value if (("input",), target) in kept else there[name]
                    elif name[0] == "m":
                        shown[name] = value if (name, target) in kept else there[name]
                    else:
                        own = [(*name, h) in [k[0] for k in kept if k[1] == target] for h in range(4)]
                        mask = torch.tensor(own).repeat_interleave(8)
                        shown[name] = torch.where(mask, value, there[name])
                return shown

            _, read = by_hand.run(*by_hand.inputs, choose)
            print(circuit.score, float(read["score",]))
            assert circuit.score == pytest.approx(float(read["score",]), abs=1e-5)
