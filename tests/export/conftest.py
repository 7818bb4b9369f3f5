"""Pages without the built JavaScript."""

import pytest

from semiring_widgets.export import page as pages


@pytest.fixture
def bundle(monkeypatch):
    """A stand-in of about the size of the bundle, with text that must be kept inside its element."""
    source = 'export default { render() { return "</script><!--"; } };' + "//" + "x" * 150_000
    monkeypatch.setattr(pages, "read_bundle", lambda: source)
    return source
