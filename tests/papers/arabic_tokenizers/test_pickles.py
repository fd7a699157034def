"""tkseem's vocabularies are read as data: what a pickle would do, it does not do here."""

import contextlib
import pickle
import pickletools
from collections import Counter, OrderedDict, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.arabic_tokenizers.convert import convert
from hotpapers.papers.arabic_tokenizers.pickles import read_counts
from hotpapers.papers.arabic_tokenizers.tokenizer import Tokenizer

VOCABULARY = {"<UNK>": -1, "<PAD>": -1, "ال": 355126094, "##سلام": 3, "علي": 2**40, "##كم": 1}


def written(tmp_path, thing, protocol=4):
    (tmp_path / "vocab.pl").write_bytes(thing if isinstance(thing, bytes) else pickle.dumps(thing, protocol))
    return tmp_path / "vocab.pl"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("make", [dict, Counter, OrderedDict, lambda d: defaultdict(int, d)])
def test_dictionaries_of_strings_and_numbers_are_read_in_order(make, protocol, tmp_path):
    path = written(tmp_path, make(VOCABULARY), protocol)
    assert list(read_counts(path)) == list(VOCABULARY.items())


@settings(deadline=None, max_examples=40)
@given(counts=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(-(2**60), 2**60)))
def test_any_vocabulary_is_read_as_pickle_reads_it(counts, tmp_path_factory):
    path = written(tmp_path_factory.mktemp("pickles"), counts)
    assert list(read_counts(path)) == list(counts.items())


def test_more_than_a_batch_of_pairs_is_read(tmp_path):
    counts = {f"{number}ق": number for number in range(5000)}
    assert dict(read_counts(written(tmp_path, counts))) == counts


class Runs:
    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/hotpapers-was-run",)


class Imports:
    def __reduce__(self):
        return __import__, ("antigravity",)


HOSTILE = {
    "a call": pickle.dumps(Runs()),
    "a call among the values": pickle.dumps({"ال": 1, "علي": Runs()}),
    "a call among the keys": pickle.dumps({Imports(): 1}),
    "a call after the words": pickle.dumps({"ال": 1}).removesuffix(b".") + b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
    "an import of ours": b"chotpapers.files\nhome\n)R.",
    "builtins eval": b"\x80\x02cbuiltins\neval\nX\x03\x00\x00\x001+1\x85R.",
    "a counter of a string": b"\x80\x02ccollections\nCounter\nX\x02\x00\x00\x00ab\x85R.",
    "instances": b"\x80\x02ccollections\nCounter\n)\x81.",
    "build": b"\x80\x02}}b.",
    "persistent ids": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "extensions": b"\x80\x02\x82\x01.",
    "a list": pickle.dumps([1, 2]),
    "a number": pickle.dumps(3),
    "numbers as keys": pickle.dumps({1: 1}),
    "texts as values": pickle.dumps({"ال": "x"}),
    "fractions": pickle.dumps({"ال": 0.5}),
    "true": pickle.dumps({"ال": True}),
    "dictionaries in it": pickle.dumps({"ال": {"علي": 1}}),
    "a long string": pickle.dumps({"ا" * 70_000: 1}),
    "a string that never ends": b"\x80\x03}X\xff\xff\xff\x7fab",
    "a number beyond measure": b"\x80\x02}X\x01\x00\x00\x00a\x8a\xff" + b"\x01" * 255 + b"s.",
    "nothing in the memo": b"\x80\x02}h\x05K\x01s.",
    "a memo with holes": b"\x80\x02}r\xff\xff\xff\x7f.",
    "depth without end": b"\x80\x02" + b"}" * 100_000 + b".",
    "an empty stack": b"\x80\x02s.",
    "nothing": b"",
    "no pickle": "السلام عليكم".encode(),
    "cut off": pickle.dumps(VOCABULARY)[:-5],
    "two things": b"\x80\x02}}.",
    "a pair short": b"\x80\x02}(X\x01\x00\x00\x00au.",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_are_refused_and_nothing_runs(what, tmp_path, monkeypatch):
    def called(*_):
        raise AssertionError("the pickle was run")

    monkeypatch.setattr("os.system", called)
    monkeypatch.setattr("builtins.eval", called)
    with pytest.raises(BadInput, match=r"vocab\.pl"):
        list(read_counts(written(tmp_path, HOSTILE[what])))


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_pickle_with_bytes_changed_is_read_or_refused(data, tmp_path_factory):
    content = bytearray(pickle.dumps(VOCABULARY, data.draw(st.sampled_from([2, 3, 4]))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.mktemp("changed"), bytes(content))
    with contextlib.suppress(BadInput):
        assert all(isinstance(key, str) and isinstance(value, int) for key, value in read_counts(path))


def test_a_converted_vocabulary_cuts_as_tkseem_does(tmp_path):
    done = convert(written(tmp_path, Counter(VOCABULARY)), tmp_path / "morphs", vocab=100)
    tokenizer = Tokenizer.load(done.files["model"])
    assert tokenizer.pieces == ["<UNK>", "<PAD>", "علي", "ال", "##سلام", "##كم"]
    assert tokenizer.tokenize("السلام عليكم") == ["ال", "##سلام", "علي", "##كم"]
    assert convert(written(tmp_path, VOCABULARY), tmp_path / "few", vocab=4).numbers["pieces kept"] == 4


def test_the_reader_knows_every_opcode_that_a_vocabulary_is_written_with():
    names = {
        op.name
        for protocol in (2, 3, 4, 5)
        for op, _, _ in pickletools.genops(pickle.dumps(Counter(VOCABULARY), protocol))
    }
    assert "REDUCE" in names  # a Counter is a call, which the reader takes for the dictionary that it is given
