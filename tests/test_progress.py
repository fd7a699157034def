import contextlib
import io
import json

import pytest

from hotpapers import progress


@pytest.fixture
def style(monkeypatch):
    def choose(name):
        monkeypatch.setattr(progress, "_style", name)

    return choose


@pytest.fixture
def terminal(monkeypatch, style):
    """A terminal 100 columns wide whose output can be read back."""
    from rich import console

    written = io.StringIO()
    real = console.Console
    monkeypatch.setattr(
        console, "Console", lambda **_: real(file=written, force_terminal=True, width=100, legacy_windows=False)
    )
    style("rich")
    return written


def test_quiet_writes_nothing(style, capsys):
    style("quiet")
    assert list(progress.track("abc", "letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_plain_progress_goes_to_standard_error_and_ends_with_the_last_state(style, capsys):
    style("plain")
    with progress.bar("train", 10) as bar:
        bar.update(3, "loss 0.5")
        bar.update(10, "loss 0.1")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["train: 10/10 after 0 s  loss 0.1"]


def test_a_program_reads_progress_as_json_lines(style, tmp_path):
    style(f"json:{tmp_path / 'progress'}")
    with progress.bar("outer", 2) as outer, progress.bar("inner") as inner:
        inner.update(7, "ä")
        outer.update(1)
    rows = [json.loads(line) for line in (tmp_path / "progress").read_text().splitlines()]
    assert [(row["title"], row["done"], row["total"], row["note"]) for row in rows] == [
        ("inner", 7, None, "ä"),
        ("outer", 1, 2, ""),
    ]


def test_the_environment_chooses_where_nobody_else_did(style, monkeypatch, tmp_path):
    style(None)
    monkeypatch.setenv("HOTPAPERS_PROGRESS", f"json:{tmp_path / 'progress'}")
    assert list(progress.track(iter("ab"), "letters")) == ["a", "b"]
    assert json.loads((tmp_path / "progress").read_text())["done"] == 2


def test_a_bar_inside_a_bar_shares_the_terminal_and_goes_when_it_is_done(terminal):
    with progress.bar("seeds", 2) as outer:
        for seed in range(2):
            with progress.bar(f"training {seed}", 5) as inner:
                inner.update(5, "loss 0.1")
                assert [task.description for task in progress._drawn.tasks] == ["seeds", f"training {seed}"]
            outer.update(seed + 1)
            assert [task.description for task in progress._drawn.tasks] == ["seeds"]
    assert progress._drawn is None
    assert "seeds" in terminal.getvalue()
    assert "2/2" in terminal.getvalue().splitlines()[-2]


def test_an_error_inside_nested_bars_leaves_the_terminal_free_for_the_next_bar(terminal):
    with contextlib.suppress(ValueError), progress.bar("outer"), progress.bar("inner"):
        raise ValueError
    assert progress._drawn is None
    with progress.bar("next", 1) as bar:
        bar.update(1)
    assert "next" in terminal.getvalue()


def test_titles_are_shown_as_they_are_and_never_read_as_markup(terminal):
    with progress.bar("[red]photo[/red].png", 1) as bar:
        bar.update(1, "[bold]note")
    assert "[red]photo[/red].png" in terminal.getvalue()
    assert "[bold]note" in terminal.getvalue()
