"""The static site: a page for each digest, for each paper and for how it all works, with the evidence beside them.

The folder can be opened from disk or put on any host: its links are relative, and nothing in it asks another host.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hotpapers import __version__
from hotpapers.cards import Card, all_cards
from hotpapers.claims.evidence import load_evidence, own_folder, shipped_folder
from hotpapers.claims.judge import Verdict
from hotpapers.digest import Digest, days, load_day
from hotpapers.digest.commands import facts
from hotpapers.digest.mathtext import plain_title
from hotpapers.digest.publish import words
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.web.archive import FEEDS, Archive, load_archive, week_name, write_archive
from hotpapers.web.readme import PICTURES, render_readme
from hotpapers.web.views import Found, PaperView, papers_of

MARK = ".hotpapers-site"
"""Lies in a built site, so that no other folder is ever replaced by one."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
CATEGORIES = {
    "cs.AI": "artificial intelligence", "cs.CL": "language", "cs.CV": "vision", "cs.DB": "databases",
    "cs.GR": "graphics", "cs.LG": "machine learning", "cs.RO": "robotics", "cs.SD": "sound",
    "cs.SE": "software engineering", "cs.SI": "networks", "eess.AS": "audio and speech", "eess.IV": "image processing",
    "math-ph": "mathematical physics", "physics.bio-ph": "biological physics", "physics.chem-ph": "chemical physics",
    "physics.comp-ph": "computational physics", "q-bio.BM": "biomolecules", "q-bio.NC": "neurons and cognition",
    "stat.ML": "machine learning (statistics)",
}  # fmt: skip


def build_site(
    out: Path,
    *,
    live: bool = False,
    base_url: str | None = None,
    evidence: Path | None = None,
    cards: Mapping[str, Card] | None = None,
    digests: Sequence[Digest] | None = None,
    found: Found | None = None,
    archive: Archive | None = None,
) -> int:
    """Write the site to ``out`` as a whole and return how many pages it has.

    Parameters
    ----------
    out
        The folder. A site that is there already is replaced; any other folder that holds something is refused.
    live
        Whether the live server shows the pages, so that they lead to its forms.
    base_url
        The address that the site will have, for the map of the site and the page of wrong addresses.
    evidence
        A folder of evidence besides what is shipped and the user's own.
    cards, digests, found, archive
        What to show; all there is when left out.

    Raises
    ------
    BadInput
        If ``out`` is not ours to replace, ``base_url`` is no web address, or ``evidence`` no folder.
    """
    out = Path(out).resolve()
    _hold_free(out)
    if base_url is not None and (urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc):
        raise BadInput(f"{base_url[:80]!r} is no web address; write it as https://example.org/hotpapers/.")
    if evidence is not None and not evidence.is_dir():
        raise BadInput(f"There is no folder {evidence}; `hotpapers reproduce --out {evidence}` makes one.")
    if found is None:
        found = load_evidence([shipped_folder(), own_folder(), *([evidence] if evidence else [])])
    shown = sorted((load_day(day) for day in days()) if digests is None else digests, key=lambda each: each.date)
    cards = all_cards() if cards is None else cards
    papers = papers_of(shown[::-1], cards, found)
    if archive is None:
        archive = load_archive([digest.date for digest in shown])
    with written_whole(out) as folder:
        return _Writer(folder, papers, shown[::-1], live, base_url, archive).write()


def _hold_free(out: Path) -> None:
    if out.is_dir() and not (out / MARK).is_file() and any(out.iterdir()):
        raise BadInput(f"{out} holds files that are not a site built here; name an empty or a new folder with --out.")
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; name a folder with --out.")


