"""HTML from templates: escaped, cleaned, and strict about names."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError
from markupsafe import Markup

import embedlab
from embedlab.io import html


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    made = html.environment.__wrapped__("embedlab.items")
    made.loader = DictLoader(
        {"a.html": "<p title='{{ value }}'>{{ value }}</p>", "clip.html": "{{ value|clip(4) }}"}
    )
    monkeypatch.setattr(html, "environment", lambda package: made)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("' onload='x", "&#39; onload=&#39;x"),
        ("nul \0 and \ud800", "nul \ufffd and \ufffd"),
        (Markup("<b>bold</b>"), "<b>bold</b>"),
        (7, "7"),
    ],
)
def test_values_are_cleaned_and_escaped_once(value: object, shown: str) -> None:
    assert html.render("embedlab.items", "a.html", {"value": value}) == f"<p title='{shown}'>{shown}</p>"


@pytest.mark.usefixtures("environment")
def test_a_template_can_cut_a_value_before_it_is_escaped() -> None:
    assert html.render("embedlab.items", "clip.html", {"value": "<<<<<"}) == "&lt;&lt;&lt;…"


@pytest.mark.usefixtures("environment")
def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="value"):
        html.render("embedlab.items", "a.html", {})


def test_every_template_of_the_package_compiles() -> None:
    root = Path(embedlab.__file__).parent
    folders = sorted(root.rglob("templates"))
    assert folders
    for folder in folders:
        package = ".".join(("embedlab", *folder.parent.relative_to(root).parts))
        environment = html.environment(package)
        for template in folder.glob("*.html"):
            environment.get_template(template.name)
