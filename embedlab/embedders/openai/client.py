"""A client for OpenAI's embeddings protocol that waits for busy servers and keeps the key to itself.

The key is read from the environment for each request and goes nowhere else: errors contain the server's words
without the key and without anything that looks like one, and their tracebacks do not lead to the request.
"""

from __future__ import annotations

from typing import Any

from embedlab import settings
from embedlab.embedders.openai.endpoint import Endpoint
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embedders.openai.responses import (
    Answer,
    Failure,
    bad_answer,
    no_response,
    read_answer,
    read_status,
)
from embedlab.embedders.openai.retry import request_with_retries
from embedlab.errors import require

_RESPONSE_SECONDS = 300.0  # a server without a graphics card is slow


class EmbeddingsClient:
    """Ask one model of one server for vectors.

    Parameters
    ----------
    endpoint : Endpoint
    dimensions : int or None
        Length of the vectors to ask for; None leaves it to the model.
    """

    def __init__(self, endpoint: Endpoint, dimensions: int | None) -> None:
        self.endpoint = endpoint
        self._dimensions = dimensions
        self._openai: Any = None  # an openai.OpenAI
        self._answered = False

    def embed(self, texts: list[str]) -> Answer:
        """Embed texts with one request, repeated while the server is busy.

        Raises
        ------
        ServerError
            With a ``code``; ``TOO_LONG`` and ``TOO_MANY`` mean that fewer texts may work.
        """
        answer = request_with_retries(lambda: self._request(texts), answered_before=self._answered)
        self._answered = True
        return answer

    def close(self) -> None:
        """Close the connection and forget the key."""
        if self._openai is not None:
            self._openai.close()
            self._openai = None

    def _request(self, texts: list[str]) -> Answer | Failure:
        openai, endpoint = require("openai", "openai"), self.endpoint
        client = self._open()
        dimensions = openai.NOT_GIVEN if self._dimensions is None else self._dimensions
        try:
            response = client.embeddings.create(model=endpoint.model, input=texts, dimensions=dimensions)
            return read_answer(endpoint, response, len(texts))
        except openai.APIStatusError as error:
            return read_status(
                endpoint, error.status_code, error.response.headers, error.body, str(error.message)
            )
        except openai.APITimeoutError:
            return no_response(endpoint, f"does not answer within {_RESPONSE_SECONDS:g} s")
        except openai.APIConnectionError as error:
            reason = endpoint.redact(str(error.__cause__ or error))
            return no_response(endpoint, f"does not answer ({reason})")
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            # Raised for a body that is not JSON, and for JSON of another shape.
            reason = endpoint.redact(str(error))
            return bad_answer(endpoint, f"returned something other than embeddings ({reason})")

    def _open(self) -> Any:
        """Return a client with the key that is in the environment now."""
        openai, endpoint = require("openai", "openai"), self.endpoint
        if settings.offline() and not endpoint.is_local:
            raise ServerError(
                f"{endpoint.base_url} is not asked, because EMBEDLAB_OFFLINE is set. Unset it.",
                code=ServerErrorCode.OFFLINE,
                model=endpoint.model,
            )
        key = _check_key(endpoint) or "none"
        if self._openai is None or self._openai.api_key != key:
            self._openai = openai.OpenAI(
                api_key=key,
                base_url=endpoint.base_url,
                max_retries=0,  # retry.py tells an empty account from a busy server, and logs its waits
                timeout=_RESPONSE_SECONDS,
                # A network's proxy cannot reach this machine.
                http_client=openai.DefaultHttpxClient(trust_env=not endpoint.is_local),
            )
        return self._openai


def _check_key(endpoint: Endpoint) -> str | None:
    """Return the key, or None if the endpoint needs none.

    Raises
    ------
    ServerError
        When the environment variable is empty, or holds a character that no key has.
    """
    key = endpoint.read_key()
    if key is None and endpoint.key_from is not None:
        raise ServerError(
            f"{endpoint.base_url} needs a key: put yours into the environment variable {endpoint.key_from}.",
            code=ServerErrorCode.KEY_MISSING,
            model=endpoint.model,
        )
    strange = [position for position, char in enumerate(key or "", 1) if not "!" <= char <= "~"]
    if strange:
        raise ServerError(
            f"The key in {endpoint.key_from} has a character that no key has, at position {strange[0]}. Copy "
            "it again, without quotes and spaces.",
            code=ServerErrorCode.KEY_MALFORMED,
            model=endpoint.model,
        )
    return key
