"""Feature maps of a convolutional network, noted by size while the model runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

__all__ = ["Noted", "as_wide", "noting_maps"]

# By size (rows, columns): modules and the maps that they returned, in order of execution.
Noted = dict[tuple[int, int], list[tuple[str, Tensor]]]


@contextmanager
def noting_maps(model: nn.Module) -> Iterator[Noted]:
    """Note every tensor (1, channels, rows, columns) that a module returns.

    A tensor that several modules return is named by the outermost of them. Maps of one place are left out, as
    they tell nothing about where.

    Args:
        model: hooks are set on its modules, and removed.
    """
    found: Noted = {}

    def note(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if (
                isinstance(output, Tensor)
                and output.dim() == 4
                and len(output) == 1
                and output.shape[2] * output.shape[3] > 1
            ):
                own = found.setdefault((output.shape[2], output.shape[3]), [])
                if own and own[-1][1] is output:
                    own.pop()
                own.append((name, output))

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in model.named_modules() if name]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def as_wide(size: tuple[int, int], height: int, width: int) -> bool:
    """Whether maps have the proportions of a picture, but for the part of a row or column that is cut off.

    Args:
        size: rows and columns of the maps.
        height: of the picture.
        width: of the picture.

    Example:
        >>> as_wide((4, 5), 100, 140), as_wide((5, 4), 100, 140)
        (True, False)
    """
    rows, columns = size
    return -height < rows * width - columns * height < width
