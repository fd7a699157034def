"""Choosing what ranks edits: a model, shipped or trained, or rules where there is none."""

from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.papers.bifi.critics import Critic
from hotpapers.papers.bifi.mending import Ranking, model_ranking
from hotpapers.papers.bifi.model import EditModel
from hotpapers.papers.bifi.players import read_player_model
from hotpapers.papers.bifi.rules import RuleRanking
from hotpapers.papers.bifi.vocabulary import SIGNS, SLOTS, SPECIAL, Vocabulary, learned_vocabulary


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
