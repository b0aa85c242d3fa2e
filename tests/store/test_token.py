"""A token goes to its server and nowhere else: not into what is shown, raised, logged, copied or saved."""

from __future__ import annotations

import base64
import copy
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from paths import KIT, ROOT
from servers import Server, lite_server
from store_kit import cloud

from embedlab.store import StoreError, VectorStore, retry
from embedlab.store.index_lab import index_lab

TOKEN = "root:hunter2-of-the-class"
CODED = base64.b64encode(TOKEN.encode()).decode().rstrip("=")[:-1]  # as gRPC sends it
NOBODY = "http://127.0.0.1:9"


def shows(text: str) -> bool:
    return "hunter2-of" in text or CODED in text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with lite_server(tmp_path_factory.mktemp("token") / "lite.db") as started:
        yield started


@pytest.fixture
def store(server: Server) -> Iterator[VectorStore]:
    with VectorStore(server.uri, token=TOKEN) as opened:
        yield opened


def test_the_check_itself_sees_a_token() -> None:
    assert shows(f"key = '127.0.0.1|{TOKEN}'")
    assert shows(repr({"authorization": base64.b64encode(TOKEN.encode())}))


def told_by(error: BaseException) -> str:
    """Everything that a traceback, a debugger or an error tracker could show of an error and its causes."""
    told, chain = [], [error]
    for one in chain:  # grows as the causes are found
        told += [str(one), repr(one), repr(one.args), repr(vars(one)), repr(getattr(one, "__notes__", ""))]
        chain += [x for x in (one.__cause__, one.__context__) if x is not None and x not in chain]
    # Without the frames of this file: what a user keeps in variables of their own is theirs.
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    whole = traceback.TracebackException(type(error), error, frames, capture_locals=True)
    return "\n".join([*told, *whole.format()])


def test_errors_do_not_show_it(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "CONNECT_SECONDS", 0.5)
    store.add("notes", cloud())
    vector = cloud().vectors[0]
    wrong: list[Callable[[], object]] = [
        lambda: VectorStore(NOBODY, token=TOKEN),
        lambda: VectorStore(NOBODY, token=TOKEN + "\n\u00e9"),
        lambda: VectorStore(f"http://{TOKEN}@127.0.0.1:9"),
        lambda: VectorStore("lab.txt", token=TOKEN),
        lambda: store.search("notes", vector, filter="label == "),
        lambda: store.search("none", vector),
        lambda: store.copy_to(NOBODY, token=TOKEN),
        lambda: index_lab(cloud(200), builds={}, server=NOBODY, token=TOKEN),
        lambda: pickle.dumps(store),
        lambda: copy.copy(store),
        lambda: copy.deepcopy(store),
    ]
    for number, call in enumerate(wrong):
        with pytest.raises((StoreError, TypeError)) as caught:
            call()
        assert not [line for line in told_by(caught.value).splitlines() if shows(line)], number


def test_nothing_that_is_shown_or_logged_has_it(
    store: VectorStore, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("", "pymilvus", "grpc", "embedlab", "milvus_lite"):
        caplog.set_level(logging.DEBUG, logger=name)
    store.add("notes", cloud())
    with VectorStore(tmp_path / "lab.db") as back:
        store.copy_to(back)
    inside = [store, vars(store), store._connection, vars(store._connection), vars(store._connection.client)]
    assert not shows("\n".join([*map(repr, inside), str(store), store._repr_html_(), f"{store.backend}"]))
    assert not shows(caplog.text)
    assert not shows("".join(capfd.readouterr()))
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert not shows(kept.decode("latin-1"))


def test_a_saved_notebook_does_not_have_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_URI", server.uri)
    monkeypatch.setenv("MILVUS_TOKEN", TOKEN)
    cells = [
        "%xmode Verbose",
        f"import sys; sys.path[:0] = {[str(KIT), str(ROOT)]!r}",
        "import embedlab as el; from store_kit import cloud; from embedlab.store import retry",
        "store = el.VectorStore(); store",
        "store.add('notes', cloud()); store.collections()",
        "vars(store)",
        "store.search('notes', cloud().vectors[0], filter='label ==')",
        f"import os; os.environ['MILVUS_URI'] = {NOBODY!r}; retry.CONNECT_SECONDS = 0.5; el.VectorStore()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, allow_errors=True).execute()
    saved = nbformat.writes(notebook)
    errors = [out.ename for cell in notebook.cells for out in cell.outputs if out.output_type == "error"]
    assert errors == ["StoreError", "StoreError"], saved
    assert "VectorStore(" in saved
    assert not shows(saved)
