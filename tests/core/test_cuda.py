"""The core on a GPU gives the numbers that it gives on a CPU.

``TEST_DEVICE=cpu`` tries these tests themselves where there is no GPU.
"""

import copy
import importlib.util
import os
import threading

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import cuda_contractions, gpu_contractions
from semiring_widgets.core.kernels.cuda_compiler import compiler
from semiring_widgets.core.kernels.cuda_tables import TILES
from semiring_widgets.core.precision import full_precision
from tests.core.test_cuda_kernels import assert_right, of
from tests.core.test_cuda_kernels import operands as stored
from tests.core.test_kernels import operands
from tests.core.test_models import EMBEDS, bert, gpt2, llama, t5

DEVICE = torch.device(os.environ.get("TEST_DEVICE", "cuda"))
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE.type == "cuda" and not torch.cuda.is_available(),
        reason="There is no CUDA device here; nothing about GPUs was checked.",
    ),
]
FACTS = {
    "sum": ("value",),
    "abs": ("log_mass",),
    "max": ("log_weight", "sign"),
    "signed_max": ("most_positive", "most_negative"),
    "entropy": ("log_mass", "entropy"),
    "count": ("count",),
    "boolean": ("reachable",),
    "variance": ("log_mass", "entropy", "variance"),
    "fused": ("value", "log_mass", "entropy", "log_weight"),
}


def on(device, family=bert, dtype=torch.float32, granularity="primitive"):
    torch.manual_seed(0)
    model, call = family("sdpa")
    model.to(device, dtype)
    x = EMBEDS.to(device, dtype)
    with torch.device(device), sw.record(granularity=granularity) as tape:
        score = call(x)
    return tape, score, x


