"""What rules are worth, and what they cost.

"words": in agreement sentences of `semiring_widgets.tasks`, with the embedded model and [MASK] at the verb,
how often the subject's contribution is the largest of all content words, by absolute value; contributions are
slope times word or slope times (word - [MASK]). "rest" is the mean of |sum of the contributions - what they
should sum to|: the score, or its difference from the score of [MASK] in every place.

"sweeps": time of a backward sweep under each rule, graph included, as a multiple of that of the gradient; a
model of BERT-base shape.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM

import semiring_widgets as sw
from semiring_widgets.vocabulary import RULES
from tests.benchmarks.measuring import Report, interleaved

# What is no content word in these sentences.
FUNCTION_WORDS = {
    *("the", "a", "that", "who", "which", "and", "to", "near", "behind", "beside", "with"),
    *("for", "of", "by", "at", "on", "in", "from", "there", "very"),
}
# One noun of the other number stands between subject and verb.
KINDS = ("prepositional_phrase", "subject_relative_clause", "object_relative_clause")
SWEEPS = ("sum", "entropy", "max")


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sentences", type=int, default=60)
    options.add_argument("--tokens", type=int, default=32)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    words = Report("rules_words")
    for row in word_rows(chosen.sentences):
        words.add(**row)
    print(words.write())
    sweeps = Report("rules_sweeps")
    for row in sweep_rows(chosen.tokens, chosen.rounds):
        sweeps.add(**row)
    print(sweeps.write())


def word_rows(count: int) -> list[dict[str, str | float]]:
    """One row for each rule and what the input is compared with."""
    model, tokenizer = sw.load_demo()
    found: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    chance = []
    for pair in sw.tasks.agreement_pairs(
        2 * count, kinds=["prepositional_phrase", "subject_relative_clause"], seed=0
    ):
        asked = _asked(model, tokenizer, pair)
        if asked is None or len(chance) == count:
            continue
        tape, score, x, mask, change, content, subject = asked
        chance.append(1 / len(content))
        for rules in RULES:
            slopes = sw.backprop(tape, score, x, rules=rules, reference=mask).value
            for against, other, whole in (
                ("zero", 0 * x, float(score)),
                ("[MASK]", mask, change),
            ):
                each = (slopes * (x - other)).sum(-1)[0]
                first = int(each[content].abs().argmax())
                rest = abs(float(each.sum()) - whole)
                found.setdefault((rules, against), []).append((content[first] == subject, rest))
    rows: list[dict[str, str | float]] = [
        {
            "rules": rules,
            "word minus": against,
            "subject first": statistics.mean(first for first, _ in numbers),
            "rest": statistics.mean(rest for _, rest in numbers),
        }
        for (rules, against), numbers in found.items()
    ]
    return [
        *rows,
        {"rules": "chance", "word minus": "", "subject first": statistics.mean(chance), "rest": 0.0},
    ]


def _asked(
    model: torch.nn.Module, tokenizer: Any, pair: sw.tasks.AgreementPair
) -> tuple[sw.Tape, Tensor, Tensor, Tensor, float, list[int], int] | None:
    """A recorded sentence; None where the model gets it wrong.

    Returns:
        Tape, score, inputs, those of [MASK] in every place, what the score changes by with them; the places
        of the content words, and that of the subject.
    """
    encoded = tokenizer(pair.text, return_tensors="pt")
    ids = encoded.input_ids
    tokens = tokenizer.convert_ids_to_tokens(ids[0])
    blank = tokens.index(tokenizer.mask_token)
    right, wrong = tokenizer.convert_tokens_to_ids([pair.target, pair.contrast])

    def run(x: Tensor) -> Tensor:
        logits = model(inputs_embeds=x).logits[0, blank]
        return logits[right] - logits[wrong]

    table = model.get_input_embeddings()
    x, mask = (table(each).detach() for each in (ids, torch.full_like(ids, tokenizer.mask_token_id)))
    with sw.record() as tape:
        score = run(x)
    with torch.no_grad():
        change = float(score - run(mask))
    words = [token.isalpha() and token.lower() not in FUNCTION_WORDS for token in tokens]
    content = [place for place, counts in enumerate(words) if counts]
    subject = encoded.word_ids().index(pair.subject)
    return None if float(score) <= 0 else (tape, score, x, mask, change, content, subject)


def sweep_rows(tokens: int, rounds: int, **shape: int) -> list[dict[str, str | float]]:
    """One row for each rule: sweeps in several semirings, relative to those of the gradient."""
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(**shape)).eval().requires_grad_(False)
    x = torch.randn(1, tokens, model.config.hidden_size)
    with sw.record(reference=x + torch.randn_like(x)) as tape:
        logits = model(inputs_embeds=x).logits[0, tokens // 2]
        score = logits[1] - logits[2]
    cases = {
        f"{rules} {name}": lambda rules=rules, name=name: sw.backprop(tape, score, x, name, rules=rules)
        for rules in RULES
        for name in SWEEPS
    }
    taken = interleaved(cases, rounds)
    return [
        {"rules": rules, **{name: taken[f"{rules} {name}"] / taken[f"gradient {name}"] for name in SWEEPS}}
        for rules in RULES
    ]


if __name__ == "__main__":
    main()
