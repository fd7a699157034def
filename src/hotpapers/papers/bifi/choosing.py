"""Choosing what a verb works with: the critic that the user names, and the models, shipped, trained, or none."""

import sys
from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.papers.bifi.critics import Critic, CriticName, critic
from hotpapers.papers.bifi.mending import Ranking, model_ranking
from hotpapers.papers.bifi.model import EditModel
from hotpapers.papers.bifi.parsing import FEATURE_VERSION
from hotpapers.papers.bifi.players import read_player_model
from hotpapers.papers.bifi.rules import RuleRanking
from hotpapers.papers.bifi.vocabulary import SIGNS, SLOTS, SPECIAL, Vocabulary, learned_vocabulary

SUFFIXES = {".py": "python", ".pyw": "python", ".c": "c", ".h": "c", ".json": "json", ".toml": "toml", ".yaml": "yaml",
            ".yml": "yaml", ".xml": "xml", ".svg": "xml", ".sql": "sql"}  # fmt: skip


def choose_critic(
    name: str, path: Path, *, command: str = "", function: str = "", feature_version: int = FEATURE_VERSION
) -> Critic:
    """Return the critic of that name; ``auto`` goes by the ending of ``path``, or takes Python.

    Raises
    ------
    BadInput
        If a program or a function of the user's is asked for on the web, where anybody could name one.
    """
    if command and name == "auto":
        name = "command"
    if function and name == "auto":
        name = "callable"
    chosen: CriticName = SUFFIXES.get(path.suffix.lower(), "python") if name == "auto" else name  # type: ignore[assignment]
    if chosen in ("command", "callable") and _on_the_web():
        raise BadInput("Programs and functions as critics are for the command line; choose one of the critics by name.")
    return critic(chosen, command=command, function=function, feature_version=feature_version)


def choose_ranking(critic: Critic, model: Path | None, code: str) -> tuple[Ranking, Vocabulary]:
    """Return what ranks edits, and its vocabulary: the given model, the shipped one for Python, rules for all else."""
    if model is not None:
        loaded = read_player_model(_fixer_folder(model))
        if loaded.vocabulary.language != critic.language:
            raise BadInput(
                f"The model in {model} was trained on another language than {critic.name}; train one on this."
            )
        if not isinstance(loaded, EditModel):
            raise BadInput(
                f"The model in {model} writes whole sequences and cannot rank edits; train with --preset edit."
            )
        return model_ranking(loaded), loaded.vocabulary
    if critic.language == "python":
        from hotpapers.papers.bifi.shelf import shipped

        return model_ranking(loaded := shipped("fixer")), loaded.vocabulary
    return (rules := RuleRanking(plain_vocabulary(code))), rules.vocabulary


def plain_vocabulary(code: str) -> Vocabulary:
    """Return a vocabulary for a text in a language that no model knows: signs, and the text's own commonest tokens."""
    own = learned_vocabulary([code], "plain", "abstract", 120).types
    signs = [*SIGNS, "</", "/>"]
    return Vocabulary(list(dict.fromkeys([*SPECIAL, *SLOTS, *signs, *own])), "plain", "abstract")


def _fixer_folder(model: Path) -> Path:
    return model / "fixer" if (Path(model) / "fixer").is_dir() else Path(model)


def _on_the_web() -> bool:
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return bool(main and main.name.startswith("hotpapers.web"))
