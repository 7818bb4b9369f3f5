"""The model that a host gives a widget, imitated in JavaScript: traits, listeners, and what was sent."""

import base64

# ``modelOf(values, hears)``: ``hears`` is called with each message, which stands in ``window.sent``, too.
MODEL = """
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const listeners = {};
const emit = (name, ...args) => (listeners[name] ?? []).forEach((act) => act(...args));
window.sent = [];
const modelOf = (values, hears = () => {}) => ({
  get: (name) => values[name],
  set: (name, value) => { values[name] = value; },
  save_changes: () => {},
  on: (name, act) => { (listeners[name] ??= []).push(act); },
  off: (name, act) => { listeners[name] = (listeners[name] ?? []).filter((other) => other !== act); },
  send: (message) => { window.sent.push(message); hears(message); },
});
"""


def told(message):
    """A message as JSON can hold it."""
    header, buffer = message
    return [header, base64.b64encode(buffer).decode()]
