"""What a head carries from tokens of one class to tokens of another, summed up layer by layer.

The maps of a batch from token to token are large, and of a corpus nobody reads them one by one; between the
classes of tokens (words, signs of the tokenizer's, the place that is asked ...) they can be averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semiring_widgets.core.anatomy import Attention
from semiring_widgets.core.paths import Flow
from semiring_widgets.core.semirings import Abs
from semiring_widgets.explanation.flow_cells import share
from semiring_widgets.vocabulary import KINDS

__all__ = ["CLASS", "ClassFlows", "TokenClasses"]

# What such a part is called.
CLASS: Final = "class"
# Of one text, the class of every token by stream.
TokenClasses = Sequence[Sequence[str]]


class ClassFlows:
    """Sums the flow between tokens up by their classes; called with each layer of `flow_of_batch`.

    Args:
        classes: of every text; empty where nothing is to be told.
    """

    def __init__(self, classes: Sequence[TokenClasses]) -> None:
        self._classes = classes
        self._rows: list[dict[str, Any]] = []

    def __call__(self, attention: Attention, flow: Flow, log_masses: Sequence[float]) -> None:
        """Add a layer.

        Args:
            attention: the layer; of one that is a single step, nothing is known from token to token.
            flow: of all paths.
            log_masses: of all paths of every text.
        """
        if not self._classes or attention.weights is None:
            return
        targets = [_Members(text[attention.stream]) for text in self._classes]
        sources = [_Members(text[attention.key_stream]) for text in self._classes]
        for head in range(attention.heads):
            maps = flow.head_map(attention, head, Abs, len(log_masses))
            for way in KINDS:
                for example, (log_mass, above, below) in enumerate(
                    zip(log_masses, targets, sources, strict=True)
                ):
                    own = maps[way] if len(log_masses) == 1 else maps[way][example]
                    shares = above.sums(below.sums(share(own, log_mass).T).T)
                    self._add(example, attention, head, way, above, below, shares)

    def table(self) -> pd.DataFrame:
        """A row a text, head, operand, class that is read and class that reads: share of the mass."""
        return pd.DataFrame(self._rows, columns=None if self._rows else ["kind"])

    def _add(
        self,
        example: int,
        attention: Attention,
        head: int,
        way: str,
        above: _Members,
        below: _Members,
        shares: NDArray[np.float64],
    ) -> None:
        place = {"example": example, "kind": CLASS, "stream": attention.stream, "layer": attention.index}
        for target, row in zip(above.names, shares.tolist(), strict=True):
            for source, number in zip(below.names, row, strict=True):
                told = {"source_class": source, "target_class": target, "mass_share": number}
                self._rows.append({**place, "head": head, "branch": way, **told})


class _Members:
    """Which tokens are of which class, of one stream.

    Args:
        classes: of every token of the text; what comes after them is padding, or no token of the text.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.names = sorted(set(classes))
        numbers = [self.names.index(name) for name in classes]
        self._of = np.eye(len(self.names))[:, numbers]

    def sums(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """(places, others) summed up by class: (classes, others)."""
        found: NDArray[np.float64] = self._of @ shares[: self._of.shape[1]]
        return found
