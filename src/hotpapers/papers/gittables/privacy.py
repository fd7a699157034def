"""Personal data: columns that hold it, by their headers' types and by their values; and its replacement.

Of the header, the paper's rules: certain types are personal, and a name is one only where another personal column
stands beside it. Of the values: patterns that most of a column fits. Neither is a guarantee that nothing personal is
left.
"""

import dataclasses
import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables import annotate as annotation
from hotpapers.papers.gittables import reading
from hotpapers.papers.gittables.annotate import Found
from hotpapers.papers.gittables.fakes import fake
from hotpapers.papers.gittables.vectors import Vectors, named
from hotpapers.verbs import AnyFile, Outcome

Rules = Literal["both", "headers", "values"]
BY_HEADER = {
    "dbpedia": ("address", "person", "birth date", "birth place", "postal code", "street"),
    "schema": ("email", "telephone", "home location"),
}
"""The paper's personal types, by ontology. DBpedia's snapshot has no ``street``, so that rule never applies."""

AUDITED = ("city", "country", "continent", "gender", "religion", "race", "skin color", "nationality", "ethnicity")
"""The paper's types whose commonest values are counted, to see a corpus's bias."""

SHARE = 0.6  # of a column's values that must fit a pattern
LOOKED_AT = 300  # values of a column
TELLING = 16  # of them that settle most columns
_PATTERNS = {
    "email": r"[\w.+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{2,24}){1,4}",
    "payment card": r"(?:\d[ -]?){12,18}\d",
    "bank account": r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?",
    "social security number": r"(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}",
    "internet address": r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    # 7 to 15 digits that are no date
    "telephone": r"(?=(?:\D*\d){7,15}\D*(?:x\d+)?$)(?!\d{4}[-. ]\d\d?[-. ]\d\d?$)(?!\d\d?[-. ]\d\d?[-. ]\d{2,4}$)"
    r"(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,5}\)[ .-]?|\d{2,5}[ .-])\d{2,4}(?:[ .-]\d{2,4}){1,3}(?:\s?x\d{1,6})?",
    "address": r"\d{1,5}[A-Za-z]? (?:[\w.'-]+ ){0,4}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|"
    r"Court|Ct|Way|Square|Place|Pl)\b.{0,60}",
}
_WHOLE = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_INSIDE = {kind: re.compile(rf"(?<![\w.@]){_PATTERNS[kind]}(?![\w@])") for kind in ("email", "social security number")}
_SIGN = re.compile(r"[\d@]")  # what every kind but names has
_NAME = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?([A-Z][a-z'-]+)(?: [A-Z]\.?| [A-Z][a-z'-]+){1,3}|[A-Z][\w'-]+, ([A-Z][a-z'-]+).*"
)
_GIVEN = frozenset((
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William",
    "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah", "Charles", "Karen", "Christopher",
    "Lisa", "Daniel", "Nancy", "Matthew", "Betty", "Anthony", "Sandra", "Mark", "Margaret", "Donald", "Ashley",
    "Steven", "Kimberly", "Andrew", "Emily", "Paul", "Donna", "Joshua", "Michelle", "Kenneth", "Carol", "Kevin",
    "Amanda", "Brian", "Melissa", "George", "Deborah", "Timothy", "Stephanie", "Ronald", "Dorothy", "Jason",
    "Rebecca", "Edward", "Sharon", "Jeffrey", "Laura", "Ryan", "Cynthia", "Jacob", "Amy", "Gary", "Kathleen",
    "Nicholas", "Angela", "Eric", "Shirley", "Jonathan", "Brenda", "Stephen", "Emma", "Larry", "Anna", "Justin",
    "Pamela", "Scott", "Nicole", "Brandon", "Samantha", "Benjamin", "Katherine", "Samuel", "Christine", "Gregory",
    "Helen", "Alexander", "Debra", "Patrick", "Rachel", "Frank", "Carolyn", "Raymond", "Janet", "Jack", "Maria",
    "Peter", "Anne", "Jose", "Juan", "Luis", "Carlos", "Ali", "Mohammed", "Ahmed", "Hans", "Klaus", "Jean",
    "Pierre", "Marie", "Sophie", "Ivan", "Olga", "Wei", "Li",
))  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Personal:
    """A column that holds personal data: what of, and whether header or values told."""

    column: str
    kind: str
    told_by: Literal["header", "values"]


