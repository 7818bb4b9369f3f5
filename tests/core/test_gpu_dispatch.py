"""Which contractions go to Triton, decided without a GPU and without Triton."""

import importlib.util
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import gpu_contractions
from tests.core.test_kernels import operands, reference


@pytest.fixture(autouse=True)
def _asked_anew():
    gpu_contractions._available.cache_clear()
    yield
    gpu_contractions._available.cache_clear()


def test_tensors_on_a_gpu_take_the_way_of_the_gpu(monkeypatch):
    monkeypatch.setattr(gpu_contractions, "contract", lambda name, left, w: (name, left, w))
    far = SimpleNamespace(device=torch.device("cuda"))
    assert kernels._run("max", (far,), "w") == ("max", (far,), "w")
    p, _, w = operands((2, 3, 4))
    assert isinstance(kernels.max_times(p, w), torch.Tensor)


def test_without_triton_it_says_once_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    p, _, w = operands((2, 3, 4))
    with pytest.warns(UserWarning, match="pip install triton") as caught:
        assert gpu_contractions.contract("max", (p,), w) is None
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gpu_contractions.contract("max", (p,), w) is None


def test_the_environment_chooses_torch(monkeypatch):
    monkeypatch.setenv("SEMIRING_WIDGETS_KERNELS", "torch")
    p, _, w = operands((2, 3, 4))
    assert gpu_contractions.contract("max", (p,), w) is None


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ((1, 512, 768, 3072), 1),  # tiles enough
        ((1, 16, 3072, 768), 22),  # 12 tiles for 264 programs
        ((1, 16, 768, 768), 12),  # no part of fewer than 64 terms
        ((96, 128, 64, 128), 1),
        ((1, 1, 50257, 768), 22),
        ((1, 1, 1, 1), 1),
    ],
)
def test_terms_are_cut_where_there_is_little_to_do(sizes, parts):
    batch, rows, inner, columns = sizes
    found = gpu_contractions._parts(batch, rows, inner, columns, 132)
    depth = -(-inner // found)
    assert found == parts
    assert depth * (found - 1) < inner <= depth * found


@pytest.mark.parametrize("chunk", [1, 50, 500])
def test_torch_stays_within_its_memory(chunk, monkeypatch):
    """Also where the products of a single row are too many: then by columns."""
    monkeypatch.setattr(kernels.c_library, "library", lambda: None)
    monkeypatch.setitem(kernels._CHUNKS, "cpu", chunk)
    p, q, w = operands((5, 7, 11))
    largest = []

    def fold(left, right):
        products = left * right.abs()
        largest.append(products.numel())
        return products.amax(-1)

    assert torch.equal(kernels._folded(p, w, fold), kernels.max_times(p, w))
    assert max(largest) <= max(chunk, 2 * 7)
    for found, wanted in zip(kernels.signed_max_times(p, -q.abs(), w), reference(p, q, w)[3:], strict=True):
        assert torch.allclose(found.double(), wanted)


@pytest.mark.parametrize("asked", ["", "required"])
@pytest.mark.slow
def test_tests_of_triton_are_not_skipped_where_they_are_required(asked):
    """What `make test-triton` relies on, tried with the interpreter switched off."""
    environment = {**os.environ, "TRITON_TESTS": asked, "TRITON_INTERPRET": "0"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "float64_and_sums"]
    done = subprocess.run(
        [*command, "tests/core/test_triton.py"], env=environment, check=False, capture_output=True, text=True
    )
    assert ("1 error" if asked else "1 skipped") in done.stdout, done.stdout + done.stderr
    assert ("make test-triton" in done.stdout) or importlib.util.find_spec("triton") is None
