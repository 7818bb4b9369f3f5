"""Results that leave the notebook: a self-contained interactive page, a picture, a chart.

`html.write_page` writes what ``.to_html(path)`` gives, `picture.picture` the PNG that a saved notebook
shows without a kernel, `chart.chart_item` the Bokeh chart. Nothing here needs a network, and only the page
needs the JavaScript bundle.
"""

from __future__ import annotations
