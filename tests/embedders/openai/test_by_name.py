"""Load a server's model again by its name, offline, and from a store."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openai_kit import ITEMS, load
from openai_server import KEY, EmbeddingServer

import embedlab as el
from embedlab.embedders.loading import load_again
from embedlab.embedders.openai import server as module
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embeddings import Embeddings
from embedlab.errors import UntrustedServer

pytestmark = pytest.mark.weights("text/minilm")


def test_a_store_and_a_comparison_load_it_by_its_name(server: EmbeddingServer, tmp_path: Path) -> None:
    emb = load(server).embed(ITEMS)
    module._build.cache_clear()
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("both", [emb, el.embed(ITEMS, "text/minilm")])
        hits = store.search("both", "the sea", k=1)
        assert hits["id"].tolist() == ["sea"]
        assert store.search("both", "the sea", k=1, model=emb.model.name)["id"].tolist() == ["sea"]
    found = el.explore(emb).search("bread", k=1)
    assert found[0][0] == "bread"


def test_a_server_that_only_a_file_names_is_not_asked(server: EmbeddingServer, tmp_path: Path) -> None:
    emb = load(server).embed(ITEMS)
    foreign = emb.model.name.replace("127.0.0.1", "192.0.2.7")
    stranger = Embeddings(
        emb.vectors,
        emb.items,
        el.ModelCard(**{**vars(emb.model), "name": foreign}),
        emb.layer,
        emb.pooling,
        False,
    )
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", stranger)
        with pytest.raises(UntrustedServer) as refused:
            store.search("notes", "a private question", k=1)
    assert refused.value.url.startswith("http://192.0.2.7")
    assert "el.load_model(" in str(refused.value)


def test_kept_vectors_need_no_server(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    emb = load(server).embed(ITEMS)
    server.stop()
    module._build.cache_clear()
    again = load_again(emb.model)
    assert again.embed(ITEMS).report.n_cached == 8
    with pytest.raises(ServerError) as caught:
        again.embed_query("something new")
    assert caught.value.code is ServerErrorCode.GONE


def test_offline_forbids_the_network_and_not_this_machine(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert len(load(server).embed(ITEMS)) == 8
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert not el.available("openai:text-embedding-3-small")
    with pytest.raises(ServerError, match=r"https://api\.openai\.com/v1 is not asked") as caught:
        el.embed(ITEMS, "openai:text-embedding-3-small")
    assert caught.value.code is ServerErrorCode.OFFLINE


def test_without_the_client_the_extra_is_named(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(el.EmbedlabError, match=r'pip install "embedlab\[openai\]"'):
        el.load_model("openai:text-embedding-3-small")


def test_its_speed_is_not_taken_at_the_servers_cost(server: EmbeddingServer) -> None:
    from embedlab.comparison.cost import CostStatus, cost_table

    emb = load(server).embed(ITEMS)
    paid = len(server.paid)
    table = cost_table([emb], measure=True, progress=False)
    assert table["status"].tolist() == [CostStatus.ON_SERVER]
    assert len(server.paid) == paid


def test_a_bar_counts_the_items(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    load(server).embed(ITEMS, progress=True)
    assert "8/8" in shown.getvalue() or "embedding with openai:minilm" in shown.getvalue()


def test_the_embedder_does_not_carry_a_key_in_a_pickle(server: EmbeddingServer) -> None:
    model = load(server)
    model.embed(ITEMS)
    dump: Callable[[Any], bytes] = pickle.dumps
    assert KEY.encode() not in dump(model)


def test_a_summary_asks_a_server_for_nothing(server: EmbeddingServer) -> None:
    plan = ITEMS.summary(load(server)).forecast
    assert plan is not None
    assert "may cost money. 8 texts for openai:minilm" in plan.time_text()
    assert plan.size_text().startswith("8 x 384")
    assert server.requests == []