def find(table: pa.Table, found: Mapping[str, Sequence[Found]], rules: Rules = "both") -> list[Personal]:
    """Return the personal columns of a table.

    Parameters
    ----------
    table
        The table, or its first rows.
    found
        The annotations of its columns; the semantic ones count, as in the paper.
    rules
        What tells: both, headers as in the paper, or values.
    """
    told = _by_header(table.column_names, found) if rules != "values" else {}
    if rules != "headers":
        for at, name in enumerate(table.column_names):
            if name not in told and (kind := _by_values(table.column(at))):
                told[name] = Personal(name, kind, "values")
    return [told[name] for name in dict.fromkeys(table.column_names) if name in told]


def replace(table: pa.Table, personal: Sequence[Personal], seed: int = 0) -> tuple[pa.Table, int]:
    """Return the table with made-up values in its personal columns, and how many other cells had an address inside.

    Shape, order of rows, missing cells and all other columns stay as they are.
    """
    kinds = {each.column: each.kind for each in personal}
    hidden = 0
    for at, name in enumerate(table.column_names):
        column = table.column(at)
        if name in kinds:
            table = table.set_column(at, name, _faked(column, kinds[name], seed))
        elif pa.types.is_string(column.type):
            masked, count = _masked(column, seed)
            if count:
                hidden += count
                table = table.set_column(at, name, masked)
    return table, hidden


def _by_header(names: Sequence[str], found: Mapping[str, Sequence[Found]]) -> dict[str, Personal]:
    types: dict[str, dict[str, str]] = {}
    for name in names:
        semantic = [each for each in found.get(name, ()) if each.method == "semantic"]
        types[name] = {each.ontology: each.type.label for each in semantic}
    told: dict[str, Personal] = {}
    for name, of in types.items():
        for which, personal in BY_HEADER.items():
            if name not in told and of.get(which) in personal:
                told[name] = Personal(name, of[which], "header")
    if told:
        for name, of in types.items():
            if name not in told and "name" in of.values():
                told[name] = Personal(name, "name", "header")
    return told


def _by_values(column: pa.ChunkedArray) -> str | None:
    if pa.types.is_integer(column.type):
        cards = [str(each) for each in column.slice(0, LOOKED_AT).to_pylist() if each is not None]
        fits = sum(len(each) >= 13 and bool(_WHOLE["payment card"].fullmatch(each)) and luhn(each) for each in cards)
        return "payment card" if len(cards) > 2 and fits > SHARE * len(cards) else None
    if not pa.types.is_string(column.type):
        return None
    cells = column.slice(0, LOOKED_AT).to_pylist()
    telling = list(itertools.islice(_filled(cells), TELLING))
    if len(telling) < 2:
        return None
    if sum(map(bool, map(_SIGN.search, telling))) > SHARE * len(telling):
        kinds = [kind for kind in _WHOLE if _fits(kind, telling)]
        values = list(_filled(cells)) if kinds else []
        return next((kind for kind in kinds if _fits(kind, values)), None)
    if sum(map(bool, map(_NAME.fullmatch, telling))) <= SHARE * len(telling):
        return None
    values = list(_filled(cells))
    names = [match for each in values if len(each) < 50 and (match := _NAME.fullmatch(each))]
    given = sum((match[1] or match[2]) in _GIVEN for match in names)
    return "person" if len(names) > SHARE * len(values) and given > 0.3 * len(values) else None


def _filled(cells: Sequence[str | None]) -> Iterator[str]:
    return (stripped for each in cells if each and (stripped := each.strip()))


def _fits(kind: str, values: Sequence[str]) -> bool:
    """Whether most values look like this kind of personal data."""
    fitting = filter(_WHOLE[kind].fullmatch, values)
    return sum(kind != "payment card" or luhn(value) for value in fitting) > SHARE * len(values)


def luhn(number: str) -> bool:
    """Whether a number's last digit is the check digit of payment cards."""
    digits = [int(each) for each in number if each.isdigit()]
    return sum(digits[-1::-2]) % 10 == -sum(sum(divmod(2 * each, 10)) for each in digits[-2::-2]) % 10


