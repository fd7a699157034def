"""The verbs on files: what they write, how they go on when a worker is killed, and what they refuse."""

import json
import os
import pickle
import signal
from pathlib import Path

import pytest

from hotpapers.cards import find_card
from hotpapers.cli import main
from hotpapers.engines import do_all
from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.classify import classify
from hotpapers.papers.arabic_tokenizers.clean import clean
from hotpapers.papers.arabic_tokenizers.compare import compare
from hotpapers.papers.arabic_tokenizers.encode import BUNDLED, Piece, decode, encode, encode_file, tokenize
from hotpapers.papers.arabic_tokenizers.export import export
from hotpapers.papers.arabic_tokenizers.tokenizer import ALGOS, UNK, Tokenizer
from hotpapers.papers.arabic_tokenizers.train import train

EXAMPLES = find_card("arabic_tokenizers").folder / "examples"


@pytest.fixture
def corpus(tmp_path, text):
    (tmp_path / "corpus.txt").write_text(text, encoding="utf-8")
    return tmp_path / "corpus.txt"


@pytest.mark.parametrize("algo", ALGOS)
def test_train_encode_and_decode_give_the_text_back(algo, corpus):
    model = train(corpus, algo=algo, vocab=2000).files["model"]
    assert model == corpus.with_name(f"corpus.{algo}")
    done = encode(corpus, model)
    back = decode(done.files["ids"], model).files["text"].read_text(encoding="utf-8").splitlines()
    lines = corpus.read_text(encoding="utf-8").splitlines()
    tokenizer = Tokenizer.load(model)
    assert len(back) == len(lines)
    kept = [(a, b) for a, b in zip(lines, back, strict=True) if UNK not in tokenizer.encode(a)]
    assert all(a == b for a, b in kept)
    assert len(kept) > len(lines) / 2


def test_a_folder_is_trained_on_as_one_text_and_encoded_file_by_file(tmp_path, text):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    whole = tmp_path / "whole.txt"
    whole.write_text(text * 3, encoding="utf-8")
    assert Tokenizer.load(train(folder, algo="word").files["model"]) == Tokenizer.load(
        train(whole, algo="word").files["model"]
    )
    done = encode(folder, train(folder, algo="bpe", vocab=200).files["model"])
    assert sorted(path.name for path in done.files["ids"].iterdir()) == ["0.ids.txt", "1.ids.txt", "2.ids.txt"]
    assert done.numbers["files"] == 3


def test_lines_are_cut_and_padded_to_the_length(corpus):
    ids = encode(corpus, length=4).files["ids"].read_text().splitlines()
    assert len(ids) == len(corpus.read_text(encoding="utf-8").splitlines())
    assert all(len(line.split()) == 4 for line in ids)


def test_pieces_and_offsets_are_those_of_the_tokenizer(corpus):
    tokenizer = Tokenizer.load(BUNDLED)
    line = corpus.read_text(encoding="utf-8").splitlines()[0]
    assert tokenize(corpus).files["pieces"].read_text(encoding="utf-8").splitlines()[0].split() == tokenizer.tokenize(
        line
    )
    record = json.loads(encode(corpus, offsets=True).files["offsets"].read_text(encoding="utf-8").splitlines()[0])
    assert record["ids"] == tokenizer.encode(line)
    assert [line[begin:end] for begin, end in record["offsets"]] == [p.removeprefix("▁") for p in record["pieces"]]


def test_the_example_ids_are_the_example_texts():
    ids = [list(map(int, line.split())) for line in (EXAMPLES / "ids.txt").read_text().splitlines()]
    tokenizer = Tokenizer.load(BUNDLED)
    assert [tokenizer.decode(line) for line in ids] == (EXAMPLES / "text.txt").read_text(encoding="utf-8").splitlines()


def encode_or_die_once(piece: Piece):
    """Encode a file; the first worker that takes the second file is killed in the middle of it."""
    marker = piece.out.parent / "killed"
    if piece.text.name == "1.txt" and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return encode_file(piece)


