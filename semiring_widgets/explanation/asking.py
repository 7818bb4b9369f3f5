"""What can be seen to be wrong with a question before anything is loaded, recorded or computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.question import Question

__all__ = ["check_question"]


def check_question(model: Any, tokenizer: Any, question: Question) -> None:
    """Refuse what is of another kind than it should be; what it says is looked at later.

    Args:
        model: the model asked.
        tokenizer: its tokenizer.
        question: what is asked of it.

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
    for name in ("text", "target", "contrast"):
        words: Any = getattr(question, name)
        for part in words if isinstance(words, (tuple, list)) else (words,):
            if isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part):
                raise InputError(
                    f"{name} is {shown(words)}, with half a surrogate pair, which no tokenizer reads; decode "
                    "the text with errors='replace'."
                )
    for name in ("target", "contrast"):
        word: Any = getattr(question, name)
        if isinstance(word, (float, bytes, Mapping)):
            raise InputError(
                f"{name} is {shown(word)}; give a word or several as a string, a token's id, or a list of "
                "ids."
            )
    if isinstance(question.position, (str, float)):
        raise InputError(f"position is {shown(question.position)}; give the number of a token.")
    if question.score is not None and not callable(question.score):
        raise InputError(f"score is {shown(question.score)}; give a function of the model's output.")
    if question.generate is not None and (question.target is not None or question.score is not None):
        other = "target" if question.target is not None else "score"
        raise InputError(
            f"Both generate= and {other}= were given, and generate= asks for the model's own words; give one "
            "or the other."
        )
    if question.score is None:
        return
    if question.target is not None or question.contrast is not None:
        raise InputError("Both score= and a target or contrast were given; give one or the other.")
    if question.position is not None:
        raise InputError(
            "Both score= and position= were given, and a score reads what it wants; leave position= out, and "
            "let the function choose, as in score=lambda output: output.logits[:, 3, 7]."
        )
