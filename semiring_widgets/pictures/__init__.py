"""Results as drawings and words: the Bokeh chart, the card of a saved notebook, plain text.

`chart.chart_item` gives the chart, `card.picture` the PNG that a saved notebook shows without a kernel,
`plain_text.plain` the lines for terminals and screen readers. Pictures see results and nothing else.

Internal: use `semiring_widgets.Explanation.to_html`, or display a result.
"""
