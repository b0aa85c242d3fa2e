"""Applications of embeddings: answers with sources, recommendations, duplicates, images with texts."""
