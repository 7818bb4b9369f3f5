"""Two checkpoints of one model beside each other: each side keeps its own numbers."""

import copy
import math

import pytest
import torch

import semiring_widgets as sw

HEAD = {"layer": 3, "head": 3}


def test_another_checkpoint_stands_beside_the_first():
    model, tokenizer = sw.load_demo()
    other = copy.deepcopy(model)
    size = model.config.hidden_size // model.config.num_attention_heads
    with torch.no_grad():  # head 3·3 writes nothing any more
        other.bert.encoder.layer[3].attention.output.dense.weight[:, 3 * size : 4 * size] = 0.0
    text = "The keys [MASK] here."
    first, second = (sw.explain(one, tokenizer, text, "are", "is", paths=2) for one in (model, other))
    sides = sw.beside(first, second, names=("trained", "without head 3·3"))
    effects = [side.dataset["head_effect"].sel(**HEAD).item() for side in (sides.first, sides.second)]
    assert abs(effects[0]) > 0.1
    assert effects[1] == pytest.approx(0, abs=1e-5)
    shares = [side.session.conditioned([HEAD])[1] for side in (sides.first, sides.second)]
    assert math.isfinite(shares[0])
    assert shares[1] == -math.inf
