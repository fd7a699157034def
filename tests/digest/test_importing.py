"""The archive goes into a store with nothing lost, once, and comes out to the byte; hostile input is told of."""

import datetime
import io
import json
import re
import tarfile
import zipfile
from collections import Counter

import pytest

from hotpapers import console
from hotpapers.cli import main
from hotpapers.digest import archive as archives
from hotpapers.digest.checks import check_posts
from hotpapers.digest.edition import edition_of
from hotpapers.digest.importing import import_posts
from hotpapers.digest.publish import FORMATS, find_format
from hotpapers.digest.rank import rank_day
from hotpapers.digest.store import open_store
from hotpapers.errors import BadInput

DAY = datetime.date(2021, 6, 15)
HEAD = """---
title: Hot Papers 2021-06-15
date: 2021-06-16T09:34:35.Z
template: "post"
draft: false
slug: "hot-papers-2021-06-15"
category: "arXiv"
tags:
  - "arXiv"
  - "Twitter"
  - "Machine Learning"
  - "Computer Science"
description: "Hot papers 2021-06-15"
socialImage: "/media/flying-marine.jpg"

---
"""
POST = (
    HEAD
    + """
# 1. A title

An Author

- retweets: 40, favorites: 60 (06/16/2021 09:34:35)

- links: [abs](https://arxiv.org/abs/2106.00001) | [pdf](https://arxiv.org/pdf/2106.00001)
- [cs.LG](https://arxiv.org/list/cs.LG/recent)

An abstract.



"""
)


@pytest.fixture(scope="session")
def imported(archive, tmp_path_factory):
    """Give the archive in a store, what the import told, and the texts themselves."""
    address = f"sqlite:///{tmp_path_factory.mktemp('imported')}/store.sqlite"
    with open_store(address) as store:
        report = import_posts(store, [archive])
        yield store, report, {path.name: path.read_bytes() for path in archive.glob("*.md")}


def test_nothing_of_the_archive_is_lost(imported):
    store, report, raw = imported
    texts = [each.decode() for each in raw.values()]
    assert report.digests == report.new_digests == len(texts) == 270
    assert report.entries == sum(len(re.findall(r"^# \d+\. ", text, re.MULTILINE)) for text in texts) == 3093
    assert report.posts == sum(text.count('<blockquote class="twitter-tweet"') for text in texts) == 3433
    assert report.papers == len({each for text in texts for each in re.findall(r"\[abs\]\((.*?)\)", text)}) == 3089
    assert (report.lost, report.problems, report.repaired) == (0, [], {})
    assert store.counts()["papers"] == report.entries


def test_every_archived_post_comes_back_to_the_byte(imported):
    store, _, raw = imported
    form = find_format("markdown")
    editions = [edition_of(store.post(first, last)) for _, first, last, _ in store.posts()]
    assert {form.file_name(each): form.publish(each) for each in editions} == raw


def test_the_second_import_changes_nothing(imported, archive):
    store, _, _ = imported
    before = store.counts()
    some = [*sorted(archive.glob("2021-06-*.md")), archive.parent / "seed.md"]
    again = import_posts(store, some)
    assert (again.new_digests, again.new_entries, again.new_observations) == (0, 0, 0)
    assert list(again.repaired.values()) == ["mac_roman"]
    assert again.problems == []
    assert store.counts() == before


def test_the_order_of_the_archive_follows_from_its_counts(imported):
    store, _, _ = imported
    checked = check_posts(store.post(first, last) for _, first, last, _ in store.posts())
    assert (checked.digests, checked.same_order, checked.ties) == (270, 269, 55)
    assert Counter(each.kind for each in checked.deviations) == {
        "order": 2,
        "again": 4,
        "post twice": 3,
        "no abstract": 2,
        "blank lines": 1,
        "empty": 1,
    }
    assert all(each.explained for each in checked.deviations)


def test_a_day_is_ranked_from_the_store_as_the_blog_ranked_it(imported):
    store, _, _ = imported
    published, ranked = edition_of(store.post(DAY)), rank_day(store, DAY, method="classic")
    assert [(each.rank, each.paper, each.score) for each in ranked.entries] == [
        (each.rank, each.paper, each.score) for each in published.entries
    ]
    assert [len(each.posts) for each in ranked.entries] == [len(each.posts) for each in published.entries]


