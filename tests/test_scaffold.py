import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.scaffold import ask_arxiv_for_title, new, slug_from, write_paper

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path):
    """A checkout small enough to copy: the source, the settings, no paper's tests but the new one's."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    return tmp_path


def test_what_it_makes_passes_lint_types_and_its_own_tests(checkout):
    write_paper(checkout, arxiv="2106.99999", slug="straight_line", title='A "hostile" \\title {{ 7 * 7 }} $O(d)$')
    python = Path(sys.executable)

    def succeeds(*command: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    made = ["src/hotpapers/papers/straight_line", "tests/papers/straight_line"]
    succeeds(str(python.with_name("ruff")), "check", *made)
    succeeds(str(python.with_name("ruff")), "format", "--check", *made)
    succeeds(str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", made[1])


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("SinIR: Efficient General Image Manipulation", "sinir"),
        ("Training Graph Neural Networks with 1000 Layers", "training_graph_neural_networks"),
        ("S$^2$-MLP: Spatial-Shift MLP", "s_2_mlp"),
        ("3D keypoints", "paper_3d_keypoints"),
    ],
)
def test_a_slug_is_made_from_the_words_before_the_colon(title, slug):
    assert slug_from(title) == slug


@pytest.mark.parametrize("slug", ["../up", "Sinir", "a b", "", "1st", "x" * 41, "sinir"])
def test_a_slug_that_cannot_be_a_new_folder_is_refused(checkout, slug):
    with pytest.raises(BadInput):
        new("2106.07140", slug=slug or "-", title="Whatever", root=checkout)
    assert {each.name for each in (checkout / "src/hotpapers/papers").iterdir()} == {
        each.name for each in (ROOT / "src/hotpapers/papers").iterdir() if each.name != "__pycache__"
    }


@pytest.fixture
def arxiv():
    """A local server that answers as arXiv's API does, with whatever the test puts into ``answers``."""
    answers: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = answers.pop(0)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/query", answers
        server.shutdown()


def feed(title: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>{title}</title></entry></feed>'.encode()


def test_the_title_is_asked_of_arxiv(arxiv):
    address, answers = arxiv
    answers.append(feed("SinIR: Efficient &amp; General"))
    assert ask_arxiv_for_title("2106.07140", address) == "SinIR: Efficient & General"


@pytest.mark.parametrize(
    "body", [b"", b"<feed", b"not xml", feed("Error"), b'<feed xmlns="http://www.w3.org/2005/Atom"/>']
)
def test_an_answer_without_a_title_says_to_give_one(arxiv, body):
    address, answers = arxiv
    answers.append(body)
    with pytest.raises(HotpapersError, match="--title"):
        ask_arxiv_for_title("2106.07140", address)
