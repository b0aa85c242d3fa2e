"""Names of models: every kind is parsed into its reference, and what is not valid is refused."""

from __future__ import annotations

import pytest

import embedlab as el
from embedlab.catalog.ref_options import (
    BadName,
    EncoderOptions,
    SentenceTransformerOptions,
    ServerOptions,
    normalise_url,
)
from embedlab.catalog.refs import CatalogRef, FolderRef, HubRef, ServerRef, parse
from embedlab.errors import Argument


@pytest.mark.parametrize(
    "name",
    [
        "text/minilm",
        "st:org/name",
        "st:org/name@v1.0",
        "st:./folder",
        "st:C:\\models\\own",
        "st:org/name?query_prompt=query%3A%20&document_prompt=",
        "hf:bert-base-uncased?pooling=cls&layer=-2",
        "hf:~/net?layer=encoder.layer.3",
        "openai:nomic-embed-text:latest?dimensions=256&base_url=http://127.0.0.1:11434/v1",
        "openai:@cf/baai/bge-m3?base_url=https://[::1]:8080/v1",
    ],
)
def test_a_name_survives_being_taken_apart(name: str) -> None:
    assert str(parse(name)) == name
    assert parse(str(parse(name))) == parse(name)


@pytest.mark.parametrize(
    "name",
    [
        *("st:", "st:a/../b", "st:a/b/c", "st:a/b@../../x", "st:a/b@", "st:-rf/x", "st:a b/c", "st:\x00/a"),
        *("st:a--b/c", "hf:https://evil/x", "openai: x", "openai:", "foo:bar", "st:a/b?pooling=cls"),
        *(
            "hf:a/b?layer",
            "hf:a/b?x=1",
            "hf:a/b?layer=1&layer=2",
            "openai:x?dimensions=0",
            "openai:x?dimensions=a",
        ),
        *("openai:x?base_url=ftp://h/", "openai:x?base_url=http://", "openai:x?base_url=http://h:99999/"),
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        parse(name)


def test_no_password_becomes_part_of_a_name() -> None:
    with pytest.raises(BadName, match="password") as caught:
        el.load_model("openai:x", base_url="https://me:hunter2@host/v1")
    assert "hunter2" not in str(caught.value)
    assert normalise_url("HTTP://Host:80/v1/") == "http://host:80/v1"


def test_each_kind_of_name_is_a_kind_of_reference() -> None:
    assert parse("text/minilm") == CatalogRef("text/minilm")
    assert parse("st:a/b@v1") == HubRef("a/b", SentenceTransformerOptions(), "v1")
    assert parse("hf:./net?layer=-2") == FolderRef("./net", EncoderOptions(layer=-2))
    assert parse("openai:m?dimensions=3") == ServerRef("m", ServerOptions(dimensions=3))


def test_options_given_twice_must_agree() -> None:
    assert parse("hf:a/b?layer=-2", {"layer": -2, "pooling": None}) == parse("hf:a/b?layer=-2")
    with pytest.raises(
        BadName, match=r"layer=-2, but layer=3 was passed\. Give the option only once"
    ) as caught:
        parse("hf:a/b?layer=-2", {"layer": 3})
    assert caught.value.model == "hf:a/b?layer=-2"
    with pytest.raises(BadName, match="text/minilm has no options, but pooling was passed"):
        el.load_model("text/minilm", pooling="cls")
    with pytest.raises(BadName, match="whole number"):
        el.load_model("openai:x", dimensions=2.5)  # type: ignore[arg-type]


def test_options_of_a_server_are_refused_for_other_models_by_argument() -> None:
    with pytest.raises(BadName, match=r"token_limit=5 is for models behind a server") as caught:
        el.load_model("text/minilm", token_limit=5)
    assert Argument("token_limit", 5) in caught.value.parts


def test_an_unknown_name_mentions_the_prefixes() -> None:
    with pytest.raises(el.EmbedlabError, match="st:org/name"):
        el.load_model("text/zebra")
    with pytest.raises(BadName, match=r"Unknown prefix 'bert:'"):
        el.load_model("bert:base")
