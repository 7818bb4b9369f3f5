"""Pages without the built JavaScript."""

import base64
import random

import pytest

from semiring_widgets.export import page as pages


@pytest.fixture
def bundle(monkeypatch):
    """A stand-in as long as the bundle once packed, with text that must be kept inside its element."""
    long = base64.b64encode(random.Random(0).randbytes(75_000)).decode()
    source = f'export default {{ render() {{ return "</script><!--"; }} }};//{long}'
    monkeypatch.setattr(pages, "read_bundle", lambda: source)
    return source
