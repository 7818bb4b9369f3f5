"""The synthetic tasks: labels by a second, plain reading of the definitions; balance, seeds and splits."""

import hashlib
from collections import Counter

import numpy as np
import pytest

from semiring_widgets import tasks
from semiring_widgets.errors import InputError
from semiring_widgets.tasks import generators

NAMES = tasks.names()
SEQUENCES = [name for name in NAMES if name != "FFOOM"]
# Settings beside the defaults: the smallest possible, and the paper's MDL experiment.
SMALL = {"length": 6, "vocabulary": 8}
PUBLISHED = {"length": 36, "vocabulary": 60}
FUNCTIONS = {name.replace("_", ""): getattr(tasks, name) for name in generators.__all__}


def once(row):
    return row[1:].count(row[0]) == 1


def second(row):
    return row[0] == row[1]


def whole_set(row, size):
    return set(range(1, size + 1)) <= set(row)


def bin_of(row, classes):
    if 1 not in row:
        return -1
    edges = [len(row) * (number + 1) / classes for number in range(classes)]
    return next(number for number, edge in enumerate(edges) if row.count(1) <= edge)


DEFINITIONS = {
    "FirstTokenRepeatedOnce": once,
    "FirstTokenRepeatedImmediately": second,
    "FirstTokenRepeatedOnceImmediately": second,
    "FirstTokenRepeatedLast": lambda row: row[0] == row[-1],
    "AdjacentDuplicate": lambda row: any(row[i] == row[i + 1] for i in range(len(row) - 1)),
    "Contains1": lambda row: 1 in row,
    "Contains1FirstToken": lambda row: row[0] == 1,
    "ContainsTokenSet": lambda row: whole_set(row, 5),
    "ContainsTokenSetOOD": lambda row: whole_set(row, 5),
    "BinCountOnes": lambda row: bin_of(row, 2),
    "FFOOM": lambda row: row[0] > 0.5,
}


def test_the_tasks_are_those_of_the_paper():
    assert set(NAMES) == set(DEFINITIONS)
    assert FUNCTIONS.keys() == {name.lower() for name in NAMES}


