"""Asking a server that speaks OpenAI's embeddings protocol: patience, and errors that say what to do.

The key comes from the environment each time, and goes nowhere but into the request: errors are built from the
server's words with the key and everything that looks like one taken out, and they carry no trace of the
request.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import os
import random
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic, sleep, time
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from embedlab import settings
from embedlab.errors import EmbedlabError, require

log = logging.getLogger("embedlab")

OPENAI = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"
PATIENCE = 300.0  # seconds of waiting for one answer, while the server says "later"
GONE = 30.0  # seconds of waiting for a server that answered before and is gone
NEVER_THERE = 2.0  # and for one that never did
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
ANSWER_SECONDS = 300.0  # a server without a graphics card takes its time

_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|key|token)[-_][\w*.-]{4,}|Bearer\s+\S+", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context.{0,20}length|maximum context|too (?:long|many tokens)|physical batch size|larger than the max|"
    r"(?:max\w*|exceeds?) .{0,40}tokens",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(r"batch|too many inputs|array (?:must|is)|at most \d+ (?:inputs|items)", re.IGNORECASE)


class ServerError(EmbedlabError):
    """A server could not be asked, or gave no usable answer; the message says why and what to do."""


class TooMuch(ServerError):
    """What was sent is too long, or too many texts at once; ``many`` when the number is what is wrong."""

    def __init__(self, message: str, many: bool) -> None:
        super().__init__(message)
        self.many = many


@dataclass(frozen=True)
class Answer:
    """Vectors, shape (n, dim), float32, in the order of the texts; and the tokens that the server counted."""

    vectors: np.ndarray
    tokens: int


@dataclass(frozen=True)
class _Failure:
    """What went wrong with one request: the error to raise, whether to try again, and after how long."""

    error: ServerError
    again: bool = False
    wait: float | None = None
    patience: float = PATIENCE


def is_loopback(url: str) -> bool:
    """Whether a server is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Connection:
    """One model of one server.

    Parameters
    ----------
    model : str
        What the server calls it.
    base_url : str
    key_from : str or None
        The environment variable with the key; None sends none.
    dimensions : int or None
        How many numbers to ask for.
    """

    def __init__(self, model: str, base_url: str, key_from: str | None, dimensions: int | None) -> None:
        self.model, self.base_url = model, base_url
        self._key_from, self._dimensions = key_from, dimensions
        self._client: Any = None
        self._answered = False

    def ask(self, texts: list[str]) -> Answer:
        """Vectors of some texts, from one request; a server that says "later" is waited for.

        Raises
        ------
        TooMuch
            When the server finds a text too long, or the texts too many.
        ServerError
            For everything else, with what to do.
        """
        started = since = monotonic()
        attempt, patience = 0, 0.0
        while True:
            outcome = self._once(texts)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.patience != patience:  # busy and gone are two troubles, each with its own clock
                since, attempt, patience = monotonic(), 0, outcome.patience
            wait = outcome.wait
            if wait is None:
                wait = min(FIRST_WAIT * 2**attempt, LONGEST_WAIT) * random.uniform(0.8, 1.2)
            attempt += 1
            now = monotonic() + wait
            if not outcome.again or now - since > patience or now - started > 2 * PATIENCE:
                raise outcome.error
            log.info("%s Trying again in %.1f s.", outcome.error, wait)
            sleep(wait)

    def close(self) -> None:
        """Hang up, and forget the key."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _once(self, texts: list[str]) -> Answer | _Failure:
        openai = require("openai", "openai")
        client = self._ready()
        more: dict[str, Any] = {} if self._dimensions is None else {"dimensions": self._dimensions}
        # Returned, not raised from here: a traceback would lead to the request and its headers.
        try:
            answer = client.embeddings.create(model=self.model, input=texts, **more)
            return self._read(answer, len(texts))
        except openai.APIStatusError as error:
            return self._status(error.status_code, error.response.headers, error.body, str(error.message))
        except openai.APITimeoutError:
            return self._gone(f"does not answer within {ANSWER_SECONDS:g} s")
        except openai.APIConnectionError as error:
            return self._gone(f"does not answer ({self.clean(str(error.__cause__ or error))})")
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            # What is no JSON, or JSON of another shape, ends here.
            return _Failure(
                self._error(f"gave an answer that is no embeddings ({self.clean(str(error))}). {_V1}")
            )

    def _ready(self) -> Any:
        """The client with the key that is in the environment now."""
        openai = require("openai", "openai")
        if settings.offline() and not is_loopback(self.base_url):
            raise ServerError(f"EMBEDLAB_OFFLINE is set, so {self.base_url} is not asked. Unset it.")
        key = self._key()
        if key is None and self._key_from is not None:
            raise ServerError(
                f"{self.base_url} asks for a key: put yours into the environment variable {self._key_from}."
            )
        strange = [place for place, c in enumerate(key or "", 1) if not "!" <= c <= "~"]
        if strange:
            raise ServerError(
                f"The key in {self._key_from} has a letter that no key has, at place {strange[0]}: copy it "
                "again, without quotes and spaces."
            )
        if self._client is None or self._client.api_key != (key or "none"):
            self._client = openai.OpenAI(
                api_key=key or "none",
                base_url=self.base_url,
                max_retries=0,  # ours know an empty account from a busy server, and say what they wait for
                timeout=ANSWER_SECONDS,
                # A proxy of the network has no way to this machine.
                http_client=openai.DefaultHttpxClient(trust_env=not is_loopback(self.base_url)),
            )
        return self._client

    def _key(self) -> str | None:
        return (os.environ.get(self._key_from) or "").strip() or None if self._key_from else None

    def _read(self, answer: Any, n_texts: int) -> Answer | _Failure:
        rows = list(answer.data)
        if len(rows) != n_texts:
            return _Failure(
                self._error(f"gave {len(rows)} vectors for {n_texts} texts; they cannot be told apart.")
            )
        places = [row.index for row in rows]
        if sorted(places) != list(range(n_texts)):
            return _Failure(
                self._error(f"numbered its {n_texts} vectors {places[:5]}…; they cannot be told apart.")
            )
        lengths = {len(row.embedding) for row in rows}
        if len(lengths) != 1 or lengths == {0}:
            return _Failure(self._error(f"gave vectors of different lengths ({sorted(lengths)[:5]})."))
        self._answered = True
        vectors = np.empty((n_texts, lengths.pop()), np.float32)
        for row in rows:
            vectors[row.index] = row.embedding
        usage = getattr(answer, "usage", None)
        return Answer(vectors, int(getattr(usage, "total_tokens", 0) or 0))

    # -- what to say -------------------------------------------------------------------------------------

    def _status(self, status: int, headers: Any, body: Any, message: str) -> _Failure:
        details = body if isinstance(body, dict) else {}
        code = str(details.get("code") or details.get("type") or "")
        said = self.clean(str(details.get("message") or message))
        if status == 401 or status == 403:
            sent = (
                f"did not accept the key in {self._key_from}"
                if self._key_from
                else "asks for a key, and none was sent"
            )
            cure = (
                "Check it"
                if self._key_from
                else "Name the variable that holds it: load_model(…, key_from='NAME')"
            )
            return _Failure(self._error(f"{sent} (HTTP {status}: {said}). {cure}."))
        if status == 404:
            return _Failure(
                self._error(f"has no model {self.model!r}, or no embeddings at this address ({said}). {_V1}")
            )
        if status == 429 and "quota" in code + said.lower():
            return _Failure(
                self._error(f"says that the account has no quota left ({said}). Add credit, or wait.")
            )
        if status in (400, 413, 422) and (
            status == 413 or _TOO_LONG.search(code + said) or _TOO_MANY.search(said)
        ):
            many = status == 413 or bool(_TOO_MANY.search(said) and "physical" not in said)
            return _Failure(TooMuch(f"{self._who()} refuses it: {said}", many))
        if status in (408, 409, 429) or status >= 500:
            wait = _retry_after(headers)
            long = f" It asks to wait {wait:.0f} s." if wait and wait >= 1 else ""
            error = self._error(
                f"is busy or broken (HTTP {status}: {said}).{long} Try again later: nothing is paid twice."
            )
            return _Failure(error, again=True, wait=wait)
        return _Failure(self._error(f"refuses the request (HTTP {status}: {said})."))

    def _gone(self, why: str) -> _Failure:
        cure = (
            "Is it running, and is this its address?"
            if is_loopback(self.base_url)
            else "Check the connection or proxy."
        )
        return _Failure(
            self._error(f"{why}. {cure} What has come is kept."),
            again=True,
            patience=GONE if self._answered else NEVER_THERE,
        )

    def _error(self, what: str) -> ServerError:
        return ServerError(f"{self._who()} {what}")

    def _who(self) -> str:
        return f"The server {self.base_url} ({self.model})"

    def clean(self, text: str) -> str:
        """A server's words in one short line, without the key or anything like one."""
        key = self._key()
        if key:
            text = text.replace(key, "…")
        text = _LIKE_A_KEY.sub("…", " ".join(text.split()))
        return "".join(c for c in text if c.isprintable())[:200].rstrip(".")


_V1 = "base_url usually ends in /v1."


def _retry_after(headers: Any) -> float | None:
    """Seconds that a server asks to wait: in milliseconds, seconds or as a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time()
            except ValueError:
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None