def test_folding_gives_the_first_paper_of_the_seed_its_354_retweets(imported):
    store, _, _ = imported
    first = rank_day(store, DAY, method="folded").entries[0]
    assert (first.paper.arxiv, first.score) == ("2106.06561", 355)
    assert "35,384" in first.parts[0].note


@pytest.fixture
def opened(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        yield store


def test_a_damaged_post_is_named_by_file_and_line_and_the_rest_goes_in(opened, tmp_path):
    folder = tmp_path / "posts"
    (folder / "folder.md").mkdir(parents=True)
    (folder / "good.md").write_text(POST)
    (folder / "empty.md").write_text("")
    (folder / "latin.md").write_bytes(POST.replace("A title", "Übung").encode("latin_1"))
    (folder / "bad.md").write_text(POST.replace("2021-06-15", "2021-06-14").replace("retweets: 40", "retweets: x"))
    (folder / "about.md").write_text("---\ntitle: About\n---\n")
    (folder / "README.md").write_text("# Posts")
    report = import_posts(opened, [folder])
    line = POST.split("\n").index("- retweets: 40, favorites: 60 (06/16/2021 09:34:35)") + 1
    assert [(each.file.rpartition("/")[2], each.line) for each in report.problems] == [
        ("bad.md", line),
        ("empty.md", 1),
        ("latin.md", POST.split("\n").index("# 1. A title") + 1),
    ]
    assert (report.digests, report.entries, report.lost, report.other_pages) == (2, 1, 3, 1)


def test_a_whole_copy_brings_what_a_damaged_one_lacked(opened, tmp_path):
    (tmp_path / "a.md").write_text(POST.replace("retweets: 40", "retweets: x"))
    (tmp_path / "b.md").write_text(POST)
    assert import_posts(opened, [tmp_path / "a.md"]).new_entries == 0
    assert import_posts(opened, [tmp_path / "b.md"]).new_entries == 1
    assert find_format("markdown").publish(edition_of(opened.post(DAY))) == POST.encode()


def test_a_copy_with_other_words_does_not_replace_what_is_there(opened, tmp_path):
    (tmp_path / "a.md").write_text(POST)
    (tmp_path / "b.md").write_text(POST.replace("A title", "Another"))
    import_posts(opened, [tmp_path / "a.md"])
    (problem,) = import_posts(opened, [tmp_path / "b.md"]).problems
    assert "number 1 of 2021-06-15" in str(problem)
    assert opened.post(DAY).entries[0].title == "A title"


@pytest.mark.parametrize("change", [lambda raw: b"\xef\xbb\xbf" + raw, lambda raw: raw.replace(b"\n", b"\r\n")])
def test_what_editors_do_to_a_file_is_no_damage(change, opened, tmp_path):
    (tmp_path / "a.md").write_bytes(change(POST.encode()))
    assert import_posts(opened, [tmp_path / "a.md"]).problems == []
    assert find_format("markdown").publish(edition_of(opened.post(DAY))) == POST.encode()


def test_a_day_without_papers_comes_back_too(opened, tmp_path):
    (tmp_path / "a.md").write_text(HEAD)
    assert import_posts(opened, [tmp_path / "a.md"]).problems == []
    assert find_format("markdown").publish(edition_of(opened.post(DAY))) == HEAD.encode()


def zipped(path, members: dict[str, bytes]):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, raw in members.items():
            made.writestr(name, raw)
    return path


def tarred(path, members: dict[str, bytes]):
    with tarfile.open(path, "w:gz") as made:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            made.addfile(info, io.BytesIO(raw))
        link = tarfile.TarInfo("link.md")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    return path


@pytest.mark.parametrize(("pack", "name"), [(zipped, "x.zip"), (tarred, "x.tar.gz"), (zipped, "noname")])
def test_archives_are_read_and_nothing_in_them_leads_out(pack, name, opened, tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    made = pack(room / name, {"../../escape.md": POST.encode(), "d.md/": b"", "x.txt": b"", "/abs.md": b"\xff"})
    report = import_posts(opened, [made])
    assert (report.new_entries, len(report.problems)) == (1, 1)
    assert [each.name for each in room.iterdir()] == [name]
    assert not (tmp_path.parent / "escape.md").exists()


def test_a_bomb_is_left_unexploded(opened, tmp_path, monkeypatch):
    bomb = zipped(tmp_path / "x.zip", {"a.md": b"0" * 30_000_000, "b.md": POST.encode()})
    report = import_posts(opened, [bomb])
    assert "unpacks to more than" in str(report.problems[0])
    assert report.entries == 1
    monkeypatch.setattr(archives, "MOST", 100)
    with pytest.raises(BadInput, match="no archive of posts"):
        import_posts(opened, [bomb])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "is not there"),
        (lambda path: path.mkdir(), "holds no post"),
        (lambda path: zipped(path, {"x.txt": b"x"}), "holds no post"),
        (lambda path: path.write_bytes(b"PK\3\4 broken"), "no zip archive"),
    ],
)
def test_what_holds_no_post_is_refused_in_one_line(make, words, opened, tmp_path):
    path = tmp_path / "x.zip"
    make(path)
    with pytest.raises(BadInput, match=words) as refused:
        import_posts(opened, [path])
    assert "\n" not in str(refused.value)


