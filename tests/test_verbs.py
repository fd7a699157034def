import sys
from pathlib import Path
from typing import Literal

import pytest

from hotpapers import verbs
from hotpapers.errors import MissingExtra


def verb(
    model: verbs.Model,
    image: verbs.ImageFile,
    *,
    mask: verbs.ImageFile | None = None,
    out: Path | None = None,
    size: int = 250,
    preset: Literal["quick", "edit"] = "edit",
    seed: int = 0,
    device: verbs.Device = "auto",
) -> verbs.Outcome:
    """Do a job
    on a picture.

    Told at length.

    Parameters
    ----------
    model
        A model.
    image : path
        A picture, in
        sRGB.
    mask, out
        Two at once.
    size : int, default 250
        Pixels.

    Raises
    ------
    BadInput
        If it is bad.
    """
    return verbs.Outcome({"x": model})


def by_name(function):
    return {each.name: each for each in verbs.parameters(function)}


def test_a_parameter_has_its_kind_its_words_and_its_place():
    found = by_name(verb)
    assert list(found) == ["model", "image", "mask", "out", "size", "preset", "seed", "device"]
    assert found["model"] == verbs.Parameter("model", Path, "model", False, True, None, "A model.", True)
    assert found["image"].help == "A picture, in sRGB."
    assert (found["image"].kind, found["image"].required, found["image"].positional) == ("image", True, True)
    assert (found["mask"].kind, found["mask"].optional, found["mask"].required) == ("image", True, False)
    assert (found["out"].kind, found["out"].annotation, found["out"].optional) == (None, Path, True)
    assert found["mask"].help == found["out"].help == "Two at once."
    assert (found["size"].annotation, found["size"].default, found["size"].help) == (int, 250, "Pixels.")
    assert not found["size"].positional
    assert found["seed"].help == ""


def test_choices_are_the_values_of_a_literal():
    found = by_name(verb)
    assert found["preset"].choices == ("quick", "edit")
    assert found["device"].choices == ("auto", "cpu", "cuda", "mps")
    assert found["size"].choices == ()


def test_annotations_that_are_strings_are_read_the_same():
    namespace = {"verbs": verbs, "Path": Path}
    source = "def later(image: 'verbs.ImageFile', *, out: 'Path | None' = None): '''Do.'''"
    exec(source, namespace)  # as `from __future__ import annotations` leaves them
    found = by_name(namespace["later"])
    assert (found["image"].kind, found["image"].annotation) == ("image", Path)
    assert found["out"].optional


def test_a_function_without_a_docstring_has_parameters_without_words():
    assert [(each.name, each.help) for each in verbs.parameters(lambda image, size=3: None)] == [
        ("image", ""),
        ("size", ""),
    ]


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "a_package_for_verbs"
    folder.mkdir()
    (folder / "__init__.py").touch()
    yield folder
    for name in [each for each in sys.modules if each.startswith("a_package_for_verbs")]:
        del sys.modules[name]


def test_a_verb_is_described_without_being_imported(package):
    (package / "room.py").write_text("raise SystemExit\ndef job():\n    '''Do a job\n    well.\n\n    More.'''\n")
    assert verbs.describe("a_package_for_verbs.room", "job") == "Do a job well."
    assert verbs.exists("a_package_for_verbs.room", "job")
    assert not verbs.exists("a_package_for_verbs.room", "other")
    assert not verbs.exists("a_package_for_verbs.cellar", "job")
    assert not verbs.exists("no_such_package.room", "job")
    assert verbs.describe("a_package_for_verbs.cellar", "job") == ""


def test_a_room_may_be_a_package(package):
    (package / "room").mkdir()
    (package / "room" / "__init__.py").write_text("def job():\n    '''Do.'''\n")
    assert verbs.describe("a_package_for_verbs.room", "job") == "Do."


def test_a_library_that_is_missing_is_told_with_the_extra_that_brings_it(package):
    (package / "room.py").write_text("import no_such_library\ndef job(): ...\n")
    with pytest.raises(MissingExtra) as caught:
        verbs.load("a_package_for_verbs.room", "job", ("torch", "vision"), what="paper job")
    assert str(caught.value) == (
        'paper job needs libraries that are not installed: pip install "hotpapers[torch,vision]"'
    )
    assert caught.value.exit_code == 2


def test_a_part_of_hotpapers_that_is_missing_is_a_defect_and_no_missing_library(package):
    (package / "room.py").write_text("import hotpapers.no_such_room\n")
    with pytest.raises(ModuleNotFoundError, match=r"hotpapers\.no_such_room"):
        verbs.load("a_package_for_verbs.room", "job")


def a_training(
    table: Path,
    name: str | None = None,
    *,
    out: Path | None = None,
    learning_rate: float = 0.1,
    steps: int | None = None,
    clip: bool = True,
    supervised: bool = False,
    resume: bool = False,
    fresh: bool = False,
) -> str:
    """Train."""
    return verbs.resume_command("toys train", a_training, dict(locals()) | {"out": out or Path("made up")})


def test_the_command_that_goes_on_has_what_was_given_and_nothing_more():
    given = a_training(Path("a b.csv"), learning_rate=0.5, clip=False, supervised=True, fresh=True)
    assert given == (
        "hotpapers toys train 'a b.csv' --out 'made up' --learning-rate 0.5 --no-clip --supervised --resume"
    )
    assert a_training(Path("t.csv"), "; rm -rf /", steps=3) == (
        "hotpapers toys train t.csv '; rm -rf /' --out 'made up' --steps 3 --resume"
    )


def test_an_interrupted_run_of_every_paper_names_a_command_that_can_be_typed():
    """Every training asks the one function for it: none writes a command of its own, with dots where settings go."""
    for source in Path(verbs.__file__).parent.glob("papers/*/*.py"):
        text = source.read_text(encoding="utf-8")
        assert '--resume"' not in text, source
        if "resume: bool" in text and "Run(" in text:
            assert "resume_command=again" in text, source
