"""Several pieces in the place of a mask: pseudo-log-likelihoods, as one computes them by hand."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.masked_pieces import _word_ends
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question

TEXT = "The keys [MASK] here."
WORD, WORDS = "keysfoo", "are on"


@pytest.fixture(scope="module")
def demo():
    return sw.load_demo()


def by_hand(model, tokenizer, answer, text=TEXT):
    """Each piece asked for where it and those after it in its word are masks (Kauf and Ivanova, 2023)."""
    pieces = tokenizer.tokenize(answer)
    found = []
    for number in range(len(pieces)):
        end = number + 1
        while end < len(pieces) and pieces[end].startswith("##"):
            end += 1
        masks = [tokenizer.mask_token] * (end - number)
        ids = tokenizer.convert_tokens_to_ids([*pieces[:number], *masks, *pieces[end:]])
        read = tokenizer(text).input_ids
        place = read.index(tokenizer.mask_token_id)
        read[place : place + 1] = ids
        with torch.no_grad():
            logits = model(torch.tensor([read])).logits[0, place + number]
        found.append(float(logits.log_softmax(-1)[tokenizer.convert_tokens_to_ids(pieces[number])]))
    return found


@pytest.mark.parametrize("answer", [WORD, WORDS, "are keysfoo on"])
def test_the_score_is_the_sum_by_hand(demo, answer):
    score = prepare(*demo, Question(TEXT, answer)).score
    assert score.value == pytest.approx(sum(by_hand(*demo, answer)), abs=1e-4)
    assert (score.target, score.unit) == (answer, "nats")
    assert score.label == f"pseudo-log p({answer}) at [MASK]"


def test_pieces_of_other_words_are_seen_and_those_of_the_same_are_not(demo):
    _, tokenizer = demo
    mask = tokenizer.mask_token_id
    halves = prepare(*demo, Question(TEXT, "are keysf")).halves
    are, keys, f = tokenizer(["are keysf"], add_special_tokens=False).input_ids[0]
    assert [one.call.source.filling[1] for one in halves] == [
        (mask, keys, f),
        (are, mask, mask),
        (are, keys, mask),
    ]


class _Said:
    """Pieces of a tokenizer that cuts words anywhere, as bytes."""

    def __init__(self, *said):
        self.said = said

    def data(self, number):
        return self.said[number]


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([b" are", b" on"], [1, 2]),
        (["हि".encode(), "न्दी".encode()], [2, 2]),
        ([b" na", b"\xc3", b"\xaf", b"ve"], [4, 4, 4, 4]),
        (["cafe\u0301".encode(), b"s"], [2, 2]),
        ([b"don", b"'", b"t"], [1, 2, 3]),
    ],
)
def test_a_word_ends_where_no_letter_follows(said, ends):
    assert _word_ends(_Said(*said), range(len(said))) == ends


END = "The keys [MASK]"


@pytest.mark.parametrize(
    ("text", "target", "contrast"),
    [(TEXT, WORDS, "is on"), (END, WORDS, "is"), (END, "is", WORD), (END, WORD, WORDS)],
)
def test_a_contrast_is_the_difference_of_two_sums(demo, text, target, contrast):
    score = prepare(*demo, Question(text, target, contrast)).score
    sums = [sum(by_hand(*demo, answer, text)) for answer in (target, contrast)]
    assert score.value == pytest.approx(sums[0] - sums[1], abs=1e-4)


@pytest.mark.parametrize(("target", "contrast"), [(WORDS, "is"), ("is", WORD), (WORD, WORDS)])
def test_text_behind_the_gap_stays_where_it_is(demo, target, contrast):
    """With fewer pieces for one of them, a place would be *here* in one reading and *.* in the other."""
    with pytest.raises(InputError, match=r"has \d pieces and contrast .* subtract their scores"):
        prepare(*demo, Question(TEXT, target, contrast))
    tokens = prepare(*demo, Question(TEXT, WORDS, "is on")).streams[0].tokens
    assert [token.text for token in tokens[3:]] == ["are / is", "on", "here", ".", "[SEP]"]


@pytest.mark.parametrize("behind", ["[MASK]", "[UNK]"])
def test_unknown_words_and_masks_behind_the_gap_are_text(demo, behind):
    with pytest.raises(InputError, match=r"has \d pieces and contrast"):
        prepare(*demo, Question(f"The keys [MASK] {behind}", WORDS, "is", position=3))


def test_one_piece_alone_is_its_part_of_the_sum(demo):
    each = [prepare(*demo, Question(TEXT, WORDS, piece=piece)).score.value for piece in (0, 1)]
    np.testing.assert_allclose(each, by_hand(*demo, WORDS), atol=1e-4)
    # One word has one piece, whose log-probability it then is.
    assert prepare(*demo, Question(TEXT, "are", piece=0)).score.value == pytest.approx(
        by_hand(*demo, "are")[0], abs=1e-4
    )


def test_ids_and_a_place_among_several_masks_can_be_given(demo):
    _, tokenizer = demo
    ids = tokenizer(WORDS, add_special_tokens=False).input_ids
    assert prepare(*demo, Question(TEXT, ids)).score == prepare(*demo, Question(TEXT, WORDS)).score
    two = prepare(*demo, Question("The keys [MASK] [MASK].", WORDS, position=4))
    assert two.score.value == pytest.approx(sum(by_hand_second(*demo)), abs=1e-4)


def by_hand_second(model, tokenizer):
    """The same for the second of two masks; the first one stays one."""
    (are, on), mask = tokenizer(WORDS, add_special_tokens=False).input_ids, tokenizer.mask_token_id
    start = tokenizer("The keys", add_special_tokens=False).input_ids
    ids = [tokenizer.cls_token_id, *start, mask]
    for number, own in enumerate(((mask, on), (are, mask))):
        end = [*tokenizer(".", add_special_tokens=False).input_ids, tokenizer.sep_token_id]
        with torch.no_grad():
            logits = model(torch.tensor([[*ids, *own, *end]])).logits[0, 4 + number]
        yield float(logits.log_softmax(-1)[(are, on)[number]])


def test_paths_and_effects_are_those_of_the_whole_sum(demo):
    """Gradients of the readings add up, and a head without its output is without it in each of them."""
    model, tokenizer = demo
    e = sw.explain(model, tokenizer, TEXT, WORDS, reference="zero", rankings=())
    parts = [
        sw.explain(model, tokenizer, TEXT, WORDS, piece=piece, reference="zero", rankings=())
        for piece in (0, 1)
    ]
    for what in ("head_effect", "mlp_effect", "head_contribution"):
        together = sum(part.dataset[what].values for part in parts)
        np.testing.assert_allclose(e.dataset[what].values, together, rtol=1e-3, atol=1e-4)
    assert [token.text for token in e.tokens[3:5]] == ["are", "on"]
    assert e.sentences[0].text.startswith("The model gives *are on* a pseudo-log-likelihood of")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"generate": 2}, "does not go on with a text"),
        ({"target": WORDS, "position": 1}, "put \\[MASK\\] there"),
        ({"contrast": WORDS}, "no target was given"),
        ({"target": WORDS, "contrast": WORDS}, "same pieces"),
        ({"target": WORDS, "piece": 2}, "has 2 pieces"),
        ({"target": []}, "empty list"),
        ({"target": "are [MASK]"}, "stands for any word"),
    ],
)
def test_what_means_nothing_is_refused(demo, asked, words):
    with pytest.raises(InputError, match=words):
        sw.explain(*demo, TEXT, **asked)


def test_methods_take_one_reading_at_a_time(demo):
    with pytest.raises(InputError, match="ask for one piece"):
        sw.compare(*demo, TEXT, WORDS, methods=["Saliency"])
