import http.server
import io
import json
import subprocess
import tarfile
import threading
import time
import zipfile
from itertools import pairwise
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.papers.gittables import collect as module
from hotpapers.papers.gittables.collect import blob_hash, collect, plain, read, read_topics
from hotpapers.papers.gittables.github import GitHub, Journal, published_cuts
from hotpapers.papers.gittables.licences import licence_of

TREE = {
    "LICENSE": b"MIT License\n\nPermission is hereby granted, free of charge, to any person",
    "a/one.csv": b"x,y\n1,2\n",
    "a/two.tsv": b"x\ty\n3,4\n",
    "b/copy.csv": b"x,y\n1,2\n",
    "b/LICENSE.txt": b"Creative Commons\nCC0 1.0 Universal",
    "b/three.csv": b"z\n9\n",
    "c/empty.csv": b"  \n",
    "c/note.txt": b"not a table",
    "c/deep/one.csv": b"q,r\n5,6\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, content in TREE.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(content)
    return tmp_path / "tree"


def packed(tree, kind):
    if kind == "folder":
        return tree
    if kind == "git":
        for words in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", "-C", str(tree), *words], check=True)
        return tree
    path = tree.with_suffix(".zip" if kind == "zip" else ".tar.gz")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in TREE.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in TREE.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["folder", "git", "zip", "tar"])
def test_files_are_collected_once_with_the_licence_nearest_above_them(tree, tmp_path, kind):
    done = collect(packed(tree, kind), out=tmp_path / "out")
    listed = {each.file: each for each in read(tmp_path / "out")}
    assert set(listed) == {"files/a/one.csv", "files/a/two.tsv", "files/b/three.csv", "files/deep/one.csv"}
    assert {each.licence for file, each in listed.items() if "/b/" not in file} == {"MIT"}
    assert listed["files/b/three.csv"].licence == "CC0-1.0"
    assert listed["files/a/one.csv"].sha == blob_hash(TREE["a/one.csv"])
    assert (tmp_path / "out" / "files/a/one.csv").read_bytes() == TREE["a/one.csv"]
    assert done.numbers["skipped, same content"] == 1
    assert done.numbers["skipped, empty"] == 1


def test_names_of_archives_lead_nowhere_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../evil/../up.csv", "a,b\n1,2\n")
        archive.writestr("/etc/passwd.csv", "a,b\n3,4\n")
    collect(tmp_path / "x.zip", out=tmp_path / "in" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"x.zip", "in"}
    assert all(each.file.startswith("files/") and ".." not in each.file for each in read(tmp_path / "in" / "out"))


def test_the_hash_is_gits_own():
    assert blob_hash(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize(
    ("name", "safe"), [("a b/c", "a-b-c"), ("../x", "x"), ("naïve", "na-ve"), ("", ""), ("x" * 200, "x" * 80)]
)
def test_a_name_is_made_plain(name, safe):
    assert plain(name) == safe


@pytest.mark.parametrize(
    ("text", "spdx"), [("Apache License\nVersion 2.0", "Apache-2.0"), ("All rights reserved.", ""), ("", "")]
)
def test_a_licence_is_known_by_its_words(text, spdx):
    assert licence_of(text) == spdx


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"text"])
def test_a_source_that_is_none_is_one_line_and_leaves_nothing(content, tmp_path):
    (tmp_path / "x.zip").write_bytes(content)
    for source in (tmp_path / "x.zip", tmp_path / "absent"):
        with pytest.raises(BadInput) as caught:
            collect(source, out=tmp_path / "out")
        assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_topics_come_parted_by_commas_or_one_a_line(tmp_path):
    (tmp_path / "topics.txt").write_text("id\n\nobject\nid\n")
    assert read_topics("id, big  thing") == ["id", "big thing"]
    assert read_topics("", tmp_path / "topics.txt") == ["id", "object"]
    with pytest.raises(BadInput):
        read_topics('a" OR b')


