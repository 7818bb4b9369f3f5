"""What a request leaves out reaches the computation: paths through some parts and through none of others."""

import pytest

from semiring_widgets.contract.answers import answer
from semiring_widgets.errors import InputError

REQUESTS = [
    {"type": "condition", "selection": []},
    {"type": "routes", "by": "mass", "selection": []},
    {"type": "head_map", "layer": 1, "head": 0},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["type"])
def test_it_is_asked_for(make_explanation, request_):
    result = make_explanation()
    asked = []

    class Session(type(result.session)):
        def _check(self, selection):
            asked.append(selection)
            super()._check(selection)

        def head_map(self, layer, head, selection=(), check=None, *, avoiding=()):
            self._check(avoiding)
            return super().head_map(layer, head, selection, check)

    result.session.__class__ = Session
    answer(result, {**request_, "id": 1, "avoiding": [{"layer": 2, "head": 1}]})
    (avoided,) = asked[-1]
    assert (avoided["layer"], avoided["head"]) == (2, 1)
    with pytest.raises(InputError, match="layer"):
        answer(result, {**request_, "id": 2, "avoiding": [{"layer": 99}]})
    # Older pages say nothing of it.
    header, _ = answer(result, {**request_, "id": 3})
    assert header["id"] == 3
