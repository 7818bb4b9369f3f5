"""A result displays itself: a widget and a picture, and text alone where nothing else can be shown."""

import base64

import IPython
import pytest

from semiring_widgets.errors import MissingBundleError
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.widgets import ExplanationWidget, display, result_widget

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def _in_a_kernel(monkeypatch):
    monkeypatch.setattr(display, "in_terminal", lambda: False)


@pytest.mark.parametrize("kind", ["explanation", "comparison"])
def test_a_widget_a_picture_and_a_text(bundle, make_explanation, make_comparison, kind):
    result = make_explanation() if kind == "explanation" else make_comparison()
    data = result._repr_mimebundle_()
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == plain(result)
    assert data[VIEW]["model_id"]


def test_shown_twice_it_is_one_widget_until_that_is_closed(bundle, make_explanation):
    result = make_explanation()
    first = display.widget_of(result)
    assert display.widget_of(result) is first
    first.close()
    assert display.widget_of(result) is not first


def test_include_and_exclude(bundle, make_explanation):
    result = make_explanation()
    assert set(result._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    assert "image/png" not in result._repr_mimebundle_(exclude=["image/png"])


def test_without_the_bundle_there_is_a_picture_and_a_sentence(make_explanation, monkeypatch):
    def missing():
        raise MissingBundleError("The bundle is missing; build it.")

    monkeypatch.setattr(result_widget, "read_bundle", missing)
    data = make_explanation()._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert data["text/plain"].endswith("The bundle is missing; build it.")


def test_a_terminal_gets_text(bundle, make_explanation, monkeypatch):
    monkeypatch.setattr(display, "in_terminal", lambda: True)
    assert set(make_explanation()._repr_mimebundle_()) == {"text/plain"}


def test_a_terminal_is_known_by_its_missing_kernel(monkeypatch):
    monkeypatch.undo()
    for shell, expected in ((None, False), (object(), True), (type("Z", (), {"kernel": 1})(), False)):
        monkeypatch.setattr(IPython, "get_ipython", lambda shell=shell: shell)
        assert display.in_terminal() is expected


def test_a_finished_widget_carries_its_picture(bundle, make_explanation):
    data = ExplanationWidget(make_explanation())._repr_mimebundle_()[0]
    assert set(data) == {VIEW, "image/png", "text/plain"}


def test_plain_text_says_what_matters(make_explanation, make_comparison):
    said = plain(make_explanation())
    assert "logit(are) - logit(is) at [MASK] = 3.25" in said
    assert "entropy 263 nats" in said
    assert "log cancellation −87 nats" in said
    assert "1. only skip connections (best path 0.287, mass 1.5e7, contribution" in said
    assert "What the ranking by contribution leaves out." in said
    said = plain(make_comparison())
    assert "DeepLift: DeepLift failed: no rule for this." in said
    assert said.count(",") >= 2


def test_marimo_asks_for_the_widget(bundle, make_explanation, make_comparison):
    for result in (make_explanation(), make_comparison()):
        assert result._display_() is display.widget_of(result)
