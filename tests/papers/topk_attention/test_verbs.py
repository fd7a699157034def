"""The verbs do their job on a user's files, and refuse in one line what they cannot use."""

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hotpapers import datasets
from hotpapers.cards import all_cards
from hotpapers.errors import BadInput
from hotpapers.papers.topk_attention import corpus
from hotpapers.papers.topk_attention.check import check, measure_losses, suggest
from hotpapers.papers.topk_attention.classify import classify
from hotpapers.papers.topk_attention.corpus import draw, split, standard_library, windows
from hotpapers.papers.topk_attention.listops import evaluate, listops
from hotpapers.papers.topk_attention.loading import load_model
from hotpapers.papers.topk_attention.swap import patch_model, unpatch_model
from hotpapers.papers.topk_attention.tasks import read_examples, read_pairs, read_task
from hotpapers.papers.topk_attention.train import train_lm

TEXT = "The keys that matter are few, and a query finds them. " * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm")
    (folder / "text.txt").write_text(TEXT)
    train_lm(folder / "text.txt", out=folder / "lm", context=32, steps=6, device="cpu")
    return folder


def test_a_trained_model_is_checked_patched_and_put_back(folder):
    found = check(folder / "lm", folder / "text.txt", ks="1,8,32,384")
    every = list(csv.DictReader(found.files["table"].read_text().splitlines()))
    rows, of_all = ([row for row in every if (row["layer"] == "all") == whole] for whole in (False, True))
    assert (len(rows), len(of_all)) == (4 * 4, 2 * 4)
    for row in of_all:
        dense = row["k"] == "384" or (row["k"] == "32" and row["kind"] == "attention")
        assert (float(row["output_change"]) < 1e-5) == dense
        if dense:
            assert float(row["bits_per_token"]) == pytest.approx(found.numbers["bits per token, all"], rel=1e-5)
    for layer in {row["layer"] for row in rows}:
        kept = [float(row["kept"]) for row in rows if row["layer"] == layer]
        assert kept == sorted(kept)
        assert kept[-1] == pytest.approx(1, abs=1e-5)
    attention = [row for row in rows if row["kind"] == "attention"]
    assert all(float(row["largest_error"]) <= float(row["error_bound"]) + 1e-5 for row in attention)
    assert any(float(row["largest_error"]) > 1e-4 for row in attention)
    patched = patch_model(folder / "lm", folder / "text.txt", attn_k=4, ff_k=8, chunk=5, out=folder / "few")
    assert patched.numbers["layers patched"] == 4
    assert patched.numbers["relative change of the output"] > 1e-4
    ids = torch.tensor([list(TEXT[:32].encode())])
    with torch.no_grad():
        plain, few = (load_model(folder / name)(ids) for name in ("lm", "few"))
        unpatch_model(folder / "few", out=folder / "again")
        assert not torch.equal(plain, few)
        assert torch.equal(load_model(folder / "again")(ids), plain)


def test_suggested_k_keep_the_share_that_is_asked_for(folder):
    loaded = load_model(folder / "lm")
    losses = measure_losses(loaded, torch.tensor(list(TEXT.encode())), [1, 2, 8, 32])
    shares = {(loss.layer, loss.k): loss.kept for loss in losses}
    layers = list(dict.fromkeys(loss.layer for loss in losses if loss.kind == "attention"))
    for layer, k in zip(layers, suggest(losses, 0.7)["attn_k"], strict=True):
        assert shares[layer, k] >= 0.7
        assert all(shares[layer, less] < 0.7 for less in (1, 2, 8, 32) if less < k)


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_saved_models_of_transformers_are_checked_and_patched(family, folder):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    if family == "bert":
        config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                                         intermediate_size=24, vocab_size=300)  # fmt: skip
        model = transformers.BertModel(config)
    elif family == "gpt2":
        config = transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=64, vocab_size=300)
        model = transformers.GPT2LMHeadModel(config)
    else:
        config = transformers.T5Config(d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2, vocab_size=300)
        model = transformers.T5Model(config)
    model.save_pretrained(folder / family)
    found = check(folder / family, folder / "text.txt", ks="2,512")
    assert found.numbers["relative change of the output"] < 1
    weights = load_file(folder / family / "model.safetensors")
    lost = next(name for name in weights if name.endswith(("dense.weight", "c_fc.weight", "wi.weight")))
    (folder / f"{family}-lacking").mkdir()
    (folder / f"{family}-lacking" / "config.json").write_bytes((folder / family / "config.json").read_bytes())
    save_file({name: each for name, each in weights.items() if name != lost},
              folder / f"{family}-lacking" / "model.safetensors", {"format": "pt"})  # fmt: skip
    with pytest.raises(BadInput, match="lacks weights"):
        check(folder / f"{family}-lacking", folder / "text.txt")
    exact = patch_model(folder / family, folder / "text.txt", attn_k=512, ff_k=512, out=folder / f"{family}-all")
    assert exact.numbers["relative change of the output"] < 1e-5