def test_the_published_cuts_count_their_bounds_twice_and_may_stop_short():
    cuts = published_cuts(100_000)
    assert cuts[0] == (256, 355)
    assert all(
        a[1] == b[0] for a, b in pairwise(cuts) if a[1] not in (2750, 4756, 23459) and b[0] not in (2750, 4756, 23459)
    )
    assert max(high for _, high in cuts) <= 53531


class Fake(http.server.BaseHTTPRequestHandler):
    """GitHub as far as it is asked: files of known sizes, a thousand a query, a limit that is hit now and then."""

    files: ClassVar[dict] = {}
    asked: ClassVar[list] = []
    refuse_every = 0
    refusal: ClassVar[tuple] = (403, [("Retry-After", "7")])
    down_after = 10**9  # requests

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        Fake.asked.append((self.path, self.headers.get("Authorization")))
        url = urlsplit(self.path)
        here = f"http://{self.headers['Host']}"
        if Fake.refuse_every and len(Fake.asked) % Fake.refuse_every == 0:
            return self.answer(Fake.refusal[0], {}, Fake.refusal[1])
        if len(Fake.asked) > Fake.down_after:
            return self.answer(503, {})
        if url.path == "/search/code":
            query = parse_qs(url.query)
            words = query["q"][0]
            low, high = map(int, words.partition("size:")[2].split("..")) if "size:" in words else (0, 10**9)
            hits = [name for name, (size, _) in Fake.files.items() if low <= size <= high]
            page = int(query.get("page", ["1"])[0])
            shown = hits[:1000][(page - 1) * 100 : page * 100]
            items = [{"html_url": f"{here}/{name}", "path": name, "sha": blob_hash(Fake.files[name][1]),
                      "repository": {"full_name": "/".join(name.split("/")[:2])}} for name in shown]  # fmt: skip
            links = []
            if page * 100 < min(1000, len(hits)):
                links = [
                    ("Link", f'<{here}/search/code?{url.query.partition("&page=")[0]}&page={page + 1}>; rel="next"')
                ]
            return self.answer(200, {"total_count": len(hits), "items": items}, links)
        if url.path.startswith("/repos/"):
            repository = url.path.removeprefix("/repos/").removesuffix("/license")
            if repository.endswith("none"):
                return self.answer(404, {})
            return self.answer(
                200, {"license": {"spdx_id": "NOASSERTION" if repository.endswith("odd") else "MIT", "name": "x"}}
            )
        name = url.path.lstrip("/")
        return self.answer(200, Fake.files[name][1]) if name in Fake.files else self.answer(404, {})


@pytest.fixture
def github(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    Fake.files, Fake.asked, Fake.refuse_every, Fake.down_after = {}, [], 0, 10**9
    Fake.refusal = (403, [("Retry-After", "7")])
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def some(count, repositories=("me/good",)):
    return {
        f"{repositories[at % len(repositories)]}/t{at}.csv": (300 + at, b"id,n\n%d,%d\n" % (at, at))
        for at in range(count)
    }


def test_more_files_than_a_query_lists_are_all_found_by_splitting_at_sizes(github):
    Fake.files = some(2600)
    client = GitHub()
    queries = list(client.search("id"))
    found = [hit.url for _, hits in queries for hit in hits]
    assert len(found) == len(set(found)) == 2600
    assert all(len(hits) <= 1000 for _, hits in queries)


def test_a_limit_is_waited_for_as_told_and_the_token_goes_to_its_host_alone(github):
    Fake.files, Fake.refuse_every = some(350), 3
    waits = []
    hits = [hit for _, part in GitHub(wait=waits.append).search("id") for hit in part]
    assert len(hits) == 350
    assert set(waits) == {7.0}
    assert {token for _, token in Fake.asked} == {"Bearer secret"}


@pytest.mark.parametrize(
    ("status", "headers", "least", "most"),
    [
        (429, [("Retry-After", "3")], 3, 3),
        (403, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "in 600 s")], 580, 602),
        (429, [("X-RateLimit-Remaining", "5")], 60, 60),
        (429, [("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")], 1, 1),
        (403, [("Retry-After", "1e9")], 3700, 3700),
        (503, [], 1, 1),
    ],
)
def test_a_refusal_is_waited_out_for_as_long_as_it_says(github, status, headers, least, most):
    soon = str(int(time.time()) + 600)
    told = [(name, soon if value == "in 600 s" else value) for name, value in headers]
    Fake.files, Fake.refuse_every, Fake.refusal = some(150), 2, (status, told)
    waits = []
    assert sum(len(hits) for _, hits in GitHub(wait=waits.append).search("id")) == 150
    assert len(waits) == 1
    assert least <= waits[0] <= most


