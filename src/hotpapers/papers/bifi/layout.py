"""Layout: edited tokens written back into the text they came from. What no edit touches stays as it was.

Comments, strings, spacing, blank lines and line ends are the source's own. Only where a block moves is a line indented
anew, and only beside an edited token is a space set or taken.
"""

import re
from collections.abc import Sequence

from hotpapers.papers.bifi.edits import INSERTED, State
from hotpapers.papers.bifi.tokens import Token
from hotpapers.papers.bifi.vocabulary import Vocabulary

UNIT = "    "
_LAYOUT = ("NEWLINE", "INDENT", "DEDENT")
_TIGHT_BEFORE = {")", "]", "}", ",", ":", ";", ".", "(", "["}
_TIGHT_AFTER = {"(", "[", "{", ".", "~", "@"}
_WORD = re.compile(r"\w")


def plain(state: State, vocabulary: Vocabulary) -> str:
    """Return abstract tokens as code, slots filled with one name, number and string: a parser judges it alike."""
    pieces: list[str] = []
    level, opening = 0, True
    newline, indent, dedent, text = vocabulary.newline, vocabulary.indent, vocabulary.dedent, vocabulary.text
    for number in state.ids:
        if number == newline:
            pieces.append("\n")
            opening = True
        elif number == indent:
            level += 1
        elif number == dedent:
            level = max(0, level - 1)
        else:
            pieces.append(" " * level if opening else " ")
            opening = False
            pieces.append(text(number))
    return "".join(pieces)


def locate(state: State, vocabulary: Vocabulary, line: int, column: int) -> int:
    """Return the token at a line (from 1) and column (from 0) of ``plain``; the last of the line, if beyond it."""
    row, level, across, opening, found = 1, 0, 0, True, 0
    newline, indent, dedent, text = vocabulary.newline, vocabulary.indent, vocabulary.dedent, vocabulary.text
    for place, number in enumerate(state.ids):
        if row > line:
            break
        if number == indent:
            level += 1
        elif number == dedent:
            level = max(0, level - 1)
        else:
            if row == line and (opening or across <= column):
                found = place
            if number == newline:
                row, across, opening = row + 1, 0, True
            else:
                across += (level if opening else 1) + len(text(number))
                opening = False
    return found


class Writer:
    """Writes edited states of one source.

    Parameters
    ----------
    code, tokens
        The source and its tokens, as the vocabulary cuts it.
    """

    def __init__(self, code: str, tokens: Sequence[Token], vocabulary: Vocabulary) -> None:
        self.code, self.tokens, self.vocabulary = code, tokens, vocabulary
        self.ending = "\r\n" if "\r\n" in code else "\n"
        margins = re.findall(r"^([ \t]+)\S", code, re.MULTILINE)
        self.unit = min((m for m in margins if m), key=len, default=UNIT)
        self.unit = "\t" if self.unit[0] == "\t" else self.unit if len(self.unit) in (2, 3, 4, 8) else UNIT

    def write(self, state: State, *, tidy: bool = False) -> str:
        """Return the source with the state's edits in it; ``tidy`` indents every line as its block is."""
        if not state.ids and self.tokens:
            return ""
        return _Writing(self, tidy).run(state)

    def text(self, number: int, replaced: Token | None) -> str:
        """Return how a new token is written, like the one it replaces where that makes sense."""
        name = self.vocabulary.types[number]
        if replaced is not None:
            if name == "<NUMBER>" and replaced.kind == "BADNUMBER":
                digits = replaced.text.rstrip("lL")
                octal = digits[0] == "0" and digits.strip("0") and digits.isdigit()
                return f"0o{digits.lstrip('0')}" if octal and not set(digits) & set("89") else digits.lstrip("0") or "0"
            if name == "<STRING>" and replaced.kind == "OPEN":
                quote = re.search(r"'''|\"\"\"|['\"]", replaced.text)
                return replaced.text.rstrip() + (quote[0] if quote else '"')
            if name == "<NAME>" and replaced.kind == "NAME":
                return f"{replaced.text}_"
        return self.vocabulary.text(number)