@pytest.mark.parametrize("settings", [{}, SMALL, PUBLISHED], ids=["default", "small", "published"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_labels_follow_the_definition(name, settings):
    task = tasks.task(name, **settings)
    inputs, labels = task.generate(301, seed=3)
    assert inputs.shape == (301, task.length)
    assert inputs.dtype == labels.dtype == np.int64
    assert inputs.min() >= 1
    assert inputs.max() < task.vocabulary
    expected = [int(DEFINITIONS[name](row)) for row in inputs.tolist()]
    assert labels.tolist() == expected
    assert task.label(inputs).tolist() == expected


@pytest.mark.parametrize("name", SEQUENCES)
def test_inputs_of_any_kind_are_labelled(name):
    """Also those that a task does not draw, such as a first token that occurs three times."""
    inputs = np.random.default_rng(0).integers(1, 7, (3000, 12))
    expected = [int(DEFINITIONS[name](row)) for row in inputs.tolist()]
    assert tasks.task(name).label(inputs.tolist()).tolist() == expected
    assert {0, 1} <= set(expected)


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_token_is_used(name):
    inputs, labels = tasks.generate(name, 2000, **SMALL)
    for label in (0, 1):
        used = set(inputs[labels == label].ravel().tolist())
        assert used >= set(range(2, SMALL["vocabulary"]))


@pytest.mark.parametrize("n", [2, 7, 100, 1001])
@pytest.mark.parametrize("name", SEQUENCES)
def test_classes_are_balanced(name, n):
    counts = np.bincount(tasks.generate(name, n).labels, minlength=2)
    assert counts.max() - counts.min() <= 1


def test_four_features_only_one_matters():
    inputs, labels = tasks.ffoom(4000, seed=5)
    assert inputs.shape == (4000, 4)
    assert inputs.dtype == np.float64
    assert labels.tolist() == [int(first > 0.5) for first in inputs[:, 0]]
    assert ((inputs >= 0) & (inputs <= 1)).all()
    # Uniform: the mean of 4000 is within five of its standard deviations, 1 / sqrt(12 * 4000).
    assert np.abs(inputs.mean(0) - 0.5).max() < 5 / np.sqrt(12 * 4000)
    assert np.abs(np.corrcoef(inputs.T) - np.eye(4)).max() < 0.1


def test_first_token_repeated_once_is_repeated_anywhere_or_nowhere():
    inputs, labels = tasks.first_token_repeated_once(2000)
    places = Counter(row[1:].index(row[0]) for row in inputs[labels == 1].tolist())
    assert set(places) == set(range(9))
    # 1000 in nine places; the standard deviation of a count is 10.
    assert max(abs(count - 1000 / 9) for count in places.values()) < 50
    assert not (inputs[labels == 0, 1:] == inputs[labels == 0, :1]).any()


def test_once_immediately_repeats_nothing_else():
    inputs, labels = tasks.first_token_repeated_once_immediately(500)
    for row, label in zip(inputs.tolist(), labels.tolist(), strict=True):
        assert len(set(row)) == len(row) - label


def test_published_accidents_are_kept():
    inputs, labels = tasks.first_token_repeated_immediately(1000)
    later = (inputs[:, 2:] == inputs[:, :1]).any(1)
    assert not later[labels == 1].any()
    assert later[labels == 0].any()
    inputs, labels = tasks.contains1_first_token(1000)
    assert not (inputs[labels == 0] == 1).any()


def test_sequences_without_a_duplicate_are_equally_likely():
    """There are 3 * 2 * 2 of three tokens: 4000 draws of 12 kinds have standard deviation 17."""
    inputs, labels = tasks.adjacent_duplicate(8000, length=3, vocabulary=4)
    counts = Counter(map(tuple, inputs[labels == 0].tolist()))
    assert len(counts) == 12
    assert max(abs(count - 4000 / 12) for count in counts.values()) < 90


@pytest.mark.parametrize("classes", [1, 3, 12])
def test_bins_of_ones(classes):
    inputs, labels = tasks.bin_count_ones(1200, classes=classes, seed=2)
    assert np.bincount(labels, minlength=classes).tolist() == [1200 // classes] * classes
    assert labels.tolist() == [bin_of(row, classes) for row in inputs.tolist()]
    assert set((inputs == 1).sum(1).tolist()) == set(range(1, 13))


def test_out_of_distribution_sets_are_held_out():
    def missing(inputs):
        return Counter(5 - len({1, 2, 3, 4, 5} & set(row)) for row in inputs.tolist())

    task = tasks.task("ContainsTokenSetOOD")
    train, validation, test = task.split(800, 200, 200, seed=1)
    assert missing(train.inputs) == {0: 400, 2: 100, 3: 100, 4: 100, 5: 100}
    for part in (validation, test):
        assert missing(part.inputs) == {0: 100, 1: 20, 2: 20, 3: 20, 4: 20, 5: 20}
        assert task.out_of_distribution(part.inputs).sum() == 20
    assert missing(tasks.contains_token_set_ood(100, held_out=True).inputs)[1] == 10


@pytest.mark.parametrize("name", NAMES)
def test_function_name_and_class_are_one(name):
    function = FUNCTIONS[name.lower()]
    for way in (tasks.generate(name, 50, seed=9), tasks.generate(function.__name__, 50, seed=9)):
        assert np.array_equal(way.inputs, function(50, seed=9).inputs)
        assert np.array_equal(way.labels, function(50, seed=9).labels)
    assert not np.array_equal(function(50, seed=9).inputs, function(50, seed=10).inputs)
    if name in SEQUENCES:
        inputs = function(n=20, length=12, vocabulary=30, seed=1).inputs
        assert inputs.shape == (20, 12)
        assert inputs.max() >= 20


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_parts_of_a_split_do_not_overlap(name, seed):
    parts = tasks.task(name).split(700, 100, 200, seed)
    assert [len(part.labels) for part in parts] == [700, 100, 200]
    sets = [{row.tobytes() for row in part.inputs} for part in parts]
    assert not (sets[0] & sets[1])
    assert not (sets[0] & sets[2])
    assert not (sets[1] & sets[2])
    assert np.array_equal(parts.train.inputs, tasks.generate(name, 700, seed).inputs)
    for part in parts:
        assert tasks.task(name).label(part.inputs).tolist() == part.labels.tolist()


def test_inputs_that_overlap_are_drawn_anew():
    """Without token 1 there are 128 sequences of 7 places: by chance, parts of 60 overlap."""
    task = tasks.task("Contains1", length=7, vocabulary=4)
    together = task.split(60, 60, 60, overlap=True)
    apart = task.split(60, 60, 60)
    rows = [[set(map(bytes, part.inputs)) for part in split] for split in (together, apart)]
    assert rows[0][0] & rows[0][1]
    assert not rows[1][0] & rows[1][1]
    assert not rows[1][1] & rows[1][2]
    assert [np.bincount(part.labels).tolist() for part in apart] == [[30, 30]] * 3


def test_kinds_within_a_class_stay_balanced_when_drawn_anew():
    """Sequences without any of the set are 2 ** 7; training has 60, so some are drawn anew."""
    task = tasks.task("ContainsTokenSetOOD", length=7, vocabulary=6, size=3)
    shared, apart = (task.split(240, 60, 60, overlap=overlap) for overlap in (True, False))
    assert not np.array_equal(shared.validation.inputs, apart.validation.inputs)
    overlap = task.overlap(apart.validation.inputs)
    assert np.bincount(overlap).tolist() == [10, 10, 10, 30]


def test_one_input_cannot_be_in_three_parts():
    task = tasks.task("BinCountOnes", **PUBLISHED, classes=36)
    with pytest.raises(InputError, match=r"BinCountOnes could not be kept apart .* overlap=True"):
        task.split(72, 72, 72)
    test = task.split(72, 72, 72, overlap=True).test
    assert (test.inputs[test.labels == 35] == 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_on_every_machine(name):
    """Digests of what numpy 2.4 drew: another version, or another machine, has to draw the same."""
    inputs, labels = tasks.generate(name, 100, seed=7)
    found = hashlib.sha256(inputs.astype(inputs.dtype.newbyteorder("<")).tobytes() + bytes(labels.tolist()))
    assert found.hexdigest()[:16] == DIGESTS[name]


DIGESTS = {
    "FirstTokenRepeatedOnce": "8ab3f7ec53eabc05",
    "FirstTokenRepeatedImmediately": "40f59af21f82eb8d",
    "FirstTokenRepeatedOnceImmediately": "a7acc3e84c4546da",
    "FirstTokenRepeatedLast": "ee7ef6e17add7239",
    "AdjacentDuplicate": "b52a1a30985fb793",
    "Contains1": "5ad5f7ac321d0a60",
    "Contains1FirstToken": "17d73b46061f2681",
    "ContainsTokenSet": "16c0044100458a94",
    "ContainsTokenSetOOD": "c74003c3dcede25c",
    "BinCountOnes": "58414cfda489bf4a",
    "FFOOM": "008a9e3737ad34a8",
}


WRONG = [
    (
        lambda: tasks.generate("Contains2"),
        "There is no task 'Contains2'; choose one of FirstTokenRepeatedOnce",
    ),
    (lambda: tasks.generate(3), "There is no task 3"),
    (lambda: tasks.generate("Contains1", size=3), "Contains1 has no setting 'size'; its settings are length"),
    (lambda: tasks.generate("FFOOM", length=3), "FFOOM has no setting 'length'; it has none"),
    (lambda: tasks.contains1(0), "n is 0; give a whole number, 1 or more"),
    (lambda: tasks.contains1(True), "n is True"),
    (lambda: tasks.contains1(2.0), r"n is 2\.0"),
    (lambda: tasks.contains1(10, seed=2**64), "seed is 18446744073709551616; give a whole number"),
    (lambda: tasks.contains1(10, length=0), "length is 0; give a whole number, 1 or more"),
    (lambda: tasks.first_token_repeated_once(10, length=1), "length is 1; give a whole number, 2 or more"),
    (lambda: tasks.adjacent_duplicate(10, vocabulary=2), "vocabulary is 2; give a whole number, 3 or more"),
    (lambda: tasks.first_token_repeated_once_immediately(10, length=20), "needs 20 different tokens"),
    (
        lambda: tasks.contains_token_set(10, length=4),
        "size is 5; give a whole number, 1 or more and at most 4",
    ),
    (lambda: tasks.contains_token_set(10, length=400, vocabulary=4, size=1), "no examples of class 0 were"),
    (lambda: tasks.contains_token_set_ood(10, size=1), "size is 1; give a whole number, 2 or more"),
    (lambda: tasks.contains_token_set_ood(10, held_out=1), "held_out is 1; give True or False"),
    (lambda: tasks.bin_count_ones(10, classes=5), "classes is 5, which does not divide the length 12"),
    (lambda: tasks.task("Contains1").label([1, 2]), r"inputs has shape \[2\]; give one row for each example"),
    (lambda: tasks.task("Contains1").split(10, 0, 10), "validation is 0"),
    (lambda: tasks.task("Contains1").split(overlap="no"), "overlap is 'no'; give True or False"),
]


@pytest.mark.parametrize(("ask", "said"), WRONG)
def test_wrong_arguments_are_refused_with_a_sentence(ask, said):
    with pytest.raises(InputError, match=said) as error:
        ask()
    assert str(error.value).endswith(".")
