"""The set of paths of a recorded score: narrowed, summed over, searched, drawn from, and read as routes.

Internal: use `semiring_widgets.paths` and the functions that ask one question each.
"""

from semiring_widgets.core.paths.directions import SIGNED, cancellation, directions_of
from semiring_widgets.core.paths.flows import Flow
from semiring_widgets.core.paths.many_sets import ManySets, can_be_together
from semiring_widgets.core.paths.path import Path, Step
from semiring_widgets.core.paths.path_sets import Paths
from semiring_widgets.core.paths.questions import (
    narrowed,
    path_lengths,
    paths,
    sample_paths,
    select_paths,
    top_paths,
    top_routes,
)
from semiring_widgets.core.paths.route import Route, Routes
from semiring_widgets.core.paths.route_families import family_contribution
from semiring_widgets.core.paths.route_search import MEASURED, Known, RouteSearch
from semiring_widgets.core.paths.shared_sweeps import Ground, ground_of
from semiring_widgets.core.paths.stations import JOINED, Station, Stations
from semiring_widgets.core.paths.walks import Guide, walk

__all__ = [
    "JOINED",
    "MEASURED",
    "SIGNED",
    "Flow",
    "Ground",
    "Guide",
    "Known",
    "ManySets",
    "Path",
    "Paths",
    "Route",
    "RouteSearch",
    "Routes",
    "Station",
    "Stations",
    "Step",
    "can_be_together",
    "cancellation",
    "directions_of",
    "family_contribution",
    "ground_of",
    "narrowed",
    "path_lengths",
    "paths",
    "sample_paths",
    "select_paths",
    "top_paths",
    "top_routes",
    "walk",
]
