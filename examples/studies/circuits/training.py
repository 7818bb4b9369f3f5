"""Trains the small causal models and writes them beside this file; the same seed gives the same model.

    python -m examples.studies.circuits.training ["greater-than"] ["indirect object"]

A model of the shape of GPT-2 (norms before attentions and feed-forward parts), 3 layers of 4 heads, is asked
for the word after the prefix, and for nothing else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from examples.studies.circuits.causal_tasks import CAUSAL_TASKS, CausalTask, causal_task, right_words
from examples.studies.circuits.tokens import numbers_of
from semiring_widgets.tasks import Prompt

HOME = Path(__file__).parent / "models"
LAYERS, HEADS, WIDTH, INNER, LONGEST = 3, 4, 64, 128, 24
BATCH, RATE = 128, 2e-3
# Of the first weights. The usual 0.02 is for wide models; here heads would hardly tell words apart at first.
SPREAD = 0.1
STEPS = {"greater-than": 800, "indirect object": 800}


def empty_model(task: CausalTask) -> GPT2LMHeadModel:
    """A model of random weights."""
    config = GPT2Config(
        vocab_size=len(task.tokenizer), n_positions=LONGEST, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
        n_inner=INNER, initializer_range=SPREAD, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return small_model(config)


def small_model(config: GPT2Config) -> GPT2LMHeadModel:
    """A model of random weights, whose attentions are plain products."""
    config._attn_implementation = "eager"
    model: GPT2LMHeadModel = GPT2LMHeadModel(config)
    return model


def load_model(name: str) -> GPT2LMHeadModel:
    """A trained model, ready to be asked."""
    model = empty_model(causal_task(name))
    weights = load_file(_path(name))
    model.load_state_dict({key: value.float() for key, value in weights.items()}, strict=False)
    model.tie_weights()
    ready: GPT2LMHeadModel = model.eval().requires_grad_(False)
    return ready


def train(name: str) -> GPT2LMHeadModel:
    """Train a model on one task, and write it.

    Args:
        name: one of `CAUSAL_TASKS`.
    """
    torch.manual_seed(0)
    task, steps = causal_task(name), STEPS[name]
    model = empty_model(task)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    draw, started = torch.Generator().manual_seed(0), time.perf_counter()
    groups = by_length(task, task.trained)
    sizes = torch.tensor([len(ids) for ids, _ in groups], dtype=torch.float)
    for step in range(steps):
        ids, right = groups[int(torch.multinomial(sizes, 1, generator=draw))]
        rows = torch.randint(len(ids), (BATCH,), generator=draw)
        labels = torch.multinomial(right[rows], 1, generator=draw).squeeze(1)
        loss = torch.nn.functional.cross_entropy(model(ids[rows]).logits[:, -1], labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 200 == 0:
            seconds = time.perf_counter() - started
            share = accuracy(model, task)
            print(f"{name}: step {step + 1}, loss {loss:.3f}, right {share:.3f}, {seconds:.0f} s", flush=True)
    HOME.mkdir(exist_ok=True)
    kept = {
        key: value.half().contiguous() for key, value in model.state_dict().items() if key != "lm_head.weight"
    }
    save_file(kept, _path(name))
    return model


def by_length(task: CausalTask, prompts: Sequence[Prompt]) -> list[tuple[Tensor, Tensor]]:
    """Sentences of one length together: tokens, and 1 for every word that is right (sentences, words)."""
    groups: dict[int, list[tuple[list[int], list[int]]]] = {}
    for prompt in prompts:
        ids = task.tokenizer(prompt.prefix).input_ids
        right = numbers_of(task.tokenizer, right_words(prompt))
        groups.setdefault(len(ids), []).append((ids, right))
    found = []
    for _, group in sorted(groups.items()):
        chances = torch.zeros(len(group), len(task.tokenizer))
        for row, (_, words) in enumerate(group):
            chances[row, words] = 1.0
        found.append((torch.tensor([ids for ids, _ in group]), chances))
    return found


@torch.no_grad()
def accuracy(model: GPT2LMHeadModel, task: CausalTask) -> float:
    """The share of sentences that were not trained on whose likeliest word, of all words, is right."""
    hits = [
        right.gather(1, model(ids).logits[:, -1].argmax(-1, keepdim=True)).squeeze(1)
        for ids, right in by_length(task, task.held_out)
    ]
    return float(torch.cat(hits).mean())


def _path(name: str) -> Path:
    return HOME / f"{name.replace(' ', '_').replace('-', '_')}.safetensors"


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CAUSAL_TASKS:
        train(chosen)
