import shutil
import struct
import zipfile

import pytest

from hotpapers.errors import BadInput
from hotpapers.media import files_in

KINDS = (".txt", ".md")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "notes"
    (place / "b").mkdir(parents=True)
    for name in ("b/2.TXT", "a.md", "c.bin"):
        (place / name).write_text(name)
    return place


def read(source):
    with files_in(source, KINDS, "texts") as found:
        return {str(name): path.read_text() for name, path in found}


def test_an_archive_gives_what_its_folder_gives(folder, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    assert read(tmp_path / "packed.zip") == read(folder) == {"a.md": "a.md", "b/2.TXT": "b/2.TXT"}
    assert packed.endswith("packed.zip")


def test_names_in_an_archive_lead_nowhere_and_what_was_unpacked_goes_again(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.txt", "x")
        archive.writestr("/etc/evil.txt", "x")
        archive.writestr("__MACOSX/._a.txt", "x")
        archive.writestr("huge.bin", b"0" * 1000)
    with files_in(tmp_path / "evil.zip", KINDS, "texts") as found:
        paths = [path for _, path in found]
        assert [path.name for path in paths] == ["0000000.txt", "0000001.txt"]
        assert len(list(paths[0].parent.iterdir())) == 2
    assert not paths[0].parent.exists()


def test_what_is_no_folder_and_no_whole_archive_is_refused(folder, tmp_path):
    shutil.make_archive(str(tmp_path / "whole"), "zip", folder)
    content = (tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    first = content.index(b"a.md") + len(b"a.md")
    (tmp_path / "hole.zip").write_bytes(content[:first] + b"\xff" * 6 + content[first + 6 :])
    (tmp_path / "words.zip").write_text("words")
    for name, words in (
        ("cut", "no ZIP archive; name one with texts"),
        ("hole", "damaged or locked"),
        ("words", "no ZIP archive"),
        ("none", "there is no such file"),
    ):
        with pytest.raises(BadInput, match=words):
            read(tmp_path / f"{name}.zip")


def test_an_archive_that_says_it_grows_beyond_measure_is_not_unpacked(tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr("a.txt", "x")
        archive.writestr("b.txt", "x")
        archive.writestr("c.txt", "x")
    content = bytearray(bomb.read_bytes())
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:  # the sizes in the list at its end
        struct.pack_into("<II", content, at + 20, 0xFFFFFFF0, 0xFFFFFFF0)
        at += 4
    bomb.write_bytes(bytes(content))
    with pytest.raises(BadInput, match="unpacks to more"):
        read(bomb)
