"""Base of the audio models: clips are read whole, long recordings window by window."""

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
from embedlab.media.audio import NO_SOUND, RATE, SILENCE, SILENT, find_problem, read_blocks
from embedlab.media.audio_decode import AudioSource
from embedlab.media.errors import UnreadableMedia

WINDOW_SECONDS = 30
_WINDOW = WINDOW_SECONDS * RATE
_MAX_BATCH = 4 * _WINDOW  # samples


@dataclass(frozen=True)
class LongRecording:
    """A recording longer than a window, to be read again piece by piece when its turn comes."""

    source: AudioSource


class AudioEmbedder(CachedEmbedder):
    """Base of the audio models: a subclass embeds clips of at most 30 seconds.

    A longer recording is read in windows of 30 seconds and never held whole; its vector is the weighted mean
    over its windows. For one vector per window, cut it first: :func:`embedlab.split_audio`.
    """

    prepares_in_threads = True

    @abstractmethod
    def embed_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Read layers of clips.

        Parameters
        ----------
        clips : list of ndarray, each of shape (n_samples,)
            At 16 kHz, at most 30 seconds.
        layers : sequence of str

        Returns
        -------
        tuple of dict and ndarray
            Layer → one vector per clip, shape (n_clips, width); and the weight of each clip in a mean, shape
            (n_clips,).
        """

    def finish(self, layer: str, vectors: np.ndarray) -> np.ndarray:
        """Apply the last step, after windows have been averaged."""
        return vectors

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Read several layers in one forward pass; see :meth:`CachedEmbedder.compute_layers`."""
        sums: dict[str, list[Any]] = {name: [0.0] * len(prepared) for name in layers}
        total = np.zeros(len(prepared))
        for batch in _group(_iterate_windows(prepared), batch_size):
            rows, clips = zip(*batch, strict=True)
            vectors, weights = self.embed_clips(list(clips), layers)
            for i, row in enumerate(rows):
                total[row] += weights[i]
                for name in layers:
                    sums[name][row] += weights[i] * vectors[name][i].astype(np.float64)
        means = {name: np.stack(parts) / total[:, None] for name, parts in sums.items()}
        return {name: self.finish(name, mean).astype(np.float32) for name, mean in means.items()}

    def _prepare(self, content: Any) -> np.ndarray | LongRecording:
        pieces: list[np.ndarray] = []
        size, loudest = 0, 0.0
        for piece in read_blocks(content):  # to the end, so that damage is found now
            if not len(piece):
                continue
            size += len(piece)
            loudest = max(loudest, float(np.abs(piece).max()))
            if size <= _WINDOW:
                pieces.append(piece)
        if size == 0:
            raise UnreadableMedia(content, "audio", NO_SOUND)
        if loudest < SILENT:
            raise UnreadableMedia(content, "audio", SILENCE)
        return np.concatenate(pieces) if size <= _WINDOW else LongRecording(content)

    def _problem(self, content: Any) -> Problem | None:
        return find_problem(content)

    def _length(self, content: Any) -> float:
        path, start, end = parse_fragment(content)
        return end - start if end is not None else float(Path(path).stat().st_size)

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        layer = self.card.layer
        return self.compute_layers(prepared, [layer], batch_size)[layer]


def read_windows(source: AudioSource) -> Iterator[np.ndarray]:
    """Read a recording in windows of 30 seconds, one after the other.

    Yields
    ------
    ndarray, shape (n_samples,), float32
        The last one may be shorter.

    Raises
    ------
    UnreadableMedia
        When the damage is reached.
    """
    waiting: list[np.ndarray] = []
    size = 0
    for piece in read_blocks(source):
        waiting.append(piece)
        size += len(piece)
        while size >= _WINDOW:
            joined = np.concatenate(waiting)
            yield joined[:_WINDOW]
            waiting, size = [joined[_WINDOW:]], size - _WINDOW
    if size:
        yield np.concatenate(waiting)


def _iterate_windows(prepared: list[Any]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield every window with its row; only one window of a long recording is in memory."""
    for row, clip in enumerate(prepared):
        if isinstance(clip, LongRecording):
            for window in read_windows(clip.source):
                yield row, window
        else:
            yield row, clip


def _group(
    windows: Iterator[tuple[int, np.ndarray]], batch_size: int
) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Group windows into batches of at most ``batch_size``, and at most two minutes of sound."""
    batch: list[tuple[int, np.ndarray]] = []
    samples = 0
    for row, clip in windows:
        if batch and (len(batch) == batch_size or samples + len(clip) > _MAX_BATCH):
            yield batch
            batch, samples = [], 0
        batch.append((row, clip))
        samples += len(clip)
    if batch:
        yield batch
