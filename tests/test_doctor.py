import importlib.metadata
import json
import re

from hotpapers import cards
from hotpapers.cli import main


def test_the_doctor_finds_nothing_missing_for_the_papers_that_the_tests_run(capsys):
    assert main(["--json", "doctor"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert set(facts["papers"]) == set(cards.all_cards())
    assert facts["extras"]["torch"] == {"installed": True, "missing": []}
    assert facts["devices"][0].startswith("cpu")


def test_the_doctor_names_what_is_missing_and_the_command_that_mends_it(capsys, monkeypatch):
    version = importlib.metadata.version

    def without_safetensors(package):
        if package == "safetensors":
            raise importlib.metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(importlib.metadata, "version", without_safetensors)
    assert main(["--json", "doctor"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["extras"]["torch"]["missing"] == ["safetensors"]
    assert facts["papers"]["sinir"] == {"runs": False, "missing": ["safetensors"]}
    assert re.search(r'pip install "hotpapers\[([a-z]+,)*torch', facts["mends"][0])


def test_a_home_that_cannot_be_written_to_is_said(capsys, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("HOTPAPERS_HOME", str(blocked / "home"))
    monkeypatch.setattr("os.access", lambda *_: False)
    main(["--json", "doctor"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["home"]["writable"] is False
    assert any("HOTPAPERS_HOME" in mend for mend in facts["mends"])
