"""How the models in ``trained/`` were made."""
