"""Catching the calls of `torch.autograd.Function`s, which are no operators and so pass a dispatch mode by.

`apply` is code in C++, and a model may have taken it as ``step = MyFunction.apply`` long before, so it
cannot be replaced. But PyTorch 2.8 to 2.15 ask the class for its ``_backward_cls``, to make the context, and
then, with gradients off, for the ``forward`` to call (`THPFunction_apply` in
https://github.com/pytorch/pytorch/blob/main/torch/csrc/autograd/python_function.cpp). A property of the
metaclass is asked before the class is
(https://docs.python.org/3/howto/descriptor.html#invocation-from-a-class), and answers with a function that
records the call. `trial` makes sure that the installed PyTorch works so.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionMeta
from torch.utils import checkpoint
from torch.utils._python_dispatch import _disable_current_modes

from semiring_widgets.core.tape.autograd_functions.outcomes import Outcome, outcome_of, takes_context
from semiring_widgets.core.tape.torch_errors import NO_GRADIENTS
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Interception"]

# Those that are entered now, of all threads; while there are none, PyTorch is as it was.
_ENTERED: list[Interception] = []
_ENTERING = threading.Lock()
# Keeps what a checkpoint was given (PyTorch 2.8); it has no result, and a backward that is never called.
_KEEPING = getattr(checkpoint, "_NoopSaveInputs", None)
_GRADIENTS: Any = torch.autograd.functional._autograd_grad


class Interception:
    """Context manager under which this thread's calls of Functions are handed over.

    Enter it while autograd is still at work: calls are run at the level where it was entered.

    Args:
        handle: takes the outcome of a call; what it returns is the result for the model.
    """

    def __init__(self, handle: Callable[[Outcome], Any]) -> None:
        self._handle = handle
        self._thread = threading.get_ident()
        self._busy = False
        # The Function that is being applied, until it is asked for its forward; and one that has returned.
        self._applied: Any = None
        self._returned: Any = None

    def __enter__(self) -> Interception:
        self._excluded = torch._C._dispatch_tls_local_exclude_set()
        with _ENTERING:
            if not _ENTERED:
                for answer in _ANSWERS:
                    answer.put_in()
                torch.autograd.functional._autograd_grad = _refuse_gradients
            _ENTERED.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        with _ENTERING:
            _ENTERED.remove(self)
            if not _ENTERED:
                for answer in _ANSWERS:
                    answer.take_out()
                torch.autograd.functional._autograd_grad = _GRADIENTS

    @property
    def listens(self) -> bool:
        """Whether calls are handed over now."""
        return not self._busy and threading.get_ident() == self._thread

    def answer(self, cls: Any, name: str, own: Any) -> Any:
        """What a Function that is asked for an attribute says.

        Args:
            cls: the Function.
            name: of the attribute.
            own: its value.
        """
        if name == "_backward_cls":
            # A step of torch.func is torch.func's own; what it calls at last comes by here as well.
            inside = torch._C._functorch.peek_interpreter_stack() is not None
            self._applied = cls if torch.is_grad_enabled() and not inside and cls is not _KEEPING else None
        elif name == "forward" and self._applied is cls and not torch.is_grad_enabled():
            self._applied = None
            return functools.partial(self._call, cls)
        elif name == "setup_context" and self._returned is cls:
            self._returned = None
            return lambda context, inputs, output: _mark_without_history(context, output)
        return own

    def _call(self, cls: Any, *args: Any, **kwargs: Any) -> Any:
        """In the place of the forward."""
        context = None
        if takes_context(cls):
            context, *given = args
            args = tuple(given)
        with torch.enable_grad():
            result = self._recorded(cls, args, kwargs)
            # PyTorch would replace an argument by a constant.
            if isinstance(result, tuple):
                result = tuple(_as_new_object(value, args) for value in result)
            else:
                result = _as_new_object(result, args)
        if context is None:
            self._returned = cls
        else:
            _mark_without_history(context, result)
        return result

    def _recorded(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if cls is checkpoint.CheckpointFunction:
            # Its backward is the derivative of its forward by definition, only later and with less memory.
            run, _, *inputs = args
            return run(*inputs)
        with self._as_outside():
            outcome = outcome_of(cls, args, kwargs)
        return self._handle(outcome)

    @contextmanager
    def _as_outside(self) -> Iterator[None]:
        """Autograd as it is outside of a recording."""
        self._busy = True
        try:
            with _disable_current_modes():
                included = torch._C._dispatch_tls_local_include_set()
                with torch._C._ForceDispatchKeyGuard(included, self._excluded), _own_saved_tensors():
                    yield
        finally:
            self._busy = False


def _refuse_gradients(*args: Any, **kwargs: Any) -> Any:
    """For torch.autograd.functional, which takes what has no graph for a constant of derivative 0."""
    if any(interception.listens for interception in _ENTERED):
        raise UnsupportedOpError(NO_GRADIENTS)
    return _GRADIENTS(*args, **kwargs)


class _Answer:
    """A property of every Function: its own attribute, unless a call of it is intercepted.

    Only what can also be set is asked before the class; a class that is made meanwhile does that.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._set: dict[Any, Any] = {}

    def __get__(self, cls: Any, meta: Any) -> Any:
        own = self._own(cls)
        for interception in reversed(_ENTERED):
            if interception.listens:
                return interception.answer(cls, self._name, own)
        return own

    def __set__(self, cls: Any, value: Any) -> None:
        self._set[cls] = value

    def _own(self, cls: Any) -> Any:
        for base in cls.__mro__:
            found = self._set.get(base) or base.__dict__.get(self._name)
            if found is not None:
                return found.__get__(None, cls) if hasattr(type(found), "__get__") else found
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{self._name}'")

    def put_in(self) -> None:
        """Answer from now on."""
        setattr(FunctionMeta, self._name, self)

    def take_out(self) -> None:
        """Leave the classes as they would be without it."""
        delattr(FunctionMeta, self._name)
        while self._set:
            cls, value = self._set.popitem()
            setattr(cls, self._name, value)


_ANSWERS = [_Answer(name) for name in ("_backward_cls", "forward", "setup_context")]


def _mark_without_history(context: Any, result: Any) -> None:
    """Say that results have no history, whatever their arguments require, or PyTorch would give them one."""
    values = result if isinstance(result, tuple) else (result,)
    context.mark_non_differentiable(*(value for value in values if isinstance(value, Tensor)))


def _as_new_object(value: Any, args: tuple[Any, ...]) -> Any:
    """A result; another object with its numbers where it is one of the arguments."""
    if isinstance(value, Tensor) and any(value is arg for arg in args):
        return torch.ops.aten.alias(value)
    return value


def _own_saved_tensors() -> AbstractContextManager[Any]:
    """Keep what a Function saves, as we call its backward later.

    Inside `torch.utils.checkpoint` saved tensors are dropped and computed again:
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.saved_tensors_hooks
    """
    if torch._C._autograd._top_saved_tensors_default_hooks(True) is None:
        return nullcontext()
    return torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor.detach().clone(), lambda saved: saved
    )
