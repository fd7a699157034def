"""Parquet: an edition as a table, a row a paper; its posts and the parts of its score are lists in the row."""

import io

from hotpapers.digest.edition import Edition
from hotpapers.digest.publish import words
from hotpapers.digest.publish.facts import rows
from hotpapers.errors import MissingExtra


def publish(edition: Edition) -> bytes:
    """Return the edition as a Parquet file.

    Raises
    ------
    MissingExtra
        If pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MissingExtra("Writing Parquet", ("tables",)) from error
    strings, whole, number = pyarrow.list_(pyarrow.string()), pyarrow.int64(), pyarrow.float64()
    string = pyarrow.string()
    moment = pyarrow.timestamp("us", tz="UTC")
    part = pyarrow.struct({"name": string, "value": number, "note": string})
    post = pyarrow.struct({"author": string, "made": string, "text": string, "url": string})
    schema = pyarrow.schema({
        "date": pyarrow.date32(), "last": pyarrow.date32(), "method": string, "rank": pyarrow.int32(), "arxiv": string,
        "title": string, "authors": strings, "categories": strings, "abstract": string, "abstract_url": string,
        "pdf_url": string, "score": number, "parts": pyarrow.list_(part), "reposts": whole, "likes": whole,
        "counted": moment, "posts": pyarrow.list_(post),
    })  # fmt: skip
    every = {"date": edition.first, "last": edition.last, "method": edition.method}
    table = pyarrow.Table.from_pylist([{**every, **row} for row in rows(edition)], schema=schema)
    written = io.BytesIO()
    parquet.write_table(table, written, compression="zstd")
    return written.getvalue()


def file_name(edition: Edition) -> str:
    """Return the usual name of such a file."""
    return f"{words.address_name(edition)}.parquet"
