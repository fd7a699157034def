"""HTML: an edition as one page that needs nothing else, runs nothing, and reads well in a mail program too."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from hotpapers.digest.edition import Edition
from hotpapers.digest.publish import words
from hotpapers.digest.publish.quotes import quotes_of


def publish(edition: Edition) -> bytes:
    """Return the edition as a page."""
    return page(edition).encode()


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.html"


def page(edition: Edition) -> str:
    """Return the edition's page."""
    return _template().render(edition=edition)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("hotpapers.digest.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "heading": words.heading, "paper_title": words.title, "counts": words.counts, "line": words.line,
        "abstract_page": words.abstract_page, "quotes": quotes_of, "clean": Markup,
    }  # fmt: skip
    return environment.get_template("page.html")