def _faked(column: pa.ChunkedArray, kind: str, seed: int) -> pa.Array:
    text = pc.cast(column, pa.string()) if not pa.types.is_string(column.type) else column
    coded = text.combine_chunks().dictionary_encode() if isinstance(text, pa.ChunkedArray) else text.dictionary_encode()
    made = pa.array([fake(kind, each, seed) for each in coded.dictionary.to_pylist()], pa.string())
    return made.take(coded.indices)


def _masked(column: pa.ChunkedArray, seed: int) -> tuple[pa.ChunkedArray, int]:
    """Replace addresses inside cells of text."""
    likely = pc.match_substring_regex(column, r"@|\d{3}-\d{2}-\d{4}")
    if not pc.any(likely).as_py():
        return column, 0
    count = 0
    cells = column.to_pylist()
    for row in pc.indices_nonzero(pc.fill_null(likely, False)).to_pylist():
        before = cells[row]
        for kind, pattern in _INSIDE.items():
            cells[row] = pattern.sub(functools.partial(_fake_match, kind, seed), cells[row])
        count += cells[row] != before
    return pa.chunked_array([pa.array(cells, pa.string())]), count


def _fake_match(kind: str, seed: int, match: re.Match[str]) -> str:
    return fake(kind, match[0], seed)


def audit(table: pa.Table, found: Mapping[str, Sequence[Found]]) -> dict[str, dict[str, int]]:
    """Return how often each value occurs in the columns of the audited types, the hundred commonest of each."""
    counted: dict[str, dict[str, int]] = {}
    for name, all_ in found.items():
        for each in all_:
            if (each.ontology, each.method) == ("dbpedia", "semantic") and each.type.label in AUDITED:
                values = pc.value_counts(pc.cast(table.column(name), pa.string()).combine_chunks()).to_pylist()
                of = counted.setdefault(each.type.label, {})
                for value in sorted(values, key=lambda v: (-v["counts"], str(v["values"])))[:100]:
                    if value["values"] is not None:
                        of[value["values"]] = of.get(value["values"], 0) + value["counts"]
    return counted


def anonymise(
    table: AnyFile,
    *,
    rules: Rules = "both",
    vectors: Vectors = "small",
    fasttext: AnyFile | None = None,
    threshold: float = annotation.THRESHOLD,
    seed: int = 0,
    out: Path | None = None,
) -> Outcome:
    """Put made-up values in the place of personal ones, and report which columns held them.

    Parameters
    ----------
    table
        A CSV file.
    rules
        What tells that a column is personal: headers as in the paper, its values, or both.
    vectors
        What compares meanings: small, glove (118 MB are downloaded), ngrams.
    fasttext
        A fastText model (.bin) or vectors as text (.vec) to take instead; the paper's is cc.en.300.bin.
    threshold
        The least similarity of header and type.
    seed
        Another seed gives other replacements; the same value always becomes the same within a table.
    out
        Where the table goes, as CSV, with a report beside it.
    """
    table = Path(table)
    read = reading.read(table)
    found = annotation.annotator(named(vectors, fasttext), threshold, "fixed").annotate(read.columns)
    personal = find(read.data, found, rules)
    clean, hidden = replace(read.data, personal, seed)
    out = Path(out) if out else table.with_name(f"{table.stem}-anonymous.csv")
    if out.suffix.lower() != ".csv":
        raise BadInput(f"{out.name} should end in .csv: that is what is written.")
    report = out.with_name(f"{out.stem}-report.json")
    told: dict[str, Any] = {
        "columns": [dataclasses.asdict(each) for each in personal], "cells with an address inside": hidden,
        "rules": rules, "vectors": Path(fasttext).name if fasttext else vectors,
        "commonest values": audit(read.data, found),
    }  # fmt: skip
    from hotpapers.papers.gittables.store import write_csv

    write_csv(out, clean)
    with written_whole(report) as temporary:
        temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    numbers: dict[str, float | int | str] = {"columns": len(read.columns), "personal columns": len(personal)}
    numbers |= {each.column: f"{each.kind}, told by its {each.told_by}" for each in personal}
    return Outcome({"table": out, "report": report}, numbers | {"cells with an address inside": hidden},
                   "A minimum, not a guarantee: look at the table before you pass it on.")  # fmt: skip
