"""Where studies keep things, and models that are trained once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from semiring_widgets.results.atomic import write_whole

if TYPE_CHECKING:
    from torch.nn import Module

    ModuleT = TypeVar("ModuleT", bound=Module)

# What is kept in the repository.
EVIDENCE = Path(__file__).parents[1] / "evidence"
# The processes of the cells are told by it which folder was asked for.
_OUT = "SEMIRING_WIDGETS_STUDIES_OUT"


def set_out(folder: Path) -> None:
    """Let all cells, also those of processes that start from now on, keep their models in this folder."""
    os.environ[_OUT] = str(folder.absolute())


def models_folder() -> Path:
    """The folder of models that cells have trained; made where it is missing."""
    folder = Path(os.environ.get(_OUT, EVIDENCE)) / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def trained(name: str, model: ModuleT, train: Callable[[ModuleT], None]) -> ModuleT:
    """A model with the weights of its first training, which are kept.

    Args:
        name: of the file; put the seed and all settings in, as nothing else tells two trainings apart.
        model: untrained, of the right shape; it is changed in place and returned.
        train: trains it; not called where the weights are there already.
    """
    from safetensors.torch import load_model, save_model

    file = models_folder() / f"{name}.safetensors"
    if not file.exists():
        train(model)
        scratch = file.with_name(f"{file.name}.{os.getpid()}")
        save_model(model, str(scratch))
        write_whole(file, scratch.read_bytes())
        scratch.unlink()
    load_model(model, str(file))
    return model
