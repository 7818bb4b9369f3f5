"""The Triton kernels in Triton's interpreter, on CPU tensors: ``make test-triton``.

The interpreter has to be chosen before Triton is imported, so these tests run in a process of their own,
with ``TRITON_INTERPRET=1``. Where they must not be skipped, ``TRITON_TESTS=required`` says so.
"""

import importlib.util
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import c_library, gpu_contractions
from semiring_widgets.core.semirings import Max, SignedMax, Weight
from tests.core.test_kernels import operands, reference

pytestmark = [
    pytest.mark.triton,
    pytest.mark.usefixtures("interpreter"),
    # Numpy, which the interpreter computes with, comments on what a GPU does in silence.
    pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning"),
]
SHAPES = [(1, 1, 1), (8, 32, 32), (7, 5, 33), (1, 1, 65), (1, 70, 64), (3, 70, 64), (17, 0, 4), (1, 0, 4),
          (0, 3, 4), (2, 3, 0), (70, 37, 129), (130, 9, 40)]  # fmt: skip
NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def interpreter():
    missing = ""
    if importlib.util.find_spec("triton") is None:
        missing = "Triton is not installed here; `pip install triton` where there are wheels of it."
    elif os.environ.get("TRITON_INTERPRET") != "1":
        missing = "Triton's interpreter is off: run `make test-triton`, or set TRITON_INTERPRET=1."
    if missing:
        (pytest.fail if os.environ.get("TRITON_TESTS") == "required" else pytest.skip)(missing)


@pytest.fixture(autouse=True)
def _triton_is_the_way(monkeypatch):
    monkeypatch.setattr(gpu_contractions, "_cuda_is_there", lambda: False)
    monkeypatch.setattr(gpu_contractions, "_triton_is_there", lambda: True)


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Contractions take the way of CUDA tensors, which the C library leaves alone; counts how many."""
    calls = []

    def run(name, left, w):
        calls.append(name)
        return gpu_contractions.contract(name, left, w)

    monkeypatch.setattr(c_library, "_fits", lambda *operands: False)
    monkeypatch.setattr(kernels, "_run", run)
    return calls


def by_triton(p, q, w):
    """Best, highest and lowest, as `reference` has them after the sums."""
    asked = {"max": (p,), "signed": (p, -q.abs())}
    return [part for name, left in asked.items() for part in gpu_contractions.contract(name, left, w)]


def by_torch(p, q, w):
    """The same in float32, with every product written down; nothing is less than no path, 0."""
    products = p[..., :, :, None] * w[..., None, :, :]
    others = -q.abs()[..., :, :, None] * w[..., None, :, :]
    none = products.new_zeros((*products.shape[:-2], 1, products.shape[-1]))
    both = torch.cat([products, others, none], -2)
    best = torch.cat([products.abs(), none], -2).amax(-2)
    return best, both.amax(-2), both.amin(-2)


def assert_equal(found, wanted):
    """To the last bit, nothing that is no number in another place."""
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape
        assert torch.equal(a.isnan(), b.isnan())
        assert torch.equal(a.nan_to_num(-1.0), b.nan_to_num(-1.0))


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks with many edges in few numbers; and the interpreter folds a large one element by element."""
    from semiring_widgets.core.kernels import triton_rows

    monkeypatch.setattr(triton_rows, "TERMS", 4)
    monkeypatch.setattr(triton_rows, "COLUMNS", 8)


