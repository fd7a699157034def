"""The commands ``hotpapers data list``, ``fetch`` and ``path``."""

from typing import Any

from hotpapers import console


def list_() -> None:
    """List the datasets: what they hold, size, licence, and whether they are here."""
    from hotpapers.datasets import REGISTRY

    facts = [
        {
            "name": each.name,
            "what": each.what,
            "download_bytes": each.size,
            "licence": each.licence,
            "page": each.page,
            "here": each.here,
        }
        for each in sorted(REGISTRY.values(), key=lambda each: each.size)
    ]
    console.show(facts, _table(facts))


def fetch(name: str) -> None:
    """Download a dataset, check it, and print where it lies.

    Parameters
    ----------
    name
        The dataset, as ``hotpapers data list`` names it.
    """
    from hotpapers.datasets import fetch

    folder = fetch(name)
    console.show({"name": name, "folder": str(folder)}, str(folder))


def path(name: str) -> int:
    """Print where a dataset lies; leave with 1 where it is not here yet.

    Parameters
    ----------
    name
        The dataset, as ``hotpapers data list`` names it.
    """
    from hotpapers.datasets import fetch, find

    dataset = find(name)
    folder = fetch(name) if dataset.here else dataset.folder
    console.show({"name": name, "folder": str(folder), "here": dataset.here}, str(folder))
    if not dataset.here:
        console.say(f"It is not here yet: hotpapers data fetch {name}")
    return 0 if dataset.here else 1


def _table(facts: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table("name", "what", "download", "licence", "here")
    table.columns[2].justify = "right"
    for row in facts:
        size = f"{row['download_bytes'] / 1e6:.0f} MB" if row["download_bytes"] else "none"
        table.add_row(row["name"], row["what"], size, row["licence"], "yes" if row["here"] else "no")
    return table
