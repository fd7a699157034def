"""``hotpapers doctor``: what is installed, which extras and devices are there, what is missing and what mends it."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from typing import Any

from hotpapers import __version__, cards, console
from hotpapers.files import home


def doctor() -> int:
    """Say what is installed, what is missing, and the exact command that mends it.

    Returns
    -------
    int
        0 when every paper that is here can run, 1 when something is missing for one of them.
    """
    extras = {name: _missing(requirements) for name, requirements in _extras().items()}
    papers = {
        card.slug: sorted({package for extra in card.extras for package in extras.get(extra, [extra])})
        for card in cards.all_cards().values()
    }
    facts = {
        "hotpapers": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "extras": {name: {"installed": not missing, "missing": missing} for name, missing in extras.items()},
        "devices": _devices(),
        "home": {"path": str(home()), "writable": _writable()},
        "papers": {slug: {"runs": not missing, "missing": missing} for slug, missing in papers.items()},
        "mends": _mends(papers, extras),
    }
    console.show(facts, _tables(facts))
    return 1 if any(papers.values()) else 0


def _extras() -> dict[str, list[str]]:
    """Return extra → its requirements, as the installed package's metadata has them, versions left out."""
    extras: dict[str, list[str]] = {}
    for line in importlib.metadata.requires("hotpapers") or ():
        if found := re.fullmatch(r"""([A-Za-z0-9._-]+)[^;]*;\s*extra\s*==\s*["']([\w-]+)["']""", line):
            extras.setdefault(found[2], []).append(found[1])
    return {name: sorted(packages) for name, packages in extras.items() if name not in ("all", "dev")}


def _missing(packages: list[str]) -> list[str]:
    def absent(package: str) -> bool:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return True
        return False

    return [package for package in packages if absent(package)]


def _devices() -> list[str]:
    found = [f"cpu: {os.cpu_count()} cores, {platform.processor() or platform.machine()}"]
    if importlib.util.find_spec("torch"):
        import torch

        found += [f"cuda:{n}: {torch.cuda.get_device_name(n)}" for n in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append("mps: Apple GPU")
    return found


def _writable() -> bool:
    folder = home()
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


def _mends(papers: dict[str, list[str]], extras: dict[str, list[str]]) -> list[str]:
    wanted = sorted({extra for card in cards.all_cards().values() if papers[card.slug] for extra in card.extras})
    mends = [f'{sys.executable} -m pip install "hotpapers[{",".join(wanted)}]"'] if wanted else []
    if extras.get("web"):
        mends.append(f'{sys.executable} -m pip install "hotpapers[web]"  # for hotpapers serve')
    if not _writable():
        mends.append(f"export HOTPAPERS_HOME=FOLDER  # {home()} cannot be written to")
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        mends.append("apt-get install chromium  # only for this project's own browser tests")
    return mends


def _tables(facts: dict[str, Any]) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 2))
    head.add_row("hotpapers", facts["hotpapers"])
    head.add_row("Python", f"{facts['python']} on {facts['platform']}")
    for device in facts["devices"]:
        head.add_row("device", device)
    state = "writable" if facts["home"]["writable"] else "NOT writable"
    head.add_row("home", Text(f"{facts['home']['path']} ({state})"))
    extras = Table("extra", "installed", "missing", title="Extras", title_justify="left")
    for name, each in facts["extras"].items():
        extras.add_row(name, "yes" if each["installed"] else "no", ", ".join(each["missing"]))
    papers = Table("paper", "runs here", "missing", title="Papers", title_justify="left")
    for slug, each in facts["papers"].items():
        papers.add_row(slug, "yes" if each["runs"] else "no", ", ".join(each["missing"]))
    mends = Text("\n".join(["What mends it:", *facts["mends"]]) if facts["mends"] else "Nothing to mend.")
    return Group(head, extras, papers, mends)
