import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hotpapers.digest.arxiv_ids import canonical, find

OLD = ["cs", "math", "hep-th", "cond-mat", "q-bio", "physics", "math-ph", "astro-ph"]
CLASSES = {"cs": ["LG", "CL"], "math": ["GT", "AG"], "cond-mat": ["mtrl-sci", "stat-mech"], "physics": ["gen-ph"]}


@st.composite
def new_style(draw):
    year, month = draw(st.integers(7, 59)), draw(st.integers(1, 12))
    if (year, month) < (7, 4):
        month = 4
    digits = 4 if (year, month) <= (14, 12) else 5
    identifier = f"{year:02}{month:02}.{draw(st.integers(1, 10**digits - 1)):0{digits}}"
    return identifier, identifier + draw(st.sampled_from(["", "v1", "v3", "v12"]))


@st.composite
def old_style(draw):
    year = draw(st.sampled_from([*range(92, 100), *range(7)]))
    archive = draw(st.sampled_from(OLD))
    serial = f"{year:02}{draw(st.integers(1, 12)):02}{draw(st.integers(1, 999)):03}"
    subject = draw(st.sampled_from(["", *(f".{each}" for each in CLASSES.get(archive, []))]))
    return f"{archive}/{serial}", f"{archive}{subject}/{serial}" + draw(st.sampled_from(["", "v1", "v2"]))


ANY = st.one_of(new_style(), old_style())
URLS = [
    "https://arxiv.org/abs/{}", "http://arxiv.org/abs/{}", "https://www.arxiv.org/abs/{}", "arxiv.org/pdf/{}",
    "https://arxiv.org/pdf/{}.pdf", "https://arxiv.org/html/{}", "https://export.arxiv.org/abs/{}?context=cs",
    "https://arxiv.org/abs/{}#section", "https://ar5iv.labs.arxiv.org/html/{}", "https://ar5iv.org/abs/{}",
    "https://www.alphaxiv.org/abs/{}", "https://alphaxiv.org/en/overview/{}", "https://huggingface.co/papers/{}",
    "https://hf.co/papers/{}", "https://doi.org/10.48550/arXiv.{}", "https://dx.doi.org/10.48550/ARXIV.{}",
    "https://scirate.com/arxiv/{}", "https://papers.cool/arxiv/{}", "https://www.arxiv-vanity.com/papers/{}",
    "HTTPS://ARXIV.ORG/ABS/{}", "https://arxiv.org:443/abs/{}", "https://l.example/?u=https%3A%2F%2Farxiv.org%2Fabs%2F{}",
]  # fmt: skip
WORDS = [
    "arXiv:{}",
    "arxiv: {}",
    "ARXIV:{}",
    "arXiv {}",
    "(arXiv:{} [cs.LG])",
    "arXiv#{}",
    "see arXiv:{}, please",
    "\narXiv:{}\n",
]
AROUND = st.sampled_from(["", " ", "(", "論文", "→", "\n", "«", ". "])


@given(ANY, st.sampled_from(URLS + WORDS), AROUND, AROUND)
def test_every_spelling_in_every_form_is_found_and_folded(identifier, form, before, after):
    folded, spelled = identifier
    assert find(before + form.format(spelled) + after) == (folded,)


@given(ANY)
def test_an_identifier_alone_is_brought_to_its_canonical_spelling(identifier):
    folded, spelled = identifier
    assert canonical(spelled) == canonical(f" arXiv:{spelled} ") == canonical(folded) == folded
    assert canonical(f"{spelled}x") is None


@given(old_style())
def test_an_old_archives_name_is_enough(identifier):
    folded, spelled = identifier
    assert find(f"as shown in {spelled}, we") == (folded,)


@pytest.mark.parametrize(
    "text",
    [
        "call 210-607-1400", "+1 2106071400", "2106.07140", "on 2021.06.15 at 14.30", "2021/06/15",
        "version 2106.0714.3",
        "arXiv:2106.071401", "arXiv 2106071401", "arXiv:2106.0714", "arXiv:1412.00001", "arXiv:0703.0001",
        "arXiv:2113.00001", "arXiv:2100.00001", "arXiv:2106.00000", "arXiv:9912.00001", "arXiv:2106.07140.2",
        "arxiv.org/list/cs.LG/2106",
        "https://arxiv.org.evil.example/abs/2106.07140", "https://notarxiv.org/abs/2106.07140",
        "https://huggingface.co/2106.07140",
        "https://example.org/math/0309136", "math/03091", "math/0313136", "cs/0801001", "math/0309000", "foo/0309136",
        "https://arxiv.org/a/doe_j_1", "arxiv.org/abs/2106.07140abc", "10.48550/2106.07140", "barxiv:2106.07140",
    ],
)  # fmt: skip
def test_near_misses_are_not_found(text):
    assert find(text) == ()


@given(st.integers(10**9, 10**10 - 1), st.sampled_from(["arXiv:{}", "https://arxiv.org/abs/{}", "{}", "arXiv {}"]))
def test_ten_digits_are_never_an_identifier(number, form):
    assert find(form.format(number)) == ()


def test_each_is_told_once_in_the_order_found():
    assert find("arXiv:2106.07140v3 cs.LG/0102003", "https://arxiv.org/abs/2106.07140", "math.GT/0309136v1") == (
        "2106.07140", "cs/0102003", "math/0309136",
    )  # fmt: skip


@given(st.text())
@example("%" * 50 + "arXiv:2106.07140%")
def test_any_text_is_searched_without_complaint(text):
    assert all(canonical(each) == each for each in find(text))


HOSTILE = [
    "arxiv", "arxiv.org/", "arxiv.org/a/b/", "a/", "cs.", "math.aa-", "math/", "2106.", "arxiv ", "arxiv:  ",
    "%25", "%61",
    "huggingface.co/papers/", "arxiv.org/abs/2106.0714", "2106.0714 ", "cond-mat.", "/1234567", "1234.1234",
]  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3))
def test_time_is_linear_in_the_length_of_hostile_text(parts):
    """Sixteen times the text in some sixteen times the time; a quadratic search would take 256 times as long."""

    def seconds(length):
        text = "".join(parts) * (length // len("".join(parts)))
        return min(clocked(text) for _ in range(2))

    def clocked(text):
        started = time.process_time()
        find(text)
        return time.process_time() - started

    assert seconds(160_000) < 64 * seconds(10_000) + 0.02
