"""A paper that is not there, with a hostile README and evidence of every verdict, for the tests of the site."""

import datetime
import io
import sys
from pathlib import Path

from hotpapers.cards import Card, Claim, Criterion
from hotpapers.claims.evidence import Evidence, load_evidence, write_evidence
from hotpapers.claims.judge import judge
from hotpapers.claims.provenance import Cost, Machine

README = """# Brightener

Makes photographs *brighter*. See [results](#results), [the code](verbs.py), [the other](../nowhere/README.md),
[arXiv](https://arxiv.org/abs/2106.00000), [up](../../../../etc/passwd) and <script>alert("readme")</script>.

![Before and after](images/before%20after.png) ![gone](images/gone.png) ![far](https://example.org/track.gif)
![out](../secret.png)

<p align="center" style="position:fixed" onclick="alert(1)"><img src="images/before after.png" onerror="alert(2)"></p>
<iframe src="https://example.org"></iframe><a href="javascript:alert(3)">trap</a><form action="/api"><input></form>
<style>body{display:none}</style><a id="main" href="data:text/html,x">data</a><svg onload="alert(4)"></svg>

## Results

<!-- evidence:begin brightener -->
| Claim | Verdict |
|---|---|
| generated table | x |
<!-- evidence:end -->

| Setting | Brightness gained in the mean over all of the photographs that were measured | And another column |
|:--|--:|---|
| `gain = 2.0` | 12.5 | a_very_long_word_that_cannot_be_broken_anywhere_at_all_and_is_wider_than_a_phone |

```python
from hotpapers.papers.brightener import brighten  # a line of code that is longer than any telephone's screen is wide
```

# Another title

1. One[^1]
2. Two

[^1]: A footnote.
"""
VERBS = '''
from pathlib import Path
from typing import Literal

from hotpapers.verbs import Device, ImageFile, Model, Outcome

Mode = Literal["soft", "hard"]


def brighten(image: ImageFile, model: Model, *, mask: ImageFile, gain: float = 2.0, steps: int | None = None,
             mode: Mode | None = "soft", out: Path | None = None, keep: bool = False,
             device: Device = "auto") -> Outcome:
    """Brighten a photograph <b>by</b> a gain.

    More words.

    Parameters
    ----------
    image
        The photograph, of any size.
    gain
        How much brighter, <script>alert("help")</script> as a factor of ``1.0`` or more.
    """
    raise RuntimeError("the site must not import or call a verb")


raise RuntimeError("the site must not import a paper")
'''


class ExampleCard(Card, frozen=True):
    """A card whose folder is elsewhere."""

    @property
    def package(self) -> str:
        return self.slug

    @property
    def folder(self) -> Path:
        return next(Path(entry) / self.slug for entry in sys.path if (Path(entry) / self.slug / "README.md").is_file())


def claim(name: str, says: str, **changed) -> Claim:
    settings = {"where": "Table 3", "metric": "gain of <i>brightness</i>", "paper": 33.5, "unit": "dB",
                "expect": {"laptop": Criterion(at_least=10), "paper": Criterion(at_least=30)}} | changed  # fmt: skip
    return Claim(id=name, says=says, **settings)


CLAIMS = (
    claim("brighter", "Photographs come out 33.5 dB brighter than they went in.",
          shows={"sheet.png": "Before & <b>after</b>", "added.png": "What was added", "not-there.png": "Nothing"}),
    claim("brighter-still", "A second pass brightens them by another 33.5 dB."),
    claim("perhaps", "Faces <b>keep</b> their colour & their \"shape\"."),
    claim("small", "The network has 902,531 parameters.", exact=True, unit="", paper=902531, metric="parameters",
          expect={"laptop": Criterion(equals=902531)}),
    claim("later", "It works on video too.", paper=None, unit=""),
    claim("only-smoke", "It is fast.", expect={"laptop": Criterion(at_most=0.5)}, paper=0.1, unit="s"),
)  # fmt: skip
CARD = ExampleCard(
    slug="brightener",
    arxiv="2106.00000",
    title="Brightener: O($n^2$) <script>alert('title')</script> & Photographs",
    summary="Makes photographs brighter & <b>better</b>.",
    code="someone/brightener",
    extras=("torch", "vision"),
    verbs={"brighten": "verbs:brighten", "missing": "nothing:missing"},
    claims=CLAIMS,
)
VALUES = {
    "brighter": {0: 31.2, 1: 35.0, 2: 33.1},
    "brighter-still": {0: 1.2, 1: 0.8, 2: 1.0},
    "perhaps": {0: 8.5, 1: 14.0, 2: 11.0},
    "small": {0: 902531.0},
}


def install(place: Path) -> None:
    """Write the paper's package under ``place`` and make it importable."""
    folder = place / CARD.slug
    (folder / "images").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "verbs.py").write_text(VERBS)
    (folder / "README.md").write_text(README)
    (folder / "images" / "before after.png").write_bytes(picture())
    (place / "secret.png").write_bytes(picture())


def evidence(place: Path):
    """Write evidence of every verdict under ``place`` and return it as the site takes it."""
    for name, values in VALUES.items():
        one = next(each for each in CLAIMS if each.id == name)
        keep(
            one,
            "laptop",
            values,
            place,
            {"added.png": picture(), "sheet.png": picture(), "table.csv": b"a,b\n", "page.html": b"<script>"},
        )
    keep(CLAIMS[0], "smoke", {0: 2.0}, place, {})
    keep(CLAIMS[5], "smoke", {0: 0.2}, place, {})
    return load_evidence([place])


def keep(one: Claim, scale: str, values: dict[int, float], place: Path, contents: dict[str, bytes]) -> None:
    criterion = one.expect.get(scale)
    told = Evidence(
        slug=CARD.slug, arxiv=CARD.arxiv, claim=one.id, scale=scale, metric=one.metric, unit=one.unit, exact=one.exact,
        criterion=criterion, judgement=judge(criterion, values, one.exact, scale=scale), seeds=sorted(values),
        values=values, method={0: 12.0}, baseline={0: 410.0}, method_unit="s", extras={}, files=[],
        cost=Cost(wall_seconds=412.0, cpu_seconds=800.0, peak_memory_bytes=3 << 30),
        machine=Machine(cpu="Example CPU @ 2.0 GHz", cores=2, memory_bytes=24 << 30, system="Linux x86_64"),
        versions={"python": "3.11"}, revision="0123456789ab", engine="local", jobs=1, device="cpu",
        date=datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC),
    )  # fmt: skip
    write_evidence(told, place, contents)


def picture() -> bytes:
    from PIL import Image

    kept = io.BytesIO()
    Image.linear_gradient("L").resize((240, 120)).save(kept, "PNG")
    return kept.getvalue()
