"""The choice of a semiring: which paths are counted, how, and which number of the outcome is shown.

The input variant and the layer variant differ only in *which* tensors they ask about; they share this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

from semiring_widgets.attr.readout import Readout, number_per_unit, readout_of
from semiring_widgets.checks import choice, shown
from semiring_widgets.core import Result, backprop
from semiring_widgets.core.semirings import Weight, find_semiring
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import GRANULARITIES, LEVELS

if TYPE_CHECKING:
    from semiring_widgets.core import Semiring, Tape

__all__ = ["SemiringChoice", "check_choices"]

_CHOICES = {"granularity": GRANULARITIES, "level": LEVELS}


@dataclass(frozen=True)
class SemiringChoice:
    """A semiring, the graph it is asked of, and the number to show.

    Attributes:
        semiring: name or object.
        granularity: which graph is counted.
        level: level of a max.
        custom_readout: the user's function from result to number, or None for the usual one.
        readout: the function in force.

    Raises:
        InputError: an unknown semiring, granularity or level.
    """

    semiring: str | Semiring
    granularity: str
    level: str
    custom_readout: Readout | None = None
    readout: Readout = field(init=False)

    def __post_init__(self) -> None:
        check_choices(granularity=self.granularity, level=self.level)
        if self.custom_readout is not None and not callable(self.custom_readout):
            raise InputError(
                f"readout is {shown(self.custom_readout)}; give a function of a result, or None."
            )
        # The one way to set a computed field of a frozen dataclass.
        algebra = find_semiring(self.semiring, self.level)
        object.__setattr__(self, "readout", readout_of(algebra, self.custom_readout))

    @property
    def swept(self) -> Semiring:
        """The semiring of the sweep."""
        semiring = find_semiring(self.semiring, self.level)
        # To find the signs, too, takes one sweep; the magnitudes alone would need a second one for them.
        return semiring.with_sign or semiring

    def results(
        self,
        tape: Tape,
        score: Tensor,
        wrt: Sequence[Tensor],
        *,
        times_values: bool = False,
        max_memory: int | None = None,
    ) -> list[Result]:
        """One sweep.

        Args:
            tape: the finished recording.
            score: shape () or (B,).
            wrt: the tensors asked about.
            times_values: the value of each unit becomes a further factor of its paths.
            max_memory: bytes that the sweep may take; None for no limit.

        Returns:
            One result of `semiring_widgets.backprop` per tensor.
        """
        results = list(
            backprop(tape, score, wrt=list(wrt), semiring=self.swept, level=self.level, max_memory=max_memory)
        )
        if times_values:
            return [_scaled(result, value) for result, value in zip(results, wrt, strict=True)]
        return results

    def number(self, result: Result, like: Tensor, aggregate: bool) -> Tensor:
        """The numbers to show for a result.

        Args:
            result: from `results`.
            like: the tensor asked about, shape (..., D).
            aggregate: join the units of the last dimension by the semiring's plus, put the outcome in
                slot 0 and zeros in the others, so that their sum is the outcome. Nobody who adds up
                units later can then turn a best path into a sum of paths.

        Returns:
            Tensor of shape (..., D).
        """
        if not aggregate:
            return number_per_unit(self.readout, result, like)
        joined = number_per_unit(self.readout, result.reduce(-1), like)
        slots = joined.new_zeros(like.shape)
        slots[..., 0] = joined
        return slots


def _scaled(result: Result, factor: Tensor) -> Result:
    weight = Weight(factor.detach().to(result.parts[0].dtype))
    parts = result.semiring.scale(result.parts, weight)
    return Result(result.semiring, parts, result.granularity, result.level, factor.dtype)


def check_choices(**given: str) -> None:
    """Refuse an unknown `granularity` or `level`.

    Raises:
        InputError: names the choices.
    """
    for name, value in given.items():
        choice(value, name, _CHOICES[name])
