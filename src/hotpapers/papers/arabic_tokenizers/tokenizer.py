"""Tokenizers: a vocabulary and a way to cut words by it, with one behaviour for all: ids, offsets, batches, JSON.

Ids 0 and 1 are the unknown and the padding, special tokens follow, then the pieces. ``##`` marks a piece that does not
begin its word; in BPE and unigram ``▁`` marks one that does.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media.readable import is_folder
from hotpapers.papers.arabic_tokenizers.lookup import WordTable
from hotpapers.papers.arabic_tokenizers.merges import BEGINS, Merger
from hotpapers.papers.arabic_tokenizers.pieces import GOES_ON
from hotpapers.papers.arabic_tokenizers.trie import Trie, best_path, greedy
from hotpapers.papers.arabic_tokenizers.words import POOL, find_words, gather, spell, split_texts, tell_apart

Algo = Literal["word", "char", "bpe", "unigram", "disjoint", "stochastic", "morph"]
ALGOS: tuple[Algo, ...] = get_args(Algo)
UNKNOWN, PADDING = "<UNK>", "<PAD>"
UNK, PAD = 0, 1
MODEL_FILE = "tokenizer.json"
FORMAT = "hotpapers arabic tokenizer 1"
LONGEST_WORD = 20
_MARKED: tuple[Algo, ...] = ("bpe", "unigram")
_MOST_KEPT = 100_000
_LARGEST_FILE = 1 << 29

Cut = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Ids of all words one after another, where each word's begin (words + 1,), and the letters of each id."""


class Token(NamedTuple):
    """A piece with its id and its place in the text, ``text[begin:end]``."""

    id: int
    piece: str
    begin: int
    end: int


class Batch(NamedTuple):
    """Texts as one array of ids, (texts, length), and how many ids of each are no padding, (texts,)."""

    ids: np.ndarray
    lengths: np.ndarray


