"""Trained models with a planted circuit, read from ``trained/``; `training` made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from examples.studies.planted.models import Planted
from examples.studies.planted.transformer import Shape, Transformer

__all__ = ["FOLDER", "trained_facts", "trained_model", "trained_names"]

FOLDER = Path(__file__).with_name("trained")


def trained_names() -> list[str]:
    """Of all models that are there."""
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def trained_facts(name: str) -> dict[str, Any]:
    """How a model was made, and how well it agrees with its program.

    Args:
        name: one of `trained_names`.
    """
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def trained_model(name: str) -> Planted:
    """A model, in float32; kept are its weights in float16.

    Args:
        name: one of `trained_names`.
    """
    from safetensors.torch import load_file

    facts = trained_facts(name)
    model = Transformer(Shape(**facts["shape"]))
    model.load_state_dict(
        {key: part.float() for key, part in load_file(FOLDER / f"{name}.safetensors").items()}
    )
    return Planted(
        name=name,
        model=model.requires_grad_(False),
        edges=frozenset((source, target, branch) for source, target, branch in facts["edges"]),
        vocabulary=tuple(facts["vocabulary"]),
        first=facts["first"],
        length=facts["length"],
        unique=facts["unique"],
        split=False,
    )
