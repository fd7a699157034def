import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.gittables import subwords
from hotpapers.papers.gittables.fasttext import FastText, fnv
from hotpapers.papers.gittables.vectors import Hashed, Words, embedder, vectors

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("text", json.loads((GOLDEN / "fasttext.json").read_text()))
def test_fasttexts_own_models_give_its_own_sentence_vectors(text):
    wanted = json.loads((GOLDEN / "fasttext.json").read_text())[text]
    np.testing.assert_allclose(FastText(GOLDEN / "fasttext.bin").sentence(text), wanted, atol=1e-6)


def test_the_hash_takes_bytes_as_signed_numbers():
    assert fnv(b"") == 2166136261
    assert fnv(b"a") == 0xE40C292C


@pytest.mark.parametrize("at", [0, 4, 40, 100, 130])
def test_a_damaged_fasttext_model_is_refused(at, tmp_path):
    (tmp_path / "m.bin").write_bytes((GOLDEN / "fasttext.bin").read_bytes()[:at])
    with pytest.raises(BadInput, match=r"m\.bin is no fastText model"):
        embedder(str(tmp_path / "m.bin"))


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30))
def test_any_text_has_one_direction_or_none(text):
    for by in (Hashed(), embedder("small")):
        length = np.linalg.norm(by.embed([text])[0])
        assert length == pytest.approx(1, abs=1e-5) or length == 0


def test_an_unknown_word_is_near_one_that_is_written_alike_in_n_grams():
    rows = Hashed().embed(["population", "populations", "zebra"])
    assert rows[0] @ rows[1] > 0.7 > 0.2 > rows[0] @ rows[2]


def test_the_small_vectors_know_that_two_words_mean_nearly_the_same():
    rows = embedder("small").embed(["city", "town", "algorithm", "qxzvkjw"])
    assert rows[0] @ rows[1] > 0.6 > rows[0] @ rows[2]
    assert rows[3].any()


def test_words_are_averaged_at_length_one_and_unknown_ones_left_out():
    by = Words("two", ["a", "b"], np.array([[3.0, 0.0], [0.0, 0.5]], np.float32))
    np.testing.assert_allclose(by.embed(["a b", "a zzz", "zzz"]), [[0.5**0.5, 0.5**0.5], [1, 0], [0, 0]], atol=1e-6)


def test_vectors_in_text_are_read_below_a_line_of_counts_or_not(tmp_path):
    (tmp_path / "v.vec").write_text("2 3\nred 1 0 0\nblue 0 1 0\n")
    (tmp_path / "v.txt").write_text("red 1 0 0\nblue 0 1 0\n")
    for name in ("v.vec", "v.txt"):
        np.testing.assert_array_equal(embedder(str(tmp_path / name)).embed(["blue"]), [[0, 1, 0]])


@pytest.mark.parametrize("text", ["", "red 1 0\nblue 1\n", "red x y\n"])
def test_text_that_holds_no_vectors_is_refused(text, tmp_path):
    (tmp_path / "v.vec").write_text(text)
    with pytest.raises(BadInput, match=r"v\.vec"):
        embedder(str(tmp_path / "v.vec"))


def test_n_grams_learn_the_vectors_of_the_words_that_have_them(tmp_path):
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    meanings = dict(
        zip(("walk", "swim", "jump", "read", "sing"), rng.standard_normal((5, 8)).astype(np.float32), strict=True)
    )
    endings = ["".join(rng.choice(list("aeioxyz"), 3)) for _ in range(40)]
    words = [stem + ending for stem in meanings for ending in dict.fromkeys(endings)]
    known = np.stack([meanings[word[:4]] for word in words])
    cosine = subwords.learn(words, known, words[:10], tmp_path / "small.npz", epochs=150)
    assert cosine > 0.6
    small = subwords.Small(tmp_path / "small.npz")
    assert small.embed([words[0]])[0] @ (known[0] / np.linalg.norm(known[0])) > 0.999


def test_headers_are_compared_and_what_is_unknown_is_said(tmp_path):
    shutil.copy(GOLDEN / "fasttext.bin", tmp_path / "m.bin")
    done = vectors("birthDate, birth_date, city", fasttext=tmp_path / "m.bin", out=tmp_path / "s.csv")
    assert done.numbers["birth date ~ birth date"] == 1
    assert (tmp_path / "s.csv").read_text().startswith(",birth date,birth date,city\n")
    for words in ("", "one", ",,"):
        with pytest.raises(BadInput):
            vectors(words)
