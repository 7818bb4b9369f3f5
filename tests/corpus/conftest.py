import pytest

import semiring_widgets as sw


@pytest.fixture(scope="session")
def demo():
    return sw.load_demo()


@pytest.fixture(scope="session")
def rows():
    """Sentences of several lengths, one of which cannot be asked."""
    pairs = sw.tasks.agreement_pairs(n=7, attractors=1, seed=1)
    found = [
        {"text": p.text, "target": p.target, "contrast": p.contrast, "id": f"pair-{n}", "group": "ab"[n % 2]}
        for n, p in enumerate(pairs)
    ]
    found.insert(3, {"text": "Nothing is left out here.", "target": "is", "id": "odd"})
    return found


@pytest.fixture(scope="session")
def run(demo, rows, tmp_path_factory):
    return sw.explain_corpus(*demo, rows, out=tmp_path_factory.mktemp("corpus"), batch_size=4, chunk_size=5)
