"""A small archive of papers that are not there, some of them hostile, as posts of the blog."""

import datetime
from pathlib import Path

from hotpapers.digest.edition import edition_of
from hotpapers.digest.post import Post, PostEntry, read_embed
from hotpapers.digest.publish import markdown

TRAPS = (
    "<img src=x onerror=\"window.trapped='img'\">",
    "<script>window.trapped='script'</script>",
    "<svg onload=\"window.trapped='svg'\"></svg>",
    "<iframe src=\"javascript:parent.trapped='frame'\"></iframe>",
    "<a href=\"javascript:window.trapped='link'\">here</a>",
    "<style>body{display:none}</style>",
    "]]></description></item><item><title>trap</title>",
    "{{ 7 * 7 }} {% raw %}",
    "</title></head><base href='https://evil.example/'>",
)


def embed(words: str, name: str = "Ada", handle: str = "ada", status: int = 1404980000000000000):
    block = (
        f'<blockquote class="twitter-tweet"><p lang="en" dir="ltr">{words}</p>&mdash; {name} (@{handle}) '
        f'<a href="https://twitter.com/{handle}/status/{status}?ref_src=x">June 16, 2021</a></blockquote>'
    )
    found = read_embed(block)
    assert found, block
    return found


def entry(rank: int, arxiv: str, title: str, **told) -> PostEntry:
    settings = {
        "authors": "Ada Lovelace, Zoë Müller",
        "retweets": 900 - rank,
        "favourites": 90,
        "written": datetime.datetime(2021, 6, 17, 9, 34, 35 + rank),
        "categories": ("cs.CV", "cs.LG"),
        "abstract": "We study photographs & words.",
        "embeds": (),
    } | told
    return PostEntry(rank=rank, arxiv=arxiv, title=title, **settings)


def posts() -> list[Post]:
    hostile = [
        entry(
            rank,
            f"2106.0770{rank}",
            f"Trap {rank} {trap}",
            authors=f"Mallory {trap}, Eve",
            abstract=f"Words {trap}",
            embeds=(embed(f'Look {trap} now<br>and <a href="https://t.co/x">there</a>', name=f"M {trap}"),),
        )
        for rank, trap in enumerate(TRAPS, start=1)
    ]
    good = [
        entry(1, "2106.07001", "Better  Photographs in $O(n^2)$", embeds=(embed("So &quot;good&quot; &amp; new"),)),
        entry(2, "2106.06561", "A Paper of Another Day, Again"),
    ]
    long = embed("word " * 400, name="Long")
    return [
        _post(datetime.date(2021, 6, 9), [entry(1, "2106.04001", "An Older Paper", categories=("cs.CL",))]),
        _post(datetime.date(2021, 6, 16), good),
        _post(datetime.date(2021, 6, 17), hostile),
        _post(datetime.date(2021, 7, 1), [entry(1, "2106.09001", "One of Two Days", embeds=(long,))],
              datetime.date(2021, 7, 2)),
        _post(datetime.date(2021, 7, 5), []),
    ]  # fmt: skip


def write(folder: Path) -> Path:
    """Write the posts as the blog would have, and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for post in posts():
        edition = edition_of(post)
        (folder / markdown.file_name(edition)).write_bytes(markdown.publish(edition))
    return folder


def _post(first: datetime.date, entries: list[PostEntry], last: datetime.date | None = None) -> Post:
    return Post(first, last or first, datetime.datetime(2021, 6, 17, 9, 34, 35), tuple(entries), min(len(entries), 1))
