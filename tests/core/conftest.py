"""What several test files of the core ask for."""

import pytest

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import c_library


@pytest.fixture(params=["C", "torch"])
def library(request, monkeypatch):
    """Contractions by the C library, and by torch where there is none."""
    if request.param == "torch":
        monkeypatch.setattr(c_library, "library", lambda: None)
    elif not kernels.accelerated():
        pytest.skip("the C library is not built here")
