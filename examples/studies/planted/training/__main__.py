"""Trains models with a planted circuit and keeps those that agree with their program: ``trained/``.

    python -m examples.studies.planted.training [names...]

One core takes about half a minute for each.
"""

from __future__ import annotations

import json
import sys
import time

import torch

from examples.studies.planted.programs import program, program_names
from examples.studies.planted.trained import FOLDER
from examples.studies.planted.training.planting import Planting, planted_edges

STEPS = 2000
LAYERS = 3
ENOUGH = 0.95


def main(names: list[str]) -> None:
    """Train one model for each program.

    Args:
        names: of programs; all that have few layers where none is given.
    """
    from safetensors.torch import save_file

    FOLDER.mkdir(exist_ok=True)
    for name in names or [one for one in program_names() if program(one).model.shape.layers <= LAYERS]:
        start, source = time.process_time(), program(name)
        planting = Planting(source, seed=0)
        planting.train(STEPS)
        # What is kept is float16, so that is what must agree.
        model = planting.model.half().float()
        reached = planting.agreement(texts=2048)
        print(f"{name}: {reached}, {time.process_time() - start:.0f} s", flush=True)
        if reached.least < ENOUGH:
            continue
        facts = {
            "shape": vars(model.shape),
            "edges": sorted(planted_edges(source.edges, planting.places)),
            "vocabulary": source.vocabulary,
            "first": source.first,
            "length": source.length,
            "unique": source.unique,
            "agreement": vars(reached),
        }
        (FOLDER / f"{name}.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
        save_file(
            {key: part.half() for key, part in model.state_dict().items()}, FOLDER / f"{name}.safetensors"
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
