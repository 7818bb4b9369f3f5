"""The k-best kernel: bit for bit what torch gives, and float64 by writing every sum down."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from semiring_widgets.core import kernels
from semiring_widgets.core.semirings import KBest, Weight

NONE = float("-inf")
SHAPES = [(1, 1, 1), (8, 32, 32), (7, 5, 33), (9, 1, 31), (3, 70, 64), (17, 0, 4), (0, 3, 4), (2, 3, 0),
          (5, 257, 65), (4, 600, 40)]  # fmt: skip
compiled = pytest.mark.skipif(not kernels.accelerated(), reason="the C library is not built here")


def operands(k, shape, batch=(2,), *, ties=False):
    """Sorted logarithms and a weight, both with places where there is no path; with ties where wanted."""
    m, inner, n = shape
    noise = torch.Generator().manual_seed(k + m + inner + n)
    logs = torch.randn(k, *batch, m, inner, generator=noise) * 3
    logs[torch.rand(logs.shape, generator=noise) < 0.3] = NONE
    logs[..., ::3, :] = logs[..., ::3, :].clamp(min=-2) if m % 2 else NONE
    w = torch.randn(*batch, inner, n, generator=noise)
    w *= torch.rand(w.shape, generator=noise) > 0.3
    if ties:
        logs, w = logs.round(), w.sign() * 2 ** w.round()
    return tuple(logs.sort(0, descending=True).values.unbind()), w


def enumerated(value, w):
    """The k largest in float64, of all sums; -inf where there are fewer."""
    k = len(value)
    logs = w.double().abs().log()
    sums = [part.double()[..., :, :, None] + logs[..., None, :, :] for part in value]
    everything = torch.cat(sums, -2)
    missing = everything.new_full((*everything.shape[:-2], k, everything.shape[-1]), NONE)
    return torch.cat([everything, missing], -2).topk(k, -2).values.unbind(-2)


def check(value, w):
    semiring = KBest(len(value))
    got, fallback = semiring.contract(value, Weight(w)), semiring._contract(value, Weight(w))
    for part, same, wanted in zip(got, fallback, enumerated(value, w), strict=True):
        assert torch.equal(part, same)
        assert torch.allclose(part.double(), wanted, rtol=1e-6, atol=1e-5)


@pytest.mark.usefixtures("library")
class TestNumbers:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 9])
    def test_equal_enumeration(self, k, shape):
        for ties in (False, True):
            value, w = operands(k, shape, ties=ties)
            first = tuple(part[0] for part in value)
            for left, right in [
                (value, w),
                (value, w[0]),
                (first, w[0]),
                (first, w),
                (tuple(p[:1] for p in value), w),
            ]:
                check(left, right)

    @pytest.mark.parametrize("k", [1, 4, 7])
    @pytest.mark.parametrize("width", [1, 31, 32, 35])
    @pytest.mark.parametrize("depth", [1, 3, 258])
    def test_any_strides(self, k, width, depth):
        """Weights by rows, by columns, and with gaps; values that are no whole tensors, and expanded ones."""
        value, _ = operands(k, (6, depth, 1), (2,))
        noise = torch.Generator().manual_seed(width * depth)
        stored = torch.randn(2 * width, 3 * depth, generator=noise).round(decimals=1)
        by_columns = stored[:width, :depth].mT
        expanded = tuple(part[:1, :1].expand(2, 5, depth) for part in value)
        turned = tuple(part.mT.contiguous().mT[:, ::2] for part in value)
        for w in (by_columns, by_columns.contiguous(), stored[::2, ::3].mT, stored[::2, :depth].mT):
            for left in (expanded, turned):
                check(left, w)

    def test_no_path_stays_no_path(self):
        none = (torch.full((3, 40), NONE),) * 4
        assert all(
            bool((part == NONE).all()) for part in KBest(4).contract(none, Weight(torch.randn(40, 50)))
        )
        value, _ = operands(4, (3, 40, 50), ())
        nothing = KBest(4).contract(value, Weight(torch.zeros(40, 50)))
        assert all(bool((part == NONE).all()) for part in nothing)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_what_is_no_number_stays_so(self, bad):
        value, w = operands(3, (6, 40, 50), ())
        broken = (value[0].clone(), *value[1:])
        broken[0][2, 7] = bad
        w = w.where(w != 0, 1.0)
        rows = KBest(3).contract(broken, Weight(w))[0]
        assert rows[2].isfinite().logical_not().all()
        w[3, 9] = bad
        assert not bool(
            KBest(3).contract((torch.zeros(6, 40), *value[1:]), Weight(w))[0][:, 9].isfinite().any()
        )

    def test_any_order_of_the_parts(self):
        """A value need not come sorted, as those of a sweep do."""
        value, w = operands(4, (5, 30, 40), ())
        for got, wanted in zip(KBest(4).contract(value[::-1], Weight(w)), enumerated(value, w), strict=True):
            assert torch.allclose(got.double(), wanted, rtol=1e-6, atol=1e-5)


@compiled
class TestThreads:
    def test_the_kernel_is_used(self):
        value, w = operands(8, (5, 30, 40))
        assert kernels.contract_best(value, Weight(w).log) is not None
        assert kernels.contract_best((*value, value[-1]), Weight(w).log) is None

    def test_number_of_threads_changes_nothing(self):
        cases = [operands(5, (70, 200, 300), ()), operands(5, (30, 100, 90), (7,))]
        before = torch.get_num_threads()
        found = []
        try:
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                found.append([part for value, w in cases for part in KBest(5).contract(value, Weight(w))])
        finally:
            torch.set_num_threads(before)
        assert all(torch.equal(a, b) for more in found[1:] for a, b in zip(found[0], more, strict=True))

    def test_many_callers_at_once(self):
        value, w = operands(3, (40, 200, 300))
        alone = KBest(3).contract(value, Weight(w))
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda _: KBest(3).contract(value, Weight(w)), range(16)))
        assert all(torch.equal(a, b) for found in together for a, b in zip(alone, found, strict=True))
