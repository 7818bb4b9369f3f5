"""What can be seen to be wrong with a question before anything is loaded, recorded or computed."""

from __future__ import annotations

from typing import Any

import torch

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["check_question"]


def check_question(
    model: Any, tokenizer: Any, text: Any, target: Any, contrast: Any, position: Any, score: Any
) -> None:
    """Refuse arguments of another kind than the one they are of; what they say is looked at later.

    Args:
        model: as for `explain`, like all the others.
        tokenizer: see there.
        text: see there.
        target: see there.
        contrast: see there.
        position: see there.
        score: see there.

    Raises:
        InputError: says what was given, and what to give.
    """
    if not isinstance(model, torch.nn.Module):
        raise InputError(
            f"model is {shown(model)}; give a torch module, such as a transformers model. By name one is "
            "loaded by model, tokenizer = sw.load_model(name)."
        )
    if not callable(tokenizer) or not hasattr(tokenizer, "convert_ids_to_tokens"):
        raise InputError(
            f"tokenizer is {shown(tokenizer)}; give the model's tokenizer of the transformers library, as "
            "load_model and load_demo return it beside the model."
        )
    for name, words in (("text", text), ("target", target), ("contrast", contrast)):
        for part in words if isinstance(words, (tuple, list)) else (words,):
            if isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part):
                raise InputError(
                    f"{name} is {shown(words)}, with half a surrogate pair, which no tokenizer reads; decode "
                    "the text with errors='replace'."
                )
    for name, word in (("target", target), ("contrast", contrast)):
        if isinstance(word, (float, bytes)):
            raise InputError(f"{name} is {shown(word)}; give a token as a string, or its id.")
    if isinstance(position, (str, float)):
        raise InputError(f"position is {shown(position)}; give the number of a token.")
    if score is not None and not callable(score):
        raise InputError(f"score is {shown(score)}; give a function of the model's output.")
