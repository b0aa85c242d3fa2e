"""The clips: every factor free of the others, the same numbers everywhere, files that play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import embedlab as el
from embedlab.io import folders as io_folders
from embedlab.media import video
from embedlab.samples import clips
from embedlab.samples.clips import FPS, MOTIONS, N_FRAMES, N_SAMPLES, OBJECTS, SIDE, SOUNDS, list_clips, make


def test_every_combination_is_there_twice() -> None:
    frame = list_clips()
    assert len(frame) == 2 * 8 * 6 * 4 == frame["id"].nunique()
    assert set(frame.groupby(["object", "motion", "sound"]).size()) == {2}
    assert (len(OBJECTS), len(MOTIONS), len(SOUNDS)) == (8, 6, 4)


def test_held_out_combinations_are_new_their_pairs_are_not() -> None:
    frame = list_clips()
    train, held_out = frame[frame["split"] == "train"], frame[frame["split"] == "held-out"]
    assert len(held_out) == len(frame) // 4
    triples = [set(part.groupby(["object", "motion", "sound"]).groups) for part in (train, held_out)]
    assert not triples[0] & triples[1]
    for pair in (["object", "motion"], ["object", "sound"], ["motion", "sound"]):
        assert set(train.groupby(pair).groups) == set(frame.groupby(pair).groups)
    for factor in ("object", "motion", "sound"):
        share = held_out[factor].value_counts(normalize=True)
        assert share.max() < 1.7 * share.min(), "every value is tested about as often"


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    first, again, other = (make("star", "spins", "wind", seed) for seed in (1, 1, 2))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()
    assert first[0].shape == (N_FRAMES, SIDE, SIDE, 3)
    assert first[0].dtype == np.uint8
    assert first[1].shape == (N_SAMPLES,)
    assert first[1].dtype == np.float32


def test_nothing_is_cut_off_and_sounds_are_not_clipped() -> None:
    for row in list_clips().iloc[::7].itertuples():
        frames, samples = make(str(row.object), str(row.motion), str(row.sound), 1)
        edge = np.concatenate([frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1]], axis=1)
        assert np.ptp(edge, axis=(0, 1)).max() == 0, f"{row.id} leaves the picture"
        assert 0.4 < np.abs(samples).max() < 0.85
        assert np.isfinite(samples).all()


def features(motion: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Place, size and change of the thing: of the frame in the middle, and over the clip."""
    rng = np.random.default_rng(seed)
    frames, _ = make(OBJECTS[rng.integers(8)], motion, "tone", seed)
    shape = (frames != frames[:1, :1, :1]).any(axis=3)
    y, x = np.indices(shape.shape[1:])
    area = shape.sum(axis=(1, 2))
    places = np.stack([(shape * x).sum(axis=(1, 2)) / area, (shape * y).sum(axis=(1, 2)) / area], axis=1)
    middle = N_FRAMES // 2
    still = np.array([*places[middle], np.sqrt(area[middle])])
    change = np.array([*(places[-1] - places[0]), np.sqrt(area[-1]) - np.sqrt(area[0])])
    return still, change


def test_motion_is_seen_in_time_and_not_in_a_still() -> None:
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    chosen = [(motion, seed) for motion in MOTIONS for seed in range(100, 125)]
    found = [features(*one) for one in chosen]
    labels = [motion for motion, _ in chosen]
    by_still, by_change = (
        cross_val_score(KNeighborsClassifier(5), np.stack(part), labels, cv=5).mean()
        for part in zip(*found, strict=True)
    )
    # A still: chance is 0.17, and who moves sideways is in the middle then (measured 0.33).
    assert by_still < 0.45
    assert by_change > 0.95


def test_sounds_differ_in_kind_and_not_only_in_pitch() -> None:
    def kind(samples: np.ndarray) -> list[float]:
        power = [np.abs(np.fft.rfft(half))[1:] ** 2 + 1e-6 for half in np.split(samples, 2)]
        flatness = np.mean([np.exp(np.log(p).mean()) / p.mean() for p in power])
        loud = np.sqrt((samples.reshape(80, -1) ** 2).mean(axis=1))
        rise = (power[1].argmax() + 1) / (power[0].argmax() + 1)
        return [np.log(flatness), np.log(rise), loud.std() / loud.mean()]

    found = {
        sound: [kind(make("ball", "falls", sound, seed)[1]) for seed in range(100, 120)] for sound in SOUNDS
    }
    tone, siren, beats, wind = (np.array(found[sound]) for sound in SOUNDS)
    assert siren[:, 1].min() > 0.3 > np.abs(tone[:, 1]).max(), "a siren rises, a tone does not"
    assert beats[:, 2].min() > 0.5 > tone[:, 2].max(), "beats come and go"
    assert wind[:, 0].min() > max(tone[:, 0].max(), siren[:, 0].max()), "wind has all frequencies"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pd.DataFrame:
    """Only five clips, in an empty cache."""
    few = list_clips().iloc[::80].reset_index(drop=True)
    monkeypatch.setattr(clips, "list_clips", lambda: few.copy())
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    return few


def test_files_have_what_was_made(small: pd.DataFrame) -> None:
    items = el.load_dataset("clips")
    assert (items.modality, items.name, len(items)) == ("video", "clips", 5)
    for id, path in zip(items.ids, items.contents, strict=True):
        row = items.row(id)
        frames, samples = make(row["object"], row["motion"], row["sound"], row["take"])
        read = video.read_frames(path, N_FRAMES)
        assert np.abs(read.astype(float) - frames).mean() < 4, "compressed, and still the same picture"
        assert video.read_duration(path) == pytest.approx(N_FRAMES / FPS, abs=0.01)
        heard = video.read_sound(path)
        assert heard is not None
        assert len(heard) == len(samples)
        assert np.corrcoef(np.abs(heard), np.abs(samples))[0, 1] > 0.5
        assert video.list_notes(path) == ()


def test_they_are_made_once_and_whole(small: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    plain = clips.write

    def stopped(path: Path, frames: np.ndarray, samples: np.ndarray) -> None:
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        plain(path, frames, samples)

    monkeypatch.setattr(clips, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        el.load_dataset("clips")
    items = el.load_dataset("clips")
    assert all(Path(path).is_file() for path in items.contents)
    n = len(written)
    el.load_dataset("clips")
    assert len(written) == n
    assert io_folders.build_once is clips.build_once