def test_a_classifier_is_trained_from_a_table(tmp_path):
    rows = "".join(f"{word * 6} {number},{label}\n" for number in range(30) for word, label in (("x", "a"), ("z", "b")))
    (tmp_path / "table.csv").write_text("text,label\n" + rows)
    found = classify(tmp_path / "table.csv", attn_k=4, context=16, steps=60, batch=16, device="cpu")
    assert found.numbers["accuracy, held out"] > 0.9
    assert load_model(found.files["model"]).model.labels == ["a", "b"]


def test_the_form_of_classify_opens_with_a_table_of_four_languages(tmp_path):
    card = all_cards()["topk_attention"]
    table = card.example_file(card.examples["classify"]["table"])
    examples, labels = read_examples(table)
    assert labels == ["English", "French", "German", "Spanish"]
    assert len(examples) == 120
    found = classify(table, context=32, steps=10, batch=8, judge=7, out=tmp_path / "model", device="cpu")
    assert found.numbers["texts judged"] == 7


def test_pairs_of_papers_are_read_half_and_half(tmp_path):
    lines = "".join(f"{number % 2}\tA\tB\tfirst {number}\t{'second' * 99}\n" for number in range(12))
    (tmp_path / "pairs.tsv").write_text(lines)
    examples, labels = read_pairs(tmp_path / "pairs.tsv", 16)
    assert labels == ["unrelated", "cited"]
    assert examples[1] == (b"first 1\0seconds", 1)
    given = read_task(tmp_path / "pairs.tsv", "listops", 16, seed=0)
    assert sorted([*given.learned, *given.judged]) == sorted(examples)
    assert len(given.judged) == 2


def test_reviews_and_digits_are_judged_by_their_own_test_sets(monkeypatch, tmp_path):
    reviews = {"train": [("good", 1), ("bad", 0)], "test": [("ok", 1)]}
    monkeypatch.setattr(datasets, "imdb", lambda split: reviews[split])
    given = read_task(None, "imdb", 3, seed=0)
    assert (given.learned, given.judged, given.labels) == ([(b"goo", 1), (b"bad", 0)], [(b"ok", 1)], ["neg", "pos"])
    pixels = np.arange(12 * 784, dtype=np.int64).reshape(12, 28, 28).astype(np.uint8)
    digits = {"train": (pixels, np.arange(12, dtype=np.uint8) % 10), "test": (pixels[:3], np.arange(3, dtype=np.uint8))}
    monkeypatch.setattr(datasets, "mnist", lambda split: digits[split])
    found = classify(task="mnist", attn_k=2, steps=1, batch=2, out=tmp_path / "model", device="cpu")
    assert found.numbers["texts judged"] == 3
    model = load_model(found.files["model"]).model
    assert (model.context, model.labels) == (784, [str(number) for number in range(10)])


def test_without_a_text_the_corpus_that_is_named_is_learned(monkeypatch, tmp_path):
    text = np.frombuffer(TEXT.encode(), np.uint8)
    monkeypatch.setattr(datasets, "enwik8", lambda: text.copy())
    corpus.wikipedia.cache_clear()
    by_name = train_lm(corpus="enwik8", context=32, steps=2, out=tmp_path / "name", device="cpu")
    corpus.wikipedia.cache_clear()
    (tmp_path / "text.txt").write_bytes(text.tobytes())
    by_file = train_lm(tmp_path / "text.txt", context=32, steps=2, out=tmp_path / "file", device="cpu")
    assert by_name.numbers == by_file.numbers


def test_expressions_of_listops_have_the_value_that_is_said_and_all_classes_occur():
    examples = listops(200, 128, seed=1)
    assert all(evaluate(text) == value and 32 <= len(text) <= 128 for text, value in examples)
    assert {value for _, value in examples} == set(range(10))
    assert evaluate("[SM 5 [MAX 1 9 3] [MED 1 2 8] [MIN 4 2]]") == 8
    assert listops(5, 128, seed=1) == examples[:5] != listops(5, 128, seed=2)


def test_what_is_held_out_is_never_drawn_and_windows_are_the_same_each_time():
    text = torch.arange(1000)
    learned, judged = split(text)
    assert int(draw(learned, 500, 20).max()) < int(judged.min())
    assert torch.equal(windows(judged, 20, 3), windows(judged, 20, 3))
    assert windows(judged, 20, 3).shape == (3, 21)
    assert len(standard_library()) > 1_000_000


