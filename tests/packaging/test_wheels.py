"""The script of a release: what it refuses."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".github" / "release" / "wheels.py"


@pytest.fixture(scope="module")
def wheels():
    spec = importlib.util.spec_from_file_location("wheels", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(folder, **contents):
    folder.mkdir()
    made = []
    for name, content in contents.items():
        made.append(folder / name)
        made[-1].write_text(content)
    return made


def test_builds_are_compared_bit_by_bit(wheels, tmp_path, capsys):
    first = files(tmp_path / "1", sdist="a", wheel="b")
    wheels.compare(first, files(tmp_path / "2", sdist="a", wheel="b"))
    assert "the same bits" in capsys.readouterr().out
    for name, other in {"bits": {"sdist": "a", "wheel": "c"}, "names": {"sdist": "a", "wheel2": "b"}}.items():
        with pytest.raises(SystemExit, match=r"other bits: wheel\. Is all committed here\?$"):
            wheels.compare(first, files(tmp_path / name, **other))
