"""Which method finds the object that decides?

The two embedded image models name the shape of the red object in pictures of
`semiring_widgets.tasks.shape_scenes`, which they were not trained on. Of every picture that is named rightly:
is the red object the one of largest mean score over its pixels ("deciding object first"; chance is one in
three), and is the first cell of all one that it covers ("first cell inside")? Deletion and insertion are
areas under the curves, in logits.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import numpy as np
import torch

import semiring_widgets as sw
from semiring_widgets.attr.image_methods import IMAGE_METHODS
from tests.benchmarks.measuring import Report

SEED = 2_000_000


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pictures", type=int, default=100)
    options.add_argument("--accuracy", type=int, default=1000)
    options.add_argument("--grid", type=int, default=8)
    chosen = options.parse_args()
    report = Report("images")
    for kind in ("cnn", "vit"):
        print(f"{kind}: accuracy {accuracy(kind, chosen.accuracy):.3f} on {chosen.accuracy} pictures")
        for row in rows(kind, chosen.pictures, chosen.grid):
            report.add(**row)
    print(report.write())


def accuracy(kind: str, count: int) -> float:
    """Share of pictures that are named rightly."""
    model, processor = sw.load_demo_image(kind)
    right = 0
    for scene in sw.tasks.shape_scenes(count, SEED):
        with torch.no_grad():
            logits = model(**processor(images=scene.image, return_tensors="pt")).logits
        right += int(logits.argmax()) == scene.label
    return right / count


def rows(kind: str, count: int, grid: int) -> list[dict[str, Any]]:
    """One row for each method."""
    model, processor = sw.load_demo_image(kind)
    found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for scene in sw.tasks.shape_scenes(count, SEED):
        compared = sw.compare_image(model, processor, scene.image, grid=grid)
        if compared.score.target != sw.tasks.SHAPES[scene.label]:
            continue
        for method in compared.methods:
            first, inside = judged(compared.method_map(method.name), scene)
            found[method.name].append(
                (first, inside, method.deletion, method.insertion, method.effect_correlation, method.seconds)
            )
    names = ("deciding object first", "first cell inside", "deletion", "insertion", "correlation", "seconds")
    return [
        {
            "model": kind,
            "method": name,
            "pictures": len(found[name]),
            **dict(zip(names, np.mean(found[name], axis=0).round(3).tolist(), strict=True)),
        }
        for name in IMAGE_METHODS
    ]


def judged(scores: np.ndarray, scene: sw.tasks.ShapeScene) -> tuple[float, float]:
    """Whether the deciding object is first, and whether the first cell touches it.

    Args:
        scores: shape (rows, columns).
        scene: the picture.
    """
    tall, wide = (side // count for side, count in zip(scene.image.shape, scores.shape, strict=False))
    spread = scores.repeat(tall, 0).repeat(wide, 1)
    means = [float(spread[mask].mean()) for mask in scene.masks]
    top = spread == scores.max()
    return float(np.argmax(means) == scene.deciding), float((top & scene.masks[scene.deciding]).any())


if __name__ == "__main__":
    main()
