"""Features of a column's values, as Sherlock has them (Hulsebos et al., 2019): 1,588 numbers.

960 of characters (ten summaries of the counts of each of 96), 201 of words' vectors, 400 of the whole column's text,
and 27 of the whole column. The 400 are hashed words and n-grams here, where Sherlock learns paragraph vectors. No
header is seen.
"""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hotpapers.papers.gittables.subwords import Small

CHARACTERS = "".join(map(chr, range(32, 127))) + "\n"
GROUPS = {"characters": 960, "words": 201, "text": 400, "whole": 27}
SIZE = sum(GROUPS.values())
VALUES = 200  # of a column, evenly spread
_LONGEST = 200  # characters of a value
_WORD = re.compile(r"\w+")
_DIMENSIONS = 50
_CODES = np.full(256, -1, np.int16)
_CODES[[ord(each) for each in CHARACTERS]] = np.arange(len(CHARACTERS))
_vectors: list[Any] = []


def column_features(values: Sequence[str]) -> np.ndarray:
    """Return the features of a column.

    Parameters
    ----------
    values
        Its cells as text; empty ones are missing.

    Returns
    -------
    numpy.ndarray
        1,588 float32, in the order of ``GROUPS``.
    """
    there = [value for value in values if value and value.strip()]
    chosen = (
        [there[at][:_LONGEST] for at in np.linspace(0, len(there) - 1, min(len(there), VALUES)).astype(int)]
        if there
        else []
    )
    found = np.concatenate([_characters(chosen), _words(chosen), _text(chosen), _whole(chosen, values, there)])
    return np.nan_to_num(found, posinf=1e6, neginf=-1e6).clip(-1e6, 1e6).astype(np.float32)


def table_features(table: pa.Table) -> np.ndarray:
    """Return the features of all columns of a table, C x 1588."""
    return np.stack([column_features(as_text(table.column(at))) for at in range(table.num_columns)])


def as_text(column: pa.ChunkedArray) -> list[str]:
    """Return a column's cells as text, missing ones empty."""
    text = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    return [value or "" for value in text.to_pylist()]


def _characters(values: Sequence[str]) -> np.ndarray:
    """Any, all, mean, variance, least, most, median, sum, kurtosis and skewness of each character's count."""
    if not values:
        return np.zeros(GROUPS["characters"])
    counts = np.zeros((len(values), len(CHARACTERS)), np.float64)
    for row, value in zip(counts, values, strict=True):
        codes = _CODES[np.frombuffer(value.encode("latin-1", "replace"), np.uint8)]
        row += np.bincount(codes[codes >= 0], minlength=len(CHARACTERS))
    mean, var = counts.mean(0), counts.var(0)
    away = counts - mean
    scale = np.where(var > 0, var, 1)
    return np.concatenate([
        (counts > 0).any(0), (counts > 0).all(0), mean, var, counts.min(0), counts.max(0), np.median(counts, 0),
        counts.sum(0), (away**4).mean(0) / scale**2 - 3 * (var > 0), (away**3).mean(0) / scale**1.5,
    ])  # fmt: skip


def _words(values: Sequence[str]) -> np.ndarray:
    """Mean, deviation, median and mode of the values' vectors, and whether there are any."""
    found = np.zeros(GROUPS["words"])
    rows = []
    for value in values:
        words = [word for word in _WORD.findall(value.lower())[:8] if not word.isdigit()]
        if words:
            rows.append(np.mean([_word(word) for word in words], 0))
    if rows:
        stacked = np.stack(rows)
        keys = Counter(row.tobytes() for row in stacked)
        mode = np.frombuffer(keys.most_common(1)[0][0], stacked.dtype)
        found[:-1] = np.concatenate([stacked.mean(0), stacked.std(0), np.median(stacked, 0), mode])
        found[-1] = 1
    return found


def _word(word: str) -> np.ndarray:
    if not _vectors:
        draw = np.random.default_rng(0).standard_normal((100, _DIMENSIONS))
        _vectors.extend([Small(), np.linalg.qr(draw)[0].astype(np.float32)])
    small, projection = _vectors
    return small.word(word[:40]) @ projection


def _text(values: Sequence[str]) -> np.ndarray:
    """Hashed words and n-grams of the whole column's text, at length 1."""
    found = np.zeros(GROUPS["text"])
    for value in values[:100]:
        lower = value.lower()[:60]
        grams = [*_WORD.findall(lower), *(lower[at : at + 3] for at in range(len(lower) - 2))]
        for gram in grams:
            code = zlib.crc32(gram.encode("utf-8", "replace"))
            found[code % len(found)] += 1 - 2 * (code >> 31)
    length = np.linalg.norm(found)
    return found / length if length else found


def _whole(values: Sequence[str], all_values: Sequence[str], there: Sequence[str]) -> np.ndarray:
    """Numbers of the whole column: how many, how varied, how long, how much of letters, digits and signs."""
    found = np.zeros(GROUPS["whole"])
    if not values:
        return found
    counts = np.array(list(Counter(values).values()), np.float64)
    share = counts / counts.sum()
    lengths = np.array([len(value) for value in values], np.float64)
    digits = np.array([sum(map(str.isdigit, value)) for value in values], np.float64)
    letters = np.array([sum(map(str.isalpha, value)) for value in values], np.float64)
    signs = lengths - digits - letters - np.array([value.count(" ") for value in values])
    words = np.array([len(value.split()) for value in values], np.float64)
    number = np.array([_number(value) for value in values])
    numeric = ~np.isnan(number)
    real = number[numeric]
    log = np.log1p(np.abs(real)) if len(real) else np.zeros(1)
    found[:] = [
        np.log1p(len(all_values)), -(share * np.log(share)).sum(), len(counts) / len(values), numeric.mean(),
        (letters > 0).mean(), digits.mean(), digits.std(), letters.mean(), letters.std(), signs.mean(), signs.std(),
        words.mean(), words.std(), 1 - len(there) / max(1, len(all_values)), len(there) < len(all_values),
        lengths.sum(), lengths.min(), lengths.max(), np.median(lengths), lengths.mean(), lengths.std(),
        log.mean(), log.std(), log.max(), (real < 0).mean() if len(real) else 0,
        (real == np.round(real)).mean() if len(real) else 0, np.mean([value[:1].isupper() for value in values]),
    ]  # fmt: skip
    return found


def _number(value: str) -> float:
    try:
        number = float(value.replace(",", ""))
        return number if abs(number) < 1e300 else float("nan")
    except ValueError:
        return float("nan")
