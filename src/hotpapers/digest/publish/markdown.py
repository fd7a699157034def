"""The blog's own format, to the byte: an imported post comes back as it was, a new day is written like it."""

import datetime
import html

from hotpapers.digest.edition import Edition, Ranked
from hotpapers.digest.post import JAPAN, SCRIPT, write_head
from hotpapers.digest.records import Signal


def publish(edition: Edition) -> bytes:
    """Return the edition as the blog would have posted it."""
    head = write_head(edition.name, _blog_time(edition.written))
    return (head + "\n" * (edition.blank_lines - 1) + "".join(map(_entry, edition.entries))).encode()


def file_name(edition: Edition) -> str:
    """Return the name that the blog gives such a file; a range has no blanks in it."""
    return f"{edition.name.replace(' - ', '-')}---Hot-Papers.md"


def _entry(entry: Ranked) -> str:
    paper = entry.paper
    counted = _blog_time(entry.counted).strftime("%m/%d/%Y %H:%M:%S")
    address = "https://arxiv.org"
    categories = " | ".join(f"[{each}]({address}/list/{each}/recent)" for each in paper.categories)
    lines = [
        "",
        f"# {entry.rank}. {_line(paper.title)}",
        "",
        _line(", ".join(paper.authors)),
        "",
        f"- retweets: {entry.reposts}, favorites: {entry.likes} ({counted})",
        "",
        f"- links: [abs]({address}/abs/{paper.arxiv}) | [pdf]({address}/pdf/{paper.arxiv})",
        f"- {categories}",
        "",
        _line(paper.abstract),
        "",
        *(line for post in entry.posts for line in (_block(post), SCRIPT, "")),
        "",
        "",
    ]
    return "\n".join(lines) + "\n"


def _block(post: Signal) -> str:
    """Return an embedded post. Only the blog's own blocks are taken as they are; what others wrote is escaped."""
    if post.source == "twitter" and post.html.startswith('<blockquote class="twitter-tweet"'):
        return post.html
    words = html.escape(post.text, quote=False).replace("\n", "<br>")
    name, handle = html.escape(post.name or post.actor or post.source), html.escape(post.actor or post.source)
    made = f"{post.made:%B} {post.made.day}, {post.made.year}" if post.made else post.source
    link = f'<a href="{html.escape(post.url)}">{made}</a>'
    shown = f"{words}</p>&mdash; {name} (@{handle}) {link}"
    return _line(f'<blockquote class="twitter-tweet"><p dir="ltr">{shown}</blockquote>')


def _line(text: str) -> str:
    """Return ``text`` with its line breaks as blanks, as the blog does with abstracts."""
    return text.replace("\r\n", " ").replace("\n", " ")


def _blog_time(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(JAPAN).replace(tzinfo=None)
