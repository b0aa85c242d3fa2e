"""Print the figures of `voices` and `sounds` in data/README.md: ``python data/measure_audio.py``.

For each model: how often the nearest other clip agrees in a column (cosine, leave-one-out), also when clips
of the same voice, or of the same word, may not answer.
"""

from __future__ import annotations

import numpy as np

import embedlab as el

QUESTIONS = {
    "voices": (
        ("the same word", "label", None),
        ("the same word, among other voices", "label", "voice"),
        ("the same voice", "voice", None),
        ("the same voice, among other words", "voice", "label"),
    ),
    "sounds": (("the same kind", "label", None), ("the same group", "group", None)),
}


def agreement(emb: el.Embeddings, column: str, apart: str | None) -> float:
    """Share of items whose nearest other item has the same value in ``column``.

    Items with the same value in ``apart`` do not count as neighbours.
    """
    frame = emb.items.frame
    unit = emb.normalize().vectors
    similar = unit @ unit.T
    np.fill_diagonal(similar, -2)
    if apart:
        values = frame[apart].to_numpy()
        similar[values[:, None] == values[None]] = -2
    found = frame[column].to_numpy()
    return float((found[similar.argmax(1)] == found).mean())


def main() -> None:
    models = [el.load_model(name) for name in ("audio/whisper-base", "audio/speaker")]
    for name, questions in QUESTIONS.items():
        items = el.load_dataset(name)
        print(f"\n{name}, {len(items)} clips, {' and '.join(model.card.name for model in models)}")
        embeddings = [model.embed(items) for model in models]
        for words, column, apart in questions:
            shares = "  ".join(f"{agreement(emb, column, apart):.2f}" for emb in embeddings)
            print(f"  {words:<36}{shares}")


if __name__ == "__main__":
    main()
