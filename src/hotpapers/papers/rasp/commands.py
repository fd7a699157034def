"""The language's verbs: run, analyse, draw, format, check and lint programs, and talk to the console.

A program is a file; where none is named, it is the paper's programs. None of these needs torch.
"""

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import written_whole
from hotpapers.papers.rasp import analysis, drawing, format, repl, show
from hotpapers.papers.rasp.check import check, lint
from hotpapers.papers.rasp.faults import LexicalFault, LimitReached, SyntaxFault
from hotpapers.papers.rasp.limits import Limits
from hotpapers.papers.rasp.program import PAPER, Program, load, read_source, told
from hotpapers.papers.rasp.sops import Handle, Selector, SOp, describe
from hotpapers.verbs import Outcome, TextFile

MOST_SHOWN = 400
Picture = Literal["png", "svg", "pdf", "dot"]


class ProblemsFound(HotpapersError):
    """A program was checked, and something is wrong with it."""

    exit_code = 1
    http_status = 422


def run(
    program: TextFile | None = None,
    *,
    expr: str = "reverse",
    input: str = "hello",
    inputs: TextFile | None = None,
    out: Path | None = None,
    seconds: float = 10,
    elements: int = 30_000_000,
) -> Outcome:
    """Work out an expression of a program on an input, or on many.

    Parameters
    ----------
    program
        The RASP program; the paper's own (reverse, hist_nobos, sort_bos, dyck2_ptf, …) when left out.
    expr
        What to work out: a name that the program sets, or any expression of such names.
    input
        The sequence: a string, or a JSON list such as [3, 1, 2].
    inputs
        Many sequences instead, one a line; the values are written as JSON lines.
    out
        Where to write the values; beside the inputs, or nowhere for a single one, when left out.
    seconds
        How long the program may take.
    elements
        How many elements a list, or how many pairs a selector, may have.
    """
    limits = _limits(seconds, elements)
    sequences = list(_read_inputs(inputs)) if inputs else [read_sequence(input)]
    found = _program(program, limits, sequences[0])
    handle = found.evaluate(expr)
    if not isinstance(handle, Handle):
        return Outcome(files={}, numbers={expr: _clipped(describe(handle))}, note="A value, the same for every input.")
    values = [_values(handle, each, found, expr) for each in sequences]
    target = out or (Path(inputs).with_suffix(".values.jsonl") if inputs else None)
    if target:
        rows = [{"input": each, "values": value} for each, value in zip(sequences, values, strict=True)]
        with written_whole(target) as temporary:
            temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    shown = {f"{expr}({json.dumps(sequences[0], ensure_ascii=False)})": _shown(handle, values[0])}
    return Outcome(
        files={"values": target} if target else {},
        numbers={**shown, "sequences": len(sequences)} if len(sequences) > 1 else shown,
    )


def analyse(program: TextFile | None = None, *, sop: str = "sort_by_most_freq", out: Path | None = None) -> Outcome:
    """Say how many layers and heads a transformer needs for a sequence operator.

    Parameters
    ----------
    program
        The RASP program; the paper's own when left out.
    sop
        The sequence operator: a name that the program sets, or an expression.
    out
        Where to write the analysis as JSON as well.
    """
    found = analysis.analyse(_program(program, _limits(10)).sop(sop))
    facts = {
        "layers": found.layers,
        "max heads": found.max_heads,
        "heads per layer": " ".join(map(str, found.heads)),
        "with equal selectors merged": " ".join(map(str, found.merged)),
        "spread over the layers": " ".join(map(str, found.spread)),
    }
    if out:
        with written_whole(out) as temporary:
            numbers = {"layers": found.layers, "heads": found.heads, "merged": found.merged, "spread": found.spread}
            temporary.write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    return Outcome(files={"analysis": out} if out else {}, numbers=facts)


def draw(
    program: TextFile | None = None,
    *,
    sop: str = "reverse",
    input: str = "hey",
    picture: Picture = "png",
    out: Path | None = None,
) -> Outcome:
    """Draw how a sequence operator is computed on an input, layer by layer.

    Parameters
    ----------
    program
        The RASP program; the paper's own when left out.
    sop
        The sequence operator: a name that the program sets, or an expression.
    input
        The sequence: a string, or a JSON list such as [3, 1, 2].
    picture
        png, svg or pdf; or dot, the structure alone in Graphviz's language.
    out
        Where to draw it, in the form that its ending names; beside the program when left out.
    """
    sequence = read_sequence(input)
    if len(sequence) > 60:
        raise BadInput(f"An input of {len(sequence)} elements gives no picture that can be read: use 60 at most.")
    target = Path(out) if out else _beside(program, f".{picture}", sop)
    if target.suffix.lower().lstrip(".") not in drawing.KINDS:
        raise BadInput(f"{target.name} must end in one of: {', '.join('.' + kind for kind in drawing.KINDS)}.")
    found = _program(program, _limits(10), sequence)
    drawn = found.sop(sop)
    _values(drawn, sequence, found, sop)  # what cannot be computed is refused in the program's words
    drawing.draw(drawn, sequence, target)
    return Outcome(files={"picture": target}, numbers={"layers": drawn.depth})


