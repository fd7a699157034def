"""JSON: an edition for programs, each score with its parts and each post as a short quote with its address."""

from typing import Any

import msgspec

from hotpapers.digest.edition import Edition, Ranked
from hotpapers.digest.publish import words
from hotpapers.digest.publish.quotes import quotes_of


def publish(edition: Edition) -> bytes:
    """Return the edition as JSON."""
    told = {
        "date": edition.name,
        "first": edition.first,
        "last": edition.last,
        "method": edition.method,
        "written": edition.written,
        "entries": rows(edition),
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.json"


def rows(edition: Edition) -> list[dict[str, Any]]:
    """Return the edition's papers, one a row."""
    return list(map(_row, edition.entries))


def _row(entry: Ranked) -> dict[str, Any]:
    paper = entry.paper
    return {
        "rank": entry.rank,
        "arxiv": paper.arxiv,
        "title": words.line(paper.title),
        "authors": list(paper.authors),
        "categories": list(paper.categories),
        "abstract": words.line(paper.abstract),
        "abstract_url": words.abstract_page(entry),
        "pdf_url": f"https://arxiv.org/pdf/{paper.arxiv}",
        "score": entry.score,
        "parts": [{"name": part.name, "value": part.value, "note": part.note} for part in entry.parts],
        "reposts": entry.reposts,
        "likes": entry.likes,
        "counted": entry.counted,
        "posts": [
            {"author": quote.author, "made": quote.when, "text": quote.text, "url": quote.url}
            for quote in quotes_of(entry.posts)
        ],
    }
