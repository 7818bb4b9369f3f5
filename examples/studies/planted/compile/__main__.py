"""Compiles RASP programs with Tracr and keeps them as weights that PyTorch reads: ``programs.npz``.

    pip install tracr-pypi torch
    python -m examples.studies.planted.compile

Of what Tracr makes are kept the models that give what the program gives, that are no copy of an earlier one,
whose outputs depend on the text, and whose circuit is no mere wire from the embedding to the output.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import torch
from tracr.compiler import basis_inference, compiling, nodes, rasp_to_graph
from tracr.compiler.assemble import AssembledTransformerModel
from tracr.rasp import rasp

from examples.studies.planted.compile.circuits import true_edges
from examples.studies.planted.compile.programs import Program, generated, library
from examples.studies.planted.transformer import Shape, Transformer

HERE = Path(__file__).parents[1] / "programs.npz"
FIRST = "compiler_bos"
WANTED = 90
UNITS = 150  # of the stream, at most; wider ones are slow and no better a test
EXACT = 1e-5


def main() -> None:
    """Compile, check and write."""
    kept: dict[str, np.ndarray] = {}
    facts: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for program in itertools.chain(library(), generated(seed=0, count=600)):
        try:
            found = compiled(program)
        except (ValueError, NotImplementedError, TypeError, AssertionError, ZeroDivisionError) as error:
            print(f"{program.name}: not compiled, {type(error).__name__} {str(error)[:80]}")
            continue
        if isinstance(found, str):
            print(f"{program.name}: left out, {found}")
            continue
        weights, fact, behaviour = found
        if behaviour in seen:
            print(f"{program.name}: left out, a copy")
            continue
        seen.add(behaviour)
        facts[program.name] = fact
        kept |= {f"{program.name}/{name}": part for name, part in weights.items() if part.any()}
        print(f"{program.name}: {len(fact['edges'])} edges, {fact['shape']}")
        if len(facts) % 10 == 0:
            write(facts, kept)
        if len(facts) == WANTED:
            break
    write(facts, kept)


def write(facts: dict[str, dict[str, Any]], weights: dict[str, Any]) -> None:
    """All programs so far, as one compressed file; most weights are zeros."""
    text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    np.savez_compressed(HERE, facts=text, **weights)
    print(f"{len(facts)} programs, {HERE.stat().st_size / 1e6:.2f} MB", flush=True)


def compiled(program: Program) -> tuple[dict[str, np.ndarray], dict[str, Any], str] | str:
    """Weights, facts, and what tells a program from others; or why it is left out."""
    model = compiling.compile_rasp_to_model(
        program.sop, set(program.vocabulary), program.length, causal=program.causal
    )
    if len(model.residual_labels) > UNITS:
        return f"{len(model.residual_labels)} units"
    texts = every_text(program)
    weights, shape = converted(program, model)
    edges = true_edges(weights, model.residual_labels, shape.heads)
    encoding = model.input_encoder.encoding_map
    tokens = np.array([[encoding[FIRST], *(encoding[value] for value in text)] for text in texts])
    outputs = same_outputs(weights, shape, tokens, model)
    if outputs[:, 1:].std(0).max() < 1e-3:
        return "the same for all texts"
    if not any(target != "logits" and source[0] in "am" for source, target, _ in edges):
        return "a single step"
    if not says_what_it_should(program, texts, outputs, model):
        return "not what the program says"
    fact = {
        "shape": vars(shape),
        "edges": edges,
        "vocabulary": [encoding[value] for value in program.vocabulary],
        "first": encoding[FIRST],
        "length": program.length,
        "unique": program.unique,
    }
    return weights, fact, json.dumps([edges, np.round(outputs[:, 1:], 3).tolist()])


def every_text(program: Program) -> list[tuple[Any, ...]]:
    """All texts of full length; at most 1,024, drawn by a seed where there are more."""
    if program.unique:
        texts = list(itertools.permutations(program.vocabulary, program.length))
    else:
        texts = list(itertools.product(program.vocabulary, repeat=program.length))
    return texts if len(texts) <= 1024 else random.Random(0).sample(texts, 1024)  # noqa: S311 (no secret)


def converted(program: Program, model: AssembledTransformerModel) -> tuple[dict[str, np.ndarray], Shape]:
    """The compiled parameters under the names of `Transformer`, and its sizes."""
    config, params = model.model_config, model.params
    labels = model.residual_labels
    units = output_units(program.sop, program, labels)
    tokens, width = params["token_embed"]["embeddings"].shape
    shape = Shape(
        tokens=tokens,
        positions=params["pos_embed"]["embeddings"].shape[0],
        width=width,
        layers=config.num_layers,
        heads=config.num_heads,
        head_width=config.key_size,
        hidden=config.mlp_hidden_size,
        outputs=len(units),
        causal=program.causal,
    )
    found = {
        "token_embedding.weight": params["token_embed"]["embeddings"],
        "position_embedding.weight": params["pos_embed"]["embeddings"],
        "output.weight": np.eye(width)[units],
    }
    names = [("attn", "attentions", {"query": "query", "key": "key", "value": "value", "linear": "out"})]
    names.append(("mlp", "feed_forwards", {"linear_1": "into", "linear_2": "out"}))
    for layer in range(config.num_layers):
        for theirs, ours, parts in names:
            for part, own in parts.items():
                given = params[f"transformer/layer_{layer}/{theirs}/{part}"]
                found[f"{ours}.{layer}.{own}.weight"] = np.asarray(given["w"]).T
                found[f"{ours}.{layer}.{own}.bias"] = given["b"]
    return {name: np.asarray(part, dtype=np.float32) for name, part in found.items()}, shape


def output_units(sop: rasp.SOp, program: Program, labels: Sequence[str]) -> list[int]:
    """Where in the stream the compiler puts the result."""
    graph = rasp_to_graph.extract_rasp_graph(sop)
    basis_inference.infer_bases(graph.graph, graph.sink, set(program.vocabulary), program.length)
    return [labels.index(str(direction)) for direction in sorted(graph.sink[nodes.OUTPUT_BASIS])]


def same_outputs(
    weights: dict[str, np.ndarray], shape: Shape, tokens: np.ndarray, model: AssembledTransformerModel
) -> np.ndarray:
    """The outputs of the PyTorch model on all texts; an error if they are not Tracr's."""
    ours = Transformer(shape)
    ours.load_state_dict({name: torch.tensor(part) for name, part in weights.items()} | no_bias(shape))
    with torch.no_grad():
        outputs: np.ndarray = ours(torch.tensor(tokens)).numpy()
    theirs = model.forward(model.params, jnp.array(tokens)).transformer_output.output
    expected = np.asarray(theirs) @ weights["output.weight"].T
    if not np.abs(outputs - expected).max() <= EXACT:
        raise RuntimeError(f"differs from Tracr by {np.abs(outputs - expected).max()}")
    return outputs


