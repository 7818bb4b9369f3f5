"""Studies that hold what the package says against the truth, as far as one can know it.

`python -m examples.studies` (or `make reproduce`) runs all of them and writes the page *Evidence*. Every
sub-package is one study: it offers `STUDY`, made of cells, which can be resumed one by one, and of a report,
which says of each claim whether it holds and prints the tables whatever they say.
"""

from examples.studies.study import Cell, Claim, Report, Study, Table

__all__ = ["Cell", "Claim", "Report", "Study", "Table"]