class TestNumbers:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("turned", [False, True])
    def test_equal_torch_and_float64(self, shape, turned):
        p, q, w = operands(shape, turned)
        assert_equal(by_triton(p, q, w), by_torch(p, q, w))
        for found, wanted in zip(by_triton(p, q, w), reference(p, q, w)[2:], strict=True):
            assert torch.allclose(found.double(), wanted, rtol=1e-5, atol=1e-4)

    @pytest.mark.usefixtures("small_blocks")
    def test_batches_broadcast(self):
        p, q, w = operands((5, 11, 18))
        deep = w[:, None].expand(2, 3, 11, 18)
        cases = [(p, q, w[0]), (p[0], q[0], w[0]), (p[:1], q[:1], w), (p, q, w[:1]), (p[0], q[0], w)]
        cases += [
            (p[:, None], q[:, None], deep),
            (p[None], q[None], deep.transpose(0, 1)),
            (p[:, :1], q[:, :1], w),
        ]
        cases += [(p[:0], q[:0], w[:0]), (p[:, :1], q[:, :1], w[:1]), (p[:, :, :0], q[:, :, :0], w[:, :0])]
        for case in cases:
            assert_equal(by_triton(*case), by_torch(*case))

    @pytest.mark.usefixtures("small_blocks")
    @pytest.mark.parametrize("rows", [1, 5])
    def test_any_strides(self, rows):
        noise = torch.Generator().manual_seed(rows)
        stored = torch.randn(2, 40, 66, generator=noise)
        p, q = (
            torch.rand(2, 33, 2 * rows, generator=noise).mT,
            torch.randn(2, 33, 2 * rows, generator=noise).mT,
        )
        for w in (stored[:, :33, :19], stored[:, :19, :33].mT, stored[:, ::2, ::2].mT, stored[:, :33, ::3],
                  stored[:, :1, :19].expand(2, 33, 19), stored[:, :33, :1].expand(2, 33, 19)):  # fmt: skip
            assert_equal(by_triton(p[:, ::2], q[:, ::2], w), by_torch(p[:, ::2], q[:, ::2], w))

    @pytest.mark.usefixtures("small_blocks")
    @pytest.mark.parametrize("rows", [1, 6])
    @pytest.mark.parametrize("odd", [NAN, -NAN, INF, -INF, 0.0, -0.0, 1e-42, -1e-42, 3e38])
    def test_odd_numbers(self, rows, odd):
        p, q, w = operands((rows, 13, 18))
        for left, right in ((odd, None), (None, odd), (0.0, odd), (odd, odd)):
            cases = [part.clone() for part in (p, q, w)]
            if left is not None:
                cases[0][0, 0, 7] = abs(left)
                cases[1][0, 0, 9] = left
            if right is not None:
                cases[2][0, 7, 3] = right
                cases[2][:, :, 5] = right
            assert_equal(by_triton(*cases), by_torch(*cases))

    @pytest.mark.parametrize("rows", [1, 6])
    def test_ties_and_absence(self, rows):
        p, q, w = (part.round() for part in operands((rows, 50, 40)))
        assert_equal(by_triton(p, q, w), by_torch(p, q, w))
        for none in ((p * 0, q * 0, w), (p, q, w * 0)):
            assert not any(part.any() for part in by_triton(*none))

    @pytest.mark.parametrize("rows", [1, 5])
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_widened_first(self, rows, dtype):
        p, q, w = (part.to(dtype) for part in operands((rows, 40, 34)))
        found = by_triton(p, q, w)
        assert {part.dtype for part in found} == {torch.float32}
        assert_equal(found, by_torch(p.float(), q.float(), w.float()))
        assert_equal(by_triton(p.float(), q.float(), w), found)

    @pytest.mark.usefixtures("small_blocks")
    @pytest.mark.parametrize("rows", [1, 6])
    def test_the_terms_may_be_cut(self, rows, monkeypatch):
        p, q, w = operands((rows, 41, 20))
        p[0, 0, 35], w[0, 13, 2] = NAN, INF
        from semiring_widgets.core.kernels import triton_contractions, triton_tiles

        monkeypatch.setattr(triton_contractions, "_processors", lambda device: 4)
        monkeypatch.setattr(triton_contractions, "_FEWEST", 8)
        assert triton_contractions._parts(2, rows, 41, 20, 4, triton_tiles.fitting(rows)) == 4
        assert_equal(by_triton(p, q, w), by_torch(p, q, w))

    def test_every_tile(self, monkeypatch):
        from semiring_widgets.core.kernels import triton_tiles

        p, q, w = operands((67, 6, 131))
        for size in triton_tiles.SIZES:
            monkeypatch.setattr(triton_tiles, "fitting", lambda rows, size=size: size)
            assert_equal(by_triton(p, q, w), by_torch(p, q, w))

    def test_many_callers_at_once(self):
        p, q, w = operands((9, 12, 20))
        alone = by_triton(p, q, w)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda _: by_triton(p, q, w), range(4)))
        assert all(torch.equal(a, b) for found in together for a, b in zip(alone, found, strict=True))


@pytest.mark.parametrize("semiring", [Max(), SignedMax()], ids=lambda s: s.name)
@pytest.mark.parametrize("rows", [1, 6])
def test_contractions_of_semirings(semiring, rows, as_on_a_gpu):
    """Rows and terms without a path, values that no float32 holds, weights of any scale."""
    noise = torch.Generator().manual_seed(3)
    w = torch.randn(20, 18, generator=noise) * torch.randn(20, 18, generator=noise).mul(15).exp()
    logs = torch.randn(2, rows, 20, generator=noise) * 100
    logs[torch.rand(logs.shape, generator=noise) < 0.3] = -INF
    logs[:, -1] = -INF
    value = tuple(logs) if semiring.name == "signed_max" else (logs[0],)
    found = semiring.contract(value, Weight(w))
    assert as_on_a_gpu
    wide = semiring.contract(tuple(v.double() for v in value), Weight(w.double()))
    for a, b in zip(found, wide, strict=True):
        assert torch.allclose(a.double(), b, rtol=2e-5, atol=1e-4)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("granularity", ["primitive", "operator"])
