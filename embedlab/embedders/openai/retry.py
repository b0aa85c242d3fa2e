"""Repeat a request while a server is busy or gone, with a limit for each."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from time import monotonic, sleep

from tenacity import RetryCallState, Retrying, retry_if_result

from embedlab.embedders.openai.errors import ServerErrorCode
from embedlab.embedders.openai.responses import Answer, Failure

log = logging.getLogger("embedlab")

# Seconds of waiting for one answer.
BUSY_PATIENCE = 300.0  # while the server says that it is busy
GONE_PATIENCE = 30.0  # for a server that answered before
ABSENT_PATIENCE = 2.0  # for a server that never answered
FIRST_WAIT = 0.5  # doubled after each attempt
LONGEST_WAIT = 30.0
_JITTER = (0.8, 1.2)  # so that several clients do not ask at the same moment


def request_with_retries(request: Callable[[], Answer | Failure], *, answered_before: bool) -> Answer:
    """Return the answer of a request, repeated as long as waiting may help.

    Parameters
    ----------
    request : callable
        Sends the request once.
    answered_before : bool
        Whether the server has answered before; one that never did is given up sooner.

    Raises
    ------
    ServerError
        Of the last attempt.
    """
    patience = _Patience(answered_before)
    retrying = Retrying(
        retry=retry_if_result(patience.applies),
        wait=patience.wait,
        stop=patience.stop,
        before_sleep=_log_wait,
        sleep=lambda seconds: sleep(seconds),
        retry_error_callback=_last_outcome,
    )
    outcome = retrying(request)
    if isinstance(outcome, Failure):
        raise outcome.error
    return outcome


class _Patience:
    """How long to wait before the next attempt, and when to give up.

    Busy and gone are different troubles: when one follows the other, its time and its waits start again.
    """

    def __init__(self, answered_before: bool) -> None:
        self._limits = {
            ServerErrorCode.BUSY: BUSY_PATIENCE,
            ServerErrorCode.GONE: GONE_PATIENCE if answered_before else ABSENT_PATIENCE,
        }
        self._trouble: ServerErrorCode | None = None
        self._attempts = 0
        self._started = self._since = monotonic()

    def applies(self, outcome: Answer | Failure) -> bool:
        """Return whether another attempt may help."""
        return isinstance(outcome, Failure) and outcome.error.code in self._limits

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: as the server asks, or twice as long each time."""
        failure = _failure_of(state)
        if failure.error.code is not self._trouble:
            self._trouble, self._attempts, self._since = failure.error.code, 0, monotonic()
        self._attempts += 1
        if failure.wait is not None:
            return failure.wait
        doubled = FIRST_WAIT * 2.0 ** (self._attempts - 1)
        return min(doubled, LONGEST_WAIT) * random.uniform(*_JITTER)

    def stop(self, state: RetryCallState) -> bool:
        """Return whether the next attempt would come too late."""
        next_attempt = monotonic() + state.upcoming_sleep
        limit = self._limits[_failure_of(state).error.code]
        late = next_attempt - self._since > limit or next_attempt - self._started > 2 * BUSY_PATIENCE
        return bool(late)


def _failure_of(state: RetryCallState) -> Failure:
    failure = _last_outcome(state)
    assert isinstance(failure, Failure)
    return failure


def _last_outcome(state: RetryCallState) -> Answer | Failure:
    assert state.outcome is not None
    outcome: Answer | Failure = state.outcome.result()
    return outcome


def _log_wait(state: RetryCallState) -> None:
    log.info("%s Trying again in %.1f s.", _failure_of(state).error, state.upcoming_sleep)
