"""A small grammar of English subject-verb agreement that writes training sentences.

    sentence  = subject(number) verb phrase(number) "."
    subject   = noun phrase | noun phrase "of" / "to" / ... noun phrase | noun phrase relative clause
    relative  = "that" / "who" / "which" verb phrase(same number) | "that" noun phrase transitive verb

The number of the distractor is drawn independently of the subject's.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from lexicon import BASE

DETERMINERS = {
    0: ("the", "this", "that", "a", "every", "each", "some", "the"),
    1: ("the", "these", "those", "most", "many", "some", "all", "a lot of", "few", ""),
}
AUX = {
    0: {
        "gerund": ("is", "isn't", "was", "wasn't"),
        "participle": ("has", "hasn't"),
        "base": ("does", "doesn't"),
    },
    1: {
        "gerund": ("are", "aren't", "were", "weren't"),
        "participle": ("have", "haven't"),
        "base": ("do", "don't"),
    },
}
LINKS = ("of", "of", "of", "to", "near", "behind", "with", "about")
PLACES = ("on the table", "in the house", "here", "there", "at home", "very old", "in the garden", "missing")
EXTRA = (("key", "keys"), ("cabinet", "cabinets"), ("door", "doors"), ("book", "books"), ("dog", "dogs"),
         ("table", "tables"), ("house", "houses"), ("garden", "gardens"), ("shelf", "shelves"))  # fmt: skip
WORDS = sorted({w for text in (*PLACES, *LINKS) for w in text.split()} | {w for pair in EXTRA for w in pair})


class Grammar:
    """Draws sentences; the same seed gives the same sentences."""

    def __init__(self, seed: int) -> None:
        self.words = json.loads(Path(__file__).with_name("lexicon.json").read_text())
        self.words["nouns"] = [*self.words["nouns"], *EXTRA * 3]
        self._draw = random.Random(seed)  # noqa: S311  (no secrets here)

    def vocabulary(self) -> list[str]:
        """Every word that can occur, and those of the evaluation sentences."""
        return sorted({*self.words["other"], *WORDS, "a", "lot", "."})

    def sentence(self) -> str:
        """One sentence, lower case."""
        number = self._draw.randrange(2)
        subject, number = self._subject(number)
        return " ".join(f"{subject} {self._verb_phrase(number)} .".split())

    def _subject(self, number: int) -> tuple[str, int]:
        kind = self._draw.random()
        if kind < 0.12:
            return self._draw.choice(self.words["names"]), 0
        head = self._noun(number)
        if kind < 0.4:
            return head, number
        other = self._noun(self._draw.randrange(2)) if self._draw.random() < 0.85 else self._name()
        if kind < 0.65:
            return f"{head} {self._draw.choice(LINKS)} {other}", number
        pronoun = self._draw.choice(("that", "who", "which"))
        if kind < 0.95:
            return f"{head} {pronoun} {self._clause(number, other)}", number
        return f"{head} that {other} {self._draw.choice(self.words['past'])}", number

    def _clause(self, number: int, other: str) -> str:
        kind = self._draw.random()
        if kind < 0.3:
            return f"{self._verb('past')} {other}"
        if kind < 0.45:
            return f"{self._draw.choice(('had', 'hadn' + chr(39) + 't'))} {self._verb('participle')} {other}"
        if kind < 0.6:
            return f"{self._draw.choice(BASE[4:])} {self._verb('base')} {other}"
        if kind < 0.75:
            return f"{self._present(number)} {other}"
        return f"{self._aux(number)} {other}"

    def _verb_phrase(self, number: int) -> str:
        kind = self._draw.random()
        end = "" if self._draw.random() < 0.25 else self._noun(self._draw.randrange(2))
        if end and self._draw.random() < 0.3:
            end = self._name()
        if kind < 0.1:
            return f"{self._draw.choice(AUX[number]['gerund'])} {self._draw.choice(PLACES)}"
        if kind < 0.45:
            return f"{self._present(number)} {end}"
        return f"{self._aux(number)} {end}"

    def _aux(self, number: int) -> str:
        form = self._draw.choice(("gerund", "participle", "base"))
        return f"{self._draw.choice(AUX[number][form])} {self._verb(form)}"

    def _present(self, number: int) -> str:
        return self._with_particle(self._draw.choice(self.words["present"])[number])

    def _verb(self, form: str) -> str:
        return self._with_particle(self._draw.choice(self.words[form]))

    def _with_particle(self, verb: str) -> str:
        after = self.words["particles"].get(verb, ())
        return f"{verb} {self._draw.choice(after)}" if after and self._draw.random() < 0.5 else verb

    def _noun(self, number: int) -> str:
        return f"{self._draw.choice(DETERMINERS[number])} {self._draw.choice(self.words['nouns'])[number]}"

    def _name(self) -> str:
        return str(self._draw.choice(self.words["names"]))
