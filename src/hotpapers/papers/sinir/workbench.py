"""The workbench: a trained model and a user's image side by side, and what a verb leaves of them.

A result keeps the image's size, transparency and bit depth. Beside it lie a picture of before and after, a sheet of all
start scales where they were tried, and the measurements as JSON.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hotpapers import run
from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.media import before_after, contact_sheet, read_image, read_mask, to_pixels, to_tensor, write_image
from hotpapers.papers.sinir.choose import Choice, choose_start_scale, measure
from hotpapers.papers.sinir.inference import candidates, manipulate, working_sizes
from hotpapers.papers.sinir.masks import SIGMA, soften
from hotpapers.papers.sinir.model import SinIR
from hotpapers.papers.sinir.pyramid import resize
from hotpapers.run.devices import make_fabric
from hotpapers.verbs import Outcome

SMALLEST_IMAGE = 8  # pixels
TRIAL_UP_TO = 3  # times the training size, where an image is worked at in its own size
SHOWN = 480  # pixels: the longer side of an image on a sheet


class Bench:
    """A model and an image to change, read and checked.

    Parameters
    ----------
    model, image, mask
        The user's files; ``model`` may also be a model that is here already.
    mask_radius
        How far the mask grows, in pixels at the size worked at.
    size
        Longer side that the networks work at; left out, that of the training, or with ``own_size`` the image's own.
    at_working_size
        Reduce the image and the mask to that size first, so that the result has it.

    Raises
    ------
    BadInput
        If a file cannot be used, or the settings do not fit the model or the image.
    """

    def __init__(
        self,
        model: Path | SinIR,
        image: Path,
        mask: Path | None = None,
        mask_radius: float = 0.0,
        *,
        size: int | None = None,
        own_size: bool = False,
        at_working_size: bool = False,
        device: str = "auto",
    ) -> None:
        if size is not None and not 16 <= size <= 16384:
            raise BadInput(f"The networks can work at 16 to 16384 pixels, not {size}: change --size.")
        if not 0 <= mask_radius <= 1000:
            raise BadInput(f"A mask can grow by 0 to 1000 pixels, not {mask_radius:g}: change --mask-radius.")
        place = compute_device(device)
        self.path, self.picture = Path(image), read_image(image, min_size=SMALLEST_IMAGE, needed_by="SinIR")
        self.alpha = self.picture.alpha
        height, width = self.picture.pixels.shape[:2]
        hard = None if mask is None else read_mask(mask, like=(height, width))
        self.model = (model if isinstance(model, SinIR) else load_model(Path(model))).to(place).eval()
        self.photograph = self.model.image[None].to(place).float() / 127.5 - 1
        trained = max(self.model.sizes[-1])
        self.size = size or (max(height, width) if own_size else trained)
        try:
            working = working_sizes(self.model, height, width, self.size)[-1]
            trial = min(self.size, TRIAL_UP_TO * trained if own_size else trained)
            self.trial_size = working_sizes(self.model, height, width, trial)[-1]
        except ValueError as error:
            raise BadInput(f"{self.path.name} is too narrow: {error}. Crop it, or raise --size.") from error
        self.x = to_tensor(self.picture.pixels).to(place) * 2 - 1
        if at_working_size and working != (height, width):
            self.x = resize(self.x, working, self.model.resampler).clamp(-1, 1)
            self.alpha, hard = (None if each is None else reduced(each, working) for each in (self.alpha, hard))
        grown = max(self.x.shape[-2:]) / self.size  # radius and blur are in pixels of the working size
        self.hard = None if hard is None else torch.from_numpy(hard).to(place)
        soft = None if hard is None else soften(hard, mask_radius * grown, SIGMA * grown)
        self.mask = None if soft is None else torch.from_numpy(soft).to(place)

    def change(
        self,
        suffix: str,
        out: Path | None,
        start_scale: int | None = None,
        *,
        last_net_only: bool = False,
        keep: bool = False,
    ) -> Outcome:
        """Manipulate the image, write all there is to show, and tell.

        Without a ``start_scale`` one is chosen; with ``keep`` of the finer half, so that what was pasted stays itself.
        """
        finest = len(self.model.nets) - 1
        if start_scale is not None and not 0 <= start_scale <= finest:
            raise BadInput(f"This model has start scales 0 to {finest}, not {start_scale}: change --start-scale.")
        out = Path(out) if out else self.beside(suffix)
        choice, extra = None, {}
        if start_scale is None:
            choice, tried = self._try_starts(last_net_only, (finest + 1) // 2 if keep else 0)
            start_scale = choice.start_scale
            extra["start scales"] = beside(out, "starts.png")
            write_image(extra["start scales"], self._sheet(tried, start_scale))
        result = manipulate(self.model, self.x, start_scale, self.mask, last_net_only, size=self.size)
        numbers: dict[str, float | int | str] = {
            "start scale": start_scale,
            "start scales": f"0 (changes most) to {finest}",
            "chosen by": choice.why if choice else "you",
        }
        return self.leave(
            out, result, extra, numbers | self._measured(result, start_scale, choice, last_net_only), choice
        )

    def show_starts(self, out: Path | None, *, last_net_only: bool = False) -> Outcome:
        """Write the sheet of all start scales and the measurements."""
        out = Path(out) if out else self.beside("starts")
        choice, tried = self._try_starts(last_net_only)
        write_image(out, self._sheet(tried, choice.start_scale))
        numbers: dict[str, float | int | str] = {"start scale": choice.start_scale, "chosen by": choice.why}
        kept = beside(out, "measurements.json")
        write_json(kept, numbers | measurements(choice))
        note = "Look for the start scale that you like, and name it with --start-scale."
        return Outcome({"sheet": out, "measurements": kept}, numbers, note)

    def leave(
        self,
        out: Path,
        result: Float[Tensor, "1 3 H W"],
        extra: dict[str, Path],
        numbers: dict[str, float | int | str],
        choice: Choice | None,
    ) -> Outcome:
        """Write the result, before and after, and the measurements."""
        files = {"result": out, "before and after": beside(out, "before-after.png"), **extra}
        write_image(out, to_pixels((result.clamp(-1, 1) + 1) / 2), alpha=self.alpha, bit_depth=self.picture.bit_depth)
        write_image(files["before and after"], before_after(shown(self.x), shown(result)))
        files["measurements"] = beside(out, "measurements.json")
        write_json(files["measurements"], numbers | (measurements(choice) if choice else {}))
        return Outcome(files, numbers, self._note(choice))

    def beside(self, suffix: str) -> Path:
        """Return the name of a result beside the image: ``pasted-harmonised.png`` for ``pasted.jpg``."""
        return self.path.with_name(f"{self.path.stem}-{suffix}.png")

    def _try_starts(self, last_net_only: bool, first: int = 0) -> tuple[Choice, list[Tensor]]:
        """Try every start scale at the training's size, where the texture was learned, and choose."""
        small, soft, hard = self._at_trial_size(self.x)
        tried = candidates(self.model, small, soft, last_net_only, size=max(self.trial_size))
        return choose_start_scale(tried, small, self.photograph, hard, first), [small, *tried]

    def _measured(
        self, result: Tensor, start_scale: int, choice: Choice | None, last_net_only: bool
    ) -> dict[str, float | int | str]:
        """Measure at the size of trials, where the photograph's patches are, so that starts can be compared."""
        if choice:
            naive, trial = choice.naive, choice.trials[start_scale]
        else:
            small, soft, hard = self._at_trial_size(self.x)
            tried = manipulate(self.model, small, start_scale, soft, last_net_only, size=max(self.trial_size))
            naive, (trial,) = measure([tried], small, self.photograph, hard)
        numbers: dict[str, float | int | str] = {
            "patch distance before": naive,
            "patch distance after": trial.patch_distance,
            "RMS change inside the mask" if self.mask is not None else "RMS change": trial.change,
        }
        if self.mask is not None:
            untouched = (result - self.x)[..., self.mask == 0]
            numbers["largest change outside the mask"] = float(untouched.abs().max()) / 2 if untouched.numel() else 0.0
        return numbers

    def _at_trial_size(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return an image, the soft mask, and where the user's mask is white, at the size of trials."""
        if tuple(x.shape[-2:]) != self.trial_size:
            x = resize(x, self.trial_size, self.model.resampler).clamp(-1, 1)
        soft, hard = (
            None if each is None else F.interpolate(each[None, None], self.trial_size, mode="area")[0, 0]
            for each in (self.mask, self.hard)
        )
        return x, soft, None if hard is None else hard >= 0.5

    def _note(self, choice: Choice | None) -> str:
        if self.mask is not None and not self.mask.any():
            return "The mask is black throughout, so nothing was changed: paint it white where the change shall be."
        return "Not to your eye? The sheet shows every start scale: name another with --start-scale." if choice else ""

    def _sheet(self, tried: Sequence[Tensor], chosen: int) -> np.ndarray:
        labels = ["input", *(f"start {k}" + (" (chosen)" if k == chosen else "") for k in range(len(tried) - 1))]
        return contact_sheet([shown(image) for image in tried], labels, chosen=chosen + 1)


def load_model(path: Path) -> SinIR:
    """Return the trained model in the directory ``path``.

    Raises
    ------
    BadInput
        If there is none, or it cannot be read.
    """
    return run.load_model(SinIR, path, name="SinIR", make="hotpapers sinir train PHOTO")


def compute_device(name: str) -> torch.device:
    """Return the device that ``auto``, ``cpu``, ``cuda`` or ``mps`` means here, or raise ``BadInput``."""
    return make_fabric(name, "32-true", "auto", 1).device


def shown(image: Float[Tensor, "1 3 H W"]) -> Float[np.ndarray, "h w 3"]:
    """Return an image with values in [-1, 1] as pixels for a sheet: in [0, 1] and not too large."""
    scale = SHOWN / max(image.shape[-2:])
    if scale < 1:
        size = [max(1, round(length * scale)) for length in image.shape[-2:]]
        image = F.interpolate(image, size, mode="bicubic", antialias=True)
    return to_pixels((image.clamp(-1, 1) + 1) / 2)


def beside(out: Path, ending: str) -> Path:
    """Return the name of a file that goes with a result: ``a-starts.png`` for ``a.png`` and ``starts.png``."""
    return out.with_name(f"{out.stem}-{ending}")


def reduced(values: Float[np.ndarray, "H W"], size: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """Return a mask or an alpha channel at another size, in [0, 1]."""
    resized = F.interpolate(torch.from_numpy(values)[None, None], size, mode="bicubic", antialias=True)
    return resized[0, 0].clamp(0, 1).numpy()


def measurements(choice: Choice) -> dict[str, Any]:
    """Return what was measured at every start scale, for a JSON file."""
    return {"patch distance of input": choice.naive, "starts": [dataclasses.asdict(each) for each in choice.trials]}


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts as JSON, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
