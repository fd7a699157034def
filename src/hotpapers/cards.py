"""Cards: what we know of a paper without running anything, read from the ``card.toml`` in its folder."""

from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hotpapers.errors import BadInput, HotpapersError
from hotpapers.verbs import Outcome, describe, exists, load

Scale = Literal["smoke", "laptop", "paper"]
SCALES: tuple[Scale, ...] = ("smoke", "laptop", "paper")

Slug = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]
Dashed = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]


class BadCard(HotpapersError):
    """A ``card.toml`` that does not say what a card must say, or that its code does not keep."""


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a claim's value must be to count as reproduced: one of the three; ``tolerance`` goes with ``equals``."""

    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if sum(bound is not None for bound in (self.at_least, self.at_most, self.equals)) != 1:
            raise ValueError("an expectation needs exactly one of at_least, at_most, equals")
        if self.tolerance and self.equals is None:
            raise ValueError("tolerance goes with equals")

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"= {self.equals:g}" + (f" ± {self.tolerance:g}" if self.tolerance else "")


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A headline claim: what the paper says, how it is measured, what counts as reproduced.

    ``exact`` marks a claim without chance in it (a count, an identity): one value decides it. ``paper`` is the paper's
    own number, where it gives one. ``shows`` has for each file of the evidence, by its name, what it shows; the site
    shows them in that order. The function that measures it has the claim's id with underscores, in ``claims.py``.
    """

    id: Dashed
    says: str
    where: str
    metric: str
    expect: dict[Scale, Criterion] = {}
    paper: float | None = None
    unit: str = ""
    exact: bool = False
    shows: dict[str, str] = {}

    @property
    def function(self) -> str:
        """Return the name of the function that measures the claim."""
        return self.id.replace("-", "_")


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A paper's identity, verbs and claims.

    ``examples`` has for a verb and a field what the verb's form opens with: words, or a file in the paper's folder
    ``examples``.
    """

    slug: Slug
    arxiv: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})$")]
    title: str
    summary: str
    code: str | None = None
    extras: tuple[str, ...] = ()
    verbs: dict[Dashed, Annotated[str, msgspec.Meta(pattern=r"^[a-z_][a-z0-9_.]*:[a-z_][a-z0-9_]*$")]] = {}
    examples: dict[Dashed, dict[str, str]] = {}
    claims: tuple[Claim, ...] = ()

    @property
    def package(self) -> str:
        """Return the import path of the paper's package."""
        return f"hotpapers.papers.{self.slug}"

    @property
    def folder(self) -> Path:
        """Return the folder that holds the card and the paper's code."""
        return Path(str(resources.files("hotpapers.papers") / self.slug))

    def verb_address(self, name: str) -> tuple[str, str]:
        """Return the module and the function behind the verb ``name``."""
        module, _, function = self.verbs[name].partition(":")
        return f"{self.package}.{module}", function

    def example_file(self, example: str) -> Path | None:
        """Return the file that an example names, or ``None`` where it is words."""
        return self.folder / example if example.startswith("examples/") else None

    def verb_summary(self, name: str) -> str:
        """Return the verb's first sentence without importing the paper."""
        return describe(*self.verb_address(name))

    def load_verb(self, name: str) -> Callable[..., Outcome]:
        """Import the verb ``name``; raise ``MissingExtra`` where its libraries are not installed."""
        return load(*self.verb_address(name), self.extras, what=f"{self.slug} {name}")

    def load_claim(self, claim: Claim) -> Callable[..., Any]:
        """Import the function that measures ``claim``."""
        return load(f"{self.package}.claims", claim.function, self.extras, what=f"{self.slug} {claim.id}")

    def claim(self, claim_id: str) -> Claim:
        """Return the claim of that id, or raise ``BadInput`` that names those there are."""
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise BadInput(f"{self.slug} has no claim {claim_id!r}; it has: {', '.join(each.id for each in self.claims)}.")


@cache
def all_cards() -> dict[str, Card]:
    """Return every paper's card by slug, in the order of the slugs."""
    folders = sorted(Path(str(resources.files("hotpapers.papers"))).iterdir())
    return {folder.name: read_card(folder) for folder in folders if (folder / "card.toml").is_file()}


def find_card(slug: str) -> Card:
    """Return the card of ``slug`` (dashes are taken for underscores), or raise ``BadInput`` with the nearest names."""
    cards = all_cards()
    if card := cards.get(slug.replace("-", "_")):
        return card
    import difflib

    near = difflib.get_close_matches(slug, cards, n=3) or sorted(cards)
    raise BadInput(f"There is no paper {slug[:40]!r} here; did you mean {', '.join(near)}?")


def read_card(folder: Path) -> Card:
    """Read ``folder/card.toml`` and hold it to the shape of a card.

    Raises
    ------
    BadCard
        Naming the file, the key and what was expected.
    """
    path = folder / "card.toml"
    try:
        card = msgspec.toml.decode(path.read_bytes(), type=Card)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, OSError) as error:
        raise BadCard(f"{path}: {error}") from error
    if card.slug != folder.name:
        raise BadCard(f"{path}: slug is {card.slug!r} but the folder is {folder.name!r}")
    ids = [claim.id for claim in card.claims]
    if repeated := {each for each in ids if ids.count(each) > 1}:
        raise BadCard(f"{path}: two claims are called {sorted(repeated)[0]!r}")
    return card


def check_card(card: Card) -> None:
    """Hold a card to its code, without importing it: verbs and claims have their functions, examples their files.

    Raises
    ------
    BadCard
        Naming the first that is not there.
    """
    path = card.folder / "card.toml"
    for name, address in card.verbs.items():
        if not exists(*card.verb_address(name)):
            raise BadCard(f"{path}: verb {name!r} points to {address}, which is not there")
    for name, fields in card.examples.items():
        if name not in card.verbs:
            raise BadCard(f"{path}: there are examples for {name!r}, which is no verb")
        for field, example in fields.items():
            file = card.example_file(example)
            if file and (".." in file.parts or not file.is_file()):
                raise BadCard(f"{path}: the example {example!r} for {name} {field} is no file in the paper's folder")
    for claim in card.claims:
        if not exists(f"{card.package}.claims", claim.function):
            raise BadCard(f"{path}: claim {claim.id!r} has no function {claim.function} in claims.py")
