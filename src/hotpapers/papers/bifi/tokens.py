"""Tokens: what code is cut into, that need not parse. Nothing is lost: every token knows its place in the text.

``python_tokens`` follows the authors' modified tokenizer (a tab is two columns, indentation is seen inside brackets
too, a dedent to no known level is ignored), and where theirs raises an error, this goes on: an unclosed string is an
``OPEN``, a character outside the language a ``BAD``. ``plain_tokens`` is for every other language.
"""

import io
import keyword
import re
import tokenize
from collections.abc import Iterable
from typing import NamedTuple

TAB = 2


class Token(NamedTuple):
    """A piece of code: its kind, its text, and where it lies in the source."""

    kind: str
    text: str
    start: int
    end: int


_DIGITS = r"[0-9](?:_?[0-9])*"
_NUMBER = (
    rf"{_DIGITS}[jJ]|(?:(?:{_DIGITS}\.(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][-+]?{_DIGITS})?|{_DIGITS}[eE][-+]?{_DIGITS})[jJ]?"
    r"|0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?0)*|[1-9](?:_?[0-9])*"
)
_PREFIX = r"(?:[bB][rR]?|[rR][bBfF]?|[uU]|[fF][rR]?)?"
_OPERATOR = (
    r"\*\*=|//=|>>=|<<=|\.\.\.|!=|->|\*\*|//|>>|<<|<=|>=|==|:=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|@="
    r"|[-+*/%@&|^~<>()\[\]{},:.;=]"
)
_CLOSED = (
    rf"{_PREFIX}(?:'''(?:[^'\\]|\\.|'(?!''))*'''|\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*\"\"\""
    r"|'(?!'')(?:[^\n'\\]|\\(?:\r\n|.))*'|\"(?!\"\")(?:[^\n\"\\]|\\(?:\r\n|.))*\")"
)
_PYTHON = re.compile(
    rf"[ \f\t]*(?:(?P<NUMBER>{_NUMBER})|(?P<STRING>{_CLOSED})|(?P<OPEN>{_PREFIX}['\"][^\r\n]*)|(?P<NAME>\w+)"
    rf"|(?P<OP>{_OPERATOR})|(?P<NEWLINE>\r?\n|\r)|(?P<COMMENT>#[^\r\n]*)|(?P<GLUE>\\(?:\r?\n|\r))|(?P<BAD>[^ \f\t]))",
    re.DOTALL,
)
_BRACKET = re.compile(rf"(?:{_CLOSED}|['\"][^\r\n]*|#[^\r\n]*)|([()\[\]{{}}])", re.DOTALL)
_MARGIN = re.compile(r"[ \f\t]*")
_BLANK = re.compile(r"(#[^\r\n]*)?(\r?\n|\r|\Z)")


def python_tokens(code: str) -> list[Token]:
    """Cut Python into tokens; broken Python too.

    Parameters
    ----------
    code
        The source. Ends of lines are kept as they are.
    """
    found: list[Token] = []
    indents = [0]
    place, end, glued = 0, len(code), False
    match_token = _PYTHON.match
    while place < end:
        if not glued:
            margin = _MARGIN.match(code, place)
            assert margin is not None
            first = margin.end()
            if first == end:
                break
            if blank := _BLANK.match(code, first):
                if blank[1] is not None:
                    found.append(Token("COMMENT", blank[1], first, blank.end(1)))
                found.append(Token("NL", blank[2], blank.start(2), blank.end()))
                place = blank.end()
                continue
            _measure(_column(margin[0]), indents, found, first)
            place = first
        glued = False
        while match := match_token(code, place):
            place = match.end()
            kind = match.lastgroup or "BAD"
            if kind == "GLUE":
                glued = True
                break
            found.append(Token(kind, match[kind], match.start(kind), place))
            if kind == "NEWLINE":
                break
        else:
            break  # nothing is left but blanks
    # As the authors have it, an end without a line break gets one, even after a comment.
    if found and not code.endswith(("\n", "\r")) and code[code.rfind("\n") + 1 :].strip(" \t\f"):
        found.append(Token("NEWLINE", "", end, end))
    found.extend(Token("DEDENT", "", end, end) for _ in indents[1:])
    return found


def python_brackets(code: str) -> list[str]:
    """Return the brackets of Python outside of strings and comments: those of ``python_tokens``, found much sooner."""
    return [bracket for bracket in _BRACKET.findall(code) if bracket]


