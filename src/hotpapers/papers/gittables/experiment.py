"""What the claims are measured on: labelled columns of the web and of files, a corpus of real files, made-up people."""

import csv
import gzip
import io
import itertools
import os
import random
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hotpapers import datasets
from hotpapers.cards import Scale
from hotpapers.errors import BadInput
from hotpapers.files import home
from hotpapers.papers.gittables import annotate, build, collect, evaluate, reading
from hotpapers.papers.gittables.cleaning import clean_type
from hotpapers.papers.gittables.collect import Collected
from hotpapers.papers.gittables.complete import Completion
from hotpapers.papers.gittables.features import as_text, column_features
from hotpapers.papers.gittables.store import Corpus, Entry
from hotpapers.papers.gittables.train import Columns
from hotpapers.papers.gittables.vectors import embedder

EXAMPLES = Path(__file__).parent / "examples"
GITTABLES = "https://zenodo.org/record/6517052"
_MISSING = ("null", "&nbsp;", "-", "n/a")


def gold_folder(scale: Scale) -> Path:
    """Return where the T2Dv2 gold standard is: the environment's ``HOTPAPERS_T2D``, else the dataset.

    At smoke scale a made-up one of five tables stands for it.
    """
    if scale == "smoke":
        return EXAMPLES / "gold.zip"
    return Path(named) if (named := os.environ.get("HOTPAPERS_T2D")) else datasets.t2d()


def fasttext_file() -> Path:
    """Return the paper's vectors, which are too large to bring: the user puts them there."""
    path = home() / "data" / "fasttext" / "cc.en.300.bin"
    if not path.is_file():
        raise BadInput(f"The paper's vectors are not here: unpack cc.en.300.bin.gz from fasttext.cc to {path}.")
    return path


