import collections

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from hotpapers.errors import BadInput
from hotpapers.run import checkpoint

SCALARS = some.none() | some.booleans() | some.integers() | some.text() | some.floats(allow_nan=False)
STATES = some.recursive(
    SCALARS,
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.text() | some.integers(), inner, max_size=3)
        | some.tuples(inner, inner)
    ),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoint") / "state.safetensors"


@settings(max_examples=40, deadline=None)
@given(state=STATES)
def test_what_comes_back_is_what_went_in(path, state):
    checkpoint.write(path, state)
    assert checkpoint.read(path) == state


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 4),
        torch.randn(3, 4).T,
        torch.randn(10)[2:5],
        torch.tensor(2.5),
        torch.empty(0, 3),
        torch.tensor([True, False]),
        torch.randn(2).bfloat16(),
        torch.randn(2).half(),
        torch.arange(3, dtype=torch.uint8),
        torch.randn(2, dtype=torch.float64),
        torch.randn(2, dtype=torch.complex64),
        torch.nn.Parameter(torch.randn(2)),
        torch.randn(1).expand(4),
    ],
    ids=lambda tensor: f"{tensor.dtype}{list(tensor.shape)}",
)
def test_tensors_come_back_bit_for_bit(path, tensor):
    checkpoint.write(path, [tensor])
    (back,) = checkpoint.read(path)
    assert back.dtype == tensor.dtype
    assert torch.equal(back, tensor)
    assert not back.requires_grad


def test_arrays_generators_and_counters_come_back_as_their_kind(path):
    state = {
        "numpy": np.random.get_state(legacy=False),
        "generator": np.random.default_rng(0).bit_generator.state,  # has integers of 128 bits
        "counter": collections.Counter({10: 1, 20: 2}),
        "set": {1, 2},
        "queue": collections.deque([1, 2]),
        "scalar": np.float32(0.5),
        "$": "a key that the format uses itself",
    }
    checkpoint.write(path, state)
    back = checkpoint.read(path)
    assert np.array_equal(back["numpy"]["state"].pop("key"), state["numpy"]["state"].pop("key"))
    assert back == state
    assert isinstance(back["counter"], collections.Counter)
    assert isinstance(back["queue"], collections.deque)


def test_tied_and_overlapping_weights_come_back_equal(path):
    weight = torch.randn(4, 4)
    state = {"a": weight, "tied": weight, "flat": weight.reshape(-1), "row": weight[0]}
    checkpoint.write(path, state)
    back = checkpoint.read(path)
    assert all(torch.equal(back[name], state[name]) for name in state)


@pytest.mark.parametrize("thing", [object(), print, torch.ones(2).to_sparse(), b"bytes"])
def test_what_a_checkpoint_cannot_hold_is_named(path, thing):
    with pytest.raises(TypeError, match=r"state\.deep\.1 is a"):
        checkpoint.write(path, {"deep": [0, thing]})


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:5],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"\xff" * len(data),
        lambda data: b"PK\x03\x04" + data,
        lambda data: data.replace(b"crc32", b"other"),
    ],
)
def test_a_damaged_file_is_bad_input_in_one_line(path, damage):
    checkpoint.write(path, {"weight": torch.randn(50)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match=r"state\.safetensors is damaged") as caught:
        checkpoint.read(path)
    assert "\n" not in str(caught.value)


def test_the_summary_is_read_without_the_rest(path):
    checkpoint.write(path, {"weight": torch.randn(5)}, summary={"step": 3})
    assert checkpoint.read_summary(path) == {"step": 3}


def test_a_full_disk_is_bad_input_and_keeps_the_checkpoint_before(path, monkeypatch):
    checkpoint.write(path, 1)

    def fill(*_, **__):
        raise checkpoint.SafetensorError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", fill)
    with pytest.raises(BadInput, match=r"Cannot write .*state\.safetensors"):
        checkpoint.write(path, 2)
    assert checkpoint.read(path) == 1
