"""Which heads does a gradient overlook? What every method suspects, part by part, of one sentence.

A part is a head's output, query or key, at all tokens. It is given its value under the counterfactual (or
zero); D is the difference, b the total derivative of the score by a unit, |b| the mass: the sum of the
absolute weights of all paths from the unit to the score. With sums over the units of a part,

    contribution C = sum D b        mass M = sum |D| |b|        spread S = sum |D b|

so that |C| <= S <= M. What cancels between units is S - |C|, what cancels between paths as well M - |C|.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import semiring_widgets as sw
from examples.studies.circuits.attribution_patching import Patching
from examples.studies.circuits.captured import Place, anatomy_of, captured
from examples.studies.circuits.cases import Question
from examples.studies.circuits.rankings import Method

Numbers = NDArray[np.float64]
Suspicion = dict[str, Numbers]
# What is looked at together: heads' outputs; their queries and keys.
GROUPS: dict[str, tuple[str, ...]] = {"outputs": ("output",), "queries and keys": ("query", "key")}
STEPS = 5
EFFECT, CONTRIBUTION = "tested effect", "|contribution| (AtP)"


def suspects(question: Question, group: str, by: str = "counterfactual", seed: int = 0) -> Suspicion:
    """What each method says of every part of a group, larger for more; (parts,), by method.

    Args:
        question: a sentence.
        group: one of `GROUPS`.
        by: what a part is given: ``"counterfactual"`` or ``"zero"``.
        seed: of the random control.
    """
    anatomy = anatomy_of(question.model)
    whats = GROUPS[group]
    with torch.no_grad():
        _, given = captured(anatomy, lambda: question.score(question.reference))
    if by == "zero":
        given = {place: torch.zeros_like(value) for place, value in given.items()}
    patching = Patching(anatomy, question.score, question.x, given)
    places = [(layer, what) for what in whats for layer in range(anatomy.layers)]

    def listed(parts: Mapping[Place, Tensor]) -> Numbers:
        return torch.cat([parts[place] for place in places]).abs().double().numpy()

    contribution = listed(patching.attribution())
    layers = _layers(places, anatomy.heads)
    drawn = np.random.default_rng(seed).random(len(layers))
    # Of two controls only parts of small contribution come first, as by anything that subtracts it.
    small = (contribution <= np.median(contribution)) * 100.0
    found = {
        EFFECT: listed(patching.effects()),
        CONTRIBUTION: contribution,
        "averaged steps": listed(patching.averaged(question.reference, STEPS)),
        "GradDrop": listed(patching.without_layers()),
        "random": drawn,
        "random, of small |contribution|": small + drawn,
        "first layer first": -layers,
        "first layer first, of small |contribution|": small - layers,
    }
    if "query" in whats:
        found["QK fix"] = listed(patching.attribution(qk_fix=True))
        found["AtP* (QK fix, GradDrop)"] = listed(patching.without_layers(qk_fix=True))
    if by == "counterfactual":
        for rule in ("secant", "gim"):
            found[rule] = _by_rule(question, rule, whats)
    return found | _cancelled(question, patching, places)


def share(values: Numbers) -> Numbers:
    """Of the sum over all parts; 0 where all are 0."""
    total = values.sum()
    return values / total if total else values


def cancellations(
    contribution: Numbers, spread: Numbers, log_mass: Numbers, entropy: Numbers, layer: Numbers
) -> Suspicion:
    """How much cancels, by several definitions.

    Args:
        contribution: |C|, (parts,).
        spread: S.
        log_mass: log M; -inf where there is no path.
        entropy: of the paths of the part, each as heavy as |D| times its weight, in nats.
        layer: of the part.

    Returns:
        By name. ``mass - |contribution|``: shares, M / sum M - |C| / sum |C|; the same with ``mass x
        entropy``, and with shares ``within the layer``, as mass grows by orders of magnitude from layer to
        layer down; ``1 - |contribution| / mass``, told by log M - log |C|, which has the same order and does
        not round to 1; ``spread - |contribution|`` in logits and ``1 - |contribution| / spread``; and
        ``mass`` alone.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = share(np.exp(log_mass - log_mass.max()))
        unlike = np.nan_to_num(log_mass - np.log(contribution), nan=-np.inf)
        apart = np.nan_to_num(1 - contribution / spread)
    own, within = share(contribution), np.zeros_like(contribution)
    for one in np.unique(layer):
        here = layer == one
        within[here] = share(np.exp(log_mass[here] - log_mass[here].max())) - share(contribution[here])
    return {
        "mass": mass,
        "mass - |contribution|": mass - own,
        "mass - |contribution|, within the layer": np.nan_to_num(within),
        "mass x entropy - |contribution|": share(mass * entropy) - own,
        "1 - |contribution| / mass": unlike,
        "spread - |contribution|": spread - contribution,
        "1 - |contribution| / spread": apart,
    }


def _cancelled(question: Question, patching: Patching, places: list[Place]) -> Suspicion:
    anatomy = patching.anatomy
    with sw.record() as tape:
        score, seen = captured(anatomy, lambda: question.score(question.x))
    tensors = [seen[place] for place in places]
    slopes = sw.backprop(tape, score, tensors)
    paths = sw.backprop(tape, score, tensors, "entropy")
    contribution, spread, log_mass, entropy = [], [], [], []
    for place, value, slope, path in zip(places, tensors, slopes, paths, strict=True):
        moved = (value - patching.given[place]).double()
        product = moved * slope.value
        contribution.append(patching.by_head(product).abs())
        spread.append(patching.by_head(product.abs()))
        # Of the distribution over units and their paths: H = sum p (own entropy - log p).
        logs = _by_head(path.log_mass.double() + moved.abs().log(), anatomy.heads)
        total = logs.logsumexp(1)
        p = (logs - total[:, None]).exp()
        inner = _by_head(path.entropy.double(), anatomy.heads)
        entropy.append(torch.where(p > 0, p * (inner - (logs - total[:, None])), 0.0).sum(1))
        log_mass.append(total)
    return cancellations(
        contribution=torch.cat(contribution).numpy(),
        spread=torch.cat(spread).numpy(),
        log_mass=torch.cat(log_mass).numpy(),
        entropy=torch.cat(entropy).numpy(),
        layer=_layers(places, anatomy.heads),
    )


def _layers(places: list[Place], heads: int) -> Numbers:
    return np.repeat([float(layer) for layer, _ in places], heads)


def _by_head(values: Tensor, heads: int) -> Tensor:
    """(1, tokens, units) -> (heads, tokens x units of a head)."""
    apart: Tensor = values[0].unflatten(-1, (heads, -1)).transpose(0, 1).flatten(1)
    return apart


def _by_rule(question: Question, rule: str, whats: tuple[str, ...]) -> Numbers:
    """Contributions by another rule: what leaves a head along all edges, or arrives at its query or key.

    Under secant slopes what arrives is the slope behind times the whole change of the query or key.
    """
    edges = Method(rule, rules=rule).edges(question)
    found = []
    for what in whats:
        end = "source" if what == "output" else "target"
        own = edges[edges[f"{end}_kind"] == "head"]
        if what != "output":
            own = own[own["branch"] == what]
        found.append(own.groupby([f"{end}_layer", f"{end}_head"])["number"].sum().abs().to_numpy(dtype=float))
    return np.concatenate(found)
