"""`SemiringGradient`: path statistics of the inputs, as a Captum attribution method.

Captum's `Saliency` asks for the sum over all paths from an input to the output. This class asks the same
question in any semiring and answers it in Captum's form, so that everything which takes a Captum method
takes this one too: `NoiseTunnel`, `infidelity`, `sensitivity_max`.

    >>> import torch
    >>> from semiring_widgets.attr.gradient import SemiringGradient
    >>> def forward(x):
    ...     hidden = x[:, 0] * 3
    ...     return hidden - 2 * x[:, 0] + x[:, 1]
    >>> x = torch.tensor([[1.0, 2.0]])
    >>> SemiringGradient(forward, semiring="sum").attribute(x)
    tensor([[1., 1.]])
    >>> SemiringGradient(forward, semiring="max").attribute(x)
    tensor([[3., 1.]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from captum._utils.common import _format_output
from captum.attr import GradientAttribution
from torch import Tensor

from semiring_widgets.attr.captum_forward import check_forward, checked_inputs, logged, selected_score
from semiring_widgets.attr.readout import Readout
from semiring_widgets.attr.semiring_choice import SemiringChoice
from semiring_widgets.core import record
from semiring_widgets.errors import InputError

if TYPE_CHECKING:
    from semiring_widgets.core import Semiring

__all__ = ["SemiringGradient"]


class SemiringGradient(GradientAttribution):
    """Semiring value of all paths from each input unit to the selected output.

    A path from a unit to the output weighs the product w of its local derivatives. The attribution of
    the unit is read off the semiring sum ⊕ w over all its paths in the gradient graph at `granularity`.
    Which number that is for each semiring stands in the table of `semiring_widgets.attr.readout`:
    ``"sum"`` is the gradient (`Saliency` with ``abs=False``), ``"max"`` the signed weight of the best
    path, ``"abs"`` the mass, ``"entropy"`` nats. With several examples each has its own paths.

    The model is run once, in the train or eval mode it is in, and left as it was: no hook stays, no
    `requires_grad` changes, nothing is written to a `.grad`. Inputs need not require gradients.

    Args:
        forward_func: the model or any function of it, as everywhere in Captum.
        semiring: a name as in `semiring_widgets.backprop`, or a `semiring_widgets.Semiring` object, your own
            too.
        granularity: which graph is counted, see `semiring_widgets.record`. Path statistics depend on
            it; the gradient does not.
        level: level of a max, ``"unit"`` or ``"branch"``, see `semiring_widgets.backprop`.
        multiply_by_inputs: the input's value becomes a further factor of every path. With ``"sum"``
            that is `InputXGradient`.
        readout: which number to take from the result of `semiring_widgets.backprop`, as a function to
            a tensor of the input's shape. By default the table.
        aggregate: join the units of the last dimension (for example of an embedding) by the semiring's
            plus and put the outcome in slot 0; the other slots are 0.

    Raises:
        InputError: an unknown semiring, granularity or level.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0, 2.0]])
        >>> SemiringGradient(lambda x: (3 * x - x * x).sum(1), "sum").attribute(x)  # the gradient, 3 - 2 x
        tensor([[ 1., -1.]])
        >>> SemiringGradient(lambda x: (3 * x - x * x).sum(1), "abs").attribute(x)  # 3 + 2 x
        tensor([[5.0000, 7.0000]])
    """

    def __init__(
        self,
        forward_func: Callable[..., Any],
        semiring: str | Semiring = "max",
        granularity: str = "primitive",
        level: str = "unit",
        *,
        multiply_by_inputs: bool = False,
        readout: Readout | None = None,
        aggregate: bool = False,
    ) -> None:
        check_forward(forward_func)
        GradientAttribution.__init__(self, forward_func)
        self._choice = SemiringChoice(semiring, granularity, level, readout)
        self._multiply_by_inputs = multiply_by_inputs
        self.aggregate = aggregate

    @logged
    def attribute(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        target: Any = None,
        additional_forward_args: Any = None,
    ) -> Tensor | tuple[Tensor, ...]:
        """One number for every unit of the inputs.

        Args:
            inputs: floating-point tensor of shape (B, ...), or a tuple of them; dimension 0 counts the
                examples.
            target: which output is explained: an int, a tuple of ints, a tensor or a list with one
                entry per example, as in Captum. None if `forward_func` gives one number per example.
            additional_forward_args: further arguments of `forward_func`, not attributed.

        Returns:
            Tensor of the inputs' shape, or a tuple if `inputs` is one. Finite; 0 where no path leads
            to the output. Dtype of the inputs, or wider where a number does not fit.

        Raises:
            InputError: inputs that are not floating point, or several output numbers per example.
            NonFiniteError: NaN or infinity among weights or results.
            UnsupportedOpError: an operator on a path has no rule.

        Example:
            >>> import torch
            >>> net = torch.nn.Linear(2, 3, bias=False)
            >>> best = SemiringGradient(net).attribute(torch.ones(1, 2), target=1)
            >>> torch.allclose(best[0], net.weight[1])  # one path from every input
            True
        """
        values = checked_inputs(inputs)
        results = self._ask(values, target, additional_forward_args)
        numbers = tuple(
            self._choice.number(result, value, self.aggregate)
            for result, value in zip(results, values, strict=True)
        )
        formatted: Tensor | tuple[Tensor, ...] = _format_output(isinstance(inputs, tuple), numbers)
        return formatted

    def explain(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        target: Any = None,
        additional_forward_args: Any = None,
    ) -> Any:
        """Everything the sweep found, which an attribution tensor cannot hold.

        Args:
            inputs: as for `attribute`.
            target: as for `attribute`.
            additional_forward_args: as for `attribute`.

        Returns:
            The result of `semiring_widgets.backprop` (for example `.log_mass` and `.entropy`, and
            `.reduce`), or a tuple of them if `inputs` is one.

        Example:
            >>> import torch
            >>> x = torch.tensor([[1.0, 2.0]])
            >>> result = SemiringGradient(lambda x: (3 * x - x * x).sum(1), "entropy").explain(x)
            >>> result.log_mass.exp(), result.entropy
            (tensor([[5.0000, 7.0000]]), tensor([[0.6730, 0.6829]]))
        """
        results = self._ask(checked_inputs(inputs), target, additional_forward_args)
        return tuple(results) if isinstance(inputs, tuple) else results[0]

    @property
    def choice(self) -> SemiringChoice:
        """Semiring, granularity and level."""
        return self._choice

    @property
    def multiplies_by_inputs(self) -> bool:
        """Whether the input's value is a factor of every path."""
        return self._multiply_by_inputs

    def has_convergence_delta(self) -> bool:
        """False: statistics of paths other than their sum do not add up to a change of the output.

        Example:
            >>> SemiringGradient(lambda x: x.sum(1)).has_convergence_delta()
            False
        """
        return False

    def _ask(self, inputs: tuple[Any, ...], target: Any, additional: Any) -> list[Any]:
        for index, value in enumerate(inputs):
            if not isinstance(value, Tensor) or not value.is_floating_point():
                raise InputError(
                    f"Input {index} is {_kind(value)}, and only floating-point tensors have paths. Pass "
                    f"embeddings instead of token ids, or use LayerSemiringGradient with the embedding "
                    f"layer."
                )
        with record(granularity=self._choice.granularity) as tape:
            # Copies go in, so that a forward pass which works in place spares the caller's tensors, and
            # an input that is never used is on the tape nevertheless.
            entering = tuple(value.clone() for value in inputs)
            score = selected_score(self.forward_func, entering, target, additional)
        return self._choice.results(tape, score, inputs, times_values=self._multiply_by_inputs)


def _kind(value: Any) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
