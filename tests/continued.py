"""Synthetic explanations of a continuation: what each token does to each piece, without a model."""

import numpy as np

from semiring_widgets.results.parts import Score
from semiring_widgets.results.schema import empty_pieces

TEXT = ("The", "keys", "to", "the", "cabinet")
PIECES, CONTRAST = ("are", "on", "the", "table"), ("is", "there")


def continued(make, text=TEXT, pieces=PIECES, contrast=CONTRAST, told=None, **changes):
    """An explanation whose score is a continuation of the text, or the difference of two.

    Args:
        make: builds a synthetic explanation.
        text: words that are read before the first piece.
        pieces: of the target.
        contrast: of the contrast; none for a target alone.
        told: how many pieces have estimates so far; None for all.
    """
    words = [*text, *(f"{one} / {contrast[n]}" if n < len(contrast) else one for n, one in enumerate(pieces))]
    said = f"log p({' '.join(pieces)})" + (f" - log p({' '.join(contrast)})" if contrast else "")
    score = Score(
        f"{said} after {text[-1]}", -3.25, " ".join(pieces), " ".join(contrast) or None,
        len(text) - 1, "nats", len(text), tuple(pieces), tuple(contrast),
    )  # fmt: skip
    e = make(words, score=score, **changes)
    table, rng = empty_pieces(len(pieces) + len(contrast), len(words)), np.random.default_rng(7)
    table["piece_log_probability"].values[:] = -2 * rng.random(table.sizes["piece"])
    for name in ("piece_effect", "piece_contribution"):
        # Few tokens matter much, as in a model.
        values = rng.standard_normal(table[name].shape) ** 3
        table[name].values[:] = values
    if told is not None:
        table["piece_contribution"].values[told:] = np.nan
    vars(e)["dataset"] = e.dataset.merge(table)
    return e