@pytest.mark.parametrize(("status", "word"), [(401, "GITHUB_TOKEN"), (422, "another topic")])
def test_a_refusal_that_waiting_does_not_mend_is_said_at_once(github, status, word):
    Fake.files, Fake.refuse_every, Fake.refusal = some(5), 1, (status, [])
    waits = []
    with pytest.raises(BadInput, match=word):
        list(GitHub(wait=waits.append).search("id"))
    assert not waits


def test_a_crawl_that_the_server_broke_keeps_what_it_had_and_asks_for_the_rest_alone(github, tmp_path):
    Fake.files = some(2600)
    Fake.down_after = 7
    with pytest.raises(HotpapersError, match="kept"):
        collect(topics="id", out=tmp_path / "out", limit=3)
    known = Journal(tmp_path / "out" / "search.jsonl").queries
    assert known
    before, Fake.down_after = len(Fake.asked), 10**9
    assert collect(topics="id", out=tmp_path / "out", limit=3).numbers["files"] == 3
    again = {parse_qs(urlsplit(path).query).get("q", [""])[0] for path, _ in Fake.asked[before:]}
    assert not known & again


def test_files_without_a_licence_are_left_and_each_repository_is_asked_once(github, tmp_path):
    Fake.files = some(30, ("me/good", "me/none", "me/odd"))
    done = collect(topics="id", out=tmp_path / "out")
    assert done.numbers["files"] == 10
    assert done.numbers["skipped, no licence"] == 20
    assert sum(path.endswith("/license") for path, _ in Fake.asked) == 3
    assert {each.licence for each in read(tmp_path / "out")} == {"MIT"}


def test_a_crawl_that_stopped_goes_on_where_it_was(github, tmp_path):
    Fake.files = some(20)
    collect(topics="id", out=tmp_path / "out", limit=8)
    assert len(read(tmp_path / "out")) == 8
    before = len(Fake.asked)
    collect(topics="id", out=tmp_path / "out")
    assert len(read(tmp_path / "out")) == 20
    downloads = [path for path, _ in Fake.asked[before:] if path.endswith("?raw=true")]
    assert len(downloads) == 12
    assert not any(path.startswith("/search") for path, _ in Fake.asked[before:])


def test_a_journals_last_line_may_be_cut(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.add("q1", [])
    (tmp_path / "j").write_text((tmp_path / "j").read_text() + '\n{"query": "q2", "hi')
    again = Journal(tmp_path / "j")
    again.add("q3", [])
    assert Journal(tmp_path / "j").queries == {"q1", "q3"}


def test_a_server_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "x")
    with pytest.raises(HotpapersError, match="what was collected is kept"):
        list(GitHub(api="http://127.0.0.1:9", wait=lambda _: None).search("id"))


def test_without_a_token_github_is_not_asked(monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    with pytest.raises(BadInput, match="GITHUB_TOKEN"):
        module.collect(topics="id")


def test_files_of_one_name_in_one_topic_get_numbers(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for at in range(4):
            archive.writestr(f"{at}/data/Same.csv", f"a,b\n{at},2\n")
        archive.writestr("9/data/same_1.csv", "a,b\n9,9\n")
    collect(tmp_path / "x.zip", out=tmp_path / "out")
    names = [each.file for each in read(tmp_path / "out")]
    assert len({name.lower() for name in names}) == 5
    assert "files/data/Same.csv" in names
    assert "files/data/Same_1.csv" in names
