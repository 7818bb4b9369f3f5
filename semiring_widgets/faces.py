"""What can show a result, in one place: this is what fills the slot of `semiring_widgets.results.exits`.

Nothing imports this module: `semiring_widgets` loads it by name when a result is first shown.
"""

from semiring_widgets.export.page import write_page
from semiring_widgets.export.picture import write_picture
from semiring_widgets.widgets.display import mimebundle, widget_of

__all__ = ["mimebundle", "widget_of", "write_page", "write_picture"]
