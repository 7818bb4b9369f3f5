"""README's Python, run in order as one reader would: later blocks use what earlier ones made."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
# What a reader of "any model, without text" brings along: a network with attention, and its input.
BROUGHT = """
x = model.get_input_embeddings()(tokenizer(e.text, return_tensors="pt").input_ids).detach()
net = lambda x: model(inputs_embeds=x).logits[:, 5]
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("readme"))
        yield {}


def test_the_blocks_are_found():
    assert len(BLOCKS) == 3
    assert "sw.explain" in BLOCKS[0]
    assert "sw.record" in BLOCKS[1]
    assert "sw.Semiring" in BLOCKS[2]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_block_runs_after_those_before_it(reader, number):
    if number == 1:
        exec(BROUGHT, reader)
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), reader)
