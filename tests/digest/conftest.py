"""Stores to test on: SQLite, and a PostgreSQL server that the tests start for themselves."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from hotpapers.digest.store import open_store

POSTS = Path(__file__).parents[3] / "shared" / "digest" / "posts"


@pytest.fixture(scope="session")
def archive() -> Path:
    if not POSTS.is_dir():
        pytest.skip("the blog's posts are not beside this checkout (../shared/digest/posts)")
    return POSTS


@pytest.fixture(scope="session")
def postgres():
    """Start a server in a folder of its own, reached through a socket in it; give its address without a database."""
    found = [shutil.which("initdb"), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)]
    if not any(found):
        words = "PostgreSQL is not installed here (no initdb)"
        if os.environ.get("HOTPAPERS_REQUIRE_POSTGRES") == "1":
            pytest.fail(words)
        pytest.skip(words)
    programs = Path(next(filter(None, found))).resolve().parent
    room = Path(tempfile.mkdtemp(prefix="hotpapers-postgres-"))
    # PostgreSQL refuses to run as root.
    user = ("postgres" if _exists("postgres") else "nobody") if os.geteuid() == 0 else None
    if user:
        shutil.chown(room, user)
    data = room / "data"
    run = {"user": user, "cwd": room, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    initdb = [programs / "initdb", "-D", data, "-U", "hotpapers", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    server = None
    try:
        subprocess.run(initdb, check=True, **run)
        options = ["listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        settings = [word for option in options for word in ("-c", option)]
        server = subprocess.Popen([programs / "postgres", "-D", data, "-k", room, *settings], **run)
        _wait_for(room)
        yield f"postgresql://hotpapers@/{{}}?host={room}"
    finally:
        if server:
            server.send_signal(signal.SIGINT)  # do not wait for those who are connected
            server.wait(timeout=30)
        shutil.rmtree(room, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Give the address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.sqlite"
        return
    psycopg = pytest.importorskip("psycopg")
    server = request.getfixturevalue("postgres")
    name = f"store_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.format(name)


@pytest.fixture
def store(address):
    with open_store(address) as opened:
        yield opened


def _exists(user: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False


def _wait_for(room: Path) -> None:
    import psycopg

    for _ in range(100):
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://hotpapers@/postgres?host={room}").close()
            return
        time.sleep(0.1)
    pytest.fail("the tests' own PostgreSQL did not start")
