"""Train the embedded model and write it into the package; the same seed gives the same model.

    python train.py FOLDER_WITH_BLIMP_JSONL [STEPS]

The BLiMP files are only read to make sure that none of their sentences is trained on, and to report accuracy.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from evaluate import table
from grammar import AUX, Grammar
from lexicon import words_of
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

HOME = Path(__file__).parents[2] / "semiring_widgets/explanation/embedded_model"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BATCH, RATE, LONGEST = 128, 1.5e-3, 64


def make_tokenizer(words: list[str]) -> PreTrainedTokenizerFast:
    """Whole words of the grammar; any other word is spelled in letters."""
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789'-.,!?;:\"()<>/&%$#@*+=_[]{}~|\\^`")
    pieces = dict.fromkeys([*SPECIAL, *words, *letters, *("##" + letter for letter in letters)])
    core = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))  # noqa: S106
    core.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\w'-]+|[^\w\s]"), "removed", invert=True)
    core.decoder = decoders.WordPiece()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    core.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=core, model_max_length=LONGEST, **{f"{k}_token": v for k, v in names.items()}
    )


def batches(
    grammar: Grammar, tokenizer: Any, held_out: set[str], seed: int
) -> Iterator[dict[str, torch.Tensor]]:
    """Masked sentences: agreeing forms are masked more often than other words."""
    agreeing = {w for forms in AUX.values() for words in forms.values() for w in words}
    agreeing |= {w for pair in [*grammar.words["present"], *grammar.words["nouns"]] for w in pair}
    often = torch.zeros(len(tokenizer), dtype=torch.bool)
    often[torch.tensor(tokenizer.convert_tokens_to_ids(sorted(agreeing)))] = True
    noise = torch.Generator().manual_seed(seed)
    while True:
        texts: list[str] = []
        while len(texts) < BATCH:
            text = grammar.sentence()
            if text not in held_out:
                texts.append(text)
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        ids = batch["input_ids"]
        chance = torch.where(often[ids], 0.3, 0.08)
        chosen = (torch.rand(ids.shape, generator=noise) < chance) & (ids >= len(SPECIAL))
        yield {
            "input_ids": ids.masked_fill(chosen, tokenizer.mask_token_id),
            "attention_mask": batch["attention_mask"],
            "labels": ids.masked_fill(~chosen, -100),
        }


def main(blimp: Path, steps: int) -> None:
    """Train, save, report."""
    torch.manual_seed(0)
    grammar = Grammar(seed=0)
    tokenizer = make_tokenizer(grammar.vocabulary())
    held_out = {
        " ".join(words_of(json.loads(line)[side]))
        for path in blimp.glob("*.jsonl")
        for line in path.read_text().splitlines()
        for side in ("sentence_good", "sentence_bad")
    }
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=128, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=256, max_position_embeddings=LONGEST, type_vocab_size=1,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = BertForMaskedLM(config)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.05)
    started = time.perf_counter()
    for step, batch in zip(range(steps), batches(grammar, tokenizer, held_out, 0), strict=False):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 500 == 0 or step + 1 == steps:
            model.eval()
            shares = {name: round(row[0], 3) for name, row in table(model, tokenizer, blimp).items()}
            print(step + 1, round(loss.item(), 3), round(time.perf_counter() - started), shares, flush=True)
            model.save_pretrained(HOME)
            tokenizer.save_pretrained(HOME)
            model.train()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 4000)
