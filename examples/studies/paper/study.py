"""The study: which cells there are."""

from __future__ import annotations

from functools import partial
from typing import Any

from examples.studies import Cell, Study
from examples.studies.paper import agreement, agreement_entropy, difficulty, sizes, top_path
from examples.studies.paper.report import report

SEEDS = (0, 1, 2)
TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Contains1FirstToken", {}),
    ("Contains1", {}),
    ("BinCountOnes", {"classes": 2}),
    ("BinCountOnes", {"classes": 4}),
    ("ContainsTokenSet", {"size": 2}),
    ("ContainsTokenSetOOD", {"size": 2}),
)
# What the paper did is done on all sentences, the other ways of counting on a sample.
MAIN = (("branch", "paper"), ("unit", "paper"))
SAMPLE = 500


def cells(short: bool) -> list[Cell]:
    """All of them, or those of the short form."""
    if short:
        return [
            Cell("top-path-0", partial(top_path.measure, 0, 20_000, 100, 20), 15),
            Cell("agreement-embedded", partial(agreement.measure, "embedded", "branch", "paper", 320), 5),
            Cell("agreement-embedded-unit", partial(agreement.measure, "embedded", "unit", "paper", 320), 5),
            Cell("entropy-embedded", partial(agreement_entropy.measure, "embedded", "paper", 320, 64), 8),
            Cell("width-0", partial(sizes.perceptrons, 0, 5000), 6),
        ]
    found = [Cell(f"top-path-{seed}", partial(top_path.measure, seed), 25) for seed in SEEDS]
    for model in ("embedded", "six layers"):
        for level in ("branch", "unit"):
            for granularity in ("paper", "primitive", "operator"):
                n = None if (level, granularity) in MAIN else SAMPLE
                key = f"agreement-{model}-{level}-{granularity}".replace(" ", "-")
                found.append(Cell(key, partial(agreement.measure, model, level, granularity, n), 30))
        for granularity, n in (("paper", None), ("primitive", SAMPLE)):
            key = f"entropy-{model}-{granularity}".replace(" ", "-")
            found.append(Cell(key, partial(agreement_entropy.measure, model, granularity, n), 40))
    found += [Cell(f"width-{seed}", partial(sizes.perceptrons, seed), 20) for seed in SEEDS]
    found += [Cell(f"depth-{seed}", partial(sizes.transformers, seed), 10) for seed in SEEDS]
    return found + [
        Cell(
            f"difficulty-{_named(task, settings)}-{seed}",
            partial(difficulty.measure, task, settings, seed),
            30,
        )
        for seed in SEEDS
        for task, settings in TASKS
    ]


def _named(task: str, settings: dict[str, Any]) -> str:
    return "-".join([task, *map(str, settings.values())])


STUDY = Study(
    "paper",
    "The paper's claims, tested again",
    "Do the published findings of Du et al. (2023, arXiv 2307.03056) come out again, in models trained here?",
    cells,
    report,
    "Path grad: of all paths from a layer's input to the score, the largest weight of one that goes through "
    "its key, query or value product or its skip connection. At branch level, as published, paths within a "
    "step are summed and only branches compared; at unit level single scalar paths are. Oplus gives each "
    "token's largest value to the branch it takes and 0 to the others. Entropy is that of all paths, in "
    "nats, each weighed by |weight|. Round brackets hold the smallest and largest of the seeds.",
)
