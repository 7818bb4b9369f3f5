"""The question: a model, a text and what is asked of it, as one function from embeddings to a score.

`prepare` calls the model with the text, decides where and for which token it is asked, makes sure that the
same pass from given embeddings has the same score, and checks everything that can be wrong before any sweep
runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError, NonFiniteError, SemiringWidgetsError
from semiring_widgets.explanation.continuations import continuations
from semiring_widgets.explanation.contrasts import both_of, contrasted, difference, taken_together
from semiring_widgets.explanation.families import unwrapped
from semiring_widgets.explanation.heads import family_and_logits
from semiring_widgets.explanation.masked_pieces import Filling, fillings
from semiring_widgets.explanation.model_call import ModelCall, call_with_text
from semiring_widgets.explanation.modes import training_modules
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.questions import score_asked
from semiring_widgets.explanation.references import referenced
from semiring_widgets.explanation.same_pass import check_same, scale_of
from semiring_widgets.explanation.text import Source, source_of
from semiring_widgets.question import Question
from semiring_widgets.results.parts import Score
from semiring_widgets.results.visible import visible

__all__ = ["Prepared", "check_in_eval_mode", "prepare"]


def check_in_eval_mode(model: Any) -> None:
    """Refuse a model that answers differently every time.

    Raises:
        InputError: it is in training mode, or parts of it are; names them.
    """
    if training := training_modules(unwrapped(model)):
        raise InputError(_in_training(unwrapped(model), training))


def prepare(model: Any, tokenizer: Any, question: Question) -> Prepared:
    """Make a question a function of embeddings.

    Args:
        model: a module in eval mode whose forward takes ``input_ids``.
        tokenizer: its tokenizer.
        question: one that `check_question` has passed. By default its target is the token that the model
            ranks first, and its position the mask token, the last token of a causal model, or the last
            decoder token of an encoder-decoder.

    Raises:
        InputError: anything of this that cannot be used as given, or a model that does not answer the same
            twice.
        ModelError: the model's own code failed.
        NonFiniteError: the score is NaN or infinite; names a parameter that is.
    """
    check_in_eval_mode(model)
    source = source_of(tokenizer, question.text, question.add_special_tokens)
    with torch.no_grad():
        call, output = call_with_text(model, source, named=question.score is None)
        if question.score is not None:
            found = Score(_name_of(question.score), 0.0, None, None, None, unit="score")
            return _ready(model, call, output, "own", _custom(question.score), found)
        family, logits = family_and_logits(call, output)
        filled = fillings(call, family, logits.shape[-1], question)
        if filled:
            return _filled(model, family, source, filled)
        asked = continuations(call, family, logits, question)
        if not asked:
            one, score = score_asked(
                call, family, logits, question.target, question.contrast, question.position
            )
            return _ready(model, call, output, family, one, score)
        halves = []
        for answer in asked:
            call, output = call_with_text(model, replace(source, answer=answer.read))
            answer.check(call, output)
            halves.append(_ready(model, call, output, family, answer.asked, answer.score))
        return halves[0] if len(halves) == 1 else contrasted(halves[0], halves[1])


def _filled(model: Any, family: str, source: Source, filled: Sequence[Filling]) -> Prepared:
    """What a masked model says to several pieces: each is asked for in a reading of its own."""
    sides, streams = [], []
    for one in filled:
        side = []
        for piece in one.each:
            call, output = call_with_text(model, replace(source, filling=(one.index, piece.read)))
            side.append(_ready(model, call, output, family, piece.asked, one.score))
        if len(filled) == 1 and len(side) == 1:
            return side[0]
        sides.append(side)
        whole, _ = call_with_text(model, replace(source, filling=(one.index, one.pieces)))
        streams.append(whole.streams[-1])
    if len(filled) == 1:
        return taken_together(sides[0], (), filled[0].score, streams[0])
    score = difference(filled[0].score, filled[1].score, "pseudo-log p")
    target, contrast = sides
    return taken_together(target, contrast, score, both_of(*streams))


def _ready(
    model: Any, call: ModelCall, output: Any, family: str, asked: Callable[[Any], Tensor], found: Score
) -> Prepared:
    """The question as a function of embeddings, which has been seen to give the same score twice."""
    value = float(_per_example(asked(output), 1)[0])
    scale = scale_of(output)

    def run(*embeds: Tensor) -> Tensor:
        return _per_example(asked(call(*embeds)), len(embeds[0]))

    if not math.isfinite(value):
        raise NonFiniteError(_why_not_finite(model, value))

    def check(recorded: Tensor) -> None:
        if not bool(torch.isfinite(recorded).all()):
            # A fused attention may pass over a NaN that its parts show.
            raise NonFiniteError(_why_not_finite(model, float(recorded[0])))
        check_same(call.model, value, recorded, scale, recorded=True)

    check_same(call.model, value, run(*call.inputs), scale)
    return Prepared(
        call.source.text,
        type(call.model).__name__,
        call.streams,
        replace(found, value=value),
        call.inputs,
        call.baseline,
        call,
        family,
        asked,
        scale,
        run,
        check,
        partial(referenced, call),
    )


def _custom(score: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    def asked(output: Any) -> Tensor:
        try:
            value: Any = score(output)
        except SemiringWidgetsError:
            raise
        except Exception as error:
            raise InputError(
                f"score= failed with {type(error).__name__} on the model's output, a "
                f"{type(output).__name__}: {error}"
            ) from error
        if isinstance(value, Tensor) and value.is_floating_point():
            return value
        kind = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"score= returned {kind}; return a floating-point tensor.")

    return asked


def _per_example(value: Tensor, count: int) -> Tensor:
    if value.numel() == count:
        return value.reshape(count)
    raise InputError(
        f"score= returned a tensor of shape {list(value.shape)} for a batch of {count}; return one "
        f"number per "
        f"example, shape ({count},)."
    )


def _in_training(model: torch.nn.Module, names: list[str]) -> str:
    """Why the model cannot be asked; '' among the names is the model itself."""
    if "" in names:
        what = f"The {type(model).__name__} is in training mode"
    else:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        what = f"Parts of the {type(model).__name__} are in training mode ({shown})"
    return f"{what}, in which dropout and the like make every answer different; call model.eval() first."


def _name_of(score: Callable[[Any], Tensor]) -> str:
    name = getattr(score, "__name__", "score")
    return "score" if name == "<lambda>" or not str(name).strip() else visible(str(name))


def _why_not_finite(model: torch.nn.Module, value: float) -> str:
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            found = f"the model's parameter '{name}' holds NaN or infinity"
            return f"The score is {value}: {found}. Load the weights again."
    return (
        f"The score is {value}, so there is nothing to explain; look for an overflow in the model or in "
        f"score=."
    )
