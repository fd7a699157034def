"""Posts come back byte for byte, damage is named by its line, misread text is repaired and clean text left alone."""

import datetime
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotpapers.digest.edition import edition_of
from hotpapers.digest.mojibake import repair
from hotpapers.digest.post import Embed, Post, PostEntry, read_embed, read_post
from hotpapers.digest.publish.markdown import file_name, publish

DAY = datetime.date(2021, 6, 15)
WHEN = datetime.datetime(2021, 6, 16, 9, 34, 35)
TWEET = (
    '<blockquote class="twitter-tweet"><p lang="en" dir="ltr">A &amp; B<br>pdf: <a href="https://t.co/x">https://t.co/x</a>'
    '</p>&mdash; AK (@ak92501) <a href="https://twitter.com/ak92501/status/1404614429023539201?ref_src=twsrc%5Etfw">'
    "June 15, 2021</a></blockquote>"
)
line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
stamps = st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2030, 1, 1)).map(
    lambda t: t.replace(microsecond=0)
)


def entry(rank: int = 1, **told) -> PostEntry:
    usual = {
        "arxiv": "2106.06561",
        "title": "T",
        "authors": "A, B",
        "retweets": 3,
        "favourites": 50,
        "written": WHEN,
        "categories": ("cs.CV", "stat.ML"),
        "abstract": "Words.",
        "embeds": (),
    }
    return PostEntry(rank=rank, **{**usual, **told})


def embed(words: str, name: str) -> Embed:
    shown = TWEET.replace("A &amp; B", words.replace("<", "&lt;")).replace("AK (", f"{name.replace('<', '')} (")
    read = read_embed(shown)
    assert read is not None
    return read


entries = st.builds(
    entry,
    arxiv=st.from_regex(r"\d{4}\.\d{4,5}|[a-z]{2}-[a-z]{2}/\d{7}", fullmatch=True).filter(str.isascii),
    title=line,
    authors=line,
    retweets=st.integers(0, 10**18 - 1),
    favourites=st.integers(0, 10**6),
    written=stamps,
    categories=st.lists(st.sampled_from(["cs.CV", "stat.ML", "q-bio.NC", "math-ph"]), min_size=1).map(tuple),
    abstract=line,
    embeds=st.lists(st.builds(embed, line, line), max_size=3).map(tuple),
)


@st.composite
def posts(draw):
    papers = draw(st.lists(entries, max_size=3))
    ranked = tuple(msgspec.structs.replace(each, rank=rank) for rank, each in enumerate(papers, start=1))
    last = DAY + datetime.timedelta(days=draw(st.integers(0, 3)))
    return Post(DAY, last, draw(stamps), ranked, draw(st.integers(1, 2)) if ranked else 0)


@settings(max_examples=25, deadline=None)
@given(posts())
def test_a_post_that_is_written_is_read_as_it_was(post):
    written = publish(edition_of(post))
    assert read_post(written.decode()) == (post, [])
    assert publish(edition_of(read_post(written.decode())[0])) == written


def text_of(*entries_: PostEntry) -> str:
    return publish(edition_of(Post(DAY, DAY, WHEN, entries_))).decode()


def test_a_range_is_named_as_the_blog_names_it():
    edition = edition_of(Post(DAY, DAY + datetime.timedelta(days=3), WHEN, (entry(),)))
    assert b'slug: "hot-papers-2021-06-15 - 2021-06-18"' in publish(edition)
    assert file_name(edition) == "2021-06-15-2021-06-18---Hot-Papers.md"


def test_an_embedded_post_tells_who_wrote_what_and_when():
    read = read_embed(TWEET)
    assert (read.handle, read.name, read.status) == ("ak92501", "AK", "1404614429023539201")
    assert read.text == "A & B\npdf: https://t.co/x"
    assert read.made.isoformat(timespec="seconds") == "2021-06-15T01:39:11+00:00"


THREE = text_of(entry(1), entry(2), entry(3, embeds=(read_embed(TWEET),)))
HEAD = THREE.index("\n# 1.")


