"""What a page of two explanations side by side may be asked without a kernel, answered ahead for both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from semiring_widgets.contract.both import of_both
from semiring_widgets.errors import InputError
from semiring_widgets.export.answers_ahead import cheap_answers
from semiring_widgets.export.packing import Scale
from semiring_widgets.results.parts import Part
from semiring_widgets.results.two_sides_tables import reasons

if TYPE_CHECKING:
    from semiring_widgets.contract.messages import Message
    from semiring_widgets.results.two_sides import SideBySide

__all__ = ["both_ahead"]


def both_ahead(result: SideBySide, budget: int, answers: int | None = None) -> list[tuple[Part, Message]]:
    """The flow through what one click selects, of both sides.

    Args:
        result: the two; without live sessions there is none.
        budget: bytes that all of them may take in the page.
        answers: how many parts are to be answered for, however large that gets; None for as many as are
            cheap.

    Returns:
        Parts with their answers of type ``both``: words, heads, layers and cells in turn, those that differ
        most first.
    """
    found: list[tuple[Part, Message]] = []
    scale = Scale()
    if all(side.session is None or side.status.state == "running" for side in result.sides):
        return found
    cheap = min(map(cheap_answers, result.sides)) // len(result.sides)
    for part in islice(_clicks(result), cheap if answers is None else answers):
        try:
            message = of_both(result, [part])
        except InputError:  # a word that only a side without a session has
            continue
        budget -= scale.weigh(message)
        if budget < 0 and answers is None:
            break
        found.append((part, message))
    return found


def _clicks(result: SideBySide) -> Iterator[Part]:
    def sizes(kind: str) -> dict[tuple[int, ...], float]:
        difference = reasons(result.dataset, kind)[0][2]
        return {at: -abs(float(np.nan_to_num(difference[at]))) for at in np.ndindex(difference.shape)}

    words, heads, nodes = (sizes(kind) for kind in ("token", "head", "node"))
    layers = result.first.layers
    tokens = [
        Part(token=place, stream=number)
        for number, row in enumerate(result.places)
        for place in sorted(range(len(row)), key=lambda place: words[place,] if number == 0 else 0.0)
    ]
    of_layers = sorted(
        ((layer.index, head) for layer in layers for head in range(layer.heads)), key=heads.__getitem__
    )
    cells = [(layer.index, place) for layer in layers for place in range(len(result.places[layer.stream]))]
    turns = zip_longest(
        tokens,
        [Part(layer=layer, head=head) for layer, head in of_layers],
        [Part(layer=layer.index) for layer in reversed(layers)],
        [Part(layer=layer, token=place) for layer, place in sorted(cells, key=nodes.__getitem__)],
    )
    return (part for part in chain.from_iterable(turns) if part is not None)
