"""The words of the agreement grammar.

All but "and" are single tokens of BERT's lower-case vocabulary and of the embedded model's.
"""

from __future__ import annotations

from semiring_widgets.tasks.prompts import words_of

__all__ = ["FINAL", "PAST", "PEOPLE", "PREPOSITIONS", "SAID", "THINGS", "TRANSITIVE", "predicates"]

# Pairs are (singular, plural).
Pairs = tuple[tuple[str, str], ...]


def _regular(words: str) -> Pairs:
    return tuple((word, f"{word}s") for word in words_of(words))


def _verbs(words: str) -> Pairs:
    return tuple((f"{word}s", word) for word in words_of(words))


PEOPLE: Pairs = (
    *_regular("actor adult brother cousin customer dancer daughter doctor driver father friend girl guest"),
    *_regular("mother patient pedestrian senator sister son student teacher teenager boy"),
    *(
        ("actress", "actresses"),
        ("child", "children"),
        ("lady", "ladies"),
        ("man", "men"),
        ("woman", "women"),
    ),
)
THINGS: Pairs = (
    *_regular("bicycle bike book car cart chair computer door gate hill horse house lake mirror mountain"),
    *_regular("museum painting picture plate restaurant river school screen table truck"),
    *(("box", "boxes"), ("library", "libraries"), ("shelf", "shelves")),
)
PREPOSITIONS = ("near", "behind")
# Verbs whose form does not tell the number: of relative clauses, of saying, and at the end of a sentence.
PAST = words_of(
    "admired encouraged helped hired hugged impressed insulted kissed liked loved noticed observed praised "
    "questioned remembered respected visited watched"
)
SAID = ("believed", "explained", "noticed", "realized", "revealed", "said", "thought")
FINAL = (
    "arrived",
    "cried",
    "laughed",
    "returned",
    "shouted",
    "smiled",
    "vanished",
    "walked",
    "worked",
    "yelled",
)
TRANSITIVE: Pairs = (
    *_verbs(
        "encourage help hire hug insult know like love notice observe praise question remember respect see"
    ),
    *_verbs("visit"),
    ("watches", "watch"),
)

_INTRANSITIVE = _verbs(
    "laugh run smile walk work talk shout sit stand sigh speak whisper yell win wave nod grin joke"
)
_BE: Pairs = (("is", "are"), ("was", "were"))
_STATES = (
    *("here", "there", "at home", "in the garden", "very old", "missing"),
    *("smiling", "laughing", "running", "walking", "working", "singing", "crying", "talking", "sitting"),
    *("standing", "waving", "shouting"),
)
_DONE = words_of(
    "appeared arrived disappeared escaped failed fallen laughed left returned smiled stood succeeded talked "
    "vanished walked won worked yelled"
)


def predicates() -> tuple[tuple[tuple[str, str], str], ...]:
    """What a sentence can end with: (singular, plural) of the asked verb, and what follows it.

    ``is``/``are`` and ``was``/``were`` with a state, ``has``/``have`` with a participle, a verb alone. They
    are in the order of these families.
    """
    return (
        *((verb, state) for verb in _BE for state in _STATES),
        *((("has", "have"), participle) for participle in _DONE),
        *((verb, "") for verb in _INTRANSITIVE),
    )
