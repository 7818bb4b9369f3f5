"""The widget as a reader of the page sees it: panes, selection, state; named as in js/src/contract.ts."""

import json
import re

from playwright.sync_api import expect

PANES = ("answer", "tokens", "flow", "routes", "tests", "heads", "scatter", "head", "chart")
NOTHING = {"layer": None, "branch": None, "head": None, "token": None, "stream": 0}
SELECTED = re.compile("true")


class View:
    """One rendered widget.

    Args:
        root: locator of its root element; open shadow roots are no obstacle to Playwright.
    """

    def __init__(self, root):
        self.root = root
        self.page = root.page
        expect(root).to_be_visible()

    def pane(self, name):
        return self.root.locator(f'[data-pane="{name}"]')

    def layer(self, layer):
        return self.pane("flow").locator(f'[data-layer="{layer}"]:not([data-token])').first

    def head(self, layer, head):
        return self.pane("heads").locator(f'[data-layer="{layer}"][data-head="{head}"]').first

    def token(self, token):
        return self.pane("tokens").locator(f'[data-token="{token}"]').first

    def family(self, family):
        """A family of routes in the list."""
        return self.pane("routes").locator(f'[data-family="{family}"]').first

    def line(self, family):
        """The same, drawn over the grid."""
        return self.pane("flow").locator(f'.route[data-family="{family}"]')

    def mlp(self, layer):
        return self.pane("heads").locator(f'[data-layer="{layer}"][data-branch="mlp"]').first

    def measure(self, name):
        """A choice of the one switch."""
        return self.root.locator(f'[data-measure][value="{name}"]')

    def show(self, name):
        self.measure(name).check()

    def tip(self):
        return self.root.locator('[role="tooltip"]')

    def log(self):
        """What is in the log of tests, the newest first."""
        return self.pane("tests").locator(".tests li")

    def button(self, action):
        return self.root.locator(f'[data-action="{action}"]').first

    def cell(self, layer, token):
        return self.pane("flow").locator(f'rect[data-layer="{layer}"][data-token="{token}"]').first

    def notice(self):
        """What is selected, and what that means."""
        return self.root.locator(".notice")

    def selection(self):
        """The selected parts, each by what it names."""
        parts = json.loads(self.root.get_attribute("data-selection"))
        return [{name: value for name, value in part.items() if value != NOTHING[name]} for part in parts]

    def press(self, element, seconds=0.0, at=(0.5, 0.5)):
        """A real press of the mouse, held for a while."""
        element.scroll_into_view_if_needed()
        box = element.bounding_box()
        self.page.mouse.move(box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"])
        self.page.mouse.down()
        self.page.wait_for_timeout(1000 * seconds)
        self.page.mouse.up()

    def expect_state(self, state):
        expect(self.root).to_have_attribute("data-state", state)

    def expect_conditioned(self, *states):
        pattern = re.compile("^({})$".format("|".join(states)))
        expect(self.root).to_have_attribute("data-conditioned", pattern)

    def expect_selected(self, element, selected=True):
        """Pressed or selected, whichever of the two states the element has."""
        marked = element.and_(self.page.locator('[aria-pressed="true"], [aria-selected="true"]'))
        expect(marked).to_have_count(1 if selected else 0)

    def clear(self):
        """Escape, pressed inside the widget."""
        self.root.locator('[tabindex="0"]').first.focus()
        self.page.keyboard.press("Escape")
        self.expect_conditioned("none")

    def error(self):
        alert = self.root.locator("[data-error]")
        return alert.first.inner_text() if alert.count() else ""
