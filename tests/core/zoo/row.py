"""A row of the table: what a class is fed, what its configuration changes, how many attentions to expect."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One class.

    Attributes:
        name: class of transformers.
        kind: what it is fed, see `feeding`.
        changes: configuration fields that differ from `shrinking.SIZES`.
        attentions: heads of each attention on a path; None means four heads in each of the two layers
            (encoder-decoder: two self-attentions, then two of self- and cross-attention; images among words:
            two of each).
        parts: further classes of transformers that it is made of, where those cannot do all that it says.
    """

    name: str
    kind: str
    changes: dict = field(default_factory=dict)
    attentions: tuple[int, ...] | None = None
    parts: tuple[str, ...] = ()

    @property
    def expected(self):
        if self.attentions is not None:
            return self.attentions
        return (4,) * {"seq2seq": 6, "pictured": 4}.get(self.kind, 2)


def rows(kind, names, **changes):
    return [Row(name, kind, changes) for name in names.split()]


NONE = ()