def bad_files(folder):
    (folder / "empty").write_bytes(b"")
    (folder / "latin").write_bytes(b"caf\xe9 " * 500)
    (folder / "zeros").write_bytes(b"\0" * 5000)
    (folder / "short").write_text("a few words")
    return [folder / name for name in ("empty", "latin", "zeros", "short", "missing")] + [folder]


def test_bad_texts_and_tables_are_refused_in_one_line(tmp_path, folder):
    for path in bad_files(tmp_path):
        for verb in (
            lambda path: train_lm(path, out=tmp_path / "out"),
            lambda path: check(folder / "lm", path),
            lambda path: patch_model(folder / "lm", path, out=tmp_path / "out"),
            read_examples,
        ):
            with pytest.raises(BadInput) as refused:
                verb(path)
            assert "\n" not in str(refused.value)
            assert path.name in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_bad_models_are_refused_in_one_line(tmp_path, folder):
    cases = {"no-config": {}, "garbage": {"config.json": b"\xff{"}, "list": {"config.json": b"[1]"}}
    cases["no-weights"] = {"config.json": b"{}"}
    cases["truncated"] = {"config.json": (folder / "lm" / "config.json").read_bytes(), "model.safetensors": b"\x08"}
    cases["lacking"] = cases["truncated"] | {"model.safetensors": b""}
    cases["pickle"] = {"config.json": b'{"model_type": "bert"}', "pytorch_model.bin": b"\x80\x04."}
    cases["other"] = {"config.json": b'{"model_type": "llama"}', "model.safetensors": b"\x08"}
    for name, files in cases.items():
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_bytes(content)
    weights = load_file(folder / "lm" / "model.safetensors")
    save_file({key: each for key, each in weights.items() if "linear2" not in key},
              tmp_path / "lacking" / "model.safetensors")  # fmt: skip
    for name in [*cases, "missing"]:
        for verb in (check, patch_model):
            with pytest.raises(BadInput) as refused:
                verb(tmp_path / name, out=tmp_path / "result")
            assert "\n" not in str(refused.value)
    assert not (tmp_path / "result").exists()


def test_a_long_text_is_read_and_what_is_of_one_kind_refused(tmp_path):
    (tmp_path / "long.csv").write_text("text,label\n" + "".join(f"{'a' * 150_000},{n % 2}\n" for n in range(10)))
    assert {len(text) for text, _ in read_examples(tmp_path / "long.csv")[0]} == {150_000}
    for name, content, read in (
        ("one.csv", "text,label\n" + "abc,x\n" * 20, read_examples),
        ("one.tsv", "1\tA\tB\tabc\tdef\n" * 20, lambda path: read_pairs(path, 16)),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(BadInput, match="of 1"):
            read(tmp_path / name)


@pytest.mark.parametrize("settings", [{"context": 0}, {"batch": 0}, {"judge": 0}, {"learning_rate": 2.0}])
def test_settings_that_no_classifier_can_have_are_refused(settings, tmp_path):
    with pytest.raises(BadInput):
        classify(out=tmp_path / "model", **settings)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("settings", [{"steps": 0}, {"context": 2}, {"learning_rate": float("nan")}, {"attn_k": -1}])
def test_settings_that_no_training_can_have_are_refused(settings, tmp_path):
    with pytest.raises(BadInput, match="change --"):
        train_lm(out=tmp_path / "lm", **settings)


def test_a_patch_that_changes_nothing_or_overwrites_is_refused(folder):
    for settings, said in (
        ({"attn_k": 0}, "Nothing"),
        ({"attn_k": -2}, "0 or more"),
        ({"out": folder / "lm"}, "another"),
    ):
        with pytest.raises(BadInput, match=said):
            patch_model(folder / "lm", folder / "text.txt", **settings)
    with pytest.raises(BadInput, match=r"no topk\.json"):
        unpatch_model(folder / "lm")
    for settings in ({"ks": "8,x"}, {"ks": "0"}, {"ks": "9" * 30}, {"keep": 2.0}, {"out": "a.png"}, {"out": "."}):
        with pytest.raises(BadInput, match=r"--k|--out"):
            check(folder / "lm", folder / "text.txt", **settings)


def test_a_patched_models_settings_say_what_is_kept(folder):
    patch_model(folder / "lm", folder / "text.txt", attn_k=3, out=folder / "three")
    assert json.loads((folder / "three" / "topk.json").read_text()) == {"attn_k": 3}
