"""Hostile files: CSV as it is met, each with the table that a careful person reads in it."""

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from hotpapers.papers.gittables import reading

_PEOPLE = "name,city,age\nAda,London,36\nGrace,New York,45\nEmmy,Erlangen,53\n"
_NAMES = ("name", "city", "age")
_ROWS = (("Ada", "London", "36"), ("Grace", "New York", "45"), ("Emmy", "Erlangen", "53"))


@dataclasses.dataclass(frozen=True)
class Hostile:
    """A file and what is right: the names of the columns and the cells, as text."""

    name: str
    content: bytes
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def is_read_right(case: Hostile) -> bool:
    """Whether a hostile file is read as the table that it is."""
    try:
        read = reading.read(case.content, case.name)
    except reading.NoTable:
        return False
    rows = zip(*(read.data.column(at).to_pylist() for at in range(read.data.num_columns)), strict=True)
    return is_right(case, read.columns, list(rows))


def is_right(case: Hostile, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bool:
    """Whether a table is what the case says: the same names and cells, numbers by value, missing ones empty."""
    found = [tuple(row) for row in rows]
    return (
        len(names) == len(case.names)
        and len(found) == len(case.rows)
        and all(_same_name(at, a, b) for at, (a, b) in enumerate(zip(case.names, map(str, names), strict=True)))
        and all(
            len(row) == len(wanted) and all(map(_same, wanted, row))
            for wanted, row in zip(case.rows, found, strict=True)
        )
    )


def _same_name(at: int, wanted: str, found: str) -> bool:
    """Names that were made up may be any."""
    return wanted == found.strip() or (
        not wanted and bool(re.fullmatch(rf"|Unnamed: {at}|column_?{at}|{at}|index", found))
    )


def _same(wanted: str, found: Any) -> bool:
    if found is None or (isinstance(found, float) and math.isnan(found)):
        return wanted == ""
    told = str(found).strip()
    if told == wanted or (wanted.lower() in ("true", "false") and told.lower() == wanted.lower()):
        return True
    if re.fullmatch(r"0\d+|\d{17,}", wanted):
        return False  # a key, not a number
    try:
        return float(told.replace(",", ".")) == float(wanted.replace(",", "."))
    except ValueError:
        return False


def _people(
    name: str, content: str | bytes, rows: tuple[tuple[str, ...], ...] = _ROWS, names: tuple[str, ...] = _NAMES
) -> Hostile:
    return Hostile(name, content.encode() if isinstance(content, str) else content, names, rows)


def _with(sign: str) -> str:
    return _PEOPLE.replace(",", sign)


def cases() -> list[Hostile]:
    """Return all hostile files."""
    return [*_delimiters(), *_quotes(), *_encodings(), *_surroundings(), *_rows(), *_headers(), *_values()]


def _delimiters() -> list[Hostile]:
    european = "Land;Fläche;Anteil\nA;1,5;0,25\nB;22,75;0,5\nC;3,0;0,125\n"
    prose = "id\ttext\n1\tred, green, blue\n2\tone, two\n3\tnone\n"
    aligned = "station  temp  wind\nalpha    12.5     3\nbeta      9.0    11\ngamma    -1.5     7\n"
    return [
        *(
            _people(f"delimiter {name}", _with(sign))
            for name, sign in (
                ("comma", ","),
                ("tab", "\t"),
                ("semicolon", ";"),
                ("bar", "|"),
                ("caret", "^"),
                ("tilde", "~"),
                ("control one", "\x01"),
                ("colon", ":"),
            )
        ),
        Hostile(
            "decimal commas",
            european.encode(),
            ("Land", "Fläche", "Anteil"),
            (("A", "1,5", "0,25"), ("B", "22,75", "0,5"), ("C", "3,0", "0,125")),
        ),
        Hostile(
            "commas in tabbed prose",
            prose.encode(),
            ("id", "text"),
            (("1", "red, green, blue"), ("2", "one, two"), ("3", "none")),
        ),
        Hostile(
            "aligned by blanks",
            aligned.encode(),
            ("station", "temp", "wind"),
            (("alpha", "12.5", "3"), ("beta", "9.0", "11"), ("gamma", "-1.5", "7")),
        ),
        Hostile(
            "times in cells",
            b"start,end\n08:30,09:45\n10:15,11:00\n12:00,12:05\n",
            ("start", "end"),
            (("08:30", "09:45"), ("10:15", "11:00"), ("12:00", "12:05")),
        ),
        Hostile(
            "semicolons around commas",
            b"who;where\nSmith, J.;Paris, France\nDoe, A.;Bonn, Germany\nRoe, B.;Rome, Italy\n",
            ("who", "where"),
            (("Smith, J.", "Paris, France"), ("Doe, A.", "Bonn, Germany"), ("Roe, B.", "Rome, Italy")),
        ),
        Hostile("one column", b"word\nalpha\nbeta\ngamma\n", ("word",), (("alpha",), ("beta",), ("gamma",))),
        Hostile(
            "excel's directive",
            b"sep=;\nname;city;age\nAda;London;36\nGrace;New York;45\nEmmy;Erlangen;53\n",
            _NAMES,
            _ROWS,
        ),
    ]


def _quotes() -> list[Hostile]:
    names, plain = ("id", "text"), (("1", "first"), ("2", "second"), ("3", "third"))
    return [
        Hostile(
            "delimiters in quotes",
            b'id,text\n1,"a, b"\n2,"c"\n3,"d, e, f"\n',
            names,
            (("1", "a, b"), ("2", "c"), ("3", "d, e, f")),
        ),
        Hostile(
            "lines in quotes",
            b'id,text\n1,"two\nlines"\n2,one\n3,"and\nthree\nlines"\n',
            names,
            (("1", "two\nlines"), ("2", "one"), ("3", "and\nthree\nlines")),
        ),
        Hostile(
            "doubled quotes",
            b'id,text\n1,"he said ""no"""\n2,"x"\n3,y\n',
            names,
            (("1", 'he said "no"'), ("2", "x"), ("3", "y")),
        ),
        Hostile(
            "escaped quotes",
            b'id,text\n1,"he said \\"no, never\\""\n2,"x \\"y\\""\n3,"z"\n',
            names,
            (("1", 'he said "no, never"'), ("2", 'x "y"'), ("3", "z")),
        ),
        Hostile(
            "single quotes", b"id,text\n1,'a, b'\n2,'c, d'\n3,'e'\n", names, (("1", "a, b"), ("2", "c, d"), ("3", "e"))
        ),
        Hostile(
            "apostrophes",
            b"id,text\n1,it's\n2,they're\n3,o'clock\n",
            names,
            (("1", "it's"), ("2", "they're"), ("3", "o'clock")),
        ),
        Hostile("everything in quotes", b'"id","text"\n"1","first"\n"2","second"\n"3","third"\n', names, plain),
        Hostile(
            "blanks before quotes",
            b'id, text\n1, "a, b"\n2, "c"\n3, "d"\n',
            names,
            (("1", "a, b"), ("2", "c"), ("3", "d")),
        ),
        Hostile(
            "inches",
            b'id,text\n1,5" pipe\n2,3" bolt\n3,nail\n',
            names,
            (("1", '5" pipe'), ("2", '3" bolt'), ("3", "nail")),
        ),
        Hostile(
            "a quote never closed",
            b'id,text\n1,"first\n2,second\n3,third\n',
            names,
            (("1", '"first'), ("2", "second"), ("3", "third")),
        ),
        Hostile(
            "semicolon and quotes", b'id;text\n1;"a; b"\n2;"c"\n3;d\n', names, (("1", "a; b"), ("2", "c"), ("3", "d"))
        ),
    ]


def _encodings() -> list[Hostile]:
    french = "prénom,ville\nRené,Orléans\nZoë,Besançon\nAndré,Nîmes\n"
    french_rows = (("René", "Orléans"), ("Zoë", "Besançon"), ("André", "Nîmes"))
    russian = "имя,город\nАнна,Москва\nИван,Казань\nОльга,Томск\n"
    russian_rows = (("Анна", "Москва"), ("Иван", "Казань"), ("Ольга", "Томск"))
    japanese = "名前,都市\nたなかさん,とうきょう\nスズキさん,オオサカ\n山田さん,京都の町\n"
    japanese_rows = (("たなかさん", "とうきょう"), ("スズキさん", "オオサカ"), ("山田さん", "京都の町"))
    chinese = "姓名,城市\n王小明,北京市\n李大中,上海市\n张文,广州市\n"
    chinese_rows = (("王小明", "北京市"), ("李大中", "上海市"), ("张文", "广州市"))
    arabic = "الاسم,المدينة\nسارة,القاهرة\nعلي,بغداد\nليلى,دمشق\n"
    return [
        *(
            Hostile(f"French in {codec}", french.encode(codec), ("prénom", "ville"), french_rows)
            for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman")
        ),
        *(
            Hostile(f"Russian in {codec}", russian.encode(codec), ("имя", "город"), russian_rows)
            for codec in ("utf-8", "cp1251")
        ),
        *(
            Hostile(f"Japanese in {codec}", japanese.encode(codec), ("名前", "都市"), japanese_rows)
            for codec in ("utf-8", "shift_jis")
        ),
        *(
            Hostile(f"Chinese in {codec}", chinese.encode(codec), ("姓名", "城市"), chinese_rows)
            for codec in ("utf-8", "gb18030")
        ),
        Hostile(
            "Arabic in utf-8",
            arabic.encode(),
            ("الاسم", "المدينة"),
            (("سارة", "القاهرة"), ("علي", "بغداد"), ("ليلى", "دمشق")),
        ),
    ]


def _surroundings() -> list[Hostile]:
    return [
        _people("comments above", "# made on Monday\n# by hand, with care\n" + _PEOPLE),
        _people("comments between", _PEOPLE.replace("Grace", "# a remark\nGrace")),
        _people("a title above", "People of note\n\n" + _PEOPLE),
        _people("many words above", "Report 7\nFrom: the archive\nTo: whom it may concern\n\n" + _PEOPLE),
        _people("a source below", _PEOPLE + "\nSource: the archive's own count of 1953\n"),
        _people("a padded title", "People of note,,\n" + _PEOPLE),
        _people("blank lines", _PEOPLE.replace("\n", "\n\n")),
        _people("CRLF", _PEOPLE.replace("\n", "\r\n")),
        _people("CR", _PEOPLE.replace("\n", "\r")),
        _people("mixed line ends", _PEOPLE.replace("\n", "\r\n", 2)),
        _people("no last line end", _PEOPLE.rstrip("\n")),
    ]


def _rows() -> list[Hostile]:
    return [
        _people("short rows", _PEOPLE.replace("Grace,New York,45", "Grace,New York"),
                (("Ada", "London", "36"), ("Grace", "New York", ""), ("Emmy", "Erlangen", "53"))),
        _people("a row too long", _PEOPLE.replace("Emmy", "Ira,Rome,9,what,is,this\nEmmy")),
        _people("empty cells too many", "name,city,age\nAda,London,36,\nGrace,New York,45,,\nEmmy,Erlangen,53,\n"),
        _people("the header again", _PEOPLE.replace("Emmy", "name,city,age\nEmmy")),
        _people("missing cells", "name,city,age\nAda,,36\n,New York,45\nEmmy,Erlangen,\n",
                (("Ada", "", "36"), ("", "New York", "45"), ("Emmy", "Erlangen", ""))),
        _people("delimiters at the ends", "name,city,age,\nAda,London,36,\nGrace,New York,45,\nEmmy,Erlangen,53,\n",
                tuple((*row, "") for row in _ROWS), (*_NAMES, "")),
    ]  # fmt: skip


def _headers() -> list[Hostile]:
    return [
        Hostile(
            "no header",
            b"1,2.5,2021-01-01\n2,3.5,2021-01-02\n3,4.5,2021-01-03\n",
            ("", "", ""),
            (("1", "2.5", "2021-01-01"), ("2", "3.5", "2021-01-02"), ("3", "4.5", "2021-01-03")),
        ),
        Hostile(
            "years in the header",
            b"country,2010,2011\nFrance,64.6,65.0\nSpain,46.6,46.7\nItaly,59.3,59.4\n",
            ("country", "2010", "2011"),
            (("France", "64.6", "65.0"), ("Spain", "46.6", "46.7"), ("Italy", "59.3", "59.4")),
        ),
        Hostile(
            "names of rows without a name",
            b"mpg,cyl\nMazda,21.0,6\nDatsun,22.8,4\nHornet,18.7,8\n",
            ("", "mpg", "cyl"),
            (("Mazda", "21.0", "6"), ("Datsun", "22.8", "4"), ("Hornet", "18.7", "8")),
        ),
        Hostile(
            "a name twice",
            b"id,value,value\n1,2,3\n4,5,6\n7,8,9\n",
            ("id", "value", "value.1"),
            (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9")),
        ),
        Hostile(
            "a column without a name",
            b",name\n0,Ada\n1,Grace\n2,Emmy\n",
            ("", "name"),
            (("0", "Ada"), ("1", "Grace"), ("2", "Emmy")),
        ),
        Hostile(
            "a hash before the header",
            b"#id,name\n1,Ada\n2,Grace\n3,Emmy\n",
            ("id", "name"),
            (("1", "Ada"), ("2", "Grace"), ("3", "Emmy")),
        ),
        Hostile(
            "a hash for a name",
            b"#,name\n1,Ada\n2,Grace\n3,Emmy\n",
            ("#", "name"),
            (("1", "Ada"), ("2", "Grace"), ("3", "Emmy")),
        ),
        Hostile(
            "words only",
            b"fruit,colour\napple,red\nlime,green\nplum,blue\n",
            ("fruit", "colour"),
            (("apple", "red"), ("lime", "green"), ("plum", "blue")),
        ),
    ]


def _values() -> list[Hostile]:
    return [
        Hostile(
            "keys with zeros",
            b"code,n\n007,1\n010,2\n099,3\n",
            ("code", "n"),
            (("007", "1"), ("010", "2"), ("099", "3")),
        ),
        Hostile(
            "long keys",
            b"key,n\n1234567890123456789012,1\n2234567890123456789012,2\n3234567890123456789012,3\n",
            ("key", "n"),
            (("1234567890123456789012", "1"), ("2234567890123456789012", "2"), ("3234567890123456789012", "3")),
        ),
        Hostile(
            "Namibia",
            b"code,country\nFR,France\nNA,Namibia\nES,Spain\n",
            ("code", "country"),
            (("FR", "France"), ("NA", "Namibia"), ("ES", "Spain")),
        ),
        Hostile("missing numbers", b"a,b\n1,NA\n2,3.5\nNaN,4\n", ("a", "b"), (("1", ""), ("2", "3.5"), ("", "4"))),
        Hostile(
            "truths", b"id,ok\n1,true\n2,false\n3,true\n", ("id", "ok"), (("1", "true"), ("2", "false"), ("3", "true"))
        ),
        Hostile(
            "signs of all kinds",
            "id,text\n1,smile 😀\n2,x̄ ± 2σ\n3,½ cup\n".encode(),
            ("id", "text"),
            (("1", "smile 😀"), ("2", "x̄ ± 2σ"), ("3", "½ cup")),
        ),
    ]
