"""What holds of every tokenizer, and what each one cuts."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.learn import learn
from hotpapers.papers.arabic_tokenizers.measures import compression_factor
from hotpapers.papers.arabic_tokenizers.pieces import NON_CONNECTING
from hotpapers.papers.arabic_tokenizers.tokenizer import ALGOS, PAD, UNK, Tokenizer

CORPUS = """السلام عليكم ورحمة الله
يا ضيف طيف ما هداه لمضجعي # إلا لهيب في الحشى يتوقد
والكتاب بالمكتبة والكتب في المكتبات
كتب الكاتب كتابه وكتبت كتابها وكتبنا كتبنا
السلام عليكم يا أهل المكتبة
"""
WORD = st.text(st.sampled_from("ابتدرسمنوهيألإ#ء"), min_size=1, max_size=24)
TEXT = st.lists(WORD, min_size=1, max_size=12).map(" ".join)
_trained: dict[str, Tokenizer] = {}


def trained(algo, text=None, **kwargs):
    key = f"{algo}{text}{kwargs}"
    if key not in _trained:
        _trained[key] = learn(text or CORPUS * 3, algo, vocab=kwargs.pop("vocab", 120), **kwargs)
    return _trained[key]


def reference(tokenizer, word):
    """Longest match first, letter by letter, as BERT's tokenizer and tkseem's do it."""
    if len(word) > 20:
        return [UNK]
    start, found = 0, []
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            number = tokenizer.token_to_id(piece)
            if number > 1:
                found.append(number)
                start = end
                break
        else:
            return [UNK]
    return found


@pytest.mark.parametrize("algo", ALGOS)
def test_a_vocabulary_is_no_larger_than_asked_and_begins_with_the_reserved(algo, text):
    tokenizer = trained(algo, text)
    assert len(tokenizer.pieces) <= 120
    assert len(set(tokenizer.pieces)) == len(tokenizer.pieces)
    assert tokenizer.pieces[:2] == ["<UNK>", "<PAD>"]
    assert (UNK, PAD) == (0, 1)


@pytest.mark.parametrize("algo", ALGOS)
@settings(max_examples=25, deadline=None)
@given(text=TEXT)
def test_ids_without_unknowns_decode_to_the_text(algo, text):
    if any(word.startswith("##") for word in text.split()):
        return  # a piece's own mark cannot be told from the user's
    tokenizer = trained(algo)
    ids = tokenizer.encode(text)
    if UNK not in ids:
        assert tokenizer.decode(ids) == text
        assert tokenizer.detokenize(tokenizer.tokenize(text)) == text


@pytest.mark.parametrize("algo", ALGOS)
@settings(max_examples=20, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=4))
def test_one_text_many_texts_and_arrays_give_the_same_ids(algo, texts):
    tokenizer = trained(algo)
    one_by_one = [tokenizer.encode(text) for text in texts]
    assert tokenizer.encode_array("\n".join(texts)).tolist() == [number for ids in one_by_one for number in ids]
    batch = tokenizer.encode_batch(texts)
    assert [row[:length].tolist() for row, length in zip(*batch, strict=True)] == one_by_one
    assert all((row[length:] == PAD).all() for row, length in zip(*batch, strict=True))


@pytest.mark.parametrize("algo", ALGOS)
@settings(max_examples=20, deadline=None)
@given(text=TEXT, gap=st.sampled_from([" ", "  ", "\n", "\u00a0"]))
def test_offsets_tile_every_word_and_show_each_piece(algo, text, gap):
    tokenizer = trained(algo)
    spaced = gap.join(text.split(" "))
    covered = [False] * len(spaced)
    for token in tokenizer.encode_with_offsets(spaced):
        if token.id != UNK:
            assert spaced[token.begin : token.end] == token.piece.removeprefix("▁").removeprefix("##") or "#" in spaced
        for place in range(token.begin, token.end):
            assert not covered[place]
            covered[place] = True
    assert covered == [not letter.isspace() for letter in spaced]


@pytest.mark.parametrize("algo", ["disjoint", "stochastic", "morph"])
@settings(max_examples=50, deadline=None)
@given(word=WORD)
def test_greedy_cutting_is_longest_match_first(algo, word):
    tokenizer = trained(algo)
    assert tokenizer.encode(word) == reference(tokenizer, word)


@settings(deadline=None)
@given(WORD)
def test_characters_are_one_piece_a_letter_and_never_unknown_on_their_alphabet(word):
    tokenizer = trained("char", "ابتدرسمنوهيألإ#ء " * 2 + " ".join("ا" + each for each in "ابتدرسمنوهيألإ#ء")
                        + " " + " ".join("ابتدرسمنوهيألإ#ء"))  # fmt: skip
    ids = tokenizer.encode(word)
    assert len(ids) == len(word)
    assert UNK not in ids


@settings(deadline=None)
@given(WORD)
def test_disjoint_pieces_are_one_more_than_the_letters_inside_that_do_not_join(word):
    tokenizer = learn(word, "disjoint", vocab=1000)
    expected = 1 + sum(letter in NON_CONNECTING for letter in word[:-1])
    if len(word) <= 20 and not word.startswith("##"):
        assert sum(tokenizer.counts) == expected
        assert compression_factor(tokenizer, word) <= expected / (len(word) + 1)


def test_the_official_example_of_disjoint_letters_is_cut_as_published():
    tokenizer = learn("السلام عليكم", "disjoint")
    assert tokenizer.tokenize("السلام عليكم") == ["ا", "##لسلا", "##م", "عليكم"]


def test_two_known_words_compress_to_two_thirteenths():
    assert compression_factor(learn("السلام عليكم", "word"), "السلام عليكم") == 2 / 13


def test_a_word_with_an_unknown_saves_nothing():
    assert compression_factor(learn("السلام", "word"), "السلام عليكم") == (1 + 6) / 13


def test_words_beyond_twenty_letters_are_one_unknown_to_greedy_cutting():
    tokenizer = learn("ا " + "ب" * 20, "disjoint")
    assert tokenizer.encode("ب" * 20) == [tokenizer.token_to_id("ب" * 20)]
    assert tokenizer.encode("ا" * 21) == [UNK]


def test_adjacent_lines_do_not_become_one_word(text):
    assert "الله\nيا" not in trained("word", text, vocab=1000).pieces
    assert "الله" in trained("word", text, vocab=1000).pieces


def test_batches_are_padded_and_cut_as_asked():
    tokenizer = learn("ا ب ت", "word")
    texts = ["ا", "ا ب ت", ""]
    assert tokenizer.encode_batch(texts, length=2).ids.tolist() == [[2, 1], [2, 3], [1, 1]]
    assert tokenizer.encode_batch(texts, length=2).lengths.tolist() == [1, 2, 0]
    assert tokenizer.encode_batch(texts, length=2, truncate=False).ids.shape == (3, 3)
    assert tokenizer.encode_batch(texts, length=5).ids.shape == (3, 5)
    assert tokenizer.encode_batch(texts, length=5, pad=False).ids.shape == (3, 3)


@pytest.mark.parametrize("algo", ALGOS)
def test_special_tokens_keep_their_ids_and_are_never_cut(algo, text):
    tokenizer = trained(algo, text, specials=("<s>", "</s>"))
    assert tokenizer.pieces[2:4] == ["<s>", "</s>"]
    ids = tokenizer.encode("<s> السلام </s>")
    assert (ids[0], ids[-1]) == (2, 3)
    if UNK not in ids:
        assert tokenizer.decode(ids) == "<s> السلام </s>"


@pytest.mark.parametrize("algo", ALGOS)
def test_a_saved_model_is_the_same_when_read_again(algo, text, tmp_path):
    tokenizer = trained(algo, text)
    tokenizer.save(tmp_path / "model")
    again = Tokenizer.load(tmp_path / "model")
    assert again == tokenizer
    assert again.encode_array(text).tolist() == tokenizer.encode_array(text).tolist()
    assert json.loads((tmp_path / "model" / "tokenizer.json").read_text(encoding="utf-8"))["algo"] == algo


@pytest.mark.parametrize("algo", [each for each in ALGOS if each != "unigram"])
def test_a_shrunk_tokenizer_is_that_of_a_smaller_training(algo, text):
    assert trained(algo, text).shrunk(80) == learn(text, algo, vocab=80)


@pytest.mark.parametrize(
    "record",
    [
        "[]", "{", '{"format": "hotpapers arabic tokenizer 1", "algo": "word"}', "[" * 100_000,
        '{"format": "hotpapers arabic tokenizer 1", "algo": "word", "pieces": ["<UNK>", "<PAD>", 3], '
        '"counts": [0, 0, 0]}',
        '{"format": "hotpapers arabic tokenizer 1", "algo": "word", "pieces": ["<UNK>", "<PAD>"], "counts": [0, "x"]}',
        '{"format": "hotpapers arabic tokenizer 1", "algo": "word", "pieces": ["<UNK>", "<PAD>"], "counts": [0, NaN]}',
        '{"format": "hotpapers arabic tokenizer 1", "algo": "bpe", "pieces": ["<UNK>", "<PAD>", "▁", "ab"], '
        '"counts": [0, 0, 0, 0], "merges": [[2, 9]]}',
        '{"format": "hotpapers arabic tokenizer 1", "algo": "char", "pieces": ["<UNK>", "<PAD>", "abc"], '
        '"counts": [0, 0, 0]}',
    ],
)  # fmt: skip
def test_a_damaged_model_is_refused_in_one_line(record, tmp_path):
    (tmp_path / "tokenizer.json").write_text(record)
    with pytest.raises(BadInput):
        Tokenizer.load(tmp_path)


def test_an_unknown_of_bpe_is_one_however_many_letters_it_covers(text):
    tokenizer = trained("bpe", text)
    tokens = tokenizer.encode_with_offsets("ك日本ك")
    assert [(token.begin, token.end) for token in tokens if token.id == UNK] == [(1, 3)]


def test_dropout_cuts_finer_and_decodes_to_the_same_text(text):
    tokenizer = trained("bpe", text)
    plain = tokenizer.encode("السلام عليكم")
    assert tokenizer.encode_dropping("السلام عليكم", 0.0) == plain
    torn = tokenizer.encode_dropping("السلام عليكم", 1.0)
    assert len(torn) == len("السلام عليكم") + 1
    assert tokenizer.decode(tokenizer.encode_dropping("السلام عليكم", 0.5, seed=1)) == "السلام عليكم"


def test_bpe_learns_the_merges_that_hugging_faces_trainer_learns(text):
    hf = pytest.importorskip("tokenizers")
    theirs = hf.Tokenizer(hf.models.BPE())
    theirs.pre_tokenizer = hf.pre_tokenizers.Metaspace(prepend_scheme="always")
    trainer = hf.trainers.BpeTrainer(vocab_size=150, special_tokens=["<UNK>", "<PAD>"], show_progress=False)
    theirs.train_from_iterator(text.splitlines(), trainer)
    ours = learn(text, "bpe", vocab=150)
    merges = [[ours.pieces[left], ours.pieces[right]] for left, right in ours.merges]
    assert merges == json.loads(theirs.to_str())["model"]["merges"]
    assert ours.ids == theirs.get_vocab()


@pytest.mark.parametrize("algo", ALGOS)
@settings(max_examples=15, deadline=None)
@given(text=TEXT)
def test_the_export_to_hugging_face_cuts_the_same(algo, text):
    hf = pytest.importorskip("tokenizers")
    from hotpapers.papers.arabic_tokenizers.export import hugging_face

    tokenizer = trained(algo)
    theirs = hf.Tokenizer.from_str(json.dumps(hugging_face(tokenizer)))
    encoded = theirs.encode(text)
    assert encoded.ids == tokenizer.encode(text)
    if algo not in ("bpe", "unigram"):
        assert encoded.offsets == [(token.begin, token.end) for token in tokenizer.encode_with_offsets(text)]


def test_a_table_too_wide_is_walked_as_a_sorted_list(monkeypatch, text):
    from hotpapers.papers.arabic_tokenizers import trie

    tokenizer = trained("disjoint", text)
    wanted = tokenizer.encode_array(text)
    monkeypatch.setattr(trie, "_LARGEST_TABLE", 10)
    again = learn(text, "disjoint", vocab=120)
    np.testing.assert_array_equal(again.encode_array(text), wanted)


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.text(st.sampled_from("ابت"), min_size=1, max_size=12), min_size=1, max_size=20))
def test_merging_all_places_at_once_is_merging_them_one_by_one(words):
    from hotpapers.papers.arabic_tokenizers import merges
    from hotpapers.papers.arabic_tokenizers.words import find_words

    found = find_words(" ".join(words))
    learnt = []
    for many in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(merges, "_MANY", many)
            learnt.append(merges.learn_merges(found, 60, 2))
    assert learnt[0] == learnt[1]
