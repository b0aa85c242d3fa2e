"""A comparison as one calm page of HTML: the verdict, a card for each model, the scores, the likenesses."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedlab.comparison import geometry_tables, similarity_tables
from embedlab.comparison.compression import in_words
from embedlab.comparison.evaluation import Task
from embedlab.comparison.figures import color_of
from embedlab.comparison.verdict import amount, headline
from embedlab.io.text import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from embedlab.comparison.result import Comparison

_TITLES = {
    "cka": "CKA (debiased)", "cka_biased": "CKA (biased)", "procrustes": "Procrustes", "rsa": "RSA",
    "mutual_knn": "mutual kNN", "jaccard_knn": "Jaccard of kNN",
}  # fmt: skip
_SHAPES = {
    "two_nn": "intrinsic dimension, TwoNN", "mle": "intrinsic dimension, MLE", "mean_cosine": "mean cosine",
    "iso_score": "IsoScore", "effective_rank": "effective rank", "hub_skewness": "hubness (skewness)",
    "anti_hubs": "anti-hubs", "length": "length of a vector", "length_spread": "spread of lengths",
}  # fmt: skip


def page(c: Comparison) -> str:
    """The page for a notebook's cell: one element, with its style."""
    style = files("embedlab.comparison").joinpath("page.css").read_text(encoding="utf-8")
    parts = [_head(c), _cards(c), _scores(c), _likeness(c), _shapes(c), _smaller(c)]
    return f'<div class="embedlab-compare"><style>{style}</style>{"".join(parts)}</div>'


def whole_page(c: Comparison) -> str:
    """The page as a file of its own."""
    title = escape(f"{' and '.join(c.names)} on {c.items.name}")
    # Whatever a label says, this page asks nobody for anything.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{title}</title></head>'
        f'<body style="margin: 16px auto; max-width: 1072px; padding: 0 16px">{page(c)}</body></html>\n'
    )


def _head(c: Comparison) -> str:
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in c.verdict)
    caveats = "".join(f"<li>{escape(text)}</li>" for text in c.warnings)
    about = f"{len(c.items):,} items of “{c.items.name}” ({c.items.modality})"
    if c.queries:
        about += f", {len(next(iter(c.queries.values()))):,} queries"
    return (
        f"<h2>{escape(' or '.join(c.names))}?</h2><p class='soft'>{escape(about)}, k = {c.k}</p>"
        f'<div class="verdict">{paragraphs}</div>'
        + (f'<ul class="caveats">{caveats}</ul>' if caveats else "")
    )


# -- one card for each model --------------------------------------------------------------------------------


def _cards(c: Comparison) -> str:
    task = headline(c.tasks)
    cards = "".join(_card(c, name, place, task) for place, name in enumerate(c.names))
    return f'<div class="cards">{cards}</div>'


def _card(c: Comparison, name: str, place: int, task: Task | None) -> str:
    emb, cost = c.embeddings[name], c.cost.loc[name]
    n = int(c.cost["n_measured"].loc[name])
    big = ""
    if task is not None and name in task.scores:
        said = f"{task.measure}, n = {task.scores[name].n:,}"
        big = f'<div class="big">{amount(task, name)}</div><div class="soft">{escape(said)}</div>'
    facts = [
        ("dimensions", f"{emb.dim:,}"),
        ("parameters", f"{emb.model.params / 1e6:,.1f} million" if emb.model.params else "not told"),
        ("files", _or_dash(cost["file_mb"], lambda v: f"{v:,.0f} MB")),
        ("a million vectors", f"{cost['mb_per_million'] / 1000:,.1f} GB"),
        ("items a second", _or_dash(cost["items_per_second"], lambda v: _rate(v, n))),
        ("memory at its peak", _or_dash(cost["peak_mb"], lambda v: f"{v:,.0f} MB")),
        ("read at", f"{emb.layer} → {emb.pooling}"),
        ("licence", emb.model.licence),
    ]
    # A table, since a notebook that was not run here is shown without our style, as on GitHub.
    rows = "".join(f"<tr><td>{escape(what)}</td><td>{escape(value)}</td></tr>" for what, value in facts)
    return (
        f'<div class="card" style="--own: {color_of(place)}"><b>{escape(name)}</b>{big}'
        f'<table class="facts"><tbody>{rows}</tbody></table></div>'
    )


def _rate(value: float, n: int) -> str:
    return (f"{value:,.0f}" if value >= 10 else f"{value:.1f}") + f" (n = {n})"


