"""The command ``embedlab``: one module for each group of commands."""
