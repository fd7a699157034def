"""The forms: one Gradio page a paper, one tab a verb, each field made from the verb's signature and docstring.

A page is built when it is first asked for. A form submits to the same pool as the HTTP interface and follows its job;
what it shows of results is plain HTML that points to the job's files.
"""

import asyncio
import contextlib
import html
import inspect
import mimetypes
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from hotpapers import __version__
from hotpapers.cards import Card
from hotpapers.digest.commands import has_store
from hotpapers.errors import HotpapersError
from hotpapers.web import intake
from hotpapers.web.faces import Faces
from hotpapers.web.guard import refuse
from hotpapers.web.jobs import Job, Jobs
from hotpapers.web.site import POLICY
from hotpapers.web.worker import Face, Field

if TYPE_CHECKING:
    import gradio as gr

NEEDED = re.compile(
    r"/?(|config|theme\.css|favicon\.ico|manifest\.json|(assets|static|svelte)/.*"
    r"|gradio_api/(upload|upload_progress|reset|cancel|startup-events|run/predict|queue/(join|data)|heartbeat/[\w-]+|file=.*))"
)
"""What a form needs of Gradio's routes; the others (proxying, monitoring, sharing, interfaces) are closed."""

SHOWN = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".wav", ".flac", ".ogg", ".mp3", ".mp4", ".webm")
"""Results that a browser can show; everything else is downloaded."""

