"""One question, recorded and swept once in a CUDA graph, and asked again by replaying it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from semiring_widgets.core.capture.cuda_graph import CudaGraph
from semiring_widgets.core.capture.modules import AsTheyWere, modules_run
from semiring_widgets.core.capture.watch import Refused, Watch
from semiring_widgets.core.looks import Assumptions, assuming
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.result import Result, with_parts
from semiring_widgets.core.semirings import Value

__all__ = ["GRAPHS", "Answer", "Captured", "Question"]

# What captures computations, by the type of the device.
GRAPHS: dict[str, Any] = {"cuda": CudaGraph}


@dataclass(frozen=True)
class Answer:
    """What a question is answered by.

    Attributes:
        score: what the function gave.
        results: one for each input that paths start from.
    """

    score: Tensor
    results: tuple[Result, ...]


# Records for some tensors, and gives what sweeps; the two run in other surroundings.
Question = Callable[[Sequence[Tensor]], Callable[[], Answer]]


@dataclass(frozen=True, eq=False)
class _Graph:
    """What a replay needs.

    Attributes:
        graph: what is replayed.
        inputs: where it reads them.
        answer, doubt: where it leaves its results, and whether they can be trusted.
        held: what else it reads.
    """

    graph: Any
    inputs: list[Tensor]
    answer: Answer
    doubt: Tensor
    held: list[Tensor]


class Captured:
    """A question that a GPU knows by heart.

    Args:
        ask: the question.
        inputs: of the shapes, dtypes and device that it is captured for.
        counts: see `Assumptions`.
        memory: of graphs that are never replayed at the same time.

    Raises:
        Refused: it cannot be captured.
    """

    def __init__(
        self, ask: Question, inputs: Sequence[Tensor], counts: Sequence[int | None], memory: Any
    ) -> None:
        device = inputs[0].device
        self._memory = memory
        graph = GRAPHS[device.type](memory)
        own = [tensor.detach().clone() for tensor in inputs]
        assumptions, watch = Assumptions(counts), Watch(device, graph.bring)

        def act() -> tuple[Answer, Tensor]:
            with assuming(assumptions):
                with watch:
                    sweep = ask(own)
                with full_precision(), watch:
                    made = sweep()
                    # Signs are asked for by a closure that knows the tape, whose memory is to be used again.
                    bare = tuple(with_parts(result, result.parts, None) for result in made.results)
                    return Answer(made.score.detach(), bare), assumptions.verdict(device)

        with modules_run() as modules:
            try:
                answer, doubt = graph.capture(act)
            except Refused:
                raise
            except Exception as error:
                raise Refused(f"{type(error).__name__}: {error}") from error
        self._modules = AsTheyWere(modules, self._forget)
        self._graph: _Graph | None = _Graph(graph, own, answer, doubt, list(watch.held.values()))

    @property
    def is_current(self) -> bool:
        """Whether it still stands, and the modules that ran are as they were."""
        return self._graph is not None and self._modules.still()

    def drop(self) -> None:
        """Let go of its memory."""
        self._memory.settle()
        self._forget()

    def _forget(self) -> None:
        self._graph = None

    def replay(self, inputs: Sequence[Tensor]) -> tuple[Answer, list[Value], Tensor] | None:
        """Start it for other inputs, on the current stream; None where it does not stand any more.

        Returns:
            The answer but for the numbers of its results; these; and whether all is in doubt, of shape ().
        """
        # Another thread may let go of it meanwhile.
        found = self._graph
        if found is None:
            return None
        with self._memory.turn():
            for own, given in zip(found.inputs, inputs, strict=True):
                own.copy_(given)
            found.graph.replay()
            values = [tuple(part.clone() for part in result.parts) for result in found.answer.results]
            return Answer(found.answer.score.clone(), found.answer.results), values, found.doubt.clone()
