"""The vocabulary: what a model sees of a token. In the ``abstract`` form names, numbers and strings are slots.

The abstract form keeps keywords, signs, layout and the few names that matter to syntax (``print``, ``exec``, …), and
knows a name that is nearly a keyword (``~class`` for ``lass`` or ``Class``): some 190 types in Python. The ``raw`` form
is the paper's: the commonest tokens as written, all others ``<unk>``.
"""

import functools
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from hotpapers.papers.bifi.tokens import Token, plain_tokens, python_tokens

Language = Literal["python", "plain"]
Form = Literal["abstract", "raw"]

SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")
SLOTS = ("<NAME>", "<NUMBER>", "<STRING>", "<OPEN>", "<BAD>", "<BADNUMBER>", "<DIRECTIVE>", "<INDENT>", "<DEDENT>",
         "<NEWLINE>")  # fmt: skip
SIGNS = (
    "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "//",
    "%", "**", "@", "&", "|", "^", "~", "<<", ">>", "->", ":=", "...", "+=", "-=", "*=", "/=", "//=", "%=", "**=",
    "@=", "&=", "|=", "^=", "<<=", ">>=",
)  # fmt: skip
NAMES = (
    "print", "exec", "raw_input", "self", "input", "range", "len", "int", "str", "open", "match", "case", "type", "_",
    "__init__", "then", "elseif", "elsif", "do", "end", "function", "var", "new", "null", "this", "switch", "void",
    "let", "const", "echo", "endif", "foreach",
)  # fmt: skip
TEXTS = {"<NAME>": "a", "<NUMBER>": "1", "<STRING>": '"s"', "<OPEN>": '"', "<BAD>": "?", "<BADNUMBER>": "01",
         "<DIRECTIVE>": "#", "<unk>": "unk", "<COMMENT>": "##"}  # fmt: skip
KEYWORDS = tuple(keyword.kwlist)


class Vocabulary:
    """Types of tokens and their numbers.

    Parameters
    ----------
    types
        The types in the order of their numbers; the four special ones come first.
    language
        How code is cut into tokens.
    form
        Whether names, numbers and strings are slots, or tokens are as written.
    """

    def __init__(self, types: Sequence[str], language: Language = "python", form: Form = "abstract") -> None:
        self.types, self.language, self.form = list(types), language, form
        self.index = {name: number for number, name in enumerate(self.types)}
        self.newline, self.indent, self.dedent = (self.index.get(f"<{n}>", -1) for n in ("NEWLINE", "INDENT", "DEDENT"))
        self.opening = {self.index[sign]: n for n, sign in enumerate("([{", 1) if sign in self.index}
        self.closing = {self.index[sign]: n for n, sign in enumerate(")]}", 1) if sign in self.index}

        slots = {"<NAME>", "<NUMBER>", "<STRING>"}
        self.words = {n for n, name in enumerate(self.types) if name in slots or re.match(r"\w", name)}

    def __len__(self) -> int:
        return len(self.types)

    def tokens(self, code: str) -> list[Token]:
        """Cut code into the tokens that the model sees: in the abstract form without comments and blank lines."""
        if self.language == "plain":
            found = [token for token in plain_tokens(code) if token.kind != "COMMENT"]
            return found if self.form == "raw" else _without_blank(found)
        found = python_tokens(code)
        return found if self.form == "raw" else list(_merged(_without_blank(found)))

    def encode(self, tokens: Iterable[Token]) -> list[int]:
        """Return the tokens' numbers."""
        index, unknown = self.index, self.index["<unk>"]
        if self.form == "raw":
            return [index.get(text if kind in ("NAME", "OP", "NUMBER") else f"<{kind}>", unknown)
                    for kind, text, _, _ in tokens]  # fmt: skip
        return [index.get(self.type_of(kind, text), unknown) for kind, text, _, _ in tokens]

    def type_of(self, kind: str, text: str) -> str:
        """Return a token's type in the abstract form."""
        if kind == "NAME":
            if text in self.index:
                return text
            near = near_keyword(text) if self.language == "python" else None
            return f"~{near}" if near else "<NAME>"
        if kind == "OP":
            return text if text in self.index else "<BAD>"
        return f"<{kind}>"

    def text(self, number: int) -> str:
        """Return what a type is written as where nothing in the source says how."""
        name = self.types[number]
        return "a" if name[0] == "~" and len(name) > 1 and name[1].isalpha() else TEXTS.get(name, name)


def python_vocabulary() -> Vocabulary:
    """Return the abstract vocabulary of Python."""
    near = [f"~{word}" for word in KEYWORDS]
    return Vocabulary([*SPECIAL, *SLOTS, *SIGNS, *KEYWORDS, *NAMES, *near], "python", "abstract")


def learned_vocabulary(codes: Iterable[str], language: Language, form: Form, size: int) -> Vocabulary:
    """Return the vocabulary of the commonest tokens in ``codes``; slots come first and count in ``size``."""
    reader = Vocabulary(SPECIAL, language, "raw")
    counts: Counter[str] = Counter()
    for code in codes:
        for kind, text, _, _ in reader.tokens(code):
            if kind in ("NAME", "OP") or (form == "raw" and kind == "NUMBER"):
                counts[text] += 1
    slots = [*SLOTS, "<COMMENT>", "<NL>"] if form == "raw" else list(SLOTS)
    common = sorted(counts, key=lambda text: (-counts[text], text))
    types = [*SPECIAL, *slots, *(text for text in common if text not in slots)]
    return Vocabulary(types[:size], language, form)


@functools.lru_cache(maxsize=1 << 16)
def near_keyword(name: str) -> str | None:
    """Return the keyword that ``name`` is nearly: the same but for case, or one slip away from four letters or more."""
    if len(name) > 10:
        return None
    lowered = name.lower()
    for word in KEYWORDS:
        if lowered == word.lower() and name != word:
            return word
    for word in KEYWORDS:
        if len(word) >= 4 and abs(len(word) - len(name)) <= 1 and _one_slip(lowered, word.lower()):
            return word
    return None


def _one_slip(a: str, b: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours turns ``a`` into ``b``."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    a, b = a[start:], b[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


def _without_blank(tokens: list[Token]) -> list[Token]:
    found: list[Token] = []
    for token in tokens:
        if token.kind in ("COMMENT", "NL") or (
            token.kind == "NEWLINE" and (not found or found[-1].kind in ("NEWLINE", "INDENT", "DEDENT"))
        ):
            continue
        found.append(token)
    return found


_OLD = re.compile(r"0\d+[lL]?$|(0[xX][0-9a-fA-F]+|\d+)[lL]$")


def _merged(tokens: list[Token]) -> Iterable[Token]:
    """Yield the tokens with numbers of Python 2, such as 0777 and 10L, in one piece."""
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "NUMBER":
            text, end, after = token.text, token.end, place + 1
            while after < len(tokens) and tokens[after].start == end and tokens[after].kind in ("NUMBER", "NAME"):
                text, end, after = text + tokens[after].text, tokens[after].end, after + 1
            if after > place + 1 and _OLD.match(text):
                yield Token("BADNUMBER", text, token.start, end)
                place = after
                continue
        yield token
        place += 1
