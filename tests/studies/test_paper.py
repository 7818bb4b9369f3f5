"""The estimators of the paper's study on cases with known answers, and how claims are judged."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

import semiring_widgets as sw
from examples.studies.paper import STUDY, difficulty, sentences, sizes
from examples.studies.paper.agreement_claims import CHECKS, Flows, mask_by_skip, skip_leads, subject_by_keys
from examples.studies.paper.consumers import BRANCHES, chosen, entropies, path_grads, recorded
from examples.studies.paper.means import means, rank_correlation
from examples.studies.paper.reading import number, verdict
from examples.studies.paper.size_claims import slope


@pytest.fixture(scope="module")
def bert():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=6, type_vocab_size=1, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertForSequenceClassification(config).double().eval()


IDS = torch.tensor([[1, 2, 3, 4], [5, 2, 2, 7], [8, 1, 1, 1]])


def difference(logits):
    return logits[:, 1] - logits[:, 0]


def test_what_arrives_through_the_consumers_is_the_gradient(bert):
    recording = recorded(bert, IDS, difference)
    copies = [recording.copies[0, branch] for branch in BRANCHES]
    found = [result.value for result in sw.backprop(recording.tape, recording.score, copies)]
    # The input of layer 0 is the embedding after its norm; autograd's gradient there is the sum of all four.
    hidden = bert.bert.embeddings(IDS).detach().requires_grad_()
    stream = bert.bert.encoder(hidden)[0]
    difference(bert.classifier(bert.bert.pooler(stream))).sum().backward()
    torch.testing.assert_close(sum(found), hidden.grad)
    assert min(float(part.abs().max()) for part in found) > 0


def test_branches_against_a_hand_calculation():
    """Two linear consumers of one tensor: each brings its gradient, the tensor takes the larger."""
    x = torch.tensor([[1.0, -2.0]])
    keys, values = torch.tensor([[1.0, 2.0], [-3.0, 4.0]]), torch.tensor([[0.5, -1.0], [2.0, 2.0]])
    with sw.record() as tape:
        hidden = x * 1.0
        by_key, by_value = hidden * 1.0, hidden * 1.0
        score = (by_key @ keys).sum() + (by_value @ values).sum()
    starts = [by_key, by_value, hidden]
    key, value, both = sw.backprop(tape, score, starts, "signed_max", level="branch")
    # Sums of the rows of the matrices; at the tensor itself the larger of the two.
    assert key.most_positive.tolist() == [[3.0, 1.0]]
    assert value.most_positive.tolist() == [[-0.5, 4.0]]
    assert both.most_positive.tolist() == [[3.0, 4.0]]
    alone = sw.backprop(tape, score, hidden, "signed_max")
    assert alone.most_positive.tolist() == [[2.0, 4.0]], "at unit level the best single edge"


def test_path_grads_of_a_last_layer(bert):
    """Only the first token is read, so at all others query and skip carry nothing, at both levels."""
    recording = recorded(bert, IDS, difference, "paper")
    for level in ("branch", "unit"):
        grads = path_grads(recording, level)
        assert grads.shape == (3, 2, 4, 4)
        last = grads[:, 1]
        assert float(last[:, [1, 3], 1:].abs().max()) == 0
        assert float(last[:, [0, 2]].min()) > 0
        assert float(last[:, [1, 3], 0].min()) > 0


def test_copies_leave_entropies_as_they_are(bert):
    recording = recorded(bert, IDS, difference)
    with sw.record() as tape:
        x = bert.get_input_embeddings()(IDS)
        score = difference(bert(inputs_embeds=x).logits)
    alone = sw.backprop(tape, score, x, "entropy")
    by_token, whole = entropies(recording)
    torch.testing.assert_close(by_token, alone.reduce(-1).entropy)
    torch.testing.assert_close(whole, alone.reduce([-2, -1]).entropy)


def test_the_model_reads_no_copies_afterwards(bert):
    recorded(bert, IDS, difference)
    hooks = [len(module._forward_pre_hooks) for module in bert.modules()]
    assert sum(hooks) == 0


def test_chosen_branch():
    grads = torch.zeros(1, 1, 4, 3)
    grads[0, 0, :, 0] = torch.tensor([0.1, 0.2, 0.4, 0.3])
    grads[0, 0, :, 1] = torch.tensor([0.9, 0.2, 0.4, 0.3])
    found = chosen(grads)[0, 0]
    assert found[:, 0].tolist() == [0, 0, 1, 0]
    assert found[:, 1].tolist() == [1, 0, 0, 0]
    assert found[:, 2].tolist() == [0, 0, 0, 0], "no positive path, so no branch"


def test_means_leave_out_what_is_missing():
    values = np.array([[1.0, np.nan], [3.0, 5.0], [2.0, np.nan]])
    mean, low, high = means(values)
    assert mean.tolist() == [2.0, 5.0]
    assert low[0] < 2 < high[0]
    assert low[1] == high[1] == 5.0


def test_rank_correlation_of_noise_has_zero_in_its_interval():
    draw = np.random.default_rng(0)
    found, low, high = rank_correlation(draw.normal(size=60), draw.normal(size=60))
    assert low < found < high
    assert low < 0 < high


def test_slope_of_a_logarithm():
    widths = np.log([4, 8, 16, 32])
    found, low, high = slope(widths, widths + 0.9)
    assert [found, low, high] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(("value", "text"), [(0.0301, "0.0301"), (2.6e-6, "2.6e-06"), (141.251, "141")])
def test_numbers_are_told_at_any_size(value, text):
    assert number(value) == text


def flows(all_tokens, subject=None, mask=None):
    rows = pd.DataFrame(
        [
            {"statistic": "oplus", "group": "subject", "layer": 0.0, "branch": branch, "n": 9,
             "mean": value, "low": value * 0.9, "high": value * 1.1}
            for branch, value in zip(BRANCHES, subject or all_tokens[-1], strict=True)
        ]
    )  # fmt: skip
    oplus = {"all": np.array(all_tokens), "subject": np.array([subject or all_tokens[-1]])}
    return Flows(rows, oplus, {"mask": np.array(mask or [[0, 0, 0, 1]])})


def test_claims_are_judged_by_their_figures():
    holds, told = skip_leads(flows([[1, 0, 2, 9], [1, 0, 2, 3]]))
    assert holds
    assert told.startswith("in 2 of 2 layers")
    assert not skip_leads(flows([[1, 0, 2, 9], [9, 0, 2, 3]]))[0]
    assert subject_by_keys(flows([[0, 0, 0, 1]], subject=[0.76, 0, 0.24, 0]))[1].startswith("key 76%")
    assert not subject_by_keys(flows([[0, 0, 0, 1]], subject=[0.5, 0, 0.49, 0]))[0], "intervals overlap"
    assert mask_by_skip(flows([[0, 0, 0, 1]], mask=[[0, 0.01, 0, 0.99]]))[0]
    assert not mask_by_skip(flows([[0, 0, 0, 1]], mask=[[0, 0.08, 0, 0.92]]))[0]
    assert [verdict(case) for case in (True, False, None)] == ["agrees", "disagrees", "cannot be tested here"]


def test_published_figures_hold_their_own_claims():
    """The figures of the paper, put through the same checks, must agree with what the paper says."""
    skip = [0.1423, 0.1056, 0.1247, 0.1236, 0.1173, 0.0662]
    key = [0.0185, 0.0081, 0.0067, 0.0207, 0.0189, 0.0355]
    value = [0.0040, 0.0024, 0.0022, 0.0075, 0.0202, 0.0360]
    query = [2.6e-6, 0, 0, 8.9e-7, 0, 5.6e-4]
    own = flows([list(layer) for layer in zip(key, query, value, skip, strict=True)])
    by_all = [check for what, (_, check) in CHECKS.items() if check.__name__ in
              ("skip_leads", "queries_carry_little", "keys_before_values", "keys_grow")]  # fmt: skip
    assert len(by_all) == 4
    assert all(check(own)[0] for check in by_all)


def test_blimp_knows_subjects_and_attractors():
    pairs = sentences.blimp_pairs()
    assert len(pairs) == 4800
    by_text = {pair.text: pair for pair in pairs}
    pair = by_text["The grandfather of boys [MASK]."]
    assert [pair.words[place] for place in (pair.subject, *pair.attractors)] == ["grandfather", "boys"]
    assert all(0 <= pair.subject < pair.place for pair in pairs if pair.subject is not None)
    assert all(set(pair.attractors) <= set(pair.nouns) for pair in pairs if pair.nouns is not None)


def test_batches_hold_every_sentence_once_and_mark_its_words():
    model, tokenizer = sw.load_demo()
    pairs = sentences.drawn(sentences.known(tokenizer), 40)
    numbers = []
    for batch in sentences.batches(tokenizer, pairs, 8):
        numbers += batch.numbers.tolist()
        for row, sentence in enumerate(batch.numbers.tolist()):
            pair, words = pairs[sentence], tokenizer.convert_ids_to_tokens(batch.ids[row])
            assert words[batch.asked[row]] == "[MASK]"
            subject = [words[place] for place in batch.groups["subject"][row].nonzero()[:, 0].tolist()]
            assert subject == ([] if pair.subject is None else [pair.words[pair.subject].lower()])
        logits = model(input_ids=batch.ids).logits
        one = logits[0, batch.asked[0]]
        torch.testing.assert_close(batch.score(logits)[0], one[batch.good[0]] - one[batch.bad[0]])
    assert sorted(numbers) == list(range(40))


def test_a_run_of_the_difficulty_experiment(monkeypatch):
    monkeypatch.setattr(difficulty, "EXPLAINED", 4)
    found = difficulty.measure("Contains1FirstToken", {}, 0, train_size=100, epochs=1)
    told = found.set_index(["statistic", "granularity", "group"])["mean"]
    # What is known before the first model: two labels among 36.
    assert told["mdl as published"].item() > sw.tasks.block_sizes(100)[0] * np.log(difficulty.OUTPUTS)
    assert told["entropy", "paper", "all"] > 0
    assert 0 <= told["accuracy"].item() <= 1


def test_entropy_of_a_perceptron_is_at_most_the_logarithm_of_its_paths():
    found = sizes.perceptrons(0, points=200, epochs=1)
    narrow = found[(found.setting == "1 hidden, width 4") & (found.statistic == "entropy")]
    assert (narrow[narrow.granularity == "primitive"]["mean"] <= np.log(4 * 2 * 3)).all()
    assert len(narrow) == 4


@pytest.mark.parametrize("short", [True, False])
def test_cells_have_their_own_names_and_can_be_pickled(short):
    cells = STUDY.cells(short)
    assert len({cell.key for cell in cells}) == len(cells)
    assert all(isinstance(cell.run, partial) for cell in cells)


def test_nothing_is_said_of_what_was_not_run():
    report = STUDY.report(pd.DataFrame({"cell": [], "experiment": [], "mean": []}))
    assert report.claims == []
