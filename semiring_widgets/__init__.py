"""Which paths make a prediction? Semiring backpropagation for PyTorch models, with notebook widgets.

The public names are imported lazily: ``import semiring_widgets`` costs milliseconds and pulls in
neither torch nor transformers nor captum until a name that needs them is used.

Public: every name of ``__all__``. The packages below say for themselves whether they are.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from semiring_widgets._lazy import lazily
from semiring_widgets._version import __version__ as __version__
from semiring_widgets.results.exits import install

if TYPE_CHECKING:
    from semiring_widgets import attr, rules, semirings, tasks, widgets
    from semiring_widgets.attr import compare, compare_image
    from semiring_widgets.core import (
        Aligned,
        Circuit,
        Curve,
        Effect,
        Path,
        Paths,
        PathSet,
        Repeated,
        Route,
        Routes,
        RouteSteps,
        Selection,
        Semiring,
        Tape,
        backprop,
        circuit,
        circuit_curve,
        estimate_memory,
        path_lengths,
        record,
        repeated,
        sample_paths,
        select_paths,
        test,
        top_paths,
        top_routes,
    )
    from semiring_widgets.core.paths import paths
    from semiring_widgets.corpus import Corpus, explain_corpus, read_corpus
    from semiring_widgets.errors import SemiringWidgetsError
    from semiring_widgets.explanation import (
        beside,
        contributions,
        edges,
        effects,
        explain,
        explain_image,
        explain_sound,
        flow,
        load_demo,
        load_demo_image,
        load_model,
        write_circuit,
    )
    from semiring_widgets.notebook import load_ipython_extension, unload_ipython_extension
    from semiring_widgets.results import Explanation, SideBySide, load
    from semiring_widgets.results.cells import ImageComparison, ImageExplanation, SoundExplanation
    from semiring_widgets.results.exits import Exits

_HOME = {
    "Aligned": "core",
    "Circuit": "core",
    "Curve": "core",
    "Effect": "core",
    "Path": "core",
    "PathSet": "core",
    "Paths": "core",
    "Route": "core",
    "RouteSteps": "core",
    "Routes": "core",
    "Selection": "core",
    "Semiring": "core",
    "Tape": "core",
    "backprop": "core",
    "circuit": "core",
    "circuit_curve": "core",
    "Corpus": "corpus",
    "explain_corpus": "corpus",
    "read_corpus": "corpus",
    "beside": "explanation",
    "contributions": "explanation",
    "effects": "explanation",
    "estimate_memory": "core",
    "path_lengths": "core",
    # The folder has this name, too, so its function is found inside of it.
    "paths": "core.paths",
    "select_paths": "core",
    "test": "core",
    "edges": "explanation",
    "flow": "explanation",
    "write_circuit": "explanation",
    "record": "core",
    "Repeated": "core",
    "repeated": "core",
    "sample_paths": "core",
    "top_paths": "core",
    "top_routes": "core",
    "SemiringWidgetsError": "errors",
    "Explanation": "results",
    "ImageComparison": "results.cells",
    "ImageExplanation": "results.cells",
    "SideBySide": "results",
    "SoundExplanation": "results.cells",
    "explain": "explanation",
    "explain_image": "explanation",
    "explain_sound": "explanation",
    "load": "results",
    "load_demo": "explanation",
    "load_demo_image": "explanation",
    "load_model": "explanation",
    "compare": "attr",
    "compare_image": "attr",
    "attr": "attr",
    "tasks": "tasks",
    "rules": "rules",
    "semirings": "semirings",
    "widgets": "widgets",
    "load_ipython_extension": "notebook",
    "unload_ipython_extension": "notebook",
}

__all__ = [
    "Aligned",
    "Circuit",
    "Corpus",
    "Curve",
    "Effect",
    "Explanation",
    "ImageComparison",
    "ImageExplanation",
    "Path",
    "PathSet",
    "Paths",
    "Repeated",
    "Route",
    "RouteSteps",
    "Routes",
    "Selection",
    "Semiring",
    "SemiringWidgetsError",
    "SideBySide",
    "SoundExplanation",
    "Tape",
    "attr",
    "backprop",
    "beside",
    "circuit",
    "circuit_curve",
    "compare",
    "compare_image",
    "contributions",
    "edges",
    "effects",
    "estimate_memory",
    "explain",
    "explain_corpus",
    "explain_image",
    "explain_sound",
    "flow",
    "load",
    "load_demo",
    "load_demo_image",
    "load_ipython_extension",
    "load_model",
    "path_lengths",
    "paths",
    "read_corpus",
    "record",
    "repeated",
    "rules",
    "sample_paths",
    "select_paths",
    "semirings",
    "tasks",
    "test",
    "top_paths",
    "top_routes",
    "unload_ipython_extension",
    "widgets",
    "write_circuit",
]

# The one place where results are told what shows them.
install(lambda: cast("Exits", importlib.import_module(f"{__name__}.faces")))

__getattr__, __dir__ = lazily(__name__, _HOME)
