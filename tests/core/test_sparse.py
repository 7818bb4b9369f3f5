"""Pooling, resizing, sampling, folding and writes that add up, against brute force."""

import pytest
import torch
from torch.nn import functional as F

from tests.core.test_exact import check

X = torch.tensor([[0.3, -1.2, 0.7], [0.9, 0.4, -0.5]], dtype=torch.float64)
PLACES = torch.tensor([[1, 1, 0], [0, 1, 1]])


def image(x):
    """(1, 1, 2, 3)"""
    return x[None, None]


def averages(x):
    return (F.avg_pool2d(image(x), 2, 1, padding=1) ** 2 * image(x).mean()).sum()


def averages_of_elements(x):
    return F.avg_pool2d(image(x), 2, 1, padding=1, count_include_pad=False).prod()


def shares(x):
    return F.adaptive_avg_pool2d(image(x), (2, 2)).prod()


def maxima(x):
    found, places = F.max_pool2d(image(x), (2, 2), 1, return_indices=True)
    return (F.max_unpool2d(found, places, (2, 2), 1, output_size=(2, 3)) * x).sum()


def rows_of_maxima(x):
    return F.adaptive_max_pool1d(x, 2).prod(-1).sum()


def enlarged(x):
    return (F.interpolate(image(x), (3, 4), mode="bilinear") ** 2).sum()


def smoothed(x):
    return F.interpolate(image(x), (3, 2), mode="bicubic").prod()


def shrunk(x):
    return F.interpolate(image(x), (1, 2), mode="bilinear", antialias=True).prod()


def sampled(x):
    """Where to look is on a path as well."""
    grid = torch.stack([x.tanh(), x.flip(0).tanh()], -1)
    return F.grid_sample(image(x), grid[None], align_corners=False)[0, 0, 0].sum()


def folded(x):
    return (F.fold(x.repeat(2, 1)[None, :, :2], (2, 3), (2, 2)) ** 2).sum()


def added_by_elements(x):
    return (torch.zeros(2, 3, dtype=x.dtype).scatter_add(0, PLACES, x) * x).prod(-1).sum()


def added_by_rows(x):
    return x.index_add(1, PLACES[0], x.exp(), alpha=-2).prod()


def added_by_indices(x):
    places = (torch.tensor([0, 0, 1]), torch.tensor([2, 2, 0]))
    return torch.index_put(x, places, x.exp()[0], accumulate=True).prod(-1).sum()


def added_by_numbers(x):
    return x.put(torch.tensor([3, 0, 3]), x[1].tanh(), accumulate=True).prod(-1).sum()


def spread_out(x):
    """One element is written to one place twice."""
    places = (torch.tensor([0, 0, 1]), torch.tensor([2, 2, 0]))
    return torch.index_put(x, places, x[0, 0].exp(), accumulate=True).prod(-1).sum()


def multiplied(x):
    return x.scatter_reduce(0, PLACES, x.exp(), "prod").sum()


def largest_of(x):
    return x.index_reduce(1, PLACES[0], x.flip(1).clone(), "amax").prod(-1).sum()


def averaged(x):
    return x.scatter_reduce(0, PLACES, x.exp(), "mean", include_self=False).prod(-1).sum()


def replaced(x):
    return torch.put(x, torch.tensor([5, 0]), x[1, :2].exp()).prod(-1).sum()


FUNCTIONS = [averages, averages_of_elements, shares, maxima, rows_of_maxima, enlarged, smoothed, shrunk,
             sampled, folded, added_by_elements, added_by_rows, added_by_indices, added_by_numbers,
             spread_out, multiplied, largest_of, averaged, replaced]  # fmt: skip


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("granularity", ["primitive", "operator"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_statistic(function, granularity):
    check(function, X, granularity)
