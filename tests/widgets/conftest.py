"""Widgets without the built JavaScript."""

import pytest

import semiring_widgets.core.anatomy  # noqa: F401  (imports torch: not while an answer is waited for)
from semiring_widgets.widgets import live, result_widget


@pytest.fixture
def bundle(monkeypatch):
    """A stand-in for the bundle, so that these tests need no JavaScript."""
    source = "export default { render() {} };"
    monkeypatch.setattr(result_widget, "read_bundle", lambda: source)
    monkeypatch.setattr(live, "read_bundle", lambda: source)
    return source
