"""A task with a model that solves it: sentences become recordings with a score and a counterfactual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import semiring_widgets as sw
from examples.studies.circuits.causal_tasks import CAUSAL_TASKS, causal_task, right_words, wrong_words
from examples.studies.circuits.tokens import numbers_of
from examples.studies.circuits.training import load_model
from semiring_widgets.tasks import Prompt

TASKS = ("agreement", *CAUSAL_TASKS)
# All but the two kinds that the embedded model's own grammar does not have.
_KINDS = [
    kind
    for kind in sw.tasks.AGREEMENT_KINDS
    if kind not in ("within_object_relative_clause", "sentential_complement")
]
# More sentences than are ever asked for, as those which the model gets wrong are left out.
_DRAWN = 200


@dataclass(frozen=True, eq=False)
class Question:
    """One sentence, as a model reads it.

    The score is the mean logit of the right words minus that of the wrong ones, at the asked place.

    Attributes:
        text: what it reads.
        model: that reads it.
        x: its embedded words, (1, tokens, units).
        reference: those of the counterfactual.
        place: at which token the model is asked.
        right: numbers of the right words.
        wrong: numbers of the wrong words.
    """

    text: str
    model: PreTrainedModel
    x: Tensor
    reference: Tensor
    place: int
    right: tuple[int, ...]
    wrong: tuple[int, ...]

    def score(self, embedded: Tensor) -> Tensor:
        """The score of embedded words: one number for each example, (examples,)."""
        return self.score_of(self.model(inputs_embeds=embedded).logits)

    def score_of(self, logits: Tensor) -> Tensor:
        """The score of logits (examples, tokens, words): one number for each example, (examples,)."""
        logits = logits[:, self.place]
        return logits[:, list(self.right)].mean(-1) - logits[:, list(self.wrong)].mean(-1)

    def record(self) -> tuple[sw.Tape, Tensor]:
        """A recording and its score, with the counterfactual as its reference."""
        with sw.record(reference=self.reference) as tape:
            score = self.score(self.x)
        return tape, score


@dataclass(frozen=True, eq=False)
class Case:
    """A task with a model that solves it.

    Attributes:
        task: one of `TASKS`.
        questions: held-out sentences that the model gets right, in a fixed order.
        accuracy: the share of those drawn that it gets right.
    """

    task: str
    questions: Sequence[Question]
    accuracy: float

    def split(self, trained: int, tested: int) -> tuple[Sequence[Question], Sequence[Question]]:
        """Sentences that circuits are found on, and others that they are scored on."""
        if trained + tested > len(self.questions):
            raise ValueError(f"{self.task} has {len(self.questions)} questions, not {trained + tested}")
        return self.questions[:trained], self.questions[trained : trained + tested]


@cache
def case_of(task: str) -> Case:
    """The case of a task; its model is the embedded one for agreement, else one that was trained here."""
    every = list(_masked() if task == "agreement" else _causal(task))
    with torch.no_grad():
        solved = [question for question in every if float(question.score(question.x)) > 0]
    return Case(task, solved, len(solved) / len(every))


def _masked() -> Iterator[Question]:
    model, tokenizer = sw.load_demo()
    for prompt in sw.tasks.agreement_pairs(_DRAWN, kinds=_KINDS, seed=1):
        texts = prompt.masked(tokenizer.mask_token), prompt.counterfactual or ""
        yield from _question(prompt, model, tokenizer, texts)


def _causal(task: str) -> Iterator[Question]:
    model, tokenizer = load_model(task), causal_task(task).tokenizer
    for prompt in causal_task(task).held_out[:_DRAWN]:
        yield from _question(prompt, model, tokenizer, (prompt.prefix, prompt.counterfactual_prefix or ""))


def _question(
    prompt: Prompt, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: tuple[str, str]
) -> Iterator[Question]:
    """One question; none where a word is spelled, so that text and counterfactual do not fit each other."""
    ids, other = (tokenizer(text, return_tensors="pt").input_ids for text in texts)
    right, wrong = (
        tuple(numbers_of(tokenizer, words)) for words in (right_words(prompt), wrong_words(prompt))
    )
    mask = tokenizer.mask_token_id
    place = ids.shape[1] - 1 if mask is None else ids[0].tolist().index(mask)
    if ids.shape == other.shape and tokenizer.unk_token_id not in (*right, *wrong):
        x, x0 = (model.get_input_embeddings()(one).detach() for one in (ids, other))
        yield Question(texts[0], model, x, x0, place, right, wrong)
