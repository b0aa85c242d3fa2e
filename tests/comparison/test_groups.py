"""Items that belong together must not answer for one another, nor count as many."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from embedlab.cli.app import app
from embedlab.comparison.caveats import Caveat, CaveatCode
from embedlab.comparison.compare import compare
from embedlab.comparison.page import render_page
from embedlab.comparison.result import Comparison
from embedlab.comparison.scores import bootstrap
from embedlab.comparison.significance import paired_difference
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.items import Items

Make = Callable[..., Embeddings]


def recorded(emb: Embeddings, vectors: np.ndarray, **columns: object) -> Embeddings:
    frame = emb.items.frame.assign(**columns)
    items = Items(frame, emb.items.modality, emb.items.name)
    return dataclasses.replace(emb, vectors=vectors.astype(np.float32), items=items)


def named(emb: Embeddings, name: str) -> Embeddings:
    return dataclasses.replace(emb, model=dataclasses.replace(emb.model, name=name))


@pytest.fixture
def windows(make_embeddings: Make) -> list[Embeddings]:
    """24 recordings of 10 windows, 4 species: one model knows recordings only, one the species too."""
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(24), 10)
    own = rng.standard_normal((24, 32))[recording] * 3
    species = rng.standard_normal((4, 32))[recording % 4] * 4
    noise = [rng.standard_normal((240, 32)) for _ in range(2)]
    told = {
        "label": [f"species {r % 4}" for r in recording],
        "recording": [f"r{r:02}" for r in recording],
    }
    emb = make_embeddings(240, 32, 4)
    return [
        named(recorded(emb, own + noise[0], **told), "by/deaf"),
        named(recorded(emb, own + species + noise[1], **told), "by/hearing"),
    ]


def group_caveat(found: Comparison) -> Caveat:
    codes = (CaveatCode.GROUPS, CaveatCode.NESTED_GROUPS)
    [found_caveat] = [each for each in found.caveats if each.code in codes]
    return found_caveat


def accuracy(found: Comparison, name: str) -> float:
    task = next(task for task in found.tasks if task.measure == "1-NN accuracy")
    return task.scores[name].value


def test_windows_of_one_recording_do_not_answer_for_one_another(windows: list[Embeddings]) -> None:
    alone, together = compare(windows, cost=False), compare(windows, groups="recording", cost=False)
    assert accuracy(alone, "deaf") > 0.95  # it found the recording, and that gave the species away
    assert accuracy(together, "deaf") < 0.5  # by chance 0.25
    assert accuracy(together, "hearing") > 0.9
    probe = next(task for task in together.tasks if task.measure == "linear probe")
    assert probe.scores["deaf"].value < 0.6
    assert together.verdict[0].startswith("Choose hearing")
    assert "clear difference" not in alone.verdict[1]
    caveats = group_caveat(together)
    assert (caveats.code, caveats.n) == (CaveatCode.GROUPS, 24)
    assert "too narrow" not in caveats.text
    assert caveats.text in render_page(together)


def test_a_list_says_the_same_as_a_column(windows: list[Embeddings]) -> None:
    column = compare(windows, groups="recording", cost=False)
    values = compare(windows, groups=windows[0].items.frame["recording"].tolist(), cost=False)
    assert column.scores.equals(values.scores)
    assert column.differences.equals(values.differences)


def test_intervals_and_tests_draw_whole_groups(windows: list[Embeddings]) -> None:
    """Views of one photograph, labelled with it: items of a group must answer for one another."""
    alone = compare(windows, labels="recording", cost=False)
    together = compare(windows, labels="recording", groups="recording", cost=False)
    assert alone.scores["value"].tolist() == together.scores["value"].tolist()
    width = [(found.scores["high"] - found.scores["low"]).iloc[-1] for found in (alone, together)]
    assert width[1] > 1.3 * width[0]  # the silhouette depends on the recording
    assert (together.differences["p_value"] >= alone.differences["p_value"]).all()
    assert group_caveat(together).code == CaveatCode.NESTED_GROUPS


def test_a_lead_on_one_photograph_is_not_clear() -> None:
    """Ten views of one photograph are one answer, not ten; the scores remember how they were drawn."""
    photo = np.repeat(np.arange(12), 10)
    right, wrong_on_one = np.ones(120), (photo != 0).astype(float)
    alone = paired_difference(bootstrap(right), bootstrap(wrong_on_one))
    together = paired_difference(*(bootstrap(each, groups=photo) for each in (right, wrong_on_one)))
    assert alone.value == together.value == pytest.approx(1 / 12)
    assert alone.p_value < 0.01
    assert together.p_value == 1
    assert together.low == 0


def test_few_groups_are_warned_of(windows: list[Embeddings]) -> None:
    few = [dataclasses.replace(emb, items=emb.items) for emb in windows]
    found = compare(few, groups=[n // 30 for n in range(240)], cost=False)
    assert group_caveat(found).n == 8
    assert (
        "8 of 240 items. With fewer than 20, intervals are somewhat too narrow." in group_caveat(found).text
    )


def test_it_is_groups_that_are_too_few_not_items(windows: list[Embeddings]) -> None:
    alike = [windows[1], named(windows[1], "by/twin")]
    found = compare(alike, groups=[n // 30 for n in range(240)], cost=False)
    assert found.verdict[0].startswith("8 groups of items are too few to tell")


def test_an_item_without_a_group_is_a_group_of_its_own(windows: list[Embeddings]) -> None:
    values = [None, *windows[0].items.frame["recording"].tolist()[1:]]
    assert group_caveat(compare(windows, groups=values, cost=False)).n == 25


def test_copies_join_the_groups_they_connect(windows: list[Embeddings]) -> None:
    """A window that is in two recordings makes one of them."""
    doubled = []
    for emb in windows:
        contents = emb.items.frame["content"].tolist()
        contents[10] = contents[0]
        vectors = emb.vectors.copy()
        vectors[10] = vectors[0]
        doubled.append(recorded(emb, vectors, content=contents))
    found = compare(doubled, groups="recording", cost=False)
    assert len(np.unique(found.groups.exclusion)) == 23
    assert found.groups.exclusion[5] == found.groups.exclusion[15]
    leakage = found.copy_leakage["deaf"]
    assert (
        abs(leakage.with_copies - leakage.without_copies) < 0.1
    )  # the other windows of a recording do not come back with its copy


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("sensor", "no column 'sensor'"),
        ([1, 2, 3], "3 groups but 240 items"),
        (["all"] * 240, "All 240 items are in one group of 'groups'"),
    ],
)
def test_groups_that_do_not_fit_are_refused(windows: list[Embeddings], groups: object, said: str) -> None:
    with pytest.raises(BadItem, match=said):
        compare(windows, groups=groups, cost=False)  # type: ignore[arg-type]


def test_groups_on_the_command_line(windows: list[Embeddings], tmp_path: Path) -> None:
    files = [str(tmp_path / f"{n}.parquet") for n in range(2)]
    for emb, file in zip(windows, files, strict=True):
        emb.save(file)
    done = CliRunner().invoke(app, ["compare", *files, "--no-cost", "--groups", "recording"])
    assert done.exit_code == 0, done.output
    assert "Choose hearing" in done.output
