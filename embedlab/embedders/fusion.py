"""Late fusion: what an image model sees in a clip, how it changes, and what is heard."""

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
from embedlab.media.audio import RATE, SILENT
from embedlab.media.clip import VideoSource
from embedlab.media.video import find_problem, read_frames, read_sound
from embedlab.weights import LocalWeights

PARTS = ("picture", "motion", "direction", "sound")
DEFAULT_PARTS = ("picture", "motion", "sound")
N_FRAMES = 8
_MAX_SOUND_SECONDS = 30
# How similar a model finds two unrelated items: mean cosine over all pairs of a mixed collection (the sample
# data `clips`; for sound also `sounds`). Whisper finds any two sounds similar, so its differences count more.
_BASELINE = {"audio/whisper-base": 0.87, "audio/speaker": 0.53}
_OTHER_BASELINE = 0.55
_DIRECTION_BASELINE = 0.0  # a direction and its opposite are equally common
_STILL = 1e-4  # smallest change of a feature that counts


class FramesAndSound(CachedEmbedder):
    """A clip as several vectors side by side, weighted so that none dominates.

    ``picture`` is the mean and the spread (standard deviation) over frames, ``motion`` the mean size of the
    change from one frame to the next, ``sound`` the vector of the sound track: zeros for no sound or only
    silence. ``direction``, which is off by default, is the slope of a straight line through the frames: it
    alone is reversed when the clip is played backwards, and it is noise if nothing moves one way.

    Each has length 1 before it is weighted by 1 / (1 − the cosine of two unrelated items), so that unrelated
    clips are equally far from each other in every part.

    Attributes
    ----------
    image : ImageEmbedder
    audio : AudioEmbedder
    parts : tuple of str
    n_frames : int
        Frames per clip, evenly spaced in time.
    """

    accepts = ("video",)
    prepares_in_threads = True

    def __init__(
        self,
        card: ModelCard,
        found: LocalWeights,
        image: ImageEmbedder,
        audio: AudioEmbedder,
        parts: Sequence[str] = DEFAULT_PARTS,
        n_frames: int = N_FRAMES,
    ) -> None:
        unknown = [part for part in parts if part not in PARTS]
        if unknown or not parts:
            raise EmbedlabError(f"Choose parts of a clip from {', '.join(PARTS)}, not {unknown or 'none'}.")
        if n_frames < 2:
            raise EmbedlabError(f"A clip needs at least 2 frames to show change, not {n_frames}.")
        self.image, self.audio, self.n_frames = image, audio, n_frames
        self.parts = tuple(part for part in PARTS if part in parts)
        self.dim = sum(self._width(part) for part in self.parts)
        sources = f"{image.card.sha256} {audio.card.sha256}"
        self.card = dataclasses.replace(
            card,
            dim=self.dim,
            params=image.card.params + audio.card.params,
            source=found.source,
            sha256=hashlib.sha256(sources.encode()).hexdigest(),
            layer=f"{image.card.name} + {audio.card.name}",
            pooling=f"{', '.join(self.parts)} of {n_frames} frames",
        )
        self._found = found

    def with_parts(self, *parts: str) -> FramesAndSound:
        """Return the same models with other parts.

        Parameters
        ----------
        *parts : {"picture", "motion", "direction", "sound"}
        """
        return FramesAndSound(self.card, self._found, self.image, self.audio, parts, self.n_frames)

    def with_models(self, image: str | None = None, audio: str | None = None) -> FramesAndSound:
        """Return the same fusion of other models of the catalogue.

        Raises
        ------
        EmbedlabError
            If a name is unknown, or that of a model of another kind.
        """
        image_model = self.image if image is None else load_model(image)
        audio_model = self.audio if audio is None else load_model(audio)
        if not isinstance(image_model, ImageEmbedder) or not isinstance(audio_model, AudioEmbedder):
            raise EmbedlabError(f"Fusion needs an image and an audio model, not {image!r} and {audio!r}.")
        return FramesAndSound(self.card, self._found, image_model, audio_model, self.parts, self.n_frames)

    @property
    def weights(self) -> dict[str, float]:
        """Share of each part in the cosine of two clips; they add up to 1."""
        raw = {part: 1 / (1 - baseline_cosine(part, self.audio.card.name)) for part in self.parts}
        return {part: weight / sum(raw.values()) for part, weight in raw.items()}

    def _width(self, part: str) -> int:
        seen, heard = self.image.dim, self.audio.dim
        return {"picture": 2 * seen, "motion": seen, "direction": seen, "sound": heard}[part]

    def _preprocessing(self) -> dict[str, Any]:
        made_by = {"image": self.image._preprocessing(), "audio": self.audio._preprocessing()}
        return made_by | {"weights": self.weights, "still": _STILL}

    def _problem(self, content: Any) -> Problem | None:
        return find_problem(content)

    def _prepare(self, content: Any) -> tuple[list[np.ndarray], np.ndarray | None]:
        side = self.image.preprocess.shorter_side
        frames = read_frames(content, self.n_frames, shorter_side=side)
        pixels = [self.image.preprocess.pixels(Image.fromarray(frame)) for frame in frames]
        sound = read_sound(_limit_to_start(content), RATE) if "sound" in self.parts else None
        is_silent = sound is None or np.abs(sound).max(initial=0.0) < SILENT
        return pixels, None if is_silent else sound

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        parts: dict[str, np.ndarray] = {}
        if set(self.parts) - {"sound"}:
            pixels = [frame for frames, _ in prepared for frame in frames]
            features = self.image._compute(pixels, batch_size).reshape(len(prepared), self.n_frames, -1)
            parts = {part: _VIEWS[part](features) for part in self.parts if part != "sound"}
        if "sound" in self.parts:
            parts["sound"] = self._embed_sound([sound for _, sound in prepared], batch_size)
        weights = self.weights
        joined = [weights[part] ** 0.5 * parts[part] for part in self.parts]
        return np.hstack(joined).astype(np.float32)

    def _embed_sound(self, sounds: list[np.ndarray | None], batch_size: int) -> np.ndarray:
        vectors = np.zeros((len(sounds), self.audio.dim), np.float32)
        audible = [row for row, samples in enumerate(sounds) if samples is not None]
        if audible:
            vectors[audible] = _unit(self.audio._compute([sounds[row] for row in audible], batch_size))
        return vectors


