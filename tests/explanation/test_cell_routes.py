"""Routes of a picture whose layers have different grids are told in the cells of the first."""

from types import SimpleNamespace

import pytest

from semiring_widgets.explanation.cells.cell_routes import _told


@pytest.mark.parametrize(
    ("grids", "cells"),
    [
        (((8, 8, 0), (4, 4, 0)), (9, 63, 63)),  # the last of 4 x 4 lies where the last of 8 x 8 does
        (((8, 8, 0), (8, 8, 0)), (9, 63, 15)),
        (((8, 8, 1), (4, 4, 0)), (8, 62, 63)),  # a class token stands before the patches
    ],
)
def test_places_are_those_of_the_first_grid(grids, cells):
    legs = [
        SimpleNamespace(branch="value", head=0, layer=0, source=9, target=63),
        SimpleNamespace(branch="value", head=1, layer=1, source=15, target=15),
    ]
    route = SimpleNamespace(legs=legs, share=0.5, contribution=1.0)
    assert _told(route, list(grids), "patch").cells == cells
