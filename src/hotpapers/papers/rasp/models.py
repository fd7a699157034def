"""The verbs of models: build one from a program, ask one. (``train`` is in ``train``.)"""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hotpapers.errors import BadInput
from hotpapers.papers.rasp import show
from hotpapers.papers.rasp.commands import _limits, _program, read_sequence
from hotpapers.papers.rasp.compiler import compile_sop
from hotpapers.papers.rasp.model import Attention, Encoder
from hotpapers.papers.rasp.sops import SOp
from hotpapers.papers.rasp.terms import Atom
from hotpapers.progress import track
from hotpapers.run import load_model, save_model
from hotpapers.verbs import Model, Outcome, TextFile

COMPARED = 5000
"""Inputs that a compiled model is compared with its program on; all of them where there are no more."""


def compile_program(
    program: TextFile | None = None,
    *,
    sop: str = "hist_nobos",
    vocabulary: str = "abc",
    max_length: int = 6,
    out: Model | None = None,
) -> Outcome:
    """Build a transformer that computes a sequence operator exactly, and compare the two.

    Parameters
    ----------
    program
        The RASP program; the paper's own when left out.
    sop
        The sequence operator: a name that the program sets, or an expression.
    vocabulary
        What inputs are made of: the characters of a string, or a JSON list such as [1, 2, 3].
    max_length
        Length of the longest input.
    out
        The directory to write the model to; the operator's name when left out.
    """
    tokens = list(dict.fromkeys(read_sequence(vocabulary)))
    if not 1 <= max_length <= 1000:
        raise BadInput(f"--max-length cannot be {max_length}: it must be from 1 to 1000.")
    found = _program(program, _limits(60), tokens)
    wanted = found.sop(sop)
    model = compile_sop(wanted, tokens, max_length)
    different, compared = compare(model, wanted, tokens, max_length)
    target = Path(out) if out else Path("".join(c if c.isalnum() or c in "_-" else "_" for c in sop)[:60] + ".model")
    save_model(model, target)
    return Outcome(
        files={"model": target},
        numbers={
            **size_of(model),
            "inputs compared with the program": compared,
            "inputs that differ": different,
        },
    )


def ask(model: Model, *, input: str = "abcab", out: Path | None = None) -> Outcome:
    """Ask a compiled or trained model for its values on an input, and draw what its heads attend to.

    Parameters
    ----------
    model
        The model's directory.
    input
        The sequence: a string, or a JSON list such as [3, 1, 2]. A model of a program whose name ends in bos wants
        its string to begin with §.
    out
        Where to draw the attention, a PNG; beside the model when left out.
    """
    asked, sequence = read_model(Path(model)), list(read_sequence(input))
    try:
        tokens = asked.encode([sequence])
    except ValueError as error:
        raise BadInput(f"{input[:60]!r} does not fit this model: {error}.") from error
    from hotpapers.papers.rasp.heatmaps import draw_weights

    values = asked.values([sequence])[0]
    target = Path(out) if out else Path(model).with_suffix(".attention.png")
    patterns = [each[0].detach().numpy() for each in asked(tokens)[1]]
    files = {"attention": draw_weights(target, sequence, patterns)} if patterns else {}
    return Outcome(files=files, numbers={f"{asked.sop}({input[:60]})": show.sequence(values)})


def read_model(folder: Path) -> Encoder:
    """Return the encoder that is kept in ``folder``."""
    model = load_model(Encoder, folder, name="RASP", make="hotpapers rasp compile PROGRAM, or train")
    if any(isinstance(each, Attention) and each.sink_key is not None for each in model.sublayers):
        import safetensors.torch

        # A compiled model is exact in double precision, and was made in single to be filled.
        model = model.double()
        model.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
    return model.eval()


def size_of(model: Encoder) -> dict[str, Any]:
    """Return a model's size in the words of the paper."""
    attentions = [each for each in model.sublayers if isinstance(each, Attention)]
    return {
        "attention layers": len(attentions),
        "heads per layer": " ".join(str(each.heads) for each in attentions),
        "feed-forward before the first layer": "yes" if model.order.startswith("f") else "no",
        "width": model.positions.shape[1],
        "parameters": sum(each.numel() for each in model.parameters()),
    }


def compare(model: Encoder, sop: SOp, vocabulary: Sequence[Atom], max_length: int) -> tuple[int, int]:
    """Return on how many inputs a model and a program differ, and how many were compared.

    All inputs where there are few, else random ones. Inputs on which the program fails are left out.
    """
    total = sum(len(vocabulary) ** n for n in range(1, max_length + 1))
    if total <= COMPARED:
        inputs = [list(each) for n in range(1, max_length + 1) for each in itertools.product(vocabulary, repeat=n)]
    else:
        rng = random.Random(0)
        inputs = [rng.choices(list(vocabulary), k=rng.randint(1, max_length)) for _ in range(COMPARED)]
    different = compared = 0
    for start in track(range(0, len(inputs), 500), "comparing", -(-len(inputs) // 500)):
        some = inputs[start : start + 500]
        try:
            wanted = sop.batch(some)
        except Exception:  # one of them fails: look at each by itself
            some = [each for each in some if _succeeds(sop, each)]
            wanted = sop.batch(some) if some else []
        given = model.values(some) if some else []
        compared += len(some)
        different += sum(not _equal(a, b) for a, b in zip(wanted, given, strict=True))
    return different, compared


def _succeeds(sop: SOp, sequence: list[Atom]) -> bool:
    try:
        sop(sequence)
    except Exception:  # whatever Python says of the program's own arithmetic
        return False
    return True


def _equal(wanted: list[Any], given: list[Any]) -> bool:
    """Whether values are equal; a mean may differ in its last digit by the order in which it was summed."""
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float | int) and abs(a - b) <= 1e-9 * max(1.0, abs(a)))
        for a, b in zip(wanted, given, strict=True)
    )
