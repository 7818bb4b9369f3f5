"""What is asked: of the model one number (`Question`), of its paths what shall be told (the options).

Here is the one list of the arguments that `semiring_widgets.explain` and `compare` take. The two spell them
out once more, with a line for each; everything below them passes these objects on, and everything beside them
(the widgets, the command line, the cell magic) reads names, defaults and words from here.

>>> [name for name in signature_of(CompareOptions).parameters][:5]
['model', 'tokenizer', 'text', 'target', 'contrast']
>>> taken(CompareOptions, ("Two keys",), {"contrast": "is", "top_k": 2})[1].top_k
2
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ParamSpec, TypeVar, cast

from semiring_widgets.vocabulary import GRANULARITIES, LEVELS, METRICS, RANKINGS, RULES

__all__ = [
    "CompareOptions",
    "ExplainOptions",
    "PathOptions",
    "Question",
    "signature_of",
    "taken",
    "with_arguments_of",
]

P = ParamSpec("P")
R = TypeVar("R")
Options = TypeVar("Options", bound="PathOptions")


@dataclass(frozen=True)
class Question:
    """One number that a model gives to a text; see `semiring_widgets.explain` for each field.

    What can be said in words has arguments of argparse's ``add_argument`` as its metadata, here and in the
    options.
    """

    text: str | tuple[str, str] | Sequence[Mapping[str, str]]
    target: str | int | Sequence[int] | None = field(
        default=None,
        metadata={
            "help": "the answer to explain: a word, several, or id:N for token N; default: the model's own",
            "metavar": "WORD",
        },
    )
    contrast: str | int | Sequence[int] | None = field(
        default=None, metadata={"help": "the answer it is compared with: a word, or id:N", "metavar": "WORD"}
    )
    position: int | None = field(
        default=None,
        metadata={
            "help": "where the model is asked; default: mask token or end",
            "metavar": "N",
            "type": int,
        },
    )
    score: Callable[[Any], Any] | None = None
    generate: int | None = field(
        default=None,
        metadata={
            "help": "instead of a target: so many pieces of the model's own continuation",
            "metavar": "N",
            "type": int,
        },
    )
    piece: int | None = field(
        default=None,
        metadata={
            "help": "of a target of several pieces only this one, from 0, given those before it",
            "metavar": "N",
            "type": int,
        },
    )
    add_special_tokens: bool = field(
        default=True,
        metadata={"help": "the tokenizer adds no [CLS] or </s> of its own; the text brings them along"},
    )


@dataclass(frozen=True)
class PathOptions:
    """Which paths are counted, what the text is compared with, and what that may cost."""

    granularity: str = field(
        default="primitive", metadata={"help": "which graph is counted", "choices": GRANULARITIES}
    )
    rules: Any = field(
        default="gradient",
        metadata={"help": "which number an edge of the graph carries", "choices": RULES},
    )
    level: str = field(default="unit", metadata={"help": "level of the maxima", "choices": LEVELS})
    max_memory: int | None = field(
        default=None,
        metadata={
            "help": "what this may take beside the model, such as 500MB or 2GB; default: no limit",
            "metavar": "SIZE",
        },
    )
    through: Any = field(
        default=(),
        metadata={
            "help": "only paths through this part, or all parts of a list, as JSON: "
            """'{"layer": 3, "head": 2}'; in a notebook also a variable""",
            "metavar": "JSON",
        },
    )
    avoiding: Any = field(
        default=(),
        metadata={"help": "only paths that touch none of these parts, as for --through", "metavar": "JSON"},
    )
    leaving_skip: bool = field(
        default=False,
        metadata={"help": "only paths that go through some attention or feed-forward part"},
    )
    reference: Any = field(
        default=None,
        metadata={
            "help": "what stands in for a part to see what it does: mask (the default where the tokenizer "
            "has a mask token), mean, zero, or a second text; in a notebook also a variable with a tensor",
            "metavar": "TEXT",
        },
    )


@dataclass(frozen=True)
class ExplainOptions(PathOptions):
    """What `semiring_widgets.explain` shall tell of the paths."""

    semiring: Any = field(
        default=None,
        metadata={
            "help": "one more statistic of the paths: variance, hops, kbest, ...; in a notebook also a "
            "variable that holds a semiring",
            "metavar": "NAME",
        },
    )
    paths: int = field(
        default=10, metadata={"help": "how many routes to list (%(default)s)", "metavar": "K", "type": int}
    )
    rankings: str | Sequence[str] = RANKINGS


@dataclass(frozen=True)
class CompareOptions(PathOptions):
    """What `semiring_widgets.compare` shall put side by side."""

    methods: Any = field(
        default=None,
        metadata={
            "help": "Captum and path methods by name; default: a choice",
            "nargs": "+",
            "metavar": "METHOD",
        },
    )
    metrics: Any = field(
        default=None,
        metadata={
            "help": "yardsticks of the methods; default: all but sensitivity, which takes long",
            "nargs": "*",
            "choices": METRICS,
        },
    )
    top_k: int = field(
        default=3,
        metadata={"help": "tokens that the overlap looks at (%(default)s)", "metavar": "K", "type": int},
    )


# Of the question, what may be given without its name.
_BY_PLACE = ("text", "target", "contrast", "position")


def signature_of(options: type[PathOptions]) -> inspect.Signature:
    """The arguments of a function that asks: model, tokenizer, a question, and options.

    Args:
        options: the class of the options.
    """
    parameters = [
        inspect.Parameter(
            part.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD
            if part.name in _BY_PLACE
            else inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if part.default is MISSING else part.default,
            annotation=part.type,
        )
        for part in (*fields(Question), *fields(options))
    ]
    first = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="Any")
        for name in ("model", "tokenizer")
    ]
    return inspect.Signature([*first, *sorted(parameters, key=lambda parameter: parameter.kind)])


def taken(
    options: type[Options], arguments: Sequence[Any], named: Mapping[str, Any]
) -> tuple[Question, Options]:
    """Question and options from the arguments of a call, without model and tokenizer.

    Args:
        options: the class of the options.
        arguments: those given by place, from the text on.
        named: those given by name.

    Raises:
        TypeError: an argument is missing, unknown or there twice, as with any function.
    """
    given = signature_of(options).bind(None, None, *arguments, **named).arguments
    asked = {part.name for part in fields(Question)}
    del given["model"], given["tokenizer"]
    return (
        Question(**{name: value for name, value in given.items() if name in asked}),
        options(**{name: value for name, value in given.items() if name not in asked}),
    )


def with_arguments_of(
    public: Callable[[], Callable[P, Any]], options: type[PathOptions]
) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Decorates a function that takes what a public one does, so that editors and ``help`` can tell.

    Args:
        public: gives the public function; for the type checker, never called: it may need torch.
        options: the class of its options.
    """

    def decorated(function: Callable[..., R]) -> Callable[P, R]:
        vars(function)["__signature__"] = signature_of(options)
        return cast(Callable[P, R], function)

    return decorated
