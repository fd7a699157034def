"""Looking all words of a text up at once, where a word is one piece: nothing is split, and no word becomes an object.

Eight letters of UTF-16 are two numbers of 64 bits. A word is found by a hash of its two, and both are compared; words
longer than that, of which there are few, are looked up one by one.
"""

import numpy as np

_LETTERS = 8
_BLOCK = 1 << 15  # words at once, so that what is made on the way stays in the processor's cache
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_KEPT = np.array([(1 << 16 * letters) - 1 for letters in range(4)] + [(1 << 64) - 1], np.uint64)
_NONE = np.zeros(1, np.uint64)
_WHITE = np.zeros(1 << 16, bool)
_WHITE[[code for code in range(1 << 16) if chr(code).isspace()]] = True


class WordTable:
    """The words of a vocabulary.

    Parameters
    ----------
    words
        Words without white space, each once.
    first
        The number of the first; the others count on.
    unknown
        The number of all other words.
    """

    def __init__(self, words: list[str], first: int, unknown: int) -> None:
        self.numbers = {word: number for number, word in enumerate(words, first)}
        self.unknown = unknown
        coded = [(word.encode("utf-16-le", "surrogatepass"), number) for word, number in self.numbers.items()]
        short = [(word, number) for word, number in coded if len(word) <= 2 * _LETTERS]
        keys = np.frombuffer(b"".join(word.ljust(2 * _LETTERS, b"\0") for word, _ in short), "<u8").reshape(-1, 2)
        # Place 0 is nobody's
        self.low, self.high = np.append(_NONE, keys[:, 0]), np.append(_NONE, keys[:, 1])
        self.number = np.array([unknown, *(number for _, number in short)], np.int32)
        self.shift = np.uint64(64 - max(4, (4 * len(short)).bit_length()))
        self.slots = np.zeros(1 << (64 - int(self.shift)), np.int64)
        for place, slot in enumerate(self._slot(keys[:, 0], keys[:, 1]).tolist(), 1):
            while self.slots[slot]:
                slot = (slot + 1) % len(self.slots)
            self.slots[slot] = place

    def find(self, text: str) -> np.ndarray:
        """Return the numbers of a text's words, (words,) int32."""
        if "\0" in text:  # which would be taken for the end of a word
            return np.array([self.numbers.get(word, self.unknown) for word in text.split()], np.int32)
        raw = text.encode("utf-16-le", "surrogatepass")
        units = np.frombuffer(raw, "<u2")
        white = np.flatnonzero(_WHITE.take(units))
        begins, ends = np.append(0, white + 1), np.append(white, len(units))
        lengths = ends - begins
        if not lengths.all():
            begins, lengths = begins[lengths > 0], lengths[lengths > 0]
        padded = np.frombuffer(raw + bytes(2 * _LETTERS), np.uint8)
        fours = np.ndarray((len(units) + 4,), "<u8", padded, strides=(2,))  # the four letters from each on
        found = np.empty(len(begins), np.int32)
        for at in range(0, len(begins), _BLOCK):
            block = slice(at, at + _BLOCK)
            found[block] = self._find(fours, begins[block], lengths[block])
        for place in np.flatnonzero(lengths > _LETTERS).tolist():
            begin = 2 * int(begins[place])
            word = raw[begin : begin + 2 * int(lengths[place])].decode("utf-16-le", "surrogatepass")
            found[place] = self.numbers.get(word, self.unknown)
        return found

    def _find(self, fours: np.ndarray, begins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        low = fours[begins] & _KEPT.take(np.minimum(lengths, 4))
        high = fours[begins + 4 * (lengths > 4)] & _KEPT.take(np.clip(lengths - 4, 0, 4))
        slots = self._slot(low, high)
        places = self.slots.take(slots)
        open_ = np.flatnonzero(self._other(places, low, high))
        while len(open_):
            slots[open_] = (slots[open_] + 1) % len(self.slots)
            places[open_] = here = self.slots[slots[open_]]
            open_ = open_[self._other(here, low[open_], high[open_])]
        return self.number.take(places)

    def _other(self, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return where a place is another word's."""
        return ((self.low.take(places) != low) | (self.high.take(places) != high)) & (places > 0)

    def _slot(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return ((low * _ODD[0] + high * _ODD[1]) >> self.shift).astype(np.int64)
