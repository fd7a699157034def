"""Arabic texts with labels: metres of poems, sentiment, emotions, the Quran's verses, and lines of subtitles.

Two sets of the field, LABR and HARD, are offered nowhere with a checksum: their readers take a file that the user has.
"""

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Literal, NamedTuple

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import read
from hotpapers.errors import BadInput, HotpapersError

METRES = ("saree", "kamel", "mutakareb", "mutadarak", "munsareh", "madeed", "mujtath", "ramal", "baseet", "khafeef",
          "taweel", "wafer", "hazaj", "rajaz")  # fmt: skip
"""The fourteen metres of MetRec by label."""

EMOTIONS = ("none", "anger", "joy", "sadness", "love", "sympathy", "surprise", "fear")

_RAW = "https://raw.githubusercontent.com"
_TKSEEM = f"{_RAW}/ARBML/tkseem/8532d3c27936b0ee34d79fa48d6e99f2aaef1bc2/tasks"
_REVIEWS = (
    f"{_RAW}/hadyelsahar/large-arabic-sentiment-analysis-resouces/2a99dc508c0203eb8ef733fa29228fba2aa61682/datasets"
)
_TWEETS = (
    f"{_RAW}/motazsaad/arabic-sentiment-analysis/5ea372acfec32a23ceecc2380fe6607c41596b8d/arabic_tweets_tsv/20190413"
)
_LARGEST_SHEET = 64 << 20
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u2190-\u21ff\u2300-\u23ff]+")

Domain = Literal["restaurants", "restaurants-2", "products", "attractions"]


class Labelled(NamedTuple):
    """Texts, the label of each, and the labels' names."""

    texts: list[str]
    labels: list[int]
    names: tuple[str, ...]


METREC = offer(Dataset(
    name="metrec", what="55,440 verses of classical Arabic poems in 14 metres", licence="MIT",
    page="https://github.com/ARBML/MetRec",
    sources=(Source("baits.zip", f"{_RAW}/ARBML/MetRec/281bb7372ab4a6871166371bcc9695ea6cc8415c/baits.zip",
                    "558ac80e54a9111f9d784e898526ce8bc831d06aafd2110cb2acd216a667dbf7", 2_267_882),),
    members=("final_baits/train.txt", "final_baits/test.txt"),
))  # fmt: skip

AJGT = offer(Dataset(
    name="ajgt", what="1,800 Jordanian tweets, positive and negative", licence="AFL-3.0",
    page="https://github.com/komari6/Arabic-twitter-corpus-AJGT",
    sources=(Source("AJGT.xlsx", f"{_RAW}/komari6/Arabic-twitter-corpus-AJGT/"
                    "19f8d21a400ee23d519ee71c59e556687e72f927/AJGT.xlsx",
                    "966c52213872b6b8a3ced5fb7c60aee2abf47ca673c7d2c2eeb064a60bc9ed51", 107_395),),
    members=("AJGT.xlsx",),
))  # fmt: skip

TKSEEM_REVIEWS = offer(Dataset(
    name="tkseem-reviews", what="1,000 Arabic product reviews, positive and negative", licence="MIT",
    page="https://github.com/ARBML/tkseem",
    sources=(
        Source("data.txt", f"{_TKSEEM}/sentiment_analysis/sentiment/data.txt",
               "255641ed68b218615ee7a6febfbe5b812c7ef9f60a8b334bad756d54311688c3", 122_098),
        Source("labels.txt", f"{_TKSEEM}/sentiment_analysis/sentiment/labels.txt",
               "361332594adf2198f50a5492eaf9532aa0ef73c0f7c42aac94fb22c908151b4f", 3_999),
    ),
    members=("data.txt", "labels.txt"),
))  # fmt: skip

SUBTITLES = offer(Dataset(
    name="tkseem-subtitles", what="99,999 Arabic lines of subtitles", licence="MIT",
    page="https://github.com/ARBML/tkseem",
    sources=(Source("ar_data.txt", f"{_TKSEEM}/translation/data/ar_data.txt",
                    "3e6d3cac2fbe7bcf3ac0f4fd7cab2d3e4866c87cd53d03d926071390d92e6048", 3_705_050),),
    members=("ar_data.txt",),
))  # fmt: skip

_DOMAINS = {"restaurants": "RES1.csv", "restaurants-2": "RES2.csv", "products": "PROD.csv", "attractions": "ATT.csv"}
ARABIC_REVIEWS = offer(Dataset(
    name="arabic-reviews", what="17,432 Arabic reviews of restaurants, products and attractions", licence="not stated",
    page="https://github.com/hadyelsahar/large-arabic-sentiment-analysis-resouces",
    sources=tuple(Source(name, f"{_REVIEWS}/{name}", sha256, size) for name, sha256, size in (
        ("RES1.csv", "afdb587d41310302372ed154a91a7231f566c137cadeea9df166e7326c2c4b19", 3_503_230),
        ("RES2.csv", "f2e408bd312517e4ad0c89f859b33c891f86bd76df08394d6cd21a962f1f781f", 1_033_740),
        ("PROD.csv", "b2b1c98b7fc180f2ad447c948efdc38bb96b53ee6966bf677f7485d089a6d298", 527_639),
        ("ATT.csv", "c3b165e88401a798f047c9e7ebac0f210f83f330e4b3793914d666aa46ea4631", 914_631),
    )),
    members=tuple(_DOMAINS.values()),
))  # fmt: skip

