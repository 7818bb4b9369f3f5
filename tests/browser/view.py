"""The widget as a reader of the page sees it: panes, selection, state; named as in js/src/contract.ts."""

import io
import json
import re

from PIL import Image
from playwright.sync_api import expect

from tests.browser.patience import patiently

PANES = ("answer", "tokens", "flow", "routes", "tests", "heads", "scatter", "head", "chart")
NOTHING = {"layer": None, "branch": None, "head": None, "token": None, "stream": 0}
# What was asked for is drawn in the first frame; what that has moved is drawn again in the second.
DRAWN = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  await new Promise((done) => setTimeout(done));
}"""


class Spot:
    """A part in a picture on a canvas, which has no element of its own: the keyboard goes there first.

    Args:
        pane: locator of the pane.
        layer: its layer.
        steps: to the right of the name of the layer, or ``"End"``.
    """

    def __init__(self, pane, layer, steps):
        self.page, self.field = pane.page, pane.locator(".field").first
        self.layer, self.steps = layer, steps

    @property
    def element(self):
        """The element that has the focus there, once it is there."""
        rover = self.field.locator(".rover")
        rover.focus()
        self.page.keyboard.press("Home")
        away = self.layer - int(rover.get_attribute("data-layer"))
        for _ in range(abs(away)):
            self.page.keyboard.press("ArrowUp" if away > 0 else "ArrowDown")
        for key in ["End"] if self.steps == "End" else ["ArrowRight"] * self.steps:
            self.page.keyboard.press(key)
        return rover

    def focus(self):
        return self.element

    def get_attribute(self, name):
        return self.element.get_attribute(name)

    def scroll_into_view_if_needed(self):
        self.element.scroll_into_view_if_needed()

    def bounding_box(self):
        return self.element.bounding_box()

    def hover(self):
        element = self.element
        element.scroll_into_view_if_needed()
        # To scroll is told a frame later, and hides what is told of a place.
        element.evaluate(DRAWN)
        self.page.mouse.move(0, 0)
        box = element.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def click(self, modifiers=()):
        self.hover()
        for key in modifiers:
            self.page.keyboard.down(key)
        self.page.mouse.down()
        self.page.mouse.up()
        for key in modifiers:
            self.page.keyboard.up(key)

    def colour(self):
        """What is on screen in the lower left corner of the place, as red, green, blue."""
        box = self.bounding_box()
        clip = {"x": box["x"] + 3, "y": box["y"] + box["height"] - 6, "width": 2, "height": 2}
        (colour,) = colours(self.page.screenshot(clip=clip))
        return colour


def colours(png):
    """The colours of a picture, each as red, green, blue."""
    found = Image.open(io.BytesIO(png)).convert("RGB")
    return {colour for _, colour in found.getcolors(found.width * found.height)}


def expect_no_wider(page, width):
    """Nothing of a page lies beside its window; pictures take the width of a window a frame later."""

    def fits():
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    patiently(fits)


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
        return Spot(self.pane("flow"), layer, 0)

    def head(self, layer, head):
        return Spot(self.pane("heads"), layer, 1 + head)

    def token(self, token):
        return self.pane("tokens").locator(f'[data-token="{token}"]').first

    def family(self, family):
        """A family of routes in the list."""
        return self.pane("routes").locator(f'[data-family="{family}"]').first

    def line(self, family):
        """The same, drawn over the grid."""
        return self.pane("flow").locator(f'.route[data-family="{family}"]')

    def mlp(self, layer):
        return Spot(self.pane("heads"), layer, "End")

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
        return Spot(self.pane("flow"), layer, 1 + token)

    def notice(self):
        """What is selected, and what that means."""
        return self.root.locator(".notice")

    def drawn(self):
        """Waits for the frame in which what is known by now is drawn."""
        self.root.evaluate(DRAWN)

    def unfold(self):
        """Opens whatever is folded; a pane that shows nothing has nothing to open."""
        self.drawn()
        for summary in self.root.locator("summary").all():
            if summary.is_visible():
                summary.click()

    def hover(self, element):
        """Points at an element where it lies still: to scroll, which is told a frame later, hides a tip."""
        element.scroll_into_view_if_needed()
        self.drawn()
        element.hover()

    def selection(self):
        """The selected parts, each by what it names."""
        parts = json.loads(self.root.get_attribute("data-selection"))
        return [{name: value for name, value in part.items() if value != NOTHING[name]} for part in parts]

    def press(self, element, seconds=0.0, at=(0.5, 0.5)):
        """A real press of the mouse, held for a while."""
        element.scroll_into_view_if_needed()
        self.drawn()
        box = element.bounding_box()
        self.page.mouse.move(box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"])
        self.page.mouse.down()
        self.page.wait_for_timeout(1000 * seconds)
        self.page.mouse.up()

    def expect_selection(self, parts):
        def selected():
            assert self.selection() == parts

        patiently(selected)

    def expect_state(self, state):
        expect(self.root).to_have_attribute("data-state", state)

    def expect_conditioned(self, *states):
        pattern = re.compile("^({})$".format("|".join(states)))
        expect(self.root).to_have_attribute("data-conditioned", pattern)

    def expect_selected(self, element, selected=True):
        """Pressed or selected, whichever of the two states the element has."""
        element = element.element if isinstance(element, Spot) else element
        marked = element.and_(self.page.locator('[aria-pressed="true"], [aria-selected="true"]'))
        expect(marked).to_have_count(1 if selected else 0)

    def clear(self):
        """Escape, pressed inside the widget."""
        self.root.locator('[tabindex="0"]').first.focus()
        self.page.keyboard.press("Escape")
        self.expect_conditioned("none")
