"""The attribution methods that a comparison knows, by name.

First of all stands the yardstick, relative to the reference of the comparison:

| name            | number per token                                                                 |
|-----------------|----------------------------------------------------------------------------------|
| `tested effect` | score - score with this token given the reference, measured                      |
| `contribution`  | its first order: sum of all paths from the token's units, times input - reference |
| `contribution (linear)` | the same with edges weighed by these rules; also secant, lrp, gim         |

Beside Captum's methods stand statistics of the paths that lead from the units of a token to the score:

| name           | semiring  | number per token                                             |
|----------------|-----------|--------------------------------------------------------------|
| `path sum`     | `sum`     | Euclidean norm of the gradient (so it repeats `Saliency`)    |
| `path mass`    | `abs`     | share of the mass (sum of all abs(path weight)), 0-1         |
| `best path`    | `max`     | weight of the path with the largest abs(weight), signed      |
| `path entropy` | `entropy` | entropy of p(path) ∝ abs(path weight), in nats               |
| `path count`   | `count`   | log(1 + number of paths), in nats                            |
| `path spread`  | `variance` | variance of the log abs(path weight), in nats²              |
| `path reach`   | `boolean` | 1 where any path leads to the score, else 0                  |
| `path length`  | `hops`    | mean number of attentions that a path takes                  |
| `best paths`   | `kbest`   | log of the sum of the five largest abs(path weight), in nats |

and any other built-in semiring as "path" and its name, and any object of a class derived from `Semiring`: its
`Semiring.plain` number, 0 where there is no path.

All but the first join the units of a token by the semiring's own plus. The plain sum of a gradient over
the units would be zero for every model that normalises its embeddings (a layer norm ignores a shift of
all units), and a table of rounding errors; hence the norm.

Entropies and counts are comparable only within one granularity, which every result carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from captum.attr import Attribution, NoiseTunnel
from torch import Tensor

from semiring_widgets.attr.captum_methods import (
    CAPTUM_NAMES,
    captum_token_scores,
    has_sign,
    instance_of,
    is_ranked_by_size,
)
from semiring_widgets.attr.gradient import SemiringGradient
from semiring_widgets.attr.layer_gradient import LayerSemiringGradient
from semiring_widgets.attr.problem import Problem
from semiring_widgets.attr.readout import readout_of
from semiring_widgets.attr.semiring_choice import SemiringChoice
from semiring_widgets.checks import shown
from semiring_widgets.core import Result
from semiring_widgets.core.semirings import NAMED, Hops, Semiring, find_semiring
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import RULES

__all__ = ["DEFAULT_NAMES", "TESTED", "Method", "MethodLike", "method_names", "resolve"]

MethodLike: TypeAlias = str | Semiring | type[Attribution] | Attribution | Callable[..., Tensor]

TESTED = "tested effect"
# The others only by name: with windows of one token FeatureAblation is Occlusion, path sum is Saliency, and
# the number of paths is nearly the same for all tokens.
DEFAULT_NAMES = (
    TESTED,
    *("contribution", "contribution (linear)"),
    *(name for name in CAPTUM_NAMES if name != "FeatureAblation"),
    *("path mass", "best path", "path entropy"),
)


@dataclass(frozen=True)
class Method:
    """One method, ready to be asked.

    Attributes:
        name: unique within a comparison.
        family: ``"tested"`` for tested effects, ``"semiring"`` for statistics of paths, ``"captum"`` for
            Captum and functions used like it.
        signed: whether its scores have a meaningful sign.
        by_size: whether words are ranked by absolute score, see `semiring_widgets.attr.yardsticks`.
        counts_paths: whether it depends on granularity and level.
        of_some_paths: whether it counts the paths that the comparison is about, where that is not all.
        ask: gives the scores, shape (T,), and a remark for the screen or None.
        granularity: for methods with a granularity of their own; None means the comparison's.
        level: likewise.
        rules: likewise.
    """

    name: str
    family: str
    signed: bool
    ask: Callable[[Problem], tuple[Tensor, str | None]]
    by_size: bool = False
    counts_paths: bool = False
    of_some_paths: bool = False
    granularity: str | None = None
    level: str | None = None
    rules: str | None = None


def method_names() -> tuple[str, ...]:
    """All names that `resolve` knows."""
    return (*_RELATIVE, *CAPTUM_NAMES, *map(_method_name, NAMED.values()))


def _method_name(semiring: Semiring | type[Semiring]) -> str:
    return semiring.method or f"path {semiring.name}"


def resolve(
    methods: MethodLike | Sequence[MethodLike] | Mapping[str, MethodLike] | None,
) -> tuple[Method, ...]:
    """The methods meant by the user.

    Args:
        methods: None for `DEFAULT_NAMES`. Else one or several of: a name (case does not matter; a
            semiring's name means its path method), a `Semiring` object, a Captum class, a Captum instance
            (its settings are kept, its forward function is replaced), or a function
            ``f(forward, inputs_embeds, baseline_embeds)`` that returns one number per token or per unit.
            A mapping gives them names.

    Returns:
        Methods with unique names, in the order given.

    Raises:
        InputError: an unknown name, something that is no method, or none at all.
    """
    if methods is None:
        methods = DEFAULT_NAMES
    if isinstance(methods, Mapping):
        found = [replace(_method(method), name=name) for name, method in methods.items()]
    elif isinstance(methods, str) or not isinstance(methods, Sequence):
        found = [_method(methods)]
    else:
        found = [_method(method) for method in methods]
    if not found:
        raise InputError(f"No method was given. Choose from {', '.join(method_names())}.")
    return _uniquely_named(found)


def _method(method: Any) -> Method:
    if isinstance(method, str):
        return _named(method)
    if isinstance(method, Semiring):
        return _of_semiring(method)
    if isinstance(method, type) and issubclass(method, Semiring):
        raise InputError(f"{method.__name__} is a class; pass an object of it: {method.__name__}(...).")
    if isinstance(method, Attribution) or (isinstance(method, type) and issubclass(method, Attribution)):
        return _captum(method)
    if callable(method):
        return Method(getattr(method, "__name__", type(method).__name__), "captum", True, _Function(method))
    raise InputError(
        f"{shown(method)} is no attribution method. Pass a name ({', '.join(method_names())}), a Semiring "
        f"object, a Captum class or instance, or a function f(forward, inputs_embeds, baseline_embeds)."
    )


def _named(name: str) -> Method:
    wanted = name.strip().casefold().replace("_", " ")
    if wanted in _RELATIVE:
        return _RELATIVE[wanted]
    for key, semiring in NAMED.items():
        shown_name = _method_name(semiring)
        if wanted in {known.replace("_", " ") for known in (shown_name, key, f"path {key}")}:
            # A norm or a share of the units of a token has no sign.
            signed = semiring.signed and key not in _PER_TOKEN
            return _statistic(shown_name, signed, _PathStatistic(key))
    for captum_name in CAPTUM_NAMES:
        if wanted == captum_name.casefold():
            return _captum(captum_name)
    raise InputError(
        f"There is no attribution method {shown(name)}. Choose from {', '.join(method_names())}; or pass a "
        f"Captum class or instance, or a function f(forward, inputs_embeds, baseline_embeds)."
    )


def _of_semiring(semiring: Semiring) -> Method:
    find_semiring(semiring)
    if NAMED.get(semiring.name) is type(semiring):
        return _named(semiring.name)
    readout_of(semiring, None)
    statistic = _PathStatistic(semiring)
    return _statistic(_method_name(semiring), semiring.signed, statistic)


def _statistic(name: str, signed: bool, ask: Callable[[Problem], tuple[Tensor, str | None]]) -> Method:
    """A statistic of paths; the sign of one is that of a slope."""
    return Method(name, "semiring", signed, ask, by_size=True, counts_paths=True, of_some_paths=True)


def _captum(method: str | type[Attribution] | Attribution) -> Method:
    def ask(problem: Problem) -> tuple[Tensor, str | None]:
        return captum_token_scores(instance_of(method, problem), problem)

    core = method.attribution_method if isinstance(method, NoiseTunnel) else method
    if isinstance(method, str):
        name = method
    else:
        name = method.__name__ if isinstance(method, type) else type(core).__name__
    if core is not method:
        name = f"NoiseTunnel({name})"
    if isinstance(core, (SemiringGradient, LayerSemiringGradient)):
        choice = core.choice
        semiring = choice.semiring
        name = f"{name}({semiring if isinstance(semiring, str) else semiring.name})"
        return Method(
            name,
            "semiring",
            has_sign(method),
            ask,
            by_size=is_ranked_by_size(method),
            counts_paths=True,
            granularity=choice.granularity,
            level=choice.level,
        )
    return Method(name, "captum", has_sign(method), ask, by_size=is_ranked_by_size(method))


@dataclass(frozen=True)
class _PathStatistic:
    semiring: str | Semiring

    def __call__(self, problem: Problem) -> tuple[Tensor, str | None]:
        if self.semiring == Hops.name:
            return problem.lengths().reduce(-1).length[0], None
        choice = SemiringChoice(self.semiring, problem.options.granularity, problem.options.level)
        result = problem.paths(choice)
        if isinstance(self.semiring, str) and self.semiring in _PER_TOKEN:
            return _PER_TOKEN[self.semiring](result), None
        return choice.number(result.reduce(-1), problem.inputs, aggregate=False)[0], None


def _tested(problem: Problem) -> tuple[Tensor, str | None]:
    return torch.from_numpy(problem.replacing.effects), None


@dataclass(frozen=True)
class _Contribution:
    """Slope times input minus reference.

    Attributes:
        rules: by which edges are weighed; None for the comparison's.
    """

    rules: str | None = None

    def __call__(self, problem: Problem) -> tuple[Tensor, str | None]:
        asked = problem if self.rules is None else problem.under(self.rules)
        options = asked.options
        slopes = asked.paths(SemiringChoice("sum", options.granularity, options.level)).value
        change = asked.inputs.detach() - asked.baselines
        return (slopes[0].double() * change[0].double()).sum(-1), None

    def named(self) -> Method:
        """The method of a table."""
        name = "contribution" if self.rules is None else f"contribution ({self.rules})"
        return Method(name, "semiring", True, self, counts_paths=True, of_some_paths=True, rules=self.rules)


# Relative to the reference of the comparison, by name.
_RELATIVE: dict[str, Method] = {
    method.name: method
    for method in (
        Method(TESTED, "tested", True, _tested),
        *(_Contribution(rules).named() for rules in (None, *(name for name in RULES if name != "gradient"))),
    )
}


def _norm(result: Result) -> Tensor:
    return result.value[0].double().square().sum(-1).sqrt()


def _share(result: Result) -> Tensor:
    # The mass itself overflows in deep models; shares order the tokens just the same.
    return torch.softmax(result.reduce(-1).log_mass[0].double(), dim=-1)


# Where joining the units of a token would tell nothing, or give no finite number.
_PER_TOKEN: dict[str, Callable[[Result], Tensor]] = {"sum": _norm, "abs": _share}


@dataclass(frozen=True)
class _Function:
    function: Callable[..., Any]

    def __call__(self, problem: Problem) -> tuple[Tensor, str | None]:
        tokens = problem.inputs.shape[1]
        scores = self.function(problem.forward, problem.inputs, problem.baselines)
        if not isinstance(scores, Tensor):
            scores = torch.as_tensor(scores)
        if scores.ndim > 1 and scores.shape[0] == 1:
            scores = scores[0]
        if scores.ndim not in {1, 2} or scores.shape[0] != tokens:
            raise InputError(
                f"The method returned the shape {list(scores.shape)} for {tokens} tokens. Return one number "
                f"per token, shape ({tokens},), or per unit, shape (1, {tokens}, units)."
            )
        return (scores if scores.ndim == 1 else scores.sum(-1)).detach(), None


def _uniquely_named(methods: list[Method]) -> tuple[Method, ...]:
    taken: set[str] = set()
    unique = []
    for method in methods:
        name, number = method.name, 2
        while name in taken:
            name, number = f"{method.name} ({number})", number + 1
        taken.add(name)
        unique.append(replace(method, name=name))
    return tuple(unique)
