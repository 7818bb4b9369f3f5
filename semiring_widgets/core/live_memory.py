"""How many bytes of tensors are alive, counted exactly: memory of the process is too noisy for a bound."""

from __future__ import annotations

from typing import Any

from torch._ops import OpOverload
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from semiring_widgets.core.tape.arguments import tensors_in

__all__ = ["LiveMemory"]


class LiveMemory(TorchDispatchMode):
    """Counts the storages that operators make inside its block, for as long as somebody holds them.

    Sweeps lift the modes of their caller, unless it is inside of `full_precision` already.

    Attributes:
        peak: most bytes that were alive after some operator.

    Example:
        >>> with LiveMemory() as memory:
        ...     x = torch.ones(1000).exp()
        >>> memory.peak, memory.held
        (8000, 4000)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self._held = self.peak = 0

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = {t.untyped_storage()._cdata for t in tensors_in((args, kwargs)) if not t.is_sparse}
        result = func(*args, **kwargs)
        for tensor in tensors_in((result,)):
            if tensor.is_sparse or tensor.device.type == "meta":
                continue
            storage = tensor.untyped_storage()
            if storage._cdata not in given and storage._cdata not in self._alive:
                self._alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
                self._held += storage.nbytes()
        if self._held > self.peak:
            self._bury()
            self.peak = max(self.peak, self._held)
        return result

    def _bury(self) -> None:
        for key, (storage, size) in list(self._alive.items()):
            if storage.expired():
                del self._alive[key]
                self._held -= size

    @property
    def held(self) -> int:
        """Bytes that are alive now."""
        self._bury()
        return self._held
