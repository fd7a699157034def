"""A paper's README as HTML that can do no harm: rendered, cleaned, its pictures copied and its links mended."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.footnote import footnote_plugin

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "figcaption", "figure", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "kbd", "li", "ol", "p", "pre", "s", "section", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title", "id"}, "img": {"src", "alt", "title", "width", "height"}, "ol": {"start"},
              "li": {"id"}, **{f"h{level}": {"id"} for level in range(2, 7)}}  # fmt: skip
GENERATED = re.compile(r"<!-- evidence:begin.*?<!-- evidence:end -->\n?", re.DOTALL)

Place = Callable[[Path], str | None]
"""Takes a file that a README points to and returns its address on the site, or ``None`` where it has none."""


def render_readme(text: str, folder: Path, picture: Place, page: Place) -> str:
    """Return the HTML of a README, without its first heading and its generated tables.

    Parameters
    ----------
    text
        The Markdown.
    folder
        Where the README lies: its relative links start here.
    picture, page
        Give the address of a picture (and see to it that it is there) and of another file that the README links to.
    """
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    markdown.use(anchors_plugin, min_level=1, max_level=4, slug_func=_anchor).use(footnote_plugin)
    tokens = markdown.parse(GENERATED.sub("The claims and their verdicts stand [above](#claims).\n", text))
    tokens = _without_title(tokens)
    raw = markdown.renderer.render(tokens, markdown.options, {})

    def mended(tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) == ("img", "src"):
            target = _local(value, folder)
            return picture(target) if target and target.suffix.lower() in PICTURES else None
        if (tag, attribute) == ("a", "href"):
            return _link(value, folder, page)
        # The page has names of its own.
        return f"readme-{value.removeprefix('readme-')}" if attribute == "id" else value

    clean = nh3.clean(raw, tags=TAGS, attributes=ATTRIBUTES, attribute_filter=mended, link_rel="noopener",
                      url_schemes={"http", "https", "mailto"})  # fmt: skip
    return _for_reading(clean)


def _without_title(tokens: list) -> list:
    """Drop the README's own title (the page has it) and keep the other headings at second level and below."""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    return tokens


def _anchor(title: str) -> str:
    return "readme-" + re.sub(r"[^\w-]+", "-", title.lower()).strip("-")


def _link(address: str, folder: Path, page: Place) -> str | None:
    if address.startswith("#"):
        return address if address == "#claims" else f"#readme-{address[1:]}"
    if urlsplit(address).scheme in ("http", "https", "mailto"):
        return address
    target = _local(address, folder)
    return page(target) if target else None


def _local(address: str, folder: Path) -> Path | None:
    """Return the file that a relative address names, or ``None``: absolute ones and other hosts are no file of ours."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/") or "\0" in parts.path:
        return None
    target = (folder / unquote(parts.path)).resolve()
    return target if target.is_file() else None


def _for_reading(html: str) -> str:
    """Let wide tables and code scroll by keyboard, and turn what has lost its target into words."""
    html = re.sub(r"<a rel=\"noopener\"(?: title=\"[^\"]*\")?>(.*?)</a>", r"\1", html, flags=re.DOTALL)
    html = re.sub(r"<img(?![^>]* src=)[^>]*?(?: alt=\"([^\"]*)\")?[^>]*>", lambda match: match[1] or "", html)
    html = re.sub(r"<img(?![^>]* alt=)", '<img alt=""', html)
    html = html.replace("<img", '<img loading="lazy"').replace("<pre>", '<pre tabindex="0">')
    html = html.replace("<table>", '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>')
    return html.replace("</table>", "</table></div>")
