"""The answer in sentences."""

from __future__ import annotations

from torch import Tensor

from semiring_widgets.explanation.cells.question import CellQuestion
from semiring_widgets.explanation.names import with_and
from semiring_widgets.results.cells import several
from semiring_widgets.results.parts import Sentence
from semiring_widgets.results.wording import brief, number, signed

__all__ = ["answer_of"]

# A cell is named if its effect is at least this share of the largest, and so many at most.
_LARGE, _NAMED = 0.5, 3
# Shares of the score: what is most of it, and below which a cell alone does not matter.
_MOST, _LITTLE = 0.5, 0.1


def answer_of(
    question: CellQuestion, effects: Tensor, deletion: Tensor, best: str | None
) -> tuple[Sentence, ...]:
    """What the score is, which cells make it, and how many can be lost.

    Args:
        question: what was asked.
        effects: of each cell.
        deletion: the score as cells of largest effect are given the reference, one after the other.
        best: the class of the largest logit, where it is not the one that was asked for.
    """
    score, grid = question.score, question.grid
    said = f"*{score.target}*" if score.target else score.label
    than = f" rather than *{score.contrast}*" if score.contrast else ""
    told = [Sentence("score", f"The score of {said}{than} is {brief(score.value)} ({score.unit}).")]
    if best is not None:
        told.append(Sentence("remark", f"The model itself says *{best}*."))
    order = effects.argsort(descending=True).tolist()
    top = [cell for cell in order[:_NAMED] if effects[cell] >= _LARGE * effects[order[0]] > 0]
    if not top:
        told.append(Sentence("words", f"No {question.cells} alone speaks for it."))
    else:
        share = float(effects[top[0]]) / abs(score.value) if score.value else 1.0
        named = with_and(f"{grid.name(cell)} ({_written(float(effects[cell]))})" for cell in top)
        how = "Most of it is lost" if score.value > 0 and share >= _MOST else "It falls furthest"
        if share < _LITTLE:
            how = f"No {question.cells} alone matters much: it falls furthest"
        where = "" if grid.shape[0] == 1 else f"the {question.cells} in "
        told.append(Sentence("words", f"{how} without {where}{named}."))
    below = (deletion <= 0).nonzero().flatten().tolist()
    if score.value > 0 and below:
        count = below[0]
        what = f"{count} of {grid.cells} {several(question.cells)}"
        told.append(
            Sentence("replaced", f"With {question.reference_label} in the place of {what} it is below 0.")
        )
    else:
        still = "still " if min(score.value, float(deletion[-1])) > 0 else ""
        told.append(
            Sentence(
                "replaced",
                f"With {question.reference_label} everywhere it is {still}{number(float(deletion[-1]), 3)}.",
            )
        )
    return tuple(told)


def _written(effect: float) -> str:
    """An effect with its sign; one that two decimals would make 0 with the digits that it has."""
    text = brief(effect)
    return signed(effect) if text == "0" else text