def _or_dash(value: Any, form: Callable[[float], str]) -> str:
    return form(float(value)) if np.isfinite(value) else "not measured"


# -- scores -------------------------------------------------------------------------------------------------


def _scores(c: Comparison) -> str:
    if not c.tasks:
        return ""
    rows = "".join(_task(c, task) for task in c.tasks)
    note = "Dot: the score. Bar: its 95 % interval. Upright line: chance."
    table = ""
    if len(c.names) == 2:
        note += (
            " Right: the difference on the same questions, its interval, and p, which is adjusted for all "
            "comparisons (intervals are not)."
        )
    else:
        note += " Right: what can be told apart (p below 0.05, adjusted for all comparisons)."
        table = _differences(c)
    return f"<h3>How good on these data</h3>{rows}<p class='soft'>{note}</p>{table}"


def _differences(c: Comparison) -> str:
    """Every two models in every task."""
    head = "".join(f"<th>{word}</th>" for word in ("measure", "ahead", "behind"))
    head += "".join(f"<th class='num'>{word}</th>" for word in ("difference", "95 %", "p, adjusted", "n"))
    rows = []
    for row in c.differences.to_dict("records"):
        interval = f"[{row['low']:+.2f}, {row['high']:+.2f}]" if np.isfinite(row["low"]) else ""
        numbers = (f"{row['difference']:+.2f}", interval, f"{row['p_adjusted']:.2g}", f"{row['n']:,}")
        cells = "".join(f"<td>{escape(row[word])}</td>" for word in ("measure", "better", "worse"))
        cells += "".join(f'<td class="num">{number}</td>' for number in numbers)
        rows.append(f"<tr>{cells}</tr>")
    return (
        "<details><summary>Every difference, with its interval</summary><div class='scroll'><table><thead>"
        f"<tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _task(c: Comparison, task: Task) -> str:
    low = task.lowest if any(score.value < 0 for score in task.scores.values()) else 0.0
    lanes = []
    for name, score in task.scores.items():
        place = c.names.index(name)
        ends = (score.low, score.high) if np.isfinite(score.low) else (score.value, score.value)
        left, right = (_percent(value, low) for value in ends)
        chance = (
            f'<u style="left: {_percent(task.chance, low):.1f}%"></u>' if np.isfinite(task.chance) else ""
        )
        interval = f" [{score.low:.2f}, {score.high:.2f}]" if np.isfinite(score.low) else ""
        lanes.append(
            f'<div class="lane" style="--own: {color_of(place)}"><div class="track">{chance}'
            f'<i style="left: {left:.1f}%; width: {max(right - left, 0.5):.1f}%"></i>'
            f'<s style="left: {_percent(score.value, low):.1f}%"></s></div>'
            f'<div class="value"><b>{score.value:.2f}</b>{interval} {escape(name)}</div></div>'
        )
    n = next(iter(task.scores.values())).n
    return (
        f'<div class="task"><div><b>{escape(task.measure)}</b>'
        f'<div class="soft">{escape(_question(task))}</div>'
        f'<div class="soft">n = {n:,} {escape(task.unit)}</div></div><div>{"".join(lanes)}</div>'
        f'<div class="chip">{escape(_apart(c, task))}</div></div>'
    )


def _question(task: Task) -> str:
    return {"MRR": "1 / place of the first right item"}.get(task.measure, task.question)


def _percent(value: float, low: float) -> float:
    return float(np.clip(100 * (value - low) / (1 - low), 0, 100))


def _apart(c: Comparison, task: Task) -> str:
    """What can be told apart in this task."""
    own = c.differences[c.differences["measure"] == task.measure]
    if own.empty:
        return "only one model can do this"
    clear = own[own["clear"]]
    if len(own) == 1:
        row = own.iloc[0]
        words = (
            f"+{row['difference']:.2f} [{row['low']:+.2f}, {row['high']:+.2f}], p = {row['p_adjusted']:.2g}"
        )
        return f"{row['better']} is ahead: {words}" if row["clear"] else f"not distinguishable: {words}"
    if clear.empty:
        return "no two are distinguishable"
    pairs = [f"{row.better} before {row.worse}" for row in clear.itertuples()]
    rest = len(own) - len(clear)
    return "clear: " + "; ".join(pairs) + (f". {rest} not distinguishable" if rest else "")


# -- likeness, shape, size ----------------------------------------------------------------------------------


def _likeness(c: Comparison) -> str:
    shown = [("cka", c.matrix("cka")), ("mutual_knn", c.matrix("mutual_knn"))]
    matrices = "".join(_matrix(name, table, c.k, len(c.items)) for name, table in shown)
    rows = []
    for row in c.similarity.to_dict("records"):
        interval = f"[{row['low']:.2f}, {row['high']:.2f}]" if np.isfinite(row["low"]) else ""
        title = _TITLES[row["measure"]] + (f", k = {row['k']}" if row["k"] else "")
        cells = (f"{row['value']:.3f}", interval, f"{row['chance']:z.3f}", f"{row['p_value']:.2g}")
        numbers = "".join(f'<td class="num">{cell}</td>' for cell in cells)
        pair = escape(f"{row['first']} · {row['second']}")
        rows.append(f"<tr><td>{pair}</td><td>{title}</td>{numbers}<td class='num'>{row['n']:,}</td></tr>")
    head = "".join(f"<th>{word}</th>" for word in ("models", "measure"))
    head += "".join(f"<th class='num'>{word}</th>" for word in ("value", "95 %", "chance", "p", "n"))
    note = (
        "Chance, and p: what mixing up the items of one model gives, and how often it gives as much. Each p "
        "is of its line alone. RSA is of at most 2,000 items."
    )
    meanings = "".join(
        f"<li><b>{_TITLES[m]}</b>: {escape(text)}</li>" for m, text in similarity_tables.MEASURES.items()
    )
    return (
        f'<h3>How alike</h3><div class="matrices">{matrices}</div><details><summary>Every measure, beside '
        f'chance</summary><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}'
        f"</tbody></table></div><p class='soft'>{note}</p>"
        f'<ul class="caveats">{meanings}</ul></details>'
    )


def _matrix(measure: str, table: pd.DataFrame, k: int, n: int) -> str:
    title = _TITLES[measure] + (f", k = {k}" if measure.endswith("knn") else "") + f", n = {n:,}"
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    body = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(_cell(value) for value in table.loc[name])}</tr>"
        for name in table.index
    )
    return (
        f"<div><p class='soft'>{title}</p><table class='matrix'><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: float) -> str:
    if not np.isfinite(value):
        return "<td>–</td>"
    depth = float(np.clip(value, 0, 1))
    # From nearly white to a deep teal; the writing turns white where it is dark.
    start, end = np.array([238, 246, 244]), np.array([23, 107, 95])
    color = ", ".join(f"{part:.0f}" for part in start + (end - start) * depth)
    ink = "#ffffff" if depth > 0.6 else "#2b2b33"
    return f'<td style="background: rgb({color}); color: {ink}">{value:.2f}</td>'


def _shapes(c: Comparison) -> str:
    head = "".join(f"<th class='num'>{escape(name)}</th>" for name in c.names)
    rows = "".join(
        f"<tr><td>{_SHAPES[name]}</td>{''.join(_number(c.geometry.loc[m, name]) for m in c.names)}"
        f"<td class='soft'>{escape(meaning)}</td></tr>"
        for name, meaning in geometry_tables.MEANING.items()
    )
    n = min(len(c.items), geometry_tables.MOST)
    picture = _picture(c.figure("shape"), "spectrum, hubs and lengths of each model")
    return (
        "<h3>The shape of each space</h3><details><summary>Nine numbers, and what each means for search"
        f'</summary><div class="scroll"><table><thead><tr><th></th>{head}<th>what it means</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div><p class='soft'>n = {len(c.items):,}; intrinsic dimensions are "
        f"those of {n:,} items. "
        f"Hubs count among the {min(geometry_tables.HUBS, len(c.items) - 1)} nearest.</p>"
        f"{picture}</details>"
    )


def _number(value: Any) -> str:
    if not np.isfinite(value):
        return '<td class="num">–</td>'
    return f'<td class="num">{value:.0f}</td>' if value >= 100 else f'<td class="num">{value:.2f}</td>'


def _smaller(c: Comparison) -> str:
    picture = _picture(c.figure("smaller"), "quality against the bytes of one vector")
    words = "".join(f"<p>{escape(text)}</p>" for text in in_words(c.smaller, c.k))
    return (
        f"<h3>Smaller vectors</h3>{words}{picture}"
        "<p class='soft'>Grey band: the interval of the full vectors; inside it, differences may be luck. "
        "PCA and the steps of int8 were fitted on these items; “first numbers” cuts the vector off. "
        "Exact search by cosine.</p>"
    )


def _picture(figure: Figure, words: str) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    source = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{source}">'