@pytest.mark.parametrize(
    ("old", "new", "where", "kept"),
    [
        ("retweets: 3", "retweets: three", "- retweets: three", [2, 3]),
        ("(06/16/2021", "(13/45/2021", "- retweets: 3", [2, 3]),
        ("[pdf](https://arxiv.org/pdf/2106.06561)", "[pdf](https://arxiv.org/pdf/2106.00000)", "- links", [2, 3]),
        ("[cs.CV](https://arxiv.org/list/cs.CV", "[cs.CV](https://arxiv.org/list/cs.LG", "- [cs.CV]", [2, 3]),
        ("# 1. T", "# one. T", "# one. T", [2, 3]),
        ("A, B\n", "A, B\nC\n", "C", [2, 3]),
    ],
)
def test_a_damaged_entry_is_named_by_its_line_and_the_others_are_read(old, new, where, kept):
    damaged = THREE.replace(old, new, 1)
    post, (damage,) = read_post(damaged)
    assert [each.rank for each in post.entries] == kept
    assert damaged.split("\n")[damage.line - 1].startswith(where)
    assert damage.lost_entries == 1


@pytest.mark.parametrize("cut", range(HEAD + 5, len(THREE) - 1, 37))
def test_a_cut_post_keeps_the_entries_before_the_cut(cut):
    post, damages = read_post(THREE[:cut])
    assert damages
    whole = len(re.findall(r"# \d\..*?\n\n\n\n(?=\n#|$)", THREE[:cut] + "\0", flags=re.DOTALL))
    assert len(post.entries) >= whole
    full = {each.rank: each for each in read_post(THREE)[0].entries}
    for each in post.entries[:whole]:
        assert each == full[each.rank]


@pytest.mark.parametrize("cut", range(0, HEAD, 29))
def test_without_its_head_a_post_is_none(cut):
    post, (damage,) = read_post(THREE[:cut])
    assert post is None
    assert damage.lost_post


def test_a_missing_entry_is_told_of():
    post, (damage,) = read_post(text_of(entry(1), entry(3)))
    assert [each.rank for each in post.entries] == [1, 3]
    assert damage.problem == "number 3 follows number 1"


@pytest.mark.parametrize("day", ["2021-02-30", "2021-06-15 - 2021-06-14", "15 June", "../../x", "2021-06-15\0"])
def test_a_day_that_there_is_not_is_damage(day):
    post, (damage,) = read_post(THREE.replace("2021-06-15", day))
    assert post is None
    assert damage.line == 2


@pytest.mark.parametrize("encoding", ["mac_roman", "latin_1"])
@given(words=st.text("abc ’“”–éüßñ→∈≤αβγДж、。論文新しい学習😀🎉𝐍ع"))
def test_misread_text_is_repaired_exactly_and_once(encoding, words):
    text = f"“{words} → x”"
    misread = text.encode().decode(encoding)
    assert repair(misread)[0] == text
    assert repair(text) == (text, None)


@pytest.mark.parametrize(
    "text", ["l’école", "Å–", "café…”", "naïve café", "√2 ≤ π", "Ångström", "東京", "ﬁne", "\uf8ff", "Ã", "â‚¬uro?", ""]
)
def test_clean_text_is_left_alone(text):
    if text == "â‚¬uro?":
        assert repair(text) == ("€uro?", "cp1252")
    else:
        assert repair(text) == (text, None)


def test_only_the_lines_that_were_misread_are_repaired():
    clean, misread = "l’été – ok", "N’ Roses 学習".encode().decode("mac_roman")
    assert repair(f"{clean}\n{misread}\nplain") == (f"{clean}\nN’ Roses 学習\nplain", "mac_roman")


def test_the_archive_is_clean_and_survives_being_misread(archive):
    for path in sorted(archive.glob("*.md"))[::9]:
        text = path.read_bytes().decode()
        assert repair(text) == (text, None)
        assert repair(text.encode().decode("mac_roman"))[0] == text


def test_the_misread_post_is_repaired_to_the_byte(archive):
    seed = (archive.parent / "seed.md").read_bytes().decode()
    text, encoding = repair(seed)
    assert encoding == "mac_roman"
    assert text.encode() == (archive / "2021-06-15---Hot-Papers.md").read_bytes()
