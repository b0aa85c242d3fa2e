"""Commands for maintainers of the lessons; not part of the wheel."""
