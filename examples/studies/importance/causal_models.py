"""Two small causal models of the agreement grammar, with norms before their parts: GPT-2's and Llama's kind.

Each has 4 layers of 4 heads and a vocabulary of the grammar's own words. They are kept beside this file in
half precision (300 and 360 kB); `python -m examples.studies.importance.causal_models` trains them again, in
about two minutes of one core each, and prints how often they are right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

import semiring_widgets as sw

FOLDER = Path(__file__).parent / "models"
NAMES = ("gpt2", "llama")
WIDTH, LAYERS, HEADS, LONGEST = 64, 4, 4, 40
STEPS, BATCH, RATE = 1500, 64, 3e-3
# No seed of the sentences that are asked about, so that none of them is known by heart.
TRAINING_SEED, TRAINING_TEXTS, TEST_SEED = 101, 20000, 202


def causal_tokenizer() -> PreTrainedTokenizerFast:
    """Whole words of the grammar, lower case, after a token that begins the text."""
    words = {word for pair in _pairs(4000, TRAINING_SEED) for word in _words(pair.good)}
    vocabulary = {word: place for place, word in enumerate(["[UNK]", "[BOS]", *sorted(words)])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing("[BOS] $A", special_tokens=[("[BOS]", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        model_max_length=LONGEST,
        bos_token="[BOS]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
    )


def causal_model(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A trained model.

    Args:
        name: one of `NAMES`.
    """
    tokenizer = causal_tokenizer()
    model = untrained(name, len(tokenizer), seed=0)
    weights = {key: value.float() for key, value in load_file(FOLDER / f"{name}.safetensors").items()}
    model.load_state_dict(weights, strict=False)
    return model.eval().requires_grad_(False), tokenizer


def untrained(name: str, words: int, seed: int) -> PreTrainedModel:
    """A model as it is before training."""
    torch.manual_seed(seed)
    if name == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=words, n_positions=LONGEST, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
                n_inner=2 * WIDTH, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
                bos_token_id=1, eos_token_id=1,
            )
        )  # fmt: skip
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=words, hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=LAYERS,
            num_attention_heads=HEADS, max_position_embeddings=LONGEST, tie_word_embeddings=True,
            bos_token_id=1, eos_token_id=1,
        )
    )  # fmt: skip


def train(name: str) -> PreTrainedModel:
    """Next words of sentences; the verb counts ten times, as all else can only be guessed."""
    tokenizer = causal_tokenizer()
    model = untrained(name, len(tokenizer), seed=0)
    pairs = _pairs(TRAINING_TEXTS, TRAINING_SEED)
    texts = [tokenizer(pair.good).input_ids for pair in pairs]
    verbs = [len(tokenizer(prefix(pair)).input_ids) for pair in pairs]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.1)
    drawing = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        chosen = torch.randint(len(texts), (BATCH,), generator=drawing).tolist()
        longest = max(len(texts[i]) for i in chosen)
        ids = torch.tensor([texts[i] + [0] * (longest - len(texts[i])) for i in chosen])
        weights = (ids != 0).float()
        weights[torch.arange(BATCH), torch.tensor([verbs[i] for i in chosen])] = 10.0
        logits = model(input_ids=ids).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        loss = (losses * weights[:, 1:]).sum() / weights[:, 1:].sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()
    return model


def accuracy(model: Any, tokenizer: Any, pairs: list[sw.tasks.AgreementPair]) -> float:
    """How often the right form of the verb is likelier than the wrong one."""
    right = 0
    with torch.no_grad():
        for pair in pairs:
            logits = model(**tokenizer(prefix(pair), return_tensors="pt", return_token_type_ids=False)).logits
            good, bad = tokenizer.convert_tokens_to_ids([pair.target, pair.contrast])
            right += bool(logits[0, -1, good] > logits[0, -1, bad])
    return right / len(pairs)


def prefix(pair: sw.tasks.AgreementPair, counterfactual: bool = False) -> str:
    """What stands before the verb."""
    text = pair.counterfactual if counterfactual else pair.text
    return cast("str", text).split("[MASK]")[0].strip()


def _pairs(n: int, seed: int) -> list[sw.tasks.AgreementPair]:
    return sw.tasks.agreement_pairs(n, seed=seed)


def _words(text: str) -> list[str]:
    return text.lower().replace(".", " .").split()


def main() -> None:
    """Train both and keep them."""
    FOLDER.mkdir(exist_ok=True)
    for name in NAMES:
        model = train(name)
        tied = {"lm_head.weight"}
        state = {
            key: value.half().contiguous() for key, value in model.state_dict().items() if key not in tied
        }
        save_file(state, FOLDER / f"{name}.safetensors")
        kept, tokenizer = causal_model(name)
        print(name, accuracy(kept, tokenizer, _pairs(1100, TEST_SEED)), flush=True)


if __name__ == "__main__":
    main()
