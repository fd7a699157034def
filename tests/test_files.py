import os
import subprocess
import sys

import pytest

from hotpapers import files
from hotpapers.errors import BadInput


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "result.txt"
    with files.written_whole(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.suffix == ".txt"  # writers choose the format by it
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert names(target.parent) == ["result.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file_and_no_trace(tmp_path, error):
    target = tmp_path / "result.txt"
    target.write_text("old")

    def write_and_fail():
        with files.written_whole(target) as temporary:
            temporary.write_text("new")
            raise error

    with pytest.raises(error):
        write_and_fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["result.txt"]


def test_an_existing_file_is_replaced(tmp_path):
    target = tmp_path / "result.txt"
    target.write_text("old")
    with files.written_whole(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert names(tmp_path) == ["result.txt"]


def test_an_existing_directory_is_replaced_whole(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with files.written_whole(target) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert names(target) == ["new"]
    assert names(tmp_path) == ["model"]


def test_a_directory_in_the_place_of_a_file_is_bad_input_and_stays(tmp_path):
    target = tmp_path / "result.txt"
    target.mkdir()
    with pytest.raises(BadInput, match=r"result\.txt.*--out"), files.written_whole(target) as temporary:
        temporary.write_text("new")
    assert target.is_dir()
    assert names(tmp_path) == ["result.txt"]


def test_a_file_in_the_place_of_a_directory_is_bad_input_and_stays(tmp_path):
    target = tmp_path / "model"
    target.write_text("old")
    with pytest.raises(BadInput, match="model"), files.written_whole(target) as temporary:
        temporary.mkdir()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["model"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_or_a_device_is_never_replaced_by_a_file(tmp_path):
    target = tmp_path / "result.txt"
    os.mkfifo(target)
    with pytest.raises(BadInput, match=r"result\.txt: it is a pipe or a device.*--out"), files.written_whole(target):
        pytest.fail("nothing may be written")
    assert target.is_fifo()
    assert names(tmp_path) == ["result.txt"]


def test_a_name_that_no_file_can_have_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="null"), files.written_whole(tmp_path / "a\0b"):
        pytest.fail("nothing may be written")
    assert not names(tmp_path)


def test_a_folder_may_be_replaced_when_it_is_not_there_or_all_in_it_is_ours(tmp_path):
    folder = tmp_path / "made"
    assert files.replaceable(folder, r"\d+\.wav") == folder
    folder.mkdir()
    (folder / "001.wav").touch()
    assert files.replaceable(folder, r"\d+\.wav") == folder
    (folder / "001.wav.txt").touch()
    with pytest.raises(BadInput, match=r"such as '001\.wav\.txt'.*--out"):
        files.replaceable(folder, r"\d+\.wav")
    with pytest.raises(BadInput, match=r"001\.wav: not a directory.*--out"):
        files.replaceable(folder / "001.wav", r"\d+\.wav")


def test_a_folder_that_cannot_be_made_is_bad_input_that_names_the_mend(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadInput, match=r"Cannot write .*result\.txt: .*--out"),
        files.written_whole(tmp_path / "file" / "result.txt"),
    ):
        pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_is_read_only_is_bad_input(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(BadInput, match="permission denied"), files.written_whole(tmp_path / "result.txt"):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_refuses_is_bad_input_whoever_the_user_is(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkdtemp", refuse)
    with pytest.raises(BadInput, match="permission denied"), files.written_whole(tmp_path / "result.txt"):
        pass


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    target = tmp_path / "result.txt"
    target.write_text("old")
    script = (
        "import os, signal, sys; from pathlib import Path; from hotpapers.files import written_whole\n"
        "with written_whole(Path(sys.argv[1])) as path:\n"
        "    path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    assert target.read_text() == "old"


@pytest.mark.parametrize("name", ["photo", "a b", "scale-0", "x.y_z", "0", "A" * 80])
def test_a_safe_name_comes_back_as_it_is(name):
    assert files.safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "a/b", "a\\b", "/etc", "a\n", "a\0b", "é", "trailing.", "trailing ", "A" * 81, "-x"],
)
def test_a_name_that_could_be_a_path_or_an_option_is_refused(name):
    with pytest.raises(BadInput, match="cannot be a name"):
        files.safe_name(name)


def test_home_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOTPAPERS_HOME", str(tmp_path / "here"))
    assert files.home() == tmp_path / "here"
    assert not files.home().exists()
    monkeypatch.delenv("HOTPAPERS_HOME")
    assert files.home().name == "hotpapers"
