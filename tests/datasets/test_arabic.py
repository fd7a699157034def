"""The Arabic texts are read as their authors count them, from this machine or from a server on it."""

import csv
import http.server
import io
import json
import threading
import zipfile
from pathlib import Path

import pytest

from hotpapers.datasets import (
    DownloadFailed,
    ajgt,
    arabic_emotions,
    arabic_reviews,
    arabic_tweets,
    fetch,
    metrec,
    quran,
    subtitles,
    tkseem_reviews,
)
from hotpapers.datasets.arabic import AJGT, ARABIC_REVIEWS, ARABIC_TWEETS, METREC, METRES, hard, labr, read_sheet
from hotpapers.datasets.dataset import REGISTRY
from hotpapers.errors import BadInput, HotpapersError

REAL = Path(__file__).parents[3] / "shared" / "data" / "arabic_tokenizers"
REAL = REAL if REAL.is_dir() else Path(__file__).parents[2] / "shared" / "data" / "arabic_tokenizers"
SIZES = [4269, 4240, 4242, 1084, 3767, 1176, 1819, 4281, 4248, 4242, 4248, 4231, 1033, 4244]


def real(name):
    if not (REAL / name).is_file():
        pytest.skip(f"{name} is not among the shared data")
    return (REAL / name).read_bytes()


@pytest.fixture
def served(monkeypatch):
    """Serve bytes by name in place of the true addresses."""
    contents: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = contents.get(self.path.rsplit("/", 1)[-1])
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    import dataclasses

    for name in ("metrec", "ajgt", "tkseem-reviews", "tkseem-subtitles", "arabic-reviews", "arabic-tweets",
                 "arabic-emotions", "quran"):  # fmt: skip
        dataset = REGISTRY[name]
        sources = tuple(dataclasses.replace(source, url=f"http://127.0.0.1:{server.server_port}/{source.name}")
                        for source in dataset.sources)  # fmt: skip
        monkeypatch.setitem(REGISTRY, name, dataclasses.replace(dataset, sources=sources))
    yield contents
    server.shutdown()


