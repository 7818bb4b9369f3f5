"""One call of the C library on several threads: on torch's own, and where these are not found, on a pool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import threads

pytestmark = pytest.mark.skipif(not kernels.accelerated(), reason="the C library is not built here")


@pytest.fixture(params=["openmp", "pool"])
def team(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which threads there are."""
    if request.param == "pool":
        monkeypatch.setattr(threads, "_openmp", lambda: None)
    elif threads._openmp() is None:
        pytest.skip("This torch has no OpenMP.")
    return str(request.param)


@pytest.fixture
def before() -> Iterator[int]:
    """The number of threads, which is restored."""
    count = torch.get_num_threads()
    yield count
    torch.set_num_threads(count)


def everything() -> list[Tensor]:
    """Each kind of work: products, their operands, sums, joins and the k best."""
    generator = torch.Generator().manual_seed(0)
    log, other = torch.randn(2, 3, 80, 600, generator=generator)
    w = torch.randn(600, 500, generator=generator)
    found = kernels.contract_logs("expectation", (log, log.abs()), w)
    assert found is not None
    results = [
        found.parts,
        kernels.sum_logs((log, log.abs()), [-1]),
        kernels.join_logs((log,), (other,)),
        (kernels.log_magnitude(log),),
        kernels.contract_best((log, log - 1), w),
    ]
    return [part for parts in results if parts is not None for part in parts if part is not None]


def test_torch_is_asked_for_its_threads():
    if sys.platform != "linux":
        pytest.skip("Elsewhere torch may come without OpenMP.")
    assert threads._openmp() is not None


@pytest.mark.usefixtures("before")
def test_number_of_threads_changes_nothing(team):
    torch.set_num_threads(1)
    alone = everything()
    assert len(alone) == 8
    for count in (2, 3, 7):
        torch.set_num_threads(count)
        assert all(torch.equal(a, b) for a, b in zip(alone, everything(), strict=True)), (team, count)


@pytest.mark.usefixtures("before", "team")
def test_many_callers_at_once():
    torch.set_num_threads(2)
    alone = everything()
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: everything(), range(12)))
    assert all(torch.equal(a, b) for one in found for a, b in zip(alone, one, strict=True))


def test_pieces_cover_everything():
    assert threads.pieces(7, 3) == [(0, 2), (2, 4), (4, 7)]
    assert threads.pieces(2, 5) == [(0, 1), (1, 2)]
    assert threads.pieces(0, 4) == [(0, 0)]