def _column(margin: str) -> int:
    if "\t" not in margin and "\f" not in margin:
        return len(margin)
    column = 0
    for character in margin:
        column = 0 if character == "\f" else column + 1 if character == " " else (column // TAB + 1) * TAB
    return column


def _measure(column: int, indents: list[int], found: list[Token], place: int) -> None:
    """Open or close blocks; a column that fits no open block closes what is deeper and is else ignored."""
    if column > indents[-1]:
        indents.append(column)
        found.append(Token("INDENT", "", place, place))
    while column < indents[-1] and column in indents:
        indents.pop()
        found.append(Token("DEDENT", "", place, place))


_PLAIN = re.compile(
    r"[ \t\f\r]*(?:(?P<COMMENT>//[^\n]*|/\*.*?\*/|<!--.*?-->)|(?P<DIRECTIVE>(?m:^)\#[^\n]*)"
    r"|(?P<STRING>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<OPEN>[\"'][^\n]*)"
    r"|(?P<NUMBER>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\w*)|(?P<NAME>[^\W\d]\w*)|(?P<NEWLINE>\n)"
    r"|(?P<OP></|/>|<\?|\?>|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%]=|[^ \t\f\r\n]))",
    re.DOTALL,
)


def plain_tokens(code: str) -> list[Token]:
    """Cut any other language into names, numbers, strings, comments, signs and ends of lines."""
    found = []
    place = 0
    while match := _PLAIN.match(code, place):
        place = match.end()
        kind = match.lastgroup or "OP"
        found.append(Token(kind, match[kind], match.start(kind), place))
    return found


ANONYMOUS = {"STRING", "COMMENT", "INDENT", "DEDENT", "NEWLINE", "NL"}
DEFAULTS = {"<unk>": "unk", "<COMMENT>": "##", "<NUMBER>": "1", "<STRING>": '"str"'}


def anonymise(tokens: Iterable[Token]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the paper's stream of tokens, and what stood in its slots, in order.

    Strings, comments and layout become ``<STRING>``, ``<COMMENT>``, ``<INDENT>``, …; all else stays as written.
    """
    stream: list[str] = []
    slots: dict[str, list[str]] = {}
    for kind, text, _, _ in tokens:
        if kind == "OPEN":
            kind = "STRING"
        if kind in ANONYMOUS:
            stream.append(f"<{kind}>")
            if kind in ("STRING", "COMMENT"):
                slots.setdefault(f"<{kind}>", []).append(text)
        else:
            stream.append(text)
    return stream, slots


def detokenise(stream: Iterable[str], slots: dict[str, list[str]] | None = None) -> str:
    """Return the code of a stream as the paper writes it: four spaces a level, one between tokens, slots in order."""
    left = {name: iter(texts) for name, texts in (slots or {}).items()}
    pieces: list[str] = []
    level, opening = 0, True
    for token in stream:
        if token == "<INDENT>":  # noqa: S105
            level += 1
        elif token == "<DEDENT>":  # noqa: S105
            level -= 1
        elif token in ("<NEWLINE>", "<NL>"):
            pieces.append("\n")
            opening = True
        else:
            if opening:
                level = max(0, level)
            pieces.append("    " * level if opening else " ")
            opening = False
            text = next(left[token], None) if token in left else None
            pieces.append(DEFAULTS.get(token, token) if text is None else text)
    return "".join(pieces)


def abstract(code: str) -> list[str]:
    """Return code that parses as kinds of tokens: names, numbers and strings alike, keywords and signs as they are.

    Two programs count as the same fix where these are the same: comments, names, spacing and line breaks inside
    brackets do not matter.

    Raises
    ------
    SyntaxError
        If it does not parse.
    """
    kinds = []
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except tokenize.TokenError as error:  # no SyntaxError before Python 3.12
        raise SyntaxError(str(error)) from error
    for token in tokens:
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER):
            continue
        if token.type == tokenize.NAME:
            kinds.append(token.string if keyword.iskeyword(token.string) else "NAME")
        elif token.type == tokenize.OP:
            kinds.append(token.string)
        else:
            kinds.append(tokenize.tok_name[token.type])
    return kinds


def same_code(code: str, other: str) -> bool:
    """Whether two programs are the same but for names, numbers, strings, comments and spacing."""
    try:
        return abstract(code) == abstract(other)
    except (SyntaxError, ValueError, IndexError):
        return False
