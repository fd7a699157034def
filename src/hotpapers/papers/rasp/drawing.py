"""Drawings: how a program computes on one input, layer by layer (figures 1 to 5 of the paper), without Graphviz.

Each head is a grid of what its selector chooses, keys above and queries at the left, and a fan of wires from the values
that it gathers to what they become. What a layer then works out position by position is a table below it. Results of
small steps on the way, which a program gave no name, are left out.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hotpapers.files import written_whole
from hotpapers.papers.rasp.analysis import lineage
from hotpapers.papers.rasp.evaluate import Evaluation
from hotpapers.papers.rasp.scene import GLYPH, Scene
from hotpapers.papers.rasp.sops import Selector, SOp
from hotpapers.papers.rasp.terms import Atom, Term, operands

CELL = 22.0
GAP = 26.0
CHOSEN, BLANK, HEADING, NAME = "#3b6ea5", "#ffffff", "#eef2f7", "#f7f7f7"
KINDS = ("svg", "dot", "png", "pdf")


class Head(NamedTuple):
    """A head as it is drawn: its selector, and the aggregates that share it."""

    selector: Selector
    aggregates: list[SOp]


def draw(sop: SOp, sequence: Sequence[Atom], path: Path | str) -> Path:
    """Write how ``sop`` computes on ``sequence`` to ``path``: SVG, PNG, PDF or DOT by its ending."""
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    with written_whole(path) as temporary:
        if kind == "dot":
            temporary.write_text(to_dot(sop), encoding="utf-8")
        elif kind in ("png", "pdf"):
            to_scene(sop, sequence).save(temporary, kind)
        else:
            temporary.write_text(to_scene(sop, sequence).svg(), encoding="utf-8")
    return path


def draw_into(folder: Path, sop: SOp, sequence: Any) -> Path:
    """Write a drawing as ``NAME(INPUT).svg`` into ``folder``, as the language's ``draw`` does."""
    name = re.sub(r"[^\w(),. -]", "_", f"{sop.name}({sequence if isinstance(sequence, str) else json.dumps(sequence)})")
    return draw(sop, sequence, folder / f"{name[:100]}.svg")


def to_scene(sop: SOp, sequence: Sequence[Atom]) -> Scene:
    """Return how ``sop`` computes on ``sequence`` as a scene."""
    evaluation = Evaluation([list(sequence)])
    scene = Scene()
    shown = sequence if isinstance(sequence, str) else list(sequence)
    scene.words(12, 16, f"{sop.name}({json.dumps(shown, ensure_ascii=False)})", anchor="start", bold=True)
    names = _names(sop)
    heads, tables = heads_of(sop), tables_of(sop)
    y = 40.0
    y = _table(scene, y, "input", [("tokens", list(sequence)), *_rows(tables[0], evaluation, names)])
    for layer in range(1, sop.depth + 1):
        y += GAP
        x, bottom = 12.0, y
        for number, head in enumerate(heads[layer - 1], start=1):
            title = f"layer {layer}, head {number}: {head.selector.name}"
            right, low = _head(scene, x, y, title, head, evaluation, names)
            x, bottom = right + 2 * GAP, max(bottom, low)
        y = bottom
        if tables[layer]:
            y = _table(scene, y + GAP, f"layer {layer}, feed-forward", _rows(tables[layer], evaluation, names))
    return scene


def heads_of(sop: SOp) -> list[list[Head]]:
    """Return the heads of each layer: aggregates at their earliest, those of equal selectors together."""
    found: list[dict[Term, Head]] = [{} for _ in range(sop.depth)]
    done: set[Term] = set()
    for each in lineage(sop):
        if isinstance(each, SOp) and each.term.kind == "aggregate" and each.term not in done:
            done.add(each.term)
            selector = each.parents[0]
            assert isinstance(selector, Selector)
            found[each.depth - 1].setdefault(selector.term, Head(selector, [])).aggregates.append(each)
    return [list(layer.values()) for layer in found]


