"""The chat path, against a real server on loopback (tests/chat_server.py, which is no language model)."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator

import pytest
from chat_server import KEY, ChatServer, chat_server

from embedlab.applications.chat import Chat, ChatError

MESSAGES = [{"role": "system", "content": "Rules."}, {"role": "user", "content": "One.\nTwo?"}]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def quick(server: ChatServer, **settings: object) -> Chat:
    return Chat("small-talk", base_url=server.address, **({"timeout": 5, "max_retries": 0} | settings))  # type: ignore[arg-type]


def test_messages_arrive_and_the_answer_comes_back(server: ChatServer) -> None:
    assert quick(server).complete(MESSAGES) == "Two?"
    assert server.requests[0]["messages"] == MESSAGES
    assert server.requests[0]["model"] == "small-talk"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "asks for a key"),
        ("403", "asks for a key"),
        ("404", "has no model 'small-talk'"),
        ("429", "too many requests"),
        ("500", "failed with status 500"),
        ("400", "failed with status 400"),
        ("broken", "does not speak|cannot be read"),
        ("page", "does not speak|cannot be read"),
        ("list", "does not speak|cannot be read"),
        ("no choices", "does not speak"),
        ("no text", "answered without a text"),
        ("hang up", "No server answers"),
    ],
)
def test_each_fault_says_what_to_do(server: ChatServer, fault: str, words: str) -> None:
    server.faults = [fault]
    with pytest.raises(ChatError, match=words):
        quick(server).complete(MESSAGES)
    assert len(server.requests) == 1, "max_retries=0"


def test_a_slow_server_is_given_up(server: ChatServer) -> None:
    server.faults = ["slow"]
    with pytest.raises(ChatError, match=r"within 0\.3 s"):
        quick(server, timeout=0.3).complete(MESSAGES)


@pytest.mark.parametrize("fault", ["429", "500", "hang up"])
def test_what_may_pass_is_tried_again(server: ChatServer, fault: str) -> None:
    server.faults = [fault]
    assert quick(server, max_retries=1).complete(MESSAGES) == "Two?"
    assert len(server.requests) == 2


def test_tries_are_counted(server: ChatServer) -> None:
    server.faults = ["429"] * 9
    with pytest.raises(ChatError, match="too many requests"):
        quick(server, max_retries=2).complete(MESSAGES)
    assert len(server.requests) == 3


def test_no_server() -> None:
    with chat_server() as gone:
        pass
    with pytest.raises(ChatError, match="Is it running"):
        quick(gone).complete(MESSAGES)


def test_the_key_goes_only_to_its_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(KEY) as home, chat_server() as other:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", home.address)
        assert Chat("m").complete(MESSAGES) == "Two?"
        quick(other).complete(MESSAGES)
        assert home.keys == [f"Bearer {KEY}"]
        assert KEY not in str(other.keys)


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server("another") as home:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", home.address)
        chat = Chat("m", max_retries=0)
        for faults in ([], ["400"], ["500"]):
            home.faults = faults
            with pytest.raises(ChatError) as caught:
                chat.complete(MESSAGES)
            shown = "".join(traceback.format_exception(caught.value))
            assert KEY not in shown + repr(chat) + str(vars(chat))
        assert "does not accept the key in OPENAI_API_KEY" in str(caught.value)
        assert KEY.encode() not in pickle.dumps(chat)


def test_faults_of_a_server_that_knows_the_key_do_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(KEY) as home:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", home.address)
        home.faults = ["400"]
        with pytest.raises(ChatError, match="status 400 for the key …") as caught:
            Chat("m", max_retries=0).complete(MESSAGES)
        assert KEY not in str(caught.value)


def test_without_a_key_openai_is_not_asked() -> None:
    with pytest.raises(ChatError, match="OPENAI_API_KEY"):
        Chat("gpt").complete(MESSAGES)


@pytest.mark.parametrize("address", ["localhost:1234", "ftp://x/v1", "https://me:secret@example.org/v1"])
def test_odd_addresses_are_refused_without_repeating_them(address: str) -> None:
    with pytest.raises(ChatError, match="http") as caught:
        Chat("m", base_url=address)
    assert "secret" not in str(caught.value)
