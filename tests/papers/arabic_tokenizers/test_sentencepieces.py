"""SentencePiece's models are read by the fields that cutting needs, and cut as tkseem cuts with them."""

import base64
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.convert import convert
from hotpapers.papers.arabic_tokenizers.sentencepieces import read_model
from hotpapers.papers.arabic_tokenizers.tokenizer import PAD, UNK, Tokenizer

GOLDEN = json.loads((Path(__file__).parent / "golden" / "sentencepiece.json").read_text(encoding="utf-8"))
MODELS = {kind: base64.b64decode(golden["model"]) for kind, golden in GOLDEN.items()}


def field(number, value):
    """Return a field of a message; numbers stay below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    return bytes([number << 3 | 2]) + bytes([len(value) & 0x7F | 0x80, len(value) >> 7]) + value


BPE = field(3, 2)


def model(*pieces, trainer=BPE, normalizer=b""):
    rows = [field(1, piece.encode()) + field(2, -float(place)) + (field(3, kind) if kind else b"")
            for place, (piece, kind) in enumerate(pieces)]  # fmt: skip
    return b"".join(field(1, row) for row in rows) + field(2, trainer) + field(3, normalizer)


HEAD = [("<unk>", 2), ("<pad>", 3)]


def written(folder, content):
    (folder / "m.model").write_bytes(content)
    return folder / "m.model"


@pytest.mark.parametrize("kind", GOLDEN)
def test_a_converted_model_cuts_as_tkseem_does_with_its_ids(kind, tmp_path):
    done = convert(written(tmp_path, MODELS[kind]))
    assert done.files["model"] == tmp_path / f"m.{kind}"
    tokenizer = Tokenizer.load(done.files["model"])
    assert len(tokenizer.pieces) == GOLDEN[kind]["size"]
    for sentence, (pieces, ids) in GOLDEN[kind]["sentences"].items():
        assert tokenizer.encode(sentence) == ids
        assert [mine for mine, theirs in zip(tokenizer.tokenize(sentence), pieces, strict=True) if mine != theirs] == [
            "<UNK>"
        ] * ids.count(UNK)


def test_what_was_converted_is_exported_and_cuts_the_same(tmp_path):
    hf = pytest.importorskip("tokenizers")
    from hotpapers.papers.arabic_tokenizers.export import hugging_face

    for kind, content in MODELS.items():
        tokenizer = read_model(written(tmp_path, content))
        theirs = hf.Tokenizer.from_str(json.dumps(hugging_face(tokenizer)))
        for sentence, (_, ids) in GOLDEN[kind]["sentences"].items():
            assert theirs.encode(sentence).ids == ids


def test_the_users_own_pieces_become_special_tokens(tmp_path):
    path = written(tmp_path, model(*HEAD, ("<s>", 4), ("▁ا", 0), ("▁", 0), ("ا", 0)))
    tokenizer = read_model(path)
    assert tokenizer.specials == ("<s>",)
    assert tokenizer.encode("<s> ا اا") == [2, 3, 3, 5]


@pytest.mark.parametrize(
    ("pieces", "text", "cut"),
    [
        (["اا", "ااا"], "ااااا", ["▁", "اا", "ااا"]),
        (["ااا", "اا"], "ااااا", ["▁", "ااا", "اا"]),
        (["ااا", "اا"], "اااااا", ["▁", "ااا", "ااا"]),
        (["باا", "اا"], "بااا", ["▁", "باا", "ا"]),
        (["باا", "ابا", "اا", "با", "اب"], "ابابا باببا", ["▁", "ابا", "با", "▁", "با", "ب", "با"]),
    ],
)
def test_pieces_merge_one_by_one_the_best_first_and_of_equals_the_leftmost(pieces, text, cut, tmp_path):
    path = written(tmp_path, model(*HEAD, *[(piece, 0) for piece in pieces], ("▁", 0), ("ا", 0), ("ب", 0)))
    assert read_model(path).tokenize(text) == cut


def test_a_converted_vocabulary_is_not_cut_short(tmp_path):
    with pytest.raises(ValueError, match="another order"):
        read_model(written(tmp_path, MODELS["bpe"])).shrunk(140)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model(*HEAD, ("ا", 0), trainer=field(3, 4)), "neither of bpe nor of unigram"),
        (model(*HEAD, ("ا", 0), trainer=field(3, 2) + b"\xc0\x01\x01"), "changes the text"),
        (model(*HEAD, ("ا", 0), normalizer=field(2, b"charsmap")), "changes the text"),
        (model(*HEAD, ("ا", 0), normalizer=field(4, 0)), "changes the text"),
        (model(("ا", 0), ("<unk>", 2)), "first pieces"),
        (model(*HEAD, ("ا", 0), ("<0x00>", 6)), "first pieces"),
        (model(*HEAD, ("ا", 0), ("ا", 0)), "comes twice"),
        (model(*HEAD, ("ا▁ب", 0)), "more than one word"),
        (b"\x0a", "damaged"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "damaged"),
        (b"\x0a\x80\x80\x80\x80\x10", "damaged"),
        (field(1, field(1, b"\xff\xfe")), "damaged"),
        (field(1, field(2, 3)), "damaged"),
        (b"\x0a\x00" + field(2, 5), "damaged"),
    ],
)  # fmt: skip
def test_models_that_cut_otherwise_are_refused_in_one_line(content, says, tmp_path):
    path = written(tmp_path, content)
    with pytest.raises(BadInput, match=says) as caught:
        convert(path)
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["m.model"]


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(MODELS["bpe"]) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_model_is_read_or_refused_and_nothing_else(at, byte, cut, tmp_path_factory):
    content = MODELS["bpe"][:at] if cut else MODELS["bpe"][:at] + bytes([byte]) + MODELS["bpe"][at + 1 :]
    path = written(tmp_path_factory.mktemp("damaged"), content)
    try:
        tokenizer = read_model(path)
    except BadInput:
        return
    assert PAD not in tokenizer.encode("السلام عليكم")
