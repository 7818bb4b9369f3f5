"""What the examples in docstrings may use without making it, and a folder of their own to write into."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DEMO_TEXT = "The keys to the cabinet [MASK] on the table."
_KNOWN = ("sw", "torch", "model", "tokenizer", "e", "c", "whole", "corpus", "causal", "sides")
_KNOWN += ("picture", "table")


@pytest.fixture(scope="session")
def known_in_examples(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Makes what a name stands for, once, as the examples of `Explanation` and `Comparison` do."""
    import torch

    import semiring_widgets as sw

    known: dict[str, Any] = {"sw": sw, "torch": torch}

    def make(name: str) -> Any:
        if name in known:
            return known[name]
        if name == "whole":
            known["whole"] = all_paths(make("model"), make("tokenizer"))
        elif name == "sides":
            second = DEMO_TEXT.replace("keys", "key")
            other = sw.explain(make("model"), make("tokenizer"), second, "are", "is")
            known["sides"] = sw.beside(make("e"), other)
        elif name == "corpus":
            out = tmp_path_factory.mktemp("corpus")
            known["corpus"] = corpus_of(make("model"), make("tokenizer"), out)
        elif name in ("picture", "table"):
            model, processor = sw.load_demo_image("cnn")
            given = model, processor, sw.tasks.shape_scenes(1)[0].image
            known["picture"] = sw.explain_image(*given, grid=3)
            known["table"] = sw.compare_image(*given, grid=3, methods=["effect", "GradCAM"])
        elif name == "causal":
            known["causal"] = causal_model(make("tokenizer"))
        elif name in ("model", "tokenizer"):
            known["model"], known["tokenizer"] = sw.load_demo()
        else:
            given = make("model"), make("tokenizer"), DEMO_TEXT, "are", "is"
            known["e"] = sw.explain(*given)
            known["c"] = sw.compare(*given, methods=["Saliency", "path max"])
        return known[name]

    return make


@pytest.fixture(autouse=True)
def names_of_examples(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, doctest_namespace: dict[str, Any]
) -> None:
    """For examples: explanation ``e``, comparison ``c``, ``picture``, paths ``whole``, and others."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    make = request.getfixturevalue("known_in_examples")
    monkeypatch.chdir(request.getfixturevalue("tmp_path"))
    doctest_namespace.clear()
    used = {name for example in request.node.dtest.examples for name in names_of(example.source)}
    doctest_namespace.update({name: make(name) for name in _KNOWN if name in used})


def causal_model(tokenizer: Any) -> Any:
    """A causal model of random weights, and the words that the demo knows."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    words = len(tokenizer)
    shape = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(vocab_size=words, bos_token_id=1, eos_token_id=2, **shape))
    return model.eval(), tokenizer


def all_paths(model: Any, tokenizer: Any) -> Any:
    """What `explain` asks about, recorded by hand."""
    import semiring_widgets as sw

    words = tokenizer(DEMO_TEXT, return_tensors="pt").input_ids
    x = model.get_input_embeddings()(words).detach()
    good, bad = tokenizer.convert_tokens_to_ids(["are", "is"])
    with sw.record() as tape:
        logits = model(inputs_embeds=x).logits[0, words[0].tolist().index(tokenizer.mask_token_id)]
        score = logits[good] - logits[bad]
    return sw.paths(tape, score, x)


def corpus_of(model: Any, tokenizer: Any, out: Path) -> Any:
    """Four sentences about agreement, and one that cannot be asked, explained."""
    import semiring_widgets as sw

    pairs = sw.tasks.agreement_pairs(n=4, attractors=1)
    rows = [{"text": p.text, "target": p.target, "contrast": p.contrast} for p in pairs]
    return sw.explain_corpus(model, tokenizer, [*rows, {"text": "Nothing is left out."}], out=out)


def names_of(source: str) -> set[str]:
    """The global names that a piece of code uses, those inside its functions too."""
    found: set[str] = set()
    codes = [compile(source, "example", "exec")]
    while codes:
        code = codes.pop()
        found.update(code.co_names)
        codes += [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return found
