"""What embeddings are used for: answers with sources, recommendations, duplicates, pictures with texts."""
