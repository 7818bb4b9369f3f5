"""What the server reads to make a page: by the contents manager, and only so much."""

import asyncio
import base64
import os
from types import SimpleNamespace

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager, LargeFileManager
from tornado.web import HTTPError

from semiring_widgets.errors import InputError
from semiring_widgets.lab import handler
from semiring_widgets.lab.handler import page_of

FORBIDDEN = b"SECRET OF ANOTHER FOLDER"


@pytest.fixture
def served(tmp_path):
    """A folder that is served, and beside it one that is not."""
    folder = tmp_path / "served"
    folder.mkdir()
    (tmp_path / "outside.nc").write_bytes(FORBIDDEN)
    return folder


@pytest.fixture(params=[AsyncLargeFileManager, LargeFileManager])
def manager(request, served):
    return request.param(root_dir=str(served))


@pytest.fixture
def echo(monkeypatch):
    """The page of a file is its length, so that no process is needed."""
    monkeypatch.setattr(handler, "page_elsewhere", lambda data, name: f"{name}: {len(data)}")


class Manager:
    """Another contents manager, as those of databases and buckets are."""

    def __init__(self, known=None, **model):
        self.known, self.model = known or {}, model

    def get(self, path, content=True, **options):
        assert options["type"] == "file"
        return self.model if content else self.known


def asked(manager, path):
    return asyncio.run(page_of(manager, path))


def test_the_page_is_that_of_the_bytes_in_the_file(manager, served, echo):
    (served / "within").mkdir()
    (served / "within" / "keys.nc").write_bytes(bytes(range(256)))
    assert asked(manager, "within/keys.nc") == "keys.nc: 256"


@pytest.mark.parametrize("path", ["../outside.nc", "within/../../outside.nc", "missing.nc", ".hidden.nc"])
def test_nothing_outside_and_nothing_hidden_is_read(manager, served, echo, path):
    (served / ".hidden.nc").write_bytes(FORBIDDEN)
    with pytest.raises(HTTPError) as refused:
        asked(manager, path)
    assert refused.value.status_code in {400, 404}


@pytest.mark.parametrize("what", ["folder", "pipe", "dangling link", "link to itself"])
def test_what_is_no_file_is_refused_and_not_waited_for(manager, served, echo, what):
    path = served / "odd.nc"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere" if what == "dangling link" else path.name)
    with pytest.raises((HTTPError, InputError)):
        asked(manager, "odd.nc")


def test_a_link_to_what_is_no_result_tells_nothing_of_it(manager, served):
    (served / "link.nc").symlink_to("../outside.nc")
    with pytest.raises((HTTPError, InputError)) as refused:
        asked(manager, "link.nc")
    assert FORBIDDEN.decode() not in str(refused.value)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"format": "text", "content": "PK"}, "'a.nc' is not given as bytes by this server; open it with"),
        ({"format": "base64", "content": None}, "'a.nc' is not given as bytes by this server; open it with"),
        ({}, "'a.nc' is not given as bytes by this server; open it with"),
        ({"format": "base64", "content": "AAAAA"}, "'a.nc' did not come whole from this server"),
        ({"format": "base64", "content": "é"}, "'a.nc' did not come whole from this server"),
    ],
)
def test_another_contents_manager_that_gives_no_bytes(model, sentence):
    with pytest.raises(InputError) as refused:
        asked(Manager(**model), "folder/a.nc")
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("known", [{"size": 100}, {"size": None}, {}])
def test_too_much_is_refused_whether_or_not_its_size_is_known(monkeypatch, echo, known):
    monkeypatch.setattr(handler, "_MOST", 99)
    content = base64.b64encode(bytes(100)).decode()
    with pytest.raises(InputError, match=r"'a\.nc' has more than 0 MB and is no result of semiring_widgets"):
        asked(Manager(known, format="base64", content=content), "a.nc")
    monkeypatch.setattr(handler, "_MOST", 102)
    assert asked(Manager(known, format="base64", content=content), "a.nc") == "a.nc: 100"


def test_few_files_are_in_memory_at_once(monkeypatch, echo):
    monkeypatch.setattr(handler, "_turns", asyncio.Semaphore(handler._AT_ONCE))
    held = SimpleNamespace(now=0, most=0)

    async def get(path, content=True, **options):
        if not content:
            return {"size": 3}
        held.now += 1
        held.most = max(held.most, held.now)
        await asyncio.sleep(0.01)
        return {"format": "base64", "content": "AAAA"}

    def page_elsewhere(data, name):
        held.now -= 1
        return name

    monkeypatch.setattr(handler, "page_elsewhere", page_elsewhere)

    async def all_of_them():
        return await asyncio.gather(*(page_of(SimpleNamespace(get=get), f"{i}.nc") for i in range(7)))

    assert asyncio.run(all_of_them()) == [f"{i}.nc" for i in range(7)]
    assert held.most == handler._AT_ONCE
