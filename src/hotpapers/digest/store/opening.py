"""Opening a store: which database, how it is set up, and bringing its tables up to date."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from hotpapers.errors import BadInput, MissingExtra
from hotpapers.files import home

NEWEST = "0003"
"""The last of ``migrations/versions``: a store that has it needs nothing done, and Alembic need not be loaded."""
_LOCK = 0x686F7470  # any number, as long as nobody else locks by it


def where(url: str | None = None) -> str:
    """Return the database's address: ``url``, else ``$HOTPAPERS_DATABASE_URL``, else a file in ``$HOTPAPERS_HOME``."""
    return url or os.environ.get("HOTPAPERS_DATABASE_URL") or f"sqlite:///{home() / 'digest.sqlite'}"


def connect(url: str) -> Engine:
    """Return an engine on the database, made ready for what the store does.

    Raises
    ------
    BadInput
        If the address is none, or of another database than SQLite and PostgreSQL.
    MissingExtra
        If the driver is not installed.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise BadInput(
            "HOTPAPERS_DATABASE_URL is no address: write sqlite:///FILE or postgresql://HOST/NAME."
        ) from error
    backend = address.get_backend_name()
    if backend == "sqlite":
        if address.database:
            _make_folder(Path(address.database))
        engine = create_engine(address, paramstyle="named")
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    if backend in ("postgresql", "postgres"):
        try:
            # Rows in a pipeline: many in one statement may not name a key twice, nor say how many are new.
            return create_engine(address.set(drivername="postgresql+psycopg"), use_insertmanyvalues=False)
        except ModuleNotFoundError as error:
            raise MissingExtra(f"A store on PostgreSQL (module {error.name})", ("digest", "postgres")) from error
    raise BadInput(f"A store cannot be kept in {backend}: HOTPAPERS_DATABASE_URL names SQLite or PostgreSQL.")


def bring_up_to_date(engine: Engine) -> None:
    """Run the migrations that the store lacks, in one transaction; two processes that do so wait for each other.

    Raises
    ------
    BadInput
        If the database cannot be reached, is none, or was made by a newer version.
    """
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            if _version(connection) == NEWEST:
                return
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            version = _version(connection)
            if version and version > NEWEST:
                raise BadInput(f"The store {shown} was made by a newer hotpapers: upgrade this one.")
            if version != NEWEST:
                migrate(connection)
    except OperationalError as error:
        raise BadInput(f"Cannot open the store {shown}: {_first_line(error)}.") from error
    except DatabaseError as error:
        raise BadInput(
            f"{shown} is no store of hotpapers ({_first_line(error)}): name another in HOTPAPERS_DATABASE_URL."
        ) from error


def migrate(connection: Connection, to: str = "head") -> None:
    """Bring the store to the version ``to`` within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    for pragma in ("busy_timeout = 60000", "journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer that began as a reader could not wait for another writer: it would fail at once.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"Cannot keep a store at {path}: {(error.strerror or '').lower()}.") from error


def _first_line(error: DatabaseError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".")