def tables_of(sop: SOp) -> list[list[SOp]]:
    """Return the elementwise s-ops to show for each layer, that before the first included."""
    made_of = lineage(sop)
    used: dict[int, list[Any]] = {}
    for each in made_of:
        for parent in each.parents:
            used.setdefault(id(parent), []).append(each)
    found: list[dict[Term, SOp]] = [{} for _ in range(sop.depth + 1)]
    for each in made_of:
        if not isinstance(each, SOp) or each.term.kind != "elementwise":
            continue
        users = used.get(id(each), [])
        feeds_attention = any(not (isinstance(user, SOp) and user.term.kind == "elementwise") for user in users)
        if each.shown or feeds_attention or len(users) != 1:
            found[each.depth][each.term] = each
    return [list(layer.values()) for layer in found]


def to_dot(sop: SOp) -> str:
    """Return what ``sop`` is made of as a graph in Graphviz's language, one cluster a layer."""
    names = _names(sop)
    lines = ["digraph rasp {", "  rankdir=BT;", "  node [shape=box, fontname=monospace];"]
    edges = []
    for layer in range(sop.depth + 1):
        lines += [f"  subgraph cluster_{layer} {{", f"    label={_quoted(f'layer {layer}' if layer else 'input')};"]
        for each in lineage(sop):
            if isinstance(each, SOp) and each.depth == layer and each.term.kind != "constant":
                style = ", style=filled, fillcolor=lightblue" if each.term.kind == "aggregate" else ""
                lines.append(f"    n{each.created} [label={_quoted(names[each.term])}{style}];")
                for parent in each.parents:
                    sources = parent.parents if isinstance(parent, Selector) else (parent,)
                    style = " [style=dashed]" if isinstance(parent, Selector) else ""
                    edges += [f"  n{source.created} -> n{each.created}{style};" for source in sources
                              if isinstance(source, SOp) and source.term.kind != "constant"]  # fmt: skip
        lines.append("  }")
    return "\n".join([*lines, *dict.fromkeys(edges), "}\n"])


def _names(sop: SOp) -> dict[Term, str]:
    """Return a name for each term, numbered where two would have the same."""
    names: dict[Term, str] = {}
    taken: dict[str, int] = {}
    for each in lineage(sop):
        if each.term in names:
            continue
        name = str(each.name)
        taken[name] = taken.get(name, 0) + 1
        names[each.term] = name if taken[name] == 1 else f"{name}_{taken[name]}"
    return names


def _rows(sops: list[SOp], evaluation: Evaluation, names: dict[Term, str]) -> list[tuple[str, list[Any]]]:
    return [(names[each.term], evaluation.values(each.term)) for each in sops]


def _table(scene: Scene, y: float, title: str, rows: list[tuple[str, list[Any]]]) -> float:
    """Draw a table of named rows and return where it ends."""
    scene.words(12, y + 8, title, anchor="start", bold=True)
    y += CELL
    left = 12 + GLYPH * max(len(name) for name, _ in rows) + 12
    width = _cell_width(value for _, values in rows for value in values)
    for name, values in rows:
        scene.box(12, y, left - 12, CELL, NAME)
        scene.words(left - 6, y + CELL / 2, name, anchor="end")
        for place, value in enumerate(values):
            scene.box(left + place * width, y, width, CELL, BLANK)
            scene.words(left + (place + 0.5) * width, y + CELL / 2, _short(value))
        y += CELL
    return y


