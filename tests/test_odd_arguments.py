"""Odd values for every argument above the core: a right answer, or one sentence of our family."""

import math
import types

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.export import page as pages
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.widgets import ComparisonWidget, ExplanationWidget, result_widget

ODD = (
    None, "", " ", "demo", "a\ud800b", "a\0b", b"x", 0, -1, 10**9, 10**400, 1.5, math.nan, math.inf, True,
    np.int64(3), np.float32(1), [], {}, (1, 2), ["a", "b"], object(), int, types.SimpleNamespace(),
    torch.nn.Identity(), torch.ones(2, 3), torch.tensor(3), np.arange(3),
)  # fmt: skip
TEXT = "The keys [MASK] here."


@pytest.fixture(scope="module")
def demo():
    return sw.load_demo()


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch):
    for module in (pages, result_widget):
        monkeypatch.setattr(module, "read_bundle", lambda: "export default {};")


def tried(call, **good):
    """Calls with one argument after the other replaced; gives how many were refused.

    A failed call must have failed by one sentence on one line.
    """
    return sum(_is_refused(call, {**good, name: odd}) for name in good for odd in ODD)


def _is_refused(call, given):
    try:
        call(**given)
        return False
    except sw.SemiringWidgetsError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert len(said) < 700
    return True


@pytest.mark.parametrize("ask", [sw.explain, sw.compare])
def test_the_question(demo, ask):
    """Only what is refused before the recording: the rest would compute for each value."""
    model, tokenizer = demo
    few = {"paths": 1, "rankings": "best"} if ask is sw.explain else {"methods": ["Saliency"]}
    for name in ("model", "tokenizer", "text", "rankings" if ask is sw.explain else "methods"):
        good = {"model": model, "tokenizer": tokenizer, "text": TEXT, **few}
        kept = good.pop(name)

        def asked(good=good, name=name, **given):
            ask(**good, **given)

        assert tried(asked, **{name: kept}) >= len(ODD) - 4


def test_loading():
    assert tried(sw.load_model, name="demo") >= len(ODD) - 2
    assert tried(sw.load, path="no such file") == len(ODD)
    assert tried(Comparison.load, path="no such file") == len(ODD)


def test_results(make_explanation, make_comparison, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = make_explanation(("a", "b"), layers=1)
    assert tried(result.to_pandas, rows="tokens") == len(ODD)
    assert tried(result.ranking, by="best") == len(ODD)
    assert tried(result.save, path="x.zip") >= len(ODD) - 2  # "demo" and b"x" are names of files
    assert tried(lambda path: result.to_html(path, chart=False), path="x") >= len(ODD) - 2
    assert tried(lambda chart: result.to_html("x", chart=chart), chart=False) == len(ODD) - 1  # True
    assert tried(make_comparison().save, path="x.zip") >= len(ODD) - 2


def test_a_session(demo):
    result = sw.explain(*demo, TEXT, "are", "is", rankings="best", paths=1)
    by = tried(lambda by: result.session.ranking(by, {}, 1), by="best")
    count = tried(lambda count: result.session.ranking("best", {}, count), count=1)
    assert by == len(ODD)
    assert count >= len(ODD) - 2
    assert tried(result.session.conditioned, selection={}) > len(ODD) // 2
    assert tried(result.session.head_map, layer=0, head=1) > len(ODD)


def test_attribution_classes():
    layer = torch.nn.Linear(3, 2)
    net = torch.nn.Sequential(layer, torch.nn.ReLU())
    x = torch.randn(2, 3)
    plain, inner = sw.attr.SemiringGradient, sw.attr.LayerSemiringGradient
    choices = {"semiring": "max", "granularity": "primitive", "level": "unit"}
    assert tried(plain, forward_func=net, readout=None, **choices) > 4 * len(ODD)
    assert tried(inner, forward_func=net, layer=layer, **choices) > 4 * len(ODD)
    assert tried(plain(net).attribute, inputs=x, additional_forward_args=None) > len(ODD)
    assert tried(lambda target: plain(net).attribute(x, target), target=1) > len(ODD) // 2
    assert tried(lambda **given: inner(net, layer).attribute(x, 1, **given), attribute_to_layer_input=True)


def test_widgets_and_jobs(make_explanation):
    assert tried(ExplanationWidget, source=make_explanation()) == len(ODD)
    assert tried(ComparisonWidget, source=None) == len(ODD)
    widget = ExplanationWidget(make_explanation())
    assert tried(lambda value: setattr(widget, "theme", value), value="auto") == len(ODD)
    assert tried(lambda value: setattr(widget, "selection", value), value={}) >= len(ODD) - 3
    job = ExplanationJob(lambda report, check: make_explanation())
    job.result(60)
    assert tried(job.result, timeout=1) >= len(ODD) - 8
    assert tried(ExplanationJob, run=None) >= len(ODD) - 3
    with pytest.raises(sw.SemiringWidgetsError, match="no result with a status"):
        ExplanationJob(lambda report, check: None).result(60)
