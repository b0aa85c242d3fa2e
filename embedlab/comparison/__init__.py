"""Numbers that compare embeddings: of two models, or of the layers of one."""
