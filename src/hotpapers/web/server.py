"""The live site: the static pages, a form for each verb (``/try/<paper>``) and the same as a plain HTTP interface.

``POST /api/<paper>/<verb>`` starts a job, ``GET /api/jobs/<id>`` says where it stands and what it made,
``GET /api/jobs/<id>/files/<name>`` gives a result, ``DELETE /api/jobs/<id>`` cancels. ``GET /search?q=WORDS`` searches
the archive.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from markupsafe import Markup
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from hotpapers.cards import Card, all_cards
from hotpapers.console import say
from hotpapers.errors import BadInput, HotpapersError
from hotpapers.files import home
from hotpapers.web import intake
from hotpapers.web.faces import Faces
from hotpapers.web.finder import Finder, NotHere
from hotpapers.web.forms import SHOWN, Forms, import_gradio, render, show_job
from hotpapers.web.guard import Guard
from hotpapers.web.jobs import Job, Jobs

log = logging.getLogger("hotpapers.web")


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    workers: int = 1,
    queue: int = 16,
    upload_mb: float = 32,
    job_seconds: float = 900,
    site: Path | None = None,
) -> None:
    """Serve the site until interrupted.

    Parameters
    ----------
    host
        The address to listen on; only this machine can reach the default.
    port
        The port to listen on.
    workers
        Jobs that run at once.
    queue
        Jobs that may wait; more are refused.
    upload_mb
        The most that a request may bring, in megabytes.
    job_seconds
        The longest that a job may take, in seconds.
    site
        A built site to serve; the site is built afresh when left out.

    Raises
    ------
    BadInput
        If a limit makes no sense, ``site`` holds no pages, or the port cannot be listened on.
    """
    import uvicorn

    if workers < 1 or queue < 1 or upload_mb <= 0 or job_seconds <= 0:
        raise BadInput("workers, queue, upload_mb and job_seconds must all be above zero.")
    if site is not None and not (site / "index.html").is_file():
        raise BadInput(f"{site} holds no built site: `hotpapers site build --out {site}` makes one.")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # so that a client may come as soon as the address is said
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise BadInput(f"Cannot listen on {host} port {port}: {reason}; choose another with --port.") from error
    with contextlib.ExitStack() as rooms:
        rooms.callback(listener.close)
        room = work_folder()
        rooms.callback(shutil.rmtree, room, ignore_errors=True)
        if site is None:
            from hotpapers.web.site import build_site

            site = room / "site"
            build_site(site, live=True)
        app = create_app(site, room, host=host, workers=workers, queue=queue, upload_mb=upload_mb,
                         job_seconds=job_seconds)  # fmt: skip
        # The first form would wait for this import otherwise.
        threading.Thread(target=import_gradio, args=(room / "gradio",), daemon=True).start()
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal that ended it once more; by then there are folders to remove.
            rooms.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)))
            rooms.enter_context(contextlib.suppress(KeyboardInterrupt))
        # Open streams to browsers would hold up the end for ever.
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3, server_header=False)
        say(f"Serving on http://{host}:{listener.getsockname()[1]} (Ctrl-C ends it)")
        uvicorn.Server(config).run(sockets=[listener])


def create_app(
    site: Path,
    room: Path,
    *,
    host: str = "127.0.0.1",
    workers: int = 1,
    queue: int = 16,
    upload_mb: float = 32,
    job_seconds: float = 900,
    cards: Mapping[str, Card] | None = None,
) -> FastAPI:
    """Return the application that serves ``site`` and keeps its jobs under ``room`` until it is shut down."""
    cards = all_cards() if cards is None else cards
    jobs = Jobs(room / "jobs", workers=workers, queue=queue, seconds=job_seconds, finish=intake.finish)
    faces = Faces(room / "faces", cards)
    forms = Forms(jobs, faces, cards, room / "gradio", upload_mb)
    finder = Finder()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.to_thread(jobs.close)
            await forms.close()
            finder.close()

    app = FastAPI(title="hotpapers", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(Guard, host=host, upload_mb=upload_mb)
    app.add_exception_handler(HotpapersError, _one_line)
    _add_interface(app, jobs, faces, cards)

    @app.get("/jobs/{job_id}")
    async def job_page(job_id: str) -> Response:
        job = jobs.find(job_id)
        page = render("job_page.html", card=cards[job.paper], job=job, shown=Markup(show_job(jobs, job)))  # noqa: S704
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    @app.get("/search")
    async def search(q: str = "") -> Response:
        page = await asyncio.to_thread(finder.page, q)
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    @app.get("/favicon.ico")
    async def icon() -> Response:
        return FileResponse(Path(__file__).parent / "static" / "icon.svg")

    app.mount("/try", forms)
    app.mount("/", StaticFiles(directory=site, html=True))
    app.state.jobs, app.state.faces = jobs, faces
    return app


def work_folder() -> Path:
    """Return a new private folder for a server's files; folders that dead servers left are removed."""
    import psutil

    parent = home() / "serve"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.iterdir():
            if not (left.name.partition("-")[0].isdigit() and psutil.pid_exists(int(left.name.partition("-")[0]))):
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    except OSError as error:
        raise BadInput(f"Cannot write {parent}: {error.strerror}. Set HOTPAPERS_HOME to another folder.") from error


