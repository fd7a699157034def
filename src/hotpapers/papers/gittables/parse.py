"""The verb ``parse``: a CSV file as it is, read and written plainly, with an account of its lines."""

import json
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from hotpapers.files import written_whole
from hotpapers.papers.gittables import columns, reading, store
from hotpapers.verbs import AnyFile, Outcome


def parse(
    table: AnyFile,
    *,
    header: reading.Header = "detect",
    kind: Literal["csv", "parquet"] = "csv",
    out: Path | None = None,
) -> Outcome:
    """Read a CSV file whatever its encoding, delimiter, quotes and comments, and account for every line.

    A file that is larger than memory is read in blocks.

    Parameters
    ----------
    table
        The CSV file.
    header
        Whether the first row names the columns: judged, always (first), or never (none).
    kind
        What to write: a plain CSV file in UTF-8 with commas, or Parquet.
    out
        Where the table goes, with the account of its lines beside it.
    """
    table = Path(table)
    reader = reading.Reader(table, head=header)
    out = Path(out) if out else table.with_name(f"{table.stem}-table.{kind}")
    kinds = ["empty"] * len(reader.names)
    for block in reader.blocks():
        kinds = [
            columns.join(of, columns.kind(each, comma=reader.comma)) for of, each in zip(kinds, block, strict=True)
        ]
    dtypes = dict(zip(reader.names, map(columns.dtype, kinds), strict=True))
    schema = pa.schema([(name, columns.ARROW[of]) for name, of in dtypes.items()])
    account = reader.account
    with written_whole(out) as temporary, _writer(temporary, kind, schema) as writer:
        for block in reader.blocks():
            arrays = [columns.as_arrow(each, of) for each, of in zip(block, kinds, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    report = out.with_name(f"{out.stem}-account.json")
    with written_whole(report) as temporary:
        told = msgspec.to_builtins(account) | {"columns": dtypes}
        temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    numbers: dict[str, float | int | str] = {
        "rows": account.rows,
        "columns": len(dtypes),
        "encoding": account.encoding,
        "delimiter": repr(account.delimiter),
        "quote": account.quote or "none",
        "header": "first row" if account.header else "none",
        "lines": account.lines,
        "lines in rows": account.row_lines,
    }
    numbers |= {
        f"lines dropped, {reason}": f"{count}, from line {account.where[reason][0]}"
        for reason, count in account.dropped.items()
    }
    numbers |= {"rows filled up": account.padded} if account.padded else {}
    numbers |= {"bytes that are no characters": account.replaced} if account.replaced else {}
    return Outcome({"table": out, "account": report}, numbers)


def _writer(path: Path, kind: str, schema: pa.Schema) -> Any:
    if kind == "parquet":
        return pq.ParquetWriter(path, schema, compression="zstd")
    return store.csv_writer(path, schema)
