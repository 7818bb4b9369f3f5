"""What parts are given: values of another text, as long or aligned; and parts down to one key token."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.effects import effect_rows
from semiring_widgets.errors import InputError
from tests.core.patched import MODELS, WIDTH, close, in_head, in_row, recorded

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    return recorded(request.param)


def longer(model):
    """Another text of two more tokens, and which of them stands in for each token; the third has none."""
    generator = torch.Generator().manual_seed(7)
    inputs, tokens = [], []
    for x in model.inputs:
        count = x.shape[1]
        inputs.append(torch.randn(1, count + 2, x.shape[2], generator=generator))
        tokens.append([-1 if token == 2 else count + 1 - token for token in range(count)])
    return inputs, tokens


def taken(x, other, tokens, rest):
    """Rows of another text in the place of one's own; where there is none, what is given."""
    at = torch.tensor([max(0, token) for token in tokens])
    known = torch.tensor([token >= 0 for token in tokens])[:, None]
    return torch.where(known, other[:, at], rest)


@pytest.mark.parametrize("unmatched", ["stays", "mean"])
def test_another_text_is_read_with_its_words_in_our_places(case, unmatched):
    model, tape, score, _ = case
    others, tokens = longer(model)
    same = [
        taken(x, y, t, x if unmatched == "stays" else x.mean(1, keepdim=True))
        for x, y, t in zip(model.inputs, others, tokens, strict=True)
    ]
    rows = [
        effect_rows(tape, score, model.inputs, reference)
        for reference in (same, sw.Aligned(others, tokens, unmatched))
    ]
    for one, other in zip(*rows, strict=True):
        assert one["effect"] == other["effect"]
        assert one["contribution"] == other["contribution"]
        if one["kind"] == "token":
            stands = tokens[one["stream"]][one["token"]]
            assert one["stand_in"] == one["token"]
            assert other["stand_in"] == (None if stands < 0 else stands)
            assert unmatched == "mean" or stands >= 0 or abs(other["effect"]) < 1e-6
        else:
            assert other["stand_in"] is None


def test_of_a_recorded_text_the_aligned_rows_are_taken(case):
    model, tape, score, _ = case
    others, tokens = longer(model)
    with sw.record() as recorded_other:
        other_score = model.score(others)
    aligned = sw.Aligned(others, tokens, tape=recorded_other, score=other_score)
    tests, expected = [], []

    def expect(part, module, change, *, output=False):
        tests.append([(part, "resample")])
        with model.hooked(module, change, output=output), torch.no_grad():
            expected.append(float(model.score(model.inputs)))

    last = len(model.inputs) - 1
    own = slice(3 * WIDTH, 4 * WIDTH)
    top = len(model.projections) - 1
    z_r = model.seen(model.projections[top], others)
    expect(
        {"layer": top, "head": 3},
        model.projections[top],
        lambda x: in_head(x, 3, taken(x, z_r, tokens[last], x)[..., own]),
    )
    m_r = model.seen(model.mlps[top], others, output=True)
    expect(
        {"layer": top, "branch": "mlp", "token": 1},
        model.mlps[top],
        lambda x: in_row(x, 1, m_r[:, tokens[last][1]]),
        output=True,
    )
    layer = max(number for number, block in enumerate(model.blocks) if block is not None)
    x_r = model.seen(model.blocks[layer], others)
    expect(
        {"layer": layer, "token": 1},
        model.blocks[layer],
        lambda x: in_row(x, 1, x_r[:, tokens[last][1]]),
    )
    found = sw.test(tape, score, tests, wrt=model.inputs, resample=aligned)
    for one, number in zip(found, expected, strict=True):
        close(one.after, number, score)
        assert one.effect != 0
    (stayed,) = sw.test(
        tape, score, [[({"layer": layer, "token": 2}, "resample")]], wrt=model.inputs, resample=aligned
    )
    close(stayed.after, score, score)


def test_resampling_is_beside_the_reference(case):
    model, tape, score, reference = case
    part = {"layer": 0, "head": 1}
    by_reference, by_zero, both = sw.test(
        tape,
        score,
        [
            [(part, "reference")],
            [({"layer": 1, "head": 2}, "zero")],
            [(part, "resample"), ({"layer": 1, "head": 2}, "reference")],
        ],
        wrt=model.inputs,
        reference="zero",
        resample=reference,
    )
    assert by_reference.after != by_zero.after
    rows = effect_rows(
        tape, score, model.inputs, "zero", by="resample", resample=reference, kind="heads", steps=2
    )
    again = effect_rows(tape, score, model.inputs, reference, kind="heads", steps=2)
    assert rows == again
    z_r = [model.seen(module, reference) for module in model.projections[:1]]
    zero = [torch.zeros_like(x) for x in model.inputs]
    z_0 = model.seen(model.projections[1], zero)
    with (
        model.hooked(model.projections[0], lambda x: in_head(x, 1, z_r[0][..., WIDTH : 2 * WIDTH])),
        model.hooked(model.projections[1], lambda x: in_head(x, 2, z_0[..., 2 * WIDTH : 3 * WIDTH])),
        torch.no_grad(),
    ):
        close(both.after, model.score(model.inputs), score)


