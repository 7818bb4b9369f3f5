"""Examples: notebooks, the training of the embedded model, and the studies (`python -m examples.studies`)."""
