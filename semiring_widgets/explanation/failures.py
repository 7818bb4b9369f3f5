"""When the model itself fails: one sentence that names it, with the original error as its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from semiring_widgets.errors import InputError, ModelError, SemiringWidgetsError

__all__ = ["named_failure", "row_out_of_range"]


@contextmanager
def named_failure(name: str, doing: str) -> Iterator[None]:
    """Inside, an error of foreign code becomes a `ModelError`; ours, and want of memory, pass through.

    Args:
        name: class of the model.
        doing: ends the sentence "It failed while it ...".
    """
    try:
        yield
    except (SemiringWidgetsError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise ModelError(
            f"{name} failed with {type(error).__name__} while it {doing}: {_said(error)}"
        ) from error


def _said(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    said = lines[0] if lines else "it gave no reason"
    return said if said.endswith((".", "!", "?")) else f"{said}."


class _Lookups(TorchFunctionMode):
    """Stops at a lookup of a row that its table does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[Tensor, int] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.embedding or func is nn.functional.embedding:
            table, rows = args[:2] if func is torch.embedding else (args[1], args[0])
            if rows.numel() and not 0 <= int(rows.min()) <= int(rows.max()) < len(table):
                self.found = (table, int(rows.max()) if int(rows.min()) >= 0 else int(rows.min()))
        return func(*args, **(kwargs or {}))


def row_out_of_range(model: nn.Module, call: Callable[[], Any]) -> InputError | None:
    """Why a call ended in an IndexError: the table that was too small, or None where it was no table.

    Args:
        model: has the tables among its parameters.
        call: fails; it is made once more.
    """
    # It has failed before; how it fails this time does not matter.
    with suppress(Exception), _Lookups() as watch:
        call()
    if watch.found is None:
        return None
    table, row = watch.found
    names = (name for name, own in [*model.named_parameters(), *model.named_buffers()] if own is table)
    name = next(names, "a table")
    remedy = "shorten the text" if "pos" in name else "model and tokenizer do not fit together"
    return InputError(
        f"{type(model).__name__} looks up row {row} in {name}, which has {len(table)} rows; {remedy}."
    )