def test_damaged_tars_are_refused(opened, tmp_path):
    good = tarred(tmp_path / "x.tar.gz", {f"{n}.md": POST.encode() for n in range(9)}).read_bytes()
    for cut in (0, 10, len(good) // 2):
        (tmp_path / "cut.tar.gz").write_bytes(good[:cut])
        with pytest.raises(BadInput):
            import_posts(opened, [tmp_path / "cut.tar.gz"])


def answer(capsys, *arguments: str):
    assert main([*arguments, "--json"]) in (0, 1)
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def _loud():
    yield
    console.configure(as_json=False, quiet=False)


@pytest.mark.usefixtures("_loud")
def test_the_commands_go_from_posts_to_a_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text(POST.replace("2021-06-15", "2021-06-11"))
    assert main(["digest", "import", "a.md"]) == 0
    assert "1 digests (1 new), 1 entries (1 new), 1 papers, 0 embedded posts, 0 lost" in capsys.readouterr().out
    assert answer(capsys, "digest", "import", "a.md")["new_digests"] == 0
    assert [each["date"] for each in answer(capsys, "digest", "list")] == ["2021-06-15", "2021-06-11"]
    assert answer(capsys, "digest", "show", "2021-06-11")["entries"][0]["score"] == 100
    for method in ("classic", "folded", "modern"):
        told = answer(capsys, "digest", "rank", "--date", "2021-06-11", "--method", method)
        (entry,) = told["entries"]
        assert entry["score"] == sum(part["value"] for part in entry["parts"])
    assert main(["digest", "rank", "--explain"]) == 0
    assert "voice" in capsys.readouterr().out
    assert answer(capsys, "digest", "check")["same_order"] == 1
    assert main(["digest", "publish", "--to", "markdown"]) == 0
    assert (tmp_path / "2021-06-11---Hot-Papers.md").read_bytes() == (tmp_path / "a.md").read_bytes()
    assert main(["digest", "publish", "--date", "all", "--out", "all"]) == 0
    assert [each.name for each in (tmp_path / "all").iterdir()] == ["2021-06-11---Hot-Papers.md"]


@pytest.mark.usefixtures("_loud")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import"], "import"),
        (["import", "nowhere"], "is not there"),
        (["rank"], "store is empty"),
        (["rank", "--date", "yesterday"], "is no date"),
        (["rank", "--date", "2021-06-15"], "no paper of 2021-06-15"),
        (["rank", "--method", "best"], "best"),
        (["rank", "--date", "2021-06-15", "--as-of", "noon"], "is no moment"),
        (["check"], "no digest of the blog"),
        (["publish", "--to", "stone"], "no format 'stone'"),
        (["publish", "--date", "2021-06-15", "--method", "archived"], "no digest that the blog published"),
        (["show", "2021-06-15 - 2021-06-14"], "no"),
    ],
)
def test_bad_words_are_answered_in_one_line(arguments, words, capsys):
    assert main(["digest", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_every_format_can_be_found():
    for name in FORMATS:
        assert callable(find_format(name).publish)
