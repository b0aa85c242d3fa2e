"""Embeddings: vectors with their items and the model that made them, in memory and in parquet files."""

from __future__ import annotations

from embedlab.embeddings.embeddings import Embeddings
from embedlab.embeddings.normalize import unit_rows
from embedlab.embeddings.report import EmbedReport

__all__ = ["EmbedReport", "Embeddings", "unit_rows"]
