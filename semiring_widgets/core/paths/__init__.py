"""Single paths: found, ranked, drawn at random, and described step by step.

Internal: use `semiring_widgets.top_paths`, `semiring_widgets.top_routes` and `semiring_widgets.select_paths`.
"""

from semiring_widgets.core.paths.directions import cancellation, directions_of
from semiring_widgets.core.paths.finding import sample_paths, top_paths
from semiring_widgets.core.paths.lengths import path_lengths
from semiring_widgets.core.paths.path import Path, Step
from semiring_widgets.core.paths.ranking import MEASURED, Known, RouteSearch, gate_of
from semiring_widgets.core.paths.route import Route, Routes
from semiring_widgets.core.paths.routes import top_routes
from semiring_widgets.core.paths.selecting import PathSet, select_paths
from semiring_widgets.core.paths.stations import Stations
from semiring_widgets.core.paths.walking import walk_on

__all__ = [
    "MEASURED",
    "Known",
    "Path",
    "PathSet",
    "Route",
    "RouteSearch",
    "Routes",
    "Stations",
    "Step",
    "cancellation",
    "directions_of",
    "gate_of",
    "path_lengths",
    "sample_paths",
    "select_paths",
    "top_paths",
    "top_routes",
    "walk_on",
]
