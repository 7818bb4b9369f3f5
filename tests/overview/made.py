"""Folders of corpus runs with drawn numbers: as large as one likes, within seconds, without a model."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from semiring_widgets.corpus.table_columns import SCHEMA_VERSION, TABLES
from semiring_widgets.corpus.token_classes import CLASSES as EVERY_CLASS
from semiring_widgets.vocabulary import BRANCHES

WORDS = ["[CLS]", "The", "keys", "to", "the", "cabinet", "[MASK]", "here", "[SEP]"]
CLASSES = ["special", "word", "word", "word", "word", "word", "asked", "word", "special"]


PAIRS = [(source, target) for source in EVERY_CLASS for target in EVERY_CLASS]


def write_folder(path, texts, *, groups=2, layers=4, heads=4, chunk=1000, seed=0, tested=True, whole=False):
    """Write a run; every seventh text has no heads in layer 0, and a tenth of the texts no group.

    With ``whole``, heads by operand and the flow between classes are in it, too, as in a real run.
    """
    draw = np.random.default_rng(seed)
    for table in TABLES:
        (path / table).mkdir(parents=True)
    asked = {"model": "BertForMaskedLM", "name": "", "weights": "0", "granularity": "primitive"}
    asked |= {
        "rules": "gradient",
        "reference": None,
        "tested": tested,
        "kinds": ["token", "head", "mlp", "branch"],
    }
    asked |= {"chunk_size": chunk, "columns": {}}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "semiring_widgets": "0",
        "torch": "0",
        "rows": texts,
        "asked": asked,
    }
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for number, start in enumerate(range(0, texts, chunk)):
        rows = np.arange(start, min(texts, start + chunk))
        name = f"part-{number:05d}.parquet"
        group = draw.integers(0, groups, len(rows)) if groups else np.zeros(len(rows), int)
        tables = {
            "parts": _parts(draw, rows, group, layers, heads, tested, whole),
            "errors": {},
            "examples": _examples(draw, rows, group, groups),
        }
        for table, columns in tables.items():
            pq.write_table(_table(table, columns), path / table / name, compression="zstd")
    return path


def _table(table, columns):
    fields = [pa.field(name, pa.type_for_alias(kind)) for name, (kind, _) in TABLES[table].items()]
    length = len(next(iter(columns.values()))) if columns else 0
    arrays = [
        pa.array(columns[field.name], field.type, from_pandas=True)
        if field.name in columns
        else pa.nulls(length, field.type)
        for field in fields
    ]
    return pa.table(arrays, schema=pa.schema(fields))


def _examples(draw, rows, group, groups):
    count = len(rows)
    score = draw.normal(2 + group, 2)
    named = [
        None if not groups or row % 10 == 9 else "abcdefghij"[one]
        for row, one in zip(rows, group, strict=True)
    ]
    log_mass = draw.normal(40, 3, count)
    log_mass[rows % 50 == 7] = -np.inf
    return {
        "row": rows,
        "id": [f"row-{row}" for row in rows],
        "group": named,
        "text": [f"The keys to cabinet {row} [MASK] here" for row in rows],
        "row_digest": ["0"] * count,
        "tokens": draw.integers(8, 20, count),
        "target": ["are"] * count,
        "contrast": ["is"] * count,
        "position": [6] * count,
        "label": ["logit(are) - logit(is) at [MASK]"] * count,
        "score": score,
        "right": score > 0,
        "reference": ["[MASK] for every word"] * count,
        "reference_score": draw.normal(0, 1, count),
        "log_mass": log_mass,
        "entropy": draw.gamma(40 - 3 * group, 1),
        "best_log_weight": draw.normal(-5, 2, count),
        "best_path": ["keys, head 3·1, [MASK]"] * count,
        "top_token": [2] * count,
        "top_token_text": ["keys"] * count,
        "top_token_effect": draw.normal(3, 1, count),
    }


def _parts(draw, rows, group, layers, heads, tested, whole):
    """Of every text the effects of its tokens, heads and MLPs, and the flow at every token."""
    tokens, count = len(WORDS), len(rows)
    kinds = [("token", None, None, None, token) for token in range(tokens)]
    kinds += [("head", layer, head, None, None) for layer in range(layers) for head in range(heads)]
    kinds += [("mlp", layer, None, None, None) for layer in range(layers)]
    kinds += [
        ("branch", layer, None, branch, token)
        for layer in range(layers)
        for branch in BRANCHES
        for token in range(tokens)
    ]
    kinds = [(*each, None, None) for each in kinds]
    operands = [
        (layer, head, way)
        for layer in range(layers)
        for head in range(heads)
        for way in ("query", "key", "value")
    ]
    if whole:
        kinds += [("head", *place, None, None, None) for place in operands]
        kinds += [("class", *place, None, *pair) for place in operands for pair in PAIRS]
    kind, layer, head, branch, token, source, target = ([one[place] for one in kinds] for place in range(7))
    size = len(kinds)
    flows = np.array([one is not None for one in branch])
    centre = draw.normal(0, 1, size) / (1 + np.arange(size) % 7)
    values = draw.normal(centre + 0.3 * group[:, None] * (np.arange(size) % 3 == 0), 1, (count, size))
    missing = ~flows & (np.array(kind) == "head") & (np.array(layer, float) == 0)
    gone = missing[None, :] & (rows % 7 == 0)[:, None]
    effect = np.where(flows[None, :] | gone, np.nan, values)
    shares = draw.random((count, size)) * flows
    share = np.where(flows[None, :], shares / (shares.sum(1, keepdims=True) / (2 * layers)), np.nan)

    def each(column, of):
        codes = {
            word: code for code, word in enumerate(dict.fromkeys(one for one in column if one is not None))
        }
        coded = pa.array([codes.get(one) for one in column] * count, pa.int32())
        return pa.DictionaryArray.from_arrays(coded, pa.array(list(codes), of)).cast(of)

    return {
        "row": np.repeat(rows, size),
        "id": pa.array(np.repeat([f"row-{row}" for row in rows], size)),
        "kind": each(kind, pa.string()),
        "stream": np.zeros(count * size, np.int32),
        "layer": each(layer, pa.int32()),
        "head": each(head, pa.int32()),
        "branch": each(branch, pa.string()),
        "token": each(token, pa.int32()),
        "token_text": each([None if one is None else WORDS[one] for one in token], pa.string()),
        "token_class": each([None if one is None else CLASSES[one] for one in token], pa.string()),
        "source_class": each(source, pa.string()),
        "target_class": each(target, pa.string()),
        "effect": (effect if tested else np.full_like(effect, np.nan)).ravel(),
        "contribution": (0.8 * effect).ravel(),
        "mass_share": share.ravel(),
    }
