"""The paper's tasks: random inputs, and the values that its RASP programs give for them.

The interpreter itself labels the data, so what a transformer learns is the program's own function, and the selectors
that attention may be supervised with are the program's own.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hotpapers.papers.rasp.analysis import head_selectors
from hotpapers.papers.rasp.evaluate import Evaluation
from hotpapers.papers.rasp.program import paper_programs
from hotpapers.papers.rasp.sops import SOp

BOS = "§"
IGNORED = -100
"""The target of a position after a sequence's end."""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + "".join(map(chr, range(0x100, 0x100 + 48)))
PAIRS = ("()", "{}", "[]", "<>")
COUNTED = 10
"""Counts beyond are one class."""

Rng = np.random.Generator
Generate = Callable[[Rng, int, int], str]
"""(generator, length, letters) → one string."""


class Task(NamedTuple):
    """One of the paper's tasks.

    Attributes
    ----------
    program
        The s-op of ``paper.rasp`` that it is.
    bos
        Whether inputs begin with §, which the length does not count.
    layers, heads
        The size that its RASP program needs, as the paper states it.
    generate
        Makes an input.
    counts
        Whether the values are counts, of which those above ``COUNTED`` are taken together.
    """

    program: str
    bos: bool
    layers: int
    heads: int
    generate: Generate
    counts: bool = False

    @property
    def sop(self) -> SOp:
        """Return its program."""
        return paper_programs()[self.program]

    def vocabulary(self, letters: int) -> list[str]:
        """Return the tokens of its inputs."""
        own = list("".join(PAIRS[: _kinds(self.program)]) + "a") if "dyck" in self.program else list(LETTERS[:letters])
        return [BOS, *own] if self.bos else own

    def outputs(self, letters: int, max_length: int) -> list[str | int]:
        """Return the values that it can have."""
        if "dyck" in self.program:
            return ["P", "T", "F"]
        return list(range(min(COUNTED, max_length) + 1)) if self.counts else list(self.vocabulary(letters))


def random_string(rng: Rng, length: int, letters: int) -> str:
    """Return a string of letters that are drawn alike."""
    return "".join(LETTERS[each] for each in rng.integers(letters, size=length))


def _dyck_string(kinds: int) -> Generate:
    """Return a maker of bracket strings: balanced, the beginning of a balanced one and then anything, or all random."""
    opening, closing = ([pair[side] for pair in PAIRS[:kinds]] for side in (0, 1))

    def anything(rng: Rng, length: int) -> list[str]:
        return [(opening + closing + ["a"])[each] for each in rng.integers(2 * kinds + 1, size=length)]

    def balanced(rng: Rng, length: int) -> list[str]:
        made: list[str] = []
        stack: list[int] = []
        while len(made) < length:
            left = length - len(made)
            if (rng.random() < 0.3 and (left - len(stack)) % 2 == 1) or (left == 1 and not stack):
                made.append("a")
            elif stack and (len(stack) >= left or rng.random() < 0.5):
                made.append(closing[stack.pop()])
            elif len(stack) + 2 <= left:
                stack.append(int(rng.integers(kinds)))
                made.append(opening[stack[-1]])
            else:
                made.append("a")
        return made

    def generate(rng: Rng, length: int, letters: int) -> str:
        way = rng.integers(3)
        if way == 2:
            return "".join(anything(rng, length))
        made = balanced(rng, length)
        if way == 1:
            kept = int(rng.integers(length + 1))
            made = made[:kept] + anything(rng, length - kept)
        return "".join(made)

    return generate


def _kinds(program: str) -> int:
    return int(program.removeprefix("dyck").partition("_")[0])


TASKS: dict[str, Task] = {
    "reverse": Task("reverse", False, 2, 1, random_string),
    "hist": Task("hist_nobos", False, 1, 2, random_string, counts=True),
    "hist-bos": Task("hist_bos", True, 1, 1, random_string, counts=True),
    "double-hist": Task("hist2_bos", True, 2, 2, random_string, counts=True),
    "sort": Task("sort_bos", True, 2, 1, random_string),
    "most-freq": Task("sort_by_most_freq", True, 3, 2, random_string),
    "dyck-1": Task("dyck1_ptf", False, 2, 1, _dyck_string(1)),
    "dyck-2": Task("dyck2_ptf", False, 3, 1, _dyck_string(2)),
    "dyck-3": Task("dyck3_ptf", False, 3, 1, _dyck_string(3)),
}


class Data(NamedTuple):
    """Labelled sequences; ``selectors`` has each layer's designated patterns, row-normalised, where they are wanted."""

    tokens: Int[Tensor, "s n"]
    targets: Int[Tensor, "s n"]
    selectors: list[Float[Tensor, "s h n n"]]


def make_data(
    task: Task, samples: int, *, letters: int, max_length: int, seed: int, with_selectors: bool = False
) -> Data:
    """Return random inputs of a task, of lengths drawn alike from 1 to ``max_length``, with their values."""
    rng = np.random.default_rng(seed)
    strings = [task.generate(rng, int(n), letters) for n in rng.integers(1, max_length + 1, size=samples)]
    if task.bos:
        strings = [BOS + each for each in strings]
    sop = task.sop
    heads = head_selectors(sop) if with_selectors else []
    token = {value: place for place, value in enumerate(task.vocabulary(letters), start=1)}
    answer = {value: place for place, value in enumerate(task.outputs(letters, max_length))}
    width = max_length + task.bos
    tokens = torch.zeros(samples, width, dtype=torch.long)
    targets = torch.full((samples, width), IGNORED)
    patterns = [torch.zeros(samples, len(layer), width, width) for layer in heads]
    by_length: dict[int, list[int]] = {}
    for place, each in enumerate(strings):
        by_length.setdefault(len(each), []).append(place)
    for n, places in by_length.items():
        evaluation = Evaluation([strings[place] for place in places])
        values = evaluation.values(sop.term)
        if task.counts:
            values = [min(value, COUNTED) for value in values]
        rows = torch.tensor(places)
        tokens[rows, :n] = torch.tensor([[token[each] for each in strings[place]] for place in places])
        targets[rows, :n] = torch.tensor([answer[value] for value in values]).view(-1, n)
        for layer, selectors in enumerate(heads):
            for head, selector in enumerate(selectors):
                chosen = torch.from_numpy(evaluation.matrices(selector.term)).float()
                patterns[layer][rows, head, :n, :n] = chosen / (chosen.sum(dim=-1, keepdim=True) + 1e-8)
    return Data(tokens, targets, patterns)
