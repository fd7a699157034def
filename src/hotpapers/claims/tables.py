"""Tables of claims and their verdicts: at the terminal, and in the READMEs between markers.

``<!-- evidence:begin -->`` … ``<!-- evidence:end -->`` holds all papers, ``<!-- evidence:begin sinir -->`` one paper's
claims. The text between is generated from the cards and the shipped evidence; nothing in it is written by hand.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hotpapers import files
from hotpapers.cards import Card, Claim, all_cards
from hotpapers.claims.evidence import Evidence, deciding, load_evidence, shipped_folder, verdict_of
from hotpapers.claims.judge import Verdict, figure
from hotpapers.errors import BadInput

Found = Mapping[tuple[str, str], Sequence[Evidence]]
MARKED = re.compile(r"(<!-- evidence:begin(?: ([a-z0-9_-]+))? -->\n)(.*?)(<!-- evidence:end -->)", re.DOTALL)
LEGEND = "✓ reproduced, ✗ not reproduced, ~ inconclusive, – not run."
INTERVAL = "Measured: the mean over the seeds, [its 95 % bootstrap interval] where there is chance in it."


def update_readme(path: Path, *, write: bool = True) -> bool:
    """Bring the generated tables of a README up to date and return whether it differed.

    Parameters
    ----------
    path
        A Markdown file with one pair of markers or more.
    write
        Whether to write the file; ``False`` only looks.

    Raises
    ------
    BadInput
        If the file cannot be read or has no markers.
    """
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as text: {error}.") from error
    if not MARKED.search(old):
        raise BadInput(f"{path} has no <!-- evidence:begin --> … <!-- evidence:end --> to write between.")
    found, folder = load_evidence([shipped_folder()]), path.resolve().parent

    def table(match: re.Match[str]) -> str:
        inner = paper_markdown(_card(match[2], path), found, folder) if match[2] else papers_markdown(found, folder)
        return f"{match[1]}\n{inner}\n{match[4]}"

    new = MARKED.sub(table, old)
    if write and new != old:
        with files.written_whole(path) as temporary:
            temporary.write_text(new, encoding="utf-8")
    return new != old


def papers_markdown(found: Found, folder: Path, cards: Iterable[Card] | None = None) -> str:
    """Return the table of papers, then every claim, as Markdown with links from ``folder``."""
    chosen = list(all_cards().values() if cards is None else cards)
    lines = ["| Paper | Verbs | Claims |", "|---|---|---|"]
    for card in chosen:
        title = f"[{_cell(card.title)}]({_link(card.folder / 'README.md', folder)})"
        verbs = " ".join(f"`{verb}`" for verb in card.verbs) or "–"
        arxiv = f"[{card.arxiv}](https://arxiv.org/abs/{card.arxiv})"
        lines.append(f"| {title} ({arxiv}) | {verbs} | {_tally(card, found)} |")
    lines += ["", LEGEND, "", "<details><summary>Claim by claim</summary>", ""]
    lines += ["| Paper | Claim | Paper's number | Measured | Expected | Verdict |", "|---|---|---|---|---|---|"]
    for card in chosen:
        name = f"[{card.slug}]({_link(card.folder / 'README.md', folder)})"
        lines += [f"| {' | '.join([name, *_cells(card, claim, found, folder)])} |" for claim in card.claims]
    return "\n".join([*lines, "", INTERVAL, "", "</details>", ""])


def paper_markdown(card: Card, found: Found, folder: Path) -> str:
    """Return one paper's claims as a Markdown table with links from ``folder``."""
    lines = ["| Claim | Paper's number | Measured | Expected | Verdict |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_cells(card, claim, found, folder))} |" for claim in card.claims]
    return "\n".join([*lines, "", INTERVAL, ""])


