"""An e-mail (RFC 5322) with the same words twice: in plain text that reads well, and as HTML."""

import datetime
import re
import textwrap
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from hotpapers.digest.edition import Edition, Ranked
from hotpapers.digest.publish import words
from hotpapers.digest.publish.page import page
from hotpapers.digest.publish.quotes import Quote, quotes_of

WIDTH = 72
SENDER = Address("hotpapers", "digest", "hotpapers.invalid")
"""Who sends it is for the program that sends it to say; a message must name somebody."""


def publish(edition: Edition) -> bytes:
    """Return the edition as a message that a mail program sends as it is."""
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["Subject"] = words.heading(edition)
    message["Date"] = edition.written.astimezone(datetime.UTC)
    name = words.urn("message", edition.name, edition.method).removeprefix("urn:uuid:")
    message["Message-ID"] = f"<{name}@hotpapers.invalid>"
    message.set_content(plain(edition), cte="quoted-printable")
    message.add_alternative(page(edition), subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{name}")  # the same message each time
    return message.as_bytes()


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.eml"


def plain(edition: Edition) -> str:
    """Return the edition as plain text."""
    title = words.heading(edition)
    number = len(edition.entries)
    papers = f"{number} paper{'s' * (number != 1)}, the most talked about first." if number else "No paper this time."
    return "\n".join([title, "=" * len(title), "", papers, "", *map(_entry, edition.entries)])


def _entry(entry: Ranked) -> str:
    paper = entry.paper
    number = f"{entry.rank}. "
    authors = [*map(words.line, paper.authors[:6]), *(["and others"] if len(paper.authors) > 6 else [])]
    indent = " " * len(number)
    lines = [
        _wrapped(words.title(entry), number, indent),
        _wrapped(", ".join(authors), indent, indent),
        _wrapped(f"{words.counts(entry)}. {', '.join(paper.categories)}", indent, indent),
        f"{indent}{words.abstract_page(entry)}",
        *(_quote(quote, indent) for quote in quotes_of(entry.posts)[:1]),
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _quote(quote: Quote, indent: str) -> str:
    said = re.sub(r"\n{2,}", "\n", quote.text).splitlines()
    shown = [_wrapped(each, f"{indent}> ", f"{indent}> ") for each in said]
    return "\n".join([*shown, f"{indent}-- {quote.author}", *([f"{indent}   {quote.url}"] if quote.url else [])])


def _wrapped(text: str, first: str, rest: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip
