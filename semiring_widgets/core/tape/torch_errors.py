"""Errors of PyTorch that mean "this cannot be recorded", and the sentences that say so."""

from __future__ import annotations

__all__ = ["NO_GRADIENTS", "sentence_for"]

_FUNCTIONS = (
    "The recorded code calls an operator that runs functions it is given (torch.cond, flex_attention and "
    "their like), which cannot be recorded. Use an `if` or a loop of Python, or another implementation of "
    "attention; the error above names the operator."
)
NO_GRADIENTS = (
    "The recorded code calls torch.autograd.grad or backward(), but while it is recorded no autograd "
    "graph is built. Use torch.func.grad there, or call it outside of the recording."
)
_GRAPH = (
    "The recorded code needs the graph of autograd (torch.func.linearize, tracing and their like do), but "
    "while it is recorded there is none. Call it outside of the recording."
)
_NESTED = (
    "The recorded code makes a nested tensor, which cannot be recorded. Pad its parts to one shape, or take "
    "them one by one."
)
_HISTORY = (
    "The recorded code calls {} on a tensor, but while it is recorded no autograd graph is built, so there "
    "are no gradients to look at or to change. Do that only if `tensor.requires_grad`."
)
_ON_TENSOR = "register_hook, or register_post_accumulate_grad_hook,"
# What a tensor without history has as its ``grad_fn``.
_OF_NONE = "'NoneType' object has no attribute"
# In PyTorch 2.8 it is called "HOP" there, later "HigherOrderOperator".
_MEANINGS: tuple[tuple[type[Exception], str, str], ...] = (
    (NotImplementedError, "no rule registered for H", _FUNCTIONS),
    (RuntimeError, "does not require grad and does not have a grad_fn", NO_GRADIENTS),
    (RuntimeError, "VariableMethodStubs", _GRAPH),
    (RuntimeError, "NestedTensorImpl", _NESTED),
    (RuntimeError, "cannot register a hook on a tensor", _HISTORY.format(_ON_TENSOR)),
    (RuntimeError, "can't retain_grad on Tensor", _HISTORY.format("retain_grad")),
    (AttributeError, f"{_OF_NONE} 'register_", _HISTORY.format("grad_fn.register_hook")),
    (AttributeError, f"{_OF_NONE} 'next_functions", _HISTORY.format("grad_fn.next_functions")),
)


def sentence_for(error: BaseException) -> str | None:
    """What an error of PyTorch means for a recording; None if nothing is known of it."""
    for kind, words, sentence in _MEANINGS:
        if isinstance(error, kind) and words in str(error):
            return sentence
    return None
