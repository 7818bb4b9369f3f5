"""Results that leave the notebook: a self-contained interactive page.

`page.write_page` writes what ``.to_html(path)`` gives, with the answers to what a reader may click on.
Nothing here needs a network.

Internal: use `semiring_widgets.Explanation.to_html`.
"""
