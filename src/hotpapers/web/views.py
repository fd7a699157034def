"""What the pages show: each paper with its place in a digest, its claims with their verdicts, its verbs."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotpapers.cards import Card, Claim, Criterion
from hotpapers.claims.evidence import Evidence, deciding, verdict_of
from hotpapers.claims.judge import Verdict, figure
from hotpapers.digest import Digest, Entry
from hotpapers.digest.mathtext import plain_title
from hotpapers.web.chart import Chart, chart_of
from hotpapers.web.usage import Usage, usage_of

Found = Mapping[tuple[str, str], Sequence[Evidence]]
SHOWN = {".png": "picture", ".jpg": "picture", ".jpeg": "picture", ".webp": "picture", ".gif": "picture",
         ".wav": "sound", ".flac": "sound", ".ogg": "sound", ".mp3": "sound", ".mp4": "video", ".webm": "video",
         ".csv": "file", ".tsv": "file", ".json": "file", ".jsonl": "file", ".txt": "file", ".npz": "file"}  # fmt: skip
"""The files of evidence that the site takes, and how it shows them. Nothing that a browser would run is among them."""


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A file of evidence: its address on the site from the root, its name, what it shows, and how to show it."""

    address: str
    name: str
    caption: str
    how: str
    source: Path


@dataclasses.dataclass(frozen=True)
class RunView:
    """One run of a claim."""

    evidence: Evidence
    measured: str
    interval: str
    wanted: str
    facts: tuple[tuple[str, str], ...]
    address: str
    attachments: tuple[Attachment, ...]
    chart: Chart | None


@dataclasses.dataclass(frozen=True)
class ClaimView:
    """A claim with its verdict, the run that decides it, and the other runs. ``expected`` is by scale."""

    claim: Claim
    verdict: Verdict
    paper: str
    expected: tuple[tuple[str, str], ...]
    best: RunView | None
    others: tuple[RunView, ...]


@dataclasses.dataclass(frozen=True)
class PaperView:
    """A paper as its page shows it; ``card`` is ``None`` where there is no code here yet."""

    slug: str
    title: str
    summary: str
    arxiv: str
    entry: Entry | None
    places: tuple[tuple[Digest, int], ...]
    card: Card | None
    code: str | None
    claims: tuple[ClaimView, ...]
    usages: tuple[Usage, ...]

    @property
    def tally(self) -> list[tuple[Verdict, int]]:
        """Return how many claims have each verdict, those that nobody has left out."""
        counts = Counter(claim.verdict for claim in self.claims)
        return [(verdict, counts[verdict]) for verdict in Verdict if counts[verdict]]


def papers_of(digests: Sequence[Digest], cards: Mapping[str, Card], found: Found) -> dict[str, PaperView]:
    """Return every paper of the digests and every card by slug: first in a digest's order, then the others."""
    entries: dict[str, Entry] = {}
    places: dict[str, list[tuple[Digest, int]]] = {}
    for digest in digests:
        for rank, entry in enumerate(digest.entries, start=1):
            entries.setdefault(entry.slug, entry)
            places.setdefault(entry.slug, []).append((digest, rank))
    slugs = [*entries, *(slug for slug in cards if slug not in entries)]
    return {slug: _paper(slug, entries.get(slug), places.get(slug, []), cards.get(slug), found) for slug in slugs}


def _paper(
    slug: str, entry: Entry | None, places: list[tuple[Digest, int]], card: Card | None, found: Found
) -> PaperView:
    known = card or entry
    assert known is not None, slug
    return PaperView(
        slug=slug,
        title=plain_title(known.title),
        summary=known.summary,
        arxiv=known.arxiv,
        entry=entry,
        places=tuple(places),
        card=card,
        code=(card.code if card else None) or (entry.code if entry else None),
        claims=tuple(_claim(each, found.get((slug, each.id), ())) for each in card.claims) if card else (),
        usages=tuple(usage_of(card, verb) for verb in card.verbs) if card else (),
    )


def _claim(claim: Claim, runs: Sequence[Evidence]) -> ClaimView:
    best = deciding(runs)
    return ClaimView(
        claim=claim,
        verdict=verdict_of(runs),
        paper=_with_unit(figure(claim.paper), claim.unit),
        expected=tuple((scale, _criterion(criterion, claim.unit)) for scale, criterion in claim.expect.items()),
        best=_run(claim, best) if best else None,
        others=tuple(_run(claim, each) for each in runs if each is not best),
    )


