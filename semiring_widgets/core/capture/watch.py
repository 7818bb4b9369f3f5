"""What may not happen while a CUDA graph is captured, seen before it happens.

An operator that makes the host wait would spoil the capture and leave CUDA's allocator in a state that only a
new process cures; one that draws random numbers, or computes on the CPU what the GPU waits for, would be
replayed with the numbers of the first time. A dispatch mode sees each operator before it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from semiring_widgets.core.tape.arguments import tensors_in

__all__ = ["Refused", "Watch"]

aten = torch.ops.aten
_TAGS = torch.Tag
_MASKED = (aten.index, aten.index_put, aten.index_put_)
_MASKS = (torch.bool, torch.uint8)


class Refused(Exception):
    """A computation that cannot be captured; says why."""


class Watch(TorchDispatchMode):
    """Lets operators of one device pass, and brings constants to it beside the capture.

    Args:
        device: where everything has to happen.
        bring: copies a tensor from the CPU to the device, though a capture is under way.

    Attributes:
        held: tensors that were there before, and those that were brought, by the address of their storage:
            a graph reads them where they lie.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __init__(self, device: torch.device, bring: Callable[[Tensor], Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._device, self._bring = device, bring
        self._made: set[int] = set()
        self.held: dict[int, Tensor] = {}

    def __enter__(self) -> Watch:
        # Else `torch.tensor(1.0, device="cuda")` copies from the CPU where no mode sees it.
        self._lifted = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *exc: Any) -> None:
        torch._C._set_only_lift_cpu_tensors(self._lifted)
        super().__exit__(*exc)  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if _TAGS.nondeterministic_seeded in func.tags:
            raise Refused(f"{func} draws random numbers.")
        given = list(tensors_in((args, kwargs)))
        here = [tensor for tensor in given if tensor.device.type == self._device.type]
        for tensor in here:
            self._check_place(func, tensor)
            storage = tensor.untyped_storage()._cdata
            if storage not in self._made:
                self.held.setdefault(storage, tensor.detach())
        if here and self._waits(func, args, kwargs):
            raise Refused(f"{func} makes the host wait for a number.")
        if here and len(here) < len(given):
            whole = func.overloadpacket is aten.copy_
            args, kwargs = self._brought(args, whole), self._brought(kwargs, whole)
        if not here and _leads_to(kwargs, self._device):
            result = self._copied(func, args, kwargs)
        else:
            result = func(*args, **kwargs)
        self._made.update(made.untyped_storage()._cdata for made in self._new(result, here))
        return result

    def _copied(self, func: OpOverload, args: Any, kwargs: Any) -> Any:
        """What an operator makes of the CPU's tensors on the device; or of none, as `torch.zeros` does."""
        if not any(True for _ in tensors_in(args)):
            return func(*args, **kwargs)
        if func.overloadpacket is not aten._to_copy:
            raise Refused(f"{func} takes tensors of the CPU to the GPU.")
        here = func(*args, **{**kwargs, "device": torch.device("cpu")})
        return self._hold(here)

    def _brought(self, arguments: Any, whole: bool) -> Any:
        """Arguments with the CPU's tensors brought; numbers, of no dimension, are passed as they are."""
        if isinstance(arguments, Tensor):
            far = arguments.device.type == "cpu" != self._device.type
            return self._hold(arguments) if far and (whole or arguments.dim() > 0) else arguments
        if isinstance(arguments, (list, tuple)):
            return type(arguments)(self._brought(each, whole) for each in arguments)
        if isinstance(arguments, dict):
            return {name: self._brought(each, whole) for name, each in arguments.items()}
        return arguments

    def _hold(self, constant: Tensor) -> Tensor:
        found = self._bring(constant)
        self.held[found.untyped_storage()._cdata] = found
        return found

    def _check_place(self, func: OpOverload, tensor: Tensor) -> None:
        if tensor.device != self._device:
            raise Refused(f"{func} takes a tensor of {tensor.device}, and others are on {self._device}.")

    def _waits(self, func: OpOverload, args: Any, kwargs: Any) -> bool:
        if _TAGS.data_dependent_output in func.tags:
            return True
        packet = func.overloadpacket
        if packet in _MASKED:
            masks = args[1]
            return any(mask is not None and mask.dtype in _MASKS for mask in masks)
        if packet is aten.repeat_interleave:
            return kwargs.get("output_size") is None
        if _TAGS.dynamic_output_shape in func.tags:
            return True
        if packet is aten.copy_:
            return bool(args[0].device.type != self._device.type)
        return _leads_to(kwargs, torch.device("cpu")) and self._device.type != "cpu"

    def _new(self, result: Any, given: Iterable[Tensor]) -> list[Tensor]:
        """Results in memory of their own."""
        old = {tensor.untyped_storage()._cdata for tensor in given}
        made = [tensor for tensor in tensors_in((result,)) if tensor.device.type == self._device.type]
        return [tensor for tensor in made if tensor.untyped_storage()._cdata not in old]


def _leads_to(kwargs: dict[str, Any], device: torch.device) -> bool:
    target = kwargs.get("device")
    return target is not None and torch.device(target).type == device.type
