"""Print the figures of ``data/README.md``: two models and TF-IDF on the notes, the questions and the pairs.

Intervals are 95 % percentile bootstrap intervals over the evaluated items (2,000 resamples, fixed seed).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

import embedlab as el

MODELS = ("text/minilm", "text/mpnet")
RESAMPLES = 2000
PLAIN = ("paraphrase", "reordered", "double negative", "detail", "same topic", "unrelated")

Statistic = Callable[[np.ndarray], float]
Vectors = dict[str, dict[str, np.ndarray]]


def tfidf(corpus: list[str], *others: list[str]) -> list[np.ndarray]:
    """L2-normalised TF-IDF rows (scikit-learn's defaults) of all texts, fitted on the corpus alone."""
    vectorizer = TfidfVectorizer().fit(corpus)
    return [vectorizer.transform(texts).toarray() for texts in (corpus, *others)]


def all_vectors(sets: dict[str, el.Items]) -> Vectors:
    """Unit vectors by model, then by data set."""
    found: Vectors = {
        model: {name: el.embed(items, model).normalize().vectors for name, items in sets.items()}
        for model in MODELS
    }
    notes, questions = tfidf(sets["notes"].contents, sets["notes-questions"].contents)
    (pairs,) = tfidf(sets["notes-pairs"].contents)
    found["TF-IDF"] = {"notes": notes, "notes-questions": questions, "notes-pairs": pairs}
    return found


def interval(n: int, statistic: Statistic) -> tuple[float, float]:
    """Bounds of the statistic, a function of the n items' indices, under resampling."""
    rng = np.random.default_rng(0)
    values = [statistic(rng.integers(0, n, n)) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def shown(n: int, statistic: Statistic) -> str:
    """The value over all n items with its interval, such as ``0.72 [0.68, 0.76]``."""
    low, high = interval(n, statistic)
    return f"{statistic(np.arange(n)):.3f} [{low:.2f}, {high:.2f}]"


def nearest_shares_topic(vectors: np.ndarray, topics: np.ndarray) -> np.ndarray:
    """For each note, whether its nearest other note is on the same topic."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.asarray(topics[similarity.argmax(axis=1)] == topics)


def first_ranks(
    questions: np.ndarray, notes: np.ndarray, ids: list[str], answers: list[set[str]]
) -> np.ndarray:
    """Rank, from 1, of the first note that answers each question."""
    order = np.argsort(-(questions @ notes.T), axis=1, kind="stable")
    return np.array(
        [
            1 + next(rank for rank, j in enumerate(row) if ids[j] in good)
            for row, good in zip(order, answers, strict=True)
        ]
    )


def row(name: str, cells: list[str]) -> None:
    """Print one row of a Markdown table."""
    print("| " + " | ".join([name, *cells]) + " |")


def header(*names: str) -> None:
    """Print the head of a Markdown table."""
    print()
    row(names[0], list(names[1:]))
    row("---", ["---"] * (len(names) - 1))


def main() -> None:
    """Compute and print all tables."""
    sets = {name: el.load_dataset(name) for name in ("notes", "notes-questions", "notes-pairs")}
    vectors = all_vectors(sets)
    names = list(vectors)
    topics = np.array(sets["notes"].labels)
    answers = [set(ids.split("|")) for ids in sets["notes-questions"].metadata["answers"]]
    pairs = sets["notes-pairs"].frame
    is_a, is_b = (pairs["side"] == "a").to_numpy(), (pairs["side"] == "b").to_numpy()
    score, kind = pairs["score"].to_numpy()[is_a], pairs["kind"].to_numpy()[is_a]

    same = {m: nearest_shares_topic(vectors[m]["notes"], topics) for m in names}
    ranks = {
        m: first_ranks(vectors[m]["notes-questions"], vectors[m]["notes"], sets["notes"].ids, answers)
        for m in names
    }
    cosine = {
        m: np.einsum("ij,ij->i", vectors[m]["notes-pairs"][is_a], vectors[m]["notes-pairs"][is_b])
        for m in names
    }
    plain = np.flatnonzero(np.isin(kind, PLAIN))

    def rho(m: str, rows: np.ndarray) -> Statistic:
        return lambda i: float(spearmanr(cosine[m][rows][i], score[rows][i]).statistic)

    measures: dict[str, tuple[int, Callable[[str], Statistic]]] = {
        "topic of the nearest note": (len(topics), lambda m: lambda i: float(same[m][i].mean())),
        "question: answer first": (len(answers), lambda m: lambda i: float((ranks[m][i] <= 1).mean())),
        "question: answer in first 5": (len(answers), lambda m: lambda i: float((ranks[m][i] <= 5).mean())),
        "question: MRR": (len(answers), lambda m: lambda i: float((1 / ranks[m][i]).mean())),
        "all pairs: Spearman": (len(score), lambda m: rho(m, np.arange(len(score)))),
        "plain pairs: Spearman": (len(plain), lambda m: rho(m, plain)),
    }
    header("measure", *names, "mpnet minus minilm")
    for title, (n, of) in measures.items():
        small, large = (of(m) for m in MODELS)
        difference = shown(n, lambda i, small=small, large=large: large(i) - small(i))  # type: ignore[misc]
        row(title, [*(shown(n, of(m)) for m in names), difference])

    ambiguous = slice(-15, None)
    header("ambiguous questions (q106 to q120)", *names)
    row("answer first", [f"{(ranks[m][ambiguous] <= 1).mean():.2f}" for m in names])

    header("topic", *(f"{m}: nearest shares it" for m in names))
    for topic in dict.fromkeys(topics):
        row(str(topic), [f"{same[m][topics == topic].mean():.2f}" for m in names])

    header("kind of pair", "pairs", "mean grade", *(f"{m}: mean cosine" for m in names))
    for k in dict.fromkeys(kind):
        rows = kind == k
        cells = [
            str(rows.sum()),
            f"{score[rows].mean():.1f}",
            *(f"{cosine[m][rows].mean():.2f}" for m in names),
        ]
        row(str(k), cells)


if __name__ == "__main__":
    main()
