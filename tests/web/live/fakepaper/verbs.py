"""The verbs of a paper that is not there."""

import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Literal

from PIL import Image, ImageEnhance

from hotpapers import progress
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.verbs import Device, ImageFile, Model, Outcome, TextFile


def brighten(
    image: ImageFile,
    *,
    mask: ImageFile | None = None,
    strength: float = 1.5,
    steps: int = 3,
    pause: float = 0.0,
    tone: Literal["warm", "cold"] = "warm",
    loudly: bool = False,
    title: str = "",
    seed: int | None = None,
    out: Path | None = None,
    device: Device = "auto",
) -> Outcome:
    """Brighten a photograph, slowly.

    Parameters
    ----------
    image
        The photograph, at least 16 pixels wide.
    mask
        Where to brighten.
    strength
        How much brighter, 1 leaves it.
    steps
        How many ``steps`` to take.
    pause
        Seconds to wait at each step.
    tone
        The tone.
    loudly
        Whether to shout.
    title
        What to write in the <b>corner</b>.
    """
    picture = Image.open(image).convert("RGB")
    if picture.width < 16:
        raise BadInput(f"{image} is {picture.width} pixels wide; brightening needs 16 at least.")
    out = out or image.with_name(f"{image.stem}.brighter.png")
    with progress.bar("Brightening", steps) as bar:
        for step in range(steps):
            picture.resize((32, 32)).save(out.with_name("preview.png"))
            time.sleep(pause)
            bar.update(step + 1, f"loss {1 / (step + 1):.3f}")
    with written_whole(out) as temporary:
        ImageEnhance.Brightness(picture).enhance(strength).save(temporary, "PNG")
    return Outcome({"brighter": out}, {"steps": steps, "strength": strength, "tone": tone, "title": title},
                   f"Loudly: {loudly}.")  # fmt: skip


def train(image: ImageFile, *, steps: int = 2, out: Path | None = None, resume: bool = False) -> Outcome:
    """Learn the mean colour of a photograph.

    Parameters
    ----------
    image
        The photograph.
    steps
        Training steps.
    """
    out = out or image.with_suffix(".model")
    for _ in progress.track(range(steps), "Learning"):
        pass
    (out / "model").mkdir(parents=True)
    (out / "model" / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    (out / "model" / "checkpoint.pt").write_bytes(b"pickled")
    (out / "model" / "link.json").symlink_to("/etc/hostname")
    (out / "model" / "config.json").write_text(json.dumps({"mean": Image.open(image).resize((1, 1)).getpixel((0, 0))}))
    return Outcome({"model": out / "model"}, {"steps": steps}, "Now fill a picture with it.")


def fill(model: Model, *, width: int = 64, out: Path | None = None) -> Outcome:
    """Fill a picture with the colour that a model learnt."""
    colour = tuple(json.loads((model / "config.json").read_text())["mean"])[:3]
    out = out or model.with_name(f"{model.name}.filled.png")
    Image.new("RGB", (width, width), colour).save(out)
    return Outcome({"filled": out})


def speak(text: TextFile, *, out: Path | None = None) -> Outcome:
    """Say a text as silence of its length."""
    out = out or text.with_suffix(".wav")
    with wave.open(str(out), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * len(text.read_text())))
    return Outcome({"speech": out}, {"letters": len(text.read_text())}, f"Hear it:\n    play {out}")


def look(image: ImageFile, *, unit: Literal["pixels", "megapixels"] | None = None) -> Outcome:
    """Say how large a picture is."""
    width, height = Image.open(image).size
    return Outcome({}, {"size": f"{width * height / 1e6} MP" if unit == "megapixels" else f"{width} x {height}"})


def misbehave(how: Literal["crash", "hang", "leave", "grow", "steal", "script", "spawn"]) -> Outcome:
    """Do what no verb should."""
    here = Path.cwd()
    if how == "crash":
        raise RuntimeError("<script>secret of the server</script>")
    if how == "leave":
        os._exit(3)
    if how == "hang":
        time.sleep(600)
    if how == "grow":
        hoard = [b"x" * (8 << 20) for _ in range(40)]
        time.sleep(600)
        return Outcome({}, {"hoard": len(hoard)})
    if how == "spawn":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (here / "child.txt").write_text(str(child.pid))
        return Outcome({"child": here / "child.txt"})
    if how == "steal":
        (here / "link.txt").symlink_to("/etc/hostname")
        return Outcome({"system": Path("/etc/hostname"), "link": here / "link.txt"})
    (here / "<b>.html").write_text("<script>alert(1)</script>")
    return Outcome({"<i>page</i>": here / "<b>.html"}, {"<u>n": "<img src=x onerror=alert(1)>"},
                   "<script>1</script> ${40 + 2} {{40 + 2}}")  # fmt: skip