def baseline_cosine(part: str, audio: str) -> float:
    """Return the cosine of two unrelated clips in a part, as it was measured once."""
    if part == "sound":
        return _BASELINE.get(audio, _OTHER_BASELINE)
    return _DIRECTION_BASELINE if part == "direction" else _OTHER_BASELINE


def load(card: ModelCard, found: LocalWeights, image: ImageEmbedder, audio: AudioEmbedder) -> FramesAndSound:
    """Fuse two models of the catalogue."""
    return FramesAndSound(card, found, image, audio)


# -- from features, shape (n_clips, n_frames, dim), to one vector per clip -------------------------------


def _picture(features: np.ndarray) -> np.ndarray:
    both = np.hstack([_unit(features.mean(axis=1)), _unit(_drop_noise(features.std(axis=1)))])
    scaled: np.ndarray = both / np.sqrt(2)
    return scaled


def _motion(features: np.ndarray) -> np.ndarray:
    return _unit(_drop_noise(np.abs(np.diff(features, axis=1)).mean(axis=1)))


def _direction(features: np.ndarray) -> np.ndarray:
    time = np.linspace(-1, 1, features.shape[1], dtype=np.float32)
    slope = np.einsum("t,ntd->nd", time, features - features.mean(axis=1, keepdims=True))
    return _unit(_drop_noise(slope))


_VIEWS = {"picture": _picture, "motion": _motion, "direction": _direction}


def _drop_noise(change: np.ndarray) -> np.ndarray:
    """Set the last digits in which equal frames differ to 0: normalisation would blow them up."""
    return np.where(np.abs(change) > _STILL, change, 0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros (a clip in which nothing moves) stays."""
    return unit_rows(vectors, zeros="keep")


def _limit_to_start(content: VideoSource) -> VideoSource:
    """Name the part of a video whose sound is embedded: at most its first 30 seconds."""
    path, start, end = parse_fragment(content)
    if isinstance(path, (str, os.PathLike)) and (end is None or end - start > _MAX_SOUND_SECONDS):
        return f"{path}#t={start},{start + _MAX_SOUND_SECONDS}"
    return content
