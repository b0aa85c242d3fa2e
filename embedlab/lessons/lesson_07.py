"""Check the exercises and draw the pictures of lesson 07, vector search."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

import embedlab as el
from embedlab.comparison.retrieval import bootstrap
from embedlab.comparison.scores import Score
from embedlab.embeddings import unit_rows
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import make_axes, show
from embedlab.palette import CATEGORIES, GREY, INK
from embedlab.store.hnsw_walk import HnswGraph, walk
from embedlab.store.index_lab_result import IndexLab

SMALL, LARGE = "text/minilm", "text/mpnet"
CELLS = 24
EF = (5, 10, 20, 40, 80)


@exercise("07/filter")
def short_sea_notes(answer: object) -> Verdict:
    """Check the number of notes about the sea with fewer than 15 words."""
    notes = worded(el.load_dataset("notes")).frame
    sea, short = notes["label"] == "sea", notes["words"] < 15
    number = as_number(answer)
    if number == (sea & short).sum():
        return right("Both conditions hold for these. The store looked at the columns, not at the vectors.")
    if number == short.sum():
        return hint("Those are the short notes on any topic. Join two conditions with and.")
    if number == sea.sum():
        return hint("Those are all notes about the sea. Join two conditions with and.")
    if number == (sea & (notes["words"] <= 15)).sum():
        return hint("Fewer than 15 means: not 15 itself.")
    return hint('store.count("notes", filter=…) counts what a filter lets through.')


@exercise("07/radius")
def around(answer: object) -> Verdict:
    """Check the number of notes whose cosine with n102 is above 0.3."""
    cosines = _notes(SMALL).vectors @ _notes(SMALL).select(["n102"]).vectors[0]
    near = int((cosines > 0.3).sum())
    number = as_number(answer)
    if number == near:
        return hint("The note itself is among these. With item= the store leaves it out.")
    if number == 5 and near != 6:
        return hint("search gives five hits unless k asks for more: ask for all 600.")
    if number != near - 1:
        return hint('Give item="n102", radius=0.3 and a k that is large enough, and count the rows.')
    return right(f"{near - 1} of 599. For a note with fewer friends the same radius may find none.")


@exercise("07/cells")
def enough_cells(answer: object) -> Verdict:
    """Check the smallest number of cells that finds four of five neighbours."""
    table = _cells_table()
    fewest = int(table.index[table["recall"] >= 0.8][0])
    number = as_number(answer)
    if number == fewest:
        return right(f"{fewest} of {CELLS} cells; the others were never looked into.")
    if number not in table.index:
        return hint(f"A number of cells, from 1 to {CELLS}.")
    if number < fewest:
        seen = float(table["recall"].iloc[int(number) - 1])
        return hint(f"With {number:.0f} cells recall is {seen:.2f}. Look in more.")
    return hint("That is enough. Is there a smaller number that is enough, too?")


@exercise("07/rrf")
def two_lists(answer: object) -> Verdict:
    """Check which item reciprocal rank fusion puts first: B, tenth in both lists."""
    letter = str(answer).strip().strip("'\"").upper()
    if letter == "B":
        return right("2/70 is more than 1/61. Agreement of both ways counts for more than one first place.")
    if letter == "A":
        return hint("A gets 1/61, for one list. B gets 1/70 twice.")
    return hint('Answer "A" or "B".')


# -- what the checks and the lesson compute ------------------------------------------------------------------


def worded(notes: el.Items) -> el.Items:
    """Return the notes with a column ``words``, the number of words of each."""
    frame = notes.frame.assign(words=[len(text.split()) for text in notes.contents])
    return dataclasses.replace(notes, frame=frame)


@cache
def _notes(model: str) -> el.Embeddings:
    return el.embed(el.load_dataset("notes"), model)


@cache
def _cells_table() -> pd.DataFrame:
    return cells_table(_notes(SMALL), el.embed(el.load_dataset("notes-questions"), SMALL))


def cells_table(
    notes: el.Embeddings, questions: el.Embeddings, n_cells: int = CELLS, k: int = 5
) -> pd.DataFrame:
    """Return recall@k of an IVF index, and how many vectors it compared, for each ``nprobe``.

    A comparison with the centre of a cell counts as one.
    """
    from sklearn.cluster import KMeans

    cells = KMeans(n_cells, n_init=1, random_state=0).fit(notes.vectors)
    scores = questions.vectors @ notes.vectors.T
    best = np.argsort(-scores, axis=1)[:, :k]
    # The rank of the cell of each neighbour, among the cells by their distance to the question.
    order = np.argsort(-(questions.vectors @ cells.cluster_centers_.T), axis=1)
    place = np.argsort(order, axis=1)  # of each cell, for each question
    needed = np.take_along_axis(place, cells.labels_[best], axis=1)
    sizes = np.bincount(cells.labels_, minlength=n_cells)[order]
    rows = {
        nprobe: {
            "recall": float((needed < nprobe).mean()),
            "compared": n_cells + float(sizes[:, :nprobe].sum(axis=1).mean()),
        }
        for nprobe in range(1, n_cells + 1)
    }
    return pd.DataFrame(rows).T.rename_axis("nprobe")


def ef_table(graph: HnswGraph, notes: el.Embeddings, questions: el.Embeddings, k: int = 5) -> pd.DataFrame:
    """Return recall@k of an HNSW walk, and how many distances it computed, for each ``ef``."""
    best = np.argsort(-(questions.vectors @ notes.vectors.T), axis=1)[:, :k]
    rows = {}
    for ef in EF:
        last = [list(walk(graph, notes.vectors, query, ef))[-1] for query in questions.vectors]
        found = [np.isin(true, step.best[:k]).mean() for true, step in zip(best, last, strict=True)]
        rows[ef] = {
            "recall": float(np.mean(found)),
            "compared": float(np.mean([step.compared for step in last])),
        }
    return pd.DataFrame(rows).T.rename_axis("ef")


def jittered(emb: el.Embeddings, n: int = 20_000, strength: float = 2.0) -> el.Embeddings:
    """Make a larger set of vectors: copies of ``emb``, each pushed in a random direction.

    Parameters
    ----------
    emb : Embeddings
        Of unit length.
    n : int
    strength : float
        Length of the push; a vector has length 1. With 2, a copy has a cosine of about 0.45 with its
        original, like a question with the note that answers it.
    """
    rng = np.random.default_rng(0)
    drawn = emb.vectors[rng.integers(len(emb), size=n)]
    pushed = drawn + rng.normal(scale=strength / emb.dim**0.5, size=drawn.shape)
    items = el.Items.from_texts([f"copy {i}" for i in range(n)], ids=[f"c{i:05d}" for i in range(n)])
    card = dataclasses.replace(emb.model, name="text/jittered", revision=None, sha256=None)
    return dataclasses.replace(emb, vectors=unit_rows(pushed), items=items, model=card)


def race(lab: IndexLab, emb: el.Embeddings, asked: el.Embeddings) -> pd.DataFrame:
    """Return recall and median milliseconds per search of what ``lab`` measured, and of numpy."""
    times = []
    for query in asked.vectors:
        started = time.perf_counter()
        np.argsort(-(emb.vectors @ query))[: lab.k]
        times.append(1000 * (time.perf_counter() - started))
    first = pd.DataFrame(
        {"place": ["numpy"], "index": ["none"], "search": [""], "recall": [1.0], "ms": [np.median(times)]}
    )
    rest = lab.measured.rename(columns={"median_ms": "ms"})[first.columns]
    search = rest["search"].map(lambda s: ", ".join(f"{name} {value}" for name, value in s.items()))
    return pd.concat([first, rest.assign(search=search)], ignore_index=True)


def first_hits(store: el.VectorStore, name: str, questions: el.Items, ways: Sequence[str]) -> Score:
    """Return the share of questions whose first hit, searched in these ways, is an answer."""
    found = []
    for text, answers in zip(questions.contents, questions.frame["answers"], strict=True):
        hits = store.hybrid_search(name, text, k=1, ways=ways)["id"]
        found.append(bool(len(hits)) and hits[0] in answers.split("|"))
    return bootstrap(np.array(found, float))


# -- pictures ------------------------------------------------------------------------------------------------


def cells_map(projection: el.Projection, cells: np.ndarray, row: int) -> None:
    """Draw a map with the cells of an IVF index in colours, and the cell of one item emphasised."""
    figure, axes = make_axes(4.6)
    x, y = projection.coords.T
    for cell in np.unique(cells):
        in_cell = cells == cell
        chosen = cell == cells[row]
        axes.scatter(
            x[in_cell], y[in_cell], s=34 if chosen else 16, linewidths=0, color=CATEGORIES[int(cell) % 12],
            alpha=1.0 if chosen else 0.55, marker="D" if cell >= 12 else "o",
        )  # fmt: skip
    axes.scatter(x[row], y[row], s=190, facecolors="none", edgecolors=INK, linewidths=2)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    show(figure)


def trade(tables: dict[str, pd.DataFrame], n_items: int) -> None:
    """Draw recall against comparisons for several indexes; a line marks exact search."""
    figure, axes = make_axes(3.9)
    for place, (name, table) in enumerate(tables.items()):
        color, marker = (CATEGORIES[0], CATEGORIES[7])[place], ("o", "s")[place]
        axes.plot(table["compared"], table["recall"], color=color, marker=marker, markersize=5, label=name)
        for value in (table.index[0], table.index[len(table) // 6], table.index[len(table) // 2]):
            axes.annotate(
                f"{table.index.name} {value}", (table.loc[value, "compared"], table.loc[value, "recall"]),
                (7, -13), textcoords="offset points", fontsize=10, color=color,
            )  # fmt: skip
    axes.axvline(n_items, color=GREY, linewidth=1, linestyle="--", zorder=0)
    axes.annotate(
        "exact search", (n_items, 0.72), (-6, 0), textcoords="offset points", ha="right", fontsize=10,
        color="#666666",
    )  # fmt: skip
    axes.set(xlim=(0, n_items * 1.08), ylim=(0.5, 1.03))
    axes.set_xlabel("vectors compared with the query", fontsize=11, color=INK)
    axes.set_ylabel("recall@5", fontsize=11, color=INK)
    axes.legend(frameon=False, fontsize=11, loc="lower right", bbox_to_anchor=(0.93, 0.02))
    show(figure)


def score_dots(scores: dict[str, Sequence[float]], radius: float) -> None:
    """Draw the score of each question's first hit, a row for each model, and one radius for both."""
    figure, axes = make_axes(2.4)
    for y, (_, values) in enumerate(scores.items()):
        jitter = np.random.default_rng(0).uniform(-0.2, 0.2, len(values))
        color = (CATEGORIES[0], CATEGORIES[7])[y % 2]
        axes.scatter(values, y + jitter, s=30, alpha=0.7, linewidths=0, color=color)
        axes.plot([np.median(values)] * 2, [y - 0.34, y + 0.34], color=INK, linewidth=2.5)
    axes.axvline(radius, color=GREY, linewidth=1, linestyle="--", zorder=0)
    axes.set_yticks(range(len(scores)), list(scores))
    axes.set(ylim=(len(scores) - 0.5, -0.5))
    axes.set_xlabel("score of the first hit (bar: median)", fontsize=11, color=INK)
    show(figure)


def share_bars(scores: dict[str, Score]) -> None:
    """Draw shares with their intervals, a bar each."""
    figure, axes = make_axes(0.9 + 0.62 * len(scores))
    for y, score in enumerate(scores.values()):
        axes.barh(y, score.value, 0.62, color=CATEGORIES[0], alpha=0.85)
        axes.plot([score.low, score.high], [y, y], color=INK, linewidth=2)
        axes.annotate(
            f"{score.value:.2f}",
            (score.high, y),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
        )
    axes.set_yticks(range(len(scores)), list(scores))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    axes.set_xlabel("first hit is an answer (line: 95 % interval)", fontsize=11, color=INK)
    show(figure)
