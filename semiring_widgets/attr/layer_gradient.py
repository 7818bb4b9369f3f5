"""`LayerSemiringGradient`: path statistics of a layer's units, as a Captum layer attribution.

The same question as `SemiringGradient`, asked about the tensors that go into or come out of a module. It
is a `LayerGradientXActivation`, because `LLMGradientAttribution` accepts only a few classes and their
subclasses.

`LLMGradientAttribution` always adds up the units of a token. That is right for a gradient and wrong for
a best path: the best path of a token is the *best* over its units. So under it (or with
``aggregate=True``) the units of the last dimension are joined by the semiring's own plus, the token's
number is put in slot 0, and the other slots are 0: whoever adds them up gets the right number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from captum._utils.common import _format_output
from captum.attr import LayerGradientXActivation
from torch import Tensor, nn

from semiring_widgets.attr.captum_forward import check_forward, checked_inputs, logged, selected_score
from semiring_widgets.attr.readout import Readout
from semiring_widgets.attr.semiring_choice import SemiringChoice
from semiring_widgets.checks import shown
from semiring_widgets.core import record
from semiring_widgets.errors import InputError

if TYPE_CHECKING:
    from semiring_widgets.core import Semiring

__all__ = ["LayerSemiringGradient"]

Attributions = Tensor | tuple[Tensor, ...]


class LayerSemiringGradient(LayerGradientXActivation):
    """Semiring value of all paths from each unit of a layer to the selected output.

    Numbers, semirings and guarantees are those of `SemiringGradient`. Hooks sit on the layer only while
    `attribute` runs, and are removed on errors too. A layer that runs several times is asked about its
    last run, as in Captum.

    Args:
        forward_func: the model or any function of it.
        layer: the module, or a list of modules (then `attribute` returns a list).
        semiring: as for `SemiringGradient`.
        device_ids: accepted for Captum's sake; a `DataParallel` model on several devices is refused,
            because its replicas run in threads of their own, where nothing can be recorded.
        granularity: which graph is counted, see `semiring_widgets.record`.
        level: level of a max, ``"unit"`` or ``"branch"``.
        multiply_by_inputs: the unit's activation becomes a further factor of every path. With ``"sum"``
            that is `LayerGradientXActivation`, without it its ``multiply_by_inputs=False``.
        readout: which number to take from the result of `semiring_widgets.backprop`.
        aggregate: join the units of the last dimension by the semiring's plus and put the outcome in
            slot 0. None: do so only under `LLMGradientAttribution`.

    Raises:
        InputError: an unknown semiring, granularity or level, or a layer that is not a module.

    Example:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1, bias=False))
        >>> best = LayerSemiringGradient(net, net[0]).attribute(torch.ones(1, 2), target=0)
        >>> torch.allclose(best[0], net[1].weight[0])  # one path from every unit
        True
    """

    def __init__(
        self,
        forward_func: Callable[..., Any],
        layer: nn.Module | list[nn.Module],
        semiring: str | Semiring = "max",
        device_ids: list[int] | None = None,
        granularity: str = "primitive",
        level: str = "unit",
        *,
        multiply_by_inputs: bool = False,
        readout: Readout | None = None,
        aggregate: bool | None = None,
    ) -> None:
        for module in layer if isinstance(layer, (list, tuple)) else [layer]:
            if not isinstance(module, nn.Module):
                raise InputError(
                    f"The layer must be a torch.nn.Module of the model or a list of them, not "
                    f"{type(module).__name__}. Look it up, for example with model.get_submodule('...')."
                )
        check_forward(forward_func)
        LayerGradientXActivation.__init__(
            self, forward_func, layer, device_ids, multiply_by_inputs=multiply_by_inputs
        )
        self._choice = SemiringChoice(semiring, granularity, level, readout)
        self.aggregate = aggregate

    @logged
    def attribute(
        self,
        inputs: Any,
        target: Any = None,
        additional_forward_args: Any = None,
        attribute_to_layer_input: bool = False,
        grad_kwargs: dict[str, Any] | None = None,
    ) -> Attributions | list[Attributions]:
        """One number for every unit of the layer.

        Args:
            inputs: inputs of `forward_func`, a tensor of any dtype or a tuple; dimension 0 counts the
                examples.
            target: which output is explained, as in Captum.
            additional_forward_args: further arguments of `forward_func`.
            attribute_to_layer_input: ask about what goes into the layer instead of what comes out.
            grad_kwargs: must be None: no autograd runs here.

        Returns:
            Tensor of the shape of the layer's output (or input); a tuple of tensors if the layer gives
            several; a list with one entry per layer if `layer` was a list. Members that are not
            floating-point tensors are left out.

        Raises:
            InputError: the layer did not run, holds no floating-point tensor there, several output
                numbers per example, `grad_kwargs`, or a `DataParallel` model on several devices.
            NonFiniteError: NaN or infinity among weights or results.
            UnsupportedOpError: an operator on a path has no rule.

        Example:
            >>> import torch
            >>> words = torch.nn.Embedding(5, 4)
            >>> net = torch.nn.Sequential(words, torch.nn.Flatten(), torch.nn.Linear(12, 2))
            >>> LayerSemiringGradient(net, words).attribute(torch.tensor([[1, 3, 2]]), target=1).shape
            torch.Size([1, 3, 4])
        """
        if not isinstance(attribute_to_layer_input, bool):
            raise InputError(
                f"attribute_to_layer_input is {shown(attribute_to_layer_input)}; give True or False."
            )
        if grad_kwargs:
            raise InputError(
                f"grad_kwargs={grad_kwargs!r} are options of torch.autograd.grad, which does not run "
                f"here. Leave them out."
            )
        self._refuse_replicas()
        layers = list(self.layer) if isinstance(self.layer, (list, tuple)) else [self.layer]
        taps = [_Tap(layer) for layer in layers]
        values = checked_inputs(inputs)
        with (
            _hooked(taps, attribute_to_layer_input),
            record(granularity=self._choice.granularity) as tape,
        ):
            score = selected_score(self.forward_func, values, target, additional_forward_args)
        for tap in taps:
            tap.refuse_nothing(attribute_to_layer_input)
        asked = [tensor for tap in taps for tensor in tap.asked]
        joined = self._joins_units()
        results = iter(self._choice.results(tape, score, asked, times_values=self.multiplies_by_inputs))
        found = [
            _format_output(
                len(tap.asked) > 1,
                tuple(self._choice.number(next(results), like, joined) for like in tap.asked),
            )
            for tap in taps
        ]
        return found if isinstance(self.layer, (list, tuple)) else found[0]

    @property
    def choice(self) -> SemiringChoice:
        """Semiring, granularity and level."""
        return self._choice

    @property
    def multiplies_by_inputs(self) -> bool:
        """Whether the unit's activation is a factor of every path."""
        return bool(self._multiply_by_inputs)

    def has_convergence_delta(self) -> bool:
        """False: statistics of paths other than their sum do not add up to a change of the output.

        Example:
            >>> import torch
            >>> net = torch.nn.Sequential(torch.nn.Linear(2, 1))
            >>> LayerSemiringGradient(net, net[0]).has_convergence_delta()
            False
        """
        return False

    def _joins_units(self) -> bool:
        if self.aggregate is not None:
            return self.aggregate
        # Captum replaces the forward function by this class of its own, which is not exported.
        return type(self.forward_func).__name__ == "GradientForwardFunc"

    def _refuse_replicas(self) -> None:
        model = self.forward_func
        if isinstance(model, nn.DataParallel) and len(model.device_ids) > 1:
            raise InputError(
                f"The model is a DataParallel over {len(model.device_ids)} devices, whose replicas cannot "
                f"be recorded. Pass the module inside it: LayerSemiringGradient(model.module, ...)."
            )


