"""The commands ``hotpapers reproduce`` and ``hotpapers evidence``."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hotpapers import console
from hotpapers.cards import Card, Claim, Scale, all_cards, find_card
from hotpapers.errors import BadInput
from hotpapers.verbs import Device

if TYPE_CHECKING:
    from hotpapers.claims.engine import Report
    from hotpapers.claims.task import Task

MOST_SEEDS = 256


def reproduce(
    paper: str | None = None,
    claim: str | None = None,
    *,
    scale: Scale = "smoke",
    engine: Literal["local", "processes", "ray"] = "local",
    seeds: str | None = None,
    out: Path | None = None,
    jobs: int | None = None,
    device: Device = "auto",
    missing: bool = False,
) -> int:
    """Measure claims, judge them and keep the evidence.

    The evidence of each claim is written as soon as it is measured, whatever happens to the others.

    Parameters
    ----------
    paper
        The paper whose claims to measure; all papers when left out.
    claim
        The claim to measure; all of the paper's claims when left out.
    scale
        smoke takes seconds and only shows that the code runs; laptop takes at most 10 minutes a claim on 2 cores;
        paper is the paper's own setting.
    engine
        local measures one claim after another; processes measures several at once in worker processes; ray spreads
        them over the cluster that RAY_ADDRESS names, or over one that it starts on this machine.
    seeds
        How many seeds, as 5, or which, as 0,3,7. Left out: one at smoke scale, else three. Exact claims take one.
    out
        The folder for the evidence; left out, the user's own evidence folder under HOTPAPERS_HOME.
    jobs
        How many claims to measure at once with processes and ray; one for each core when left out.
    device
        Where to compute.
    missing
        Measure only the claims that have no evidence from this very code, at this scale, in the folder.

    Returns
    -------
    int
        0 when every claim was measured, whatever its verdict; 1 when one crashed.
    """
    chosen = _choose(paper, claim)
    picked = parse_seeds(seeds) if seeds is not None else None
    if jobs is not None and jobs < 1:
        raise BadInput(f"--jobs is {jobs}; give 1 or more.")
    from hotpapers.claims import engine as engines
    from hotpapers.claims.evidence import own_folder
    from hotpapers.claims.task import task_for

    folder = own_folder() if out is None else out
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--out {folder} is a file; name a folder.")
    tasks = [task_for(card, each, scale, seeds=picked, device=device) for card, each in chosen]
    if missing:
        tasks = _without_evidence(tasks, folder)
    report = engines.reproduce(tasks, folder, engine=engine, jobs=jobs)
    _show_report(chosen, report, folder)
    return 1 if report.failures else 0


def evidence(
    paper: str | None = None,
    claim: str | None = None,
    *,
    folder: Path | None = None,
    markdown: bool = False,
    write: Path | None = None,
) -> int:
    """Print what the claims' runs have measured, with the verdicts that follow from it.

    Parameters
    ----------
    paper
        The paper whose claims to print; all papers when left out.
    claim
        The claim to print; all of the paper's claims when left out.
    folder
        Where the evidence is; left out, what comes with hotpapers and the user's own, the newest of each scale.
    markdown
        Print the README's table instead: of all papers, or of the one paper.
    write
        A Markdown file in which to bring the tables between the evidence markers up to date, from the evidence that
        comes with hotpapers.

    Returns
    -------
    int
        0 when there was something to print.
    """
    chosen = _choose(paper, claim)
    from hotpapers.claims import tables
    from hotpapers.claims.evidence import deciding, load_evidence, shipped_folder

    if write is not None:
        changed = tables.update_readme(write)
        console.show({"file": str(write), "changed": changed}, f"{write} is {'written' if changed else 'up to date'}")
        return 0
    if folder is not None and not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    shown = [shipped_folder()] if markdown else None
    found = load_evidence(shown if folder is None else [folder])
    if markdown:
        here = Path.cwd()
        text = tables.paper_markdown(find_card(paper), found, here) if paper else tables.papers_markdown(found, here)
        console.show({"markdown": text}, text.rstrip("\n"))
        return 0
    rows = []
    for card, each in chosen:
        runs = found.get((card.slug, each.id), [])
        best = deciding(runs)
        # Smoke scale decides nothing, but it is shown where there is nothing else.
        rows.append((card, each, best or (runs[0] if runs else None)))
    console.show([tables.facts(*row) for row in rows], tables.terminal_table(rows))
    return 0


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read ``5`` as the seeds 0 to 4, and ``0,3,7`` as those three.

    Raises
    ------
    BadInput
        If it is neither, or names a seed twice, or more than 256.
    """
    try:
        numbers = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = ()
    if "," not in text and len(numbers) == 1 and 0 < numbers[0] <= MOST_SEEDS:
        return tuple(range(numbers[0]))
    fine = 0 < len(numbers) <= MOST_SEEDS and len(set(numbers)) == len(numbers) and all(0 <= n < 2**32 for n in numbers)
    if "," not in text or not fine:
        raise BadInput(f"--seeds {text[:40]!r}: give how many (5) or which (0,3,7), at most {MOST_SEEDS}, none twice.")
    return numbers


def _choose(paper: str | None, claim: str | None) -> list[tuple[Card, Claim]]:
    if paper is None:
        return [(card, each) for card in all_cards().values() for each in card.claims]
    card = find_card(paper)
    return [(card, card.claim(claim))] if claim else [(card, each) for each in card.claims]


def _without_evidence(tasks: list["Task"], folder: Path) -> list["Task"]:
    from hotpapers.claims.evidence import collect
    from hotpapers.claims.provenance import revision

    here = revision()
    if here.endswith("-dirty"):
        console.say("The code has changes that are not committed, so no evidence is from this very code.")
        return tasks
    measured = {key: set(each.values) for key, each in collect([folder]).items() if each.revision == here}
    return [
        task for task in tasks if not set(task.seeds) <= measured.get((task.slug, task.claim.id, task.scale), set())
    ]


def _show_report(chosen: list[tuple[Card, Claim]], report: "Report", folder: Path) -> None:
    from hotpapers.claims import tables

    measured = {(each.slug, each.claim): each for each in report.evidence}
    rows = [(card, each, measured[card.slug, each.id]) for card, each in chosen if (card.slug, each.id) in measured]
    facts = {
        "folder": str(folder),
        "claims": [tables.facts(*row) for row in rows],
        "crashed": [
            {
                "paper": each.slug,
                "claim": each.claim,
                "error": each.error,
                "trace": each.trace,
                "attempts": each.attempts,
            }
            for each in report.failures
        ],
    }
    from rich.console import Group
    from rich.text import Text

    crashes = [
        Text(f"\n✗ {each.slug} {each.claim} crashed: {each.error}\n{each.trace}".rstrip(), style="red")
        for each in report.failures
    ]
    where = Text(f"The evidence is in {folder}." if rows else "There was nothing to measure." if not crashes else "")
    console.show(facts, Group(*([tables.terminal_table(rows)] if rows else []), *crashes, where))