def _add_interface(app: FastAPI, jobs: Jobs, faces: Faces, cards: Mapping[str, Card]) -> None:
    @app.get("/api/jobs/{job_id}")
    async def job_state(job_id: str) -> Response:
        return _json(describe_job(jobs, jobs.find(job_id)))

    @app.delete("/api/jobs/{job_id}")
    async def cancel_job(job_id: str) -> Response:
        job = jobs.find(job_id)
        jobs.cancel(job)
        return _json(describe_job(jobs, job))

    @app.get("/api/jobs/{job_id}/files/{name}")
    async def job_file(job_id: str, name: str) -> Response:
        job = jobs.find(job_id)
        path = job.preview() if name == "preview.png" and name not in job.files else job.files.get(name)
        if path is None or not path.is_file():
            raise NotHere("The job has made no file of that name.")
        inline = path.suffix.lower() in SHOWN
        return FileResponse(path, filename=None if inline else path.name, headers={"cache-control": "no-store"})

    @app.get("/api/{slug}")
    async def paper(slug: str) -> Response:
        card = _card(cards, slug)
        verbs = [_face_as_json(face) for face in (await faces.of(card)).values()]
        return _json({"paper": card.slug, "verbs": verbs, "models": intake.model_names(card.slug)})

    @app.post("/api/{slug}/{verb}")
    async def start_job(slug: str, verb: str, request: Request) -> Response:
        card = _card(cards, slug)
        if verb not in card.verbs:
            raise NotHere(f"{card.slug} has no verb {verb[:40]!r}; it has: {', '.join(card.verbs)}.")
        face = (await faces.of(card))[verb]
        jobs.refuse_when_full()
        given, form = await _read_form(request)
        try:
            job = await asyncio.to_thread(intake.submit, jobs, card, face, given)
        finally:
            await form.close()
        return _json(describe_job(jobs, job), 202, {"location": f"/api/jobs/{job.id}"})

    @app.api_route("/api/{rest:path}", methods=["GET", "POST", "DELETE", "PUT"])
    async def nothing(rest: str) -> Response:
        raise NotHere("There is nothing at this address.")


def describe_job(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Return a job's state as the HTTP interface words it."""
    base = f"/api/jobs/{job.id}"
    told: dict[str, Any] = {"job": job.id, "url": base, "paper": job.paper, "verb": job.verb, "state": job.state,
                            "seconds": round(job.seconds, 2), "progress": job.progress()}  # fmt: skip
    if job.state == "queued":
        told["waiting_before"] = jobs.position(job)
    if job.state == "running" and job.preview():
        told["preview"] = f"{base}/files/preview.png"
    if job.state == "done":
        told |= {"numbers": job.report.numbers, "note": job.report.note, "model": job.model, "files": [
            {"name": name, "label": job.labels[name], "url": f"{base}/files/{name}", "bytes": path.stat().st_size}
            for name, path in job.files.items()
        ]}  # fmt: skip
    if job.report.error is not None:
        told |= {"error": job.report.error, "http_status": job.report.http_status}
    return told


def _card(cards: Mapping[str, Card], slug: str) -> Card:
    if card := cards.get(slug.replace("-", "_")):
        return card
    raise NotHere(f"There is no paper {slug[:40]!r} here; there are: {', '.join(cards)}.")


def _face_as_json(face: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.to_builtins(face)


async def _read_form(request: Request) -> tuple[dict[str, Any], Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A form without fields has no body, and then no type either.
    if kind not in ("", "multipart/form-data", "application/x-www-form-urlencoded"):
        raise BadInput("Send the fields as multipart/form-data.")
    try:
        form = await request.form(max_files=20, max_fields=100)
    except HTTPException as error:
        raise BadInput(f"The form cannot be read: {error.detail}.") from error
    given: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in given:
            await form.close()
            raise BadInput(f"{name[:40]} is given twice.")
        given[name] = intake.Upload(value.filename or "", value.file) if isinstance(value, UploadFile) else value
    return given, form


def _json(facts: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    import msgspec

    # msgspec writes what is no number as null, which the standard encoder cannot.
    return Response(msgspec.json.encode(facts), status, {"cache-control": "no-store", **(headers or {})},
                    "application/json")  # fmt: skip


async def _one_line(_: Request, error: Exception) -> Response:
    status = error.http_status if isinstance(error, HotpapersError) else 500
    headers = {"retry-after": "30"} if status == 503 else None
    return JSONResponse({"error": " ".join(str(error).split())}, status, headers)
