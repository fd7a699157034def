"""Where papers and signals come from: one module a source, all behind the small protocol of ``source``.

A source is a settings struct with a name and ``collect``; what a user may change about it are its fields. ``SOURCES``
names them in the order of the report, those that list papers first.
"""

from hotpapers.digest.sources.archive import Archive
from hotpapers.digest.sources.arxiv import Arxiv
from hotpapers.digest.sources.arxiv_oai import ArxivOai
from hotpapers.digest.sources.bluesky import Bluesky
from hotpapers.digest.sources.hackernews import HackerNews
from hotpapers.digest.sources.huggingface import HuggingFace
from hotpapers.digest.sources.mastodon import Mastodon
from hotpapers.digest.sources.reddit import Reddit
from hotpapers.digest.sources.semantic_scholar import SemanticScholar
from hotpapers.digest.sources.source import Gap, Job, MissingKey, Note, Settings, Source

SOURCES: dict[str, type[Settings]] = {
    "arxiv": Arxiv,
    "arxiv-oai": ArxivOai,
    "huggingface": HuggingFace,
    "hackernews": HackerNews,
    "reddit": Reddit,
    "mastodon": Mastodon,
    "bluesky": Bluesky,
    "semantic-scholar": SemanticScholar,
    "archive": Archive,
}
DEFAULT = ("arxiv", "huggingface", "hackernews", "reddit", "mastodon", "bluesky", "semantic-scholar")
"""What is asked unless told otherwise: ``arxiv-oai`` and ``archive`` answer other questions than "what is new?"."""

__all__ = ["DEFAULT", "SOURCES", "Gap", "Job", "MissingKey", "Note", "Settings", "Source"]
