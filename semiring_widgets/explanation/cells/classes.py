"""Which class is asked for, and the score as a function of the model's output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.names import with_and
from semiring_widgets.results.parts import Score

__all__ = ["AskedClasses", "asked_classes"]

# Of many classes, so many are named in a message.
_NAMED = 12


@dataclass(frozen=True)
class AskedClasses:
    """What is asked for.

    Attributes:
        asked: from the output of the model to one score for each input.
        score: its label and value.
        best: the class of the largest logit, where it is another one.
    """

    asked: Callable[[Any], Tensor]
    score: Score
    best: str | None


def asked_classes(
    model: nn.Module,
    output: Any,
    target: Any,
    contrast: Any,
    score: Callable[[Any], Tensor] | None,
    labels: Sequence[str] | None,
) -> AskedClasses:
    """Read target and contrast against the model's classes.

    Args:
        model: whose configuration may name the classes.
        output: what it gave for the input.
        target: a class by name or number; None for that of the largest logit.
        contrast: what it is compared with; None for nothing.
        score: a function of the output instead.
        labels: names of the classes; None for those of the model's configuration.

    Raises:
        InputError: an unknown class, an output without logits, or a score beside a target or labels.
    """
    if score is not None:
        if labels is not None:
            raise InputError("labels= names the classes of logits, and score= asks for none; leave one out.")
        if target is not None or contrast is not None:
            raise InputError(
                "Give either score=, or target= and contrast=; score= says by itself what is asked."
            )
        value: object = score(output)
        if not isinstance(value, Tensor) or not value.is_floating_point():
            raise InputError(
                f"score= returned {shown(value)}; return a floating-point tensor of shape (batch,)."
            )
        if value.numel() != 1:
            raise InputError(
                f"score= returned a tensor of shape {list(value.shape)} for one input; return one number for "
                f"each input, shape (batch,)."
            )
        name = getattr(score, "__name__", "score")
        label = "score" if name == "<lambda>" else str(name)
        return AskedClasses(score, Score(label, float(value.flatten()[0]), None, None, None, "score"), None)
    logits = _logits(output)
    names = _names(model, labels, logits.shape[-1])
    chosen = int(logits[0].argmax())
    good = chosen if target is None else _number(target, "target", names)
    bad = None if contrast is None else _number(contrast, "contrast", names)
    if bad == good:
        raise InputError(f"target and contrast are both {names[good]!r}; their difference is always 0.")

    def asked(result: Any) -> Tensor:
        found = _logits(result)
        return found[:, good] if bad is None else found[:, good] - found[:, bad]

    label = f"logit({names[good]})" + ("" if bad is None else f" - logit({names[bad]})")
    told = Score(label, float(asked(output)[0]), names[good], None if bad is None else names[bad], None)
    return AskedClasses(asked, told, names[chosen] if chosen != good else None)


def _logits(output: Any) -> Tensor:
    found = next(
        (
            value
            for value in (getattr(output, name, None) for name in ("logits", "logits_per_image"))
            if isinstance(value, Tensor)
        ),
        output[0] if isinstance(output, tuple) and output else output,
    )
    if isinstance(found, Tensor) and found.is_floating_point() and found.dim() == 2:
        return found
    raise InputError(
        f"The model gave {shown(found)} instead of logits, shape (batch, classes). Take a model with a "
        f"classification head, or give score=, a function of its output with one number for each input, such "
        f"as score=lambda output: output.image_embeds @ text_embed."
    )


def _names(model: nn.Module, labels: Sequence[str] | None, count: int) -> list[str]:
    if labels is None:
        known = getattr(getattr(model, "config", None), "id2label", None) or {}
        return [str(known.get(number, f"class {number}")) for number in range(count)]
    if isinstance(labels, str) or len(labels) != count:
        raise InputError(f"labels is {shown(labels)}; give a list of the names of all {count} classes.")
    return [str(name) for name in labels]


def _number(asked: Any, what: str, names: list[str]) -> int:
    if isinstance(asked, str):
        same = [index for index, name in enumerate(names) if name == asked]
        if len(same) > 1:
            raise InputError(f"{what} {asked!r} names classes {with_and(map(str, same))}; give a number.")
        if same:
            return same[0]
        # ImageNet names a class by several words.
        near = [index for index, name in enumerate(names) if asked.lower() in name.lower().split(", ")]
        if len(near) == 1:
            return near[0]
        listed = ", ".join(names[:_NAMED]) + (
            f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        )
        raise InputError(f"{what} {asked!r} is no class of this model; choose one of {listed}, or a number.")
    number = whole_number(asked, what, least=None, most=None, wanted="a class by name or number")
    if not 0 <= number < len(names):
        raise InputError(f"{what} {number} is out of range; the classes are 0 to {len(names) - 1}.")
    return number
