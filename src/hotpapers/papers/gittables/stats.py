"""Statistics of a corpus: sizes, types, domains, licences, what was dropped; and the verb ``stats``."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from hotpapers.files import written_whole
from hotpapers.papers.gittables.store import METHODS, Corpus
from hotpapers.verbs import AnyFile, Outcome

SHOWN = 25  # types in the picture, as on the authors' site


def stats(corpus: AnyFile, *, out: Path | None = None) -> Outcome:
    """Describe a corpus in numbers, and draw its most frequent types.

    Parameters
    ----------
    corpus
        A corpus's folder, or a zip of one, or a zip of Parquet files of the published corpus.
    out
        Where the numbers go, as JSON, with the picture beside them.
    """
    opened = Corpus(Path(corpus))
    told = describe(opened)
    out = Path(out) if out else Path("stats.json")
    picture = out.with_name(f"{out.stem}-types.png")
    with written_whole(out) as temporary:
        temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(picture, told["types"])
    numbers: dict[str, float | int | str] = {
        "tables": told["tables"],
        "rows": told["rows"]["sum"],
        "columns": told["columns"]["sum"],
        "mean rows": told["rows"]["mean"],
        "median rows": told["rows"]["median"],
        "mean columns": told["columns"]["mean"],
        "median columns": told["columns"]["median"],
    }
    for method in METHODS:
        numbers[f"tables annotated, {method.replace('_', ' ')}"] = f"{told['annotated tables'][method]:.1%}"
    for method in METHODS:
        frequent = ", ".join(list(told["types"][method])[:5])
        numbers[f"commonest, {method.replace('_', ' ')}"] = frequent or "none"
    return Outcome({"types": picture, "numbers": out}, numbers)


def describe(corpus: Corpus) -> dict[str, Any]:
    """Return what a corpus is in numbers; shares are of tables or of columns, as they say."""
    entries = corpus.entries
    columns = sum(len(each.columns) for each in entries)
    dtypes = Counter(of for each in entries for of in each.dtypes.values())
    told: dict[str, Any] = {
        "tables": len(entries),
        "rows": _spread([each.rows for each in entries]), "columns": _spread([len(each.columns) for each in entries]),
        "dtypes": {of: count / max(1, sum(dtypes.values())) for of, count in dtypes.most_common()},
        "topics": dict(Counter(each.topic for each in entries).most_common(100)),
        "licences": dict(Counter(each.licence or "none" for each in entries).most_common()),
        "tables with made-up values": sum(bool(each.anonymised) for each in entries),
        "annotated tables": {}, "annotated columns": {}, "unique types": {}, "types": {}, "domains": {},
    }  # fmt: skip
    for method in METHODS:
        own = [each.types.get(method, {}) for each in entries]
        types = Counter(label for each in own for label in each.values())
        told["annotated tables"][method] = sum(map(bool, own)) / len(entries)
        told["annotated columns"][method] = sum(map(len, own)) / max(1, columns)
        told["unique types"][method] = len(types)
        told["types"][method] = dict(types.most_common(200))
        told["domains"][method] = dict(
            Counter(each.domains[method] for each in entries if each.domains.get(method)).most_common(50)
        )
    for ontology in ("dbpedia", "schema"):
        either = sum(any(method.startswith(ontology) and own for method, own in each.types.items()) for each in entries)
        told["annotated tables"][f"{ontology}, either way"] = either / len(entries)
    return told


def draw(path: Path, types: dict[str, dict[str, int]]) -> None:
    """Draw the most frequent types of each ontology and method as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 10), layout="constrained")
    for axes, method in zip(figure.subplots(2, 2).flat, METHODS, strict=True):
        shown = list(types.get(method, {}).items())[:SHOWN]
        axes.bar(range(len(shown)), [count for _, count in shown], color="#00629b")
        # A label from outside is words, not mathematics.
        axes.set_xticks(
            range(len(shown)), [label.replace("$", r"\$") for label, _ in shown], rotation=60, ha="right", fontsize=9
        )
        axes.set_title(method.replace("_", ", "))
        axes.set_ylabel("columns")
        axes.spines[["top", "right"]].set_visible(False)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _spread(values: list[int]) -> dict[str, Any]:
    array = np.array(values)
    return {"sum": int(array.sum()), "mean": round(float(array.mean()), 2), "median": float(np.median(array)),
            "least": int(array.min()), "most": int(array.max()),
            "quartiles": [float(each) for each in np.percentile(array, (25, 75))]}  # fmt: skip
