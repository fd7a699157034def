"""Players: the two forms of fixer and breaker, made, taught and asked in the same way.

``Editor`` is the default, a model of single edits; ``Author`` is the paper's, a Transformer that writes the whole text.
"""

import copy
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from hotpapers.errors import BadInput
from hotpapers.papers.bifi.decoding import write
from hotpapers.papers.bifi.edits import State, trace
from hotpapers.papers.bifi.judging import Judge, Snippet
from hotpapers.papers.bifi.learning import Schedule, learn_edits, learn_sequences
from hotpapers.papers.bifi.model import EditModel, Transformer
from hotpapers.papers.bifi.pairs import Pair
from hotpapers.papers.bifi.repair import propose, sample
from hotpapers.papers.bifi.vocabulary import Vocabulary
from hotpapers.run import Run
from hotpapers.run.models import load_model

Preset = Literal["edit", "seq2seq", "paper"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The size of the models and of the game.

    Attributes
    ----------
    preset
        ``edit``, ``seq2seq`` (the paper's model, small, on abstract tokens) or ``paper``.
    rounds
        After round 0.
    first_steps, fixer_steps, breaker_steps
        Training steps of round 0, and of the fixer and of the breaker in each round.
    batch, rate
        Pairs in a step, and the highest learning rate.
    synthetic
        Synthetic pairs of round 0.
    breaks
        Good snippets that the breaker breaks in each round.
    beam, n
        Of the fixer on the broken snippets; the ``n`` best are used.
    longest
        Tokens of the longest snippet that is learned from.
    keep_words
        Whether a fix that deletes or replaces a name, a number, a string or a keyword is no fix to learn from.
    bracket_pairs
        Whether round 0 drops both brackets of a pair as well.
    """

    preset: Preset = "edit"
    rounds: int = 2
    width: int = 64
    layers: int = 4
    first_steps: int = 600
    fixer_steps: int = 200
    breaker_steps: int = 150
    batch: int = 64
    rate: float = 3e-3
    synthetic: int = 20_000
    breaks: int = 6_000
    beam: int = 3
    n: int = 2
    longest: int = 80
    keep_words: bool = False
    bracket_pairs: bool = False


PRESETS = {
    "edit": Settings(keep_words=True, bracket_pairs=True),
    "seq2seq": Settings("seq2seq", width=96, layers=2, rate=1e-3),
    # 27,000 tokens a step, two epochs of 3 M snippets and more in a round.
    "paper": Settings("paper", width=256, layers=4, first_steps=100_000, fixer_steps=100_000, breaker_steps=100_000,
                      batch=256, rate=1e-3, synthetic=30_000_000, breaks=3_000_000, beam=10, n=10, longest=128),
}  # fmt: skip


class Player(Protocol):
    """What the rounds ask of a form."""

    def new(self) -> Any:
        """Return an untrained model."""

    def teach(self, model: Any, pairs: Sequence[Pair], run: Run, name: str, *, fixer: bool, steps: int, seed: int,
              gently: bool = False) -> Any:  # fmt: skip
        """Train a copy of ``model`` on pairs and return it; ``gently`` where it goes on from a trained one."""

    def fix(self, model: Any, sources: Sequence[Snippet], *, n: int, beam: int, checked: bool) -> list[list[State]]:
        """Return hypotheses for broken sources, best first; ``checked``: only those that the critic accepts."""

    def break_(self, model: Any, sources: Sequence[Snippet], seed: int) -> list[list[State]]:
        """Return broken variants of good sources."""


class Editor:
    """Plays with models of single edits, guided by where the critic objects."""

    def __init__(self, settings: Settings, judge: Judge, vocabulary: Vocabulary) -> None:
        self.settings, self.judge, self.vocabulary = settings, judge, vocabulary

    def new(self) -> EditModel:
        """Return an untrained model."""
        v = self.vocabulary
        return EditModel(v.types, v.language, v.form, width=self.settings.width, layers=self.settings.layers)

    def teach(
        self, model: EditModel, pairs: Sequence[Pair], run: Run, name: str, *, fixer: bool, steps: int, seed: int,
        gently: bool = False,
    ) -> EditModel:  # fmt: skip
        """Train a copy of ``model`` on pairs."""
        schedule = Schedule(steps, self.settings.batch, self.settings.rate / (2 if gently else 1))
        return learn_edits(copy.deepcopy(model), pairs, self.judge if fixer else None, schedule, run, name, seed)

    def fix(
        self, model: EditModel, sources: Sequence[Snippet], *, n: int, beam: int, checked: bool
    ) -> list[list[State]]:
        """Return hypotheses by beam search over edits."""
        careful = checked and self.settings.keep_words
        found = propose(model, sources, self.judge, n=n, beam=beam, verified=checked, checks=40, keep_words=careful)
        return [[each.state for each in some] for some in found]

    def break_(self, model: EditModel, sources: Sequence[Snippet], seed: int) -> list[list[State]]:
        """Draw one variant of each source: the best hypotheses alone would be few and alike."""
        return [[state] for state in sample(model, sources, torch.Generator().manual_seed(seed))]


class Author:
    """Plays with the paper's Transformers."""

    def __init__(self, settings: Settings, judge: Judge, vocabulary: Vocabulary) -> None:
        self.settings, self.judge, self.vocabulary = settings, judge, vocabulary

    def new(self) -> Transformer:
        """Return an untrained model; the small one has less dropout, as it sees little data once."""
        v, s = self.vocabulary, self.settings
        rates = (0.4, 0.2, 0.2) if s.preset == "paper" else (0.0, 0.0, 0.0)
        return Transformer(v.types, v.language, v.form, width=s.width, hidden=4 * s.width, heads=8, layers=s.layers,
                           dropout=rates[0], attention_dropout=rates[1], relu_dropout=rates[2])  # fmt: skip

    def teach(
        self, model: Transformer, pairs: Sequence[Pair], run: Run, name: str, *, fixer: bool, steps: int, seed: int,
        gently: bool = False,
    ) -> Transformer:  # fmt: skip
        """Train a copy of ``model`` on pairs; with the paper's optimiser, and two batches a step, in its preset."""
        paper = self.settings.preset == "paper"
        schedule = Schedule(steps, self.settings.batch, self.settings.rate / (2 if gently and not paper else 1))
        return learn_sequences(copy.deepcopy(model), pairs, fixer, schedule, run, name, seed,
                               paper_optimiser if paper else None, parts=2 if paper else 1)  # fmt: skip

    def fix(
        self, model: Transformer, sources: Sequence[Snippet], *, n: int, beam: int, checked: bool
    ) -> list[list[State]]:
        """Return hypotheses by beam search; the critic can only choose among them afterwards."""
        found = write(model, [source.ids for source in sources], beam=max(beam, n), n=n)
        return [
            [state for ids, _ in some if (state := trace(source.ids, ids)).ids
             and (not checked or self.judge(state, source.text).ok)]
            for source, some in zip(sources, found, strict=True)
        ]  # fmt: skip

    def break_(self, model: Transformer, sources: Sequence[Snippet], seed: int) -> list[list[State]]:
        """Return variants by beam search."""
        return self.fix(model, sources, n=self.settings.n, beam=self.settings.beam, checked=False)


def player(settings: Settings, judge: Judge, vocabulary: Vocabulary) -> Player:
    """Return the player of a preset."""
    return (Editor if settings.preset == "edit" else Author)(settings, judge, vocabulary)


def paper_optimiser(model: Transformer) -> tuple[torch.optim.Optimizer, Any]:
    """Return Adam and its schedule as the paper's script sets them: 400 updates up to 1e-3, then as 1 / √update."""
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, betas=(0.9, 0.98), weight_decay=1e-4)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, inverse_root)


def inverse_root(update: int, warm: int = 400) -> float:
    """Return the part of the highest rate: from a tenth up over ``warm`` updates, then down with the root."""
    return 0.1 + 0.9 * update / warm if update < warm else math.sqrt(warm / update)


def read_player_model(folder: Path) -> EditModel | Transformer:
    """Read a fixer or a breaker that ``train`` wrote, whichever form it has."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind: type[Any] = Transformer if "relu_dropout" in config else EditModel
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"There is no BIFI model in {folder}: make one with 'hotpapers bifi train', or leave --model out."
        ) from error
    return load_model(kind, folder, name="BIFI", make="hotpapers bifi train GOOD BAD").eval()
