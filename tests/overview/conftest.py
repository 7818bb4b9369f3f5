import pytest

import semiring_widgets as sw
from semiring_widgets.overview.reading import numbers_of
from tests.overview.made import write_folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Sixty drawn texts in three chunks."""
    return sw.read_corpus(write_folder(tmp_path_factory.mktemp("made") / "run", 60, chunk=25))


@pytest.fixture(scope="session")
def numbers(corpus):
    return numbers_of(corpus)