@dataclasses.dataclass(frozen=True)
class Tokenizer:
    """A trained tokenizer.

    Attributes
    ----------
    algo
        How it cuts.
    pieces
        The vocabulary by id.
    counts
        How often each piece was counted in training; of unigram its log probability, of SentencePiece its score.
    merges
        Of BPE: the pairs of ids that make a piece, the first to merge first.
    specials
        Tokens of the user's own, with the ids 2, 3, …; a word of a text that is one is never cut.
    """

    algo: Algo
    pieces: list[str]
    counts: list[float]
    merges: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    specials: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", {piece: number for number, piece in enumerate(self.pieces)})
        object.__setattr__(self, "_kept", {})
        object.__setattr__(self, "_cutter", None)

    # What it does

    def tokenize(self, text: str) -> list[str]:
        """Return the pieces of a text."""
        return [self.pieces[number] for number in self.encode(text)]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        words = text.split()
        kept = self._keep(words)
        return [number for word in words for number in kept[word][0]]

    def encode_with_offsets(self, text: str) -> list[Token]:
        """Return pieces, ids and places in the text; what no piece covers is an unknown with its place."""
        words = text.split()
        kept = self._keep(words)
        found, at = [], 0
        for word in words:
            at = text.index(word, at)
            begin = at
            for number, span in zip(*kept[word], strict=True):
                found.append(Token(number, self.pieces[number], begin, begin + span))
                begin += span
            at += len(word)
        return found

    def encode_array(self, text: str | bytes) -> np.ndarray:
        """Return the ids of a long text as an int32 array; bytes must be UTF-8."""
        if self.algo == "word":  # one look-up a word is less than telling words apart first
            return self._table().find(text if isinstance(text, str) else text.decode())
        words = find_words(text)
        ids, offsets, _ = self.cut(words.distinct)
        return gather(ids, offsets, words.codes)

    def tokenize_array(self, text: str | bytes) -> np.ndarray:
        """Return the pieces of a long text as an array of strings."""
        return np.array(self.pieces, object).take(self.encode_array(text))

    def encode_lines(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of many texts one after another, and where each text's begin, (texts + 1,)."""
        words, word_counts = split_texts(texts)
        encoded = tell_apart(words)
        ids, offsets, _ = self.cut(encoded.dictionary)
        codes = encoded.indices.to_numpy()
        sizes = np.concatenate([[0], np.cumsum(np.diff(offsets)[codes])])
        return gather(ids, offsets, codes), sizes[np.concatenate([[0], np.cumsum(word_counts)])]

    def encode_batch(
        self, texts: Sequence[str], *, length: int | None = None, pad: bool = True, truncate: bool = True
    ) -> Batch:
        """Return the ids of many texts as one array.

        Parameters
        ----------
        texts
            The texts.
        length
            Columns of the array; left out, the longest text decides.
        pad
            Fill with the padding's id up to ``length``; without it the array is as wide as the longest text.
        truncate
            Cut what is longer than ``length``; without it the longest text decides where it is longer.
        """
        flat, bounds = self.encode_lines(texts)
        lengths = np.diff(bounds)
        width = int(lengths.max(initial=0))
        if length is not None:
            width = max(length, width if not truncate else 0) if pad else min(width, length) if truncate else width
        lengths = np.minimum(lengths, width)
        array = np.full((len(texts), width), PAD, np.int32)
        inside = np.arange(width) < lengths[:, None]
        array[inside] = flat[(bounds[:-1, None] + np.arange(width))[inside]]
        return Batch(array, lengths)

    def encode_dropping(self, text: str, dropout: float, seed: int = 0) -> list[int]:
        """Return ids with each merge passed over with probability ``dropout`` (BPE alone; Provilkov et al., 2020)."""
        if self.algo != "bpe":
            raise ValueError(f"dropout is of bpe; this is {self.algo}")
        chance = np.random.default_rng(seed)
        words = pa.array(text.split(), pa.string())
        return self._merger().segment(spell(words), dropout, chance)[0].tolist()

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, words apart by one space; padding is left out."""
        return self.detokenize([self.pieces[number] for number in ids if number != PAD])

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Return the text of pieces, words apart by one space."""
        if self.algo in _MARKED:
            parts = (BEGINS + each if each in self.specials else each for each in tokens)
            return "".join(parts).replace(BEGINS, " ").strip()
        joined = " ".join(tokens)
        return joined if self.algo == "word" else joined.replace(f" {GOES_ON}", "")

    def shrunk(self, vocab: int) -> "Tokenizer":
        """Return the tokenizer that training with a smaller vocabulary would have given (unigram must be trained)."""
        if self.algo == "unigram":
            raise ValueError("a smaller unigram vocabulary is another one; train it")
        letters = len(self.pieces) - len(self.merges)
        if self._made() != [*range(letters, len(self.pieces))][: len(self.merges)]:
            raise ValueError("a converted vocabulary has another order; train one")
        if self.algo == "bpe" and vocab < letters:
            raise ValueError(f"the {letters} letters alone are more than {vocab}; train it")
        return dataclasses.replace(self, pieces=self.pieces[:vocab], counts=self.counts[:vocab],
                                   merges=self.merges[: max(vocab - letters, 0)])  # fmt: skip

    def token_to_id(self, piece: str) -> int:
        """Return a piece's id; the unknown's where it is no piece."""
        return self.ids.get(piece, UNK)  # type: ignore[attr-defined]

    def cut(self, words: pa.StringArray) -> Cut:
        """Cut words: ids, where each word's begin, and the letters of each id."""
        if self.specials:
            return self._around_specials(words)
        return self._cut(words)

    # How it is done

    def _keep(self, words: list[str]) -> dict[str, tuple[list[int], list[int]]]:
        """Return word → ids and letters of each, cutting at once all words that are new."""
        kept: dict[str, tuple[list[int], list[int]]] = self._kept  # type: ignore[attr-defined]
        if missing := [word for word in dict.fromkeys(words) if word not in kept]:
            if len(kept) + len(missing) > _MOST_KEPT:
                kept.clear()
                missing = list(dict.fromkeys(words))
            ids, offsets, spans = self.cut(pa.array(missing, pa.string()))
            flat, lengths, bounds = ids.tolist(), spans.tolist(), offsets.tolist()
            for word, begin, end in zip(missing, bounds, bounds[1:], strict=False):
                kept[word] = flat[begin:end], lengths[begin:end]
        return kept

    def _around_specials(self, words: pa.StringArray) -> Cut:
        found = pc.index_in(words, value_set=pa.array(self.specials, pa.string())).fill_null(-1).to_numpy()
        ids, offsets, spans = self._cut(words)
        if not (found >= 0).any():
            return ids, offsets, spans
        sizes = np.where(found >= 0, 1, np.diff(offsets))
        kept = np.repeat(found < 0, np.diff(offsets))
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        new_ids, new_spans = np.zeros(bounds[-1], np.int32), np.zeros(bounds[-1], np.int64)
        special = np.repeat(found >= 0, sizes)
        new_ids[special], new_ids[~special] = found[found >= 0] + 2, ids[kept]
        new_spans[special] = pc.utf8_length(words).to_numpy()[found >= 0]
        new_spans[~special] = spans[kept]
        return new_ids, bounds, new_spans

    def _cut(self, words: pa.StringArray) -> Cut:
        if self.algo == "word":
            ids = self._look_up(words)
            return ids, np.arange(len(words) + 1), pc.utf8_length(words).to_numpy().astype(np.int64)
        if self.algo == "char":
            return self._cut_letters(words)
        if self.algo == "bpe":
            return self._merger().segment(spell(words))
        trie, first, after = self._trie()
        if self.algo == "unigram":
            return self._cut_unigram(trie, words)
        return greedy(trie, spell(words), first, after, UNK, LONGEST_WORD)

    def _look_up(self, words: pa.StringArray) -> np.ndarray:
        reserved = 2 + len(self.specials)
        found = pc.index_in(words, value_set=pa.array(self.pieces[reserved:], pa.string()), memory_pool=POOL)
        ids = found.fill_null(-1).to_numpy().astype(np.int32)
        return np.where(ids < 0, UNK, ids + reserved).astype(np.int32)

    def _cut_letters(self, words: pa.StringArray) -> Cut:
        if self._cutter is None:  # type: ignore[attr-defined]
            tables = np.full((2, 0x110000), UNK, np.int32)
            for number, piece in enumerate(self.pieces[2 + len(self.specials) :], 2 + len(self.specials)):
                goes_on = len(piece) == len(GOES_ON) + 1
                tables[int(goes_on), ord(piece[-1])] = number
            object.__setattr__(self, "_cutter", tables)
        tables = self._cutter  # type: ignore[attr-defined]
        letters = spell(words)
        offsets = np.concatenate([[0], np.cumsum(letters.lengths)])
        word = np.repeat(np.arange(len(words)), letters.lengths)
        codes = letters.codes[np.arange(len(word)) + word]
        ids = tables[1][codes]
        heads = offsets[:-1][letters.lengths > 0]
        ids[heads] = tables[0][codes[heads]]
        return ids, offsets, np.ones(len(ids), np.int64)

    def _cut_unigram(self, trie: Trie, words: pa.StringArray) -> Cut:
        marked = pc.binary_join_element_wise(pa.scalar(BEGINS), words, "") if len(words) else words
        scores = np.array(self.counts)
        ids, offsets, spans = best_path(trie, spell(marked), scores, UNK, float(scores[2:].min(initial=0.0)) - 10.0)
        heads = offsets[:-1][np.diff(offsets) > 0]
        spans[heads] -= 1  # the ▁ is no letter of the word
        return ids, offsets, spans

    def _table(self) -> WordTable:
        if self._cutter is None:  # type: ignore[attr-defined]
            object.__setattr__(self, "_cutter", WordTable(self.pieces[2:], 2, UNK))
        return self._cutter  # type: ignore[attr-defined]

    def _merger(self) -> Merger:
        if self._cutter is None:  # type: ignore[attr-defined]
            reserved = 2 + len(self.specials)
            letters = {
                piece: number for number, piece in enumerate(self.pieces) if number >= reserved and len(piece) == 1
            }
            object.__setattr__(self, "_cutter", Merger(letters, self.merges, self._made(), UNK))
        return self._cutter  # type: ignore[attr-defined]

    def _made(self) -> list[int]:
        """Return the id of the piece that each merge makes."""
        return [self.ids[self.pieces[left] + self.pieces[right]] for left, right in self.merges]  # type: ignore[attr-defined]

    def _trie(self) -> tuple[Trie, int, int]:
        if self._cutter is None:  # type: ignore[attr-defined]
            reserved = 2 + len(self.specials)
            trie = Trie({piece: number for number, piece in enumerate(self.pieces) if number >= reserved})
            object.__setattr__(self, "_cutter", (trie, 1, trie.after(GOES_ON)))
        return self._cutter  # type: ignore[attr-defined]

    # How it is kept

    def save(self, folder: Path) -> Path:
        """Write the model into ``folder`` as one JSON file and return that file's path."""
        with written_whole(Path(folder)) as temporary:
            temporary.mkdir()
            record: dict[str, Any] = {
                "format": FORMAT, "algo": self.algo, "specials": list(self.specials),
                "pieces": self.pieces, "counts": self.counts,
            }  # fmt: skip
            if self.merges:
                record["merges"] = [list(pair) for pair in self.merges]
            text = json.dumps(record, ensure_ascii=False, allow_nan=False)
            (temporary / MODEL_FILE).write_text(text + "\n", encoding="utf-8")
        return Path(folder) / MODEL_FILE

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read a model from its folder or its JSON file.

        Raises
        ------
        BadInput
            If there is none, or it is not one of these.
        """
        path = Path(path)
        path = path / MODEL_FILE if is_folder(path) else path
        wrong = f"{path} is no tokenizer of arabic-tokenizers; train one, or name the folder that train wrote"
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise BadInput(f"{wrong}: it is too large.")
            record = json.loads(path.read_bytes())
        except OSError as error:
            raise BadInput(f"Cannot read {path}: {(error.strerror or type(error).__name__).lower()}.") from error
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{wrong}.") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT or record.get("algo") not in ALGOS:
            raise BadInput(f"{wrong}.")
        try:
            return cls(record["algo"], **_checked(record))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInput(f"{path} is damaged ({error}); train the tokenizer again.") from error


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record holds where it makes sense, else raise ``ValueError``."""
    pieces, counts, specials = record["pieces"], record["counts"], record.get("specials", [])
    merges = record.get("merges", [])
    for name, value in (("pieces", pieces), ("specials", specials)):
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise ValueError(f"{name} must be a list of strings")
    if (
        len(pieces) < 2
        or len(set(pieces)) < len(pieces)
        or pieces[: 2 + len(specials)] != [UNKNOWN, PADDING, *specials]
    ):
        raise ValueError("pieces must begin with the unknown, the padding and the special ones, and each come once")
    if not isinstance(counts, list) or len(counts) != len(pieces):
        raise ValueError("there must be a count for each piece")
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in counts):
        raise ValueError("counts must be numbers")
    reserved = 2 + len(specials)
    pairs = [(left, right) for left, right in merges]
    known = set(pieces[reserved:])
    for pair in pairs:
        if not all(isinstance(each, int) and reserved <= each < len(pieces) for each in pair):
            raise ValueError("a merge names a piece that does not exist")
        if pieces[pair[0]] + pieces[pair[1]] not in known:
            raise ValueError("a merge does not make a piece")
    if record["algo"] == "bpe" and BEGINS not in known:
        raise ValueError("▁ must be one of the pieces")
    if record["algo"] == "char" and any(len(each.removeprefix(GOES_ON)) != 1 and len(each) != 1
                                        for each in pieces[reserved:]):  # fmt: skip
        raise ValueError("the pieces must be letters")
    return {"pieces": pieces, "counts": counts, "merges": pairs, "specials": tuple(specials)}
