"""Signals in the store: an item is kept once, what a source says of it as often as it is said."""

import datetime
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, case, or_, select, union

from hotpapers.digest.records import Signal
from hotpapers.digest.store.papers import chunks
from hotpapers.digest.store.schema import item_key, items, mentions, microseconds, moment, observations, storable

Row = dict[str, Any]
_DELETIONS = "deletions"
_LARGEST = 2**63 - 1
_FILLED = ("actor", "made", "root", "root_item", "name", "text", "html", "url")


class Added(msgspec.Struct, frozen=True):
    """How much of what was given had not been there: items (posts, likes, …) and what was said of them."""

    items: int = 0
    observations: int = 0

    def __add__(self, other: "Added") -> "Added":
        return Added(self.items + other.items, self.observations + other.observations)


def add_signals(connection: Connection, insert: Callable[[Table], Any], signals: Sequence[Signal]) -> Added:
    """Add signals and return how much of that is new."""
    rows = _rows(signals)

    def insert_new(table: Table) -> int:
        return _run_many(connection, insert(table).on_conflict_do_nothing(), rows[table])

    new = insert_new(items)
    if new < len(rows[items]):
        connection.execute(_fill_in(insert), rows[items])
    insert_new(mentions)
    return Added(new, insert_new(observations))


def read_signals(connection: Connection, arxivs: Sequence[str], as_of: datetime.datetime) -> list[Signal]:
    """Return what had been seen at ``as_of`` of the items that name these papers, and of their reposts and likes.

    Each has the counts that were seen last; what had been deleted is left out. They come in the order of their keys.
    """
    found: dict[int, Signal] = {}
    for some in chunks(arxivs, 1000):
        found.update(_read_some(connection, some, as_of))
    return [found[key] for key in sorted(found)]


def _rows(signals: Sequence[Signal]) -> dict[Table, list[Row]]:
    """Return the rows of each table, by their keys: so two writers never wait for each other crosswise."""
    described: list[Row] = []
    named: dict[tuple[str, int], Row] = {}
    counted: list[Row] = []
    for signal in signals:
        key = item_key(signal.source, signal.item)
        seen = microseconds(signal.seen)
        described.append({
            "key": key,
            "source": signal.source,
            "item": storable(signal.item),
            "kind": signal.kind,
            "actor": signal.actor and storable(signal.actor),
            "made": microseconds(signal.made) if signal.made else None,
            "seen": seen,
            "root": item_key(signal.source, signal.root) if signal.root else None,
            "root_item": signal.root and storable(signal.root),
            "name": storable(signal.name),
            "text": storable(signal.text),
            "html": storable(signal.html),
            "url": storable(signal.url),
        })  # fmt: skip
        for arxiv in signal.papers:
            named[arxiv, key] = {"arxiv": arxiv, "item": key}
        counts = signal.counts if signal.kind != "deletion" else {_DELETIONS: 1}
        counted += [
            {"item": key, "metric": metric, "seen": seen, "value": min(value, _LARGEST)}
            for metric, value in counts.items()
        ]
    return {
        items: sorted(described, key=lambda row: (row["key"], row["seen"])),
        mentions: [named[key] for key in sorted(named)],
        observations: sorted(counted, key=lambda row: (row["item"], row["metric"], row["seen"])),
    }


def _run_many(connection: Connection, statement: Any, rows: list[Row]) -> int:
    """Run an insert for each row and return how many rows it touched.

    The driver gets the rows as they are: SQLAlchemy would look at every value of millions, and has nothing to convert.
    """
    if not rows:
        return 0
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    return connection.exec_driver_sql(str(compiled), rows).rowcount


def _fill_in(insert: Callable[[Table], Any]) -> Any:
    """Return the statement that adds to items that are there what had not been known of them."""
    statement = insert(items)
    new, old = statement.excluded, items.c
    earlier = new.seen < old.seen
    undescribed = (old.kind == "deletion") & (new.kind != "deletion")
    fill = {name: case((_empty(old[name]), new[name]), else_=old[name]) for name in _FILLED}
    missing = [_empty(old[name]) & ~_empty(new[name]) for name in _FILLED]
    return statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            **fill,
            "kind": case((undescribed, new.kind), else_=old.kind),
            "seen": case((earlier, new.seen), else_=old.seen),
        },
        where=or_(earlier, undescribed, *missing),
    )


def _empty(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.is_(None) | (column == "") if column.name in ("name", "text", "html", "url") else column.is_(None)


def _read_some(connection: Connection, arxivs: Sequence[str], as_of: datetime.datetime) -> dict[int, Signal]:
    until = microseconds(as_of)
    naming = select(mentions.c.item).where(mentions.c.arxiv.in_(arxivs))
    keys = union(naming, select(items.c.key).where(items.c.root.in_(naming)))
    named = defaultdict(list)
    for key, arxiv in connection.execute(
        select(mentions.c.item, mentions.c.arxiv).where(mentions.c.item.in_(keys)).order_by(mentions.c.arxiv)
    ):
        named[key].append(arxiv)
    counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
    last_seen: dict[int, int] = {}
    told = select(observations.c.item, observations.c.metric, observations.c.seen, observations.c.value).where(
        observations.c.item.in_(keys), observations.c.seen <= until
    )
    for key, metric, at, value in connection.execute(told.order_by(*observations.primary_key)).all():
        counts[key][metric] = value
        if at > last_seen.get(key, -1):
            last_seen[key] = at
    columns = ("key", "source", "item", "kind", "actor", "made", "seen", "root_item", "name", "text", "html", "url")
    rows = connection.execute(
        select(*(items.c[name] for name in columns)).where(items.c.key.in_(keys), items.c.seen <= until)
    ).all()
    return {
        key: Signal(
            source=source,
            item=item,
            kind=kind,
            papers=tuple(named[key]),
            actor=actor,
            made=None if made is None else moment(made),
            seen=moment(last_seen.get(key, seen)),
            counts=counts[key],
            root=root,
            name=name,
            text=text,
            html=html,
            url=url,
        )
        for key, source, item, kind, actor, made, seen, root, name, text, html, url in rows
        if _DELETIONS not in counts[key]
    }
