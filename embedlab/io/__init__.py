"""Atomic writes, folders built once, disk errors, progress bars, HTML, and formats for people."""
