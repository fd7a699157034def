"""Days and moments as people write them."""

import datetime

from hotpapers.errors import BadInput


def read_range(text: str) -> tuple[datetime.date, datetime.date]:
    """Read ``2021-06-15``, or ``2021-06-15 - 2021-06-18``, as its first and its last day."""
    first, separator, last = text.partition(" - ")
    days = _day(first), _day(last if separator else first)
    if days[1] < days[0]:
        raise BadInput(f"{text[:40]!r} ends before it begins.")
    return days


def read_moment(text: str) -> datetime.datetime:
    """Read a moment such as ``2021-06-16T12:00`` or ``2021-06-16T21:00+09:00``; without a zone it is in UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text[:40]!r} is no moment; write it as 2021-06-16T12:00 (UTC).") from error


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text[:40]!r} is no date; write it as YYYY-MM-DD, such as 2021-06-15.") from error
