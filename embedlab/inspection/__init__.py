"""Inspect items before embedding them: checks of every item, a summary, and a forecast of time and size."""
