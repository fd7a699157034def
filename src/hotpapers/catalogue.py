"""``hotpapers list`` and ``hotpapers show``: the papers of all digests, with what is here of each."""

from typing import Any

from hotpapers import console
from hotpapers.cards import Card, Claim, all_cards, find_card
from hotpapers.claims.evidence import deciding, load_evidence, verdict_of
from hotpapers.claims.judge import figure
from hotpapers.digest import days, load_day


def list_() -> None:
    """List the papers with their verdicts: those of the digests in rank order, then the others that are here."""
    found, cards = load_evidence(), all_cards()
    entries = {entry.slug: entry for day in days() for entry in load_day(day).entries}
    rows = []
    for slug in [*entries, *(slug for slug in cards if slug not in entries)]:
        card, known = cards.get(slug), entries.get(slug)
        rows.append(
            {
                "slug": slug,
                "arxiv": card.arxiv if card else known.arxiv if known else "",
                "title": card.title if card else known.title if known else "",
                "summary": card.summary if card else known.summary if known else "",
                "here": card is not None,
                "verdicts": {c.id: verdict_of(found.get((slug, c.id), [])).value for c in card.claims} if card else {},
            }
        )
    console.show(rows, _list_table(rows))


def show(paper: str) -> None:
    """Show one paper: what it is, its verbs, its claims and their verdicts.

    Parameters
    ----------
    paper
        The paper's name, such as sinir.
    """
    card, found = find_card(paper), load_evidence()
    claims = [_claim_facts(card, claim, found.get((card.slug, claim.id), [])) for claim in card.claims]
    facts = {
        "slug": card.slug,
        "arxiv": card.arxiv,
        "title": card.title,
        "summary": card.summary,
        "authors_code": f"https://github.com/{card.code}" if card.code else None,
        "verbs": {verb: card.verb_summary(verb) for verb in card.verbs},
        "claims": claims,
    }
    console.show(facts, _paper_tables(facts))


def _claim_facts(card: Card, claim: Claim, evidence: list[Any]) -> dict[str, Any]:
    best = deciding(evidence)
    return {
        "id": claim.id,
        "says": claim.says,
        "paper": claim.paper,
        "measured": best.judgement.mean if best else None,
        "interval": [best.judgement.low, best.judgement.high] if best else None,
        "unit": claim.unit,
        "scale": best.scale if best else None,
        "expected": str(best.criterion) if best else None,
        "verdict": verdict_of(evidence).value,
        "rerun": f"hotpapers reproduce {card.slug} {claim.id} --scale laptop",
    }


def _list_table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("paper", "what it gives", "verdicts")
    for row in rows:
        title = Text(row["title"])
        title.append(f"\n{row['slug']}  arXiv {row['arxiv']}", style="dim")
        counts: dict[str, int] = {}
        for verdict in row["verdicts"].values():
            counts[verdict] = counts.get(verdict, 0) + 1
        verdicts = (
            "\n".join(f"{count} {verdict}" for verdict, count in counts.items()) if row["here"] else "no code yet"
        )
        table.add_row(title, Text(row["summary"]), Text(verdicts if row["here"] else "no code yet"))
    return table


def _paper_tables(facts: dict[str, Any]) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = Text(f"{facts['title']}\n", style="bold")
    head.append(f"{facts['summary']}\nhttps://arxiv.org/abs/{facts['arxiv']}\n", style="not bold")
    command = facts["slug"].replace("_", "-")
    usage = Table("verb", "what it does", title=f"Verbs: hotpapers {command} VERB --help", title_justify="left")
    for verb, summary in facts["verbs"].items():
        usage.add_row(verb, Text(summary))
    claims = Table("claim", "paper", "measured", "expected", "verdict", title="Claims", title_justify="left")
    for claim in facts["claims"]:
        low_high = claim["interval"]
        spread = f" [{figure(low_high[0])} … {figure(low_high[1])}]" if low_high and low_high[0] != low_high[1] else ""
        measured = f"{figure(claim['measured'])}{spread} {claim['unit']}".strip()
        says = Text(claim["says"])
        says.append(f"\n{claim['id']}", style="dim")
        claims.add_row(
            says, figure(claim["paper"]), Text(measured), Text(claim["expected"] or "–"), Text(claim["verdict"])
        )
    return Group(head, usage, claims)
