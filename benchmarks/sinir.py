"""SinIR here against the authors' SinIR, and SinGAN against its authors' SinGAN: CPU seconds, memory, loss.

    python benchmarks/sinir.py --authors CHECKOUT_OF_SINIR [--singan CHECKOUT_OF_SINGAN] [--full]

Every contender runs in a process of its own on the same photograph with the published settings. Without ``--full`` each
scale runs ``--iterations`` steps and the published schedule is projected from them; with it everything runs to its end.
"""

import argparse
import contextlib
import dataclasses
import importlib.machinery
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# SinIR's config_train/edit.yaml, and the published schedules that timings are projected to
SIZES = {"max_size": 250, "min_size": 25, "scale_factor": 0.75}
CHANNELS, LEARNING_RATE, BETAS, SHUFFLE, STEPS = 128, 1e-4, (0.5, 0.999), 0.005, 500
EPOCHS = 2000  # SinGAN, a scale

Row = dict[str, Any]


def main() -> int:
    """Run the contenders that were asked for, one after another, and print the table."""
    options = arguments()
    if options.worker:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
        WORKERS[options.worker](options)
        return 0
    contenders = ["ours", "ours-paper"]
    if options.authors:
        contenders.append("authors")
    else:
        print("No --authors CHECKOUT given: there is nothing to compare SinIR with, so only our own numbers follow.")
    if options.singan:
        contenders += ["singan", "singan-authors"]
    kept = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    results: dict[str, Any] = {
        name: kept[name] for name in contenders if kept.get(name, {}).get("full") == options.full
    }
    with photograph_file(options.image) as options.image:
        for name in (each for each in contenders if each not in results):
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            results[name] = run_worker(name, options)
            if options.json:
                options.json.write_text(json.dumps(kept | results, indent=1))
    results = {name: results[name] for name in contenders}
    print(table(results))
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="checkout of the authors' SinIR (YooJiHyeong/SinIR)")
    parser.add_argument("--singan", type=Path, help="checkout of SinGAN (tamarott/SinGAN)")
    parser.add_argument("--image", type=Path, help="photograph to train on (default: scikit-image's coffee)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=4, help="steps a scale that the projection rests on")
    parser.add_argument("--scales", type=int, help="only the coarsest so many scales")
    parser.add_argument("--full", action="store_true", help="run the published schedules to the end (hours)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where to keep the numbers; what it has is not measured again")
    parser.add_argument("--worker", choices=sorted(WORKERS), help=argparse.SUPPRESS)
    return parser.parse_args()


def run_worker(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one contender in a process of its own, so that peaks of memory and imports do not mix."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "rows.json"
        command = [sys.executable, __file__, "--worker", name, "--json", str(kept)]
        for option in ("authors", "singan", "image", "threads", "iterations", "scales", "seed"):
            if (value := getattr(options, option)) is not None:
                command += [f"--{option}", str(value)]
        command += ["--full"] if options.full else []
        environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "HOTPAPERS_PROGRESS": "quiet"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return json.loads(kept.read_text())


class Enough(Exception):
    """As many scales as were asked for are done."""


class Keeper:
    """Times the steps of each scale in CPU seconds and writes what is known so far after each scale."""

    def __init__(self, name: str, options: argparse.Namespace, published_steps: int) -> None:
        import torch

        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.path, self.published_steps = options.json, published_steps
        self.steps = published_steps if options.full else options.iterations
        self.result: dict[str, Any] = {
            "name": name,
            "torch": torch.__version__,
            "threads": options.threads,
            "seed": options.seed,
            "steps": self.steps,
            "published_steps": published_steps,
            "full": options.full,
            "done": False,
            "scales": [],
        }

    def scale(self, size: tuple[int, ...], step: Callable[[], float]) -> Row:
        """Run ``step`` as often as asked; the first one warms up and is not timed when there are others."""
        losses, cpu, wall = [step()], 0.0, 0.0
        warm = self.steps == 1
        for _ in range(self.steps - 1):
            cpu_started, wall_started = time.process_time(), time.perf_counter()
            losses.append(step())
            cpu += time.process_time() - cpu_started
            wall += time.perf_counter() - wall_started
        timed = max(self.steps - 1, 1)
        last = losses[-20:]
        row: Row = {
            "scale": len(self.result["scales"]),
            "size": list(size),
            "steps": self.steps,
            "cpu_per_step": None if warm else cpu / timed,
            "wall_per_step": None if warm else wall / timed,
            "loss_last_20": sum(last) / len(last),
            "losses": [round(loss, 6) for loss in losses[:: max(1, self.steps // 50)]],
        }
        self.result["scales"].append(row)
        return row

    def write(self, done: bool = False, projected: float | None = None) -> None:
        """Put the rows on disk, whole."""
        rows = self.result["scales"]
        self.result["done"] = done
        self.result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if rows:
            rows[-1]["peak_rss_mb"] = self.result["peak_rss_mb"]
            if projected is None:
                projected = self.published_steps * sum(row["cpu_per_step"] for row in rows)
            self.result["projected_cpu_seconds"] = projected
        temporary = self.path.with_suffix(".part")
        temporary.write_text(json.dumps(self.result, indent=1))
        temporary.replace(self.path)


def measure_authors(options: argparse.Namespace) -> None:
    """Train with the authors' own classes, as their ``Runner.train`` does, on a CPU."""
    stand_in_for_cuda_and_torchvision()
    sys.path.insert(0, str(options.authors))
    keeper = Keeper("authors' SinIR", options, STEPS)
    import torch
    from loaders.loader import ImageHolder
    from runners.runner import Runner
    from utils.runner_utils import interp

    holder = ImageHolder(str(options.image), interp, **SIZES)
    runner = Runner(
        holder,
        "",
        ["ssim11", "mse"],
        keeper.steps,
        SHUFFLE,
        3,
        CHANNELS,
        LEARNING_RATE,
        BETAS,
        holder.scale_num,
        interp,
    )
    for scale in range(options.scales or holder.scale_num):

        def step(scale: int = scale) -> float:
            loss = runner._calc_loss(runner._forward(scale_to=scale), scale)
            runner._step(loss)
            return loss.item()

        row = keeper.scale(tuple(runner.img[scale].shape[-2:]), step)
        with torch.no_grad():
            output = runner._forward(scale_to=scale, infer=True)[scale]
            row |= judged(output, runner.img[scale], float(runner.loss(output, runner.img[scale])))
        keeper.write()
        if scale < holder.scale_num - 1:
            runner._grow_network()
    if options.full:
        torch.save([net.state_dict() for net in runner.net_list], options.json.with_suffix(".pt"))
    keeper.write(done=True)


def judged(output: Any, target: Any, loss: float) -> Row:
    """Judge the cascade's own reconstruction without shuffling: loss, and RMSE of values in [0, 1]."""
    rmse = float(((output - target) / 2).square().mean().sqrt())
    return {"evaluation_loss": loss, "evaluation_rmse": rmse}


def stand_in_for_cuda_and_torchvision() -> None:
    """Let code that calls ``.cuda()`` and two functions of torchvision run on a CPU without either."""
    import numpy as np
    import torch

    torch.nn.Module.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
    torch.Tensor.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
    vision, transforms, saving = (types.ModuleType(f"torchvision{part}") for part in ("", ".transforms", ".utils"))
    transforms.ToTensor = lambda: (
        lambda image: torch.from_numpy(  # type: ignore[attr-defined]
            np.array(image).transpose(2, 0, 1).astype(np.float32) / 255
        )
    )
    saving.save_image = lambda *_, **__: None  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": vision, "torchvision.transforms": transforms, "torchvision.utils": saving}


@contextlib.contextmanager
def photograph_file(given: Path | None) -> Iterator[Path]:
    """Yield the path of the photograph, written to a temporary PNG where none is given."""
    if given:
        yield given
        return
    from skimage import data, io

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coffee.png"
        io.imsave(path, data.coffee(), check_contrast=False)
        yield path


def measure_ours(options: argparse.Namespace, preset: str) -> None:
    """Train with this project's ``fit``: by the default preset, or by ``paper``, the authors' own procedure."""
    import torch

    from hotpapers.papers.sinir.clock import Clock
    from hotpapers.papers.sinir.losses import reconstruction_loss
    from hotpapers.papers.sinir.pyramid import image_pyramid, resize
    from hotpapers.papers.sinir.train import PRESETS, fit, training_sizes

    schedule = PRESETS[preset].steps
    keeper = Keeper(f"SinIR here ({preset})", options, schedule)
    config = dataclasses.replace(PRESETS[preset], steps=keeper.steps)
    image = read_photograph(options.image, reduced=False)
    clock, model = Clock(torch.device("cpu")), None
    with some_scales(clock, options) as run:
        model = fit(image, config, run)
    sizes, _ = training_sizes(config, *image.shape[-2:])
    keep_stages(keeper, clock, sizes)
    if model is not None:
        targets = image_pyramid(image, sizes, "torch")
        output = targets[0]
        for scale, (row, target) in enumerate(zip(keeper.result["scales"], targets, strict=True)):
            with torch.no_grad():
                output = model.nets[scale](resize(output, target.shape[-2:], "torch"))
            row |= judged(output, target, float(reconstruction_loss(output, target)))
    keeper.write(done=True, projected=clock.projected(schedule))


def measure_singan(options: argparse.Namespace) -> None:
    """Train with this project's SinGAN."""
    import torch

    from hotpapers.papers.sinir.clock import Clock
    from hotpapers.papers.sinir.singan import SinGANConfig, singan_sizes, train_singan

    keeper = Keeper("SinGAN here", options, EPOCHS)
    image = read_photograph(options.image)
    clock = Clock(torch.device("cpu"))
    with some_scales(clock, options) as run:
        train_singan(image, SinGANConfig(epochs=keeper.steps), run)
    keep_stages(keeper, clock, singan_sizes(*image.shape[-2:])[0])
    keeper.write(done=True, projected=clock.projected(EPOCHS))


@contextlib.contextmanager
def some_scales(clock: Any, options: argparse.Namespace) -> Iterator[Any]:
    """Yield a run under ``clock`` that ends the block after ``--scales`` scales, if that was asked for."""
    from hotpapers.run import Run

    class Enough(Exception):
        pass

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.suppress(Enough),
        Run(Path(folder), seed=options.seed, device="cpu", tensorboard=False) as run,
    ):
        watched = clock.watch(run)
        open_stage = watched.stage

        def stage(name: str) -> Any:
            if len(clock.stages) == options.scales:
                raise Enough
            return open_stage(name)

        watched.stage = stage
        yield watched


def keep_stages(keeper: Keeper, clock: Any, sizes: list[tuple[int, int]]) -> None:
    """Turn what the clock saw into rows."""
    for scale, (stage, seconds) in enumerate(zip(clock.stages, clock.per_step(), strict=True)):
        row: Row = {"scale": scale, "size": list(sizes[scale]), "steps": keeper.steps, "cpu_per_step": seconds}
        row["cpu_beside_steps"] = stage["beside"]
        if last := [float(loss) for loss in stage["losses"][-20:]]:
            row["loss_last_20"] = sum(last) / len(last)
        keeper.result["scales"].append(row)


def measure_singan_authors(options: argparse.Namespace) -> None:
    """Train with SinGAN's published code; its generator steps are given a new fake, which current PyTorch requires."""
    import numpy as np
    import scipy.ndimage

    for missing in ("vglc", "vglc.vglc_reader", "vglc.vglc_utils", "cv2", "sklearn", "sklearn.cluster"):
        sys.modules[missing] = types.ModuleType(missing)
        sys.modules[missing].__spec__ = importlib.machinery.ModuleSpec(missing, None)  # torch asks for it
    for name in ("VGLCGameData", "VGLCLevelRepresentationType"):
        setattr(sys.modules["vglc.vglc_reader"], name, None)
    sys.modules["sklearn.cluster"].KMeans = None  # type: ignore[attr-defined]
    for name in ("filters", "measurements", "interpolation"):
        if not hasattr(scipy.ndimage, name):
            setattr(scipy.ndimage, name, scipy.ndimage)
    sys.path.insert(0, str(options.singan))
    keeper = Keeper("authors' SinGAN", options, EPOCHS)
    import config as published
    import torch
    from SinGAN import functions, imresize

    source = (options.singan / "SinGAN" / "training.py").read_text()
    stale = "            netG.zero_grad()\n            output = netD(fake)\n"
    assert source.count(stale) >= 1, "the checkout's training.py is not the published one"
    fresh = stale.replace("            output", "            fake = netG(noise.detach(),prev)\n            output")
    training = types.ModuleType("training")
    exec(compile(source.replace(stale, fresh), "training.py", "exec"), training.__dict__)
    training.plt = training.img = types.SimpleNamespace(imsave=lambda *_, **__: None)  # type: ignore[attr-defined]
    functions.is_vglc = lambda _: False

    settings = published.get_arguments().parse_args([])
    vars(settings).update(
        niter=keeper.steps, not_cuda=1, device=torch.device("cpu"), mode="train", input_name="photo.png", vglc_json=None
    )
    vars(settings).update(
        noise_amp_init=settings.noise_amp,
        nfc_init=settings.nfc,
        min_nfc_init=settings.min_nfc,
        scale_factor_init=settings.scale_factor,
    )
    pixels = ((read_photograph(options.image)[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
    real = imresize.np2torch(pixels, settings)
    functions.adjust_scales2image(real, settings)
    settings.input_dir = tempfile.mkdtemp()
    functions.read_image = lambda _: real
    train_scale = training.train_single_scale

    def timed(net_d: Any, net_g: Any, reals: Any, generators: Any, *rest: Any) -> Any:
        if len(generators) == options.scales:
            raise Enough
        ends = [time.process_time()]
        schedule = torch.optim.lr_scheduler.MultiStepLR
        plain_step = schedule.step

        def step(self: Any, *args: Any) -> None:  # both schedules step once an epoch, at its end
            plain_step(self, *args)
            ends.append(time.process_time())

        schedule.step = step
        found = train_scale(net_d, net_g, reals, generators, *rest)
        schedule.step = plain_step
        ends = ends[-2 * keeper.steps - 1 :: 2]
        seconds = [after - before for before, after in itertools.pairwise(ends)]
        row = {"scale": len(generators), "size": list(reals[len(generators)].shape[-2:]), "steps": keeper.steps}
        timed_steps = seconds[1:] or seconds  # the first warms up
        keeper.result["scales"].append(row | {"cpu_per_step": sum(timed_steps) / len(timed_steps)})
        keeper.write()
        return found

    training.train_single_scale = timed
    os.chdir(settings.input_dir)
    with contextlib.suppress(Enough):
        training.train(settings, [], [], [], [])
    keeper.write(done=True)


def read_photograph(path: Path, *, reduced: bool = True) -> Any:
    """Read the photograph, at 250 pixels unless told otherwise, as a 1 x 3 x H x W tensor in [-1, 1]."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.nn import functional as F

    pixels = np.asarray(Image.open(path).convert("RGB"))
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    if not reduced:
        return image
    height, width = image.shape[-2:]
    size = [round(length * SIZES["max_size"] / max(height, width)) for length in (height, width)]
    return F.interpolate(image, size, mode="bicubic", align_corners=True).clamp(-1, 1)


def table(results: dict[str, dict[str, Any]]) -> str:
    """Set the contenders side by side: a line a scale, then totals, then ratios to the authors' code."""
    names = list(results)
    count = max(len(each["scales"]) for each in results.values())
    lines = [["CPU s per step", *(results[name]["name"] for name in names)]]
    for scale in range(count):
        sizes = next(r["scales"][scale]["size"] for r in results.values() if len(r["scales"]) > scale)
        cells = [
            f"{each['scales'][scale]['cpu_per_step']:.3f}" if len(each["scales"]) > scale else ""
            for each in results.values()
        ]
        lines.append([f"scale {scale} ({sizes[0]} x {sizes[1]})", *cells])
    lines.append(["steps a scale in the schedule", *(f"{results[name]['published_steps']:,}" for name in names)])
    lines.append(["whole schedule, CPU s", *(f"{results[name]['projected_cpu_seconds']:,.0f}" for name in names)])
    lines.append(["peak memory, MB", *(f"{results[name]['peak_rss_mb']:,.0f}" for name in names)])
    if any(results[name]["full"] for name in names):
        for scale in range(count):
            rows = [dict(enumerate(each["scales"])).get(scale, {}) for each in results.values()]
            for what, key in (("training loss at the end", "loss_last_20"), ("loss unshuffled", "evaluation_loss")):
                losses = [row.get(key) for row in rows]
                lines.append([f"{what}, scale {scale}", *("" if loss is None else f"{loss:.5f}" for loss in losses)])
    for peer, contenders in (("authors", ("ours", "ours-paper")), ("singan-authors", ("singan",))):
        for name in (each for each in contenders if peer in results and each in results):
            ours, theirs = results[name], results[peer]
            faster = theirs["projected_cpu_seconds"] / ours["projected_cpu_seconds"]
            smaller = theirs["peak_rss_mb"] / ours["peak_rss_mb"]
            lines.append(
                [f"{ours['name']} against {theirs['name']}", f"{faster:.2f} x faster", f"{smaller:.2f} x smaller"]
            )
    widths = [max(len(line[k]) for line in lines if len(line) > k) for k in range(len(names) + 1)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in lines)  # noqa: B905


WORKERS: dict[str, Callable[[argparse.Namespace], None]] = {
    "authors": measure_authors,
    "ours": lambda options: measure_ours(options, "edit"),
    "ours-paper": lambda options: measure_ours(options, "paper"),
    "singan": measure_singan,
    "singan-authors": measure_singan_authors,
}

if __name__ == "__main__":
    raise SystemExit(main())
