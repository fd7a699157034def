"""The verb ``break``: well-formed code in, realistic broken variants out, each with what the critic objects to."""

from pathlib import Path

import torch

from hotpapers.errors import BadInput
from hotpapers.papers.bifi.choosing import plain_vocabulary
from hotpapers.papers.bifi.corpora import Entry, read_code
from hotpapers.papers.bifi.corruption import Corruption
from hotpapers.papers.bifi.critics import Critic, CriticChoice, choose_critic
from hotpapers.papers.bifi.edits import LIMIT, State, distance, start
from hotpapers.papers.bifi.fixing import NoFix
from hotpapers.papers.bifi.judging import Snippet
from hotpapers.papers.bifi.layout import Writer
from hotpapers.papers.bifi.mending import difference
from hotpapers.papers.bifi.model import EditModel
from hotpapers.papers.bifi.parsing import FEATURE_VERSION
from hotpapers.papers.bifi.players import read_player_model
from hotpapers.papers.bifi.repair import sample
from hotpapers.papers.bifi.shelf import shipped
from hotpapers.papers.bifi.splitting import write_entries
from hotpapers.papers.bifi.vocabulary import Vocabulary, python_vocabulary
from hotpapers.verbs import AnyFile, Model, Outcome

LONGEST = 400
"""Tokens of the window that is broken at a time."""
TRIES = 12


def break_code(
    source: AnyFile,
    *,
    out: Path | None = None,
    n: int = 5,
    critic: CriticChoice = "auto",
    feature_version: int = FEATURE_VERSION,
    model: Model | None = None,
    random_errors: bool = False,
    seed: int = 0,
) -> Outcome:
    """Break well-formed code in realistic ways: test data for parsers, linters and teaching.

    Parameters
    ----------
    source
        The file of code.
    out
        The JSON lines to write, with ``code``, ``class`` and the original as ``fixed``; beside the source when left
        out.
    n
        Variants, all different.
    critic
        Who must refuse them; ``auto`` goes by the file's ending.
    feature_version
        The minor version of Python 3 whose grammar holds.
    model
        A folder that ``train`` wrote; the shipped breaker knows Python.
    random_errors
        Break at random, as round 0 does, instead.
    seed
        The seed of everything random.
    """
    source = Path(source)
    if not 1 <= n <= 10_000:
        raise BadInput(f"Ask for 1 to 10,000 variants, not {n}.")
    code = read_code(source)
    judge = choose_critic(critic, source, feature_version=feature_version)
    if not (verdict := judge(code)).ok:
        raise BadInput(f"{source} is broken already (line {verdict.line}: {verdict.message}); give well-formed code.")
    breaker = None if random_errors else _breaker(model, judge.language)
    vocabulary = breaker.vocabulary if breaker else _vocabulary(judge.language, code)
    variants = _variants(code, vocabulary, breaker, judge, n, seed)
    if not variants:
        raise NoFix(f"{source} was not broken by {TRIES * n} tries; give longer code.")
    out = Path(out) if out else source.with_name(f"{source.stem}-broken.jsonl")
    write_entries(out, variants)
    shown = "".join(difference(code, each.code, source.name) for each in variants[:5])
    return Outcome({"variants": out}, {"variants": len(variants)}, shown[:12_000])


def _variants(
    code: str, vocabulary: Vocabulary, breaker: EditModel | None, judge: Critic, n: int, seed: int
) -> list[Entry]:
    tokens = vocabulary.tokens(code)
    ids = tuple(vocabulary.encode(tokens))
    writer = Writer(code, tokens, vocabulary)
    found: dict[str, Entry] = {}
    generator = torch.Generator().manual_seed(seed)
    corrupt = Corruption(vocabulary, seed)
    for _ in range(TRIES):
        if len(found) >= n or not ids:
            break
        states = (
            [_in_window(ids, breaker, generator) for _ in range(n)] if breaker else [corrupt(ids) for _ in range(n)]
        )
        for state in states:
            if not state.ids or not 0 < distance(ids, state.ids, LIMIT) <= LIMIT:
                continue
            text = writer.write(state)
            verdict = judge(text)
            if not verdict.ok and text not in found and len(found) < n:
                found[text] = Entry(text, f"line {verdict.line}: {verdict.message}", code, verdict.error_class)
    return list(found.values())


def _in_window(ids: tuple[int, ...], breaker: EditModel, generator: torch.Generator) -> State:
    """Break a window of the tokens, drawn at random, and put the rest around it again."""
    length = min(LONGEST, len(ids))
    begin = int(torch.randint(len(ids) - length + 1, (1,), generator=generator))
    part = sample(breaker, [Snippet(ids[begin : begin + length])], generator)[0]
    whole = start(ids)
    moved = tuple(o + begin if o >= 0 else o - begin if o < -1 else o for o in part.origins)
    return State(whole.ids[:begin] + part.ids + whole.ids[begin + length :],
                 whole.origins[:begin] + moved + whole.origins[begin + length :])  # fmt: skip


def _breaker(model: Path | None, language: str) -> EditModel | None:
    if model is None:
        return shipped("breaker") if language == "python" else None
    folder = Path(model) / "breaker" if (Path(model) / "breaker").is_dir() else Path(model)
    loaded = read_player_model(folder)
    if not isinstance(loaded, EditModel) or loaded.vocabulary.language != language:
        raise BadInput(f"The model in {model} breaks no such code; train one on it, with --preset edit.")
    return loaded


def _vocabulary(language: str, code: str) -> Vocabulary:
    return python_vocabulary() if language == "python" else plain_vocabulary(code)
