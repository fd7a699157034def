"""What runs in a job's own process: one verb on the files of one job, or the description of a paper's verbs.

``python -m hotpapers.web.worker ORDER.json`` reads nothing but the order that the server wrote into the job's folder,
and answers with ``report.json`` beside it. The server thus never imports a paper, nor what a paper needs.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Literal

import msgspec

from hotpapers import verbs
from hotpapers.errors import HotpapersError
from hotpapers.files import written_whole

REPORT = "report.json"
HIDDEN = ("out", "device", "resume")
"""Parameters that a form never offers: where results go, and what they are computed on, is the server's to say."""

Widget = Literal["file", "model", "number", "whole number", "yes or no", "choice", "words"]


class Field(msgspec.Struct, frozen=True):
    """One parameter of a verb as a form offers it. ``kind`` says what a ``file`` must hold."""

    name: str
    widget: Widget
    help: str = ""
    kind: str | None = None
    required: bool = False
    default: Any = None
    choices: list[str | int | float | bool] = []


class Face(msgspec.Struct, frozen=True):
    """A verb as a form offers it; ``error`` stands in for the fields where the verb cannot be loaded."""

    name: str
    summary: str
    fields: list[Field] = []
    makes_model: bool = False
    error: str | None = None
    http_status: int = 200


class Order(msgspec.Struct, frozen=True):
    """What a process is to do: call ``verbs[verb]`` with ``arguments``; without ``verb``, describe all ``verbs``."""

    paper: str
    verbs: dict[str, tuple[str, str]]
    extras: tuple[str, ...] = ()
    verb: str | None = None
    arguments: dict[str, Any] = {}
    out: str | None = None
    server: int = msgspec.field(default_factory=os.getpid)
    """The process that wrote the order; its end is the worker's end."""


class Report(msgspec.Struct, frozen=True):
    """What a process did: an outcome, the faces of a paper's verbs, or the one line that says why not."""

    files: dict[str, str] = {}
    numbers: dict[str, Any] = {}
    note: str = ""
    faces: list[Face] = []
    error: str | None = None
    http_status: int = 200


def main(order_file: Path) -> int:
    """Do what ``order_file`` says and write the report beside it; return the exit code."""
    order = msgspec.json.decode(order_file.read_bytes(), type=Order)
    _leave_with(order.server)
    _bound_files(gigabytes=4)
    report = _guarded(order)
    with written_whole(order_file.parent / REPORT) as temporary:
        temporary.write_bytes(msgspec.json.encode(report))
    return 0 if report.error is None else 1


def _guarded(order: Order) -> Report:
    try:
        return _call(order) if order.verb else Report(faces=[_face(order, name) for name in order.verbs])
    except HotpapersError as error:
        return Report(error=" ".join(str(error).split()), http_status=error.http_status)
    except MemoryError:
        return Report(error=f"{order.paper} {order.verb} ran out of memory; try a smaller input.", http_status=413)
    except Exception as error:  # a defect of ours: the traceback goes to the job's log, one line to the user
        traceback.print_exc()
        return Report(error=f"{order.paper} {order.verb} failed by a defect of ours ({type(error).__name__}).",
                      http_status=500)  # fmt: skip


def _call(order: Order) -> Report:
    verb = _load(order, order.verb or "")
    known = {parameter.name: parameter for parameter in verbs.parameters(verb)}
    arguments = {
        name: Path(value) if known[name].annotation is Path and value is not None else value
        for name, value in order.arguments.items()
    }
    if order.out is not None:
        arguments["out"] = Path(order.out)
    outcome = verb(**arguments)
    numbers = {name: value.item() if hasattr(value, "item") else value for name, value in outcome.numbers.items()}
    return Report({name: str(path) for name, path in outcome.files.items()}, numbers, outcome.note)


def _face(order: Order, name: str) -> Face:
    summary = verbs.describe(*order.verbs[name])
    try:
        parameters = verbs.parameters(_load(order, name))
    except HotpapersError as error:
        return Face(name, summary, error=str(error), http_status=error.http_status)
    out = next((each for each in parameters if each.name == "out"), None)
    # A verb's result is a model where its ``out`` says so, and for every verb of the name `train`.
    makes_model = out is not None and (out.kind == "model" or name.split("-")[0] == "train")
    return Face(name, summary, [_field(each) for each in parameters if each.name not in HIDDEN], makes_model)


def _field(parameter: verbs.Parameter) -> Field:
    widget: Widget = "words"
    if parameter.kind == "model":
        widget = "model"
    elif parameter.annotation is Path:
        widget = "file"
    elif parameter.choices:
        widget = "choice"
    else:
        plain: dict[Any, Widget] = {bool: "yes or no", int: "whole number", float: "number"}
        widget = plain.get(parameter.annotation, "words")
    default = parameter.default if isinstance(parameter.default, str | int | float | bool) else None
    return Field(parameter.name, widget, parameter.help, parameter.kind, parameter.required, default,
                 list(parameter.choices))  # fmt: skip


def _load(order: Order, name: str) -> Any:
    return verbs.load(*order.verbs[name], order.extras, what=f"{order.paper} {name}")


def _leave_with(server: int) -> None:
    """End this process group when the server is gone, however it went."""

    def watch() -> None:
        while os.getppid() == server:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _bound_files(gigabytes: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (gigabytes << 30, gigabytes << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
