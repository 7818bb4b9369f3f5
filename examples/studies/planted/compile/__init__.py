"""How ``programs.npz`` was made; needs ``tracr-pypi``, which the study itself does not."""