class _Writing:
    def __init__(self, writer: Writer, tidy: bool) -> None:
        self.w, self.tidy = writer, tidy
        self.pieces: list[str] = []
        self.margins = [""]  # the indentation of each open block, as written
        self.sources = [""]  # the same in the source
        self.opening = True  # at the beginning of a line
        self.place = 0  # up to where the source is used
        self.held = ""  # a comment whose line break was deleted
        self.inside = 0  # open brackets
        self.fresh = False  # the last token is new
        self.deeper = False  # a block has just been opened

    def run(self, state: State) -> str:
        tokens, vocabulary = self.w.tokens, self.w.vocabulary
        layout = {vocabulary.newline, vocabulary.indent, vocabulary.dedent}
        kept = 0  # tokens of the source that are behind us
        for number, origin in zip(state.ids, state.origins, strict=True):
            at = origin if origin >= 0 else -origin - 2 if origin != INSERTED else None
            if at is not None:
                self._skip(tokens[kept:at])
                kept = at + 1
            token = tokens[at] if at is not None else None
            if number in layout:
                self._lay_out(number, token)
            elif token is not None and origin >= 0:
                self._keep(token)
            else:
                self._add(self.w.text(number, token), token)
        self._skip(tokens[kept:])
        self.pieces.append(self.w.code[self.place :])
        return "".join(self.pieces)

    def _skip(self, deleted: Sequence[Token]) -> None:
        """Pass by deleted tokens: of the blanks on both sides of one, those before it stay."""
        self.touched |= bool(deleted)
        for token in deleted:
            if token.start == token.end:
                self.shifted |= token.kind in ("INDENT", "DEDENT")
                continue
            before = self.w.code[self.place : token.start]
            after = self.w.code[token.end :]
            blanks = after[: len(after) - len(after.lstrip(" \t"))]
            if token.kind == "NEWLINE":
                body = before.strip()
                comment = body.startswith("#")
                self.held += f"  {body}" if comment else ""
                self.pieces.append("" if comment or self.opening else before.rstrip(" \t") + " ")
                self.place = token.end + len(after) - len(after.lstrip())
                self.broken |= self.opening
            elif self.opening:
                self.pieces.append(_lines(before))
                self.place = token.end + len(blanks)
                self.code_margin = before[len(_lines(before)) :]
                self.pending_margin: str | None = self.code_margin
            else:
                ends = after[len(blanks) :][:1] in ("", "\n", "\r", "#")
                self.pieces.append(before if before.strip() or not blanks or not ends else "")
                self.place = token.end + (len(blanks) if before and not ends else 0)

    pending_margin: str | None = None
    code_margin = ""

    def _keep(self, token: Token) -> None:
        gap = self.w.code[self.place : token.start]
        if self.opening:
            self._open(gap)
        elif self.fresh and not gap.strip() and "\n" not in gap:
            self._space(token.text)
        else:
            self.pieces.append(gap)
            if not gap and self.touched:
                self._part(token.text)
        self.touched = False
        self._put(token.text, fresh=False)
        self.place = token.end

    def _add(self, text: str, replaced: Token | None) -> None:
        if replaced is not None and replaced.kind in _LAYOUT:
            self._skip([replaced])
            replaced = None
        if replaced is not None:
            gap = self.w.code[self.place : replaced.start]
            if self.opening:
                self._open(gap)
            else:
                self.pieces.append(gap)
                if not gap:
                    self._part(text)
            self.place = replaced.end
            following = self.w.code[self.place : self.place + 1]
            self._put(text, fresh=bool(_WORD.match(text[-1]) and _WORD.match(following)))
            return
        gap = self.w.code[self.place :]
        blanks = gap[: len(gap) - len(gap.lstrip(" \t"))]
        if self.opening:
            lines = self.w.code[self.place : self._next()]
            self._open(lines)
            self.place += len(lines)
        else:
            self._space(text)
            if gap[len(blanks) : len(blanks) + 1] not in ("", "\n", "\r", "#", "\\"):
                self.place += len(blanks)
        self._put(text, fresh=True)

    def _next(self) -> int:
        """Return where the next token that is more than layout begins."""
        following = (t.start for t in self.w.tokens if t.start >= self.place and t.end > t.start)
        return next(following, len(self.w.code))

    def _put(self, text: str, *, fresh: bool) -> None:
        self.pieces.append(text)
        self.opening, self.fresh = False, fresh
        self.inside = max(0, self.inside + (text in "([{") - (text in ")]}"))

    def _space(self, text: str) -> None:
        """Set the space before ``text``, of which it or its neighbour is new."""
        last = next((piece for piece in reversed(self.pieces) if piece), "")
        tight = text in _TIGHT_BEFORE or last in _TIGHT_AFTER
        if text in ("(", "[") and not (last and (_WORD.match(last[-1]) or last[-1] in ")]\"'")):
            tight = last in _TIGHT_AFTER
        elif text in ("(", "[") and last in (
            "in",
            "and",
            "or",
            "not",
            "if",
            "return",
            "is",
            "=",
            "as",
            "else",
            "elif",
            "while",
        ):
            tight = False
        if not tight and last and not last[-1].isspace():
            self.pieces.append(" ")

    def _part(self, text: str) -> None:
        last = next((piece for piece in reversed(self.pieces) if piece), "")
        if last and _WORD.match(last[-1]) and _WORD.match(text[0]):
            self.pieces.append(" ")

    def _open(self, gap: str) -> None:
        """Begin a line: blank lines and comments as they are, then the indentation."""
        lines = _lines(gap)
        margin = gap[len(lines) :]
        if self.pending_margin is not None:
            margin, self.pending_margin = self.pending_margin, None
        self.pieces.append(lines)
        if self.w.vocabulary.language == "python":
            margin = self._margin(margin)
        self.pieces.append(margin)

    def _margin(self, written: str) -> str:
        if self.deeper:
            self.deeper = False
            above = self.sources[-2]
            deep = written.startswith(above) and len(written) > len(above)
            self.sources[-1] = written
            moved = self.shifted and not self.inside
            self.margins[-1] = self.margins[-2] + (written[len(above) :] if deep else self.w.unit) if moved else written
            return self.margins[-1]
        if not self.inside and not self.broken:
            self.sources[-1] = written
        if self.tidy or self.broken or (self.shifted and not self.inside):
            self.broken = False
            return self.margins[-1]
        return written

    shifted = False  # a block was opened or closed by an edit
    broken = False  # this line was begun by an edit
    touched = False  # the last token was deleted

    def _lay_out(self, number: int, token: Token | None) -> None:
        vocabulary = self.w.vocabulary
        if token is not None and token.kind != vocabulary.types[number].strip("<>"):
            self._skip([token])
            token = None
        if number == vocabulary.newline:
            if token is not None:
                gap = self.w.code[self.place : token.start]
                self.pieces.append(gap + self.held + token.text)
                self.place = token.end
            else:
                self.pieces.append(self.held + self.w.ending)
                rest = self.w.code[self.place :]
                self.place += len(rest) - len(rest.lstrip(" \t"))
                self.broken = True
            self.held, self.opening, self.fresh = "", True, False
            return
        self.shifted |= token is None
        if number == vocabulary.indent:
            self.margins.append(self.margins[-1] + self.w.unit)
            self.sources.append(self.sources[-1])
            self.deeper = True
        elif len(self.margins) > 1:
            self.margins.pop()
            self.sources.pop()
            self.deeper = False


def _lines(gap: str) -> str:
    """Return the part of a gap that is whole lines."""
    return gap[: gap.rfind("\n") + 1]
