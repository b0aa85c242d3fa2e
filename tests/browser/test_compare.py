"""A comparison of models in a real JupyterLab: the page, both themes, and the button that opens the maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import Notebook, open_notebook, running_lab, write_notebook
from browser.test_everyone import FAINT, SMALL, THEMES
from browser.test_lab import MAP
from browser.test_linked import MAKE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COMPARE = "comparison = el.compare([one, two], cost=False)\ncomparison"
PAGE = ".embedlab-compare"
WIDE = f"""() => [...document.querySelectorAll("{PAGE} *")].filter((node) => node.checkVisibility()
  && node.getBoundingClientRect().right > document.querySelector("{PAGE}").getBoundingClientRect().right + 1
  && !node.closest(".scroll")).map((node) => node.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def compared(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("compare-lab")
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(folder / "cache")}) as lab:
        write_notebook(lab.root / "compare.ipynb", (MAKE, COMPARE))
        with open_notebook(chromium, lab, "compare.ipynb", size=(1280, 1400)) as notebook:
            notebook.command("application:toggle-left-area")
            notebook.run_all()
            notebook.wait(PAGE, 120)
            yield notebook


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_can_be_read(compared: Notebook, theme: str) -> None:
    compared.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    light = str(theme == "JupyterLab Light").lower()
    compared.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
    compared.page.evaluate(f"document.querySelectorAll('{PAGE} details').forEach((one) => (one.open = true))")
    assert compared.page.evaluate(SMALL.replace(".embedlab-explorer", PAGE)) == []
    assert compared.page.evaluate(FAINT.replace(".embedlab-explorer", PAGE)) == []
    assert compared.page.evaluate(WIDE) == []
    text = compared.page.locator(PAGE).inner_text()
    assert "1-NN accuracy" in text
    assert "Smaller vectors" in text
    assert not compared.page.evaluate("Boolean(window.hacked)"), "a label ran as markup"


def test_the_button_opens_the_linked_maps(compared: Notebook) -> None:
    compared.page.get_by_role("button", name="Explore the maps, linked").click()
    compared.wait(f"{MAP} [data-ready=true] .scatterlayer .point", 120)
    assert compared.page.locator(f"{MAP} [data-ready=true]").count() == 1
    assert compared.errors == []
