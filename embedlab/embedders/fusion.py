"""Late fusion: what an image model sees in a clip, how that changes, and what an audio model hears."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.audio import AudioEmbedder
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.loading import load_model
from embedlab.embeddings import unit_rows
from embedlab.errors import EmbedlabError, Problem
from embedlab.items.fragments import parse_fragment
from embedlab.media import video
from embedlab.media.audio import RATE, SILENT
from embedlab.weights import LocalWeights

PARTS = ("picture", "motion", "direction", "sound")
USUAL = ("picture", "motion", "sound")
N_FRAMES = 8
_MOST_SOUND = 30  # seconds of the sound track that are listened to
# How alike two unlike items are to a model: its mean cosine over all pairs of a mixed collection (the sample
# data `clips`; for sound also `sounds`). Whisper finds any two sounds alike, so its differences count more.
_ALIKE = {"audio/whisper-base": 0.87, "audio/speaker": 0.53}
_ALIKE_OTHERWISE = 0.55
_ALIKE_DIRECTION = 0.0  # one way is as often met as the other
_STILL = 1e-4  # a change of a feature below this is none


class FramesAndSound(CachedEmbedder):
    """A clip as three vectors side by side, scaled so that none drowns the others.

    ``picture`` is the mean and the spread (standard deviation) over frames, ``motion`` the mean size of the
    change from one frame to the next, ``sound`` the vector of the sound track: zeros where there is none, or
    only silence. ``direction``, which must be asked for, is the slope of a straight line through the frames:
    it alone turns around when the clip is played backwards, and it is noise where nothing moves one way.

    Each has length 1, and then a weight, 1 / (1 − the cosine of two unlike items): so unlike clips are
    equally far from each other in every part.

    Attributes
    ----------
    image : ImageEmbedder
    audio : AudioEmbedder
    parts : tuple of str
    n_frames : int
        Frames that are looked at, evenly spaced in time.
    """

    accepts = ("video",)
    prepares_in_threads = True

    def __init__(
        self,
        card: ModelCard,
        found: LocalWeights,
        image: ImageEmbedder,
        audio: AudioEmbedder,
        parts: Sequence[str] = USUAL,
        n_frames: int = N_FRAMES,
    ) -> None:
        unknown = [part for part in parts if part not in PARTS]
        if unknown or not parts:
            raise EmbedlabError(f"Parts of a clip are {', '.join(PARTS)}; not {unknown or 'none'}.")
        if n_frames < 2:
            raise EmbedlabError(f"A clip needs at least 2 frames to show change, not {n_frames}.")
        self.image, self.audio, self.n_frames = image, audio, n_frames
        self.parts = tuple(part for part in PARTS if part in parts)
        self.dim = sum(self._width(part) for part in self.parts)
        made_of = f"{image.card.sha256} {audio.card.sha256}"
        self.card = dataclasses.replace(
            card,
            dim=self.dim,
            params=image.card.params + audio.card.params,
            source=found.source,
            sha256=hashlib.sha256(made_of.encode()).hexdigest(),
            layer=f"{image.card.name} + {audio.card.name}",
            pooling=f"{', '.join(self.parts)} of {n_frames} frames",
        )
        self._found = found

    def with_parts(self, *parts: str) -> FramesAndSound:
        """The same models with other parts: ``"picture"``, ``"motion"``, ``"direction"``, ``"sound"``."""
        return FramesAndSound(self.card, self._found, self.image, self.audio, parts, self.n_frames)

    def with_models(self, image: str | None = None, audio: str | None = None) -> FramesAndSound:
        """The same fusion of other models of the catalogue.

        Raises
        ------
        EmbedlabError
            When a name is unknown, or that of a model of another kind.
        """
        seen = self.image if image is None else load_model(image)
        heard = self.audio if audio is None else load_model(audio)
        if not isinstance(seen, ImageEmbedder) or not isinstance(heard, AudioEmbedder):
            raise EmbedlabError(f"Fusion wants an image and an audio model, not {image!r} and {audio!r}.")
        return FramesAndSound(self.card, self._found, seen, heard, self.parts, self.n_frames)

    def _width(self, part: str) -> int:
        seen, heard = self.image.dim, self.audio.dim
        return {"picture": 2 * seen, "motion": seen, "direction": seen, "sound": heard}[part]

    def _preprocessing(self) -> dict[str, Any]:
        made_by = {"image": self.image._preprocessing(), "audio": self.audio._preprocessing()}
        return made_by | {"weights": self.weights, "still": _STILL}

    def _problem(self, content: Any) -> Problem | None:
        return video.find_problem(content)

    def _prepare(self, content: Any) -> tuple[list[np.ndarray], np.ndarray | None]:
        side = self.image.preprocess.shorter_side
        frames = video.read_frames(content, self.n_frames, shorter_side=side)
        pixels = [self.image.preprocess.pixels(Image.fromarray(frame)) for frame in frames]
        heard = video.read_sound(_beginning(content), RATE) if "sound" in self.parts else None
        return pixels, None if heard is None or np.abs(heard).max(initial=0.0) < SILENT else heard

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        parts: list[np.ndarray] = []
        if set(self.parts) - {"sound"}:
            pixels = [frame for frames, _ in prepared for frame in frames]
            seen = self.image._compute(pixels, batch_size).reshape(len(prepared), self.n_frames, -1)
            if "picture" in self.parts:
                both = np.hstack([_unit(seen.mean(axis=1)), _unit(_changed(seen.std(axis=1)))])
                parts.append(both / np.sqrt(2))
            if "motion" in self.parts:
                parts.append(_unit(_changed(np.abs(np.diff(seen, axis=1)).mean(axis=1))))
            if "direction" in self.parts:
                time = np.linspace(-1, 1, self.n_frames, dtype=np.float32)
                slope = np.einsum("t,ntd->nd", time, seen - seen.mean(axis=1, keepdims=True))
                parts.append(_unit(_changed(slope)))
        if "sound" in self.parts:
            parts.append(self._sound([heard for _, heard in prepared], batch_size))
        weights = self.weights
        joined = [weights[name] ** 0.5 * part for name, part in zip(self.parts, parts, strict=True)]
        return np.hstack(joined).astype(np.float32)

    @property
    def weights(self) -> dict[str, float]:
        """Share of each part in the cosine of two clips; they add up to 1."""
        raw = {part: 1 / (1 - alike(part, self.audio.card.name)) for part in self.parts}
        return {part: weight / sum(raw.values()) for part, weight in raw.items()}

    def _sound(self, heard: list[np.ndarray | None], batch_size: int) -> np.ndarray:
        vectors = np.zeros((len(heard), self.audio.dim), np.float32)
        audible = [row for row, samples in enumerate(heard) if samples is not None]
        if audible:
            vectors[audible] = _unit(self.audio._compute([heard[row] for row in audible], batch_size))
        return vectors


def alike(part: str, audio: str) -> float:
    """Cosine of two unlike clips in a part, as it was measured once."""
    if part == "sound":
        return _ALIKE.get(audio, _ALIKE_OTHERWISE)
    return _ALIKE_DIRECTION if part == "direction" else _ALIKE_OTHERWISE


def _beginning(content: Any) -> Any:
    """The part of a film whose sound is listened to."""
    path, start, end = parse_fragment(content)
    if isinstance(path, (str, os.PathLike)) and (end is None or end - start > _MOST_SOUND):
        return f"{path}#t={start},{start + _MOST_SOUND}"
    return content


def _changed(change: np.ndarray) -> np.ndarray:
    """Without what is none: equal frames differ in their last digits, which normalisation would blow up."""
    return np.where(np.abs(change) > _STILL, change, 0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros (a clip in which nothing moves) stays."""
    return unit_rows(vectors, zeros="keep")


def load(card: ModelCard, found: LocalWeights, image: ImageEmbedder, audio: AudioEmbedder) -> FramesAndSound:
    """The fusion of two models of the catalogue."""
    return FramesAndSound(card, found, image, audio)
