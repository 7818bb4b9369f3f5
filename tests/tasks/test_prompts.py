"""The texts: agreement by a second reading of the words, years, giving, and what all of them promise."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

import semiring_widgets
from semiring_widgets import tasks
from semiring_widgets.errors import InputError

KINDS = tasks.AGREEMENT_KINDS
PLURAL_VERBS = {"are", "were", "have"}
IRREGULAR = {"children": "plural", "men": "plural", "women": "plural", "actress": "singular"}
ALL = {
    "agreement": lambda n, seed=0: tasks.agreement_pairs(n, seed=seed),
    "greater_than": lambda n, seed=0: tasks.greater_than(n, seed=seed),
    "indirect_object": lambda n, seed=0: tasks.indirect_object(n, seed=seed),
}


def noun_number(word):
    """By spelling: the nouns of the grammar are regular but for a few."""
    return IRREGULAR.get(word, "plural" if word.endswith("s") else "singular")


def verb_number(word):
    if word in PLURAL_VERBS:
        return "plural"
    return "singular" if word.endswith("s") else "plural"


def differing(first, second):
    pairs = zip(first.split(), second.split(), strict=True)
    return [place for place, (word, other) in enumerate(pairs) if word != other]


@pytest.mark.parametrize("kind", KINDS)
def test_the_good_sentence_agrees_and_the_bad_one_does_not(kind):
    for pair in tasks.agreement_pairs(300, kinds=[kind]):
        words = pair.words
        assert pair.kind == kind
        assert noun_number(words[pair.subject]) == pair.number
        assert verb_number(pair.target) == pair.number != verb_number(pair.contrast)
        assert differing(pair.good, pair.bad) == [pair.place]
        assert pair.good.split()[pair.place].strip(".") == pair.target
        assert [noun_number(words[place]) != pair.number for place in pair.nouns] == [
            place in pair.attractors for place in pair.nouns
        ]
        # Nothing before the verb but nouns follows a "the", so no noun is forgotten.
        after_the = [place + 1 for place in range(pair.place) if words[place].lower() == "the"]
        assert sorted([pair.subject, *pair.nouns]) == after_the
        assert len({noun[:4] for noun in (words[place] for place in after_the)}) >= len(after_the) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_counterfactual_changes_the_subject_alone(kind):
    for pair in tasks.agreement_pairs(100, kinds=[kind], seed=4):
        changed = differing(pair.text, pair.counterfactual)
        first_verb = [pair.subject + 1] if kind == "verb_phrase_coordination" else []
        assert changed == [pair.subject, *first_verb]
        flipped = pair.counterfactual.split()[pair.subject]
        assert {noun_number(flipped), pair.number} == {"singular", "plural"}


@pytest.mark.parametrize("attractors", range(5))
def test_so_many_attractors_as_asked(attractors):
    pairs = tasks.agreement_pairs(250, attractors=attractors)
    assert {len(pair.attractors) for pair in pairs} == {attractors}
    assert Counter(pair.number for pair in pairs)["plural"] in range(100, 151)


def test_each_noun_has_its_number_by_chance():
    pairs = tasks.agreement_pairs(2000, kinds=["four_prepositional_phrases"])
    attractors = sum(len(pair.attractors) for pair in pairs)
    # Of 8000 nouns one half, within five standard deviations.
    assert abs(attractors - 4000) < 5 * (8000 / 4) ** 0.5
    assert {len(pair.attractors) for pair in pairs} == set(range(5))


def test_kinds_and_numbers_take_turns():
    pairs = tasks.agreement_pairs(22 * 5)
    assert Counter(pair.kind for pair in pairs) == dict.fromkeys(KINDS, 10)
    assert Counter((pair.kind, pair.number) for pair in pairs).most_common()[-1][1] == 5


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_thousands_of_sentences_of_a_kind(kind):
    assert len({pair.good for pair in tasks.agreement_pairs(1500, kinds=[kind])}) == 1500


def test_words_are_known_to_the_embedded_model():
    """Single tokens, so that every pair of this grammar can be asked; "and" is the one exception."""
    home = Path(semiring_widgets.__file__).parent / "explanation/embedded_model"
    known = json.loads((home / "tokenizer.json").read_text())["model"]["vocab"]
    pairs = tasks.agreement_pairs(4000)
    words = {
        word.strip(".").lower() for pair in pairs for text in (pair.good, pair.bad) for word in text.split()
    }
    assert words - known.keys() == {"and"}


def test_years_are_right_and_wrong():
    for span in tasks.greater_than(500):
        start = int(span.text.split(str(span.century), 1)[1][:2])
        assert start == span.start in range(2, 99)
        assert [int(year) > start for year in span.right] == [True] * (99 - start)
        assert sorted(span.wrong + span.right) == [f"{year:02d}" for year in range(100)]
        assert span.target in span.right
        assert span.contrast in span.wrong
        assert span.prefix.endswith(f" {span.century}")
        assert 11 <= span.century <= 17
        assert span.counterfactual == span.text.replace(f"{span.century}{start:02d}", f"{span.century}01")
    assert Counter(span.kind for span in tasks.greater_than(600)).keys() == {"began", "started", "from"}


def test_years_can_be_written_apart():
    joined, apart = tasks.greater_than(20), tasks.greater_than(20, joined=False)
    for one, other in zip(joined, apart, strict=True):
        start, end = f"{one.century} {one.start:02d}", f"{one.century} {tasks.MASK}"
        assert start in other.text
        assert (
            other.text.replace(start, start.replace(" ", "")).replace(end, end.replace(" ", "")) == one.text
        )
        assert other.prefix == one.prefix.replace(start.replace(" ", ""), start)


def test_giving_names_one_person_twice():
    names = Counter()
    for number, giving in enumerate(tasks.indirect_object(400)):
        words = [word.strip(".,") for word in giving.words]
        assert giving.kind == ("ABBA", "BABA")[number % 2]
        assert words[giving.indirect_object] == giving.target
        assert words.count(giving.target) == 1
        first, again = giving.subjects
        assert words[first] == words[again] == giving.contrast
        assert words.count(giving.contrast) == 2
        assert (giving.indirect_object < first) == (giving.kind == "ABBA")
        changed = differing(giving.text, giving.counterfactual)
        assert changed == sorted([giving.indirect_object, first, again])
        others = {giving.counterfactual.split()[place].strip(",") for place in changed}
        assert len(others) == 3
        assert not others & {giving.target, giving.contrast}
        names[giving.target] += 1
    assert len(names) > 50


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_sentences_are_different_and_seeded(make):
    # So many that some are drawn twice.
    assert len({prompt.good for prompt in make(6000)}) == 6000
    prompts = make(1000)
    assert not {prompt.good for prompt in prompts} & {prompt.bad for prompt in prompts}
    assert make(1000) == prompts != make(1000, seed=1)
    for prompt in prompts:
        assert prompt.text.startswith(prompt.prefix)
        assert tasks.MASK not in prompt.prefix
        assert tasks.MASK in prompt.words[prompt.place]
        assert len(prompt.counterfactual.split()) == len(prompt.words)
        assert prompt.masked("<mask>").count("<mask>") == 1
        assert tasks.MASK not in prompt.masked("<mask>")


def test_a_longer_list_begins_with_the_shorter_one():
    assert tasks.agreement_pairs(300)[:50] == tasks.agreement_pairs(50)
    assert tasks.indirect_object(300)[:50] == tasks.indirect_object(50)


@pytest.mark.parametrize("name", ALL)
def test_the_same_on_every_machine(name):
    """Digests of what numpy 2.4 drew: another version, or another machine, has to draw the same."""
    prompts = ALL[name](100, seed=7)
    text = "\n".join(f"{prompt.good} {prompt.bad} {prompt.counterfactual}" for prompt in prompts)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == DIGESTS[name]


DIGESTS = {
    "agreement": "ae1715f5c3007862",
    "greater_than": "8f12b10402b555de",
    "indirect_object": "0e5d68c7527be913",
}


WRONG = [
    (lambda: tasks.agreement_pairs(0), "n is 0; give a whole number"),
    (lambda: tasks.agreement_pairs(5, kinds=["plain"]), "kinds is 'plain'; choose one of simple"),
    (lambda: tasks.agreement_pairs(5, kinds="simple"), "kinds is 'simple'; give a list of some of simple"),
    (lambda: tasks.agreement_pairs(5, kinds=[]), r"kinds is \[\]; give a list"),
    (
        lambda: tasks.agreement_pairs(5, attractors=5),
        "attractors is 5; give a whole number, 0 or more and at",
    ),
    (lambda: tasks.agreement_pairs(5, kinds=["simple"], attractors=1), "The kind simple has 0 nouns before"),
    (lambda: tasks.agreement_pairs(5, seed="a"), "seed is 'a'"),
    (lambda: tasks.greater_than(10**6), "n is 1,000,000; there are 73,332 different sentences"),
    (lambda: tasks.greater_than(5, joined=None), "joined is None; give True or False"),
    (lambda: tasks.indirect_object(10**6), "n is 1000000; give a whole number, 1 or more and at most"),
    (
        lambda: tasks.Prompt("k", "No place.", "a", "b"),
        r"text is 'No place\.'; give a text with \[MASK\] once",
    ),
    (lambda: tasks.Prompt("k", "[MASK]", "a", "b", "none"), "counterfactual is 'none'"),
]


@pytest.mark.parametrize(("ask", "said"), WRONG)
def test_wrong_arguments_are_refused_with_a_sentence(ask, said):
    with pytest.raises(InputError, match=said) as error:
        ask()
    assert str(error.value).endswith(".")


def test_a_kind_that_is_used_up_says_how_far_it_came():
    with pytest.raises(
        InputError, match=r"Only [34],\d\d\d of 5,000 different sentences were found, then no"
    ):
        tasks.agreement_pairs(5000, kinds=["simple"])
