"""What can be asked of a model, decided by the numbers that it gave.

The table of its class goes first; whether the shape of the logits agrees with it is checked. A model that is
in no table (a pretraining head, an adapter around another model, a module of the user's) is decided by the
shape alone, and a masked and a causal one are told apart by whether early places see late ones.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.families import known_family, logits_of
from semiring_widgets.explanation.model_call import ModelCall

__all__ = ["family_and_logits"]

_OF_WORDS = ("masked", "causal", "encoder-decoder")


def family_and_logits(call: ModelCall, output: Any) -> tuple[str, Tensor]:
    """What the logits of an output are about.

    Args:
        call: the model and its text.
        output: what the model gave for it.

    Returns:
        ``masked``, ``causal``, ``encoder-decoder`` (logits of shape (1, T, words)), ``token classifier``
        (1, T, classes) or ``classifier`` (1, classes).

    Raises:
        InputError: no logits, or of a shape that is none of these; what ``score=`` could read instead.
    """
    name = type(call.model).__name__
    if getattr(output, "start_logits", None) is not None:
        raise InputError(
            f"{name} marks where an answer starts and ends, which no target stands for. Give score=, a "
            f"function of the model's output, for example score=lambda output: output.start_logits[:, 3]."
        )
    logits = logits_of(output)
    places = len(call.streams[-1].tokens)
    if logits is not None and logits.shape == (1, places) and call.family != "classifier":
        raise InputError(
            f"{name} gives one number for each token, not one for each word of a vocabulary as a masked "
            f"language model does (ELECTRA's discriminator, say, tells which tokens were replaced). Give "
            f"score=, for example score=lambda output: output.logits[:, 3]."
        )
    if logits is None or logits.dim() not in (2, 3) or _is_hidden(call, output):
        raise InputError(
            f"{name} has no head that a target could be asked of. Give score=, a function of the model's "
            f"output that returns one number, for example score=lambda output: {_example(output)}."
        )
    family = call.family or _by_shape(call, logits)
    if logits.dim() != (2 if family == "classifier" else 3) or (
        logits.dim() == 3 and logits.shape[1] != places
    ):
        raise InputError(
            f"{name} gives logits of shape {list(logits.shape)} for {places} tokens, so it is not known "
            f"which token each belongs to. Give score=, a function of the model's output."
        )
    return family, logits


def _example(output: Any) -> str:
    """How a score may be read from an output that has no logits."""
    names = [
        str(name) for name, value in dict(getattr(output, "items", tuple)()).items() if value is not None
    ]
    if names:
        first = f"output[{names[0]!r}]" if type(output) is dict else f"output.{names[0]}"
    else:
        first = "output[0]" if isinstance(output, (tuple, list)) else "output"
    return f"{first}[:, 0].norm(dim=-1)" if not names or "hidden" in first else f"{first}[:, 0]"


def _is_hidden(call: ModelCall, output: Any) -> bool:
    """Whether a nameless output is hidden states rather than logits: a model without a head."""
    logits = cast(Tensor, logits_of(output))
    nameless = type(output) in (tuple, list) or output is logits
    return call.family is None and nameless and logits.shape == call.inputs[-1].shape


def _by_shape(call: ModelCall, logits: Tensor) -> str:
    if logits.dim() == 2:
        return "classifier"
    config = call.config.get_text_config() if hasattr(call.config, "get_text_config") else call.config
    words = getattr(config, "vocab_size", None) or len(call.source.tokenizer)
    if logits.shape[-1] < words:
        return "token classifier"
    if len(call.streams) == 2:
        return "encoder-decoder"
    held = (known_family(part) for part in call.model.modules())
    return next((family for family in held if family in _OF_WORDS), None) or _by_sight(call, logits)


def _by_sight(call: ModelCall, logits: Tensor) -> str:
    """Masked if the first place sees the last one, causal if not."""
    if logits.shape[1] == 1:
        return "causal"
    changed = call.inputs[0].clone()
    changed[:, -1] = changed[:, -1] * 2 + 1
    with torch.no_grad():
        others = cast(Tensor, logits_of(call(changed)))
    return "causal" if torch.equal(others[:, 0], logits[:, 0]) else "masked"
