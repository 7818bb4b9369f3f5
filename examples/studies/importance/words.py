"""Every estimate and statistic of words, and their tested effects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, cast

import numpy as np
import pandas as pd
import torch

import semiring_widgets as sw
from examples.studies.importance.activations import attention_words
from examples.studies.importance.measures import Numbers, agreement
from examples.studies.importance.parts import RULES, STEPS
from examples.studies.importance.texts import Asked, load
from semiring_widgets.tasks.agreement_words import PAST, PEOPLE, PREPOSITIONS, THINGS

Key = tuple[str, str, str]
REFERENCES = ("reference", "zero", "mean")
# Beside the references: other words of the same class, drawn at random.
DRAWN = "class draws"
DRAWS = 6
SHARE = 0.2
CAPTUM = ("Saliency", "InputXGradient", "IntegratedGradients", "DeepLift", "GradientShap")


def word_rows(texts: Sequence[Asked], name: str, judged: Sequence[Asked] | None = None) -> pd.DataFrame:
    """All statistics of the words of all texts against the tested effects of the same texts.

    Args:
        texts: what the statistics are of.
        name: of their model.
        judged: what the effects are of, where that is another model.

    Returns:
        Columns kind, text, statistic, rule, against, truth, measure, value.
    """
    truths = [tested(asked, name) for asked in judged or texts]
    rows: list[dict[str, Any]] = []
    for text, asked in enumerate(texts):
        found = {**word_statistics(asked, name, randomised=judged is not None), **_controls(truths, text)}
        found |= {("tested effect", "", by): truths[text][by] for by in REFERENCES}
        for key, numbers in found.items():
            for truth, effects in truths[text].items():
                if key[0] in ("one fixed ranking", "another sentence") and key[2] != truth:
                    continue
                rows += _named(text, key, truth, agreement(numbers, effects))
        if judged is None:
            for truth in REFERENCES:
                rows += _kept_and_lost(asked, found, truth, text)
            rows += _subject_first(asked, found, text)
    return pd.DataFrame(rows).assign(kind="words")


def word_statistics(asked: Asked, name: str, *, randomised: bool = False) -> dict[Key, Numbers]:
    """Numbers of every word of one text.

    Args:
        asked: the text.
        name: of the model.
        randomised: leave out Captum's methods, which `sw.compare` calls on a whole model.
    """
    found: dict[Key, Numbers] = {}
    for rule in RULES:
        tape, score = asked.recorded(rule)
        for by in REFERENCES:
            table = sw.contributions(tape, score, asked.x, asked.reference, kind="tokens", by=by)
            found["contribution at the part", rule, by] = table.contribution.to_numpy(float)
        fused = sw.backprop(tape, score, asked.x, "fused").reduce(-1)
        found["mass", rule, ""] = torch.softmax(fused.log_mass[0].double(), -1).numpy()
        best = fused.log_weight[0].double().numpy()
        found["best path", rule, ""] = best - best.min()
        found["entropy", rule, ""] = fused.entropy[0].double().numpy()
    tape, score = asked.recorded()
    averaged = sw.contributions(tape, score, asked.x, asked.reference, kind="tokens", steps=STEPS)
    found["contribution, 8 steps", "gradient", "reference"] = averaged.contribution.to_numpy(float)
    found |= attention_words(asked)
    if not randomised:
        model, tokenizer = load(name)
        for against, methods in (("reference", CAPTUM), ("zero", CAPTUM[2:4])):
            reference = "zero" if against == "zero" else _word_of(asked)
            more: dict[str, Any] = {"reference": reference, "methods": methods, "metrics": ()}
            table = sw.compare(model, tokenizer, **asked.arguments, **more).to_pandas()
            for method in methods:
                relative = "" if method in ("Saliency", "InputXGradient") else against
                found[f"{method} (Captum)", "", relative] = table[method].to_numpy(float)
    size = len(asked.tokens)
    aim = size if asked.place is None else asked.place
    found["nearness", "", ""] = -np.abs(np.arange(size) - aim) + float(size)
    found["random order", "", ""] = np.random.default_rng(size + asked.ids[0][asked.subject]).random(size)
    kept = np.isin(np.arange(size), asked.words)
    return {key: np.where(kept, numbers, np.nan) for key, numbers in found.items()}


def tested(asked: Asked, name: str) -> dict[str, Numbers]:
    """Effects of every word, NaN for special tokens, by what was put in its place."""
    tape, score = asked.recorded()
    kept = np.isin(np.arange(len(asked.tokens)), asked.words)
    found = {}
    for by in REFERENCES:
        table = sw.effects(tape, score, asked.x, asked.reference, kind="tokens", by=by)
        found[by] = np.where(kept, table.effect.to_numpy(float), np.nan)
    if name != "minilm":
        found[DRAWN] = _drawn(asked, name, tape, score)
    return found


def _drawn(asked: Asked, name: str, tape: sw.Tape, score: torch.Tensor) -> Numbers:
    """Mean |effect| of other words of the same class; NaN for words of no class."""
    table = asked.scored.model.get_input_embeddings()
    generator = np.random.default_rng(asked.ids[0][asked.subject])
    tests: list[Any] = []
    places = []
    for place in asked.words:
        others = _class_of(name, asked.ids[0][place])
        for other in generator.choice(others, DRAWS) if others else ():
            tests.append([({"token": place}, table(torch.tensor([[int(other)]])).detach())])
            places.append(place)
    effects = cast("list[sw.Effect]", sw.test(tape, score, tests, wrt=asked.x))
    found = np.full(len(asked.tokens), np.nan)
    for place in sorted(set(places)):
        own = [abs(one.effect) for one, where in zip(effects, places, strict=True) if where == place]
        found[place] = np.mean(own)
    return found


def _class_of(name: str, word: int) -> list[int]:
    return next((others for others in _classes(name) if word in others), [])


@cache
def _classes(name: str) -> list[list[int]]:
    """Word classes of the grammar, as ids: nouns in either number, prepositions, verbs in the past."""
    tokenizer = load(name)[1]
    nouns = [word for pair in (*PEOPLE, *THINGS) for word in pair]
    classes = [tokenizer.convert_tokens_to_ids(list(words)) for words in (nouns, PREPOSITIONS, PAST)]
    return [[word for word in words if word != tokenizer.unk_token_id] for words in classes]


def _controls(truths: Sequence[dict[str, Numbers]], text: int) -> dict[Key, Numbers]:
    """Effects at the same distance from the end, in all other texts and in the next one."""
    found = {}
    for truth, own in truths[text].items():
        others = [other[truth] for i, other in enumerate(truths) if i != text]
        size = len(own)
        if others:
            longest = max(len(each) for each in (*others, own))
            table = np.full((len(others), longest), np.nan)
            for row, each in zip(table, others, strict=True):
                row[longest - len(each) :] = np.abs(each)
            counts = (~np.isnan(table)).sum(0)
            means = np.where(counts > 0, np.nansum(table, 0) / np.maximum(counts, 1), 0.0)
            found["one fixed ranking", "", truth] = means[longest - size :]
            following = np.nan_to_num(table[text % len(others)])
            found["another sentence", "", truth] = following[longest - size :]
    return found


def _word_of(asked: Asked) -> str:
    """How `sw.compare` calls the reference of this text."""
    return "mean" if asked.reference.var(1).max() < 1e-12 and asked.tokens[0] == "[BOS]" else "mask"


def _named(text: int, key: Key, truth: str, measured: dict[str, float]) -> list[dict[str, Any]]:
    facts = {"text": text, "statistic": key[0], "rule": key[1], "against": key[2], "truth": truth}
    return [{**facts, "measure": measure, "value": value} for measure, value in measured.items()]


# Their sign says which way a unit would have to move, or they have none: ranked by size.
_SIZES = ("mass", "best path", "entropy", "Saliency (Captum)")


def _kept_and_lost(asked: Asked, found: dict[Key, Numbers], by: str, text: int) -> list[dict[str, Any]]:
    """Comprehensiveness, sufficiency, and their difference, as shares of the score."""
    tape, score = asked.recorded()
    keys = [key for key in found if key[2] in ("", by)]
    tests: list[Any] = []
    for key in keys:
        numbers = np.abs(found[key]) if key[0] in _SIZES else found[key]
        order = sorted(asked.words, key=partial(_less, numbers))
        first = max(1, round(SHARE * len(order)))
        tests += [[([{"token": word} for word in chosen], by)] for chosen in (order[:first], order[first:])]
    lost = cast("list[sw.Effect]", sw.test(tape, score, tests, wrt=asked.x, reference=asked.reference))
    rows = []
    for position, key in enumerate(keys):
        fifth, rest = (one.effect / abs(asked.score) for one in lost[2 * position : 2 * position + 2])
        measured = {"comprehensiveness": fifth, "sufficiency": rest, "mark": fifth - rest}
        rows += _named(text, key, by, measured)
    return rows


def _less(numbers: Numbers, word: int) -> float:
    return -float(numbers[word])


def _subject_first(asked: Asked, found: dict[Key, Numbers], text: int) -> list[dict[str, Any]]:
    rows = []
    for key, numbers in found.items():
        largest = min(asked.content, key=partial(_less, np.abs(numbers)))
        measured = {"subject first": float(largest == asked.subject)}
        rows += _named(text, key, key[2] or "any", measured)
    # As often as it is first by chance.
    chance = {"subject first": 1 / len(asked.content)}
    return [*rows, *_named(text, ("chance", "", ""), "any", chance)]
