import csv
import io
import re
import tracemalloc

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hotpapers.errors import BadInput
from hotpapers.papers.gittables import columns, encoding, hostile, reading
from hotpapers.papers.gittables.reading import NoTable, Reader, read

CASES = {case.name: case for case in hostile.cases()}
CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_read_as_the_table_that_it_is(name):
    assert hostile.is_read_right(CASES[name])


def lines_of(content, codec):
    text = io.TextIOWrapper(io.BytesIO(content), codec, errors="replace", newline="").read()
    return len(re.findall(r"\r\n|\r|\n", text)) + (not text.endswith(("\n", "\r")))


@pytest.mark.parametrize("name", CASES)
def test_every_line_is_a_row_a_header_or_counted_with_its_reason(name):
    account = read(CASES[name].content, name).account
    kept = account.row_lines + account.header_lines + sum(account.dropped.values())
    assert account.unaccounted == 0
    assert kept == lines_of(CASES[name].content, account.encoding)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused_in_one_line(content):
    account = refusal = None
    try:
        account = read(content, "x.csv").account
    except NoTable as error:
        refusal = error
    if account is None:
        assert "\n" not in str(refusal)
        assert refusal.reason
    else:
        assert account.unaccounted == 0
        assert account.lines == lines_of(content, account.encoding)


@example([("", "", ""), ("", "", ""), ("", "", "\\")], ",")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=3, max_size=12), st.sampled_from(",;\t|"))
def test_what_is_written_as_csv_comes_back(rows, sign):
    text = io.StringIO()
    # A number beside each row, and a header that is one, leave no doubt of the table.
    csv.writer(text, delimiter=sign, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [("number", "first", "second", "third"), *((number, *row) for number, row in enumerate(rows))]
    )
    table = read(text.getvalue().encode(), "x")
    assert table.columns == ["number", "first", "second", "third"]
    assert table.account.rows == len(rows)
    assert sum(table.account.dropped.values()) == 0
    for at in (1, 2, 3):
        if table.dtypes[table.columns[at]] == "object":
            assert [cell or "" for cell in table.data.column(at).to_pylist()] == [row[at - 1] for row in rows]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "cp1252", "utf-8-sig", "utf-32"])
def test_an_encoding_is_found(codec):
    text = "Straße;Größe\nMöwenweg;12,5\nÖlgasse;3,25\nÄußere Zeile;7,0\n"
    assert text.encode(codec).decode(encoding.detect(text.encode(codec))).lstrip("\ufeff") == text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n \n\n", "empty"),
        (bytes(range(256)) * 9, "not text"),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n", "git-lfs pointer"),
        (b"<!DOCTYPE html><p>no</p>", "web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "not text"),
        (",".join("a" * 30_000).encode() + b"\n", "too wide"),
    ],
)
def test_what_is_no_table_has_a_reason(content, reason):
    with pytest.raises(NoTable) as caught:
        read(content, "x.csv")
    assert caught.value.reason == reason


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(BadInput, match="Cannot read"):
        read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("1", "2", ""), "int64"),
        (("1", "2.5"), "float64"),
        (("1e5", "-3"), "float64"),
        (("007", "1"), "object"),
        (("true", "False"), "bool"),
        (("", "NA"), "empty"),
        (("1,5", "2"), "comma"),
        (("1" * 25, "2"), "object"),
        (("a",), "object"),
        (("1_000", "2"), "object"),
        (("１", "2"), "object"),
    ],
)
def test_a_column_is_what_all_its_cells_are(cells, kind):
    assert columns.kind(cells, comma=True) == kind
    assert len(columns.as_arrow(cells, kind)) == len(cells)


@given(st.lists(st.sampled_from(["", "1", "2.5", "x", "true", "1,5", "NA"]), max_size=12), st.integers(0, 12))
def test_a_column_in_two_parts_is_what_it_is_in_one(cells, cut):
    parts = columns.join(columns.kind(cells[:cut], comma=True), columns.kind(cells[cut:], comma=True))
    whole = columns.kind(cells, comma=True)
    # Commas and points together are text in one part as in two.
    assert parts == whole or {parts, whole} <= {"object", "comma", "float64", "bool"}
    columns.as_arrow(cells, parts)


def test_numbers_keep_their_values_and_zeros_their_places():
    table = read(b"a,b,c\n1,1.5,007\n-2,NA,010\n3,1e3,100\n", "x")
    assert table.data.to_pydict() == {"a": [1, -2, 3], "b": [1.5, None, 1000.0], "c": ["007", "010", "100"]}
    assert table.dtypes == {"a": "int64", "b": "float64", "c": "object"}


def test_dropped_lines_are_named_by_number():
    account = read(b"# made by hand\na,b,c\n1,2,3\n1,2,3,4,5\n\n4,5,6\n", "x").account
    assert account.dropped == {"comment": 1, "too many cells": 1, "blank": 1}
    assert account.where == {"comment": [1], "too many cells": [4], "blank": [5]}
    assert account.rows == 2


def test_a_large_file_is_read_in_blocks_to_the_same_table(monkeypatch):
    rows = "".join(f'{number},"name {number}",{number / 7:.3f}\n' for number in range(3000))
    content = ("id,name,share\n" + rows + "x,last,1\n").encode()
    whole = read(content, "x")
    monkeypatch.setattr(reading, "SMALL", 1000)
    monkeypatch.setattr(reading, "SAMPLE", 4000)
    monkeypatch.setattr(reading, "BLOCK", 700)
    reader = Reader(content, "x")
    blocks = list(reader.blocks())
    assert [len(block[0]) for block in blocks] == [700, 700, 700, 700, 201]
    parts = read(content, "x")
    assert parts.data == whole.data
    assert parts.account.unaccounted == 0


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "SMALL", 1000)
    monkeypatch.setattr(reading, "SAMPLE", 4000)
    monkeypatch.setattr(reading, "BLOCK", 500)
    peaks = []
    for count in (3_000, 12_000):
        path = tmp_path / f"{count}.csv"
        path.write_text("id,name,value\n" + "".join(f"{at},name{at},{at * 3}\n" for at in range(count)))
        tracemalloc.start()
        reader = Reader(path)
        assert sum(len(block[0]) for block in reader.blocks()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_table_is_arrow():
    assert isinstance(read(b"a,b\n1,2\n", "x").data, pa.Table)


@pytest.mark.parametrize(
    ("head", "names", "rows"),
    [("first", ["1", "2"], 2), ("none", ["column_0", "column_1"], 3), ("detect", ["column_0", "column_1"], 3)],
)
def test_the_first_row_is_a_header_as_asked(head, names, rows):
    table = read(b"1,2\n3,4\n5,6\n", "x", head=head)
    assert table.columns == names
    assert table.data.num_rows == rows


def test_bytes_that_are_no_characters_are_counted(monkeypatch):
    content = b"id,word\n" + b"".join(b"%d,word\n" % at for at in range(300)) + b"301,caf\xe9\n302,na\xefve\n"
    monkeypatch.setattr(reading, "SAMPLE", 200)  # the encoding is judged by the beginning
    table = read(content, "x")
    assert table.account.encoding == "utf-8"
    assert table.account.replaced == 2
    assert table.data.column("word")[-1].as_py() == "na\ufffdve"
    monkeypatch.setattr(reading, "SMALL", 100)
    assert read(content, "x").account.replaced == 2
    assert read(b"id,word\n1,\xef\xbf\xbd\n2,b\n", "x").account.replaced == 0