def facts(card: Card, claim: Claim, evidence: Evidence | None) -> dict[str, Any]:
    """Return one claim with one run of it (or none) as JSON types."""
    row: dict[str, Any] = {
        "paper": card.slug,
        "claim": claim.id,
        "says": claim.says,
        "where": claim.where,
        "metric": claim.metric,
        "unit": claim.unit,
        "paper_value": claim.paper,
        "verdict": Verdict.NOT_RUN.value,
    }
    if evidence:
        judgement = evidence.judgement
        row |= {
            "verdict": evidence.verdict.value,
            "reason": judgement.reason,
            "scale": evidence.scale,
            "mean": judgement.mean,
            "low": judgement.low,
            "high": judgement.high,
            "criterion": str(evidence.criterion) if evidence.criterion else None,
            "seeds": evidence.seeds,
            "seconds": evidence.cost.wall_seconds,
            "date": evidence.date.isoformat(),
            "revision": evidence.revision,
            "file": str(evidence.path) if evidence.path else None,
        }
    return row


def terminal_table(rows: Iterable[tuple[Card, Claim, Evidence | None]]) -> Any:
    """Return a rich table: claim, what it says, the paper's number, measured, criterion, verdict, seconds."""
    from rich.table import Table
    from rich.text import Text

    table = Table("claim", "says", "paper", "measured", "expected", "verdict", "seconds")
    colours = {"reproduced": "green", "not reproduced": "red", "inconclusive": "yellow", "not run": "dim"}
    for card, claim, evidence in rows:
        verdict = evidence.verdict if evidence else Verdict.NOT_RUN
        scale = f"\n{evidence.scale} scale" if evidence else ""
        words = Text(f"{verdict.sign} {verdict.value}", style=colours[verdict.value])
        words.append(scale, style="dim")
        if evidence and verdict is not Verdict.REPRODUCED:
            words.append(f"\n{evidence.judgement.reason}", style="dim")
        table.add_row(
            Text(f"{card.slug}\n{claim.id}"),
            Text(claim.says),
            Text(_with_unit(figure(claim.paper), claim)),
            Text(_measured(evidence, claim)),
            Text(str(claim.expect.get(evidence.scale, "–")) if evidence else _expected(claim)),
            words,
            Text(f"{evidence.cost.wall_seconds:,.1f}" if evidence else "–", justify="right"),
        )
    return table


def _card(slug: str, path: Path) -> Card:
    if card := all_cards().get(slug):
        return card
    raise BadInput(f"{path} has a marker for {slug!r}, and there is no such paper.")


def _tally(card: Card, found: Found) -> str:
    verdicts = Counter(verdict_of(found.get((card.slug, claim.id), ())) for claim in card.claims)
    return " ".join(f"{verdicts[each]}&nbsp;{each.sign}" for each in Verdict if verdicts[each]) or "–"


def _cells(card: Card, claim: Claim, found: Found, folder: Path) -> list[str]:
    evidence = deciding(found.get((card.slug, claim.id), ()))
    verdict = evidence.verdict if evidence else Verdict.NOT_RUN
    words = f"{verdict.sign} {verdict.value}"
    if evidence and evidence.path:
        words = f"{words}, [{evidence.scale} scale]({_link(evidence.path, folder)})"
        if verdict is not Verdict.REPRODUCED:
            words += f": {_cell(evidence.judgement.reason)}"
    return [
        f"{_cell(claim.says)} ({_cell(claim.where)})",
        _cell(_with_unit(figure(claim.paper), claim)),
        _cell(_measured(evidence, claim)),
        _cell(f"{claim.metric} {evidence.criterion if evidence else _expected(claim)}"),
        words,
    ]


def _measured(evidence: Evidence | None, claim: Claim) -> str:
    if evidence is None or evidence.judgement.mean is None:
        return "–"
    judgement = evidence.judgement
    spread = f" [{figure(judgement.low)}, {figure(judgement.high)}]" if judgement.low != judgement.high else ""
    return _with_unit(f"{figure(judgement.mean)}{spread}", claim)


def _expected(claim: Claim) -> str:
    """Return what the claim's run would be held against: the strongest scale that can run on a laptop first."""
    named = [str(claim.expect[scale]) for scale in ("laptop", "paper", "smoke") if scale in claim.expect]
    return named[0] if named else "–"


def _with_unit(number: str, claim: Claim) -> str:
    return f"{number} {claim.unit}" if claim.unit and number != "–" else number


def _link(target: Path, folder: Path) -> str:
    return Path(os.path.relpath(target.resolve(), folder)).as_posix().replace(" ", "%20")


def _cell(text: str) -> str:
    """Return text that stays in its cell of a Markdown table and is shown as it is written."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", " ".join(text.split()))
