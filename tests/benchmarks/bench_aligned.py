"""The aligned pair, and what might better it: chosen by zero-shot on Caltech 101, reported on COCO captions.

Needs the labelled data beside the project. Nothing is timed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import embedlab as el
from embedlab.comparison.retrieval import rank, recall_at_k, zero_shot_accuracy
from embedlab.embedders.aligned import RIDGE, everyday_names, fit_bridge
from embedlab.embedders.dual import TEMPLATES
from embedlab.embeddings import unit_rows

SHARED = Path(__file__).parents[3] / "shared" / "data"
LITE0, LITE2 = "image/efficientnet-lite0", "image/efficientnet-lite2"
MORE = (*TEMPLATES, "this is a {}", "a drawing of a {}", "there is a {} here")
ONE = TEMPLATES[:1]
# templates, λ, all synonyms of a name?, centred?, image models
WAYS: dict[str, tuple[tuple[str, ...], float, bool, bool, tuple[str, ...]]] = {
    "one sentence a name": (ONE, 1.0, False, False, (LITE0,)),
    "one, all synonyms in it": (ONE, 1.0, True, False, (LITE0,)),
    "five sentences (embedlab)": (TEMPLATES, RIDGE, False, False, (LITE0,)),
    "eight sentences": (MORE, 1.0, False, False, (LITE0,)),
    "five, λ = 0.3": (TEMPLATES, 0.3, False, False, (LITE0,)),
    "five, λ = 3": (TEMPLATES, 3.0, False, False, (LITE0,)),
    "five, both sides centred": (TEMPLATES, 1.0, False, True, (LITE0,)),
    "five, Lite2": (TEMPLATES, 1.0, False, False, (LITE2,)),
    "five, Lite0 and Lite2 side by side": (TEMPLATES, 1.0, False, False, (LITE0, LITE2)),
}


class Pair:
    """A text model and some image models, with a bridge between them."""

    def __init__(self, text: Any, images: list[Any], way: str) -> None:
        templates, strength, synonyms, centred, _ = WAYS[way]
        self.text, self.images, self.templates = text, images, templates
        names = images[0].class_names if synonyms else everyday_names(images[0].class_names)
        rows = [unit_rows(image.network.get_parameter("_fc.weight").detach().numpy()) for image in images]
        known, classes = self.words(names), np.concatenate(rows, axis=1)
        self.shift = known.mean(0) if centred else np.zeros(known.shape[1])
        self.back = classes.mean(0) if centred else np.zeros(classes.shape[1])
        self.bridge = fit_bridge(known - self.shift, classes - self.back, strength)

    def words(self, names: list[str]) -> np.ndarray:
        """The mean of the sentences about each name, at length 1."""
        texts = [template.format(name) for name in names for template in self.templates]
        items = el.Items.from_texts(texts)
        return unit_rows(
            self.text.embed(items).vectors.reshape(len(names), len(self.templates), -1).mean(axis=1)
        )

    def cross(self, texts: np.ndarray) -> np.ndarray:
        return (texts - self.shift) @ self.bridge + self.back

    def see(self, items: el.Items) -> np.ndarray:
        return np.concatenate([image.embed(items).normalize().vectors for image in self.images], axis=1)


def main() -> None:
    if not SHARED.is_dir():
        print("aligned: the labelled data beside the project are not there")
        return
    caltech = el.Items.from_folder(SHARED / "image" / "caltech101_32x20", modality="image")
    classes = sorted({str(label) for label in caltech.labels or []})
    folder = SHARED / "image_text" / "coco_free51"
    rows = json.loads((folder / "metadata.json").read_text("utf-8"))
    coco = pd.DataFrame(
        [(str(folder / r["file"]), c) for r in rows for c in r["captions"]], columns=["path", "words"]
    )
    photos = el.Items.from_frame(coco.drop_duplicates("path"), modality="image", content="path")
    right = [photos.contents.index(path) for path in coco["path"]]
    card = el.load_model("multimodal/aligned-minilm").card
    for name in ("text/minilm", "text/mpnet"):
        text = el.load_model(name)
        captions = text.embed(el.Items.from_texts(coco["words"].tolist())).vectors
        print(
            f"{name}: zero-shot on {len(caltech)} photos | R@1, R@5 of {len(coco)} captions to {len(photos)}"
        )
        for way in WAYS:
            pair = Pair(text, [el.load_model(image) for image in WAYS[way][4]], way)
            emb = el.Embeddings(pair.see(caltech), caltech, card, card.layer, card.pooling, False)
            words = pair.cross(pair.words([c.replace("_", " ") for c in classes]))
            score = zero_shot_accuracy(emb, words, classes)
            ranking = rank(pair.cross(captions), pair.see(photos), right, groups=coco["path"])
            one, five = recall_at_k(ranking, 1), recall_at_k(ranking, 5)
            print(f"  {way:<36}{float(score):.3f} | {float(one):.3f}  {float(five):.3f}")
        print(f"  the last, with intervals: {score} | {one} | {five}")


if __name__ == "__main__":
    main()
