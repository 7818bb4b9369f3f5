"""Circuits found on some sentences and scored on others: f(k), CMD and CPR, and how stable they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from examples.studies.circuits.areas import cmd, cpr, faithfulness, resampled, stability
from examples.studies.circuits.cases import Question, case_of
from examples.studies.circuits.finding import KINDS, RANDOM, Found, found_on
from examples.studies.circuits.rankings import AVERAGED
from semiring_widgets.core.circuits import FRACTIONS, circuit_curves

Numbers = NDArray[np.float64]
STABLE_AT = (0.05, 0.1)
DRAWS = 2000


def circuit_rows(task: str, trained: int, tested: int) -> DataFrame:
    """Everything about circuits of one task.

    Args:
        task: one of `cases.TASKS`.
        trained: how many sentences circuits are found on.
        tested: how many others they are scored on.

    Returns:
        Rows of ``task``, ``of`` (edges, parts), ``ranking``, ``measure``, ``fraction`` (kept), ``sentences``,
        ``value``, ``low`` and ``high`` (95 % interval over sentences). Measures are ``f``, ``CMD``, ``CPR``,
        ``CMD less`` (than that of averaged contributions, on the same resampled sentences) and ``Jaccard``.
    """
    first, second = case_of(task).split(trained, tested)
    rows: list[dict[str, Any]] = []
    for of, found in zip(("edges", "parts"), found_on(first), strict=True):
        count = len(found.rows)
        fractions = FRACTIONS if of == "edges" else tuple(number / count for number in range(count + 1))
        scores, nothing, model = scored(second, found, of, fractions)
        about = {"task": task, "of": of}
        rows += [about | row for row in _areas(scores, nothing, model, fractions)]
        rows += [about | row for row in _stable(found)]
    return DataFrame(rows)


def scored(
    questions: Sequence[Question], found: Found, of: str, fractions: Sequence[float]
) -> tuple[dict[str, Numbers], Numbers, Numbers]:
    """Scores of circuits.

    Returns:
        By ranking (draws, sentences, fractions); with everything replaced, (sentences,); of the model.
    """
    rankings = found.rankings()
    scores = {
        name: np.zeros((len(draws), len(questions), len(fractions))) for name, draws in rankings.items()
    }
    nothing, model = np.zeros(len(questions)), np.zeros(len(questions))
    kind = KINDS if of == "parts" else None
    for number, question in enumerate(questions):
        tape, score = question.record()
        curves = circuit_curves(
            tape,
            score,
            question.x,
            question.reference,
            [by.tolist() for draws in rankings.values() for by in draws],
            fractions=fractions,
            of=of,
            kind=kind,
        )
        places = [(name, draw) for name, draws in rankings.items() for draw in range(len(draws))]
        for (name, draw), curve in zip(places, curves, strict=True):
            scores[name][draw, number] = [one.score for one in curve.circuits]
        nothing[number], model[number] = curve.circuits[0].score_nothing, curve.circuits[0].score_model
    return scores, nothing, model


def _areas(
    scores: Mapping[str, Numbers], nothing: Numbers, model: Numbers, fractions: Sequence[float]
) -> Iterator[dict[str, Any]]:
    chosen = resampled(len(model), DRAWS)
    # All sentences first, then those resampled; the mean over random draws is taken of what they come to.
    every = np.concatenate([np.arange(len(model))[None], chosen])
    drawn = {name: faithfulness(own[:, every], nothing[every], model[every]) for name, own in scores.items()}
    base = cmd(fractions, drawn[AVERAGED.name]).mean(0)
    for name, f in drawn.items():
        measured = {"CMD": cmd(fractions, f), "CPR": cpr(fractions, f), "CMD less": cmd(fractions, f) - base}
        for measure, values in measured.items():
            yield _row(name, measure, values.mean(0), len(model))
        for place, fraction in enumerate(fractions):
            yield _row(name, "f", f[..., place].mean(0), len(model)) | {"fraction": round(fraction, 4)}


def _row(ranking: str, measure: str, values: Numbers, sentences: int) -> dict[str, Any]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {
        "ranking": ranking,
        "measure": measure,
        "fraction": np.nan,
        "sentences": sentences,
        "value": float(values[0]),
        "low": float(low),
        "high": float(high),
    }


def _stable(found: Found) -> Iterator[dict[str, Any]]:
    """Jaccard indices of circuits from two resampled sets of sentences."""
    sentences, count = next(iter(found.numbers.values())).shape
    control = np.random.default_rng(0).random((sentences, count))
    for name, numbers in {**found.numbers, RANDOM: control}.items():
        for fraction in STABLE_AT:
            for size in (sentences // 4, sentences // 2, sentences):
                values = stability(numbers, max(1, int(fraction * count)), size)
                row = _row(name, "Jaccard", np.concatenate([[values.mean()], values]), size)
                yield row | {"fraction": fraction}
