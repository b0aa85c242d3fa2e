"""The catalogue of models: cards, pinned weights, references such as ``hf:org/name``, and the rows."""