class _Tap:
    """Looks at the tensors at one layer while the model runs, and changes nothing.

    Attributes:
        asked: the tensors whose paths are asked for, from the layer's last run.
    """

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer
        self.asked: list[Tensor] = []
        self._ran = False

    def before(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Pre-hook: take the positional tensors or, if there are none, the named ones."""
        self._take(args)
        if not self.asked:
            self._take(kwargs.values())

    def after(self, _module: nn.Module, _args: Any, output: Any) -> None:
        """Forward hook: take a tensor, or the tensors of a tuple, list or mapping."""
        if isinstance(output, Mapping):
            self._take(output.values())
        else:
            self._take(output if isinstance(output, (tuple, list)) else (output,))

    def refuse_nothing(self, at_input: bool) -> None:
        """Say why there is nothing to attribute to, if so."""
        if self.asked:
            return
        name = type(self.layer).__name__
        if not self._ran:
            raise InputError(
                f"The layer {name} did not run when forward_func was called, so it has no units. Pass a "
                f"layer of the model that forward_func runs."
            )
        side = "input" if at_input else "output"
        raise InputError(
            f"The {side} of the layer {name} holds no floating-point tensor (directly or in a tuple). "
            f"Attribute to its {'output' if at_input else 'input'}, or to another layer."
        )

    def _take(self, values: Iterable[Any]) -> None:
        self._ran = True
        # On the tape a copy is the same node; unlike the tensor itself it is not written to in place
        # later on, and it does not stand for what the tensor was before an in-place layer.
        self.asked = [
            value.clone() for value in values if isinstance(value, Tensor) and value.is_floating_point()
        ]


@contextmanager
def _hooked(taps: Sequence[_Tap], at_input: bool) -> Iterator[None]:
    with ExitStack() as stack:
        for tap in taps:
            if at_input:
                handle = tap.layer.register_forward_pre_hook(tap.before, with_kwargs=True)
            else:
                handle = tap.layer.register_forward_hook(tap.after)
            stack.callback(handle.remove)
        yield
