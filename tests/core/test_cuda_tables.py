"""Which tile and how many parts a shape gets, against what all of them took on a GPU; how operands lie."""

import json
from pathlib import Path

import pytest
import torch

from semiring_widgets.core.kernels.cuda_tables import TILES, chosen_tile, part_counts, row_parts
from semiring_widgets.core.kernels.layouts import layout

# Measured on an H200, in microseconds: the best of 11 tiles, and [tile, parts, time] for those of the table.
MEASURED = json.loads((Path(__file__).parent / "gpu_tiles.json").read_text("utf-8"))
PROCESSORS, CLOCK, MAXIMA = 132, 1.98e9, 64


def sizes(case):
    *batch, m, k, n = case["shape"]
    return case["name"] == "signed", batch[0] if batch else 1, m, k, n


def time_of_choice(case):
    tile, parts = chosen_tile(*sizes(case), PROCESSORS)
    label = f"{tile.rows}x{tile.columns}/{tile.thread_rows}x{tile.thread_columns}/{tile.blocks}/{tile.unroll}"
    return next(taken for name, count, taken in case["measured"] if (name, count) == (label, parts))


@pytest.mark.parametrize("case", MEASURED, ids=lambda case: f"{case['shape']} {case['name']} {case['way']}")
def test_the_choice_is_close_to_the_best(case):
    assert time_of_choice(case) <= 1.05 * case["best"]


@pytest.mark.parametrize(
    ("shape", "share"), [([2048, 2048, 8192], 0.8), ([2048, 8192, 2048], 0.8), ([512, 3072, 768], 0.5)]
)
def test_large_shapes_come_close_to_what_the_card_can(shape, share):
    cases = [case for case in MEASURED if case["shape"] == shape and case["name"] == "max"]
    assert len(cases) == 2
    m, k, n = shape
    for case in cases:
        assert m * k * n / (time_of_choice(case) * 1e-6) >= share * PROCESSORS * CLOCK * MAXIMA


@pytest.mark.parametrize("signed", [False, True])
def test_every_shape_has_a_choice(signed):
    for batch, m, k, n in [(1, 1, 1, 1), (0, 5, 3, 2), (1, 7, 100000, 3), (4096, 16, 8, 16), (1, 9, 40, 0)]:
        for processors in (1, 20, 132):
            tile, parts = chosen_tile(signed, batch, m, k, n, processors)
            assert tile in TILES[signed]
            assert 1 <= parts <= max(1, k // 48)


def test_larger_cards_take_more_parts():
    few, many = (chosen_tile(False, 1, 128, 3072, 768, processors)[1] for processors in (40, 160))
    assert few < many


def test_parts_make_the_card_full():
    tile = TILES[False][1]
    assert part_counts(tile, 24, 3072, 132) == [1, 6, 7, 11, 22, 44]
    assert part_counts(tile, 24, 100, 132) == [1]
    assert part_counts(tile, 0, 100, 132) == [1]


def test_threads_fill_whole_warps_and_share_the_loads():
    for signed, tiles in TILES.items():
        for tile in tiles:
            assert tile.threads % 32 == 0, signed
            assert 16 * min(tile.rows, tile.columns) % (4 * tile.threads) == 0


@pytest.mark.parametrize(
    ("blocks", "inner", "parts"), [(1536, 128, 1), (6, 768, 3), (393, 768, 1), (6, 50257, 88), (0, 0, 1)]
)
def test_parts_of_single_rows(blocks, inner, parts):
    assert row_parts(blocks, inner, PROCESSORS) == parts


def laid_out(p, w):
    return layout(p.shape, p.stride(), w.shape, w.stride())


class TestLayouts:
    def test_rows_that_share_a_weight_become_one_product(self):
        found = laid_out(torch.empty(2, 3, 4, 8), torch.empty(8, 12))
        assert (found.batch, found.rows, found.inner, found.columns) == (1, 24, 8, 12)
        assert found.shape == (2, 3, 4, 12)
        assert found.even

    def test_gaps_between_rows_stay_a_batch(self):
        found = laid_out(torch.empty(2, 5, 8)[:, :4], torch.empty(8, 12))
        assert (found.batch, found.rows) == (2, 4)
        assert (found.p_batch[-1], found.w_batch[-1]) == (40, 0)

    def test_weights_may_be_stored_along_the_terms(self):
        found = laid_out(torch.empty(4, 8), torch.empty(12, 8).mT)
        assert found.w_along_terms
        assert found.w_line == 8
        assert not laid_out(torch.empty(4, 8), torch.empty(8, 12)).w_along_terms

    def test_heads_need_no_copy(self):
        """As attention has them: (tokens, heads, width) seen as (heads, tokens, width)."""
        p, w = torch.empty(10, 2, 8).transpose(0, 1), torch.empty(10, 2, 8).permute(1, 2, 0)
        found = laid_out(p, w)
        assert (found.batch, found.rows, found.inner, found.columns) == (2, 10, 8, 10)
        assert (found.p_line, found.w_line, found.w_along_terms) == (16, 16, True)
        assert found.p_batch[-1] == found.w_batch[-1] == 8

    @pytest.mark.parametrize(("inner", "columns", "even"), [(8, 12, True), (8, 10, False), (6, 12, False)])
    def test_vectors_need_multiples_of_four(self, inner, columns, even):
        assert laid_out(torch.empty(4, inner), torch.empty(inner, columns)).even == even

    def test_dimensions_merge_where_both_operands_allow(self):
        found = laid_out(torch.empty(2, 3, 5, 4, 8), torch.empty(2, 3, 5, 8, 12))
        assert found.sizes == (1, 1, 30)
        found = laid_out(torch.empty(2, 3, 5, 4, 8), torch.empty(2, 1, 5, 8, 12))
        assert found.sizes == (2, 3, 5)

    def test_what_has_to_be_copied(self):
        w = torch.empty(8, 12)
        assert laid_out(torch.empty(8, 4).mT, w) is None
        assert laid_out(torch.empty(4, 16)[:, ::2], w) is None
        assert laid_out(torch.empty(4, 8), torch.empty(16, 24)[::2, ::2]) is None

    def test_sizes_of_one(self):
        assert laid_out(torch.empty(1, 1), torch.empty(1, 1)).rows == 1
        assert laid_out(torch.empty(3, 1), torch.empty(1, 5)).columns == 5
        assert laid_out(torch.empty(3, 5), torch.empty(5, 1)).w_along_terms
