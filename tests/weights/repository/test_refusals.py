"""Refuse code, unsafe settings and files; describe what the hub does not have."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hub_server import Hub
from repository_kit import (
    FIRST,
    REPO,
    SECOND,
    TEXTS,
)
from tiny_model import failures

import embedlab as el
from embedlab import weights
from embedlab.weights import repository, untrusted

pytest_plugins = ["weights_fixtures"]


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
