"""Single paths: found, ranked, drawn at random, and described step by step."""

from semiring_widgets.core.paths.finding import best_first, sample_paths, top_paths
from semiring_widgets.core.paths.path import Path, Step
from semiring_widgets.core.paths.walking import Hop, walk_back, walk_on

__all__ = ["Hop", "Path", "Step", "best_first", "sample_paths", "top_paths", "walk_back", "walk_on"]
