"""What is asked: which number of the model's output, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.results import Score, Stream
from semiring_widgets.explanation.targets import mask_position, place_in, token_id
from semiring_widgets.explanation.text import stream_of

__all__ = ["question"]


def question(
    model: Any,
    tokenizer: Any,
    streams: tuple[Stream, ...],
    logits: Tensor | None,
    family: str,
    target: Any,
    contrast: Any,
    position: int | None,
) -> tuple[Callable[[Any], Tensor], Score]:
    """What is read from the model's output, and how it is called.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        streams: tokens of the input, or of encoder and decoder.
        logits: what the model says to them, (1, T, V) or (1, C); None if it has no logits.
        family: see `family_of`.
        target: token (or class) asked for.
        contrast: token whose logit is subtracted.
        position: token whose logits are read.

    Returns:
        A function of the model's output, and its name (value not filled in).

    Raises:
        InputError: anything of this that cannot be used as given.
    """
    if family == "other" or logits is None:
        raise InputError(
            f"{type(model).__name__} has no language-model head that a target could be asked of. "
            f"Give score=, a "
            f"function of the model's output that returns one number, for example "
            f"score=lambda output: output.last_hidden_state[:, 0].norm(dim=-1)."
        )
    if family == "classifier":
        return _class_question(model, logits, target, contrast, position)
    stream = streams[-1]
    if position is not None:
        place = place_in(stream, position)
    elif family == "masked":
        place = mask_position(tokenizer, stream)
    else:
        place = len(stream.tokens) - 1
    count = logits.shape[-1]

    def number(asked: Any, what: str) -> int:
        return token_id(tokenizer, asked, what, count, inside_text=family == "causal")

    good = int(logits[0, place].argmax()) if target is None else number(target, "target")
    bad = None if contrast is None else number(contrast, "contrast")
    if bad == good:
        raise InputError(
            f"target and contrast are the same token, {_shown(tokenizer, good)!r}; choose another contrast."
        )

    def asked(output: Any) -> Tensor:
        row: Tensor = output.logits[:, place]
        return row[:, good] if bad is None else row[:, good] - row[:, bad]

    where = stream.tokens[place].text
    label = _label(_shown(tokenizer, good), None if bad is None else _shown(tokenizer, bad))
    label += f" at {where}" if family == "masked" else f" after {where}"
    return asked, Score(
        label, 0.0, _shown(tokenizer, good), None if bad is None else _shown(tokenizer, bad), place
    )


def _class_question(
    model: Any, logits: Tensor, target: Any, contrast: Any, position: int | None
) -> tuple[Callable[[Any], Tensor], Score]:
    if position is not None:
        raise InputError("position= was given, but this model classifies the whole text; leave it out.")
    names = {int(k): str(v) for k, v in (getattr(model.config, "id2label", None) or {}).items()}

    def number(asked: Any, what: str) -> int:
        for index, name in names.items():
            if asked in (index, name):
                return index
        raise InputError(
            f"{what} {asked!r} is no class of this model; its classes are {', '.join(names.values())}."
        )

    good = int(logits[0].argmax()) if target is None else number(target, "target")
    bad = None if contrast is None else number(contrast, "contrast")

    def asked(output: Any) -> Tensor:
        row: Tensor = output.logits
        return row[:, good] if bad is None else row[:, good] - row[:, bad]

    name = names.get(good, str(good))
    other = None if bad is None else names.get(bad, str(bad))
    return asked, Score(_label(name, other), 0.0, name, other, None)


def _label(target: str, contrast: str | None) -> str:
    return f"logit({target})" if contrast is None else f"logit({target}) - logit({contrast})"


def _shown(tokenizer: Any, number: int) -> str:
    return stream_of("", tokenizer, torch.tensor([number])).tokens[0].text