@pytest.mark.parametrize("name", ["BertForMaskedLM", "GPT2LMHeadModel"])
def test_what_a_head_reads_from_one_token(name):
    model, tape, score, reference = recorded(name)
    if name == "BertForMaskedLM":
        attention = model.blocks[1].attention.self
        modules = {"key": (attention.key, 0), "value": (attention.value, 0)}
    else:
        modules = {"key": (model.blocks[1].attn.c_attn, 32), "value": (model.blocks[1].attn.c_attn, 64)}

    def changed(branch):
        module, first = modules[branch]
        own = slice(first + 2 * WIDTH, first + 3 * WIDTH)
        under = model.seen(module, reference, output=True)

        def change(x):
            x = x.clone()
            x[:, 3, own] = under[:, 3, own]
            return x

        return model.hooked(module, change, output=True)

    parts = {branch: sw.Selection(1, branch, 2, 3) for branch in modules}
    tests = [{part: "reference"} for part in parts.values()]
    found = sw.test(
        tape, score, [*tests, {tuple(parts.values()): "reference"}], wrt=model.inputs, reference=reference
    )
    for branch, one in zip(parts, found, strict=False):
        with changed(branch), torch.no_grad():
            close(one.after, model.score(model.inputs), score)
    with changed("key"), changed("value"), torch.no_grad():
        close(found[-1].after, model.score(model.inputs), score)
    assert len({one.after for one in found}) == 3


def test_a_selection_of_several_parts_is_replaced_together(case):
    model, tape, score, reference = case
    z = [model.seen(module, reference) for module in model.projections[:1]]
    m = model.seen(model.mlps[0], reference, output=True)
    parts = ({"layer": 0, "head": 0}, {"layer": 0, "head": 2}, {"layer": 0, "branch": "mlp", "token": 1})
    found = sw.test(tape, score, [(parts, "reference")], wrt=model.inputs, reference=reference)

    def heads(x):
        for head in (0, 2):
            x = in_head(x, head, z[0][..., head * WIDTH : (head + 1) * WIDTH])
        return x

    with (
        model.hooked(model.projections[0], heads),
        model.hooked(model.mlps[0], lambda x: in_row(x, 1, m[:, 1]), output=True),
        torch.no_grad(),
    ):
        close(found.after, model.score(model.inputs), score)
    (listed,) = sw.test(tape, score, [[(list(parts), "reference")]], wrt=model.inputs, reference=reference)
    assert listed == found


def test_more_kinds_of_rows(case):
    model, tape, score, reference = case
    rows = effect_rows(tape, score, model.inputs, reference, kind=["attentions", "heads", "heads_at"])
    whole = {row["layer"]: row for row in rows if row["kind"] == "attention"}
    assert len(whole) == len(model.projections)
    for layer, module in enumerate(model.projections):
        z_r = model.seen(module, reference)
        with model.hooked(module, lambda x, z=z_r: z), torch.no_grad():
            close(whole[layer]["after"], model.score(model.inputs), score)
        own = [row["contribution"] for row in rows if row["kind"] == "head" and row["layer"] == layer]
        close(whole[layer]["contribution"], sum(own), score)
        for head in range(4):
            at = [r for r in rows if (r["kind"], r["layer"], r["head"]) == ("head_at", layer, head)]
            assert [row["token"] for row in at] == list(range(z_r.shape[1]))
            close(own[head], sum(row["contribution"] for row in at), score)
            assert all(row["stand_in"] == row["token"] for row in at)


def test_what_does_not_fit():
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    with sw.record() as tape:
        score = (x * x).sum()
    y = torch.ones(3, 2)
    wrong = [
        (sw.Aligned(y, [0]), "has 1 numbers for 2 tokens"),
        (sw.Aligned(y, [0, 3]), "0 to 2, or -1 for none"),
        (sw.Aligned(y, 3), "tokens is 3"),
        (sw.Aligned(y, [0, 1], "goes"), "choose one of stays, mean"),
        (sw.Aligned(torch.ones(3, 4), [0, 1]), r"shape \[3, 4\]"),
        (sw.Aligned([y, y], [[0, 1], [0, 1]]), "aligns 2 inputs"),
        (sw.Aligned(y, [0, 1], tape=tape), "no score"),
        (torch.ones(3, 2), r"sw\.Aligned"),
    ]
    for reference, says in wrong:
        with pytest.raises(InputError, match=says):
            sw.test(tape, score, {x: "reference"}, wrt=x, reference=reference)
    with pytest.raises(InputError, match="give resample="):
        sw.test(tape, score, {x: "resample"}, wrt=x, reference="zero")
    with pytest.raises(InputError, match="give resample="):
        effect_rows(tape, score, x, "zero", by="resample")
    with sw.record() as other:
        hidden = y * 2
        other_score = (hidden * hidden).sum()
    with sw.record() as tape:
        middle = x * 2
        score = (middle * middle).sum()
    with pytest.raises(InputError, match="no part that is known in both"):
        sw.test(
            tape,
            score,
            {middle: "reference"},
            wrt=x,
            reference=sw.Aligned(y, [0, 1], tape=other, score=other_score),
        )