def test_whole_sweeps(granularity, as_on_a_gpu, monkeypatch):
    """A block of a transformer: causal attention, norms, a feed-forward part."""
    torch.manual_seed(0)
    block = torch.nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True).eval()
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5)
    with torch.no_grad(), sw.record(granularity=granularity) as tape:
        x = torch.randn(1, 5, 8)
        score = block(x, src_mask=mask)[0, 3, 2]
    facts = {
        "max": ("log_weight", "sign"),
        "signed_max": ("most_positive", "most_negative"),
        "entropy": ("log_mass", "entropy"),
    }
    found = {name: sw.backprop(tape, score, wrt=x, semiring=name) for name in facts}
    found = {name: [getattr(found[name], fact) for fact in facts[name]] for name in facts}
    paths = sw.top_paths(tape, score, wrt=x, k=5)
    assert {"max", "signed", "expectation"} <= set(as_on_a_gpu)
    monkeypatch.undo()
    for name, parts in found.items():
        result = sw.backprop(tape, score, wrt=x, semiring=name)
        for fact, part in zip(facts[name], parts, strict=True):
            assert torch.allclose(part, getattr(result, fact), rtol=1e-5, atol=1e-5)
    weights = [path.weight for path in sw.top_paths(tape, score, wrt=x, k=5)]
    assert [path.weight for path in paths] == pytest.approx(weights, rel=1e-5)


# Compiles for an H100 without one, for weights that are stored by rows and aligned.
COMPILE = """
import json, re, subprocess, sys
from pathlib import Path
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from semiring_widgets.core.kernels import triton_algebra, triton_contractions, triton_rows, triton_tiles
folder = Path(sys.argv[1])
pointers = ("p", "q", "w", "first", "second")
blocks = [(triton_rows.rows, {"TERMS": triton_rows.TERMS, "COLUMNS": triton_rows.COLUMNS}, 4)]
for high, wide, warps in triton_tiles.SIZES:
    blocks.append((triton_tiles.tiles, {"ROWS": high, "COLUMNS": wide}, warps))
for kernel, sizes, warps in blocks:
    for name, algebra in triton_algebra.NUMBER.items():
        constants = {**sizes, "algebra": algebra, "w_column": 1}
        types = dict.fromkeys(kernel.arg_names, "i32") | dict.fromkeys(pointers, "*fp32")
        types |= dict.fromkeys(constants, "constexpr")
        places = {arg: (place,) for place, arg in enumerate(kernel.arg_names)}
        aligned = [*pointers, "columns", "p_batch", "w_batch", "w_inner", *(["p_inner"] * ("ROWS" in sizes))]
        source = ASTSource(
            fn=kernel,
            signature=types,
            constexprs={places[arg]: number for arg, number in constants.items()},
            attrs={places[arg]: [["tt.divisibility", 16]] for arg in aligned},
        )
        target = GPUTarget("cuda", 90, 32)
        options = {"num_warps": warps, **triton_contractions._OPTIONS}
        built = triton.compile(source, target=target, options=options)
        code = folder / "kernel.cubin"
        code.write_bytes(built.asm["cubin"])
        tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
        usage = subprocess.run([tool, "-res-usage", code], capture_output=True, text=True, check=True).stdout
        ptx = built.asm["ptx"]
        print(json.dumps({
            "kernel": kernel.__name__, "sizes": sizes, "algebra": name,
            "stack": int(re.search(r"STACK:(\\d+)", usage)[1]),
            "strict": len(re.findall(r"(max|min)\\.NaN\\.f32", ptx)),
            "loose": len(re.findall(r"(max|min)\\.f32", ptx)),
        }))
"""


def test_compile_to_machine_code(tmp_path):
    """NaN is kept, and no tile leaves the registers."""
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("TRITON_INTERPRET")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMPILE, str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kernels_built = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(kernels_built) == 8
    for built in kernels_built:
        assert built["loose"] == 0, built
        assert built["strict"] > 0, built
        assert built["stack"] == 0, built
