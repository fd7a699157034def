"""Scenes: boxes, lines and words on a plane, and how they become SVG, PNG or PDF."""

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

GLYPH = 7.3
"""Width of a character of the fixed-width font at size 12."""
FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"


class Box(NamedTuple):
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str = "#c9c9c9"


class Line(NamedTuple):
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    stroke: str = "#3b6ea5"


class Words(NamedTuple):
    """A line of text."""

    x: float
    y: float
    text: str
    anchor: str = "middle"
    bold: bool = False
    colour: str = "#222222"


class Scene:
    """What is drawn so far, and how large it is."""

    def __init__(self) -> None:
        self.things: list[Box | Line | Words] = []
        self.width = self.height = 0.0

    def box(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """Draw a box."""
        self.things.append(Box(x, y, width, height, fill))
        self._grow(x + width, y + height)

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw a line."""
        self.things.append(Line(x1, y1, x2, y2))

    def words(self, x: float, y: float, text: str, *, anchor: str = "middle", bold: bool = False) -> None:
        """Write words whose middle, start or end is at x, and whose middle is at y."""
        self.things.append(Words(x, y, text, anchor, bold))
        self._grow(x + GLYPH * len(text) / (2 if anchor == "middle" else 1 if anchor == "start" else 1e9), y + 10)

    def _grow(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def svg(self) -> str:
        """Return the scene as an SVG document."""
        w, h = round(self.width + 20), round(self.height + 20)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
            f'font-family="{FONTS}" font-size="12">',
            f'<rect width="{w}" height="{h}" fill="#ffffff"/>',
        ]
        for thing in self.things:
            if isinstance(thing, Box):
                parts.append(
                    f'<rect x="{thing.x:g}" y="{thing.y:g}" width="{thing.width:g}" height="{thing.height:g}" '
                    f'fill="{thing.fill}" stroke="{thing.stroke}"/>'
                )
            elif isinstance(thing, Line):
                parts.append(
                    f'<line x1="{thing.x1:g}" y1="{thing.y1:g}" x2="{thing.x2:g}" y2="{thing.y2:g}" '
                    f'stroke="{thing.stroke}" stroke-opacity="0.7"/>'
                )
            else:
                bold = ' font-weight="bold"' if thing.bold else ""
                parts.append(
                    f'<text x="{thing.x:g}" y="{thing.y:g}" text-anchor="{thing.anchor}" dominant-baseline="central" '
                    f'fill="{thing.colour}"{bold} xml:space="preserve">{escape(_printable(thing.text))}</text>'
                )
        return "\n".join([*parts, "</svg>\n"])

    def save(self, path: Path, kind: str) -> None:
        """Write the scene as ``png`` or ``pdf``."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        w, h = self.width + 20, self.height + 20
        figure = Figure(figsize=(w / 100, h / 100))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, w)
        axes.set_ylim(h, 0)
        aligned = {"start": "left", "middle": "center", "end": "right"}
        for thing in self.things:
            if isinstance(thing, Box):
                patch = Rectangle((thing.x, thing.y), thing.width, thing.height, facecolor=thing.fill,
                                  edgecolor=thing.stroke, linewidth=0.7)  # fmt: skip
                axes.add_patch(patch)
            elif isinstance(thing, Line):
                axes.plot((thing.x1, thing.x2), (thing.y1, thing.y2), color=thing.stroke, linewidth=0.8, alpha=0.7)
            else:
                axes.text(thing.x, thing.y, _printable(thing.text).replace("$", r"\$"), ha=aligned[thing.anchor],
                          va="center", fontsize=8.6, family="monospace", color=thing.colour,
                          weight="bold" if thing.bold else "normal")  # fmt: skip
        figure.savefig(path, format=kind, dpi=150)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "·" for character in text)
