"""``hotpapers new``: a paper's folder and tests in the shape that all papers have, working from the first minute.

What it makes fits a straight line, with every part that a paper has: a card, a model, a visible training loop, a
verb, a claim with its baseline, tests. The author replaces the line by the paper's method, part by part, with the
tests green.
"""

import re
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import jinja2

from hotpapers import console
from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import written_whole

ARXIV_ID = re.compile(
    r"^(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv:)?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?$", re.I
)


def new(arxiv: str, *, slug: str | None = None, title: str | None = None, root: Path = Path()) -> None:
    """Make the folder and the tests of a new paper.

    Parameters
    ----------
    arxiv
        The paper's arXiv id or address, such as 2106.07140.
    slug
        The folder's name: lower case, words joined by underscores. Made from the title when left out.
    title
        The paper's title. Asked of arXiv when left out.
    root
        The checkout of hotpapers to write into.
    """
    found = ARXIV_ID.fullmatch(arxiv.strip())
    if not found:
        raise BadInput(f"{arxiv[:60]!r} is not an arXiv id; one looks like 2106.07140 or math/0309136.")
    papers = root / "src" / "hotpapers" / "papers"
    if not papers.is_dir():
        raise BadInput(f"{root.resolve()} is not a checkout of hotpapers: name one with --root.")
    title = " ".join((title or ask_arxiv_for_title(found[1])).split())
    slug = slug or slug_from(title)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", slug):
        raise BadInput(
            f"{slug[:60]!r} cannot be a folder's name: use lower-case letters, digits and underscores (--slug)."
        )
    if (papers / slug).exists():
        raise BadInput(f"{papers / slug} is there already: choose another name with --slug.")
    made = write_paper(root, arxiv=found[1], slug=slug, title=title)
    console.show(
        {"slug": slug, "files": [str(path) for path in made]},
        "\n".join(
            [
                *(str(path) for path in made),
                "",
                f"Try it:  hotpapers {slug.replace('_', '-')} --help",
                f"Test it: python -m pytest {root / 'tests' / 'papers' / slug}",
                "Then put the paper's method in place of the straight line; CONTRIBUTING.md says how.",
            ]
        ),
    )


def write_paper(root: Path, *, arxiv: str, slug: str, title: str) -> list[Path]:
    """Write a paper's folder and tests below ``root``, each whole or not at all, and return the files."""
    facts = {"arxiv": arxiv, "slug": slug, "title": title, "command": slug.replace("_", "-")}
    engine = jinja2.Environment(  # noqa: S701 - it writes Python and TOML, not HTML
        loader=jinja2.PackageLoader("hotpapers.scaffold"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    engine.filters["toml"] = _toml_string
    made = []
    for kind, target in (("paper", root / "src/hotpapers/papers" / slug), ("tests", root / "tests/papers" / slug)):
        with written_whole(target) as folder:
            folder.mkdir()
            for template in sorted((Path(str(resources.files("hotpapers.scaffold"))) / "templates" / kind).iterdir()):
                text = engine.get_template(f"{kind}/{template.name}").render(facts)
                (folder / template.stem).write_text(text, encoding="utf-8")
        made += sorted(target.iterdir())
    return made


def slug_from(title: str) -> str:
    """Make a folder's name from a title: the words before a colon if there is one, at most four of them."""
    words = re.findall(r"[a-z0-9]+", title.partition(":")[0].lower().replace("$", ""))
    slug = "_".join(words[:4])[:40].strip("_")
    return slug if slug[:1].isalpha() else f"paper_{slug}".strip("_")


def ask_arxiv_for_title(arxiv: str, address: str = "https://export.arxiv.org/api/query") -> str:
    """Ask arXiv's API for the title of a paper; raise where it does not answer or has no such paper."""
    import requests

    try:
        answer = requests.get(address, params={"id_list": arxiv}, timeout=20)
        answer.raise_for_status()
        atom = "{http://www.w3.org/2005/Atom}"
        found = ElementTree.fromstring(answer.content[:1_000_000]).find(f"{atom}entry/{atom}title")  # noqa: S314
    except (requests.RequestException, ElementTree.ParseError) as error:
        raise HotpapersError(f"arXiv did not answer ({type(error).__name__}): give the title with --title.") from error
    if found is None or not found.text or found.text.strip() == "Error":
        raise BadInput(f"arXiv knows no paper {arxiv}: check the id, or give the title with --title.")
    return found.text


def _toml_string(text: str) -> str:
    """Quote ``text`` as a basic TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in escaped) + '"'