def no_bias(shape: Shape) -> dict[str, torch.Tensor]:
    """The output has no bias in a compiled model."""
    return {"output.bias": torch.zeros(shape.outputs)}


def says_what_it_should(
    program: Program, texts: Sequence[Sequence[Any]], outputs: np.ndarray, model: AssembledTransformerModel
) -> bool:
    """Whether a sample of texts gives what RASP says."""
    for number in range(0, len(texts), max(len(texts) // 60, 1)):
        evaluated = program.sop(list(texts[number])) if not program.causal else causal(program, texts[number])
        if outputs.shape[-1] == 1:
            given = outputs[number, 1:, 0].tolist()
            if any(abs(one - (other or 0)) > 0.05 for one, other in zip(given, evaluated, strict=True)):
                return False
        else:
            given = model.output_encoder.decode(outputs[number, 1:].argmax(-1).tolist())
            # Nothing (None) has no unit of its own in the output.
            if any(o is not None and g != o for g, o in zip(given, evaluated, strict=True)):
                return False
    return True


def causal(program: Program, text: Sequence[Any]) -> list[Any]:
    """What RASP says where a place sees only what is before it."""
    from tracr.rasp import causal_eval

    return list(causal_eval.evaluate(program.sop, list(text)))


if __name__ == "__main__":
    main()
