"""Embed texts with a model behind a server.

Each answer is cached as soon as it is received, so that an interrupted run resumes and nothing is paid twice.
Requests and the token limit count bytes (see ``estimate.py``), so that they hold for any text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from embedlab.catalog.cards import ModelCard
from embedlab.catalog.refs import ServerRef
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import CacheWriter, Outcome
from embedlab.embedders.checks import text_problem
from embedlab.embedders.openai import known_dims
from embedlab.embedders.openai.client import EmbeddingsClient
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embedders.openai.estimate import describe_cost, max_tokens_of, max_tokens_of_all
from embedlab.embedders.openai.known_models import MAX_TOKENS, OpenAIModel
from embedlab.embedders.vector_cache import CachedVector, VectorCache
from embedlab.errors import Argument, BadItem, Part, Problem, ProblemCode
from embedlab.io.progress import progress_bar
from embedlab.items import Items

# Texts and tokens of one request, at most. A server on a laptop must answer before the client's timeout.
_OPENAI_REQUEST = (2048, 300_000)
_OTHER_REQUEST = (64, 100_000)
_LIMIT_STEP = 100_000  # tokens; a suggested limit is rounded up to a multiple
_FEWER_MAY_WORK = (ServerErrorCode.TOO_LONG, ServerErrorCode.TOO_MANY)
_QUERY_ID = "query"


class ServerEmbedder(CachedEmbedder):
    """A model behind a server, as an :class:`~embedlab.embedders.protocol.Embedder`.

    Parameters
    ----------
    ref : ServerRef
    client : EmbeddingsClient
    known : OpenAIModel or None
        What is known about the model, if it is one of OpenAI's own.
    token_limit : int or None
        The most tokens that one call may send, counted as bytes; None is no limit.

    Attributes
    ----------
    base_url : str
    token_limit : int or None
    tokens_used : int
        What the server has counted since the model was loaded; 0 if it does not say.
    """

    def __init__(
        self, ref: ServerRef, client: EmbeddingsClient, known: OpenAIModel | None, token_limit: int | None
    ) -> None:
        self.base_url, self.token_limit, self.tokens_used = client.endpoint.base_url, token_limit, 0
        self._client, self._known = client, known
        self._max_texts, self._max_tokens = _OPENAI_REQUEST if known else _OTHER_REQUEST
        self.dim = ref.options.dimensions or (known.dim if known else 0)
        if not self.dim:
            self.dim = known_dims.read_dim(str(ref)) or self._ask_dim(str(ref))
        self.card = ModelCard(
            name=str(ref),
            modality="text",
            dim=self.dim,
            params=0,
            licence="proprietary" if known else "unknown",
            summary=f"{ref.model}, a model behind the server {self.base_url}.",
            layer="not told",
            pooling="not told",
            normalized=known is not None,
            max_tokens=MAX_TOKENS if known else None,
            homepage=f"https://platform.openai.com/docs/models/{ref.model}" if known else self.base_url,
            source="server",
        )

    def estimate(self, items: Items) -> str:
        """Say how many tokens embedding these items would send, and what they cost; nothing is sent.

        Items whose vectors are cached cost nothing and are not counted.
        """
        return self._describe_cost(self._uncached_texts(items))

    def limit_exceeded(self, items: Items) -> tuple[Part, ...]:
        """Say why one call would refuse to send these items, and what to do; empty if it would not.

        Returns
        -------
        tuple of str or Argument
            The parts of a message; :func:`embedlab.errors.compose` joins them.
        """
        return self._limit_exceeded(self._uncached_texts(items))

    def embed_query(self, x: Any) -> np.ndarray:
        """Embed one query, shape (dim,), float32; cached like all others, so that it is paid for once.

        Raises
        ------
        BadItem
            When the query is empty or too long.
        ServerError
            When the server gives no vector.
        """
        items = Items.from_texts([x], ids=[_QUERY_ID], name="query")
        found = self.embed(items, progress=False, on_error="skip")
        if not len(found):
            problem = found.report.skipped[_QUERY_ID]
            raise BadItem(f"The query cannot be embedded: {problem}.", problems={_QUERY_ID: problem})
        return np.asarray(found.vectors[0])

    # -- requests ----------------------------------------------------------------------------------------

    def _problem(self, content: Any) -> Problem | None:
        return text_problem(content)

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        answer = self._client.embed(prepared)
        self.tokens_used += answer.tokens
        dim = answer.vectors.shape[1]
        if dim != self.dim:
            raise ServerError(
                f"{self.card.name} returned vectors of {dim} numbers, but {self.dim} were expected. "
                f"If the server now has another model under this name, delete {known_dims.path()}.",
                code=ServerErrorCode.BAD_ANSWER,
                model=self.card.name,
            )
        return answer.vectors

    def _embed_contents(
        self, items: Items, hashes: list[bytes], batch_size: int, progress: bool | None
    ) -> Outcome:
        """Embed each distinct content once, with requests filled by tokens and every answer cached at once.

        ``batch_size`` is for networks in this process; a server has its own limits.
        """
        text_of: dict[bytes, str] = dict(zip(hashes, self.contents_of(items), strict=True))
        id_of = dict(zip(reversed(hashes), reversed(items.ids), strict=True))
        failed: dict[bytes, Problem] = {}
        with closing(self._client), VectorCache(self._provenance(), self.dim) as cache:
            cached = cache.get(list(text_of))
            order = [content_hash for content_hash in text_of if content_hash not in cached]
            self._check_limit([text_of[content_hash] for content_hash in order])
            bar = progress_bar(f"embedding with {self.card.name}", len(order), progress=progress)
            with bar, CacheWriter(cache, every=0.0) as writer:
                for request in self._fill_requests(order, text_of):
                    for part, result in self._send(request, text_of, id_of):
                        if isinstance(result, Problem):
                            failed |= dict.fromkeys(part, result)
                        else:
                            rows = zip(part, result, strict=True)
                            writer.add({h: CachedVector(vector, False) for h, vector in rows})
                        bar.update(len(part))
        return Outcome(cached | writer.vectors, set(order), failed)

    def _fill_requests(self, hashes: Sequence[bytes], text_of: dict[bytes, str]) -> Iterator[list[bytes]]:
        """Yield groups that fit into one request; the server may lower the number of texts meanwhile."""
        request: list[bytes] = []
        tokens = 0
        for content_hash in hashes:
            more = max_tokens_of(text_of[content_hash])
            if request and (len(request) >= self._max_texts or tokens + more > self._max_tokens):
                yield request
                request, tokens = [], 0
            request.append(content_hash)
            tokens += more
        if request:
            yield request

    def _send(
        self, hashes: list[bytes], text_of: dict[bytes, str], id_of: dict[bytes, str]
    ) -> Iterator[tuple[list[bytes], np.ndarray | Problem]]:
        """Yield vectors, or why a text has none: a refused request is halved until one text is left."""
        outcome = self._try([text_of[content_hash] for content_hash in hashes])
        if isinstance(outcome, np.ndarray):
            if not np.isfinite(outcome).all():
                self._refuse_vectors(outcome, [id_of[content_hash] for content_hash in hashes])
            yield hashes, outcome
        elif len(hashes) == 1:
            too_long = outcome.code is ServerErrorCode.TOO_LONG
            code = ProblemCode.TOO_LONG if too_long else ProblemCode.REFUSED
            yield hashes, Problem(code, f"the server does not accept it: {outcome.detail}")
        else:
            half = len(hashes) // 2
            if outcome.code is ServerErrorCode.TOO_MANY:
                self._max_texts = min(self._max_texts, half)
            yield from self._send(hashes[:half], text_of, id_of)
            yield from self._send(hashes[half:], text_of, id_of)

    def _try(self, texts: list[str]) -> np.ndarray | ServerError:
        """Return vectors, or the error of a request that may work with fewer texts."""
        try:
            return self._compute(texts, len(texts))
        except ServerError as error:
            if error.code not in _FEWER_MAY_WORK:
                raise
            return error

    # -- tokens ------------------------------------------------------------------------------------------

    def _uncached_texts(self, items: Items) -> list[str]:
        """Return each text once, without those whose vectors are cached."""
        text_of = dict(zip(items.content_hashes(), self.contents_of(items), strict=True))
        with VectorCache(self._provenance(), self.dim) as cache:
            cached = cache.get(list(text_of))
        return [text for content_hash, text in text_of.items() if content_hash not in cached]

    def _check_limit(self, texts: list[str]) -> None:
        exceeded = self._limit_exceeded(texts)
        if exceeded:
            raise ServerError(
                f"{self._describe_cost(texts)} ",
                *exceeded,
                " Nothing was sent.",
                code=ServerErrorCode.OVER_LIMIT,
                model=self.card.name,
            )

    def _limit_exceeded(self, texts: list[str]) -> tuple[Part, ...]:
        tokens = max_tokens_of_all(texts)
        if self.token_limit is None or tokens <= self.token_limit:
            return ()
        enough = -(-tokens // _LIMIT_STEP) * _LIMIT_STEP
        return (
            f"The limit for one call is {self.token_limit:,} tokens. Raise it with ",
            Argument("token_limit", enough),
            ", or embed fewer items.",
        )

    def _describe_cost(self, texts: list[str]) -> str:
        return describe_cost(self.card.name, texts, self._known)

    def _ask_dim(self, name: str) -> int:
        with closing(self._client):
            dim = int(self._client.embed(["How many numbers?"]).vectors.shape[1])
        known_dims.write_dim(name, dim)
        return dim
