"""Any Captum method as one number per token.

Captum's methods differ in what they must be told and in what comes back; a table would have to name them
all, so both are read off the method itself:

- *Arguments*: whatever its ``attribute`` accepts of baselines, a feature mask (one feature per token), a
  window (one token), steps and batch sizes small enough for memory.
- *Reduction over the D units of a token*: perturbation methods repeat the token's number D times, so one
  of them is taken (their sum would be D times too large); `Saliency` gives gradients, whose Euclidean norm
  is taken; all others are summed.
"""

from __future__ import annotations

import inspect
import warnings
from copy import copy
from typing import Any

import captum.attr
import torch
from captum.attr import (
    Attribution,
    GradientAttribution,
    GradientShap,
    NoiseTunnel,
    PerturbationAttribution,
    Saliency,
)
from torch import Tensor

from semiring_widgets.attr.gradient import SemiringGradient
from semiring_widgets.attr.layer_gradient import LayerSemiringGradient
from semiring_widgets.attr.problem import Problem
from semiring_widgets.core.semirings import find_semiring
from semiring_widgets.errors import InputError

__all__ = ["CAPTUM_NAMES", "captum_token_scores", "has_sign", "instance_of", "is_ranked_by_size"]

CAPTUM_NAMES = (
    "Saliency",
    "InputXGradient",
    "IntegratedGradients",
    "DeepLift",
    "GradientShap",
    "Occlusion",
    "FeatureAblation",
)

# A twentieth of the change unexplained is more than numerical error, and people should see it.
_INCOMPLETE = 0.05


def instance_of(method: type[Attribution] | Attribution | str, problem: Problem) -> Attribution:
    """The method, bound to the problem; an instance given by the user is copied, not changed."""
    if isinstance(method, str):
        method = getattr(captum.attr, method)
    if isinstance(method, type):
        return method(problem.forward)
    bound = copy(method)
    if isinstance(bound, NoiseTunnel):
        bound.attribution_method = instance_of(bound.attribution_method, problem)
    bound.forward_func = problem.forward
    # DeepLift and its like keep the module under a second name.
    if hasattr(bound, "model"):
        bound.model = problem.forward
    return bound


def has_sign(method: type[Attribution] | Attribution | str) -> bool:
    """Whether the token scores of a method can be negative in a meaningful way."""
    if isinstance(method, str):
        method = getattr(captum.attr, method)
    if isinstance(method, NoiseTunnel):
        return has_sign(method.attribution_method)
    if isinstance(method, (SemiringGradient, LayerSemiringGradient)):
        return find_semiring(method.choice.semiring, method.choice.level).signed
    return not issubclass(method if isinstance(method, type) else type(method), Saliency)


def is_ranked_by_size(method: type[Attribution] | Attribution | str) -> bool:
    """Whether a token ranks by its absolute score: it has no sign, or is a slope that no input multiplies.

    The sign of a slope says which way a unit would have to move, and nothing about the word that is there.
    """
    if isinstance(method, str):
        method = getattr(captum.attr, method)
    if isinstance(method, NoiseTunnel):
        return is_ranked_by_size(method.attribution_method)
    if isinstance(method, type):
        # Captum's property, as it is unless a class says otherwise: not multiplied.
        own: type[Attribution] = method
        local = own.multiplies_by_inputs is Attribution.multiplies_by_inputs
        return issubclass(own, GradientAttribution) and local
    local = isinstance(method, GradientAttribution) and not method.multiplies_by_inputs
    return local or not has_sign(method)


def captum_token_scores(method: Attribution, problem: Problem) -> tuple[Tensor, str | None]:
    """Run a bound method.

    Args:
        method: from `instance_of`.
        problem: what it is asked.

    Returns:
        Scores, shape (T,), and a remark if a complete method's scores miss part of the change from the
        baseline, else None.

    Raises:
        InputError: the attributions do not belong to the tokens.
    """
    core = method.attribution_method if isinstance(method, NoiseTunnel) else method
    if isinstance(core, (SemiringGradient, LayerSemiringGradient)):
        core.aggregate = True
    arguments = _arguments(core, problem)
    with warnings.catch_warnings():
        # DeepLift announces on every call that it hooks the model; it removes the hooks itself.
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks")
        attributions = method.attribute(problem.inputs, **arguments)
    scores = _per_token(core, attributions, problem)
    complete = "return_convergence_delta" in _parameters(core) and "baselines" in arguments
    return scores, _remark(scores, problem.change()) if complete else None


def _arguments(method: Attribution, problem: Problem) -> dict[str, Any]:
    tokens, units = problem.inputs.shape[1:]
    offered = {
        "baselines": problem.baselines,
        "feature_mask": torch.arange(tokens, device=problem.inputs.device)[None, :, None],
        "sliding_window_shapes": (1, units),
        "perturbations_per_eval": 8,
        "n_steps": 50,
        "internal_batch_size": 10,
    }
    if isinstance(method, Saliency):
        offered["abs"] = False
    if isinstance(method, GradientShap):
        offered["n_samples"] = 10
    accepted = _parameters(method)
    return {name: value for name, value in offered.items() if name in accepted}


def _parameters(method: Attribution) -> set[str]:
    return set(inspect.signature(method.attribute).parameters)


def _per_token(method: Attribution, attributions: Any, problem: Problem) -> Tensor:
    tokens = problem.inputs.shape[1]
    if not isinstance(attributions, Tensor) or attributions.shape[:2] != (1, tokens):
        found = list(attributions.shape) if isinstance(attributions, Tensor) else type(attributions)
        raise InputError(
            f"{type(method).__name__} returned {found}, which does not belong to the {tokens} tokens of "
            f"the text. Use a method or a layer whose attributions have the shape (1, {tokens}, units)."
        )
    # Half precision would round the sum; the device may lack float64.
    units: Tensor = attributions.detach().cpu().double().reshape(tokens, -1)
    if isinstance(method, PerturbationAttribution):
        return units[:, 0]
    if isinstance(method, Saliency):
        return units.square().sum(-1).sqrt()
    return units.sum(-1)


def _remark(scores: Tensor, change: float) -> str | None:
    missing = abs(float(scores.sum()) - change)
    if missing <= _INCOMPLETE * abs(change):
        return None
    if change == 0:
        return None
    return f"misses {missing / abs(change):.0%} of the change"
