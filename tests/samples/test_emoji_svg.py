"""An SVG file is only what it draws: nothing outside it is read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedlab.errors import ProblemCode
from embedlab.samples.emoji import CannotDraw, draw_svg

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 72 72">'
)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """Address of a web server on this machine, and what was asked of it."""
    paths: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("attribute", ["href", "xlink:href", "href ", "\nhref\n"])
@pytest.mark.parametrize(
    "where", ["{file}", "file://{file}", "file:///etc/hostname", "{name}", "{web}/a.png"]
)
def test_nothing_outside_of_an_svg_is_read(
    where: str, attribute: str, tmp_path: Path, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, svg = tmp_path / "secret.png", tmp_path / "bad.svg"
    Image.new("RGB", (72, 72), "red").save(secret)
    monkeypatch.chdir(tmp_path)
    address = where.format(file=secret, name=secret.name, web=asked[0])
    svg.write_text(f'{HEAD}<image {attribute}="{address}" width="72" height="72"/></svg>', encoding="utf-8")
    with pytest.raises(CannotDraw) as caught:
        draw_svg(svg)
    assert (caught.value.path, caught.value.problem.code) == (svg, ProblemCode.REFUSED)
    assert asked[1] == []


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY at "&#104;ref">]>' + HEAD + "</svg>",
        HEAD + '<use href="other.svg#cat"/></svg>',
        HEAD + '<rect width="9" height="9" style="fill:url(http://127.0.0.1:9/a)"/></svg>',
        HEAD + "<image href='/etc/hostname'/></svg>",
    ],
)
def test_no_other_way_out_is_open(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.svg").write_text(text, encoding="utf-8")
    with pytest.raises(CannotDraw) as caught:
        draw_svg(tmp_path / "bad.svg")
    assert caught.value.problem.code == ProblemCode.REFUSED


def test_parts_of_the_same_drawing_may_be_used(tmp_path: Path) -> None:
    half = (
        '<defs><rect id="half" width="36" height="72" fill="#00f"/></defs><!-- drawn --><use href="#half"/>'
    )
    (tmp_path / "good.svg").write_text(f"{HEAD}{half}</svg>", encoding="utf-8")
    pixels = np.asarray(draw_svg(tmp_path / "good.svg", 20))
    assert pixels.shape == (20, 20, 3)
    assert (pixels[:, :10] == (0, 0, 255)).all()
    assert (pixels[:, 10:] == 255).all()


@pytest.mark.parametrize("content", [b"", b"<svg", b"<html/>", b"\xff\xfe<svg/>"])
def test_what_is_no_svg_is_a_message_with_a_cure(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.svg").write_bytes(content)
    with pytest.raises(
        CannotDraw, match=r"bad\.svg cannot be drawn: .* Delete its folder.*resvg-py"
    ) as caught:
        draw_svg(tmp_path / "bad.svg")
    assert caught.value.problem.code == ProblemCode.MALFORMED