ARABIC_TWEETS = offer(Dataset(
    name="arabic-tweets", what="58,755 Arabic tweets, positive and negative by their emoji", licence="Apache-2.0",
    page="https://github.com/motazsaad/arabic-sentiment-analysis",
    sources=tuple(Source(name, f"{_TWEETS}/{name}", sha256, size) for name, sha256, size in (
        ("train_Arabic_tweets_negative_20190413.tsv",
         "da9340e725a95afdbcb21b05febbe48523fb552c828646abf48dc74f4ffb3ea4", 2_753_197),
        ("train_Arabic_tweets_positive_20190413.tsv",
         "ed6c83c34d4f56d5de34618b8f83b23dd966ceb9c5a72c2368cfa625923dfa0a", 3_097_209),
        ("test_Arabic_tweets_negative_20190413.tsv",
         "98ff7bf7619a49f14bfadb7bbd4415dd6f6469726fa87a42697d3f0df7bcb31a", 690_660),
        ("test_Arabic_tweets_positive_20190413.tsv",
         "3a46aa92ba280b00b089d8daf88fb21e4f338de71e68066da46e095b53900b75", 769_959),
    )),
    members=tuple(f"{split}_Arabic_tweets_{which}_20190413.tsv"
                  for split in ("train", "test") for which in ("negative", "positive")),
))  # fmt: skip


ARABIC_EMOTIONS = offer(Dataset(
    name="arabic-emotions", what="10,064 Egyptian tweets with one of eight emotions", licence="not stated",
    page="https://github.com/Farah-AlFukaha/Arabic-Text-Classification",
    sources=(Source("Data", f"{_RAW}/Farah-AlFukaha/Arabic-Text-Classification/205de49034150374da9ccdc05348119550d16522"
                    "/Data", "f799c5ee86ea407de33609f1bbf607369fc7610551fa073b9fc59cd211098715", 1_563_138),),
    members=("Data",),
))  # fmt: skip

QURAN = offer(Dataset(
    name="quran", what="6,236 verses of the Quran, Meccan and Medinan", licence="CC-BY-SA-4.0",
    page="https://github.com/risan/quran-json",
    sources=(Source("quran.json", f"{_RAW}/risan/quran-json/791a3cf1376e2851706e9cf01c226f8d3c9d7355/dist/quran.json",
                    "d8a8adff387f60ce3ff7dbe3238dd9b27120bfe29d8fcb07ad2e89cad37cefd4", 1_466_095),),
    members=("quran.json",),
))  # fmt: skip


def metrec(split: Literal["train", "test"] = "train") -> Labelled:
    """Return MetRec's verses (Al-shaibani et al., 2020); ``#`` stands between the halves of a verse."""
    texts, labels = [], []
    for line in read(METREC, f"final_baits/{split}.txt").decode().splitlines():
        label, _, verse = line.partition(" ")
        if not label.isdigit() or int(label) >= len(METRES):
            raise HotpapersError(f"MetRec's {split}.txt has a line that does not begin with a metre's number.")
        texts.append(verse)
        labels.append(int(label))
    return Labelled(texts, labels, METRES)


def ajgt() -> Labelled:
    """Return AJGT's tweets (Alomari et al., 2017): 900 of each class."""
    rows = read_sheet(read(AJGT, "AJGT.xlsx"))[1:]
    kept = [(row[1], row[2]) for row in rows if len(row) > 2 and row[1].strip()]
    return Labelled([text for text, _ in kept], [int(label.strip() == "Positive") for _, label in kept],
                    ("negative", "positive"))  # fmt: skip


def tkseem_reviews() -> Labelled:
    """Return the reviews that tkseem's notebook classifies."""
    texts = read(TKSEEM_REVIEWS, "data.txt").decode().splitlines()
    labels = [int(line) for line in read(TKSEEM_REVIEWS, "labels.txt").decode().split()]
    return Labelled(texts[: len(labels)], labels[: len(texts)], ("positive", "negative"))


def subtitles() -> list[str]:
    """Return lines of subtitles."""
    return read(SUBTITLES, "ar_data.txt").decode().strip("\n").split("\n")


def arabic_reviews(domain: Domain = "restaurants") -> Labelled:
    """Return reviews of one domain (ElSahar and El-Beltagy, 2015), the neutral ones left out."""
    rows = csv.DictReader(io.StringIO(read(ARABIC_REVIEWS, _DOMAINS[domain]).decode("utf-8-sig")))
    kept = [(row["text"], int(float(row["polarity"]))) for row in rows if row.get("text") and row.get("polarity")]
    kept = [(" ".join(text.split()), polarity) for text, polarity in kept if polarity and text.strip()]
    return Labelled([text for text, _ in kept], [int(polarity > 0) for _, polarity in kept], ("negative", "positive"))


