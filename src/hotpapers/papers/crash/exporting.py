"""Export: the network that tells the noise as ONNX, for plug-ins and browsers, checked against PyTorch."""

import importlib.util
import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from hotpapers.blocks.diffusion import Level
from hotpapers.errors import BadInput, HotpapersError, MissingExtra
from hotpapers.files import written_whole
from hotpapers.media.readable import named
from hotpapers.papers.crash.model import Crash, estimate
from hotpapers.papers.crash.sampling import check_steps
from hotpapers.papers.crash.shelf import open_model
from hotpapers.verbs import Model, Outcome

OPSET = 17
CLOSE = 1e-4


class Eps(nn.Module):
    """``eps(x, m, sigma)`` of a model: all that a sampler asks for, with the level as two numbers a sound."""

    def __init__(self, model: Crash) -> None:
        super().__init__()
        self.unet, self.spread = model.unet, model.spread

    def forward(
        self, x: Float[Tensor, "batch length"], m: Float[Tensor, " batch"], sigma: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch length"]:
        """Return the noise in ``x``."""
        # Where the spread is 0 nothing asks for m, and tracing would drop it from the inputs.
        return estimate(self.unet, x, Level(torch.zeros_like(m), m, sigma), self.spread) + 0 * m[:, None]


def export(model: Model | None = None, *, steps: int = 30, out: Path | None = None) -> Outcome:
    """Write the network as ONNX, with the levels of noise that a sampler steps through as JSON beside it.

    Its inputs are sounds with noise, x, and for each of them what is left of the sound, m, and the noise, sigma; its
    output is the noise in x. A step of DDIM from (m, sigma) to the next (M, S) is M/m (x - sigma eps) + S eps.

    Parameters
    ----------
    model
        A trained model, as ``train`` wrote it; the one that ships when left out.
    steps
        How many steps the levels beside it are for.
    out
        The file for the network, ending in .onnx.
    """
    if importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("onnx") is None:
        raise MissingExtra("Exporting to ONNX", ("onnx",))
    check_steps(steps)
    net = open_model(model)
    target = Path(out) if out else (Path(model).resolve().with_suffix(".onnx") if model else Path("crash.onnx"))
    if target.suffix.lower() != ".onnx":
        raise BadInput(f"--out names the file for the network and ends in .onnx, unlike {named(target)}.")
    levels = target.with_suffix(".json")
    with written_whole(target) as network, written_whole(levels) as beside:
        write_onnx(net, network)
        difference = largest_difference(net, network)
        if not difference < CLOSE:
            raise HotpapersError(f"ONNX and PyTorch differ by {difference:.2g}, so nothing was written.")
        beside.write_text(json.dumps(_described(net, steps), indent=1), encoding="utf-8")
    numbers: dict[str, float | int | str] = {
        "largest difference from PyTorch": difference,
        "megabytes": round(target.stat().st_size / 1e6, 2),
    }
    return Outcome({"network": target, "levels": levels}, numbers)


def write_onnx(net: Crash, path: Path) -> None:
    """Write ``Eps`` of a model; the batch may have any size."""
    example = (torch.zeros(2, net.length), torch.full((2,), 0.8), torch.full((2,), 0.6))
    names = ["x", "m", "sigma"]
    with warnings.catch_warnings(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of tracing: shapes are fixed, and that is meant
        plain = Path(folder) / "network.onnx"
        torch.onnx.export(
            Eps(net).eval(), example, str(plain), input_names=names, output_names=["eps"], opset_version=OPSET,
            dynamic_axes={name: {0: "batch"} for name in (*names, "eps")}, dynamo=False,
        )  # fmt: skip
        path.write_bytes(plain.read_bytes())


def largest_difference(net: Crash, path: Path) -> float:
    """Return the largest difference of ONNX Runtime's noise from PyTorch's, on three sounds from clean to noise."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    ends = (net.schedule.t_min, 0.5, net.schedule.t_max)
    levels = net.schedule.batch(torch.tensor(ends, dtype=torch.float64))
    x = torch.randn(len(ends), net.length, generator=generator)
    with torch.no_grad():
        wanted = Eps(net).eval()(x, levels.m, levels.sigma).numpy()
    given = session.run(None, {"x": x.numpy(), "m": levels.m.numpy(), "sigma": levels.sigma.numpy()})[0]
    return float(np.abs(given - wanted).max())


def _described(net: Crash, steps: int) -> dict[str, object]:
    return {
        "rate": net.rate,
        "length": net.length,
        "levels": [{"m": float(level.m), "sigma": float(level.sigma)} for level in net.schedule.levels(steps)],
    }
