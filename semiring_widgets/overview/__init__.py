"""What is seen of a corpus: one row of numbers a text, and what some of the texts have in common.

`reading.numbers_of` makes dense arrays of a run's tables, once; `brush.Brush` says which texts are meant, and
`aggregates.aggregate` what is true of these. `cells` holds the same for a page without a kernel, `listing`
gives lines of the table of texts, and `one_text` all there is to say of one of them. Knows no model and no
face.

Internal: display a `semiring_widgets.Corpus`.
"""
