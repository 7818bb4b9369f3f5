"""Single paths: found, ranked, drawn at random, and described step by step."""

from semiring_widgets.core.paths.directions import cancellation, directions_of
from semiring_widgets.core.paths.finding import sample_paths, top_paths
from semiring_widgets.core.paths.lengths import path_lengths
from semiring_widgets.core.paths.path import Path, Step
from semiring_widgets.core.paths.routes import Route, Routes, top_routes
from semiring_widgets.core.paths.selecting import PathSet, select_paths
from semiring_widgets.core.paths.walking import Hop, walk_back, walk_on

__all__ = [
    "Hop",
    "Path",
    "PathSet",
    "Route",
    "Routes",
    "Step",
    "cancellation",
    "directions_of",
    "path_lengths",
    "sample_paths",
    "select_paths",
    "top_paths",
    "top_routes",
    "walk_back",
    "walk_on",
]
