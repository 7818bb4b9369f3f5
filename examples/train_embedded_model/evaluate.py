"""Accuracy on BLiMP's agreement pairs: the differing word is masked, and the right one must win.

python evaluate.py FOLDER_WITH_BLIMP_JSONL [MODEL_FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch


def accuracy(model: Any, tokenizer: Any, pairs: list[dict[str, str]]) -> tuple[float, int]:
    """Share of pairs in which the masked word of the good sentence gets the higher logit.

    Returns:
        The share, and how many pairs could be asked (one differing word that is one token).
    """
    right = asked = 0
    for start in range(0, len(pairs), 100):
        texts, words = [], []
        for pair in pairs[start : start + 100]:
            good, bad = (tokenizer.tokenize(pair[f"sentence_{side}"]) for side in ("good", "bad"))
            differ = [i for i, (a, b) in enumerate(zip(good, bad, strict=False)) if a != b]
            if len(good) != len(bad) or len(differ) != 1:
                continue
            words.append((differ[0] + 1, good[differ[0]], bad[differ[0]]))
            texts.append([*good[: differ[0]], tokenizer.mask_token, *good[differ[0] + 1 :]])
        if not texts:
            continue
        ends = tokenizer.cls_token_id, tokenizer.sep_token_id
        ids = [[ends[0], *tokenizer.convert_tokens_to_ids(t), ends[1]] for t in texts]
        batch = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        for row, (place, good_word, bad_word) in enumerate(words):
            asked += 1
            better, worse = tokenizer.convert_tokens_to_ids([good_word, bad_word])
            right += int(logits[row, place, better] > logits[row, place, worse])
    return right / max(1, asked), asked


def table(model: Any, tokenizer: Any, folder: Path) -> dict[str, tuple[float, int, int]]:
    """Accuracy, pairs asked and pairs in all, by file."""
    found = {}
    for path in sorted(folder.glob("*.jsonl")):
        pairs = [json.loads(line) for line in path.read_text().splitlines()]
        found[path.stem] = (*accuracy(model, tokenizer, pairs), len(pairs))
    return found


if __name__ == "__main__":
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    home = Path(sys.argv[2]) if len(sys.argv) > 2 else (
        Path(__file__).parents[2] / "semiring_widgets/explanation/embedded_model"
    )  # fmt: skip
    loaded = AutoModelForMaskedLM.from_pretrained(home).eval(), AutoTokenizer.from_pretrained(home)
    for name, (share, asked, count) in table(*loaded, Path(sys.argv[1])).items():
        print(f"{name:45} {share:6.1%}  of {asked} pairs asked, {count} in all")
