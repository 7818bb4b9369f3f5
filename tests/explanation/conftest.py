"""What several test files of this floor ask about."""

import pytest

import semiring_widgets as sw
from semiring_widgets.explanation import demo


@pytest.fixture(scope="module")
def question():
    """The sentence of the demo, recorded by hand: tape, score and embeddings."""
    model, tokenizer = sw.load_demo()
    encoded = tokenizer(demo.DEMO_TEXT, return_tensors="pt")
    x = model.get_input_embeddings()(encoded.input_ids).detach()
    good, bad = tokenizer.convert_tokens_to_ids(["are", "is"])
    with sw.record() as tape:
        logits = model(inputs_embeds=x, attention_mask=encoded.attention_mask).logits[0, 6]
        score = logits[good] - logits[bad]
    return tape, score, x
