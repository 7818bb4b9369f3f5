"""A stand-in for CUDA graphs on the CPU: operators are noted, and run again into the memory that they had.

Memory of a graph is poisoned before each replay, so what was not computed again shows.
"""

from contextlib import contextmanager

import pytest
import torch

from semiring_widgets.core.capture import captured
from semiring_widgets.core.capture.watch import Watch
from semiring_widgets.core.kernels import c_library
from semiring_widgets.core.semirings import late_judge
from semiring_widgets.core.tape.arguments import tensors_in
from semiring_widgets.core.tape.expansion import softmax


class EmulatedMemory:
    """As `GraphMemory`."""

    def __init__(self, device):
        self.graphs = []

    @contextmanager
    def turn(self):
        yield

    def settle(self):
        pass

    def nbytes(self):
        return sum(tensor.nbytes for graph in self.graphs for tensor in graph.made)


class EmulatedGraph:
    """As `CudaGraph`."""

    memory_type = EmulatedMemory
    now = None

    def __init__(self, memory):
        memory.graphs.append(self)
        self.log, self.made = [], []
        self.replays = 0

    def capture(self, act):
        EmulatedGraph.now = self
        try:
            return act()
        finally:
            EmulatedGraph.now = None

    def bring(self, constant):
        return constant.clone()

    def replay(self):
        self.replays += 1
        with torch._C._AutoDispatchBelowAutograd():
            for tensor in self.made:
                tensor.fill_(float("nan") if tensor.is_floating_point() else 1)
            for func, args, kwargs, made in self.log:
                result = func(*args, **kwargs)
                new = list(tensors_in((result,)))
                for old, tensor in zip(made, [t for t in new if t is not None][: len(made)], strict=True):
                    old.copy_(tensor)


class LoggingWatch(Watch):
    """Notes what it lets pass."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = super().__torch_dispatch__(func, types, args, kwargs)
        given = {t.untyped_storage()._cdata for t in tensors_in((args, kwargs or {}))}
        results = [t for t in tensors_in((result,)) if not t.is_meta]
        own = [t for t in results if t.untyped_storage()._cdata not in given]
        writes = any(a.alias_info is not None and a.alias_info.is_write for a in func._schema.arguments)
        if own or writes:
            EmulatedGraph.now.log.append((func, args, kwargs or {}, own))
            EmulatedGraph.now.made += own
        return result


@contextmanager
def emulated_graphs():
    """Questions on the CPU go the way of a GPU, as far as it can be gone without one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(captured.GRAPHS, "cpu", EmulatedGraph)
        patch.setattr(captured, "Watch", LoggingWatch)
        patch.setattr(late_judge, "FAR", {"cpu"})
        patch.setattr(c_library, "library", lambda: None)
        # Which transformers asks before it reads a mask.
        patch.setattr(torch.cuda, "is_current_stream_capturing", lambda: EmulatedGraph.now is not None)
        # What is hidden from all modes would be hidden from this one.
        patch.setattr(softmax, "_unrecorded", lambda x: torch.no_grad())
        yield