def fmt(program: TextFile, *, out: Path | None = None) -> Outcome:
    """Write a program the one way: spaces, tabs, one statement a line.

    Parameters
    ----------
    program
        The RASP program.
    out
        Where to write it; beside the program when left out. It may be the program itself.
    """
    text = read_source(Path(program))
    try:
        formatted = format.format_program(text)
    except (SyntaxFault, LexicalFault) as fault:
        raise told(fault, Path(program).name) from fault
    target = Path(out) if out else _beside(program, ".formatted.rasp")
    with written_whole(target) as temporary:
        temporary.write_text(formatted, encoding="utf-8")
    return Outcome(files={"program": target}, numbers={"changed": "no" if formatted == text else "yes"})


def check_program(program: TextFile, *, seconds: float = 10) -> Outcome:
    """Look for everything that is wrong with a program, and say on which line and column.

    Parameters
    ----------
    program
        The RASP program.
    seconds
        How long it may take.
    """
    path = Path(program)
    problems = check(read_source(path), _limits(seconds), path.parent)
    if problems:
        raise ProblemsFound(f"{len(problems)} wrong: " + "; ".join(f"{path.name}:{each}" for each in problems[:20]))
    return Outcome(files={}, note=f"Nothing is wrong with {path.name}.")


def lint_program(program: TextFile) -> Outcome:
    """Point at what is suspicious in a program: what is set and never used.

    Parameters
    ----------
    program
        The RASP program.
    """
    path = Path(program)
    problems = lint(read_source(path))
    return Outcome(
        files={},
        numbers={f"{path.name}:{each.line}:{each.column}": each.message for each in problems},
        note=f"{len(problems)} suspicious." if problems else f"Nothing is suspicious in {path.name}.",
    )


def console(script: TextFile | None = None, *, seconds: float | None = None, out: Path | None = None) -> Outcome:
    """Talk to RASP's console: statements line by line, each answered at once.

    Parameters
    ----------
    script
        Lines to read instead of what is typed; the conversation is written to a file.
    seconds
        How long each statement may take; 10 with a script, as long as it likes at a terminal.
    out
        Where to write the conversation of a script; beside it when left out.
    """
    if script is None:
        repl.main()
        return Outcome(files={})
    written: list[str] = []
    limits = _limits(seconds or 10)
    talking = repl.Console(written.append, Path(script).parent, limits, confined=True)
    talking.run(repl.read_from(read_source(Path(script)).splitlines(), written.append, echo=True))
    target = Path(out) if out else _beside(script, ".conversation.txt")
    with written_whole(target) as temporary:
        temporary.write_text("".join(written), encoding="utf-8")
    return Outcome(files={"conversation": target}, numbers={"lines": "".join(written).count("\n")})


def read_sequence(text: str) -> Any:
    """Return a sequence that a user wrote: a JSON list of atoms, else the text's own characters."""
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError as error:  # numbers of too many digits, besides what is no JSON
            raise BadInput(f"{text[:60]!r} begins like a JSON list and is none: {error}.") from error
        if not all(isinstance(each, str | int) or (isinstance(each, float) and isfinite(each)) for each in found):
            raise BadInput("A sequence is a list of numbers, strings, true and false, and of nothing else.")
        text = found
    if not text:
        raise BadInput("The input is empty: give a sequence of one element or more.")
    return text


def _limits(seconds: float, elements: int = 30_000_000) -> Limits:
    if not 0 < seconds <= 86_400:
        raise BadInput(f"--seconds cannot be {seconds:g}: it must be above 0 and at most 86400.")
    if not 1 <= elements <= 10**10:
        raise BadInput(f"--elements cannot be {elements}: it must be from 1 to 10,000,000,000.")
    return Limits(seconds=seconds, elements=elements)


def _program(path: Path | None, limits: Limits, example: Any = "hello") -> Program:
    """Run a program; where it fails on the running example, the very input may suit it better, and the reverse."""
    folder = None if path else "."  # beside the paper's programs nothing is drawn
    try:
        return load(path or PAPER, limits, folder=folder)
    except BadInput as error:
        if example == "hello" or isinstance(error.__cause__, LimitReached):
            raise
        return load(path or PAPER, limits, example, folder)


def _values(handle: Handle, sequence: Any, program: Program, expr: str) -> Any:
    try:
        program.session.meter.start()
        return program.session.evaluate(handle, sequence) if isinstance(handle, SOp | Selector) else None
    except Exception as error:  # whatever Python says of the program's own arithmetic
        raise told(error, f"{expr} on {json.dumps(sequence, ensure_ascii=False)[:60]}") from error


def _read_inputs(path: Path) -> Iterator[Any]:
    lines = [line for line in read_source(Path(path)).splitlines() if line.strip()]
    if not lines:
        raise BadInput(f"{Path(path).name} has no inputs: write one sequence a line.")
    for line in lines:
        quoted = len(line) > 2 and line[0] == line[-1] == '"'
        try:
            yield json.loads(line) if quoted else read_sequence(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{line[:60]} in {Path(path).name} is no JSON string: {error.msg}.") from error


def _beside(program: Path | None, suffix: str, name: str | None = None) -> Path:
    """Return where to write what was made of a program: beside it; of the paper's programs, here."""
    if name is not None:
        plain = "".join(each if each.isalnum() or each in "_-" else "_" for each in name)[:60]
        return (Path(program).parent if program else Path()) / f"{plain}{suffix}"
    return Path(program or "paper.rasp").with_suffix(suffix)


def _shown(handle: Handle, values: list[Any]) -> str:
    if isinstance(handle, Selector):
        return _clipped(" / ".join("".join("1" if each else "·" for each in row) for row in values))
    return _clipped(show.sequence(values))


def _clipped(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …"
