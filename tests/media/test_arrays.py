import numpy as np
import pytest

from hotpapers.errors import BadInput
from hotpapers.media import read_array


def test_an_array_is_given_as_it_is(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "a.npy", values)
    found = read_array(tmp_path / "a.npy", "latent", "a latent")
    assert (found.dtype, found.tolist()) == (values.dtype, values.tolist())


@pytest.mark.parametrize("header", ["{{{", "{'descr': '<f4', 'fortran_order': False, 'shape': (10**14,), }", ""])
def test_what_is_no_array_is_refused_and_takes_no_memory(tmp_path, header):
    body = header.encode().ljust(117) + b"\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body)
    with pytest.raises(BadInput, match=r"x\.npy is no array of NumPy's; give a latent\.$"):
        read_array(tmp_path / "x.npy", "latent", "a latent")


def test_archives_words_pickles_and_nothing_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.ones(3))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "words.npy").write_text("words")
    for name in ("a.npz", "objects.npy", "words.npy"):
        with pytest.raises(BadInput, match="is no array of NumPy's"):
            read_array(tmp_path / name, "latent", "a latent")
    with pytest.raises(BadInput, match="there is no such file"):
        read_array(tmp_path / "none.npy", "latent", "a latent")