def _head(
    scene: Scene, x: float, y: float, title: str, head: Head, evaluation: Evaluation, names: dict[Term, str]
) -> tuple[float, float]:
    """Draw a head and return where it ends, right and below."""
    scene.words(x, y + 8, title, anchor="start", bold=True)
    y += CELL
    queries, keys = operands(head.selector.term)
    matrix = evaluation.values(head.selector.term)
    n = evaluation.length
    query_values = [evaluation.values(each) for each in queries]
    key_values = [evaluation.values(each) for each in keys]
    labels = [_label(each, names) for each in (*keys, *queries)]
    width = _cell_width(value for values in key_values for value in values)
    query_width = _cell_width(value for values in query_values for value in values)
    label_width = max(GLYPH * max(map(len, labels[: len(keys)])) + 8, query_width * len(queries))
    grid = x + label_width
    top = y
    for row, values in enumerate(key_values):
        scene.words(grid - 6, top + (row + 0.5) * CELL, labels[row], anchor="end")
        for place, value in enumerate(values):
            scene.box(grid + place * width, top + row * CELL, width, CELL, HEADING)
            scene.words(grid + (place + 0.5) * width, top + (row + 0.5) * CELL, _short(value))
    top += len(keys) * CELL
    first_query = grid - query_width * len(queries)
    for i in range(n):
        for column, values in enumerate(query_values):
            scene.box(first_query + column * query_width, top + i * CELL, query_width, CELL, HEADING)
            scene.words(first_query + (column + 0.5) * query_width, top + (i + 0.5) * CELL, _short(values[i]))
        for j in range(n):
            scene.box(grid + j * width, top + i * CELL, width, CELL, CHOSEN if matrix[i][j] else BLANK)
    bottom = top + n * CELL
    right = grid + n * width
    for column, query in enumerate(queries):
        words = f"query {column + 1}: {_label(query, names)}"
        scene.words(first_query, bottom + 12 + column * 14, words, anchor="start")
        if not all(map(any, matrix)):  # the default stands beside
            right = max(right, first_query + GLYPH * len(words))
    for aggregate in head.aggregates:
        right = _fan(scene, right + GAP, top, aggregate, matrix, evaluation, names)
    return right, bottom + 12 + 14 * len(queries)


def _fan(
    scene: Scene,
    x: float,
    y: float,
    aggregate: SOp,
    matrix: list[list[bool]],
    evaluation: Evaluation,
    names: dict[Term, str],
) -> float:
    """Draw the wires from values to results and return where they end."""
    values, results = evaluation.values(aggregate.term.parents[1]), evaluation.values(aggregate.term)
    label, result_label = _label(aggregate.term.parents[1], names), names[aggregate.term]
    left, right = _cell_width(values), _cell_width(results)
    wires = max(60.0, GLYPH * (len(label) + len(result_label) + 2) - left - right)
    scene.words(x, y - 10, label, anchor="start")
    scene.words(x + left + wires + right, y - 10, result_label, anchor="end")
    default_at = y + (len(values) + 0.8) * CELL
    if not all(map(any, matrix)):
        scene.box(x, default_at - CELL / 2, left, CELL, NAME)
        scene.words(x + left / 2, default_at, _short(aggregate.term.detail))
        scene.words(x, default_at + CELL, "default", anchor="start")
    for i, (value, result, row) in enumerate(zip(values, results, matrix, strict=True)):
        middle = y + (i + 0.5) * CELL
        scene.box(x, y + i * CELL, left, CELL, BLANK)
        scene.words(x + left / 2, middle, _short(value))
        scene.box(x + left + wires, y + i * CELL, right, CELL, BLANK)
        scene.words(x + left + wires + right / 2, middle, _short(result))
        sources = [y + (j + 0.5) * CELL for j, chosen in enumerate(row) if chosen] or [default_at]
        for source in sources:
            scene.line(x + left, source, x + left + wires, middle)
    return max(x + left + wires + right, x + GLYPH * len(label))


def _label(each: Term, names: dict[Term, str]) -> str:
    return names.get(each) or str(each.detail)


def _cell_width(values: Any) -> float:
    return max(CELL, max((GLYPH * len(_short(value)) + 8 for value in values), default=CELL))


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
