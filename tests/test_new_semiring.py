"""A semiring that joins as a built-in one does, by `register` in its own file: every face takes its name."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets import cli
from semiring_widgets.attr.methods import method_names, resolve
from semiring_widgets.core.semirings import NAMED, Semiring, check_laws, register
from semiring_widgets.errors import InputError
from semiring_widgets.export import page
from tests.core.oracle import all_paths

TEXT, TARGET = "The keys [MASK] here.", "are"


@pytest.fixture(scope="module", autouse=True)
def faintest():
    @register
    class Faintest(Semiring):
        """The path of the lowest |weight| other than 0: (min, +) on logarithms."""

        name, unit, method = "faintest", "nats", "faintest path"
        zero, one = (math.inf,), (0.0,)

        def lift(self, weight):
            return (weight.abs().log(),)

        def times(self, a, b):
            return (a[0] + b[0],)

        def plus(self, a, b):
            return (torch.minimum(a[0], b[0]),)

        def plain(self, value):
            return -value[0]

    yield Faintest
    del NAMED["faintest"]


@pytest.fixture(scope="module")
def demo():
    return sw.load_demo()


@pytest.fixture(scope="module")
def explained(demo):
    return sw.explain(*demo, TEXT, target=TARGET, semiring="faintest", paths=1)


def recorded():
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with sw.record() as tape:
        score = (torch.tanh(x @ x.mT) @ x + x).sum()
    return tape, score, x


def test_backprop(faintest):
    check_laws(faintest())
    tape, score, x = recorded()
    found = sw.backprop(tape, score, wrt=x, semiring="faintest")
    for place, weights in all_paths(tape, score, x).items():
        least = min(math.log(abs(weight)) for weight in weights)
        assert float(found.faintest.reshape(-1)[place]) == pytest.approx(least, abs=1e-9)
    assert sw.backprop(tape, score, wrt=x, semiring="faintest", level="branch").facts.keys() == {"faintest"}


def test_names_in_sentences():
    tape, score, x = recorded()
    with pytest.raises(InputError, match=r"choose one of abs, .*, faintest, .*, variance, fused"):
        sw.backprop(tape, score, wrt=x, semiring="faint")
    with pytest.raises(InputError, match=r"Choose from .*, faintest path"):
        resolve("faint")
    with pytest.raises(ValueError, match="'faintest' is taken by Faintest"):
        register(type("Other", (NAMED["faintest"],), {"name": "faintest"}))


def test_explain_and_compare(demo, explained):
    assert [(s.name, s.unit) for s in explained.statistics] == [("faintest", "nats")]
    assert "faintest path" in method_names()
    asked = ["faintest", "Faintest path", "path faintest", NAMED["faintest"]()]
    compared = sw.compare(*demo, TEXT, target=TARGET, methods=asked)
    assert [m.error for m in compared.methods] == [None] * 4
    assert compared.methods[0].name == "faintest path"
    logs = explained.dataset.token_statistic.values[0]
    for scores in compared.dataset["scores"].values:
        np.testing.assert_allclose(scores, -logs, rtol=1e-4)


def test_an_attribution_class():
    found = sw.attr.SemiringGradient(lambda x: x[:, 0] * x[:, 1] * 2, semiring="faintest")
    assert found.attribute(torch.tensor([[3.0, 5.0, 7.0]])).tolist()[0] == pytest.approx(
        [-math.log(10), -math.log(6), 0.0]
    )


def test_command_line(capsys, explained, tmp_path, monkeypatch):
    # The page asks for much that has nothing to do with the semiring.
    monkeypatch.setattr(page, "write_page", lambda result, path, chart: result.to_pandas().to_csv(path))
    monkeypatch.chdir(tmp_path)
    asked = ["--target", TARGET, "--semiring", "faintest", "--paths", "1", "--html", "table.csv", "--json"]
    assert cli.main(["explain", TEXT, *asked]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["statistics"] == [
        {"name": "faintest", "unit": "nats"}
    ]
    written = pd.read_csv("table.csv")["faintest"]
    np.testing.assert_allclose(written, explained.dataset.token_statistic.values[0], rtol=1e-5)