@pytest.mark.parametrize("semiring", list(FACTS))
@pytest.mark.parametrize("family", [bert, gpt2, llama, t5], ids=lambda family: family.__name__)
def test_every_semiring(family, semiring):
    results = [sw.backprop(*on(device, family), semiring=semiring) for device in (DEVICE, "cpu")]
    for fact in FACTS[semiring]:
        found, wanted = (getattr(result, fact) for result in results)
        assert found.device.type == DEVICE.type
        torch.testing.assert_close(found.cpu(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("granularity", ["operator", "paper"])
@pytest.mark.parametrize("semiring", ["max", "entropy"])
def test_every_granularity(granularity, semiring):
    results = [
        sw.backprop(*on(device, granularity=granularity), semiring=semiring) for device in (DEVICE, "cpu")
    ]
    for fact in FACTS[semiring]:
        found, wanted = (getattr(result, fact) for result in results)
        torch.testing.assert_close(found.cpu(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_models_dtypes(dtype):
    """Half precision rounds the activations of either device in its own way; its gradient is autograd's."""
    tape, score, x = on(DEVICE, dtype=dtype)
    for name in ("max", "signed_max", "entropy"):
        for fact in FACTS[name]:
            found = getattr(sw.backprop(tape, score, x, semiring=name), fact)
            assert found.isfinite().all()
            if dtype == torch.float64:
                wanted = getattr(sw.backprop(*on("cpu", dtype=dtype), semiring=name), fact)
                torch.testing.assert_close(found.cpu(), wanted)


def test_the_sum_is_the_gradient_where_tf32_is_allowed():
    before = torch.get_float32_matmul_precision()
    tape, score, x = on(DEVICE)
    exact = sw.backprop(tape, score, x).value
    torch.set_float32_matmul_precision("medium")
    try:
        assert torch.equal(sw.backprop(tape, score, x).value, exact)
    finally:
        torch.set_float32_matmul_precision(before)


def test_paths_routes_and_flow():
    (tape, score, x), (tape_cpu, score_cpu, x_cpu) = on(DEVICE), on("cpu")
    found, wanted = sw.top_paths(tape, score, x, k=5), sw.top_paths(tape_cpu, score_cpu, x_cpu, k=5)
    assert [path.log_weight for path in found] == pytest.approx([p.log_weight for p in wanted], abs=1e-4)
    assert [step.index for step in found[0].steps] == [step.index for step in wanted[0].steps]
    assert len(sw.sample_paths(tape, score, x, n=10, seed=0)) == 10
    routes = [
        sw.top_routes(*question, k=3, by=by)
        for question in ((tape, score, x), (tape_cpu, score_cpu, x_cpu))
        for by in ("best", "mass")
    ]
    for here, there in zip(routes[:2], routes[2:], strict=True):
        assert [route.log_mass for route in here] == pytest.approx([r.log_mass for r in there], abs=1e-3)
    flow, flow_cpu = sw.flow(tape, score, x), sw.flow(tape_cpu, score_cpu, x_cpu)
    for name, values in flow_cpu.data_vars.items():
        if values.dtype.kind == "f":
            assert torch.allclose(
                torch.tensor(flow[name].values), torch.tensor(values.values), 1e-3, 1e-3, equal_nan=True
            ), name
    selected, selected_cpu = (
        sw.select_paths(*question, through={"layer": 1, "head": 2})
        for question in ((tape, score, x), (tape_cpu, score_cpu, x_cpu))
    )
    assert selected.log_mass == pytest.approx(selected_cpu.log_mass, abs=1e-3)


def test_explain():
    model, tokenizer = sw.load_demo()
    text = "The keys to the cabinet [MASK] on the table."
    wanted = sw.explain(model, tokenizer, text, target="are", contrast="is")
    found = sw.explain(copy.deepcopy(model).to(DEVICE), tokenizer, text, target="are", contrast="is")
    assert found.totals.log_mass == pytest.approx(wanted.totals.log_mass, abs=1e-3)
    assert found.totals.entropy == pytest.approx(wanted.totals.entropy, abs=1e-2)
    assert [route.label for route in found.routes[:3]] == [route.label for route in wanted.routes[:3]]


@pytest.mark.skipif(DEVICE.type != "cuda", reason="compares a GPU with a CPU")
class TestKernels:
    @pytest.fixture(params=["cuda", "triton", "torch"], autouse=True)
    def way(self, request, monkeypatch):
        if request.param == "cuda" and compiler() is None:
            pytest.skip("NVRTC is not installed here.")
        if request.param == "triton" and importlib.util.find_spec("triton") is None:
            pytest.skip("Triton is not installed here.")
        monkeypatch.setattr(gpu_contractions, "_failures", [])
        monkeypatch.setattr(gpu_contractions, "_cuda_is_there", lambda: request.param == "cuda")
        monkeypatch.setattr(gpu_contractions, "_triton_is_there", lambda: request.param == "triton")
        yield
        assert not gpu_contractions._failures

    @pytest.mark.parametrize("shape", [(1, 768, 768), (16, 700, 300), (130, 1031, 257), (512, 64, 512)])
    @pytest.mark.parametrize("turned", [False, True])
    def test_equal_those_of_the_cpu(self, shape, turned):
        p, q, w = operands(shape, turned)
        far = [part.to(DEVICE) for part in (p, q, w)]
        if turned:
            far[2] = w.mT.contiguous().to(DEVICE).mT
        with full_precision():
            pairs = [
                ([kernels.max_times(far[0], far[2])], [kernels.max_times(p, w)], 0.0),
                (
                    kernels.signed_max_times(far[0], -far[1].abs(), far[2]),
                    kernels.signed_max_times(p, -q.abs(), w),
                    0.0,
                ),
                (kernels.expectation(*far), kernels.expectation(p, q, w), 1e-5),
                ([kernels.mass(far[0], far[2])], [kernels.mass(p, w)], 1e-5),
            ]
        for found, wanted, tolerance in pairs:
            for a, b in zip(found, wanted, strict=True):
                torch.testing.assert_close(a.cpu(), b, rtol=tolerance, atol=tolerance * 100)

    def test_nan_is_kept(self):
        p, q, w = operands((20, 300, 50))
        w[0, 200, 7] = float("nan")
        for found in (
            kernels.max_times(p.to(DEVICE), w.to(DEVICE)),
            *kernels.signed_max_times(p.to(DEVICE), -q.abs().to(DEVICE), w.to(DEVICE)),
            *kernels.expectation(p.to(DEVICE), q.to(DEVICE), w.to(DEVICE)),
        ):
            assert found[0, :, 7].isnan().all()
            assert int(found.isnan().sum()) == 20


@pytest.mark.skipif(DEVICE.type != "cuda", reason="runs machine code of a GPU")
@pytest.mark.parametrize("name", ["max", "signed"])
class TestCudaKernels:
    """To the last bit; more shapes of these layouts are emulated in `test_cuda_kernels.py`."""

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("way", ["", "w.T", "p.T w.T"])
    def test_every_tile_in_every_layout(self, name, way, dtype):
        for tile in TILES[name == "signed"]:
            for shape in (
                (tile.rows + 4, 200, tile.columns + 20),
                (2 * tile.rows + 3, 133, tile.columns + 1),
            ):
                p, low, w = (part.to(DEVICE) for part in stored(shape, way, dtype))
                w[5, 3], w[7, 9], p[0, 7] = float("nan"), float("inf"), 0
                for parts in (1, 3):
                    assert_right(name, of(name, p, low), w, tile=tile, parts=parts)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("way", ["", "w.T"])
    @pytest.mark.parametrize("shape", [(5, 1, 1000, 132), (5, 1, 77, 45), (1, 3000, 64), (3, 50, 120, 72)])
    def test_rows_and_batches(self, name, shape, way, dtype):
        p, low, w = (part.to(DEVICE) for part in stored(shape, way, dtype))
        assert_right(name, of(name, p, low), w)

    def test_streams_threads_and_graphs(self, name):
        p, low, w = (part.to(DEVICE) for part in stored((130, 300, 200)))
        left = of(name, p, low)
        assert_right(name, left, w, parts=3)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            assert_right(name, left, w, parts=3)
        failed = []

        def elsewhere():
            try:
                assert_right(name, left, w)
            except Exception as error:  # noqa: BLE001
                failed.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert not failed
        wanted = cuda_contractions.contract(name, left, w)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = cuda_contractions.contract(name, left, w, None, 3)
        for _ in range(2):
            graph.replay()
        torch.cuda.synchronize()
        assert all(map(torch.equal, found, wanted))
