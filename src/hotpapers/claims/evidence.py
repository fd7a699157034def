"""Evidence: what one run of a claim measured, kept as ``<slug>/<claim>.<scale>.json`` with its files beside it.

A stored verdict is a convenience for other readers of the file: here it is computed again whenever evidence is read,
from the stored values and the card's criterion.
"""

import datetime
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import msgspec

import hotpapers
from hotpapers import files
from hotpapers.cards import SCALES, Claim, Criterion, Dashed, Scale, Slug, all_cards
from hotpapers.claims.judge import Judgement, Verdict, judge
from hotpapers.claims.provenance import Cost, Machine, checkout
from hotpapers.errors import BadInput

LARGEST_BYTES = 16 * 2**20
BySeed = Annotated[dict[int, float], msgspec.Meta(max_length=256)]


class BadEvidence(BadInput):
    """An evidence file that cannot be read, or that does not say what its values say."""


class Evidence(msgspec.Struct, kw_only=True):
    """What one run of a claim measured, on what, with which code.

    Attributes
    ----------
    slug, arxiv, claim, scale
        Which claim of which paper, at which scale.
    metric, unit, exact, criterion
        How the card worded the claim when it was measured; ``criterion`` is ``None`` where it expected nothing.
    seeds
        The seeds that were asked for.
    values, method, baseline, method_unit, extras
        The claim's measurement, as in ``Measurement``; ``method_unit`` is the unit of ``method`` and ``baseline``.
    files
        What the claim wrote, relative to the evidence file's folder.
    judgement
        Verdict, mean and interval; computed, also on reading.
    cost, machine, versions, revision, engine, jobs, device, date
        Where the numbers come from. ``jobs`` is how many claims were measured at once, ``date`` is UTC.
    path
        The file it was read from or written to; not stored.
    """

    schema: Literal[1] = 1
    slug: Slug
    arxiv: str
    claim: Dashed
    scale: Scale
    metric: str
    unit: str
    exact: bool
    criterion: Criterion | None
    judgement: Judgement
    seeds: Annotated[list[int], msgspec.Meta(max_length=256)]
    values: BySeed
    method: BySeed
    baseline: BySeed
    method_unit: str
    extras: dict[str, Any]
    files: list[str]
    cost: Cost
    machine: Machine
    versions: dict[str, str]
    revision: str
    engine: str
    jobs: int
    device: str
    date: datetime.datetime
    path: Path | None = None

    @property
    def verdict(self) -> Verdict:
        """Return the verdict of this run alone."""
        return self.judgement.verdict

    def file_paths(self) -> list[Path]:
        """Return where the claim's files lie."""
        return [self.path.parent / name for name in self.files] if self.path else []


