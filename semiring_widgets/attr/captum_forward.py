"""The forward function that Captum's users give: run with its inputs, one number per example selected."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from captum._utils.common import _run_forward, _select_targets
from captum.log import log_usage
from torch import Tensor, nn

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["check_forward", "checked_inputs", "logged", "selected_score"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


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
