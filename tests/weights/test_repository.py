"""Any repository of the hub, ``st:org/name``: commits, caches, what is refused, and what is never run."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import small_networks
from hub_server import Hub
from tiny_model import failures
from typer.testing import CliRunner, Result

import embedlab as el
from embedlab import weights
from embedlab.embedders.handler_kinds import _build
from embedlab.embedders.loading import load_again
from embedlab.weights import hub, repository, untrusted

pytest_plugins = ["weights_fixtures"]

REPO = "someone/small"
FIRST, SECOND = "1" * 40, "2" * 40
TEXTS = el.Items.from_texts(["the sea", "a cat is in the water and the dog", "my cash is safe"])


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small BERT as a sentence-transformers repository, with prompts, and files that nobody needs."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder = tmp_path_factory.mktemp("small")
    small_networks.bert(folder / "bert")
    network = SentenceTransformer(
        modules=[Transformer(str(folder / "bert"), max_seq_length=12), Pooling(16, "cls"), Normalize()],
        prompts={"query": "query : ", "passage": "passage : "},
    )
    network.save(str(folder / "saved"), create_model_card=False)
    (folder / "saved" / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    unwanted = {"onnx/model.onnx": b"0" * 99, "pytorch_model.bin": b"a pickle", "run.py": b"raise SystemExit"}
    return files_of(folder / "saved") | unwanted


@pytest.fixture
def any_hub(small: dict[str, bytes], cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = Hub(REPO, FIRST, dict(small), refs={"main": FIRST})
    server = served.start()
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    _build.cache_clear()
    yield served
    served.release.set()
    server.shutdown()
    server.server_close()


def gone(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the hub is out of reach, as if this were another process."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    served.requests.clear()
    _build.cache_clear()


def test_a_repository_is_resolved_fetched_once_and_recorded(any_hub: Hub, cache: Path) -> None:
    model = el.load_model(f"st:{REPO}")
    card = model.card
    assert (card.name, card.revision, card.source, card.licence) == (f"st:{REPO}", FIRST, "hub", "apache-2.0")
    assert (card.dim, card.pooling, card.normalized, card.max_tokens) == (16, "cls", True, 12)
    assert (card.query_prompt, card.document_prompt) == ("query : ", "passage : ")
    assert card.sha256 == untrusted.hashlib.sha256(any_hub.files["model.safetensors"]).hexdigest()
    assert cache in model.path.parents
    assert {r.file for r in any_hub.requests if r.method == "GET" and "/resolve/" in r.path} == {
        name for name in any_hub.files if name not in ("onnx/model.onnx", "pytorch_model.bin", "run.py")
    }, "no code, no other formats, and safetensors rather than a pickle"
    any_hub.requests.clear()
    assert el.load_model(f"st:{REPO}") is model
    assert any_hub.requests == []


def test_documents_and_queries_get_their_prompts(any_hub: Hub, tmp_path: Path) -> None:
    model = el.load_model(f"st:{REPO}")
    plain = model.network.encode(["passage : the sea", "query : the sea", "the sea"])
    emb = model.embed(TEXTS)
    np.testing.assert_allclose(emb.vectors[0], plain[0], atol=1e-6)
    np.testing.assert_allclose(model.embed_query("the sea"), plain[1], atol=1e-6)
    np.testing.assert_allclose(model.embed_queries(TEXTS).vectors[0], plain[1], atol=1e-6)
    assert model.embed(TEXTS).report.n_cached == 3
    np.testing.assert_allclose(model.embed(TEXTS).vectors[0], plain[0], atol=1e-6)
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", emb)
        hits = store.search("notes", "the sea", k=3)
        assert hits["score"].max() == pytest.approx((emb.vectors @ plain[1]).max(), abs=1e-5)
    bare = el.load_model(f"st:{REPO}", query_prompt="", document_prompt="")
    np.testing.assert_allclose(bare.embed(TEXTS).vectors[0], plain[2], atol=1e-6)
    assert bare.card.name == f"st:{REPO}?query_prompt=&document_prompt="
    assert el.load_model(bare.card.name) is bare


def test_a_prompt_counts_among_the_tokens(any_hub: Hub) -> None:
    exact = el.Items.from_texts(["sea " * 8, "sea " * 9])  # and [CLS] passage : [SEP]
    assert el.load_model(f"st:{REPO}").embed(exact).report.truncated == ("1",)


def test_a_branch_that_moves_changes_nothing_behind_your_back(any_hub: Hub) -> None:
    before = el.load_model(f"st:{REPO}")
    any_hub.older[FIRST] = dict(any_hub.files)
    any_hub.files["README.md"] += b"# Moved on\n"
    any_hub.commit = any_hub.refs["main"] = any_hub.refs["v2.0"] = SECOND
    _build.cache_clear()
    assert el.load_model(f"st:{REPO}").card.revision == FIRST
    assert el.load_model(f"st:{REPO}@main").card.revision == SECOND, "asked anew"
    newer = el.load_model(f"st:{REPO}@v2.0")
    assert (newer.card.name, newer.card.revision) == (f"st:{REPO}@v2.0", SECOND)
    assert el.load_model(f"st:{REPO}@{FIRST}").card.revision == FIRST
    assert load_again(before.card).card.revision == FIRST
    assert load_again(dataclasses.replace(before.card, revision=SECOND)).card.revision == SECOND
    assert el.load_model(f"st:{REPO}").card.revision == FIRST, "what a file asks for changes nothing here"
    assert load_again(newer.card).card.revision == SECOND


def test_a_store_asks_for_the_commit_that_made_its_vectors(any_hub: Hub, tmp_path: Path) -> None:
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", el.embed(TEXTS, f"st:{REPO}@main"))
    any_hub.older[FIRST] = dict(any_hub.files)
    any_hub.files["README.md"] += b"# Moved on\n"
    any_hub.commit = any_hub.refs["main"] = SECOND
    _build.cache_clear()
    assert el.load_model(f"st:{REPO}@main").card.revision == SECOND
    with el.VectorStore(tmp_path / "s.db") as store:
        assert len(store.search("notes", "the sea", k=3)) == 3


def test_what_is_here_needs_no_hub(any_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = el.load_model(f"st:{REPO}@main").embed(TEXTS).vectors
    el.load_model(f"st:{REPO}")
    gone(any_hub, monkeypatch)
    for name in (f"st:{REPO}", f"st:{REPO}@main", f"hf:{REPO}"):
        assert el.load_model(name).card.source == "cache"
    np.testing.assert_allclose(el.load_model(f"st:{REPO}").embed(TEXTS).vectors, vectors, atol=1e-6)
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert el.available(f"st:{REPO}")
    assert not el.available("st:someone/else")
    with pytest.raises(weights.WeightsUnavailable, match="EMBEDLAB_OFFLINE is set; unset it to down") as no:
        el.load_model("st:someone/else")
    assert failures(no)["hub"] == "offline"
    assert "HF_ENDPOINT" not in str(no.value)
    assert any_hub.requests == []


def test_a_hub_out_of_reach_is_one_clear_line(cache: Path) -> None:
    with pytest.raises(
        weights.WeightsUnavailable, match=r"hub: http://127.0.0.1:9: .*HF_ENDPOINT to a mirror"
    ) as caught:
        el.load_model("st:someone/else")
    assert failures(caught) == {"folder": "not_configured", "cache": "not_found", "hub": "no_connection"}
    assert caught.value.model == "someone/else"


def test_the_cache_of_hugging_face_serves(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone(any_hub, monkeypatch)
    folder = tmp_path / "hf" / "models--someone--small"
    for name, content in any_hub.files.items():
        path = folder / "snapshots" / FIRST / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(FIRST)
    model = el.load_model(f"st:{REPO}")
    assert (model.card.revision, model.card.source) == (FIRST, "cache")
    changed = bytearray(any_hub.files["model.safetensors"])
    changed[-1] ^= 1
    (folder / "snapshots" / FIRST / "model.safetensors").write_bytes(changed)
    _build.cache_clear()
    with pytest.raises(weights.WeightsUnavailable, match="was recorded when it first arrived") as caught:
        el.load_model(f"st:{REPO}")
    assert failures(caught)["huggingface_cache"] == "mismatch"


def test_a_part_of_a_model_in_that_cache_is_not_taken_for_all(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hf" / "models--someone--small"
    for name in ("config.json", "model.safetensors"):
        path = folder / "snapshots" / FIRST / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(any_hub.files[name])
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(FIRST)
    assert el.load_model(f"st:{REPO}").card.source == "hub"


def test_a_folder_brought_by_hand_and_a_path(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone(any_hub, monkeypatch)
    for name, content in any_hub.files.items():
        path = tmp_path / "stick" / REPO / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("EMBEDLAB_MODELS", str(tmp_path / "stick"))
    brought = el.load_model(f"st:{REPO}")
    assert (brought.card.source, brought.card.revision) == ("folder", None)
    monkeypatch.chdir(tmp_path / "stick" / "someone")
    there = el.load_model("st:./small")
    assert there.card.sha256 == brought.card.sha256
    with pytest.raises(untrusted.NotAModel, match=r"the folder .*smal does not exist"):
        el.load_model("st:./smal")


def repositories(cache: Path) -> Path:
    """The folder in which the repository is cached."""
    return cache / "weights" / "repositories" / f"models--{REPO.replace('/', '--')}"


def weights_in(folder: Path) -> set[str]:
    """The sha256 of all large files, finished or not."""
    large = (p for p in folder.rglob("*") if p.is_file() and p.stat().st_size > 20_000)
    return {untrusted.hashlib.sha256(p.read_bytes()).hexdigest() for p in large}


def test_other_bytes_at_a_known_commit_are_refused(any_hub: Hub, cache: Path) -> None:
    model = el.load_model(f"st:{REPO}")
    shutil.rmtree(repositories(cache) / "snapshots")
    shutil.rmtree(repositories(cache) / "blobs")
    _build.cache_clear()
    changed = bytearray(any_hub.files["model.safetensors"])
    changed[-1] ^= 1
    any_hub.files["model.safetensors"] = bytes(changed)
    with pytest.raises(weights.WeightsUnavailable) as caught:
        el.load_model(f"st:{REPO}")
    mismatch = caught.value.tried[-1].error
    assert isinstance(mismatch, weights.WeightsMismatch)
    assert (mismatch.file, mismatch.expected) == ("model.safetensors", model.card.sha256)
    assert mismatch.actual == untrusted.hashlib.sha256(changed).hexdigest()
    assert mismatch.actual not in weights_in(repositories(cache)), "it is not kept"


def test_bytes_that_are_not_those_that_the_hub_lists_are_refused(any_hub: Hub, cache: Path) -> None:
    any_hub.mode = "wrong"
    any_hub.files = {k: v for k, v in any_hub.files.items() if k not in ("modules.json",)}
    with pytest.raises(weights.WeightsUnavailable) as caught:
        repository.fetch(REPO)
    assert failures(caught)["hub"] == "mismatch"
    assert repository.locate(REPO) is None
    any_hub.mode = "ok"
    assert repository.fetch(REPO).source == "hub"


def test_files_that_were_never_checked_are_not_used(any_hub: Hub, cache: Path) -> None:
    """As after a power cut between the download and its check."""
    found = repository.fetch(REPO)
    ledger = repositories(cache) / "ledger.json"
    ledger.unlink()
    assert (found.path / "model.safetensors").is_file()
    assert repository.locate(REPO, FIRST) is None
    any_hub.requests.clear()
    assert repository.fetch(REPO, FIRST).source == "hub"
    assert downloads(any_hub) == [], "they are checked, not downloaded again"


def test_a_cut_download_of_a_repository_goes_on_where_it_stopped(any_hub: Hub) -> None:
    any_hub.mode = "cut"
    any_hub.files["large.json"] = b" " * 1_200_000
    assert repository.fetch(REPO).source == "hub"
    assert any_hub.cuts == 1
    first, second = any_hub.gets("large.json")
    assert first.range is None
    assert second.range is not None
    assert second.range != "bytes=0-"


def test_a_repository_that_stands_still_is_given_up(
    any_hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnceHalfArrived(float):
        """A limit that is reached soon after the silence began, however slow this machine is."""

        def __lt__(self, waited: float) -> bool:
            return any_hub.half_sent.is_set() and waited > 0.5

    monkeypatch.setattr(hub, "STALL_SECONDS", OnceHalfArrived(20))
    any_hub.mode = "hold"
    with pytest.raises(weights.WeightsUnavailable) as caught:
        repository.fetch(REPO)
    assert failures(caught)["hub"] == "stalled"
    assert repository.locate(REPO) is None
    monkeypatch.setattr(hub, "_probed", {})
    any_hub.mode = "ok"
    monkeypatch.setattr(hub, "STALL_SECONDS", 20.0)
    assert repository.fetch(REPO).source == "hub"
    assert not list(repositories(cache).rglob("*.incomplete")), "nothing is left over"


def test_a_damaged_copy_is_fetched_again(any_hub: Hub) -> None:
    model = el.load_model(f"st:{REPO}")
    (model.path / "model.safetensors").write_bytes(b"half")
    _build.cache_clear()
    assert el.load_model(f"st:{REPO}").card.source == "hub"


def test_code_of_a_repository_is_never_run(any_hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    config = json.loads(any_hub.files["config.json"])
    auto = {"AutoModel": "modeling_evil.Model", "AutoConfig": "configuration_evil.Config"}
    any_hub.files["config.json"] = json.dumps(config | {"model_type": "evil", "auto_map": auto}).encode()
    any_hub.files["modeling_evil.py"] = b"raise SystemExit('run')"
    with pytest.raises(
        untrusted.NeedsCode, match=r"someone/small needs code .*modeling_evil\.py.* never executed"
    ):
        el.load_model(f"st:{REPO}")
    assert not [r for r in any_hub.requests if r.file in ("model.safetensors", "modeling_evil.py")], (
        "nor fetched"
    )
    with pytest.raises(untrusted.NeedsCode):
        el.load_model(f"hf:{REPO}")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("modules.json", [{"type": "os.system", "path": ""}], "is made with 'os.system'"),
        (
            "modules.json",
            [{"type": "sentence_transformers.models.WordEmbeddings", "path": ""}],
            "WordEmbeddings",
        ),
        ("modules.json", [{"type": "sentence_transformers.models.Pooling", "path": "../../up"}], "outside"),
        (
            "sentence_bert_config.json",
            {"model_args": {"attn_implementation": "evil/kernel"}},
            "another repository",
        ),
        ("config.json", {"model_type": "bert", "kernel_config": {"x": 1}}, "compiled code"),
    ],
)
def test_settings_that_lead_to_code_are_refused(any_hub: Hub, name: str, change: object, said: str) -> None:
    any_hub.files[name] = json.dumps(change).encode()
    with pytest.raises(untrusted.NeedsCode, match=said):
        el.load_model(f"st:{REPO}")


def test_a_pickle_is_read_as_weights_only(any_hub: Hub, tmp_path: Path) -> None:
    import pickle

    import torch

    class Evil:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return Path.touch, (tmp_path / "was run",)  # type: ignore[return-value]

    state = {"embeddings.word_embeddings.weight": torch.zeros(2, 2), "evil": Evil()}
    file = tmp_path / "evil.bin"
    torch.save(state, file, pickle_module=pickle)
    del any_hub.files["model.safetensors"]
    any_hub.files["pytorch_model.bin"] = file.read_bytes()
    settings = {"max_seq_length": 12, "model_args": {"weights_only": False}}
    any_hub.files["sentence_bert_config.json"] = json.dumps(settings).encode()
    for name in (f"st:{REPO}", f"hf:{REPO}"):
        with pytest.raises(untrusted.NotAModel, match=r"(?i)weights.only|unsupported|unpickl"):
            el.load_model(name)
    assert not (tmp_path / "was run").exists()


def test_weights_of_pytorch_work_where_there_are_no_others(any_hub: Hub) -> None:
    import io

    import torch
    from safetensors.torch import load

    vectors = el.load_model(f"st:{REPO}").embed(TEXTS).vectors
    state = io.BytesIO()
    torch.save(load(any_hub.files.pop("model.safetensors")), state)
    any_hub.files["pytorch_model.bin"] = state.getvalue()
    any_hub.commit = any_hub.refs["main"] = SECOND
    model = el.load_model(f"st:{REPO}@main")
    np.testing.assert_allclose(model.embed(TEXTS).vectors, vectors, atol=1e-6)


@pytest.mark.parametrize("path", ["../../evil.json", "/etc/evil.json", "a\\b.json", "C:evil.json"])
def test_a_list_that_leads_out_of_the_folder_is_refused(any_hub: Hub, path: str) -> None:
    any_hub.lists[path] = 3
    with pytest.raises(untrusted.NotAModel, match="outside of its folder"):
        el.load_model(f"st:{REPO}")


def test_what_holds_no_weights_is_described(any_hub: Hub) -> None:
    del any_hub.files["model.safetensors"], any_hub.files["pytorch_model.bin"]
    with pytest.raises(untrusted.NotAModel, match=r"neither model\.safetensors nor .*only onnx/model\.onnx"):
        el.load_model(f"st:{REPO}")


def test_what_the_hub_does_not_have_is_said(any_hub: Hub) -> None:
    with pytest.raises(weights.WeightsUnavailable, match="has no repository someone/other") as caught:
        el.load_model("st:someone/other")
    assert failures(caught)["hub"] == "not_found"
    with pytest.raises(weights.WeightsUnavailable, match=r"no branch, tag or commit 'v9'") as caught:
        el.load_model(f"st:{REPO}@v9")
    assert failures(caught)["hub"] == "not_found"


def test_a_plain_network_is_sent_to_the_other_prefix(any_hub: Hub) -> None:
    del any_hub.files["modules.json"]
    with pytest.raises(untrusted.NotAModel, match=rf"Load it as hf:{REPO}"):
        el.load_model(f"st:{REPO}")
    assert el.load_model(f"hf:{REPO}").card.pooling == "cls", "its 1_Pooling is there still"


def test_families_that_want_prompts_are_told_so(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_hub.repo = "intfloat/e5-small-v2"
    settings = json.loads(any_hub.files["config_sentence_transformers.json"])
    any_hub.files["config_sentence_transformers.json"] = json.dumps(settings | {"prompts": {}}).encode()
    with pytest.warns(UserWarning, match=r"query_prompt='query: '"):
        el.load_model("st:intfloat/e5-small-v2")
    model = el.load_model("st:intfloat/e5-small-v2", query_prompt="query: ", document_prompt="passage: ")
    assert model.card.query_prompt == "query: "


def test_the_log_names_commit_and_source(any_hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "embedlab"):
        repository.fetch(REPO)
    assert f"{REPO}: commit {FIRST} from hub, sha256" in caplog.text


def call(*arguments: object) -> Result:
    from embedlab.cli.app import app

    return CliRunner().invoke(app, [str(a) for a in arguments], env={"NO_COLOR": "1", "COLUMNS": "200"})


def downloads(served: Hub) -> list[str]:
    return [r.path for r in served.requests if r.method == "GET" and "/resolve/" in r.path]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text("content\nthe sea\na cat\n")
    return path


def test_a_summary_downloads_nothing_and_says_how_much_it_would_be(
    any_hub: Hub, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for more in (("--model", f"st:{REPO}"), ("--model", f"hf:{REPO}", "--modality", "text")):
        looked = call("summary", table, *more)
        assert looked.exit_code == 0, looked.output
        assert "not timed: its weights are not on this machine yet (" in looked.output
        assert " kB, once" in looked.output
    unsaid = call("summary", table, "--model", f"hf:{REPO}")
    assert unsaid.exit_code == 1
    assert "--modality text, image or audio" in unsaid.output
    assert f"embedlab fetch hf:{REPO}\n" in unsaid.output
    assert call("summary", table, "--model", "st:someone/other").exit_code == 1, "the hub knows no such model"
    assert downloads(any_hub) == []
    gone(any_hub, monkeypatch)
    looked = call("summary", table, "--model", f"st:{REPO}")
    assert re.search(r"not timed: its weights are not on this machine yet$", looked.output, re.MULTILINE)
    assert "their length is known once the model is on this machine" in looked.output


def test_a_branch_that_moved_is_timed_as_it_is_here(any_hub: Hub, table: Path) -> None:
    el.load_model(f"st:{REPO}@main")
    any_hub.older[FIRST] = dict(any_hub.files)
    any_hub.files["README.md"] += b"# Moved on\n"
    any_hub.commit = any_hub.refs["main"] = SECOND
    any_hub.requests.clear()
    looked = call("summary", table, "--model", f"st:{REPO}@main")
    assert "measured by computing all of it" in looked.output
    assert any_hub.requests == []


def test_embedding_says_what_it_downloads(any_hub: Hub, table: Path, tmp_path: Path) -> None:
    done = call("embed", table, "--model", f"hf:{REPO}", "--out", tmp_path / "a.parquet")
    assert done.exit_code == 0, done.output
    assert re.search(rf"^Downloading hf:{REPO} \([\d.]+ kB\), once\.$", done.output, re.M)
    assert len(downloads(any_hub)) > 3
    again = call("embed", table, "--model", f"hf:{REPO}", "--out", tmp_path / "b.parquet")
    assert "Downloading" not in again.output


def test_pictures_or_texts_is_asked_of_a_clip_by_its_prefix(table: Path, tmp_path: Path) -> None:
    folder = small_networks.clip(tmp_path / "clip")
    asked = call("embed", table, "--model", f"hf:{folder}", "--out", tmp_path / "a.parquet")
    assert asked.exit_code == 1
    assert "--modality image or --modality text" in asked.output


def test_the_command_line_fetches_and_shows_it(any_hub: Hub) -> None:
    assert "embedlab fetch st:someone/small" in call("models", f"st:{REPO}").output
    fetched = call("fetch", f"st:{REPO}")
    assert fetched.exit_code == 0
    assert f"st:{REPO}  hub" in fetched.output
    shown = call("models", f"st:{REPO}").output
    assert FIRST in shown
    assert "passage : " in shown
    assert call("fetch", "st:someone/other").exit_code == 1
    assert call("fetch", "openai:text-embedding-3-small").exit_code == 1


@pytest.mark.weights("text/minilm")
def test_minilm_from_its_repository_is_minilm_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = weights.fetch("text/minilm")
    served = Hub("sentence-transformers/all-MiniLM-L6-v2", FIRST, files_of(found.path))
    server = served.start()
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("embedlab.weights.hub._probed", {})
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        model = el.load_model("st:sentence-transformers/all-MiniLM-L6-v2")
        encoder = el.load_model("hf:sentence-transformers/all-MiniLM-L6-v2")
    finally:
        server.shutdown()
        server.server_close()
    assert model.card.sha256 == found.sha256
    items = el.load_dataset("notes").take(np.arange(0, 600, 100))
    monkeypatch.delenv("EMBEDLAB_CACHE")
    known = el.load_model("text/minilm").embed(items).vectors
    np.testing.assert_allclose(model.embed(items).vectors, known, atol=1e-6)
    np.testing.assert_allclose(encoder.embed(items).normalize().vectors, known, atol=1e-6)
    assert (encoder.card.pooling, encoder.card.normalized) == ("mean", False)


def test_an_error_of_any_kind_is_ours(any_hub: Hub) -> None:
    any_hub.files["model.safetensors"] = b"no weights"
    with pytest.raises(untrusted.NotAModel, match=rf"hf:{REPO} cannot be loaded from"):
        el.load_model(f"hf:{REPO}")