_templates = Environment(
    loader=PackageLoader("hotpapers.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals |= {"policy": POLICY, "live": True, "version": __version__, "root": "/", "path": "", "here": "try",
                       "feeds": ()}  # fmt: skip


COLOUR_SCHEME = """() => {
  const chosen = localStorage.getItem("colours");
  if (chosen !== "light" && chosen !== "dark") return;
  document.documentElement.dataset.colours = chosen;
  document.body.classList.toggle("dark", chosen === "dark");
}"""
"""The reader's choice of colours on the site's pages holds in the forms too."""
COLOURS = {
    "body_background_fill": "var(--ground)", "body_text_color": "var(--ink)", "body_text_color_subdued": "var(--soft)",
    "background_fill_primary": "var(--raised)", "background_fill_secondary": "var(--ground)",
    "block_background_fill": "var(--raised)", "block_border_color": "var(--line)",
    "block_info_text_color": "var(--soft)", "block_title_text_color": "var(--ink)",
    "border_color_primary": "var(--line)", "border_color_accent": "var(--accent)", "color_accent": "var(--accent)",
    "color_accent_soft": "var(--none-ground)", "link_text_color": "var(--accent)",
    "input_background_fill": "var(--ground)", "input_border_color": "var(--line)",
    "input_border_color_focus": "var(--accent)", "input_placeholder_color": "var(--soft)",
    "checkbox_background_color_selected": "var(--accent)", "checkbox_border_color": "var(--soft)",
    "button_primary_background_fill": "var(--accent)", "button_primary_background_fill_hover": "var(--accent)",
    "button_primary_text_color": "var(--ground)", "button_primary_text_color_hover": "var(--ground)",
    "button_secondary_background_fill": "var(--none-ground)", "button_secondary_text_color": "var(--ink)",
    "button_secondary_background_fill_hover": "var(--line)",
}  # fmt: skip
"""The site's palette in Gradio's words; each holds for light and dark, as the palette itself has both."""


def render(template: str, **facts: Any) -> str:
    """Return one of the live site's own pages or parts of pages as HTML."""
    return _templates.get_template(f"live/{template}").render(**{"archive": has_store(), **facts})


class Forms:
    """The ASGI application under ``/try``: each paper's page, built on first request."""

    def __init__(self, jobs: Jobs, faces: Faces, cards: Mapping[str, Card], room: Path, upload_mb: float) -> None:
        self.jobs, self.faces, self.cards, self.upload_mb = jobs, faces, cards, upload_mb
        self._mounts: dict[str, Mount] = {}
        self._building = asyncio.Lock()
        self._running = contextlib.AsyncExitStack()
        self._uploads = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a form, its parts, or the list of forms."""
        slug, _, rest = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/").partition("/")
        if slug == "":
            await self._list(scope, receive, send)
        elif slug not in self.cards or not NEEDED.fullmatch(rest):
            await refuse(send, 404, "There is nothing at this address.")
        elif rest == "" and not scope["path"].endswith("/"):
            await RedirectResponse(f"/try/{slug}/")(scope, receive, send)
        else:
            try:
                mount = await self._mount(self.cards[slug])
            except HotpapersError as error:
                await refuse(send, error.http_status, str(error))
                return
            _, child = mount.matches(scope)
            scope.update(child)
            await mount.handle(scope, receive, send)

    async def close(self) -> None:
        """End what the pages run in the background."""
        await self._running.aclose()

    async def _list(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import HTMLResponse

        papers = [(card, {name: card.verb_summary(name) for name in card.verbs}) for card in self.cards.values()]
        await HTMLResponse(render("index.html", papers=papers))(scope, receive, send)

    async def _mount(self, card: Card) -> Mount:
        async with self._building:
            if card.slug not in self._mounts:
                faces = await self.faces.of(card)
                # The first import of Gradio takes seconds; other requests go on meanwhile.
                await asyncio.to_thread(import_gradio, self._uploads)
                page = build_page(card, faces, self.jobs)
                app = _as_application(page, f"/try/{card.slug}", self.upload_mb)
                await self._running.enter_async_context(app.router.lifespan_context(app))
                page.run_startup_events()
                await page.run_extra_startup_events()
                self._mounts[card.slug] = Mount(f"/{card.slug}", app=app)
            return self._mounts[card.slug]


def build_page(card: Card, faces: Mapping[str, Face], jobs: Jobs) -> "gr.Blocks":
    """Return the page of a paper: a tab for each of its verbs."""
    import gradio as gr

    models: list[gr.Dropdown] = []
    with gr.Blocks(title=f"{card.slug} · hotpapers", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.HTML(render("header.html", card=card), elem_classes="opening", padding=False)
        with gr.Tabs():
            runs = [_tab(card, face, jobs, models) for face in faces.values()]

        if models:

            def newest() -> Any:
                names = intake.model_names(card.slug)
                updates = [gr.update(choices=names, value=names[0] if names else None) for _ in models]
                return updates if len(updates) > 1 else updates[0]

            # A model that was just trained is at once the first choice of the other tabs.
            page.load(newest, outputs=models, queue=False, api_visibility="private", show_progress="hidden")
            for run, face in zip(runs, faces.values(), strict=True):
                if face.makes_model and run is not None:
                    run.then(newest, outputs=models, api_visibility="private", show_progress="hidden")
    return page


def _tab(card: Card, face: Face, jobs: Jobs, models: "list[gr.Dropdown]") -> Any:
    import gradio as gr

    with gr.Tab(_words(face.name), id=face.name):
        gr.HTML(f"<p>{html.escape(face.summary)}</p>", elem_classes="summary", padding=False)
        if face.error is not None:
            gr.HTML(_error(face.error))
            return None
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                shown = [field for field in face.fields if field.required or field.widget in ("file", "model")]
                folded = [field for field in face.fields if field not in shown]
                opens_with = {
                    name: card.example_file(example) or example
                    for name, example in card.examples.get(face.name, {}).items()
                }
                widgets = {field.name: _widget(field, models, opens_with.get(field.name)) for field in shown}
                if face.makes_model:
                    widgets["name"] = gr.Textbox(
                        label="Name of the model",
                        info="The other tabs find the trained model under this name.",
                        placeholder="my-model",
                        max_lines=1,
                    )
                if folded:
                    with gr.Accordion("Settings", open=False):
                        widgets |= {field.name: _widget(field, models, opens_with.get(field.name)) for field in folded}
                with gr.Row():
                    start = gr.Button(_words(face.name), variant="primary", min_width=120)
                    stop = gr.Button("Cancel", variant="secondary", min_width=120, interactive=False)
            with gr.Column(scale=7, min_width=320):
                result = gr.HTML(render("waiting.html"), elem_classes="result", padding=False)
        job_id = gr.State("")

        async def follow(*values: Any) -> AsyncIterator[tuple[Any, ...]]:
            async for told, job in _follow(jobs, card, face, dict(zip(widgets, values, strict=True))):
                busy = job is not None and not job.over
                yield told, job.id if job else "", gr.update(interactive=not busy), gr.update(interactive=busy)

        def cancel(chosen: str) -> None:
            with contextlib.suppress(HotpapersError):
                jobs.cancel(jobs.find(chosen))

        run = start.click(follow, list(widgets.values()), [result, job_id, start, stop], api_visibility="private",
                          concurrency_limit=None, show_progress="hidden")  # fmt: skip
        stop.click(cancel, job_id, None, queue=False, api_visibility="private", show_progress="hidden")
    return run


async def _follow(
    jobs: Jobs, card: Card, face: Face, values: Mapping[str, Any]
) -> AsyncIterator[tuple[str, Job | None]]:
    """Submit a job and yield what to show of it until it is over."""
    with contextlib.ExitStack() as opened:
        try:
            given = {name: _as_given(value, opened) for name, value in values.items()}
            job = await asyncio.to_thread(intake.submit, jobs, card, face, given)
        except HotpapersError as error:
            yield _error(str(error)), None
            return
    told = ""
    while not job.over:
        now = show_job(jobs, job)
        if now != told:
            yield now, job
        told = now
        await asyncio.sleep(0.25)
    yield show_job(jobs, job), job


def show_job(jobs: Jobs, job: Job) -> str:
    """Return the HTML of a job: its progress, its results, or the line that says why there are none."""
    base = f"/api/jobs/{quote(job.id)}/files/"
    results = []
    for name, path in job.files.items() if job.state == "done" else ():
        kind = (mimetypes.guess_type(name)[0] or "").partition("/")[0] if path.suffix.lower() in SHOWN else ""
        results.append({"kind": kind, "name": name, "label": _words(job.labels[name]), "url": base + quote(name),
                        "size": _size(path.stat().st_size)})  # fmt: skip
    preview = job.preview() if job.state == "running" else None
    numbers = {
        _words(name): f"{value:.6g}" if isinstance(value, float) else str(value)
        for name, value in job.report.numbers.items()
        if value != ""
    }
    return render(
        "job.html",
        job=job,
        progress={"title": "", "done": 0, "total": None, "note": "", **(job.progress() or {})},
        position=jobs.position(job) if job.state == "queued" else 0,
        preview=f"{base}preview.png?{preview.stat().st_mtime_ns}" if preview else None,
        results=results,
        numbers=numbers,
    )


def _widget(field: Field, models: "list[gr.Dropdown]", example: Any) -> Any:
    import gradio as gr

    label, info = _words(field.name), re.sub(r"``([^`]*)``", r"`\1`", field.help)
    if field.widget == "file":
        return _file_widget(field, label, info, example)
    if field.widget == "model":
        with warnings.catch_warnings(action="ignore"):  # that there is no choice yet: the page fills it when it loads
            models.append(gr.Dropdown([], value=None, label=label, info=info or "A model that was trained here."))
        return models[-1]
    widget: Any
    opens_with = field.default if example is None else example
    if field.widget == "choice":
        choices: list[Any] = [str(each) for each in field.choices]
        value = None if opens_with is None else str(opens_with)
        if value is None and not field.required:
            choices, value = [("automatic", ""), *choices], ""
        widget = gr.Dropdown(choices, value=value, label=label, info=info)
    elif field.widget == "yes or no":
        widget = gr.Checkbox(str(opens_with).lower() == "true", label=label, info=info)
    elif field.widget in ("number", "whole number") and field.default is not None:
        whole = field.widget == "whole number"
        widget = gr.Number(int(opens_with) if whole else float(opens_with), label=label, info=info,
                           precision=0 if whole else None, step=1 if whole else 0.01)  # fmt: skip
    elif field.widget in ("number", "whole number"):
        # Gradio's number cannot be empty, and empty leaves the choice to the verb.
        widget = gr.Textbox(example, label=label, info=info, max_lines=1,
                            placeholder="" if field.required else "automatic")  # fmt: skip
    else:
        widget = gr.Textbox(opens_with, label=label, info=info, lines=1)
    return widget


def _file_widget(field: Field, label: str, info: str, example: Any) -> Any:
    """Return an upload, with the example in it; the words stand above it, as Gradio has no place for them there."""
    import gradio as gr

    if field.kind == "text":
        return gr.Textbox(example.read_text(encoding="utf-8") if example else None, label=label, info=info, lines=5)
    optional = "" if field.required else " (optional)"
    gr.HTML(f"<p><b>{html.escape(label)}{optional}</b> {html.escape(info).replace('`', '')}</p>",
            elem_classes="words", padding=False)  # fmt: skip
    common: dict[str, Any] = {"label": label, "show_label": False, "elem_classes": f"field-{field.name}"}
    if example:
        # Gradio shows files of its own folder alone, and keeps what a widget opens with.
        folder = Path(tempfile.mkdtemp(prefix="example-", dir=os.environ["GRADIO_TEMP_DIR"]))
        common["value"] = shutil.copy(example, folder)
    widget: Any
    if field.kind == "image":
        widget = gr.Image(type="filepath", image_mode=None, sources=["upload", "clipboard"], buttons=["fullscreen"],
                          height=260 if field.required else 180, **common)  # fmt: skip
    elif field.kind == "sound":
        widget = gr.Audio(type="filepath", sources=["upload", "microphone"], **common)
    elif field.kind == "video":
        widget = gr.Video(sources=["upload"], **common)
    else:
        widget = gr.File(type="filepath", height=140, **common)
    # Gradio would decode, turn and re-encode here; the verb gets the very file that was sent, under its own name.
    widget.preprocess = _keep_file
    return widget


def _keep_file(payload: Any) -> tuple[str, str] | None:
    payload = getattr(payload, "video", payload)
    if payload is None or not payload.path:
        return None
    return payload.path, payload.orig_name or Path(payload.path).name


def _as_given(value: Any, opened: contextlib.ExitStack) -> Any:
    """Return a widget's value as ``intake`` takes it; an upload's path must lie where Gradio keeps uploads."""
    if not isinstance(value, tuple):
        return value
    path, name = Path(value[0]).resolve(), value[1]
    if not path.is_relative_to(Path(os.environ["GRADIO_TEMP_DIR"]).resolve()):
        raise HotpapersError("The upload is not here any more; choose the file again.")
    return intake.Upload(name, opened.enter_context(path.open("rb")))


def import_gradio(uploads: Path) -> None:
    """Import Gradio, which takes seconds, set to keep uploads in ``uploads`` and to ask no other host."""
    # Both are read at import or at build: no calls home, and uploads in the server's own folder.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    uploads.mkdir(parents=True, exist_ok=True)
    import gradio  # noqa: F401


def _as_application(page: "gr.Blocks", path: str, upload_mb: float) -> Any:
    """Return the ASGI application of a page with all of Gradio's extras off and system fonts only."""
    import gradio as gr
    from fastapi import FastAPI

    theme = gr.themes.Base(font=["var(--sans)"], font_mono=["var(--mono)"], radius_size="sm")
    takes = inspect.signature(theme.set).parameters
    dark = {f"{name}_dark": colour for name, colour in COLOURS.items() if f"{name}_dark" in takes}
    theme.set(**COLOURS, **dark)
    here = Path(__file__).parent
    site_css = (here / "static" / "site.css").read_text(encoding="utf-8")
    css = "\n".join(
        [*re.findall(r"^:root[^{]*\{[^}]*\}", site_css, flags=re.MULTILINE)[:3],
         (here / "static" / "live.css").read_text(encoding="utf-8"),
         (here / "templates" / "live" / "forms.css").read_text(encoding="utf-8")]
    )  # fmt: skip
    outer = gr.mount_gradio_app(FastAPI(), page, path, footer_links=[], run_history=False, show_error=False,
                                max_file_size=int(upload_mb * 2**20), ssr_mode=False, enable_monitoring=False,
                                pwa=False, mcp_server=False, theme=theme, css=css,
                                js=COLOUR_SCHEME)  # fmt: skip
    # Only a launched page holds the paths that clients name against its folder of uploads; mounting does not launch.
    page.has_launched = True
    return next(route.app for route in outer.routes if isinstance(route, Mount))


def _error(sentence: str) -> str:
    return f'<div class="job"><p class="error" role="alert">{html.escape(" ".join(sentence.split()))}</p></div>'


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]  # what is written in capitals stays so


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, count >> 10)} kB"
