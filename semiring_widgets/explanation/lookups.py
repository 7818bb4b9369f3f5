"""Where a forward pass turns token ids into vectors, and the same pass from given vectors.

Token ids have no derivative, so paths start at the output of the embedding layer. A model does more with its
ids than look them up: it scales the vectors afterwards (Marian), counts its mask tokens (ESM), numbers
positions from its padding (RoBERTa), or pools at the end-of-text token (BART). So the model is called with
its ids, as its users do, and only what the embedding layer gives is replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from semiring_widgets.errors import InputError

__all__ = ["Lookup", "Start", "embedding_layers", "replaced", "starts_of", "watched"]


@dataclass(frozen=True, eq=False)
class Lookup:
    """One call of a layer that turned ids into vectors.

    Attributes:
        layer: the module that was called.
        number: which of its calls in this forward pass, from 0.
        given: the ids as it got them, shape (1, T), or (T, 1) in XLNet.
        gave: the vectors as it gave them, before the model could write into them.
        again: calls it with other ids of the same shape.
    """

    layer: nn.Module
    number: int
    given: Tensor
    gave: Tensor
    again: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Start:
    """A lookup that paths start from: that of a text, which may stand before padding.

    Longformer, BigBird and Reformer fill a text up to a whole number of windows before they look it up.
    """

    lookup: Lookup
    tokens: int

    @property
    def ids(self) -> Tensor:
        """The token ids, shape (T,)."""
        return self.lookup.given.flatten()[: self.tokens]

    @property
    def vectors(self) -> Tensor:
        """What the layer gives for the text, shape (1, T, D)."""
        return self._turned(self.lookup.gave)[:, : self.tokens]

    def of(self, ids: Tensor) -> Tensor:
        """What it gives for other ids, shape (1, T), of as many tokens: shape (1, T, D)."""
        given = self._turned(self.lookup.given).clone()
        given[:, : self.tokens] = ids
        return self._turned(self.lookup.again(self._turned(given)))[:, : self.tokens]

    def filled(self, own: Tensor, vectors: Tensor) -> Tensor | None:
        """An output of the layer with these vectors, shape (B, T, D), for the text; None if it cannot."""
        own = self._turned(own)
        if own.shape[1:] != self._turned(self.lookup.gave).shape[1:] or len(own) != len(vectors):
            return None
        padding = own[:, self.tokens :]
        # A copy: CTRL writes into its embeddings.
        return self._turned(torch.cat([vectors, padding], 1) if padding.shape[1] else vectors.clone())

    def _turned(self, rows: Tensor) -> Tensor:
        """Examples first, also for a layer that has them second; and back."""
        return rows.transpose(0, 1) if self.lookup.given.shape[0] > 1 else rows


def embedding_layers(model: nn.Module) -> list[nn.Module]:
    """The layers that a model and its parts name as their input embeddings, in order, each once."""
    found: dict[nn.Module, None] = {}
    for part in model.modules():
        try:
            layer = part.get_input_embeddings()  # type: ignore[operator]
        except (AttributeError, NotImplementedError, TypeError):
            # CANINE hashes characters and has no such layer; plain modules have no such method.
            continue
        if isinstance(layer, nn.Module):
            found[layer] = None
    return list(found)


@contextmanager
def watched(layers: Iterable[nn.Module]) -> Iterator[list[Lookup]]:
    """Inside, every call of these layers that turns ids into vectors is noted, in order."""
    seen: list[Lookup] = []

    def note(layer: nn.Module, number: int, args: Any, kwargs: Any, output: Any) -> None:
        ids, vectors = _ids_among(args, kwargs), _vectors_in(output)
        if ids is None or vectors is None or vectors.shape[:-1] != ids.shape:
            return

        def again(others: Tensor) -> Tensor:
            def swap(value: Any) -> Any:
                return others if value is ids else value

            # By `forward`, so that no hook takes it for a call of the model's.
            given = layer.forward(*map(swap, args), **{name: swap(value) for name, value in kwargs.items()})
            return cast(Tensor, _vectors_in(given)).detach()

        seen.append(Lookup(layer, number, ids, vectors.detach().clone(), again))

    with _hooked(layers, note):
        yield seen


def starts_of(seen: Sequence[Lookup], ids: Tensor) -> list[Start]:
    """The calls that looked up these very ids, shape (1, T), innermost first.

    A model hands its ids on as views, or as a copy, where it has blanked the places of images or added
    padding. A copy is known by its numbers only where no view is found: token types may look like a text
    (CTRL and GPT-2 look both up in one table).
    """
    memory, tokens = ids.untyped_storage().data_ptr(), ids.shape[1]
    same = [lookup for lookup in seen if lookup.given.untyped_storage().data_ptr() == memory]
    same = same or [lookup for lookup in seen if torch.equal(lookup.given.flatten(), ids[0])]
    same = same or [lookup for lookup in seen if torch.equal(lookup.given.flatten()[:tokens], ids[0])]
    return [Start(lookup, tokens) for lookup in same]


@contextmanager
def replaced(starts: Iterable[tuple[Start, Tensor]]) -> Iterator[None]:
    """Inside, the lookups that paths start from give these vectors, shape (B, T, D), for one forward pass.

    Other threads that run the model are not touched. The hooks are removed at the end, also on error.

    Raises:
        InputError: the model did not make one of these calls, or made it in another shape.
    """
    left = {(start.lookup.layer, start.lookup.number): (start, vectors) for start, vectors in starts}

    def put(layer: nn.Module, number: int, args: Any, kwargs: Any, output: Any) -> Any:
        if (layer, number) not in left:
            return None
        start, vectors = left.pop((layer, number))
        own = _vectors_in(output)
        filled = None if own is None else start.filled(own, vectors)
        if filled is None:
            raise InputError(_other_call(layer))
        return _with_vectors(output, filled)

    with _hooked(dict.fromkeys(layer for layer, _ in left), put):
        yield
    for layer, _ in left:
        raise InputError(_other_call(layer))


def _other_call(layer: nn.Module) -> str:
    return (
        f"The model calls its embedding layer {type(layer).__name__} in another way from call to call, so "
        f"there is no one place where its paths start. Use sw.record with a tensor of your own choice."
    )


@contextmanager
def _hooked(layers: Iterable[nn.Module], act: Callable[..., Any]) -> Iterator[None]:
    """Calls ``act(layer, number, args, kwargs, output)`` after every call of a layer on this thread."""
    thread = threading.get_ident()
    counts: dict[nn.Module, int] = {}

    def hook(layer: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        number = counts.get(layer, 0)
        counts[layer] = number + 1
        return act(layer, number, args, kwargs, output)

    with ExitStack() as handles:
        for layer in layers:
            handles.callback(layer.register_forward_hook(hook, with_kwargs=True).remove)
        yield


def _ids_among(args: Any, kwargs: Any) -> Tensor | None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor) and value.dim() == 2 and value.dtype in (torch.int64, torch.int32):
            return value
    return None


def _vectors_in(output: Any) -> Tensor | None:
    if isinstance(output, (tuple, list)) and output:
        # I-BERT's layers give a scale beside their numbers.
        output = output[0]
    if isinstance(output, Tensor) and output.dim() == 3 and output.is_floating_point():
        return output
    return None


def _with_vectors(output: Any, vectors: Tensor) -> Any:
    return type(output)((vectors, *output[1:])) if isinstance(output, (tuple, list)) else vectors
