"""The study of what matters: its figures are what they say, and the choice follows its rule."""

import numpy as np
import pandas as pd
import pytest
import torch

from examples.studies.importance.causal_models import NAMES, accuracy, causal_model
from examples.studies.importance.choice import chosen
from examples.studies.importance.found import figure
from examples.studies.importance.measures import agreement, fixed_ranking, over_texts, paired
from examples.studies.importance.parts import part_statistics
from examples.studies.importance.texts import asked_texts
from semiring_widgets import tasks


@pytest.mark.parametrize("name", NAMES)
def test_the_causal_models_know_agreement(name):
    model, tokenizer = causal_model(name)
    assert accuracy(model, tokenizer, tasks.agreement_pairs(44, seed=303)) > 0.95


def test_agreement_ranks_by_size_and_tells_the_largest():
    effects = np.array([-4.0, 3.0, 2.0, 1.0, np.nan])
    same = agreement(np.array([4.0, -3.0, 2.0, -1.0, 9.0]), effects)
    assert (same["spearman"], same["top 1"], same["top 3"]) == (pytest.approx(1.0), 1.0, 1.0)
    assert same["signed"] < 0
    assert agreement(np.ones(5), effects)["spearman"] == 0.0


def test_a_fixed_ranking_leaves_the_text_itself_out():
    first, second, third = fixed_ranking([np.array([1.0, -9.0]), np.array([3, 1.0]), np.array([5, 3.0])])
    assert first.tolist() == [4.0, 2.0]
    assert second.tolist() == [3.0, 6.0]
    assert third.tolist() == [2.0, 5.0]


def rows_of(values, statistic, text):
    facts = {"statistic": statistic, "rule": "", "against": "", "truth": "zero", "measure": "spearman"}
    return [{**facts, "text": text, "value": value} for value in values]


def test_differences_are_paired_by_text():
    rows = []
    for text, base in enumerate([0.1, 0.5, 0.9]):
        rows += rows_of([base], "one fixed ranking", text) + rows_of([base + 0.05], "mass", text)
    found = over_texts(paired(pd.DataFrame(rows), ["spearman"]), kind="heads")
    told = figure(found, statistic="mass", measure="spearman above control")
    assert (told.mean, told.low, told.high, told.n) == (*[pytest.approx(0.05)] * 3, 3)


def marks_of(**by_statistic):
    rows = [
        {"kind": "heads", "model": model, "statistic": statistic, "rule": rule, "against": "",
         "truth": "zero", "measure": "spearman", "value": value}
        for (statistic, rule), values in by_statistic["marks"].items()
        for model, value in zip(("bert", "gpt2"), values, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


AT = ("contribution at the part", "gradient")


@pytest.mark.parametrize(
    ("marks", "winner"),
    [
        ({AT: (0.8, 0.8), ("mass", "gradient"): (0.9, 0.9)}, ("mass", "gradient")),
        ({AT: (0.8, 0.8), ("mass", "gradient"): (0.81, 0.82)}, AT),  # not by enough
        ({AT: (0.8, 0.8), ("mass", "gradient"): (1.0, 0.5)}, AT),  # not above the control everywhere
        ({AT: (0.5, 0.5), ("mass", "gradient"): (0.5, 0.5)}, None),
        ({AT: (0.5, 0.9), ("mass", "gradient"): (0.7, 0.7)}, ("mass", "gradient")),
        ({AT: (0.8, 0.8), ("tested effect", ""): (1.0, 1.0)}, AT),  # what is measured is no estimate
    ],
)
def test_the_choice_follows_its_rule(marks, winner):
    table = marks_of(marks={**marks, ("one fixed ranking", ""): (0.6, 0.6)})
    assert chosen(table, "heads")[0] == winner


def test_a_model_in_which_tests_reach_nothing_has_no_mark():
    linear = ("contribution at the part", "linear")
    marks = {("tested effect", ""): (0.8, -0.2), ("random order", ""): (-0.5, -0.5), linear: (0.7, -0.3)}
    table = marks_of(marks={**marks, AT: (0.2, -0.6)}).assign(kind="words", measure="mark")
    assert chosen(table, "words")[0] == linear


def test_a_contribution_relative_to_zero_is_gradient_times_activation():
    (asked,) = asked_texts("bert", 1)
    found = part_statistics(asked, captum=False)["heads"]["contribution at the part", "gradient", "zero"]
    seen = []
    dense = [layer.attention.output.dense for layer in asked.scored.model.bert.encoder.layer]
    hooks = [each.register_forward_pre_hook(lambda _, args: seen.append(args[0])) for each in dense]
    slopes = torch.autograd.grad(asked.scored(asked.x.clone().requires_grad_()).sum(), seen)
    for hook in hooks:
        hook.remove()
    by_hand = [(z * s).unflatten(-1, (4, -1)).sum((0, 1, 3)) for z, s in zip(seen, slopes, strict=True)]
    assert found == pytest.approx(torch.cat(by_hand).detach().numpy(), rel=1e-3, abs=1e-5)
