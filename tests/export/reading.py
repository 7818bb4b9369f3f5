"""A page read as a browser reads it: its scripts, its payload, and the answers that are packed in it."""

import base64
import gzip
import json
from html.parser import HTMLParser

import numpy as np


class Scripts(HTMLParser):
    """Collects script elements and addresses the way a browser would."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.addresses, self.titles = [], [], []
        self.open = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.open = tag
        if tag == "script":
            self.scripts.append((attrs, ""))
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open == "script":
            attrs, before = self.scripts[-1]
            self.scripts[-1] = attrs, before + data
        elif self.open == "title":
            self.titles.append(data)


def payload_of(text):
    return json.loads(unpacked(text, "payload"))


def answers_of(text):
    """Headers of the packed answers with their bytes, by type, unpacked as a browser does."""
    data = unpacked(text, "answers")
    length = int.from_bytes(data[:4], "little")
    planes = np.frombuffer(data[4 + length :], np.uint8)
    numbers = planes.reshape(4, -1).T.tobytes()
    return {
        name: [(one["header"], numbers[one["offset"] : one["offset"] + one["nbytes"]]) for one in found]
        for name, found in json.loads(data[4 : 4 + length])["answers"].items()
    }


def unpacked(text, name):
    """The bytes of a packed element."""
    body = next(b for a, b in Scripts(text).scripts if a.get("data-semiring-widgets") == name)
    return gzip.decompress(base64.b64decode(body))
