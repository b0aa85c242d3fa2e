"""Models behind a server: ``openai:text-embedding-3-small``, or any server that speaks that protocol.

Every answer is kept on disk as soon as it is there, so that an interrupted run goes on where it was and
nothing is paid twice. Tokens cannot be counted without OpenAI's vocabulary, which would be a download; a text
has at most as many tokens as it has bytes in UTF-8, and English has about a quarter of that. Requests and the
limit go by the bytes, so that they hold whatever the text is.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Any

import numpy as np

from embedlab import settings
from embedlab.catalog.cards import ModelCard
from embedlab.catalog.ref_options import BadName, normalise_url
from embedlab.catalog.refs import ServerRef
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import CacheWriter, Outcome
from embedlab.embedders.checks import text_problem
from embedlab.embedders.openai import known_dims
from embedlab.embedders.openai.client import KEY, OPENAI, Connection, ServerError, TooMuch, is_loopback
from embedlab.embedders.openai.known_models import KNOWN, LOOKED_UP, MAX_TOKENS, Known
from embedlab.embedders.vector_cache import CachedVector, VectorCache
from embedlab.errors import Problem, ProblemCode, require
from embedlab.io.progress import progress_bar
from embedlab.items import Items

TOKEN_LIMIT = 2_000_000
_OPENAI_AT_ONCE = (2048, 300_000)  # texts and tokens of one request, at most
_OTHERS_AT_ONCE = (64, 100_000)  # a server on a laptop must answer before the patience ends

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

_trusted: set[str] = set()  # servers that somebody in this process has named
_keys: dict[str, str] = {}  # server → the variable that was named for it


class ServerEmbedder(CachedEmbedder):
    """A model behind a server, as an :class:`~embedlab.embedders.protocol.Embedder`.

    Attributes
    ----------
    base_url : str
    token_limit : int or None
        The most tokens that one call may send, counted as bytes; None is no limit.
    tokens_used : int
        What the server has counted since the model was loaded; 0 where it does not tell.
    """

    def __init__(
        self, asked: ServerRef, connection: Connection, known: Known | None, token_limit: int | None
    ) -> None:
        self.base_url, self.token_limit, self.tokens_used = connection.base_url, token_limit, 0
        self._connection, self._known = connection, known
        self._most_texts, self._most_tokens = _OPENAI_AT_ONCE if known else _OTHERS_AT_ONCE
        self.dim = asked.options.dimensions or (known.dim if known else 0)
        if not self.dim:
            self.dim = known_dims.dim_of(str(asked)) or self._learn(str(asked))
        self.card = ModelCard(
            name=str(asked),
            modality="text",
            dim=self.dim,
            params=0,
            licence="proprietary" if known else "unknown",
            summary=f"{asked.model}, a model behind the server {self.base_url}.",
            layer="not told",
            pooling="not told",
            normalized=known is not None,
            max_tokens=MAX_TOKENS if known else None,
            homepage=f"https://platform.openai.com/docs/models/{asked.model}" if known else self.base_url,
            source="server",
        )

    def estimate(self, items: Items) -> str:
        """What embedding these items would send, in words, without those kept already; nothing is sent."""
        return self._estimate(self._unknown(items))

    def over_limit(self, items: Items) -> str:
        """Why one call would refuse to send these items, with the cure; empty when it would not."""
        return self._over_limit(self._unknown(items))

    def _unknown(self, items: Items) -> list[str]:
        """The texts that are not kept, each once."""
        content_of = dict(zip(items.content_hashes(), self.contents_of(items), strict=True))
        with VectorCache(self._provenance(), self.dim) as kept:
            known = kept.get(list(content_of))
        return [text for digest, text in content_of.items() if digest not in known]

    def embed_query(self, x: Any) -> np.ndarray:
        """Vector of one query, shape (dim,), float32; kept like all others, so that it is paid for once.

        Raises
        ------
        BadItem
            When the query is empty or too long.
        ServerError
            When the server cannot be asked.
        """
        frame_of_one = Items.from_texts([x], ids=["the query"], name="query")
        return np.asarray(self.embed(frame_of_one, progress=False).vectors[0])

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        answer = self._connection.ask(prepared)
        self.tokens_used += answer.tokens
        if answer.vectors.shape[1] != self.dim:
            raise ServerError(
                f"{self.card.name} gave vectors of {answer.vectors.shape[1]} numbers, and {self.dim} were "
                "expected. "
                f"If the server has another model under this name now, delete {known_dims.file()}."
            )
        return answer.vectors

    def _problem(self, content: Any) -> Problem | None:
        return text_problem(content)

    def _embed_contents(
        self, items: Items, digests: list[bytes], batch_size: int, progress: bool | None
    ) -> Outcome:
        """As in the base class, with requests filled by tokens and each answer kept at once.

        ``batch_size`` is about a network in this process; how much a request may hold is the server's to say.
        """
        content_of: dict[bytes, str] = dict(zip(digests, self.contents_of(items), strict=True))
        names = dict(zip(reversed(digests), reversed(items.ids), strict=True))
        failed: dict[bytes, Problem] = {}
        with closing(self._connection), VectorCache(self._provenance(), self.dim) as kept:
            known = kept.get(list(content_of))
            missing = [digest for digest in content_of if digest not in known]
            self._check_limit([content_of[digest] for digest in missing])
            bar = progress_bar(f"embedding with {self.card.name}", len(missing), progress=progress)
            with bar, CacheWriter(kept, every=0.0) as keeper:
                for request in self._requests(missing, content_of):
                    for some, result in self._asked(request, content_of, names):
                        if isinstance(result, Problem):
                            failed |= dict.fromkeys(some, result)
                        else:
                            keeper.add({d: CachedVector(v, False) for d, v in zip(some, result, strict=True)})
                        bar.update(len(some))
        return Outcome(known | keeper.vectors, set(missing), failed)

    def _requests(self, digests: Sequence[bytes], content_of: dict[bytes, str]) -> Iterator[list[bytes]]:
        """Groups that one request may hold; a server may lower the number of texts on the way."""
        request: list[bytes] = []
        tokens = 0
        for digest in digests:
            more = most_tokens(content_of[digest])
            if request and (len(request) >= self._most_texts or tokens + more > self._most_tokens):
                yield request
                request, tokens = [], 0
            request.append(digest)
            tokens += more
        if request:
            yield request

    def _asked(
        self, digests: list[bytes], content_of: dict[bytes, str], names: dict[bytes, str]
    ) -> Iterator[tuple[list[bytes], np.ndarray | Problem]]:
        """Vectors of a request, or why a text has none: what is refused is halved until it stands alone."""
        try:
            vectors = self._compute([content_of[digest] for digest in digests], len(digests))
        except TooMuch as error:
            if len(digests) == 1:
                yield digests, Problem(ProblemCode.REFUSED, str(error).rstrip("."))
                return
            half = len(digests) // 2
            if error.many:
                self._most_texts = min(self._most_texts, half)
            yield from self._asked(digests[:half], content_of, names)
            yield from self._asked(digests[half:], content_of, names)
            return
        if not np.isfinite(vectors).all():
            self._refuse_vectors(vectors, [names[digest] for digest in digests])
        yield digests, vectors

    def _check_limit(self, texts: list[str]) -> None:
        over = self._over_limit(texts)
        if over:
            raise ServerError(f"{self._estimate(texts)} {over} Nothing was sent.")

    def _over_limit(self, texts: list[str]) -> str:
        tokens = sum(map(most_tokens, texts))
        if self.token_limit is None or tokens <= self.token_limit:
            return ""
        enough = -(-tokens // 100_000) * 100_000
        return (
            f"The limit for one call is {self.token_limit:,} tokens. If that is meant, pass "
            f"token_limit={enough:_} to load_model (embedlab embed --token-limit {enough}); or embed fewer "
            "items."
        )

    def _estimate(self, texts: list[str]) -> str:
        most = sum(map(most_tokens, texts))
        usual = most / 4
        money = ""
        if self._known:
            cost, at_most = (n / 1e6 * self._known.price for n in (usual, most))
            little = "less than 0.001 USD"
            price = f"about {cost:.2g} USD, at most {at_most:.2g} USD" if at_most >= 0.001 else little
            money = f": {price}, at {self._known.price} USD for a million ({LOOKED_UP}; check your provider)"
        return (
            f"{len(texts):,} texts for {self.card.name} are about {_millions(usual)} tokens if they are "
            "English, and "
            f"never more than {_millions(most)}{money}."
        )

    def _learn(self, name: str) -> int:
        with closing(self._connection):
            dim = int(self._connection.ask(["How many numbers?"]).vectors.shape[1])
        known_dims.note_dim(name, dim)
        return dim


def most_tokens(text: str) -> int:
    """A bound on the tokens of a text: a token is at least a byte; two more stand at its ends."""
    return len(text.encode("utf-8")) + 2


def _millions(tokens: float) -> str:
    return f"{tokens / 1e6:.1f} million" if tokens >= 1e5 else f"{tokens:,.0f}"


# -- loading -------------------------------------------------------------------------------------------------


def load(asked: ServerRef, key_from: str | None = None, token_limit: int | None = None) -> ServerEmbedder:
    """Make an embedder of a server's model; see :func:`embedlab.load_model`.

    A model that is not in the table of OpenAI's is asked once how long its vectors are.
    """
    require("openai", "openai")
    if token_limit is not None and (type(token_limit) is not int or token_limit < 1):
        raise BadName(f"token_limit must be a whole number of at least 1, not {token_limit!r}.")
    url, asked = _server_of(asked)
    _trusted.add(url)
    if key_from is not None:
        _check_variable(key_from)
        _keys[url] = key_from
    own = KEY if url in (OPENAI, _standard()) else None
    # A server of one's own that OPENAI_BASE_URL names may ask for no key.
    own = own if url == OPENAI or os.environ.get(KEY) else None
    return _build(asked, url, _keys.get(url, own), token_limit)


def _check_variable(name: str) -> None:
    """Refuse what names no variable that is set; what does not look like a name may be a key, so unsaid."""
    if os.environ.get(name):
        return
    if not _VARIABLE.fullmatch(name):
        raise ServerError(
            "key_from is the name of an environment variable, in capital letters (OPENAI_API_KEY), and what "
            "was passed is none; it is not repeated here, as it may be a key. Put the key into a variable, "
            "and pass its name."
        )
    raise ServerError(f"key_from names the environment variable {name!r}, which is not set.")


@lru_cache(maxsize=16)
def _build(asked: ServerRef, url: str, key_from: str | None, token_limit: int | None) -> ServerEmbedder:
    known = KNOWN.get(asked.model) if url == OPENAI else None
    wanted = asked.options.dimensions
    if known and wanted and (not known.shortens or wanted > known.dim):
        can = f"from 1 to {known.dim}" if known.shortens else f"always {known.dim}"
        raise BadName(f"{asked.model} gives {can} numbers, not {wanted}.")
    if token_limit is None and not is_loopback(url):
        token_limit = TOKEN_LIMIT
    return ServerEmbedder(asked, Connection(asked.model, url, key_from, wanted), known, token_limit)


def usable(asked: ServerRef) -> bool:
    """Whether a model could be asked: the client is there, and a key or a server of one's own."""
    if importlib.util.find_spec("openai") is None:
        return False
    url, _ = _server_of(asked)
    if settings.offline() and not is_loopback(url):
        return False
    return url != OPENAI or bool(os.environ.get(_keys.get(url, KEY)))


def check_trusted(asked: ServerRef) -> None:
    """Refuse a server that only a file or a store names.

    Raises
    ------
    ServerError
        With the line that names it.
    """
    url, _ = _server_of(asked)
    if not (url in (OPENAI, _standard()) or url in _trusted or is_loopback(url)):
        raise ServerError(
            f"These vectors were made by the server {url}, which nobody in this session has named. If your "
            "texts may "
            f"go there, say so once: el.load_model({str(asked)!r})."
        )


def _standard() -> str:
    """The server that ``OPENAI_BASE_URL`` names, or OpenAI's own."""
    return normalise_url(os.environ.get("OPENAI_BASE_URL") or OPENAI)


def _server_of(asked: ServerRef) -> tuple[str, ServerRef]:
    """The server's address; and the name, which tells it unless it is OpenAI's own."""
    url = asked.options.base_url or _standard()
    shown = None if url == OPENAI else url
    return url, dataclasses.replace(asked, options=dataclasses.replace(asked.options, base_url=shown))
