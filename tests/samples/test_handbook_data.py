"""The sample data ``handbook``: form, counts and coherence of the committed files."""

from __future__ import annotations

import subprocess
import sys

from paths import ROOT

import embedlab as el

FOLDER = ROOT / "data" / "handbook"


def test_articles() -> None:
    articles = el.load_dataset("handbook")
    assert len(articles) == 12
    lengths = [len(text.split()) for text in articles.contents]
    assert min(lengths) >= 200
    assert max(lengths) <= 500
    assert articles.frame["title"].is_unique


def test_each_answer_stands_once_and_only_in_its_article() -> None:
    articles = el.load_dataset("handbook")
    texts = dict(zip(articles.ids, articles.contents, strict=True))
    questions = el.load_dataset("handbook-questions").frame
    known = questions[questions["article"].notna()]
    assert (len(known), len(questions)) == (42, 52)
    assert known["answer"].notna().all()
    assert questions[questions["article"].isna()]["answer"].isna().all()
    for row in known.itertuples():
        assert {id: text.count(row.answer) for id, text in texts.items() if row.answer in text} == {
            row.article: 1
        }, row.id
    assert set(known["article"]) == set(texts)


def test_plain_ascii_and_unix_lines() -> None:
    for path in FOLDER.glob("*.jsonl"):
        content = path.read_bytes()
        assert content.isascii()
        assert b"\r" not in content
        assert content.endswith(b"}\n")


def test_manifest_fits() -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / "manifest.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
