"""A second model of agreement, in the paper's shape: a BERT of 6 layers, here 64 units wide.

It learns from the sentences of the embedded model's grammar (`examples/train_embedded_model`), in its words.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import semiring_widgets as sw
from examples.studies.paper.sentences import blimp_pairs
from examples.studies.places import trained

_GRAMMAR = Path(__file__).parents[2] / "train_embedded_model"
LAYERS, WIDTH, HEADS, INTERMEDIATE = 6, 64, 8, 128
BATCH, RATE, STEPS, SEED = 64, 2e-3, 2000, 0
# Every sentence is spelled out before the training starts, and read in a few passes.
SENTENCES = 40_000
# How often a word is masked: one that agrees with another word, and any other.
OFTEN, SELDOM = 0.3, 0.08


@cache
def six_layers(steps: int = STEPS) -> tuple[Any, Any]:
    """The model, trained at the first call and then kept, and the embedded model's tokenizer."""
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = sw.load_demo()[1]
    torch.manual_seed(SEED)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=INTERMEDIATE,
            max_position_embeddings=64,
            type_vocab_size=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    name = f"paper-agreement-{LAYERS}x{WIDTH}-{steps}"
    return trained(name, model, lambda model: _train(model, tokenizer, steps)).eval(), tokenizer


def _train(model: Any, tokenizer: Any, steps: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.05)
    model.train()
    for _, (words, attended, labels) in zip(range(steps), _batches(tokenizer), strict=False):
        asked = labels >= 0
        hidden = model.bert(input_ids=words, attention_mask=attended).last_hidden_state
        # The head is as large as the rest of the model: it is asked at masked words only.
        loss = torch.nn.functional.cross_entropy(model.cls(hidden[asked]), labels[asked])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def _batches(tokenizer: Any) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Masked sentences of about one length: words, where there are some, and what was masked (else -100)."""
    agreeing, sentences = _sentences()
    often = torch.zeros(len(tokenizer), dtype=torch.bool)
    often[torch.tensor(tokenizer.convert_tokens_to_ids(agreeing))] = True
    rows = sorted(tokenizer(sentences)["input_ids"], key=len)
    draw = torch.Generator().manual_seed(SEED)
    starts = range(0, len(rows) - BATCH + 1, BATCH)
    while True:
        for place in torch.randperm(len(starts), generator=draw).tolist():
            some = rows[starts[place] : starts[place] + BATCH]
            words = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in some], batch_first=True)
            chance = torch.where(often[words], OFTEN, SELDOM)
            special = torch.isin(words, torch.tensor(tokenizer.all_special_ids))
            chosen = (torch.rand(words.shape, generator=draw) < chance) & ~special
            masked = words.masked_fill(chosen, tokenizer.mask_token_id)
            yield masked, (words != 0).long(), words.masked_fill(~chosen, -100)


def _sentences() -> tuple[list[str], list[str]]:
    """Words that agree with another one, and sentences of the grammar; none of them is in BLiMP."""
    sys.path.insert(0, str(_GRAMMAR))  # its modules are scripts that are run in their folder
    try:
        module = importlib.import_module("grammar")
    finally:
        sys.path.remove(str(_GRAMMAR))
    grammar = module.Grammar(seed=SEED)
    agreeing = {word for forms in module.AUX.values() for words in forms.values() for word in words}
    agreeing |= {word for pair in [*grammar.words["present"], *grammar.words["nouns"]] for word in pair}
    held_out = {_bare(text) for pair in blimp_pairs() for text in (pair.good, pair.bad)}
    found: list[str] = []
    while len(found) < SENTENCES:
        text = grammar.sentence()
        if _bare(text) not in held_out:
            found.append(text)
    return sorted(agreeing), found


def _bare(text: str) -> str:
    return text.lower().replace(" .", "").rstrip(".")
