"""The units of a part: what each entry of a head's output or of a hidden layer does to the score.

A part is cut at a tensor, see `cut_points`; a unit is one entry of it at every token of the part. Of a
feed-forward part the units are those of its hidden layer, of which its output is a linear function. So the
contributions of the units add up to that of the part, and so do their masses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Selection
from semiring_widgets.core.anatomy.hidden_layers import hidden_of
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.effects.measuring import told_of
from semiring_widgets.core.effects.reference_values import Reference
from semiring_widgets.core.effects.replacements import value_for
from semiring_widgets.core.paths import Paths
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Program
from semiring_widgets.core.semirings import Abs, Sum
from semiring_widgets.core.sweeps import Progress, Span, sweep_backward
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import InputError

__all__ = ["Units", "units_of"]

_ABS = Abs()


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a part, in the order in which they are stored; float64, shape (units,) each.

    Attributes:
        hidden: whether they are those of a hidden layer, and not of the part's output.
        value: of the unit, its mean over the tokens of the part.
        contribution: sum of all paths from the unit to the score, times its value minus that under the
            reference, added up over the tokens; in the unit of the score.
        log_mass: log of the sum of |weight| of all paths through the unit.
    """

    hidden: bool
    value: Tensor
    contribution: Tensor
    log_mass: Tensor


@in_full_precision
def units_of(
    paths: Paths,
    tape: Tape,
    part: Selection,
    reference: Reference,
    progress: Progress | None = None,
) -> Units:
    """What every unit of a part does; two sweeps, and one more for the contributions.

    Args:
        paths: those whose mass is meant; contributions are of the whole model.
        tape: of the model.
        part: a head, its query, key or value, or a feed-forward part; with a token, there alone. Checked.
        reference: what contributions compare with.
        progress: as in `sweep_backward`; may raise to stop.

    Raises:
        InputError: the part is no head and no feed-forward part, or no hidden layer was found in it.
    """
    graph, program = paths.graph, Program(tape, paths.graph.score)
    place, axis = _place_of_units(paths, part)
    node = place.node
    if node not in graph.nodes:
        raise InputError("No path from the inputs to the score passes this part.")
    told = told_of(paths.ground, program, [(place, "reference")], {"reference": reference})
    given = value_for(place, "reference", told)
    slopes = sweep_backward(graph, Sum(), Span(keep={node}), progress=progress)
    passing = paths.flow(_ABS, beside=[node], progress=progress).at(node)[0]
    kept = place.mask()
    changed = slopes[node][0].double() * (node.value.double() - given.double())

    def by_unit(values: Tensor, elsewhere: float = 0.0) -> Tensor:
        """One row a place of the part: shape (rows, units)."""
        own = values.double().masked_fill(~kept, elsewhere)
        return own.movedim(axis, -1).flatten(0, -2)

    rows = by_unit(torch.ones_like(node.value)).sum(0).clamp(min=1.0)
    return Units(
        hidden=part.branch == "mlp",
        value=(by_unit(node.value).sum(0) / rows).cpu(),
        contribution=by_unit(changed).sum(0).cpu(),
        log_mass=by_unit(passing, -torch.inf).logsumexp(0).cpu(),
    )


def _place_of_units(paths: Paths, part: Selection) -> tuple[Place, int]:
    """Where the units of a part are, and along which dimension they are counted."""
    graph, anatomy = paths.graph, paths.anatomy
    if part.layer is None or (part.branch != "mlp" and part.head is None):
        raise InputError(
            "Units are those of a head or of a feed-forward part: give {'layer': 3, 'head': 2}, with "
            "'branch': 'query', 'key' or 'value' for its operands, or {'layer': 1, 'branch': 'mlp'}; with "
            "'token' for one token alone."
        )
    attention = anatomy.attentions[part.layer]
    if part.branch != "mlp":
        axis = 2 if part.branch is None else 3 - attention.operands[part.branch].token_axis
        return place_of(graph, anatomy, part), axis
    mlp = attention.mlp
    if mlp is None:
        raise InputError(f"Layer {part.layer} has no feed-forward part that was found in this model.")
    hidden = hidden_of(graph, mlp)
    if hidden is None:
        raise InputError(
            f"No hidden layer was found in the feed-forward part of layer {part.layer}: what it adds to the "
            f"stream is no linear function of one layer of units. Ask for the part itself."
        )
    place = Place(hidden, None, tuple(range(-len(hidden.shape), -1)))
    if part.token is None:
        return place, len(hidden.shape) - 1
    tokens = torch.arange(mlp.tokens, device=hidden.device) == part.token
    return replace(place, kept=tokens.reshape(*hidden.shape[:-1], 1)), len(hidden.shape) - 1
