"""The embedded model: small, offline, and right about agreement."""

from pathlib import Path

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.explanation import demo


@pytest.fixture(scope="module")
def pair():
    return sw.load_demo()


def test_it_is_small_and_in_eval_mode(pair):
    home = Path(demo.__file__).with_name("embedded_model")
    assert sum(path.stat().st_size for path in home.iterdir()) <= 5_000_000
    assert not pair[0].training


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (demo.DEMO_TEXT, demo.DEMO_TARGET, demo.DEMO_CONTRAST),
        ("The key to the cabinets [MASK] on the table.", "is", "are"),
        ("These women [MASK] helped the teacher.", "have", "has"),
        ("The actor that the guests admired [MASK] hidden.", "has", "have"),
    ],
)
def test_it_agrees(pair, text, right, wrong):
    model, tokenizer = pair
    encoded = tokenizer(text, return_tensors="pt")
    place = encoded["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    with torch.no_grad():
        logits = model(input_ids=encoded["input_ids"]).logits[0, place]
    better, worse = tokenizer.convert_tokens_to_ids([right, wrong])
    assert float(logits[better] - logits[worse]) > 1
