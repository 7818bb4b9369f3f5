"""The message contract: what is sent is what is known, in JSON that every host accepts."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from semiring_widgets.contract import messages
from semiring_widgets.results.parts import Status, Stream, Token, Totals
from semiring_widgets.results.schema import VARIABLES
from semiring_widgets.vocabulary import METRICS


def strict(header):
    """Through JSON and back, as a host would; NaN and infinity are refused."""
    return json.loads(json.dumps(header, allow_nan=False))


def test_a_summary_carries_every_number_but_the_maps(make_explanation):
    result = make_explanation()
    header, buffer = messages.encode(result, revision=7)
    assert strict(header) == header
    assert (header["type"], header["version"], header["revision"]) == ("explanation", 1, 7)
    columns = messages.unpack(header["columns"], buffer)
    assert set(columns) == set(VARIABLES) - {"map_mass_share"}
    for name, values in columns.items():
        np.testing.assert_array_equal(values, result.dataset[name].values)
        assert values.dtype == np.float32


def test_names_are_those_of_the_contract(make_explanation, make_comparison):
    header, _ = messages.encode(make_explanation(), 1)
    assert set(header) == {
        *(
            "type",
            "version",
            "revision",
            "text",
            "model",
            "granularity",
            "rules",
            "level",
            "score",
            "streams",
        ),
        *("layers", "totals", "status", "rankings", "statistics", "columns", "paths"),
        *("reference", "answer", "tests", "correlations", "rules", "groups"),
        *("arguments", "likeliest", "inquiry"),
    }
    assert set(header["streams"][0]["tokens"][0]) == {"index", "text", "raw", "start", "end", "special", "id"}
    assert set(header["layers"][0]) == {"name", "index", "stream", "key_stream", "heads"}
    ranking = next(one for one in header["rankings"] if one["by"] == "contribution")
    assert set(ranking) == {"by", "routes", "missed", "uncovered", "rest", "remark", "families"}
    assert set(ranking["families"][0]) == {"label", "sentence", "contribution", "share", "routes", "steps"}
    assert set(header["reference"]) == {"kind", "label", "score", "streams", "aligned"}
    assert set(header["answer"][0]) == {"kind", "text", "parts"}
    assert set(header["answer"][1]["parts"][0]) == {"layer", "branch", "head", "token", "stream"}
    assert set(header["correlations"][0]) == {"kind", "rank_correlation"}
    assert set(header["tests"][0]) == {"parts", "steps", "by", "label", "before", "after", "predicted"}
    route = header["rankings"][0]["routes"][0]
    assert set(route) == {
        *("rank", "label", "log_weight", "sign", "share_of_best", "probability", "all_skip", "sentence"),
        *("log_mass", "share", "contribution", "cancellation", "steps"),
    }
    assert set(route["steps"][0]) == {"layer", "branch", "head", "source", "target"}
    header, _ = messages.encode(make_comparison(), 1)
    assert set(header) == {
        *("type", "version", "revision", "text", "model", "score", "streams", "status", "methods", "top_k"),
        *("columns", "paths", "reference"),
    }
    assert [column["name"] for column in header["columns"]] == [
        *("scores", "rank_correlation", "top_k_overlap", "token_effect", "comprehensiveness", "sufficiency")
    ]
    assert set(header["methods"][0]) >= {*METRICS, "ranked_by_size"}


def test_unknown_numbers_are_nan_in_columns_and_null_in_json(make_explanation):
    result = make_explanation(known=False, totals=Totals(log_mass=math.inf, entropy=math.nan))
    header, buffer = messages.encode(result, 1)
    assert strict(header)["totals"]["log_mass"] is None
    assert header["totals"]["entropy"] is None
    assert np.isnan(messages.unpack(header["columns"], buffer)["node_mass_share"]).all()


def test_lone_surrogates_of_tokenizers_can_be_sent(make_explanation):
    tokens = (Token(0, "\ud83d", "\ud83d\ude00", 1, 0, 1, False),)
    header, _ = messages.encode(make_explanation(("x",), streams=(Stream("input", tokens),)), 1)
    token = header["streams"][0]["tokens"][0]
    assert token["text"] == "⟨U+D83D⟩"
    assert token["raw"] == "😀"
    json.dumps(header, ensure_ascii=False).encode("utf-8")


def test_columns_of_bytes_and_floats_are_aligned():
    arrays = {"map": np.arange(5, dtype=np.uint8), "scores": np.array([1.5, 2.5])}
    columns, buffer = messages.pack(arrays)
    assert [column.offset for column in columns] == [0, 8]
    back = messages.unpack([asdict(column) for column in columns], buffer)
    assert back["map"].tolist() == [0, 1, 2, 3, 4]
    assert back["scores"].tolist() == [1.5, 2.5]


def test_a_head_map_is_scaled_by_the_square_root_per_kind():
    shares = np.zeros((3, 2, 2), np.float32)
    shares[0] = [[0.16, 0.04], [0.01, np.nan]]
    shares[2, 0, 0] = 0.5
    header, buffer = messages.head_map(3, 1, 0, shares)
    assert header["id"] == 3
    assert header["kinds"] == ["query", "key", "value"]
    assert header["peak"] == pytest.approx([0.16, 0.0, 0.5])
    scaled = messages.unpack(header["columns"], buffer)["map"]
    assert scaled[0].tolist() == [[255, 128], [64, 0]]
    assert scaled[1].max() == 0
    assert scaled[2, 0, 0] == 255


@pytest.mark.parametrize("kind", ["explanation", "comparison"])
def test_a_job_that_has_given_nothing_has_a_summary_of_the_same_form(kind, make_explanation, make_comparison):
    header, buffer = messages.starting(kind, "a text", "Bert", Status("running", 0, 0, "starting"), 1)
    full, _ = messages.encode(make_explanation() if kind == "explanation" else make_comparison(), 1)
    assert set(strict(header)) == set(full)
    assert header["streams"][0]["tokens"] == []
    assert header["status"]["state"] == "running"
    assert buffer == b""


def test_a_summary_of_bert_base_with_128_tokens_stays_below_200_kilobytes(make_explanation):
    result = make_explanation([f"word{i}" for i in range(128)], layers=12, heads=12, maps=False)
    header, buffer = messages.encode(result, 1)
    assert len(buffer) + len(json.dumps(header)) < 200_000
