"""Atomic writes, folders that are built once, and numbers and texts made fit to show."""
