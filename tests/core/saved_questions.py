"""Some 600 questions to small models, and their answers on file: a redesign must not change a number.

    python -m tests.core.saved_questions save /tmp/before.npz      # before the change
    python -m tests.core.saved_questions compare /tmp/before.npz   # after it

Everything that is asked of a tape is asked here, of six kinds of model, in double precision: every semiring,
granularity and level, single paths, routes, sets of paths, flow, and what a click on a picture asks for.
"""

import itertools
import math
import sys
import time

import numpy as np
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.results.schema import EFFECTS

SEMIRINGS = ("sum", "abs", "max", "signed_max", "entropy", "count", "boolean", "variance", "fused")
BRANCHES = ("skip", "query", "key", "value", "mlp", "mlp_skip")
RANKINGS = ("best", "mass", "contribution")
TOLERANCE = 1e-6


def tiny(name, **sizes):
    torch.manual_seed(3)
    config_class = getattr(transformers, name).config_class
    model = getattr(transformers, name)(config_class(**sizes)).double().eval()
    for parameter in model.parameters():
        parameter.data.mul_(3)
    return model


def embeddings(seed, tokens=4, width=8):
    return torch.randn(1, tokens, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def bert():
    model = tiny("BertModel", hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
                 vocab_size=10, max_position_embeddings=8)  # fmt: skip
    return [embeddings(1)], lambda x: model(inputs_embeds=x).last_hidden_state[0, 1, 2] * 1


def gpt2():
    model = tiny("GPT2Model", n_embd=8, n_layer=2, n_head=2, vocab_size=10, n_positions=8, bos_token_id=0,
                 eos_token_id=0)  # fmt: skip
    return [embeddings(2)], lambda x: model(inputs_embeds=x).last_hidden_state[0, -1, 1] * 1


def llama():
    model = tiny("LlamaModel", hidden_size=8, intermediate_size=12, num_hidden_layers=2, vocab_size=10,
                 num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=8)  # fmt: skip
    return [embeddings(3)], lambda x: model(inputs_embeds=x).last_hidden_state[0, -1, 3] * 1


def t5():
    model = tiny("T5Model", d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=10)
    return [
        embeddings(4),
        embeddings(5, tokens=2),
    ], lambda x, y: model(inputs_embeds=x, decoder_inputs_embeds=y).last_hidden_state[0, -1, 0] * 1


def cnn():
    torch.manual_seed(6)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.GELU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(8, 2), torch.nn.LogSoftmax(-1),
    ).double().eval()  # fmt: skip
    x = torch.randn(1, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    return [x], lambda x: model(x)[0, 1] * 1


def mlp():
    torch.manual_seed(8)
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3)).double()
    x = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    return [x], lambda x: torch.tanh(model(x))[:, 1] * 1


MODELS = {"bert": bert, "gpt2": gpt2, "llama": llama, "t5": t5, "cnn": cnn, "mlp": mlp}
WITH_LAYERS = ("bert", "gpt2", "llama", "t5")


def recorded(model, granularity="primitive"):
    inputs, run = MODELS[model]()
    with torch.no_grad(), sw.record(granularity=granularity) as tape:
        score = run(*inputs)
    return tape, score, inputs


def swept(question, semiring, level="unit"):
    tape, score, inputs = question
    for result in sw.backprop(tape, score, inputs, semiring, level):
        yield from result.parts
        yield from (v for v in result.reduce(-1).facts.values())


def of_path(path):
    return torch.tensor([path.log_weight, path.probability, len(path.steps), *path.start])


def of_set(paths):
    facts = [paths.log_mass, paths.entropy, paths.log_weight, paths.log_share]
    yield torch.tensor([*facts, paths.contribution(), paths.cancellation()])
    for semiring in ("sum", "max", "entropy", "signed_max"):
        for result in paths.backprop(semiring):
            yield from result.parts
    if paths.log_weight > -math.inf:
        yield from map(of_path, paths.top_paths(3))


def of_routes(routes):
    yield torch.tensor([len(routes), routes.missed, routes.uncovered, routes.rest])
    for route in routes:
        yield torch.tensor([route.input, route.token, route.log_mass, route.share, route.entropy])
        yield torch.tensor([route.log_weight, route.sign, route.contribution, route.cancellation])
        yield torch.tensor([v for leg in route.legs for v in (leg.layer, leg.source, leg.target)])
        yield from [route.gradient, of_path(route.path)]


def of_dataset(dataset):
    for name in sorted(map(str, dataset.data_vars)):
        if dataset[name].dtype.kind in "biuf":
            yield torch.from_numpy(dataset[name].values.astype(np.float64))


def parts(question):
    """Parts of every kind that this model has."""
    tape, score, inputs = question
    anatomy = find_anatomy(GradientGraph(tape, *find_nodes(tape, score, inputs)))
    yield {"token": 1}
    for layer, attention in enumerate(anatomy.attentions):
        yield from [{"layer": layer}, {"layer": layer, "head": 1}, {"layer": layer, "token": 1}]
        yield {"layer": layer, "head": 0, "branch": "value", "token": 0}
        for branch in BRANCHES:
            if branch in attention.operands or attention.residual is not None:
                yield {"layer": layer, "branch": branch}


