"""What audio models share: clips are read whole, long recordings window by window, one vector each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from embedlab.embedders.base import CachedEmbedder
from embedlab.errors import Problem
from embedlab.items.fragments import parse_fragment
from embedlab.media import audio
from embedlab.media.audio import RATE, SILENT
from embedlab.media.errors import UnreadableMedia

WINDOW_SECONDS = 30
_WINDOW = WINDOW_SECONDS * RATE


@dataclass(frozen=True)
class Long:
    """A recording that is longer than a window: read again, piece by piece, when its turn comes."""

    source: Any


class AudioEmbedder(CachedEmbedder):
    """Base of the audio models: a subclass reads clips of at most 30 seconds.

    A longer recording is read in windows of 30 seconds, and never held whole; its vector is the mean over all
    of it. For one vector per window, cut it first: :func:`embedlab.split_audio`.
    """

    prepares_in_threads = True

    @abstractmethod
    def read_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Layer → one vector per clip, (n, width); and how much each clip counts in a mean, (n,)."""

    def finish(self, layer: str, vectors: np.ndarray) -> np.ndarray:
        """The last step, after windows have been averaged."""
        return vectors

    def _prepare(self, content: Any) -> np.ndarray | Long:
        pieces: list[np.ndarray] = []
        size, loudest = 0, 0.0
        for piece in audio.read_blocks(content):  # to the end, so that damage is found now and named
            if not len(piece):
                continue
            size += len(piece)
            loudest = max(loudest, float(np.abs(piece).max()))
            if size <= _WINDOW:
                pieces.append(piece)
        if size == 0:
            raise UnreadableMedia(content, "audio", audio.NO_SOUND)
        if loudest < SILENT:
            raise UnreadableMedia(content, "audio", audio.SILENCE)
        return np.concatenate(pieces) if size <= _WINDOW else Long(content)

    def _problem(self, content: Any) -> Problem | None:
        return audio.find_problem(content)

    def _length(self, content: Any) -> float:
        path, start, end = parse_fragment(content)
        return end - start if end is not None else float(Path(path).stat().st_size)

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        layer = self.card.layer
        return self.compute_layers(prepared, [layer], batch_size)[layer]

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        sums: dict[str, list[Any]] = {name: [0.0] * len(prepared) for name in layers}
        total = np.zeros(len(prepared))
        for batch in _batches(_clips(prepared), batch_size):
            rows, clips = zip(*batch, strict=True)
            vectors, weights = self.read_clips(list(clips), layers)
            for place, row in enumerate(rows):
                total[row] += weights[place]
                for name in layers:
                    sums[name][row] += weights[place] * vectors[name][place].astype(np.float64)
        means = {name: np.stack(parts) / total[:, None] for name, parts in sums.items()}
        return {name: self.finish(name, mean).astype(np.float32) for name, mean in means.items()}


def _clips(prepared: list[Any]) -> Iterator[tuple[int, np.ndarray]]:
    """Every window with the row it belongs to; of a long recording only one at a time is in memory."""
    for row, clip in enumerate(prepared):
        if isinstance(clip, Long):
            for window in windows_of(clip.source):
                yield row, window
        else:
            yield row, clip


def _batches(clips: Iterator[tuple[int, np.ndarray]], size: int) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Groups of at most ``size``, and of at most two minutes of sound."""
    batch: list[tuple[int, np.ndarray]] = []
    samples = 0
    for row, clip in clips:
        if batch and (len(batch) == size or samples + len(clip) > 4 * _WINDOW):
            yield batch
            batch, samples = [], 0
        batch.append((row, clip))
        samples += len(clip)
    if batch:
        yield batch


def windows_of(source: Any) -> Iterator[np.ndarray]:
    """A recording in windows of 30 seconds, one after the other; the last one may be shorter."""
    waiting: list[np.ndarray] = []
    size = 0
    for piece in audio.read_blocks(source):
        waiting.append(piece)
        size += len(piece)
        while size >= _WINDOW:
            joined = np.concatenate(waiting)
            yield joined[:_WINDOW]
            waiting, size = [joined[_WINDOW:]], size - _WINDOW
    if size:
        yield np.concatenate(waiting)