def gather_files(folder: Path, most: int = 0) -> list[Collected]:
    """Copy FiveThirtyEight's files into a collected folder and return their list."""
    gathering = collect.Gathering(folder, largest=1 << 30, licence="CC-BY-4.0")
    paths = [(path, file) for path, file in sorted(datasets.fivethirtyeight().items()) if path.endswith(".csv")]
    for path, file in paths[:: max(1, len(paths) // most)] if most else paths:
        gathering.add(
            path.split("/")[0],
            path,
            file.read_bytes(),
            url=f"https://github.com/fivethirtyeight/data/blob/master/{path}",
        )
    gathering.keep_list()
    return sorted(gathering.files, key=lambda each: each.file)


def corpus_of_files(folder: Path, scale: Scale, *, vectors: str = "small") -> Corpus:
    """Return a corpus: the example's, one built of FiveThirtyEight's files, or at full scale the published one."""
    if scale == "smoke":
        return Corpus(EXAMPLES / "corpus.zip")
    if scale == "paper":
        archives = sorted((home() / "data" / "gittables").glob("*.zip"))
        if not archives:
            raise BadInput(
                f"The corpus is not here: put the topics' zips of {GITTABLES} into {home() / 'data' / 'gittables'}."
            )
        merged = Corpus(archives[0])
        for archive in archives[1:]:
            merged.entries += Corpus(archive).entries
        return merged
    files = gather_files(folder / "collected")
    settings = build.Settings(vectors=vectors, personal="keep")
    build.make(files, folder / "collected", folder / "room", settings)
    return Corpus(folder / "room" / "corpus")


def web_columns(chunks: int, values: int) -> Iterator[tuple[str, str, list[str]]]:
    """Yield columns of DBpedia's classes as (piece of a class, type, values), cut into pieces without missing values.

    Columns of references are left out where the names of what they refer to stand beside them.
    """
    for name, path in sorted(datasets.dbpedia_tables().items()):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as stream:
            reader = csv.reader(stream)
            header, iris = next(reader), next(reader)
            body = list(itertools.islice(reader, 2, 6000))
        for at, column in enumerate(header):
            if column == "URI" or f"{column}_label" in header or at >= len(iris):
                continue
            there = [value for row in body if at < len(row) and (value := _first(row[at]))]
            for number in range(min(chunks, len(there) // values)):
                yield f"{name} {number}", clean_type(iris[at]), there[number * values : (number + 1) * values]


def web_features(
    scale: Scale, chunks: int, values: int, most_types: int, least: int, types: Sequence[str] | None = None
) -> Columns:
    """Return labelled columns of the web, of the types that most columns have and that ``types`` names, if given."""
    if scale == "smoke":
        example = file_columns(Corpus(EXAMPLES / "corpus.zip"))
        return example.only(common_types(example, least)[:most_types])
    columns = list(web_columns(chunks, values))
    counts = Counter(label for _, label, _ in columns if types is None or label in types)
    chosen = {
        label
        for label, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:most_types]
        if count >= least
    }
    pieces = sorted({piece for piece, *_ in columns})
    kept = [(pieces.index(piece), label, own) for piece, label, own in columns if label in chosen]
    features = np.stack([column_features(plain(own)) for _, _, own in kept])
    return Columns(features, [label for _, label, _ in kept], [piece for piece, _, _ in kept])


def file_columns(corpus: Corpus, types: Sequence[str] | None = None, limit: int = 10**9) -> Columns:
    """Return the columns of a corpus that a header names by a type, with features; topics stand for tables."""
    topics = sorted({entry.topic for entry in corpus.entries})
    features: list[np.ndarray] = []
    labels: list[str] = []
    tables: list[int] = []
    for entry in corpus.entries:
        own = {column: label for column, label in entry.types.get("dbpedia_syntactic", {}).items()
               if types is None or label in types}  # fmt: skip
        if not own:
            continue
        table = corpus.table(entry)
        for column, label in own.items():
            values = as_text(table.column(column))
            if sum(map(bool, values)) >= 5 and len(labels) < limit:
                features.append(column_features(plain(values)))
                labels.append(label)
                tables.append(entry.id if len(topics) < 20 else topics.index(entry.topic))
    return Columns(np.stack(features) if features else np.zeros((0, 1)), labels, tables)


def plain(values: Sequence[str]) -> list[str]:
    """Return values in small letters without signs for missing ones: how T2D's tables were prepared must not tell."""
    return ["" if value.strip().lower() in _MISSING else value.lower() for value in values[:2000]]


def all_columns_of_web(scale: Scale, most: int) -> tuple[np.ndarray, list[int]]:
    """Return the features of the columns of T2D's web tables, and the table of each."""
    features, tables = [], []
    files = evaluate.files_of(gold_folder(scale))
    for number, (name, raw) in enumerate(sorted(files.items())):
        if "gs_" in name:
            continue
        read = reading.read(raw, name, head="first")
        for at in range(read.data.num_columns):
            features.append(column_features(plain(as_text(read.data.column(at)))))
            tables.append(number)
    rng = np.random.default_rng(0)
    chosen = sorted(rng.permutation(len(features))[:most].tolist())
    return np.stack([features[at] for at in chosen]), [tables[at] for at in chosen]


def all_columns_of_files(corpus: Corpus, most: int, seed: int) -> tuple[np.ndarray, list[int]]:
    """Return the features of columns drawn from a corpus, and the topic of each; no topic gives more than a few."""
    topics: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, entry in enumerate(corpus.entries):
        topics[entry.topic] += [(number, column) for column in entry.columns]
    rng = random.Random(seed)
    drawn = [
        (at, each)
        for at, topic in enumerate(sorted(topics))
        for each in rng.sample(topics[topic], min(8, len(topics[topic])))
    ]
    rng.shuffle(drawn)
    drawn = sorted(drawn[:most])
    features, tables = [], []
    for _, group in itertools.groupby(drawn, key=lambda each: (each[0], each[1][0])):
        rows = list(group)
        table = corpus.table(corpus.entries[rows[0][1][0]])
        for topic, (_, column) in rows:
            features.append(column_features(plain(as_text(table.column(column))[:100])))
            tables.append(topic)
    return np.stack(features), tables


def made_up_people(seed: int, tables: int) -> Iterator[tuple[bytes, dict[str, bool]]]:
    """Yield tables of people and things as CSV, with each column's name and whether it is personal.

    Half of the headers say nothing (``field_3``); formats vary from table to table.
    """
    rng = random.Random(seed)
    for _ in range(tables):
        columns = {name: personal for name, (personal, _) in _COLUMNS.items() if rng.random() < 0.6} or {"email": True}
        styles = {name: rng.choice(_COLUMNS[name][1]) for name in columns}
        names = [f"field_{at}" if rng.random() < 0.5 else name for at, name in enumerate(columns)]
        rows = [[_value(styles[name], rng) for name in columns] for _ in range(40)]
        text = io.StringIO()
        csv.writer(text).writerows([names, *rows])
        yield text.getvalue().encode(), dict(zip(names, columns.values(), strict=True))


_COLUMNS: dict[str, tuple[bool, tuple[str, ...]]] = {
    "email": (True, ("{first}.{last}@{word}.com", "{first}{n2}@mail.{word}.co.uk", "{F}_{last}@{word}.net")),
    "telephone": (True, ("+1-{n3}-{n3}-{n4}", "({n3}) {n3}-{n4}", "{n3}.{n3}.{n4}", "+44 {n2} {n4} {n4}")),
    "person": (True, ("{First} {Last}", "{Last}, {First}", "{First} {F}. {Last}")),
    "address": (True, ("{n3} {Word} Street", "{n2} {Word} Ave, {Word}ville", "{n4} {Word} Rd.")),
    "birth date": (True, ("19{n2}-0{d}-1{d}",)),
    "postal code": (True, ("{n5}", "{n5}-{n4}")),
    "price": (False, ("{n2}.{n2}",)),
    "colour": (False, ("{word}",)),
    "website": (False, ("https://{word}.org/{n4}",)),
    "quantity": (False, ("{n3}",)),
    "product": (False, ("{Word} {word} {n2}", "{Word} {Word}")),
    "updated": (False, ("20{d}{d}-0{d}-1{d}",)),
}
_GIVEN = [
    "James", "Mary", "Robert", "Linda", "Michael", "Susan", "David", "Karen", "Thomas", "Nancy", "Daniel", "Laura",
    "Peter", "Anna", "Mark", "Sarah", "Kevin", "Emily", "Brian", "Donna", "Luis", "Maria", "Hans", "Olga", "Jean",
    "Sophie", "Ahmed", "Wei", "Giulia", "Kwame", "Ingrid", "Tomasz", "Aiko", "Priya",
]  # fmt: skip
_FAMILY = [
    "Smith", "Jones", "Garcia", "Brown", "Miller", "Davis", "Wilson", "Moore", "Taylor", "Thomas", "Lee", "Kim",
    "Novak", "Rossi", "Meyer", "Okafor", "Ito", "Singh",
]  # fmt: skip
_PLAIN = [
    "amber", "stone", "river", "cloud", "maple", "silver", "north", "garden", "copper", "meadow", "harbor",
    "summit", "velvet", "canyon", "orchid", "lantern",
]  # fmt: skip


def _value(style: str, rng: random.Random) -> str:
    first, last, word = rng.choice(_GIVEN), rng.choice(_FAMILY), rng.choice(_PLAIN)
    parts = {"first": first.lower(), "last": last.lower(), "First": first, "Last": last, "F": first[0], "word": word,
             "Word": word.title(), "d": str(rng.randint(1, 9))}  # fmt: skip
    parts |= {f"n{n}": "".join(rng.choices("123456789", k=n)) for n in (2, 3, 4, 5)}
    return style.format(**parts)


def median_tables(folder: Path, count: int, seed: int) -> list[Collected]:
    """Write tables of the corpus's mean size (142 rows, 12 columns) with headers of its own and return their list."""
    rng = random.Random(seed)
    labels = annotate.annotator("none", annotate.THRESHOLD, "fixed").ontologies["dbpedia"].labels
    gathering = collect.Gathering(folder, largest=1 << 30, licence="CC0-1.0")
    for number in range(count):
        names = [rng.choice(labels).title().replace(" ", rng.choice(["_", " ", ""])) for _ in range(12)]
        kinds = [rng.randrange(5) for _ in names]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(names)
        writer.writerows([_cell(kind, rng) for kind in kinds] for _ in range(142))
        gathering.add(f"topic{number % 10}", f"table{number}.csv", text.getvalue().encode())
    gathering.keep_list()
    return gathering.files


def _cell(kind: int, rng: random.Random) -> str:
    if kind == 0:
        return str(rng.randrange(100_000))
    if kind == 1:
        return f"{rng.gauss(0, 100):.3f}"
    if kind == 2:
        return f"20{rng.randrange(10, 22)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return rng.choice(_PLAIN) if kind == 3 else f"{rng.choice(_PLAIN)} {rng.choice(_FAMILY)}"


def _first(value: str) -> str:
    """DBpedia's tables say NULL for nothing, and {a|b} for several."""
    if value == "NULL":
        return ""
    return value[1:-1].split("|")[0] if value.startswith("{") and value.endswith("}") else value


def recall_of_completion(entries: Sequence[Entry], unseen: Sequence[bool]) -> tuple[float, float, dict[str, int]]:
    """Return the recall, in per cent, of nearest schemas and of the most frequent names, and the schemas' counts."""
    known = Completion([each.columns for each, new in zip(entries, unseen, strict=True) if not new], embedder("small"))
    asked = {tuple(each.columns) for each, new in zip(entries, unseen, strict=True) if new and len(each.columns) >= 6}
    ours, common = [], []
    for columns in sorted(asked):
        given, wanted = columns[:3], {annotate.clean(name) for name in columns[3:]}
        most = min(10, len(wanted))
        ours.append(100 * len(wanted & {name for name, _ in known.complete(given)}) / most)
        common.append(100 * len(wanted & set(known.most_common(given))) / most)
    counts = {"schemas known": len(known.schemas), "schemas asked": len(asked)}
    return statistics.mean(ours), statistics.mean(common), counts


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def scratch(run_folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a folder inside a run's that goes when it is no more used."""
    return tempfile.TemporaryDirectory(dir=run_folder, prefix="work-")


def common_types(columns: Columns, least: int) -> list[str]:
    """Return the types that at least so many columns have."""
    return sorted(label for label, count in Counter(columns.labels).items() if count >= least)
