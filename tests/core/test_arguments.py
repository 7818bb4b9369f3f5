"""Arguments that cannot be used are refused with a sentence that says what to give."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.semirings import KBest, Product


@pytest.fixture(scope="module")
def question():
    x = torch.tensor([1.0, 2.0])
    with sw.record() as tape:
        score = (x * x).sum()
    return tape, score, x


@pytest.mark.parametrize("number", [0, -1, 1.5, "3", None])
@pytest.mark.parametrize("call", [
    lambda question, k: sw.top_paths(*question, k=k),
    lambda question, k: sw.sample_paths(*question, n=k),
    lambda question, k: sw.top_routes(*question, k=k),
    lambda question, k: sw.select_paths(*question).top_paths(k),
    lambda question, k: KBest(k),
    lambda question, k: sw.explain(*sw.load_demo(), "The keys [MASK] on the table.", paths=k),
    lambda question, k: sw.compare(*sw.load_demo(), "The keys [MASK] on the table.", top_k=k),
])  # fmt: skip
def test_numbers(question, call, number):
    with pytest.raises(InputError, match=r"give a whole number, 1 or more"):
        call(question, number)


@pytest.mark.parametrize(("call", "words"), [
    (lambda question: sw.backprop(*question, semiring=["sum"]), "choose one of"),
    (lambda question: Product("sum", "max"), "such as Sum"),
    (lambda question: sw.select_paths(*question, through={"token": "a"}), "counted from 0"),
    (lambda question: sw.backprop(*question, max_memory="1GB"), "number of bytes"),
    (lambda question: sw.top_paths(*question, max_memory="1GB"), "number of bytes"),
    (lambda question: sw.record(max_memory="1GB").__enter__(), "number of bytes"),
    (lambda question: sw.attr.SemiringGradient(lambda x: x * 2).attribute(torch.ones(1, 3), target=7),
     "target=7 selects nothing"),
])  # fmt: skip
def test_kinds(question, call, words):
    with pytest.raises(InputError, match=words):
        call(question)
