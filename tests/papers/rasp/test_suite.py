"""The authors' own tests: what their console prints for their inputs, byte for byte. They are run where they are."""

from pathlib import Path

import pytest

from hotpapers.papers.rasp.repl import Console, read_from
from hotpapers.papers.rasp.session import LIBRARY

INPUTS = (
    "exit", "exit_fun", "forloop", "indexing", "load_eval", "load_multi_assigns1", "load_multi_assigns2",
    "load_multi_assigns3", "load_nesteds", "load_rover", "paper_examples", "quit", "quit_fun", "set_reserved",
    "simple_assignments", "simple_sequences_no_errors", "skip_bad_assign", "smol", "some_errors", "stay_constant",
    "whitespace_okay",
)  # fmt: skip


def conversation(given: Path, folder: Path, library: Path = LIBRARY) -> str:
    written: list[str] = []
    with given.open(encoding="utf-8") as lines:
        Console(written.append, folder, library=library).run(read_from(lines, written.append))
    return "".join(written)


@pytest.mark.parametrize("name", INPUTS)
def test_the_console_prints_what_the_authors_console_prints(name: str, suite: Path) -> None:
    expected = (suite / "tests" / "tgt" / f"{name}.txt").read_text(encoding="utf-8")
    # Their targets are kept with one more newline than was printed.
    assert conversation(suite / "tests" / "in" / f"{name}.txt", suite) + "\n" == expected


@pytest.mark.parametrize("name", ["other_errors", "unknown_var"])
def test_a_broken_library_is_reported_as_the_authors_report_it(name: str, suite: Path) -> None:
    folder = suite / "tests" / "broken_libs"
    expected = (folder / "tgt" / f"{name}.txt").read_text(encoding="utf-8")
    assert conversation(folder / "empty.txt", suite, folder / "lib" / f"{name}.rasp") == expected
