"""Errors of the package as the command line words them: options instead of Python arguments.

``str(error)`` names Python arguments (``on_error="skip"``); here the same error names options
(``--on-error skip``). Errors whose fix is another one on the command line have a formatter of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch, wraps
from typing import ParamSpec, TypeVar

import typer

from embedlab.cli.console import print_error, quote
from embedlab.errors import Argument, EmbedlabError, HoldsEmbeddings, PageTooLarge, UntrustedServer

# Python arguments that are an option, of the same name, of at least one command; a test compares them.
OPTIONS = frozenset(
    {
        "allow_large",
        "batch_size",
        "color_by",
        "content",
        "cost",
        "encoding",
        "full",
        "groups",
        "id",
        "in_place",
        "k",
        "kernel",
        "key_from",
        "label",
        "labels",
        "method",
        "modality",
        "n_neighbors",
        "n_samples",
        "on_error",
        "platform",
        "random_state",
        "timeout",
        "to",
        "token_limit",
    }
)
SWITCHES_OFF = {"cost": "--no-cost"}

P = ParamSpec("P")
R = TypeVar("R")


def format_option(argument: Argument) -> str:
    """Write an argument as an option: ``on_error="skip"`` becomes ``--on-error skip``.

    An argument that no command has stays as Python writes it.
    """
    name, value = argument.name, argument.value
    if name not in OPTIONS:
        return str(argument)
    flag = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
    if value is ... or value is True:
        return flag
    if value is False:
        return SWITCHES_OFF[name]
    return f"{flag} {quote(str(value))}"


@singledispatch
def format_error(error: EmbedlabError) -> str:
    """Compose the message of an error for the command line."""
    return error.text(format_option)


@format_error.register
def _(error: HoldsEmbeddings) -> str:
    assert error.path is not None
    command = f"embedlab explore {quote(str(error.path))} --html map.html"
    return f"{error.path} holds saved embeddings, not items. Look at them with `{command}`."


@format_error.register
def _(error: PageTooLarge) -> str:
    return (
        f"The page would have {error.size_mb:.0f} MB; at most {error.limit_mb:g} MB are allowed. "
        "Show fewer items with --n-samples."
    )


@format_error.register
def _(error: UntrustedServer) -> str:
    return (
        f"These vectors were made by the server {error.url}, which you have not named. If your texts may go "
        f"there, set the environment variable OPENAI_BASE_URL to {error.url}."
    )


def report_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn errors of this package into a message and exit status 1, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except EmbedlabError as error:
            print_error(format_error(error))
            raise typer.Exit(1) from error

    return run
