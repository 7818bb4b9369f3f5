"""`repeated`: one question about many inputs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice, shown, whole_number
from semiring_widgets.core.backpropagation import backprop
from semiring_widgets.core.capture.captured import GRAPHS, Answer, Captured
from semiring_widgets.core.capture.watch import Refused
from semiring_widgets.core.looks import Noted, noting
from semiring_widgets.core.precision import settings
from semiring_widgets.core.result import Result, signs_of, with_parts
from semiring_widgets.core.rules import find_rule
from semiring_widgets.core.semirings import Semiring, Value, find_semiring
from semiring_widgets.core.sweeps import was_doubted
from semiring_widgets.core.tape import record
from semiring_widgets.core.weighed_graph import Reference, Rules
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import GRANULARITIES

__all__ = ["Repeated", "repeated"]

# How often a shape is captured anew, and doubted in a row, before it is asked the ordinary way for good.
_CAPTURES, _DOUBTS = 8, 3
_DOUBTED = "Float32 knows too little of its numbers, so they are computed with care."


def repeated(
    function: Callable[..., Tensor],
    semiring: str | Semiring = "sum",
    level: str = "unit",
    *,
    wrt: int | Sequence[int] = 0,
    granularity: str = "primitive",
    rules: Rules = None,
    reference: Reference | None = None,
    keep: int = 8,
) -> Repeated:
    """One question to be asked about many inputs: `record` and `backprop` as a function, quick on a GPU.

    On an NVIDIA GPU most of the time of a recording and a sweep is spent in Python, which tells the GPU the
    same for all inputs of a shape. So the second time that inputs of some shapes come along, everything is
    captured in a `CUDA graph <https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs>`__, and from
    then on replayed, with the same numbers. What cannot be captured is recorded and swept as ever: on a CPU,
    and functions that draw random numbers, or in which Python reads what the GPU has computed. Numbers of
    which float32 knows too little are computed with care, as ever, too.

    Args:
        function: gives the score, of shape () or (B,), for tensors; it may take other arguments, which have
            to be hashable. What else it uses of Python's is what it was when it was captured, as under
            `torch.compile`; weights of modules may change in place, and are noticed where they are replaced.
        semiring: as in `backprop`, like ``level``.
        level: see there.
        wrt: the position of the argument that paths start from, or a list of them (as ``argnums`` of
            `torch.func.grad`).
        granularity: as in `record`.
        rules: as in `backprop`; those that compare with a reference are not captured.
        reference: as in `backprop`.
        keep: how many shapes are kept, those used last. They share memory, so it is that of the largest.

    Returns:
        A `Repeated`, to be called as the function, which gives a `Result`, or a list of them where ``wrt`` is
        one.

    Raises:
        InputError: an unknown semiring, level, granularity or rule, or positions that are none.

    Example:
        >>> def score(x, power):
        ...     return (x**power).sum()
        >>> ask = sw.repeated(score, "abs")
        >>> [ask(torch.tensor([1.0, 2.0]) * n, 2).log_mass.exp() for n in (1, 2)]  # |2 x|
        [tensor([2., 4.]), tensor([4., 8.])]
    """
    return Repeated(
        function,
        semiring,
        level,
        wrt=wrt,
        granularity=granularity,
        rules=rules,
        reference=reference,
        keep=keep,
    )


@dataclass(eq=False)
class _Shape:
    """What is known of inputs of one shape.

    Attributes:
        counts: see `Noted`.
        captured: the graph, once there is one.
        captures: how often it was captured.
        doubts: how often in a row what it gave was in doubt.
        refusal: why it is not captured; "" while it may be.
    """

    counts: list[int | None] = field(default_factory=list)
    captured: Captured | None = None
    captures: int = 0
    doubts: int = 0
    refusal: str = ""


class Repeated:
    """A question that is asked again and again; made by `repeated`. Several threads may ask at once.

    Example:
        >>> ask = sw.repeated(lambda x: (x * x).sum(), "abs")
        >>> ask(torch.tensor([1.0, -2.0])).log_mass.exp()
        tensor([2., 4.])
        >>> ask.captured, ask.refusals  # on a CPU nothing is captured, and nothing had to be refused
        (0, [])
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        semiring: str | Semiring = "sum",
        level: str = "unit",
        *,
        wrt: int | Sequence[int] = 0,
        granularity: str = "primitive",
        rules: Rules = None,
        reference: Reference | None = None,
        keep: int = 8,
    ) -> None:
        if not callable(function):
            raise InputError(f"function is {shown(function)}; give a function of tensors, or a module.")
        self._function, self._level = function, level
        self._algebra = find_semiring(semiring, level)
        self._listed = isinstance(wrt, (list, tuple))
        places = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
        self._wrt = [whole_number(place, "wrt", least=0) for place in places]
        self._granularity = choice(granularity, "granularity", GRANULARITIES)
        self._rules = "gradient" if rules is None else find_rule(rules)
        self._reference = reference
        self._keep = whole_number(keep, "keep")
        self._shapes: OrderedDict[Hashable, _Shape] = OrderedDict()
        self._lock = threading.RLock()
        self._memories: dict[torch.device, Any] = {}

    def __call__(self, *arguments: Any) -> Result | list[Result]:
        """The results for some inputs.

        Args:
            arguments: of the function.

        Raises:
            InputError: ``wrt`` names an argument that is no tensor, or one of the others is not hashable.
            TapeError, UnsupportedOpError, NonFiniteError, InputError: as `record` and `backprop`.
        """
        results = self._answer(arguments).results
        return list(results) if self._listed else results[0]

    def scored(self, *arguments: Any) -> tuple[Tensor, Result | list[Result]]:
        """The score, and what a call gives, as `torch.func.grad_and_value` has both.

        Args:
            arguments: of the function.

        Example:
            >>> score, result = sw.repeated(lambda x: (x * x).sum()).scored(torch.tensor([1.0, 2.0]))
            >>> score, result.value
            (tensor(5.), tensor([2., 4.]))
        """
        answer = self._answer(arguments)
        return answer.score, list(answer.results) if self._listed else answer.results[0]

    @property
    def refusals(self) -> list[str]:
        """Why inputs of some shapes are asked the ordinary way, one sentence for each."""
        with self._lock:
            return [shape.refusal for shape in self._shapes.values() if shape.refusal]

    @property
    def captured(self) -> int:
        """For how many shapes there is a graph."""
        with self._lock:
            return sum(shape.captured is not None for shape in self._shapes.values())

    @property
    def nbytes(self) -> int:
        """Bytes of GPUs that are reserved for graphs, until `reset`."""
        with self._lock:
            return sum(int(memory.nbytes()) for memory in self._memories.values())

    def reset(self) -> None:
        """Let go of all graphs and their memory; the next calls begin anew.

        Example:
            >>> ask = sw.repeated(lambda x: (x * x).sum())
            >>> _ = ask(torch.ones(2))
            >>> ask.reset()
            >>> ask.captured, ask.nbytes
            (0, 0)
        """
        with self._lock:
            for shape in self._shapes.values():
                _drop(shape)
            self._shapes.clear()
            self._memories.clear()

    def _answer(self, arguments: Sequence[Any]) -> Answer:
        tensors = [argument for argument in arguments if isinstance(argument, Tensor)]
        devices = {tensor.device for tensor in tensors}
        if len(devices) != 1 or next(iter(devices)).type not in GRAPHS:
            return self._ordinary(arguments)
        with self._lock:
            shape, known = self._shape(arguments)
            captured = self._captured(shape, arguments, tensors) if known else None
            replayed = None if captured is None else captured.replay(tensors)
        answer = None if replayed is None else self._judged(shape, arguments, *replayed)
        if answer is not None:
            return answer
        noted = Noted()
        with noting(noted):
            answer = self._ordinary(arguments, shape=shape)
        if not known:
            shape.counts = noted.counts
        return answer

    def _shape(self, arguments: Sequence[Any]) -> tuple[_Shape, bool]:
        """What is known of such inputs, and whether they were there before."""
        key = (settings(), *map(_key_of, arguments))
        try:
            known = key in self._shapes
        except TypeError as error:
            raise InputError(
                "An argument is neither a tensor nor hashable, so it cannot be told whether it is the same "
                "as last time. Give numbers, words or tuples of them, or tensors."
            ) from error
        shape = self._shapes.setdefault(key, _Shape())
        self._shapes.move_to_end(key)
        while len(self._shapes) > self._keep:
            _, oldest = self._shapes.popitem(last=False)
            _drop(oldest)
        return shape, known

    def _captured(
        self, shape: _Shape, arguments: Sequence[Any], tensors: Sequence[Tensor]
    ) -> Captured | None:
        """The graph for a shape, made now if there is none and can be one."""
        if shape.captured is not None and not shape.captured.is_current:
            _drop(shape)
        if shape.captured is not None or shape.refusal:
            return shape.captured
        if shape.captures == _CAPTURES:
            shape.refusal = "The modules that it uses change from one time to the next."
            return None
        shape.captures += 1
        device = tensors[0].device
        if device not in self._memories:
            self._memories[device] = GRAPHS[device.type].memory_type(device)

        def ask(own: Sequence[Tensor]) -> Callable[[], Answer]:
            return self._recorded(_with_tensors(arguments, own))

        try:
            shape.captured = Captured(ask, tensors, shape.counts, self._memories[device])
        except Refused as refusal:
            shape.refusal = str(refusal)
        return shape.captured

    def _judged(
        self, shape: _Shape, arguments: Sequence[Any], answer: Answer, values: list[Value], doubt: Tensor
    ) -> Answer | None:
        """The answer that a replay gave; None where it cannot be trusted."""
        if bool(doubt):
            with self._lock:
                shape.doubts += 1
                if shape.doubts == _DOUBTS:
                    shape.refusal = _DOUBTED
                    _drop(shape)
            return None
        shape.doubts = 0
        own = arguments
        if self._algebra.with_sign is not None:
            # The next call may use the same memory before signs are asked for.
            own = [each.clone() if isinstance(each, Tensor) else each for each in arguments]
        sign_of = signs_of(self._algebra, lambda told: list(self._ordinary(own, algebra=told).results))
        results = [
            with_parts(result, parts, sign_of(place))
            for place, (result, parts) in enumerate(zip(answer.results, values, strict=True))
        ]
        return Answer(answer.score, tuple(results))

    def _ordinary(
        self, arguments: Sequence[Any], *, algebra: Semiring | None = None, shape: _Shape | None = None
    ) -> Answer:
        """Recorded and swept now; a shape is told if that was done with care."""
        own = [argument.detach().clone() for argument in arguments if isinstance(argument, Tensor)]
        return self._recorded(_with_tensors(arguments, own), algebra, shape)()

    def _recorded(
        self, arguments: Sequence[Any], algebra: Semiring | None = None, shape: _Shape | None = None
    ) -> Callable[[], Answer]:
        """Record; gives what sweeps."""
        starts = [self._start(arguments, place) for place in self._wrt]
        with record(self._granularity) as tape:
            score = self._function(*arguments)

        def sweep() -> Answer:
            semiring = self._algebra if algebra is None else algebra
            results = backprop(
                tape, score, starts, semiring, self._level, rules=self._rules, reference=self._reference
            )
            if shape is not None and was_doubted(tape):
                shape.refusal = _DOUBTED
            return Answer(score, tuple(results))

        return sweep

    def _start(self, arguments: Sequence[Any], place: int) -> Tensor:
        found = arguments[place] if place < len(arguments) else None
        if not isinstance(found, Tensor):
            raise InputError(
                f"wrt names argument {place}, which is {shown(found)}; paths start from tensors."
                if place < len(arguments)
                else f"wrt names argument {place}, and there are {len(arguments)}; the first one is 0."
            )
        return found


def _key_of(argument: Any) -> Hashable:
    if isinstance(argument, Tensor):
        return Tensor, argument.shape, argument.dtype, argument.device
    return type(argument), argument


def _with_tensors(arguments: Sequence[Any], tensors: Sequence[Tensor]) -> list[Any]:
    own = iter(tensors)
    return [next(own) if isinstance(argument, Tensor) else argument for argument in arguments]


def _drop(shape: _Shape) -> None:
    if shape.captured is not None:
        shape.captured.drop()
    shape.captured = None
