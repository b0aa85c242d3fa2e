"""Compute from embeddings: neighbours, projections and their quality, clusters, outliers, samples."""