def write_evidence(evidence: Evidence, folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Write ``evidence`` and the ``contents`` of its files under ``folder`` and return the JSON file's path.

    Parameters
    ----------
    evidence
        Gets its ``files`` and ``path`` here.
    folder
        The evidence folder; the paper's own folder is made in it.
    contents
        Relative name → bytes of what the claim wrote.
    """
    path = folder / evidence.slug / f"{evidence.claim}.{evidence.scale}.json"
    beside = path.with_suffix("")
    if contents:
        with files.written_whole(beside) as temporary:
            for name, content in contents.items():
                target = temporary / inside(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
    elif beside.is_dir():
        shutil.rmtree(beside)
    evidence.files = [f"{beside.name}/{name}" for name in sorted(contents)]
    evidence.path = path
    raw = encode(evidence)
    with files.written_whole(path) as temporary:
        temporary.write_bytes(raw)
    return path


def encode(evidence: Evidence) -> bytes:
    """Return evidence as indented JSON, in which ``nan`` and ``inf`` are strings."""
    facts = _spelt(msgspec.to_builtins(evidence, enc_hook=_plain))
    del facts["path"]
    return msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n"


def plain(extras: dict[str, Any]) -> dict[str, Any]:
    """Return ``extras`` in JSON types: NumPy's and torch's numbers, arrays and tensors as lists, paths as text.

    Raises
    ------
    TypeError
        If there is something that JSON has no type for.
    """
    return _spelt(msgspec.to_builtins(extras, enc_hook=_plain, str_keys=True))


def inside(name: str) -> PurePosixPath:
    """Return a relative name that cannot lead out of its folder, or raise ``ValueError``."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise ValueError(f"the file name {name[:80]!r} leads out of its folder")
    return path


def read_evidence(path: Path) -> Evidence:
    """Read one evidence file and judge its values by the card as it is now (by its own criterion without a card).

    Raises
    ------
    BadEvidence
        If the file is not evidence, or is not where its content says that it should be.
    """
    evidence = _decode(path)
    claim = _claim_of(evidence)
    if claim is not None:
        evidence.exact, evidence.criterion = claim.exact, claim.expect.get(evidence.scale)
    evidence.judgement = judge(evidence.criterion, evidence.values, evidence.exact, scale=evidence.scale)
    return evidence


def check_evidence(path: Path) -> None:
    """Hold an evidence file to its own values, to the card and to the files that it names.

    Raises
    ------
    BadEvidence
        If its stored verdict is not the computed one, its criterion is not the card's, or a file is missing.
    """
    stored, computed = _decode(path), read_evidence(path)
    if stored.criterion != computed.criterion or stored.exact != computed.exact:
        raise BadEvidence(
            f"{path} was judged by {stored.criterion}, the card says {computed.criterion}: measure again."
        )
    if not _same(stored.judgement, computed.judgement):
        raise BadEvidence(
            f"{path} says {stored.verdict.value!r} ({stored.judgement.reason}), its values say "
            f"{computed.verdict.value!r} ({computed.judgement.reason}): verdicts are computed, never typed."
        )
    if missing := [name for name in computed.files if not (path.parent / name).is_file()]:
        raise BadEvidence(f"{path} names {missing[0]}, which is not there: measure again.")


def shipped_folder() -> Path:
    """Return the folder of the evidence that comes with hotpapers: in a checkout ``evidence/``, else package data."""
    root = checkout()
    return root / "evidence" if root else Path(hotpapers.__file__).parent / "_evidence"


def own_folder() -> Path:
    """Return the folder of the user's own evidence."""
    return files.home() / "evidence"


def collect(folders: Iterable[Path]) -> dict[tuple[str, str, Scale], Evidence]:
    """Read all evidence under ``folders``: (slug, claim id, scale) → the newest. A folder need not exist.

    Raises
    ------
    BadEvidence
        Naming the first file that cannot be read.
    """
    newest: dict[tuple[str, str, Scale], Evidence] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.json")):
            evidence = read_evidence(path)
            key = (evidence.slug, evidence.claim, evidence.scale)
            if key not in newest or evidence.date >= newest[key].date:
                newest[key] = evidence
    return newest


def load_evidence(folders: Iterable[Path] | None = None) -> dict[tuple[str, str], list[Evidence]]:
    """Return (slug, claim id) → its evidence, the strongest scale first, the newest of each scale.

    Parameters
    ----------
    folders
        Where to look; ``None`` means what is shipped and the user's own.
    """
    found = collect([shipped_folder(), own_folder()] if folders is None else folders)
    best_first = sorted(found.values(), key=lambda each: -SCALES.index(each.scale))
    grouped: dict[tuple[str, str], list[Evidence]] = {}
    for evidence in best_first:
        grouped.setdefault((evidence.slug, evidence.claim), []).append(evidence)
    return grouped


def deciding(evidences: Iterable[Evidence]) -> Evidence | None:
    """Return the evidence that decides a claim's verdict: the strongest scale that the card expects something at.

    Smoke scale shows that the code runs; it never decides.
    """
    judged = [each for each in evidences if each.scale != "smoke" and each.criterion is not None]
    return max(judged, key=lambda each: SCALES.index(each.scale), default=None)


def verdict_of(evidences: Iterable[Evidence]) -> Verdict:
    """Return a claim's verdict from all of its evidence."""
    best = deciding(evidences)
    return best.verdict if best else Verdict.NOT_RUN


def _decode(path: Path) -> Evidence:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadEvidence(f"{path} is larger than {LARGEST_BYTES >> 20} MiB, which no evidence is.")
        # Not strict: so that "nan" and "inf" come back as the numbers that JSON cannot spell.
        evidence = msgspec.json.decode(path.read_bytes(), type=Evidence, strict=False)
        names = [str(inside(name)) for name in evidence.files]
    except OSError as error:
        raise BadEvidence(f"{path} cannot be read: {(error.strerror or type(error).__name__).lower()}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, ValueError) as error:
        raise BadEvidence(f"{path} is not evidence: {error}. Delete it or measure again.") from error
    beside = f"{evidence.claim}.{evidence.scale}"
    if path.name != f"{beside}.json" or path.parent.name != evidence.slug:
        raise BadEvidence(f"{path} holds {evidence.slug} {beside}: it belongs in {evidence.slug}/{beside}.json.")
    if any(not name.startswith(f"{beside}/") for name in names):
        raise BadEvidence(f"{path} names a file outside its own folder {beside}/.")
    if evidence.date.tzinfo is None:
        raise BadEvidence(f"{path} has a date without a time zone.")
    evidence.path = path
    return evidence


def _same(one: Judgement, other: Judgement) -> bool:
    """Whether two judgements agree; their numbers may differ by the rounding of another NumPy."""
    pairs = [(one.mean, other.mean), (one.low, other.low), (one.high, other.high)]
    close = (a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9) for a, b in pairs)
    return one.verdict is other.verdict and all(close)


def _claim_of(evidence: Evidence) -> Claim | None:
    card = all_cards().get(evidence.slug)
    return next((claim for claim in card.claims if claim.id == evidence.claim), None) if card else None


def _plain(value: Any) -> Any:
    """Return what a NumPy or torch number, array or tensor holds; paths become text."""
    if isinstance(value, Path):
        return value.as_posix()
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"a {type(value).__name__} in extras is not of a JSON type")


def _spelt(value: Any) -> Any:
    """Return JSON types with every number that JSON cannot spell as a string."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _spelt(each) for key, each in value.items()}
    return [_spelt(each) for each in value] if isinstance(value, list | tuple) else value
