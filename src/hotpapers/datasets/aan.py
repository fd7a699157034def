"""AAN: pairs of papers of the ACL Anthology Network, and whether one cites the other, as the Long Range Arena has them.

The arena's release (arXiv 2011.04006) can no longer be downloaded from its authors, so its tables are read where the
user has them: ``new_aan_pairs.train.tsv``, ``.eval.tsv`` and ``.test.tsv``.
"""

from pathlib import Path

from hotpapers.errors import BadInput

CLASSES = ("unrelated", "cited")

_COLUMNS = 5  # label, two names, two texts


def aan(path: Path) -> list[tuple[str, str, int]]:
    """Return the pairs of one of the arena's tables: two texts, and 1 where the one cites the other, else 0.

    Raises
    ------
    BadInput
        If the file cannot be read, or a line is not label, two names and two texts with tabs between.
    """
    path = Path(path)
    pairs = []
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                cells = line.rstrip("\r\n").split("\t")
                if len(cells) != _COLUMNS or cells[0] not in ("0", "1", "0.0", "1.0"):
                    raise BadInput(
                        f"{path}, line {number}: a pair is 0 or 1, two names and two texts with tabs between; "
                        "give a table of AAN's pairs as the Long Range Arena has them."
                    )
                pairs.append((cells[3], cells[4], int(cells[0][0])))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8; save it as UTF-8.") from error
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {(error.strerror or 'failed').lower()}; give a table of pairs.") from error
    return pairs
