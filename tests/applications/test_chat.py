"""The chat path, against a real server on loopback (tests/chat_server.py, which is no language model)."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator

import pytest
from chat_server import KEY, ChatServer, chat_server

from embedlab.applications.chat import Chat
from embedlab.applications.chat_errors import ChatError
from embedlab.applications.chat_errors import ChatErrorCode as Code

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
    ("fault", "code", "status"),
    [
        ("401", Code.NO_KEY, 401),
        ("403", Code.NO_KEY, 403),
        ("404", Code.UNKNOWN_MODEL, 404),
        ("429", Code.RATE_LIMIT, 429),
        ("500", Code.SERVER_FAULT, 500),
        ("400", Code.SERVER_FAULT, 400),
        ("broken", Code.BAD_RESPONSE, None),
        ("page", Code.BAD_RESPONSE, None),
        ("list", Code.BAD_RESPONSE, None),
        ("no choices", Code.BAD_RESPONSE, None),
        ("no text", Code.NO_TEXT, None),
        ("hang up", Code.NO_SERVER, None),
    ],
)
def test_each_fault_has_its_code(server: ChatServer, fault: str, code: Code, status: int | None) -> None:
    server.faults = [fault]
    with pytest.raises(ChatError) as caught:
        quick(server).complete(MESSAGES)
    assert (caught.value.code, caught.value.status, caught.value.model) == (code, status, "small-talk")
    assert server.address in str(caught.value), "the message names the server"
    assert len(server.requests) == 1, "max_retries=0"


def test_a_slow_server_is_given_up(server: ChatServer) -> None:
    server.faults = ["slow"]
    with pytest.raises(ChatError, match=r"within 0\.3 s") as caught:
        quick(server, timeout=0.3).complete(MESSAGES)
    assert caught.value.code == Code.TIMEOUT


@pytest.mark.parametrize("fault", ["429", "500", "hang up"])
def test_what_may_pass_is_tried_again(server: ChatServer, fault: str) -> None:
    server.faults = [fault]
    assert quick(server, max_retries=1).complete(MESSAGES) == "Two?"
    assert len(server.requests) == 2


def test_tries_are_counted(server: ChatServer) -> None:
    server.faults = ["429"] * 9
    with pytest.raises(ChatError) as caught:
        quick(server, max_retries=2).complete(MESSAGES)
    assert caught.value.code == Code.RATE_LIMIT
    assert len(server.requests) == 3


def test_no_server() -> None:
    with chat_server() as gone:
        pass
    with pytest.raises(ChatError) as caught:
        quick(gone).complete(MESSAGES)
    assert caught.value.code == Code.NO_SERVER


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
        assert caught.value.code == Code.KEY_REFUSED
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
    with pytest.raises(ChatError) as caught:
        Chat("gpt").complete(MESSAGES)
    assert caught.value.code == Code.NO_KEY


@pytest.mark.parametrize("address", ["localhost:1234", "ftp://x/v1", "https://me:secret@example.org/v1"])
def test_odd_addresses_are_refused_without_repeating_them(address: str) -> None:
    with pytest.raises(ChatError) as caught:
        Chat("m", base_url=address)
    assert caught.value.code == Code.BAD_SETTING
    assert "secret" not in str(caught.value)
