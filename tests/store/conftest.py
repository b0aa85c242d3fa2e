"""Stores for the tests: Milvus Lite in a folder, or each backend in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lesson_needs import unmet
from servers import NoServer, Server, lite_server, standalone

from embedlab.store import VectorStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    """A Milvus Lite store in an empty folder."""
    with VectorStore(tmp_path / "lab.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def lite_mode_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with lite_server(tmp_path_factory.mktemp("lite") / "lite.db") as server:
        yield server


@pytest.fixture(scope="session")
def standalone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(standalone(tmp_path_factory.mktemp("milvus")))
        except NoServer as why:
            unmet(str(why))
        yield server


@pytest.fixture(params=["lite", "lite_mode_server", "standalone_server"])
def each_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "lite":
        opened = VectorStore(tmp_path / "lab.db")
    else:
        server = request.getfixturevalue(request.param)
        opened = VectorStore(server.uri, token=server.token)
        for name in opened.collections()["name"]:
            opened.drop(name)
    with opened:
        yield opened