def arabic_tweets(split: Literal["train", "test"] = "train") -> Labelled:
    """Return tweets labelled by emoji (Saad, 2019); the emoji are taken out, as they are the labels."""
    texts, labels = [], []
    for label, which in enumerate(("negative", "positive")):
        for line in read(ARABIC_TWEETS, f"{split}_Arabic_tweets_{which}_20190413.tsv").decode().splitlines():
            text = " ".join(_EMOJI.sub(" ", line.partition("\t")[2]).split())
            if text:
                texts.append(text)
                labels.append(label)
    return Labelled(texts, labels, ("negative", "positive"))


def arabic_emotions() -> Labelled:
    """Return tweets with their emotion (Al-Khatib and El-Beltagy, 2018)."""
    rows = csv.DictReader(io.StringIO(read(ARABIC_EMOTIONS, "Data").decode("utf-8-sig")), skipinitialspace=True)
    kept = [(" ".join(row["TWEET"].split()), row["LABEL"].strip()) for row in rows if row["TWEET"].strip()]
    return Labelled([text for text, _ in kept], [EMOTIONS.index(label) for _, label in kept], EMOTIONS)


def quran() -> Labelled:
    """Return the verses of the Quran in Uthmani spelling with all marks, and where each chapter was revealed."""
    names = ("meccan", "medinan")
    chapters = json.loads(read(QURAN, "quran.json"))
    verses = [(verse["text"], names.index(chapter["type"])) for chapter in chapters for verse in chapter["verses"]]
    return Labelled([text for text, _ in verses], [label for _, label in verses], names)


def labr(path: Path) -> Labelled:
    """Read LABR's ``reviews.tsv`` (Aly and Atiya, 2013; github.com/mohamedadaly/LABR): ratings 1 to 5 of books."""
    return _rated(Path(path), rating=0, text=4, what="LABR's reviews.tsv")


def hard(path: Path) -> Labelled:
    """Read HARD's unpacked text (Elnagar et al., 2018; github.com/elnagara/HARD-Arabic-Dataset): ratings of hotels."""
    return _rated(Path(path), rating=2, text=6, what="HARD's balanced-reviews.txt")


def read_sheet(content: bytes) -> list[list[str]]:
    """Return the first sheet of an .xlsx workbook as rows of text.

    Raises
    ------
    HotpapersError
        If it is no workbook, or one that grows beyond measure when unpacked.
    """
    import defusedxml.ElementTree as ElementTree

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            if sum(info.file_size for info in opened.infolist()) > _LARGEST_SHEET:
                raise HotpapersError("This workbook unpacks to more than it may.")
            names = opened.namelist()
            shared = [_text_of(item) for item in ElementTree.fromstring(opened.read("xl/sharedStrings.xml"))] \
                if "xl/sharedStrings.xml" in names else []  # fmt: skip
            sheet = ElementTree.fromstring(opened.read(min(n for n in names if n.startswith("xl/worksheets/sheet"))))
    except (zipfile.BadZipFile, KeyError, ValueError, ElementTree.ParseError) as error:
        raise HotpapersError("This is no .xlsx workbook that can be read.") from error
    rows = []
    for row in (each for each in sheet.iter() if each.tag.endswith("}row")):
        cells: list[str] = []
        for cell in row:
            column = _column(cell.get("r", ""))
            cells += [""] * (max(column, len(cells)) - len(cells))
            value = next((each.text or "" for each in cell if each.tag.endswith("}v")), "")
            cells.append(shared[int(value)] if cell.get("t") == "s" else value or _text_of(cell))
        rows.append(cells)
    return rows


def _column(reference: str) -> int:
    number = 0
    for letter in re.sub(r"[^A-Z]", "", reference)[:3]:
        number = number * 26 + ord(letter) - 64
    return max(number - 1, 0)


def _text_of(element: object) -> str:
    return "".join(each.text or "" for each in element.iter() if each.tag.endswith("}t"))  # type: ignore[attr-defined]


def _rated(path: Path, rating: int, text: int, what: str) -> Labelled:
    texts, labels = [], []
    try:
        content = path.read_bytes()
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        lines = content.decode("utf-16" if wide else "utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise BadInput(f"Cannot read {path} as {what}: name the unpacked file.") from error
    for line in lines:
        fields = line.split("\t")
        if len(fields) > text and fields[rating].strip() in "12345" and fields[rating].strip():
            texts.append(fields[text])
            labels.append(int(fields[rating]) - 1)
    if not texts:
        raise BadInput(f"{path.name} is not {what}: no line has a rating of 1 to 5 where it should be.")
    return Labelled(texts, labels, ("1", "2", "3", "4", "5"))
