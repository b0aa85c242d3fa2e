from __future__ import annotations

from pathlib import Path

import pytest

import embedlab as el
from embedlab import settings
from embedlab.errors import EmbedlabError
from embedlab.media import audio
from embedlab.samples import loading as samples
from embedlab.samples.datasets import UnknownDataset
from embedlab.samples.loading import find_pins
from embedlab.weights import hub_reachable

LISTED = el.datasets().to_dict("records")
_MARKS = {
    "photos": [pytest.mark.network],
    "emoji": [pytest.mark.network],
    "films": [pytest.mark.network],
    "cifar10": [pytest.mark.network],
    "digits": [pytest.mark.network],
}


@pytest.mark.parametrize(
    "row", [pytest.param(r, id=r["name"], marks=_MARKS.get(r["name"], [])) for r in LISTED]
)
def test_the_list_tells_the_truth_about_every_set(row: dict[str, object]) -> None:
    if row["name"] in ("cifar10", "digits") and not hub_reachable():
        pytest.skip(f"the model hub cannot be reached, and only it has {row['name']}")
    items = el.load_dataset(str(row["name"]))
    assert (len(items), items.modality, items.name) == (row["items"], row["modality"], row["name"])


def test_notes_have_their_topics_as_labels() -> None:
    notes = el.load_dataset("notes")
    assert len(set(notes.labels or [])) == 12
    assert notes.metadata.empty


def test_answers_of_the_questions_are_ids_of_notes() -> None:
    known = set(el.load_dataset("notes").ids)
    for answers in el.load_dataset("notes-questions").metadata["answers"]:
        assert set(answers.split("|")) <= known


def test_pairs_stand_side_by_side() -> None:
    frame = el.load_dataset("notes-pairs").frame
    first, second = frame.iloc[0::2], frame.iloc[1::2]
    assert first["pair"].tolist() == second["pair"].tolist()
    assert first["score"].tolist() == second["score"].tolist()
    assert set(first["side"]) == {"a"}
    assert set(second["side"]) == {"b"}


def test_an_unknown_set_names_the_nearest() -> None:
    with pytest.raises(UnknownDataset, match="Did you mean 'notes'") as caught:
        el.load_dataset("note")
    assert (caught.value.name, caught.value.suggestion) == ("note", "notes")
    with pytest.raises(UnknownDataset) as caught:
        find_pins("")
    assert caught.value.suggestion is None


def test_a_missing_file_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "data_folder", lambda: tmp_path)
    with pytest.raises(EmbedlabError, match="Install embedlab again") as caught:
        el.load_dataset("notes")
    assert caught.value.path == tmp_path / "notes" / "notes.jsonl"


@pytest.mark.parametrize(("name", "labels", "each"), [("voices", 12, 20), ("sounds", 12, 10)])
def test_sample_sounds_are_whole_and_small(name: str, labels: int, each: int) -> None:
    items = el.load_dataset(name)
    counts = items.frame["label"].value_counts()
    assert len(counts) == labels
    assert set(counts) == {each}
    files = [Path(path) for path in items.contents]
    assert sorted(files) == sorted((settings.data_folder() / name / "clips").iterdir()), "none is left over"
    assert sum(file.stat().st_size for file in files) < 2.5e6
    assert all(audio.find_problem(str(file)) is None for file in files)


def test_voices_have_every_word_in_every_voice_at_both_speeds() -> None:
    frame = el.load_dataset("voices").frame
    combinations = frame[["label", "voice", "speed"]].drop_duplicates()
    assert len(combinations) == len(frame) == 12 * 10 * 2
    assert frame.groupby("voice")["language"].nunique().max() == 1
