"""The command ``embedlab``: one file for each kind of task, with what they share in ``console.py``."""
