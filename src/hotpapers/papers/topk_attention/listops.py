"""ListOps: nested lists of digits under MAX, MIN, MED and SM (sum modulo 10), in ten classes (arXiv 1804.06028)."""

import random
from collections.abc import Callable

OPERATIONS: dict[str, Callable[[list[int]], int]] = {
    "MAX": max,
    "MIN": min,
    "MED": lambda values: sorted(values)[(len(values) - 1) // 2] if len(values) % 2 else _middle(values),
    "SM": lambda values: sum(values) % 10,
}

INNER = 0.18  # how often an argument is a list: about one of the six there are in the mean, so that depth varies


def listops(count: int, longest: int, seed: int, depth: int = 10, arguments: int = 10) -> list[tuple[str, int]]:
    """Return ``count`` expressions of ``longest // 4`` to ``longest`` characters and their values.

    Parameters
    ----------
    depth
        How deeply lists may be nested.
    arguments
        How many arguments a list may have; it has at least two.
    """
    chance = random.Random(seed)
    found: list[tuple[str, int]] = []
    while len(found) < count:
        text, value = _grow(chance, depth, arguments, chance_of_list=1.0)
        if longest // 4 <= len(text) <= longest:
            found.append((text, value))
    return found


def evaluate(text: str) -> int:
    """Return the value of an expression, read token by token."""
    stack: list[list[int | str]] = [[]]
    for token in text.replace("[", " [").replace("]", " ] ").split():
        if token.startswith("["):
            stack.append([token[1:]])
        elif token.endswith("]"):
            name, *values = stack.pop()
            stack[-1].append(OPERATIONS[str(name)](values))
        else:
            stack[-1].append(int(token))
    return int(stack[0][0])


def _grow(chance: random.Random, depth: int, arguments: int, chance_of_list: float = INNER) -> tuple[str, int]:
    if depth == 1 or chance.random() >= chance_of_list:
        digit = chance.randrange(10)
        return str(digit), digit
    name = chance.choice(list(OPERATIONS))
    parts = [_grow(chance, depth - 1, arguments) for _ in range(chance.randint(2, arguments))]
    return f"[{name} {' '.join(text for text, _ in parts)}]", OPERATIONS[name]([value for _, value in parts])


def _middle(values: list[int]) -> int:
    ordered = sorted(values)
    return (ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) // 2
