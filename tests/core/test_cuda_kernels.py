"""The CUDA kernels without a GPU: compiled as C++, every thread of a block a thread of the system.

`test_cuda.py` runs the same kernels on a GPU.
"""

import itertools

import pytest
import torch

from semiring_widgets.core.kernels import cuda_contractions
from semiring_widgets.core.kernels.cuda_tables import TILES, Tile
from tests.core import emulated_cuda

pytestmark = pytest.mark.skipif(
    emulated_cuda.compiler() is None, reason="There is no C++ compiler here, so no kernel was emulated."
)
INF, NAN = float("inf"), float("nan")
# One warp, and two: as small as they get.
SMALL = Tile(16, 32, 4, 4, 1, 4)
PAIR = Tile(16, 64, 4, 4, 1, 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("emulated")


@pytest.fixture
def asked(monkeypatch, folder):
    yield emulated_cuda.emulate(monkeypatch, folder)
    cuda_contractions._plan.cache_clear()


def reference(name, left, w):
    """In torch, every product written down."""
    products = torch.cat([part[..., :, :, None] * w.float()[..., None, :, :] for part in left], -2)
    if name == "max":
        return [products.abs().amax(-2)]
    return [products.amax(-2).clamp(min=0), products.amin(-2).clamp(max=0)]


def operands(shape, way="", dtype=torch.float32):
    """p and low, (..., M, K), and w, (..., K, N); ``way`` names what is stored turned."""
    *batch, m, k, n = shape
    noise = torch.Generator().manual_seed(0)

    def stored(rows, columns, turned):
        sizes = (columns, rows) if turned else (rows, columns)
        made = torch.randn(*batch, *sizes, generator=noise)
        return made.mT if turned else made

    p, low = (stored(m, k, "p.T" in way).abs() for _ in range(2))
    return p, -low, stored(k, n, "w.T" in way).to(dtype)


def assert_right(name, left, w, **named):
    found = cuda_contractions.contract(name, left, w, **named)
    for a, b in zip(found, reference(name, left, w), strict=True):
        assert a.dtype == torch.float32
        assert a.shape == b.shape
        assert torch.equal(a.isnan(), b.isnan())
        assert torch.equal(a.nan_to_num(-1.0), b.nan_to_num(-1.0))


def of(name, p, low):
    return [p, low] if name == "signed" else [p]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("name", ["max", "signed"])
class TestTiles:
    @pytest.mark.parametrize("way", ["", "w.T", "p.T"])
    @pytest.mark.parametrize("shape", [(20, 48, 68), (17, 37, 33)])
    def test_layouts(self, name, way, shape):
        p, low, w = operands(shape, way)
        for parts in (1, 3):
            assert_right(name, of(name, p, low), w, tile=SMALL, parts=parts)

    def test_numbers_that_are_none(self, name):
        p, low, w = operands((17, 37, 33))
        w[5, 3], w[7, 9], w[9, 11] = NAN, INF, -INF
        p[0, 7], p[1], low[1] = 0, 0, 0
        for parts in (1, 2):
            assert_right(name, of(name, p, low), w, tile=SMALL, parts=parts)

    def test_half_precision(self, name):
        """float16 is widened by an instruction that only a GPU has."""
        p, low, w = operands((16, 40, 36), dtype=torch.bfloat16)
        assert_right(name, of(name, p, low), w, tile=SMALL)
        halves = [part.bfloat16() for part in of(name, p, low)]
        found = cuda_contractions.contract(name, halves, w, SMALL)
        for a, b in zip(found, reference(name, [half.float() for half in halves], w), strict=True):
            assert torch.equal(a, b)

    def test_batches(self, name):
        p, low, w = operands((2, 3, 18, 20, 36))
        wide = w[:1, :1].expand(2, 3, 20, 36)
        for weights in (w, w[:, :1], w[0, 0], wide, w.mT.contiguous().mT):
            assert_right(name, of(name, p, low), weights, tile=SMALL, parts=1)
        assert_right(name, of(name, p[0, 0], low[0, 0]), w, tile=SMALL, parts=1)
        turned = [part.transpose(0, 1).contiguous().transpose(0, 1) for part in of(name, p, low)]
        assert_right(name, turned, w, tile=SMALL, parts=1)

    def test_more_dimensions_than_a_kernel_tells_apart(self, name):
        p, low, w = operands((2, 3, 2, 3, 5, 4, 4))
        p, low = (part[:, :2, :, :2] for part in (p, low))
        assert_right(name, of(name, p, low), w[:, :2, :, :2], tile=SMALL, parts=1)

    def test_left_operands_that_lie_differently(self, name):
        p, low, w = operands((16, 20, 36))
        assert_right(name, of(name, p, low.mT.contiguous().mT), w, tile=SMALL)

    def test_addresses_that_are_not_aligned(self, name):
        p, low, w = operands((16, 20, 36))
        shifted = torch.cat([torch.zeros(1), w.flatten()])[1:].view(20, 36)
        assert_right(name, of(name, p, low), shifted, tile=SMALL)

    @pytest.mark.parametrize("way", ["", "w.T"])
    @pytest.mark.parametrize("shape", [(1, 1, 140, 36), (2, 1, 77, 5)])
    def test_single_rows(self, name, way, shape):
        p, low, w = operands(shape, way)
        assert_right(name, of(name, p, low), w)
        assert_right(name, of(name, p, low), w, parts=2)

    def test_nothing(self, name):
        for shape in ((0, 4, 5), (3, 4, 0), (0, 2, 4, 5)):
            p, low, w = operands(shape)
            assert_right(name, of(name, p, low), w)


@pytest.mark.slow
@pytest.mark.parametrize(("signed", "tile"), [(s, tile) for s in TILES for tile in TILES[s]])
def test_tiles_of_the_table(signed, tile, asked):
    name = "signed" if signed else "max"
    for way, odd in itertools.product(("", "w.T"), (0, 1)):
        p, low, w = operands((tile.rows + 4, 72 + odd, tile.columns + 4), way)
        assert_right(name, of(name, p, low), w, tile=tile, parts=2)
    assert len(asked) == 4


def test_a_warp_has_several_beside_it(asked):
    p, low, w = operands((40, 40, 70))
    assert_right("signed", [p, low], w, tile=PAIR, parts=1)
    assert [variant.threads for variant in asked] == [64]


def test_the_table_is_asked(asked):
    p, _, w = operands((3, 21, 64, 20))
    assert_right("max", [p], w)
    assert {variant.tile for variant in asked} <= set(TILES[False])


def test_what_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(cuda_contractions, "_MOST", 100)
    cuda_contractions._plan.cache_clear()
    p, _, w = operands((20, 8, 30))
    with pytest.raises(ValueError, match="too large"):
        cuda_contractions.contract("max", [p], w)
    cuda_contractions._plan.cache_clear()


def test_a_plan_is_made_once(asked):
    p, _, w = operands((16, 32, 32))
    for _ in range(3):
        cuda_contractions.contract("max", [p], w, SMALL)
    assert cuda_contractions._plan.cache_info().misses == 1
    assert len(asked) == 1
