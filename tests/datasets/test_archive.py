"""Out of an archive come the files asked for, and nothing else."""

import io
import tarfile
import zipfile

import pytest

from hotpapers.datasets.archive import BadArchive, extract


def tar(path, members):
    with tarfile.open(path, "w:gz") as opened:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            if body is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                opened.addfile(info)
            else:
                info.size = len(body)
                opened.addfile(info, io.BytesIO(body))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, body in members.items():
            info = zipfile.ZipInfo(name)
            if body is None:
                info.external_attr = 0o120777 << 16
            opened.writestr(info, body or b"/etc/passwd", compress_type=zipfile.ZIP_DEFLATED)
    return path


both = pytest.mark.parametrize("pack", [tar, zipped])


@both
def test_only_the_named_files_come_out(tmp_path, pack):
    hostile = {"../escaped": b"1", "/tmp/absolute": b"2", "in/a.bin": b"A", "in/b.bin": b"B", "in/other": b"3"}
    archive = pack(tmp_path / "data.archive", hostile)
    extract(archive, ("in/b.bin", "in/a.bin"), tmp_path / "room" / "out")
    out = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file()}
    assert out == {"data.archive", "room/out/in/a.bin", "room/out/in/b.bin"}
    assert (tmp_path / "room/out/in/a.bin").read_bytes() == b"A"


@both
def test_a_link_in_the_place_of_a_file_is_refused(tmp_path, pack):
    with pytest.raises(BadArchive, match="a link or a device"):
        extract(pack(tmp_path / "data.archive", {"a": None}), ("a",), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@both
def test_an_archive_that_grows_beyond_measure_is_left_alone(tmp_path, pack):
    archive = pack(tmp_path / "data.archive", {"a": bytes(600_000), "b": bytes(600_000)})
    with pytest.raises(BadArchive, match="more than it may"):
        extract(archive, ("a", "b"), tmp_path / "out", largest=1_000_000)
    assert not (tmp_path / "out" / "b").exists()


@both
def test_a_missing_member_is_named(tmp_path, pack):
    with pytest.raises(BadArchive, match=r"does not hold b\."):
        extract(pack(tmp_path / "data.archive", {"a": b"1"}), ("a", "b"), tmp_path / "out")


@both
def test_a_damaged_archive_is_refused(tmp_path, pack):
    archive = pack(tmp_path / "data.archive", {"a": bytes(range(256)) * 999})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(BadArchive, match="damaged"):
        extract(archive, ("a",), tmp_path / "out")
    assert not (tmp_path / "out" / "a").exists()
