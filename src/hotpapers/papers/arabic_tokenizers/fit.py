"""Training the classifier on one task with one tokenizer, which sees the training texts alone."""

import dataclasses
import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hotpapers.papers.arabic_tokenizers.learn import learn
from hotpapers.papers.arabic_tokenizers.model import BiGRU
from hotpapers.papers.arabic_tokenizers.tasks import Split
from hotpapers.papers.arabic_tokenizers.tokenizer import PAD, Algo


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a classifier is trained; these are the authors' own.

    Attributes
    ----------
    vocab
        Size of the vocabulary at most.
    width, layers
        Of the net.
    epochs, batch, learning_rate
        Of AdamW.
    length
        Pieces of a text that are read.
    validation
        Share of the training texts by which the best epoch is chosen.
    """

    vocab: int = 10_000
    width: int = 128
    layers: int = 3
    epochs: int = 20
    batch: int = 128
    learning_rate: float = 1e-3
    length: int = 128
    validation: float = 0.1


@dataclasses.dataclass(frozen=True)
class Score:
    """What a classifier makes of the test texts.

    Attributes
    ----------
    accuracy, macro_f1
        Share of right answers, and the mean over classes of F1.
    right
        Whether each test text is right.
    unknown
        Share of unknowns among the pieces of the test texts.
    pieces
        Pieces a word of the test texts.
    """

    accuracy: float
    macro_f1: float
    right: np.ndarray
    unknown: float
    pieces: float


def fit_and_score(split: Split, algo: Algo, settings: Settings, seed: int) -> Score:
    """Train tokenizer and classifier, choose the epoch by validation, and test once."""
    tokenizer = learn("\n".join(split.train), algo, vocab=settings.vocab, seed=seed)
    ids, lengths = tokenizer.encode_batch(split.train, length=settings.length, pad=False)
    labels = torch.tensor(split.train_labels)
    order = list(range(len(split.train)))
    random.Random(seed).shuffle(order)
    held = max(1, round(settings.validation * len(order)))
    data, sizes = torch.from_numpy(ids).long(), torch.from_numpy(lengths)
    shape = (len(tokenizer.pieces), split.classes)
    net = train_net(data, sizes, labels, order[held:], order[:held], shape, settings, seed)
    test, test_lengths = tokenizer.encode_batch(split.test, length=settings.length, pad=False)
    found = predict(net, torch.from_numpy(test).long(), torch.from_numpy(test_lengths))
    truth = np.array(split.test_labels)
    right = found.numpy() == truth
    flat = tokenizer.encode_array("\n".join(split.test))
    words = sum(len(text.split()) for text in split.test)
    return Score(
        float(right.mean()), macro_f1(truth, found.numpy(), split.classes), right,
        float((flat == 0).mean()), len(flat) / max(words, 1),
    )  # fmt: skip


def train_net(
    ids: Tensor, lengths: Tensor, labels: Tensor, learn_from: list[int], validate: list[int], shape: tuple[int, int],
    settings: Settings, seed: int,
) -> BiGRU:  # fmt: skip
    """Train a net of ``shape`` (vocabulary, classes) on some texts; return it as in its best epoch on the others."""
    torch.manual_seed(seed)
    net = BiGRU(*shape, settings.width, settings.layers)
    optimiser = torch.optim.AdamW(net.parameters(), settings.learning_rate)
    chance = random.Random(seed)
    best, kept = -1.0, {}
    for _ in range(settings.epochs):
        net.train()
        for batch in batches(learn_from, lengths, settings.batch, chance):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(_padded(ids, lengths, batch)), labels[batch])
            loss.backward()
            optimiser.step()
        found = predict(net, ids[validate], lengths[validate])
        accuracy = float((found == labels[validate]).float().mean())
        if accuracy >= best:
            best, kept = accuracy, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(kept)
    return net.eval()


def batches(which: Sequence[int], lengths: Tensor, size: int, chance: random.Random) -> list[list[int]]:
    """Return the texts in batches of like lengths, so that little is padding; which go together changes every time."""
    shuffled = list(which)
    chance.shuffle(shuffled)
    stretch = 16 * size
    made = []
    for start in range(0, len(shuffled), stretch):
        part = sorted(shuffled[start : start + stretch], key=lambda index: int(lengths[index]))
        made += [part[at : at + size] for at in range(0, len(part), size)]
    chance.shuffle(made)
    return made


@torch.no_grad()
def predict(net: BiGRU, ids: Tensor, lengths: Tensor, size: int = 512) -> Tensor:
    """Return the class of each text."""
    net.eval()
    order = torch.argsort(lengths)
    found = torch.zeros(len(ids), dtype=torch.long)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        found[batch] = net(_padded(ids, lengths, batch)).argmax(1)
    return found


def macro_f1(truth: np.ndarray, found: np.ndarray, classes: int) -> float:
    """Return the mean of the classes' F1."""
    scores = []
    for each in range(classes):
        hit = float(((truth == each) & (found == each)).sum())
        total = float((truth == each).sum() + (found == each).sum())
        scores.append(2 * hit / total if total else 0.0)
    return float(np.mean(scores))


def _padded(ids: Tensor, lengths: Tensor, batch: list[int] | Tensor) -> Tensor:
    width = max(1, int(lengths[batch].max()))
    part = ids[batch][:, :width]
    return part if part.shape[1] else torch.full((len(part), 1), PAD)
