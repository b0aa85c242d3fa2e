"""Models behind a server that speaks the OpenAI embeddings protocol."""
