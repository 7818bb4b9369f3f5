"""The words of BLiMP's agreement pairs, sorted into word classes by rule.

No label of a pair is read: which noun is plural and which verb form is singular is decided by spelling rules,
and the class of a verb form by the word before it. BLiMP: Warstadt et al. (2020), CC BY 4.0.

    python lexicon.py FOLDER_WITH_BLIMP_JSONL      # writes lexicon.json
"""

# ruff: noqa: E501, RUF007
from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

SINGULAR_AUX = ("is", "isn't", "was", "wasn't", "has", "hasn't", "does", "doesn't")
PLURAL_AUX = ("are", "aren't", "were", "weren't", "have", "haven't", "do", "don't")
BE = ("is", "isn't", "was", "wasn't", "are", "aren't", "were", "weren't", "be")
HAVE = ("has", "hasn't", "have", "haven't", "had", "hadn't")
BASE = ("does", "doesn't", "do", "don't", "did", "didn't", "would", "wouldn't", "can", "can't", "could",
        "couldn't", "should", "shouldn't", "might", "will", "won't")  # fmt: skip
DETERMINERS = ("the", "this", "that", "these", "those", "a", "an", "most", "many", "some", "all", "every", "each",
               "few", "lots", "of", "no", "any", "both", "several", "her", "his", "their")  # fmt: skip
_RULES = (
    ("man", "men"), ("child", "children"), ("foot", "feet"), ("tooth", "teeth"), ("goose", "geese"),
    ("mouse", "mice"), ("ox", "oxen"), ("person", "people"), ("us", "i"), ("is", "es"), ("on", "a"), ("um", "a"),
    ("fe", "ves"), ("f", "ves"), ("y", "ies"), ("ex", "ices"), ("ix", "ices"), ("a", "ae"), ("", "es"), ("", "s"),
)  # fmt: skip


def words_of(sentence: str) -> list[str]:
    """Lower-case words and punctuation; "hasn't" is one word."""
    return re.findall(r"[\w'-]+|[^\w\s]", sentence.lower())


def build(folder: Path) -> dict[str, object]:
    """Word classes of all sentences in a folder of BLiMP files."""
    rows = [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()
    ]
    raw = [row[side] for row in rows for side in ("sentence_good", "sentence_bad")]
    vocabulary = {word for sentence in raw for word in words_of(sentence)}
    names = {w.lower() for s in raw for w in re.findall(r"[\w'-]+", s)[1:] if w[0].isupper()}
    before: dict[str, Counter[str]] = {}
    after: dict[str, Counter[str]] = {}
    for sentence in raw:
        words = words_of(sentence)
        for first, second in zip(words, words[1:], strict=False):
            before.setdefault(second, Counter())[first] += 1
            after.setdefault(first, Counter())[second] += 1
    nouns = sorted(
        {(w, w[: len(w) - len(s)] + p) for w in vocabulary for s, p in _RULES
         if w.endswith(s) and len(w) - len(s) + len(p) > 2 and (w[: len(w) - len(s)] + p) in vocabulary
         and w not in names and any(d in before.get(w, {}) or d in before.get(w[: len(w) - len(s)] + p, {})
                                    for d in DETERMINERS if d != "that")}
    )  # fmt: skip
    known = {word for pair in nouns for word in pair}
    closed = {*SINGULAR_AUX, *PLURAL_AUX, *BE, *HAVE, *BASE, *DETERMINERS, "who", "which", "not", "by"}

    def following(starts: tuple[str, ...], ending: str = "") -> list[str]:
        return sorted({w for s in starts for w in after.get(s, {})
                       if w not in closed | names and w.isalpha() and w.endswith(ending)})  # fmt: skip

    base = set(following(BASE))
    verbs = sorted({(w + s, w) for w in vocabulary - names - closed for s in ("s", "es")
                    if w + s in vocabulary and w not in known and w + s not in known and "'" not in w})  # fmt: skip
    verbs += sorted(
        {
            (w[:-1] + "ies", w)
            for w in vocabulary - known
            if w.endswith("y") and w[:-1] + "ies" in vocabulary - known
        }
    )
    particles = {"about", "to", "from", "with", "of", "at", "around", "through", "up", "in", "over", "on", "for",
                 "like", "by", "into", "out", "down", "off", "away"}  # fmt: skip
    prepositions = {w: sorted(p for p in after.get(w, {}) if p in particles) for w in vocabulary}
    return {
        "nouns": nouns,
        "names": sorted(n for n in names - known if "'" not in n),
        "present": verbs,
        "gerund": following(BE, "ing"),
        "participle": following(HAVE),
        "base": sorted(base | {v for _, v in verbs}),
        "past": sorted(w for w in vocabulary if w.endswith("ed") and w not in names),
        "particles": {w: p for w, p in prepositions.items() if p},
        "other": sorted(vocabulary),
    }


if __name__ == "__main__":
    found = build(Path(sys.argv[1]))
    Path(__file__).with_name("lexicon.json").write_text(json.dumps(found, separators=(",", ":")))
    print({name: len(part) for name, part in found.items()})  # type: ignore[arg-type]
