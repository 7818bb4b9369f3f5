"""What a semiring attribution asks, and how it is put to a recorded forward pass.

The input variant and the layer variant differ only in *which* tensors they ask about. What they share is
here: the checked choice of semiring, granularity and level, the recorded run of Captum's
`forward_func` with a target selected, and the sweep.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from captum._utils.common import _run_forward, _select_targets
from captum.log import log_usage
from torch import Tensor, nn

from semiring_widgets.attr.readout import Readout, number_per_unit, readout_of
from semiring_widgets.checks import choice, shown
from semiring_widgets.core import Result, backprop
from semiring_widgets.core.semirings import Weight, find_semiring
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import GRANULARITIES, LEVELS

if TYPE_CHECKING:
    from semiring_widgets.core import Semiring, Tape

__all__ = ["Question", "check_choices", "check_forward", "checked_inputs", "logged", "selected_score"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_CHOICES = {"granularity": GRANULARITIES, "level": LEVELS}


@dataclass(frozen=True)
class Question:
    """A semiring, the graph it is asked of, and the number to show.

    Attributes:
        semiring: name or object.
        granularity: which graph is counted.
        level: level of a max.
        custom_readout: the user's function from result to number, or None for the usual one.
        readout: the function in force.

    Raises:
        InputError: an unknown semiring, granularity or level.
    """

    semiring: str | Semiring
    granularity: str
    level: str
    custom_readout: Readout | None = None
    readout: Readout = field(init=False)

    def __post_init__(self) -> None:
        check_choices(granularity=self.granularity, level=self.level)
        if self.custom_readout is not None and not callable(self.custom_readout):
            raise InputError(
                f"readout is {shown(self.custom_readout)}; give a function of a result, or None."
            )
        # The one way to set a computed field of a frozen dataclass.
        algebra = find_semiring(self.semiring, self.level)
        object.__setattr__(self, "readout", readout_of(algebra, self.custom_readout))

    def results(
        self,
        tape: Tape,
        score: Tensor,
        wrt: Sequence[Tensor],
        *,
        times_values: bool = False,
        max_memory: int | None = None,
    ) -> list[Result]:
        """One sweep.

        Args:
            tape: the finished recording.
            score: shape () or (B,).
            wrt: the tensors asked about.
            times_values: the value of each unit becomes a further factor of its paths.
            max_memory: bytes that the sweep may take; None for no limit.

        Returns:
            One result of `semiring_widgets.backprop` per tensor.
        """
        semiring = find_semiring(self.semiring, self.level)
        # To find the signs, too, takes one sweep; the magnitudes alone would need a second one for them.
        semiring = semiring.with_sign or semiring
        results = list(
            backprop(tape, score, wrt=list(wrt), semiring=semiring, level=self.level, max_memory=max_memory)
        )
        if times_values:
            return [_scaled(result, value) for result, value in zip(results, wrt, strict=True)]
        return results

    def number(self, result: Result, like: Tensor, aggregate: bool) -> Tensor:
        """The numbers to show for a result.

        Args:
            result: from `results`.
            like: the tensor asked about, shape (..., D).
            aggregate: join the units of the last dimension by the semiring's plus, put the outcome in
                slot 0 and zeros in the others, so that their sum is the outcome. Nobody who adds up
                units later can then turn a best path into a sum of paths.

        Returns:
            Tensor of shape (..., D).
        """
        if not aggregate:
            return number_per_unit(self.readout, result, like)
        joined = number_per_unit(self.readout, result.reduce(-1), like)
        slots = joined.new_zeros(like.shape)
        slots[..., 0] = joined
        return slots


def _scaled(result: Result, factor: Tensor) -> Result:
    weight = Weight(factor.detach().to(result.parts[0].dtype))
    parts = result.semiring.scale(result.parts, weight)
    return Result(result.semiring, parts, result.granularity, result.level, factor.dtype)


def check_choices(**given: str) -> None:
    """Refuse an unknown `granularity` or `level`.

    Raises:
        InputError: names the choices.
    """
    for name, value in given.items():
        choice(value, name, _CHOICES[name])


def check_forward(forward_func: Any) -> None:
    """Refuse what is no function.

    Raises:
        InputError: says what was given, and what to give.
    """
    if not callable(forward_func):
        raise InputError(
            f"forward_func is {shown(forward_func)}; give a model, or a function that returns the tensor "
            "to be explained."
        )


def checked_inputs(inputs: Any) -> tuple[Any, ...]:
    """Captum's inputs as a tuple.

    Raises:
        InputError: neither a tensor nor a tuple that holds something.
    """
    if isinstance(inputs, Tensor):
        return (inputs,)
    if not isinstance(inputs, tuple) or not inputs:
        raise InputError(f"inputs is {shown(inputs)}; give a tensor, or a tuple of them.")
    return inputs


def selected_score(
    forward_func: Callable[..., Any], inputs: Any, target: Any, additional_forward_args: Any
) -> Tensor:
    """Run Captum's `forward_func` and select the target: one number per example.

    Call it inside ``with record()``, so that the selection is on the tape too.

    Returns:
        The score, shape (B,), or () if the function gives one number for the whole batch.

    Raises:
        InputError: not a tensor, a target beyond it, or several numbers per example are left.
    """
    _check_call(forward_func, inputs, additional_forward_args)
    given = _run_forward(forward_func, inputs, None, additional_forward_args)
    if not isinstance(given, Tensor):
        raise InputError(
            f"forward_func returned {type(given).__name__}, not a tensor. Wrap the model in a function "
            f"that returns the tensor to be explained, for example lambda x: model(x).logits."
        )
    try:
        output: Tensor = _select_targets(given, target)
    except Exception as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"target={shown(target)} selects nothing from an output of shape {list(given.shape)}: {said}. "
            f"Pass an index into its last dimensions, or one for each example."
        ) from error
    per_example = output[0].numel() if output.dim() and len(output) else output.numel()
    if per_example != 1:
        raise InputError(
            f"forward_func with target={shown(target)} gives {per_example} numbers per example (output shape "
            f"{list(output.shape)}). Pass a target that selects one of them."
        )
    return output.flatten() if output.dim() > 1 else output


def _check_call(forward_func: Callable[..., Any], inputs: Any, additional_forward_args: Any) -> None:
    """Refuse more or fewer arguments than the function takes; what goes wrong inside it is its own error."""
    more = () if additional_forward_args is None else additional_forward_args
    given = (*inputs, *(more if isinstance(more, tuple) else (more,)))
    try:
        called = forward_func.forward if isinstance(forward_func, nn.Module) else forward_func
        takes = inspect.signature(called)
    except (TypeError, ValueError):  # a function in C that does not tell
        return
    if not takes.parameters:  # Captum calls a function without parameters without arguments
        return
    try:
        takes.bind(*given)
    except TypeError as error:
        raise InputError(
            f"forward_func cannot be called with {len(given)} arguments, inputs and additional_forward_args: "
            f"{error}."
        ) from error


def logged(function: _Function) -> _Function:
    """Captum's own decorator, typed. `NoiseTunnel` calls the ``__wrapped__`` that it leaves."""
    return cast(_Function, log_usage()(function))