class _Writer:
    """Writes the pages into ``folder``; counts them."""

    def __init__(
        self,
        folder: Path,
        papers: dict[str, PaperView],
        digests: list[Digest],
        live: bool,
        base_url: str | None,
        archive: Archive | None,
    ) -> None:
        self.folder, self.papers, self.digests, self.base_url = folder, papers, digests, base_url
        self.live, self.archive = live, archive
        self.pages: list[str] = []
        self.copied: dict[Path, str] = {}
        """What lies on the site of files elsewhere: the file → its address."""
        self.environment = Environment(
            loader=PackageLoader("hotpapers.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= FILTERS
        self.environment.globals |= {
            "policy": POLICY, "live": live, "version": __version__, "papers": papers, "digests": digests,
            "archive": archive, "feeds": FEEDS if archive and base_url else (),
            "category_words": CATEGORIES, "verdicts": list(Verdict),
            "runs_here": [slug for slug, paper in papers.items() if paper.card is not None],
        }  # fmt: skip

    def write(self) -> int:
        self.folder.mkdir()
        (self.folder / MARK).write_text(f"hotpapers {__version__}\n", encoding="utf-8")
        ignored = None if self.archive else shutil.ignore_patterns("search.js")
        shutil.copytree(Path(__file__).parent / "static", self.folder / "static", ignore=ignored)
        newest = self.digests[0] if self.digests else None
        self.page("index.html", "digest.html" if newest else "papers.html", digest=newest, front=True, here="digest")
        self.page("digest/index.html", "digests.html", here="digest")
        for digest in self.digests:
            self.page(f"digest/{digest.date}/index.html", "digest.html", digest=digest, front=False, here="digest")
            self.file(f"digest/{digest.date}/index.json", self.digest_facts(digest))
        self.page("papers/index.html", "papers.html", here="papers")
        for paper in self.papers.values():
            self.paper(paper)
        if self.archive:
            write_archive(self.archive, self.page, self.file, self.papers, self.base_url, live=self.live)
        self.page("about/index.html", "about.html", here="about")
        self.page("404.html", "404.html", here="", root=urlsplit(self.base_url or "").path.rstrip("/") + "/")
        self.for_machines()
        return len(self.pages)

    def page(self, path: str, template: str, *, root: str | None = None, **facts: Any) -> None:
        root = "../" * path.count("/") if root is None else root
        text = self.environment.get_template(template).render(root=root, path=path, **facts)
        self.file(path, text.encode())
        self.pages.append(path)

    def file(self, path: str, raw: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)

    def paper(self, paper: PaperView) -> None:
        for claim in paper.claims:
            for run in (claim.best, *claim.others):
                if run is not None and run.evidence.path is not None:
                    self.copy(run.evidence.path, run.address)
                    for attachment in run.attachments:
                        self.copy(attachment.source, attachment.address)
        readme = self.readme(paper) if paper.card else None
        self.page(f"papers/{paper.slug}/index.html", "paper.html", paper=paper, readme=readme, here="papers")

    def readme(self, paper: PaperView) -> Markup | None:
        assert paper.card is not None
        source = paper.card.folder / "README.md"
        if not source.is_file():
            return None
        folder = source.parent.resolve()

        def picture(target: Path) -> str | None:
            if not target.is_relative_to(folder):
                return quote(f"../../{self.copied[target]}") if target in self.copied else None
            name = target.relative_to(folder).as_posix()
            self.copy(target, f"papers/{paper.slug}/{name}")
            return quote(name)

        def page(target: Path) -> str | None:
            other = target.parent.name
            if target.name == "README.md" and other in self.papers:
                return f"../{other}/index.html"
            return picture(target) if target in self.copied or target.suffix.lower() in PICTURES else None

        html = render_readme(source.read_text(encoding="utf-8"), folder, picture, page)
        return Markup(html)  # noqa: S704 - cleaned by nh3

    def copy(self, source: Path, address: str) -> None:
        target = self.folder / address
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        self.copied[source.resolve()] = address

    def digest_facts(self, digest: Digest) -> bytes:
        """Return a digest for machines: its entries with the verdicts of their claims."""
        told = facts(digest)
        for entry in told["entries"]:
            paper = self.papers[entry["slug"]]
            entry["runs_here"] = paper.card is not None
            entry["verdicts"] = {claim.claim.id: claim.verdict.value for claim in paper.claims}
        return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"

    def for_machines(self) -> None:
        robots = "User-agent: *\nAllow: /\n"
        if self.base_url is not None:
            base = self.base_url.rstrip("/") + "/"
            rows = "".join(
                f"  <url><loc>{escape(base + page.removesuffix('index.html'))}</loc></url>\n"
                for page in self.pages
                if page != "404.html"
            )
            head = (
                '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            )
            (self.folder / "sitemap.xml").write_text(f"{head}{rows}</urlset>\n", encoding="utf-8")
            robots += f"Sitemap: {base}sitemap.xml\n"
        (self.folder / "robots.txt").write_text(robots, encoding="utf-8")


def _docstring(words: str) -> Markup:
    """Return a docstring's words, escaped, with what stands in double backticks as code."""
    return Markup(re.sub(r"``(.+?)``", r"<code>\1</code>", str(escape(words))))  # noqa: S704


FILTERS = {
    "title": plain_title, "day": words.day_in_words, "month": words.month_in_words, "week": week_name,
    "count": "{:,}".format, "address": quote, "docstring": _docstring, "heading": words.heading,
    "address_name": words.address_name, "paper_title": words.title, "abstract_page": words.abstract_page,
    "cleaned": Markup,
}  # fmt: skip
"""What the templates call; ``cleaned`` takes what nh3 has cleaned."""
