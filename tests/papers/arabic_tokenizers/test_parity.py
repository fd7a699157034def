"""The same text gives the counts and the pieces that tkseem 0.0.3 gives (golden/README.md says how they were made)."""

import json
from pathlib import Path

import pytest

from hotpapers.cards import find_card
from hotpapers.papers.arabic_tokenizers.learn import learn

GOLDEN = json.loads((Path(__file__).parent / "golden" / "tkseem.json").read_text(encoding="utf-8"))
TEXT = (find_card("arabic_tokenizers").folder / "examples" / "text.txt").read_text(encoding="utf-8")
PAIRS = [("word", "WordTokenizer"), ("disjoint", "DisjointLetterTokenizer"), ("char", "CharacterTokenizer")]


@pytest.mark.parametrize(("algo", "theirs"), PAIRS)
def test_counts_and_pieces_are_tkseems(algo, theirs):
    tokenizer = learn(TEXT, algo)
    expected = GOLDEN[theirs]
    counts = dict(zip(tokenizer.pieces[2:], tokenizer.counts[2:], strict=True))
    # tkseem cuts after a word's last letter too, where nothing is left: the bare mark
    assert counts == {piece: count for piece, count in expected["counts"].items() if piece != "##"}
    assert tokenizer.tokenize(TEXT)[:120] == expected["tokens"]
    assert tokenizer.tokenize(GOLDEN["held"]) == expected["held"]