def questions():
    """Name and answer (tensors) of each question, one after the other."""
    for model in MODELS:
        for granularity in ("primitive", "operator", "paper"):
            question = recorded(model, granularity)
            for semiring in SEMIRINGS:
                yield f"{model} {granularity} {semiring}", swept(question, semiring)
            for semiring in ("max", "signed_max"):
                yield f"{model} {granularity} {semiring} branch", swept(question, semiring, "branch")
        if model == "mlp":  # one score for each example
            continue
        question = recorded(model)
        yield f"{model} 3-best", swept(question, sw.semirings.KBest(3))
        yield f"{model} top paths", map(of_path, sw.top_paths(*question, k=20))
        yield f"{model} sampled paths", map(of_path, sw.sample_paths(*question, n=50, seed=1))
    for model in WITH_LAYERS:
        question = recorded(model)
        yield f"{model} flow", of_dataset(sw.flow(*question))
        for by in RANKINGS:
            yield f"{model} routes by {by}", of_routes(sw.top_routes(*question, k=5, by=by, samples=50))
        for of in ("attention", "mlp", "skip"):
            lengths = sw.path_lengths(*question, of=of)
            yield f"{model} lengths {of}", (part for result in lengths for part in result.parts)
        kinds = list(parts(question))
        for part in kinds:
            yield f"{model} through {part}", of_set(sw.select_paths(*question, through=part))
        for part in kinds[::2]:
            yield f"{model} avoiding {part}", of_set(sw.select_paths(*question, avoiding=part))
        for one, other in itertools.islice(itertools.combinations(kinds, 2), 0, None, 11):
            sets = sw.select_paths(*question, through=[one, other], leaving_skip=True)
            yield f"{model} leaving the skip through {one} and {other}", of_set(sets)
            sets = sw.select_paths(*question, through=one, avoiding=other)
            yield f"{model} through {one} avoiding {other}", of_set(sets)
    yield from clicks()


def clicks():
    """What a picture of the embedded model shows, and what clicks on it ask for (single precision)."""
    model, tokenizer = sw.load_demo()
    text = "The keys to the cabinet [MASK] on the table."
    # Along input minus zero contributions are gradient times input.
    e = sw.explain(model, tokenizer, text, "are", "is", semiring="hops", rankings=RANKINGS, reference="zero")
    # Effects came later, and have tests of their own.
    yield "demo", of_dataset(e.to_xarray().drop_vars(EFFECTS))
    for layer in range(4):
        for part in ({"layer": layer}, {"layer": layer, "head": layer}, {"layer": layer, "token": 2}):
            dataset, share = e.session.conditioned(part)
            yield f"demo click {part}", [*of_dataset(dataset), torch.tensor([share])]
    for by in RANKINGS:
        ranking = e.session.ranking(by, {"layer": 3, "head": 3}, 3)
        numbers = [[r.log_weight, r.log_mass, r.contribution, r.share] for r in ranking.routes]
        yield f"demo routes of a head by {by}", [torch.tensor(numbers)]


def answers():
    found = {}
    for name, values in questions():
        flat = [torch.as_tensor(v).detach().double().reshape(-1) for v in values]
        found[name] = torch.cat(flat).numpy() if flat else np.zeros(0)
    return found


def differences(before, after):
    """What changed, in words; single precision is known to seven digits."""
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            yield f"{name}: only {'before' if name in before else 'after'}"
            continue
        old, new = before[name], after[name]
        if old.shape != new.shape:
            yield f"{name}: {old.shape} became {new.shape}"
            continue
        with np.errstate(invalid="ignore"):
            off = np.where((old == new) | (np.isnan(old) & np.isnan(new)), 0, np.abs(old - new))
        off = off / np.maximum(1, np.nan_to_num(np.abs(old), posinf=1))
        worst = float(np.max(off, initial=0))
        if not worst <= TOLERANCE:
            yield f"{name}: off by {worst:.3g}"


def main():
    verb, path = sys.argv[1:]
    begun = time.perf_counter()
    found = answers()
    seconds = time.perf_counter() - begun
    print(f"{len(found)} questions, {sum(map(len, found.values()))} numbers, {seconds:.0f} s")
    if verb == "save":
        np.savez_compressed(path, **found)
        return 0
    with np.load(path) as saved:
        before = dict(saved)
    both = sorted(before.keys() & found.keys())
    rounded = [name for name in both if not np.array_equal(before[name], found[name], equal_nan=True)]
    changed = list(differences(before, found))
    print(f"{len(both) - len(rounded)} bit-equal; not bit-equal: {rounded}")
    print(f"{len(changed)} differ by more than {TOLERANCE}", *changed, sep="\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
