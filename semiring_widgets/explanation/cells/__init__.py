"""Questions about pictures and sounds, whose parts are cells: patches of a picture, frames of a sound.

`question` is what is asked, `occlusion` tests it, the others tell its paths: by cell (`path_numbers`), by
layer (`layer_numbers`, `feature_maps`), by route (`cell_routes`). `images` and `sounds` are the doors.

Internal: use `semiring_widgets.explain_image` and `semiring_widgets.explain_sound`.
"""
