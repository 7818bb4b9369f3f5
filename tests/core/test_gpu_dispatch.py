"""What computes the contractions on a GPU, decided without one and without Triton."""

import importlib.util
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import cuda_contractions, gpu_contractions
from semiring_widgets.core.kernels.cuda_compiler import CudaError
from semiring_widgets.errors import PerformanceWarning
from tests.core.test_kernels import operands, reference


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch):
    monkeypatch.delenv("SEMIRING_WIDGETS_KERNELS", raising=False)
    monkeypatch.setattr(gpu_contractions, "_failures", [])
    for known in (gpu_contractions._cuda_is_there, gpu_contractions._triton_is_there):
        known.cache_clear()
    yield
    for known in (gpu_contractions._cuda_is_there, gpu_contractions._triton_is_there):
        known.cache_clear()


@pytest.fixture
def cuda(monkeypatch):
    """Where CUDA kernels can be compiled; what they were asked for."""
    asked = []

    def contract(name, left, w):
        asked.append(name)
        return ["by CUDA"]

    monkeypatch.setattr(gpu_contractions, "compiler", object)
    monkeypatch.setattr(cuda_contractions, "contract", contract)
    return asked


def test_tensors_on_a_gpu_take_the_way_of_the_gpu(monkeypatch):
    monkeypatch.setattr(gpu_contractions, "contract", lambda name, left, w: (name, left, w))
    far = SimpleNamespace(device=torch.device("cuda"))
    assert kernels._run("max", (far,), "w") == ("max", (far,), "w")
    p, _, w = operands((2, 3, 4))
    assert isinstance(kernels.max_times(p, w), torch.Tensor)


@pytest.mark.parametrize("name", ["max", "signed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_cuda_kernels_come_first(name, dtype, cuda):
    p, q, w = (part.to(dtype) for part in operands((2, 3, 4)))
    assert gpu_contractions.contract(name, (p, -q)[: 1 + (name == "signed")], w) == ["by CUDA"]
    assert cuda == [name]


def test_float64_and_sums_are_left_to_torch(cuda):
    p, q, w = operands((3, 4, 5))
    assert gpu_contractions.contract("max", (p.double(),), w.double()) is None
    assert gpu_contractions.contract("signed", (p, q.double()), w) is None
    assert gpu_contractions.contract("expectation", (p, q), w) is None
    assert gpu_contractions.contract("mass", (p,), w) is None
    assert not cuda


def test_no_term_is_no_path(cuda):
    p, _, w = operands((2, 0, 4))
    (found,) = gpu_contractions.contract("max", (p,), w)
    assert torch.equal(found, torch.zeros(2, 2, 4))
    assert not cuda


def test_where_they_fail_the_others_are_used_from_then_on(cuda, monkeypatch):
    """Said once, with what the compiler said."""

    def fail(name, left, w):
        cuda.append(name)
        raise CudaError("invalid value for --gpu-architecture")

    monkeypatch.setattr(cuda_contractions, "contract", fail)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    p, _, w = operands((2, 3, 4))
    with pytest.warns(PerformanceWarning, match="gpu-architecture") as caught:
        assert gpu_contractions.contract("max", (p,), w) is None
    assert len(caught) == 1
    assert gpu_contractions.contract("max", (p,), w) is None
    assert cuda == ["max"]


def test_without_any_kernels_it_says_once_what_to_install(monkeypatch):
    monkeypatch.setattr(gpu_contractions, "compiler", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    p, _, w = operands((2, 3, 4))
    with pytest.warns(PerformanceWarning, match="pip install triton") as caught:
        assert gpu_contractions.contract("max", (p,), w) is None
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gpu_contractions.contract("max", (p,), w) is None


def test_amd_has_triton_and_hears_nothing(monkeypatch):
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gpu_contractions._triton_is_there()


@pytest.mark.parametrize(("way", "by_cuda"), [("torch", False), ("triton", False), ("cuda", True)])
def test_the_environment_chooses(way, by_cuda, cuda, monkeypatch):
    monkeypatch.setenv("SEMIRING_WIDGETS_KERNELS", way)
    assert gpu_contractions._cuda_is_there() == by_cuda
    p, _, w = operands((2, 3, 4))
    if way == "torch":
        assert gpu_contractions.contract("max", (p,), w) is None


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
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "many_callers"]
    done = subprocess.run(
        [*command, "tests/core/test_triton.py"], env=environment, check=False, capture_output=True, text=True
    )
    assert ("1 error" if asked else "1 skipped") in done.stdout, done.stdout + done.stderr
    assert ("make test-triton" in done.stdout) or importlib.util.find_spec("triton") is None
