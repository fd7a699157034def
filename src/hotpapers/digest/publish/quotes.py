"""What others wrote, as short quotes that can do no harm: cleaned words, who said them, and where."""

import html
import re

import msgspec
import nh3

from hotpapers.digest.records import Signal

LONGEST = 300
"""Characters of a post that are quoted: all of most posts, and never an essay."""
SHOWN = 3
"""Posts that are quoted under a paper."""
_WORDS = re.compile(r"<p\b[^>]*>(.*?)</p>", re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A post as it is shown.

    Attributes
    ----------
    text, html
        Its words, without markup and as HTML of links and line breaks alone.
    author
        Who wrote it, as people know them.
    when
        The day on which it was written, as YYYY-MM-DD, or nothing.
    url
        Its address on the web, or nothing.
    """

    text: str
    html: str
    author: str
    when: str
    url: str


def quotes_of(posts: tuple[Signal, ...]) -> list[Quote]:
    """Return the first posts as quotes; one without words says nothing and is left out."""
    return [quote for quote in map(quote_of, posts) if quote.text][:SHOWN]


def quote_of(post: Signal) -> Quote:
    """Return a post as a quote."""
    clean = _clean(post.html)
    text = printable(post.text) or html.unescape(nh3.clean(clean.replace("<br>", "\n"), tags=set()))
    text = text.strip()
    if len(text) > LONGEST or not clean:
        text = text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
        clean = html.escape(text, quote=False).replace("\n", "<br>")
    name, handle = (" ".join(printable(each).split())[:80] for each in (post.name, post.actor or ""))
    return Quote(
        text=text,
        html=clean,
        author=" ".join(filter(None, [name, f"@{handle}" if handle and not handle.startswith("did:") else ""])),
        when=f"{post.made:%Y-%m-%d}" if post.made else "",
        url=web_address(post.url),
    )


def web_address(url: str) -> str:
    """Return ``url`` if a browser would go to a web page by it, else nothing."""
    return url if re.fullmatch(r"https?://[!-~]{1,2000}", url) and not re.search(r'[<>"\\^`{|}]', url) else ""


def printable(text: str) -> str:
    """Return ``text`` without characters that XML and terminals do not take."""
    return _CONTROL.sub("", text)


def _clean(raw: str) -> str:
    """Return the words of a post's HTML (of a widget's block: of its first paragraph) with links and breaks alone."""
    found = _WORDS.search(raw)
    return nh3.clean(
        printable(found[1] if found else raw),
        tags={"a", "br"},
        attributes={"a": {"href"}},
        attribute_filter=lambda _, __, value: web_address(value) or None,
        url_schemes={"http", "https"},
        link_rel="nofollow noopener noreferrer",
    ).strip()
