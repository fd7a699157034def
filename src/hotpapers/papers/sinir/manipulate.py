"""Verbs that manipulate images with a cascade that has learned one photograph: edit, harmonise, paint, or any other.

A coarser start scale changes more; without one, every start is tried and the knee of likeness against change is taken.
The functions on tensors are ``manipulate`` and ``candidates``.
"""

from pathlib import Path

from hotpapers.errors import BadInput
from hotpapers.papers.sinir.inference import candidates, manipulate
from hotpapers.papers.sinir.masks import EDIT_RADIUS, HARMONISE_RADIUS
from hotpapers.papers.sinir.palette import quantise as reduce_colours
from hotpapers.papers.sinir.workbench import Bench
from hotpapers.verbs import Device, ImageFile, Model, Outcome

__all__ = ["apply", "candidates", "edit", "harmonise", "manipulate", "paint", "sheet"]


def apply(
    model: Model,
    image: ImageFile,
    *,
    mask: ImageFile | None = None,
    out: Path | None = None,
    start_scale: int | None = None,
    mask_radius: float = 0.0,
    size: int | None = None,
    last_net_only: bool = False,
    at_working_size: bool = False,
    device: Device = "auto",
) -> Outcome:
    """Push any image through a trained model, so that it takes on the texture of the model's photograph.

    Parameters
    ----------
    model
        Directory of a trained model.
    image
        The image to change, of any size.
    mask
        Grey image as large as the image: white where the result may show, black where the image must stay as it is.
    out
        Where the result goes; beside the image when left out.
    start_scale
        Where the image enters the networks: 0 is the coarsest and changes most. Left out, it is chosen: where more
        change brings little more likeness to the photograph.
    mask_radius
        By how many pixels the mask grows before its edge is blurred, at the size worked at.
    size
        Longer side in pixels that the networks work at; left out, that of the photograph in training.
    last_net_only
        Use the finest scale's network at every scale.
    at_working_size
        Write the result at the size worked at, as the authors' code does, instead of the image's own size.
    device
        Where to compute.
    """
    bench = Bench(model, image, mask, mask_radius, size=size, at_working_size=at_working_size, device=device)
    return bench.change("applied", out, start_scale, last_net_only=last_net_only)


def edit(
    model: Model,
    image: ImageFile,
    *,
    mask: ImageFile,
    out: Path | None = None,
    start_scale: int | None = None,
    mask_radius: float = EDIT_RADIUS,
    size: int | None = None,
    at_working_size: bool = False,
    device: Device = "auto",
) -> Outcome:
    """Make a rough edit of the photograph, such as a copied and pasted block, look as if it had always been there.

    Parameters
    ----------
    model
        Directory of a model trained on the photograph before the edit.
    image
        The photograph with the rough edit in it.
    mask
        Grey image as large as the image: white where it was edited. Outside, the image comes back bit for bit.
    out
        Where the result goes; beside the image when left out.
    start_scale
        Where the image enters the networks: 0 is the coarsest and changes most. Left out, it is chosen: where more
        change brings little more likeness to the photograph.
    mask_radius
        By how many pixels the mask grows before its edge is blurred, at the size worked at.
    size
        Longer side in pixels that the networks work at; left out, that of the photograph in training.
    at_working_size
        Write the result at the size worked at, as the authors' code does, instead of the image's own size.
    device
        Where to compute.
    """
    bench = Bench(model, image, mask, mask_radius, size=size, at_working_size=at_working_size, device=device)
    return bench.change("edited", out, start_scale)


def harmonise(
    model: Model,
    image: ImageFile,
    *,
    mask: ImageFile,
    out: Path | None = None,
    start_scale: int | None = None,
    mask_radius: float = HARMONISE_RADIUS,
    size: int | None = None,
    at_working_size: bool = False,
    device: Device = "auto",
) -> Outcome:
    """Make an object that was pasted into a photograph or painting take on its colours and texture.

    Parameters
    ----------
    model
        Directory of a model trained on the photograph or painting without the object.
    image
        The same with the object pasted in.
    mask
        Grey image as large as the image: white where the object is. Outside, the image comes back bit for bit.
    out
        Where the result goes; beside the image when left out.
    start_scale
        Where the image enters the networks: 0 is the coarsest and changes most. Left out, it is chosen: where more
        change brings little more likeness to the photograph, in the finer half, so that the object stays itself.
    mask_radius
        By how many pixels the mask grows before its edge is blurred, at the size worked at.
    size
        Longer side in pixels that the networks work at; left out, that of the photograph in training.
    at_working_size
        Write the result at the size worked at, as the authors' code does, instead of the image's own size.
    device
        Where to compute.
    """
    bench = Bench(model, image, mask, mask_radius, size=size, at_working_size=at_working_size, device=device)
    return bench.change("harmonised", out, start_scale, keep=True)


def paint(
    model: Model,
    image: ImageFile,
    *,
    out: Path | None = None,
    start_scale: int | None = None,
    quantise: int | None = None,
    size: int | None = None,
    device: Device = "auto",
) -> Outcome:
    """Turn a rough painting (clip-art, a few strokes of colour) into an image with the photograph's texture.

    Parameters
    ----------
    model
        Directory of a model trained on the photograph.
    image
        The painting; its shape may differ from the photograph's.
    out
        Where the result goes; beside the painting when left out.
    start_scale
        Where the image enters the networks: 0 is the coarsest and changes most. Left out, it is chosen: where more
        change brings little more likeness to the photograph.
    quantise
        First repaint with this many colours taken from the photograph (SinGAN does so with 5).
    size
        Longer side in pixels of the result; left out, that of the photograph in training.
    device
        Where to compute.
    """
    # At the working size: a painting has no fine detail of its own to keep
    bench = Bench(model, image, size=size, at_working_size=True, device=device)
    if quantise is not None:
        if not 2 <= quantise <= 64:
            raise BadInput(f"A painting can be repainted with 2 to 64 colours, not {quantise}: change --quantise.")
        bench.x = reduce_colours(bench.x, bench.photograph, quantise)
    return bench.change("painted", out, start_scale)


def sheet(
    model: Model,
    image: ImageFile,
    *,
    mask: ImageFile | None = None,
    out: Path | None = None,
    mask_radius: float = 0.0,
    size: int | None = None,
    last_net_only: bool = False,
    device: Device = "auto",
) -> Outcome:
    """Show what every start scale makes of an image, on one sheet, with the automatic choice marked.

    Parameters
    ----------
    model
        Directory of a trained model.
    image
        The image to change.
    mask
        Grey image as large as the image: white where the result may show.
    out
        Where the sheet goes; beside the image when left out.
    mask_radius
        By how many pixels the mask grows before its edge is blurred, at the size worked at.
    size
        Longer side in pixels that the networks work at; left out, that of the photograph in training.
    last_net_only
        Use the finest scale's network at every scale.
    device
        Where to compute.
    """
    bench = Bench(model, image, mask, mask_radius, size=size, at_working_size=True, device=device)
    return bench.show_starts(out, last_net_only=last_net_only)