@pytest.mark.parametrize("engine", ["processes", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_killed_worker_changes_nothing_of_the_output(engine, tmp_path, text):
    if engine == "ray":
        pytest.importorskip("ray")
    made = []
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(text * (number + 1), encoding="utf-8")
    for out in ("calm", "killed"):
        (tmp_path / out).mkdir()
        pieces = [Piece(tmp_path / f"{n}.txt", BUNDLED, tmp_path / out / f"{n}.ids", "ids", 0) for n in range(4)]
        calm = out == "calm"
        done = list(
            do_all(encode_file if calm else encode_or_die_once, pieces, engine="local" if calm else engine, jobs=2)
        )
        made.append(sorted((each.out.name, each.lines, each.tokens) for each in done))
    assert (tmp_path / "killed" / "killed").exists()
    assert made[0] == made[1]
    for number in range(4):
        calm, killed = ((tmp_path / out / f"{number}.ids").read_bytes() for out in ("calm", "killed"))
        assert calm == killed
    assert not list((tmp_path / "killed").glob(".*"))


def test_compare_writes_a_row_for_each_tokenizer_and_size(corpus):
    done = compare(corpus, algos="word, char,disjoint", vocab="100,300")
    rows = done.files["table"].read_text().splitlines()
    assert len(rows) == 1 + 6
    assert done.files["picture"].read_bytes().startswith(b"\x89PNG")
    assert set(done.numbers) == {f"compression of {algo}, 300" for algo in ("word", "char", "disjoint")}


def test_classify_learns_the_example_with_every_seed():
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = classify(
            EXAMPLES / "train.tsv", EXAMPLES / "test.tsv", Path(folder) / "c.png", algos="word,bpe", seeds=2
        )
        assert done.numbers["accuracy, word"] > 0.8
        assert len(done.files["table"].read_text().splitlines()) == 3


def test_the_export_is_read_by_the_library_it_is_for(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    done = export(None, tmp_path / "hf.json")
    theirs = tokenizers.Tokenizer.from_file(str(done.files["tokenizer"]))
    for line in (EXAMPLES / "text.txt").read_text(encoding="utf-8").splitlines():
        encoded = theirs.encode(line)
        assert encoded.ids == Tokenizer.load(BUNDLED).encode(line)
        assert theirs.decode(encoded.ids) == line


def test_the_example_dictionary_is_one_of_strings_and_counts():
    counts = pickle.loads((EXAMPLES / "vocabulary.pl").read_bytes())
    assert all(isinstance(key, str) and isinstance(value, int) for key, value in counts.items())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda p: train(p / "none.txt"), "no such file"),
        (lambda p: train(p / "empty.txt"), "is empty"),
        (lambda p: train(p / "bytes.txt"), "not UTF-8 in line 1"),
        (lambda p: train(p), "no words in the text|is empty|not UTF-8"),
        (lambda p: train(p / "text.txt", vocab=2), "3 to 1,000,000"),
        (lambda p: train(p / "text.txt", vocab=4, specials="a b"), "holds no piece"),
        (lambda p: train(p / "text.txt", specials="a a"), "each once"),
        (lambda p: train(p / "text.txt", algo="morph", types=0), "--types"),
        (lambda p: train(p / "text.txt", algo="morph", weight=float("nan")), "--weight"),
        (lambda p: encode(p / "text.txt", p), "Cannot read"),
        (lambda p: encode(p / "text.txt", p / "text.txt"), "is no tokenizer"),
        (lambda p: encode(p / "text.txt", length=-1), "--length"),
        (lambda p: encode(p / "text.txt", engine="cloud"), "no engine"),
        (lambda p: encode(p / "folder"), "no .txt files"),
        (lambda p: decode(p / "text.txt"), "is no id below"),
        (lambda p: decode(p / "huge.txt"), "is no id below"),
        (lambda p: compare(p / "text.txt", algos="words"), "no tokenizer 'words'"),
        (lambda p: compare(p / "text.txt", algos=""), "no tokenizer ''"),
        (lambda p: compare(p / "text.txt", vocab="10,nan"), "sizes such as"),
        (lambda p: clean(Path(".")), "directory"),
        (lambda p: tokenize(Path("/")), "no .txt files|no place beside it"),
        (lambda p: clean(p / ("ا" * 300)), "too long"),
        (lambda p: train(p / ("ا" * 300)), "too long"),
        (lambda p: encode(p / "text.txt", p / ("ا" * 300)), "too long"),
        (lambda p: classify(p / "text.txt", p / "text.txt"), "tab"),
        (lambda p: classify(p / "one.tsv", p / "one.tsv"), "one class"),
        (lambda p: classify(p / "two.tsv", p / "other.tsv"), "which two.tsv has not"),
        (lambda p: classify(p / "two.tsv", p / "two.tsv", seeds=0), "seeds"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_line(call, says, tmp_path):
    (tmp_path / "folder").mkdir()
    for name, content in {"empty.txt": b"", "bytes.txt": b"\xff\xfe\x00", "text.txt": "السلام عليكم\n".encode(),
                          "huge.txt": b"9" * 5000, "one.tsv": b"a\tx\n" * 9, "two.tsv": b"a\tx\nb\ty\n" * 4,
                          "other.tsv": b"c\tx\n"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput, match=says) as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command_line_trains_and_encodes(corpus, capsys):
    assert main(["arabic-tokenizers", "train", str(corpus), "--algo", "disjoint", "--vocab", "200"]) == 0
    assert main(["arabic-tokenizers", "encode", str(corpus), str(corpus.with_name("corpus.disjoint"))]) == 0
    assert corpus.with_name("corpus.ids.txt").is_file()
    assert main(["arabic-tokenizers", "encode", str(corpus.with_name("none"))]) == 2
    assert "Traceback" not in capsys.readouterr().err