def _run(claim: Claim, evidence: Evidence) -> RunView:
    judgement = evidence.judgement
    spread = judgement.low is not None and judgement.low != judgement.high
    folder = f"evidence/{evidence.slug}"
    return RunView(
        evidence=evidence,
        measured=_with_unit(figure(judgement.mean), claim.unit),
        interval=f"{figure(judgement.low)} to {figure(judgement.high)}" if spread else "",
        wanted=_criterion(evidence.criterion, claim.unit) if evidence.criterion else "nothing is set",
        facts=tuple(_facts(claim, evidence)),
        address=f"{folder}/{claim.id}.{evidence.scale}.json",
        attachments=tuple(_attachments(claim, evidence, folder)),
        chart=chart_of(claim, evidence),
    )


def _attachments(claim: Claim, evidence: Evidence, folder: str) -> list[Attachment]:
    """Return the files of a run that the site takes, in the order of the claim's captions, then those without one."""
    found = [
        Attachment(f"{folder}/{name}", path.name, _caption(claim, path), SHOWN[path.suffix.lower()], path)
        for name, path in zip(evidence.files, evidence.file_paths(), strict=False)
        if path.suffix.lower() in SHOWN and path.is_file() and not path.is_symlink()
    ]
    order = {name: place for place, name in enumerate(claim.shows)}
    return sorted(found, key=lambda each: order.get(each.name, len(order)))


def _caption(claim: Claim, path: Path) -> str:
    """Return what a file shows; its name in words where the card does not say."""
    words = path.stem.replace("-", " ").replace("_", " ")
    return claim.shows.get(path.name) or words[:1].upper() + words[1:]


def _facts(claim: Claim, evidence: Evidence) -> list[tuple[str, str]]:
    """Return what a careful reader asks of a run, in the order of asking."""
    machine, cost = evidence.machine, evidence.cost
    hardware = f"{machine.cpu}, {machine.cores} core{'s' * (machine.cores != 1)}, {_gib(machine.memory_bytes)}"
    seeds = ", ".join(f"{seed}: {figure(value)}" for seed, value in sorted(evidence.values.items()))
    facts = [("Measured", claim.metric), ("By seed", seeds or "–")]
    if evidence.method:
        facts.append(("Method", _mean(evidence.method, evidence.method_unit)))
    if evidence.baseline:
        facts.append(("Baseline", _mean(evidence.baseline, evidence.method_unit)))
    facts += [
        ("Because", evidence.judgement.reason),
        ("Hardware", f"{hardware}, {machine.gpu}" if machine.gpu else hardware),
        ("Cost", f"{duration(cost.wall_seconds)}, {_gib(cost.peak_memory_bytes)} of memory at most"),
        ("Date", f"{evidence.date:%Y-%m-%d %H:%M} UTC"),
        ("Code", evidence.revision),
    ]
    return facts


def duration(seconds: float) -> str:
    """Return a length of time as people say it."""
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _criterion(criterion: Criterion, unit: str) -> str:
    """Return a criterion as people say it: ``at least 10 dB``."""
    if criterion.at_least is not None:
        return f"at least {_with_unit(figure(criterion.at_least), unit)}"
    if criterion.at_most is not None:
        return f"at most {_with_unit(figure(criterion.at_most), unit)}"
    reach = f" ± {figure(criterion.tolerance)}" if criterion.tolerance else ""
    return f"{'' if reach else 'exactly '}{_with_unit(figure(criterion.equals) + reach, unit)}"


def _mean(by_seed: dict[int, float], unit: str) -> str:
    mean = figure(sum(by_seed.values()) / len(by_seed))
    return _with_unit(mean, unit) + (f", the mean of {len(by_seed)} seeds" if len(by_seed) > 1 else "")


def _with_unit(number: str, unit: str) -> str:
    # A number and its unit stay on one line.
    return f"{number}\N{NO-BREAK SPACE}{unit}" if unit and number != "–" else number


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size < 10 * 2**30 else f"{size / 2**30:.0f} GiB"
