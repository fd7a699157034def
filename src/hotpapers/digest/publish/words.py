"""The words that every format uses of an edition: its title, a paper's, its counts, its address."""

import datetime
import uuid

from hotpapers.digest.edition import Edition, Ranked
from hotpapers.digest.mathtext import plain_title
from hotpapers.digest.publish.quotes import printable

HOME = "https://github.com/hotpapers/hotpapers"
"""Where a feed leads when no site of ours has its pages."""
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def address_name(edition: Edition) -> str:
    """Return the edition's name in an address or of a file: the day, or both days."""
    return edition.name.replace(" - ", "-")


def day_in_words(date: datetime.date) -> str:
    """Return ``15 June 2021`` whatever the locale."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def month_in_words(day: datetime.date) -> str:
    """Return ``June 2021``."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def days_in_words(first: datetime.date, last: datetime.date) -> str:
    """Return ``15 June 2021``, or ``3 July 2020 to 5 July 2020``."""
    return day_in_words(first) if first == last else f"{day_in_words(first)} to {day_in_words(last)}"


def heading(edition: Edition) -> str:
    """Return the edition's title."""
    return f"Hot papers of {days_in_words(edition.first, edition.last)}"


def title(entry: Ranked) -> str:
    """Return a paper's title on one line, its mathematics as characters."""
    return plain_title(line(entry.paper.title)) or f"arXiv {entry.paper.arxiv}"


def line(text: str) -> str:
    """Return ``text`` on one line."""
    return " ".join(printable(text).split())


def counts(entry: Ranked) -> str:
    """Return how often a paper was passed on and liked, in words."""
    reposts, likes = entry.reposts, entry.likes
    return f"{reposts:,} repost{'s' * (reposts != 1)}, {likes:,} like{'s' * (likes != 1)}"


def abstract_page(entry: Ranked) -> str:
    """Return the address of the paper's page on arXiv."""
    return f"https://arxiv.org/abs/{entry.paper.arxiv}"


def urn(*names: str) -> str:
    """Return an identifier that is the same for the same names, for ever."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(("hotpapers digest", *names))).urn
