"""HTML from jinja2 templates, with every value escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from embedlab.io.text import clean, clip


def render(package: str, template: str, values: Mapping[str, object]) -> Markup:
    """Render a template of a package.

    Parameters
    ----------
    package : str
        The package whose folder ``templates/`` holds the template, for example ``"embedlab.items"``.
    template : str
        File name of the template, for example ``"items.html"``.
    values : mapping of str to object
        The names that the template uses.

    Returns
    -------
    Markup
        HTML; other templates insert it as it is.

    Raises
    ------
    jinja2.UndefinedError
        If the template uses a name that ``values`` lacks.
    """
    return Markup(environment(package).get_template(template).render(values))


@cache
def environment(package: str) -> Environment:
    """Return the environment that loads the templates of a package.

    Values are cleaned by :func:`~embedlab.io.text.clean` and escaped; a :class:`~markupsafe.Markup` is
    inserted as it is. An unknown name is an error. Templates may use the filter ``clip(max_chars)``.
    """
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean_unless_markup,
    )
    made.filters["clip"] = clip
    return made


def _clean_unless_markup(value: object) -> object:
    return value if isinstance(value, (Markup, StrictUndefined)) else clean(value)
