"""A question that is changed gives the numbers of a new one, and only what depends on the change is made."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import run_steps

TEXT = "The keys [MASK] here."
# Which steps run again for a change; what is not named is taken from the question before.
STEPS = {
    "prepare": "prepare",
    "record": "_recorded",
    "test": "tell_effects",
    "sweep": "every_path",
    "some": "tell_some",
    "statistic": "_ask",
}
CHANGES = [
    ({"reference": "zero"}, {"test"}),
    ({"semiring": "variance"}, {"statistic"}),
    ({"level": "branch"}, {"sweep"}),
    ({"paths": 2}, set()),
    ({"rules": "lrp"}, {"record", "test", "sweep"}),
    ({"granularity": "operator"}, {"record", "test", "sweep"}),
    ({"through": {"layer": 1, "head": 0}}, {"some"}),
    ({"target": "were"}, {"prepare", "record", "test", "sweep"}),
]


@pytest.fixture(scope="module")
def pair():
    return sw.load_demo()


@pytest.fixture(scope="module")
def first(pair):
    return sw.explain(*pair, TEXT, "are", "is", paths=3)


@pytest.fixture
def steps(monkeypatch):
    """The steps that run."""
    found = set()
    for name, function in STEPS.items():
        made = getattr(run_steps, function)

        def noted(*args, name=name, made=made, **kwargs):
            found.add(name)
            return made(*args, **kwargs)

        monkeypatch.setattr(run_steps, function, noted)
    return found


def again(first, **changes):
    return first.session.asker.changed(**changes).run(first.session)(lambda _: None, lambda: None)


@pytest.mark.parametrize(
    ("change", "made"), CHANGES, ids=[next(iter(change), "none") for change, _ in CHANGES]
)
def test_only_what_depends_on_the_change_is_made(pair, first, steps, change, made):
    numbers = first.dataset.copy(deep=True)
    found = again(first, **change)
    assert steps == made
    fresh = sw.explain(*pair, TEXT, **{"target": "are", "contrast": "is", "paths": 3, **change})
    assert set(found.dataset) == set(fresh.dataset)
    for name in fresh.dataset:
        np.testing.assert_allclose(
            found.dataset[name].values, fresh.dataset[name].values, rtol=1e-5, atol=2e-5, err_msg=name
        )
    assert [r.label for k in found.rankings for r in k.routes] == [
        r.label for k in fresh.rankings for r in k.routes
    ]
    assert found.sentences == fresh.sentences
    assert found.call() == fresh.call()
    # The explanation before is as it was, and still answers.
    assert first.dataset.identical(numbers)
    assert first.live
    part = {"layer": 1, "head": 0}
    assert found.session.conditioned(part)[1] == pytest.approx(fresh.session.conditioned(part)[1], abs=1e-5)


def test_a_model_that_was_trained_since_is_recorded_again(steps):
    model, tokenizer = sw.load_demo()
    before = sw.explain(model, tokenizer, TEXT, "are", paths=1, rankings="best")
    steps.clear()
    with torch.no_grad():
        model.get_output_embeddings().bias += 1.0
    found = again(before, reference="zero")
    assert steps == {"prepare", "record", "test", "sweep"}
    assert found.score.value == pytest.approx(before.score.value + 1, abs=1e-4)


def test_the_model_is_not_kept_alive():
    model, tokenizer = sw.load_demo()
    found = sw.explain(model, tokenizer, TEXT, "are", paths=1, rankings="best")
    asker = found.session.asker
    found.release()
    assert asker.changed(target="were").arguments[1].words == ("were",)
    del model
    with pytest.raises(InputError, match="no longer in memory"):
        asker.run()


def test_an_argument_that_is_not_there_cannot_be_changed(first):
    with pytest.raises(InputError, match=r"'colour' cannot be changed here; choose of text, target, "):
        first.session.asker.changed(colour="red")


def test_the_first_choices_of_the_model(pair, first):
    model, tokenizer = pair
    encoded = tokenizer(TEXT, return_tensors="pt")
    place = encoded.input_ids[0].tolist().index(tokenizer.mask_token_id)
    chances = model(**encoded).logits[0, place].softmax(-1)
    assert [one.probability for one in first.likeliest] == pytest.approx(
        chances.topk(5).values.tolist(), abs=1e-6
    )
    best = int(chances.argmax())
    assert first.likeliest[0].text == tokenizer.decode([best]).strip()
    # What is written there is taken as a target, and means the same.
    assert (
        again(first, target=first.likeliest[0].words, contrast=None).score.target == first.likeliest[0].text
    )


def test_the_printed_call_gives_the_same_numbers(pair, first):
    model, tokenizer = pair
    selection, avoiding = [{"layer": 3, "head": 3}], [{"token": 1}]
    table, log_share = first.session.conditioned(selection, avoiding=avoiding)
    shown = eval(first.call(selection, avoiding), {"sw": sw, "model": model, "tokenizer": tokenizer})
    assert shown.score == first.score
    assert shown.totals.log_mass == pytest.approx(first.totals.log_mass + log_share, abs=1e-5)
    for name in table.data_vars:
        np.testing.assert_allclose(
            shown.dataset[name].values, table[name].values, rtol=1e-4, atol=1e-5, err_msg=str(name)
        )
