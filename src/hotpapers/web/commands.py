"""The commands ``hotpapers site build`` and ``hotpapers serve``."""

from pathlib import Path
from typing import Any

from hotpapers import console

SITE = Path("build/site")


def build(*, out: Path = SITE, base_url: str | None = None, evidence: Path | None = None) -> None:
    """Write the site's pages: the digests, a page for each paper, the evidence behind every verdict.

    Parameters
    ----------
    out
        The folder to write; a site that is there already is replaced as a whole.
    base_url
        The address that the site will have, such as https://example.org/hotpapers/. Its map and its page for wrong
        addresses need it.
    evidence
        A folder of further evidence to show, such as the one that `hotpapers reproduce --out` wrote.
    """
    from hotpapers.web.site import build_site

    pages = build_site(out, base_url=base_url, evidence=evidence)
    first = Path(out) / "index.html"
    console.show({"out": str(out), "pages": pages}, f"{pages} pages; start at {first}")


def __getattr__(name: str) -> Any:
    # `serve` is the server's own function, with its own signature and words; the server needs the extra `web`.
    if name == "serve":
        from hotpapers.web.server import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
