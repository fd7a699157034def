"""The verb ``train``: fixer and breaker from good code, broken code and a critic, in rounds that can be resumed."""

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any, Literal

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.bifi.corpora import Entry, read_entries
from hotpapers.papers.bifi.critics import Critic, CriticChoice, choose_critic
from hotpapers.papers.bifi.judging import Judge, Snippet
from hotpapers.papers.bifi.parsing import FEATURE_VERSION
from hotpapers.papers.bifi.players import PRESETS, Preset, Settings, player
from hotpapers.papers.bifi.rounds import Game, Played, kept_in, play, repairs, round_zero, synthetic_pairs
from hotpapers.papers.bifi.vocabulary import Vocabulary, learned_vocabulary, python_vocabulary
from hotpapers.run import Run
from hotpapers.run.models import save_model
from hotpapers.verbs import AnyFile, Device, Model, Outcome, resume_command

LEAST = 5
RAW_TYPES, PLAIN_TYPES = 10_000, 400
HELD_OUT = 10
"""One in so many of the broken snippets is held out to measure on."""


def train(
    good: AnyFile,
    bad: AnyFile,
    *,
    out: Model | None = None,
    critic: CriticChoice = "auto",
    command: str = "",
    function: str = "",
    feature_version: int = FEATURE_VERSION,
    algorithm: Literal["bifi", "fixer-only", "back-translation"] = "bifi",
    preset: Preset = "edit",
    rounds: int = 2,
    first_steps: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: Device = "auto",
    resume: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Train a fixer and a breaker from good code, broken code and a critic; no pairs are needed.

    A tenth of the broken code is held out to measure the fixer on after each round.

    Parameters
    ----------
    good
        Well-formed code: JSON lines with ``code``, as ``split`` writes them, or a folder of files.
    bad
        Broken code, likewise.
    out
        The directory to write the models to; beside the good code when left out.
    critic
        Who decides; ``auto`` goes by the file's ending, and is Python for folders and JSON lines.
    command
        A program to decide, such as ``gcc -fsyntax-only {}``: exit code 0 means well formed.
    function
        A Python function to decide, as ``module:function``; it is given the text.
    feature_version
        The minor version of Python 3 whose grammar holds.
    algorithm
        ``bifi``; ``fixer-only``, without a breaker; or ``back-translation``, without the critic's check.
    preset
        ``edit``, a model of edits; ``seq2seq``, the paper's kind of model, small; ``paper``, the paper's, in full.
    rounds
        After round 0.
    first_steps
        Training steps of round 0; the preset's when left out.
    steps
        Training steps of the fixer in each round, and of the breaker; the preset's when left out.
    seed
        The seed of everything random.
    device
        Where to compute.
    resume
        Go on with the training that was interrupted in the directory.
    fresh
        Replace the training in the directory.
    """
    asked = dict(locals())
    good, bad = Path(good), Path(bad)
    settings = _settings(preset, rounds, first_steps, steps)
    judge_by = choose_critic(critic, good, command=command, function=function, feature_version=feature_version)
    goods, bads = read_entries(good, judge_by.suffix), read_entries(bad, judge_by.suffix)
    vocabulary = _vocabulary(preset, judge_by, goods)
    judge = Judge(judge_by, vocabulary)
    learn, held = _sort(judge, goods, bads, settings, good, bad)
    game = Game(*learn, judge, player(settings, judge, vocabulary), settings, seed)
    out = Path(out) if out else good.with_name(f"{good.stem}.bifi")
    again = resume_command("bifi train", train, asked | {"out": out})
    config = dataclasses.asdict(settings) | {
        "algorithm": algorithm,
        "critic": judge_by.name,
        "good": len(learn[0]),
        "bad": len(learn[1]),
    }
    with Run(out, seed=seed, config=config, device=device, resume=resume, fresh=fresh, resume_command=again) as run:
        if fresh:
            for path in out.glob("*round-*.jsonl"):
                path.unlink()
        keep = kept_in(out)
        pairs = keep("round-0-pairs", lambda: synthetic_pairs(game))
        if not pairs:
            raise BadInput(f"No error could be put into the code of {good}; give more and longer code.")
        first = round_zero(game, pairs, run)
        played = play(game, algorithm, pairs, first, run, keep=keep)
        return _report(game, first, played, held, out)


def _settings(preset: Preset, rounds: int, first_steps: int | None, steps: int | None) -> Settings:
    if not 0 <= rounds <= 20:
        raise BadInput(f"Play 0 to 20 rounds, not {rounds}.")
    for name, value in (("--first-steps", first_steps), ("--steps", steps)):
        if value is not None and not 1 <= value <= 10_000_000:
            raise BadInput(f"{name} is 1 to 10,000,000, not {value}.")
    settings = dataclasses.replace(PRESETS[preset], rounds=rounds)
    if first_steps:
        settings = dataclasses.replace(
            settings, first_steps=first_steps, synthetic=min(settings.synthetic, 32 * first_steps)
        )
    if steps:
        settings = dataclasses.replace(
            settings, fixer_steps=steps, breaker_steps=steps, breaks=min(settings.breaks, 32 * steps)
        )
    return settings


def _vocabulary(preset: Preset, critic: Critic, goods: list[Entry]) -> Vocabulary:
    codes = [entry.code for entry in goods]
    if preset == "paper":
        return learned_vocabulary(codes, critic.language, "raw", RAW_TYPES)
    return (
        python_vocabulary()
        if critic.language == "python"
        else learned_vocabulary(codes, "plain", "abstract", PLAIN_TYPES)
    )


def _sort(
    judge: Judge, goods: list[Entry], bads: list[Entry], settings: Settings, good: Path, bad: Path
) -> tuple[tuple[list[Snippet], list[Snippet]], list[Snippet]]:
    """Return good and bad snippets as the critic sees them, of a length to learn from, and the bad ones held out."""
    sides = []
    for entries, wanted, path in ((goods, True, good), (bads, False, bad)):
        read = [judge.read(entry.code) for entry in dict.fromkeys(entry._replace(source="") for entry in entries)]
        kept = [s for s in read if 2 <= len(s.ids) <= settings.longest and judge.snippet(s).ok == wanted]
        if len(kept) < LEAST:
            word = "accepts" if wanted else "refuses"
            raise BadInput(
                f"The critic {judge.critic.name} {word} {len(kept)} snippets of 2 to {settings.longest} tokens in "
                f"{path}; give at least {LEAST}."
            )
        sides.append(kept)
    held = sides[1][::HELD_OUT]
    learn = [s for number, s in enumerate(sides[1]) if number % HELD_OUT]
    return (sides[0], learn), held


def _report(game: Game, first: Any, played: Played, held: list[Snippet], out: Path) -> Outcome:
    def share(fixer: Any) -> float:
        return round(100 * sum(f is not None for f in repairs(game, fixer, held)) / len(held), 1)

    save_model(played.fixer, out / "fixer")
    if played.breaker is not None:
        save_model(played.breaker, out / "breaker")
    before, after = share(first), share(played.fixer)
    facts = {
        "rounds": played.report,
        "held out": len(held),
        "repaired by round 0, %": before,
        "repaired at the end, %": after,
    }
    with written_whole(out / "rounds.json") as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    numbers: dict[str, float | int | str] = {
        "good snippets": len(game.good),
        "broken snippets": len(game.bad),
        "broken, held out": len(held),
        "repaired by round 0, best hypothesis, %": before,
        "repaired at the end, best hypothesis, %": after,
    }
    return Outcome(
        {"model": out, "rounds": out / "rounds.json"},
        numbers,
        f"Fix with it: hotpapers bifi fix FILE --model {shlex.quote(str(out))}",
    )
