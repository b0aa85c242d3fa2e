"""Check the exercises and draw the pictures of lesson 08, comparing models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.comparison.similarity import cka
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import make_axes, show
from embedlab.palette import ACCENT, CATEGORIES, GREY, INK

SMALL, LARGE = "text/minilm", "text/mpnet"


@exercise("08/chance")
def chance(answer: object) -> Verdict:
    """Check how many of ten neighbours two models share by chance, among 600 notes."""
    number = as_number(answer)
    if abs(number - 100 / 599) < 0.002:
        return right("Ten draws, each right with the chance 10 in 599: one common note in six lists.")
    if abs(number - 10 / 599) < 0.0005:
        return hint("That is the share. How many of the ten are that?")
    return hint("Ten names out of a hat with 599. How many of them are among ten others, on average?")


@exercise("08/noise")
def noise(answer: object) -> Verdict:
    """Check how many items give noise in 768 dimensions a biased CKA of one half."""
    number = as_number(answer)
    if not 650 <= number <= 900:
        seen = noise_cka(int(np.clip(number, 10, 4000)))
        return hint(f"With that many items it is about {seen:.2f}. Read the curve again.")
    return right(
        "About as many items as numbers: roughly d / (d + n). Most comparisons one reads about have fewer."
    )


@exercise("08/forty")
def forty(answer: object) -> Verdict:
    """Check the expected number of false alarms among forty tests at five percent."""
    number = as_number(answer)
    if abs(number - 0.05) < 1e-9:
        return hint("That is the chance for one of them. There are forty.")
    if abs(number - 2) > 0.05:
        return hint("Each is called different by luck with the chance 0.05. How many are that, of forty?")
    return right(
        "Two, on average, and with the chance 0.87 at least one. So p must shrink with the number of "
        "questions: that is Holm's correction, in every table here."
    )


@exercise("08/bytes")
def fewest_bytes(answer: object) -> Verdict:
    """Check the fewest bytes with which MPNet has at least the recall of the full MiniLM."""
    number, table = as_number(answer), _smaller()
    full = table[(table["model"] == "minilm") & (table["way"] == "float32")].iloc[0]
    enough = table[(table["model"] == "mpnet") & (table["recall"] >= full["recall"])]
    fewest = int(enough["bytes"].min())
    if number == full["bytes"]:
        return hint("That is what MiniLM takes. Look at the panel of MPNet.")
    if number != fewest:
        return hint(
            f"MiniLM has recall {full['recall']:.2f}. Of MPNet's rows that reach it, which has the fewest "
            "bytes?"
        )
    return right(
        f"{fewest} bytes instead of {int(full['bytes']):,}. The model counts for more than the length of its "
        "vectors."
    )


@cache
def _smaller() -> pd.DataFrame:
    from embedlab.comparison.compression import compression_table

    notes, questions = el.load_dataset("notes"), el.load_dataset("notes-questions")
    relevant = [ids.split("|") for ids in questions.frame["answers"]]
    parts = [
        compression_table(
            el.embed(notes, model), queries=el.embed(questions, model).vectors, relevant=relevant
        ).assign(model=model.partition("/")[2])
        for model in (SMALL, LARGE)
    ]
    return pd.concat(parts, ignore_index=True)


def noise_cka(n: int, dim: int = 768) -> float:
    """Return the biased CKA of two clouds of noise."""
    first, second = np.random.default_rng(0).normal(size=(2, n, dim))
    return cka(first, second, debiased=False)


# -- pictures ------------------------------------------------------------------------------------------------


def two_lists(id: str, first: el.Embeddings, second: el.Embeddings, k: int = 6) -> HTML:
    """Show the nearest notes of one note in two spaces, side by side; bold ones are in both."""
    row = first.ids.index(id)
    lists = [knn(emb.vectors, k).indices[row] for emb in (first, second)]
    both = set(lists[0]) & set(lists[1])
    cell = "text-align: left; vertical-align: top; width: 50%; padding: 4px 12px; white-space: normal"

    def shown(place: int) -> str:
        text = escape(str(first.items.contents[place]))
        return f"<b>▪ {text}</b>" if place in both else text

    rows = "".join(
        f'<tr><td style="{cell}">{shown(a)}</td><td style="{cell}">{shown(b)}</td></tr>'
        for a, b in zip(*lists, strict=True)
    )
    names = "".join(
        f'<th style="{cell}">{escape(emb.model.name.partition("/")[2])}</th>' for emb in (first, second)
    )
    query = escape(str(first.items.contents[row]))
    return HTML(  # type: ignore[no-untyped-call]
        f'<p style="max-width: 60em"><i>{query}</i></p><table style="max-width: 960px"><thead><tr>{names}'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )


def noise_curve(counts: Sequence[int] = (25, 50, 100, 200, 400, 800, 1600, 3200)) -> None:
    """Draw CKA of noise in 768 dimensions, biased and debiased, for growing numbers of items."""
    figure, axes = make_axes(3.6)
    biased, debiased = [noise_cka(n) for n in counts], []
    for n in counts:
        first, second = np.random.default_rng(0).normal(size=(2, n, 768))
        debiased.append(cka(first, second))
    axes.plot(counts, biased, "o-", color=CATEGORIES[7], label="biased")
    axes.plot(counts, debiased, "s-", color=CATEGORIES[0], label="debiased")
    axes.axhline(0.5, color=GREY, linewidth=1, zorder=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [f"{n:,}" for n in counts])
    axes.set(ylim=(-0.12, 1.05))
    axes.set_xlabel("items", fontsize=11, color=INK)
    axes.set_ylabel("CKA of two clouds of noise", fontsize=11, color=INK)
    axes.legend(frameon=False, fontsize=11, loc="center left")
    show(figure)


def tossed(differences: Sequence[float], seen: float) -> None:
    """Draw the differences that coin tosses give, and the difference that was seen."""
    figure, axes = make_axes(3.4)
    axes.hist(
        differences, bins=np.arange(min(differences) - 0.5, max(differences) + 1.5, 2).tolist(), color=GREY
    )
    axes.axvline(seen, color=ACCENT, linewidth=2.5)
    axes.annotate(
        "what we saw", (seen, axes.get_ylim()[1] * 0.9), (-8, 0), textcoords="offset points", ha="right",
        fontsize=11, color=INK,
    )  # fmt: skip
    axes.set_xlabel(
        "notes that only MPNet gets right, minus those that only MiniLM does", fontsize=11, color=INK
    )
    axes.set_ylabel("times, of 10,000", fontsize=11, color=INK)
    show(figure)


def heat(matrices: dict[str, pd.DataFrame]) -> None:
    """Draw tables of similarities as heat maps."""
    from embedlab.comparison.figures import heatmap_figure

    show(heatmap_figure(matrices))


def short_layers(stages: dict[str, Any]) -> dict[str, Any]:
    """Return the layers under short names: ``_blocks.3`` becomes ``block 3``."""
    names = {"_bn0": "stem", "_avg_pooling": "pooled"}
    return {names.get(n, n.replace("_blocks.", "block ")): emb for n, emb in stages.items()}
