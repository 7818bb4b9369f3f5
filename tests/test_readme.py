"""README's Python, run in order as one reader would; and what README and CONTRIBUTING name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
# What a reader of "any model, without text" brings along: a network with attention, and its input.
BROUGHT = """
x = model.get_input_embeddings()(tokenizer(e.text, return_tensors="pt").input_ids).detach()
net = lambda x: model(inputs_embeds=x).logits[:, 5]
"""

PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")}
# Folders that a path may be read from: CONTRIBUTING writes those of the package and of the tests short.
BASES = [ROOT, ROOT / "semiring_widgets", ROOT / "tests" / "core"]


def said(page):
    """What a page sets as code, without its blocks of Python."""
    text = re.sub(r"^```python\n.*?^```", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^(?: {4}|)(make .+)$", text, re.MULTILINE)]


def is_there(path):
    return any((base / path).exists() for base in BASES)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("readme"))
        yield {}


def test_the_blocks_are_found():
    assert len(BLOCKS) == 2
    assert "sw.explain" in BLOCKS[0]
    assert "e.test(" in BLOCKS[0]
    assert "sw.record" in BLOCKS[1]


def test_it_is_read_in_a_minute():
    """A screen and a half: what is longer stands in the documentation."""
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 80
    assert not any(line.startswith("|") for line in lines)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs_after_those_before_it(reader, number):
    if "sw.record" in BLOCKS[number]:
        exec(BROUGHT, reader)
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), reader)


@pytest.mark.parametrize("page", PAGES)
def test_paths_that_are_named_exist(page):
    words = [word for code in said(page) for word in code.split()]
    paths = {word for word in words if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", word)}
    paths |= {f"{word}.py" for word in words if re.fullmatch(r"test_\w+", word)}
    paths |= {f"{word.replace('.', '/')}.py" for word in words if re.fullmatch(r"tests(\.\w+)+", word)}
    paths |= set(re.findall(r"\]\((?!http)([^)#]+)\)", PAGES[page]))
    assert len(paths) > 5
    assert [path for path in sorted(paths) if not is_there(path)] == []


@pytest.mark.parametrize("page", PAGES)
def test_targets_that_are_named_exist(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for code in said(page) for word in re.findall(r"\bmake ([a-z-]+)", code)}
    assert named
    assert named <= targets