def here(dataset, contents):
    for name, content in contents.items():
        (dataset.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (dataset.folder / name).write_bytes(content)


def workbook(rows):
    strings = [cell for row in rows for cell in row]
    shared = "".join(f"<si><t>{each}</t></si>" for each in strings)
    cells, number = "", 0
    for row, values in enumerate(rows, 1):
        cells += f'<row r="{row}">'
        for column, _ in enumerate(values):
            cells += f'<c r="{chr(65 + column)}{row}" t="s"><v>{number}</v></c>'
            number += 1
        cells += "</row>"
    stream = io.BytesIO()
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("xl/sharedStrings.xml", f"<sst {space}>{shared}</sst>")
        made.writestr("xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{cells}</sheetData></worksheet>")
    return stream.getvalue()


def test_metrec_comes_from_a_server_and_has_the_verses_its_authors_count(served):
    served["baits.zip"] = real("metrec_baits.zip")
    train, test = metrec("train"), metrec("test")
    assert (len(train.texts), len(test.texts)) == (47_124, 8_316)
    assert [train.labels.count(label) for label in range(14)] == SIZES
    assert max(test.labels.count(label) for label in range(14)) / 8_316 == pytest.approx(0.0925, abs=0.0005)
    assert train.names == METRES
    assert all("#" in verse for verse in train.texts[:100])


def test_ajgt_comes_from_a_server_with_as_many_of_each_class(served):
    served["AJGT.xlsx"] = real("AJGT.xlsx")
    found = ajgt()
    assert (len(found.texts), found.labels.count(0), found.labels.count(1)) == (1_800, 900, 900)


def test_a_file_that_is_another_than_it_should_be_is_not_used(served):
    served["AJGT.xlsx"] = b"x" * AJGT.size
    with pytest.raises(DownloadFailed, match="SHA-256"):
        fetch("ajgt")
    assert not (AJGT.folder / "AJGT.xlsx").exists()


def test_a_verse_has_the_metre_of_its_number():
    here(METREC, {"final_baits/train.txt": "13 صدر # عجز\n0 آخر # عجزه\n".encode(), "final_baits/test.txt": b""})
    found = metrec("train")
    assert found.texts == ["صدر # عجز", "آخر # عجزه"]
    assert [found.names[label] for label in found.labels] == ["rajaz", "saree"]


def test_a_line_without_a_metre_is_refused():
    here(METREC, {"final_baits/train.txt": "صدر # عجز\n".encode(), "final_baits/test.txt": b""})
    with pytest.raises(HotpapersError, match="metre"):
        metrec("train")


def test_a_sheet_is_read_cell_by_cell():
    assert read_sheet(workbook([["ID", "Feed"], ["1", "سلام"]])) == [["ID", "Feed"], ["1", "سلام"]]


def test_a_sheet_that_is_a_bomb_or_no_sheet_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/worksheets/sheet1.xml", b" " * (65 << 20))
    entities = '<!DOCTYPE x [<!ENTITY a "aa">]><worksheet>&a;</worksheet>'
    second = io.BytesIO()
    with zipfile.ZipFile(second, "w") as made:
        made.writestr("xl/worksheets/sheet1.xml", entities)
    for content in (stream.getvalue(), second.getvalue(), b"PK", b""):
        with pytest.raises(HotpapersError):
            read_sheet(content)


def test_reviews_without_a_side_are_left_out_and_those_of_several_lines_kept_whole():
    stream = io.StringIO()
    csv.writer(stream).writerows([["polarity", "text"], ["1", "جيد\nجدا"], ["0", "عادي"], ["-1", "سيئ"], ["1", ""]])
    here(ARABIC_REVIEWS, dict.fromkeys(ARABIC_REVIEWS.members, stream.getvalue().encode()))
    assert arabic_reviews("products")[:2] == (["جيد جدا", "سيئ"], [1, 0])


def test_tweets_have_lost_the_emoji_that_label_them():
    sad, glad = "neg\tسلام 😢 عليكم 💔\n".encode(), "pos\tصباح ❤️ الخير\npos\t😍\n".encode()
    here(ARABIC_TWEETS, {name: sad if "negative" in name else glad for name in ARABIC_TWEETS.members})
    assert arabic_tweets("test")[:2] == (["سلام عليكم", "صباح الخير"], [0, 1])


def test_tweets_have_the_emotion_that_stands_behind_them():
    rows = 'ID, TWEET, LABEL\n1,"الجو  جميل ..",joy\n2,"لا، ""أبدا"" لا",anger\n3," ",none\n'
    here(REGISTRY["arabic-emotions"], {"Data": rows.encode()})
    found = arabic_emotions()
    assert found.texts == ["الجو جميل ..", 'لا، "أبدا" لا']
    assert [found.names[label] for label in found.labels] == ["joy", "anger"]


def test_verses_have_the_place_of_their_chapter():
    chapters = [{"type": "medinan", "verses": [{"id": 1, "text": "أ"}, {"id": 2, "text": "ب"}]},
                {"type": "meccan", "verses": [{"id": 1, "text": "ج"}]}]  # fmt: skip
    here(REGISTRY["quran"], {"quran.json": json.dumps(chapters).encode()})
    assert quran() == (["أ", "ب", "ج"], [1, 1, 0], ("meccan", "medinan"))


@pytest.mark.parametrize(("name", "member"), [("quran", "quran.json"), ("arabic-emotions", "Data")])
def test_files_that_are_others_than_they_should_be_are_not_used(served, name, member):
    served[member] = b"x" * REGISTRY[name].size
    with pytest.raises(DownloadFailed, match="SHA-256"):
        fetch(name)


def test_lines_and_labels_of_tkseem_go_together():
    here(REGISTRY["tkseem-reviews"], {"data.txt": "جيد\nسيئ\n".encode(), "labels.txt": b" 0 \n 1 \n"})
    here(REGISTRY["tkseem-subtitles"], {"ar_data.txt": " سطر\x85 أول\nثان\n".encode()})
    assert tkseem_reviews()[:2] == (["جيد", "سيئ"], [0, 1])
    assert len(subtitles()) == 2


def test_rated_books_and_hotels_are_read_from_the_users_own_files(tmp_path):
    (tmp_path / "reviews.tsv").write_text("4\t1\t2\t3\tكتاب جميل\nx\n1\t1\t2\t3\tممل\n", encoding="utf-8")
    assert labr(tmp_path / "reviews.tsv")[:2] == (["كتاب جميل", "ممل"], [3, 0])
    (tmp_path / "hotels.txt").write_text(
        "no\tHotel name\trating\ta\tb\tc\treview\n1\tx\t2\ta\tb\tc\tفندق قديم\n", encoding="utf-16"
    )
    assert hard(tmp_path / "hotels.txt")[:2] == (["فندق قديم"], [1])
    (tmp_path / "other.tsv").write_text("a\tb\n")
    for reader in (labr, hard):
        with pytest.raises(BadInput):
            reader(tmp_path / "other.tsv")
        with pytest.raises(BadInput):
            reader(tmp_path / "none.tsv")
