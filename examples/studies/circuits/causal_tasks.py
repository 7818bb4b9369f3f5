"""The two tasks of causal models: what they read, what is right, and which sentences are for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from transformers import PreTrainedTokenizerFast

import semiring_widgets as sw
from examples.studies.circuits.tokens import word_tokenizer
from semiring_widgets.tasks import Prompt, YearSpan

SEED = 0
# The last sentences of the fixed list are never trained on.
HELD_OUT = 600
_HOW_MANY = {"greater-than": 12_000, "indirect object": 14_000}
CAUSAL_TASKS = tuple(_HOW_MANY)


@dataclass(frozen=True)
class CausalTask:
    """A task and the tokenizer of its words.

    Attributes:
        name: of the task.
        trained: the sentences that the model is trained on.
        held_out: the others.
        tokenizer: knows all words of both.
    """

    name: str
    trained: Sequence[Prompt]
    held_out: Sequence[Prompt]
    tokenizer: PreTrainedTokenizerFast


@cache
def causal_task(name: str) -> CausalTask:
    """One of `CAUSAL_TASKS`."""
    prompts = _written(name, _HOW_MANY[name])
    texts = [text for prompt in prompts for text in (prompt.text, prompt.counterfactual or "")]
    answers = [word for prompt in prompts for word in (*right_words(prompt), *wrong_words(prompt))]
    return CausalTask(name, prompts[:-HELD_OUT], prompts[-HELD_OUT:], word_tokenizer([*texts, *answers]))


def _written(name: str, n: int) -> Sequence[Prompt]:
    if name == "greater-than":
        return sw.tasks.greater_than(n, seed=SEED, joined=False)
    return sw.tasks.indirect_object(n, seed=SEED)


def right_words(prompt: Prompt) -> tuple[str, ...]:
    """All that is right: of a span of years every later one, else the target."""
    return prompt.right if isinstance(prompt, YearSpan) else (prompt.target,)


def wrong_words(prompt: Prompt) -> tuple[str, ...]:
    """All that is wrong: of a span of years every other one, else the contrast."""
    return prompt.wrong if isinstance(prompt, YearSpan) else (prompt.contrast,)
