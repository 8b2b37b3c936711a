"""One self-contained page: head, contents, sections and foot in the library's look."""

import re
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any

from evenhand.experiments.markup import Markup, join, tag


def document(
    title: str, lead: Sequence[Any], sections: Sequence[tuple[str, str, Markup]], foot: Markup
) -> Markup:
    """The text of a page; `sections` are (id, title, content), `lead` stands under the title."""
    from evenhand.experiments.figures.style import theme_css

    light, dark = theme_css()
    links = [tag("li", tag("a", words, href=f"#{name}")) for name, words, _ in sections]
    nav = tag("nav", tag("ul", *links), aria_label="Sections")
    body = [
        tag("section", tag("h2", words), content, id=name, aria_label=words)
        for name, words, content in sections
    ]
    page = _template("page.html").substitute(
        title=join(title),
        style=_template("page.css").substitute(light=light, dark=dark),
        head=join(tag("h1", title), *lead, nav),
        body=join(*body),
        foot=foot,
    )
    return Markup(re.sub(r"[ \t]+\n", "\n", page))


def _template(name: str) -> Template:
    source = files("evenhand.experiments") / "templates" / name
    return Template(source.read_text(encoding="utf-8"))
