"""What the cells of the study run."""

from __future__ import annotations

import pandas as pd

from examples.studies.planted.programs import program
from examples.studies.planted.scores import scored
from examples.studies.planted.trained import trained_model
from examples.studies.planted.turning import turned

__all__ = ["measure_program", "measure_trained"]


def measure_program(name: str, pairs: int) -> pd.DataFrame:
    """All methods on a compiled program, as it is compiled and with its stream turned.

    Args:
        name: of the program.
        pairs: how many texts.
    """
    planted = program(name)
    return pd.concat(
        [
            scored(planted, pairs).assign(models="compiled"),
            scored(turned(planted), pairs, weighing=()).assign(models="turned"),
        ],
        ignore_index=True,
    )


def measure_trained(name: str, pairs: int) -> pd.DataFrame:
    """All methods on a trained model with a planted circuit.

    Args:
        name: of the model.
        pairs: how many texts.
    """
    return scored(trained_model(name), pairs, stepping=True).assign(models="trained")
