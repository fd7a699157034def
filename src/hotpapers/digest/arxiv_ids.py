"""arXiv identifiers: found in text and links, brought to one spelling.

The canonical spelling has no version and no subject class: ``2106.07140`` (since April 2007) and ``math/0309136``
(before). A number counts only where its surroundings say that it is arXiv's: an address, a DOI, the word arXiv, or an
old archive's name. Every repetition in the patterns is bounded, so time is linear in the text, whatever it holds.
"""

import re
from urllib.parse import unquote

_ARCHIVES = [
    "acc-phys",
    "adap-org",
    "alg-geom",
    "ao-sci",
    "astro-ph",
    "atom-ph",
    "bayes-an",
    "chao-dyn",
    "chem-ph",
    "cmp-lg",
    "comp-gas",
    "cond-mat",
    "cs",
    "dg-ga",
    "funct-an",
    "gr-qc",
    "hep-ex",
    "hep-lat",
    "hep-ph",
    "hep-th",
    "math-ph",
    "math",
    "mtrl-th",
    "nlin",
    "nucl-ex",
    "nucl-th",
    "patt-sol",
    "physics",
    "plasm-ph",
    "q-alg",
    "q-bio",
    "quant-ph",
    "solv-int",
    "supr-con",
]
_ID = (
    r"(?:(?P<month>\d{4})\.(?P<number>\d{4,5})"
    rf"|(?P<archive>{'|'.join(_ARCHIVES)})(?:\.[a-z-]{{2,12}})?/(?P<serial>\d{{7}}))"
    r"(?:v\d{1,3})?"
)
_END = r"(?![0-9a-z]|\.\d)"
_BEFORE = (
    # An address: any page of these sites that ends in an identifier, such as /abs/, /pdf/, /html/, /en/overview/.
    r"(?<![a-z0-9-])(?:arxiv\.org|ar5iv\.(?:labs\.arxiv\.)?org|alphaxiv\.org|arxiv-vanity\.com"
    r"|(?:scirate\.com|papers\.cool)/arxiv)(?::\d{1,5})?/(?:[a-z0-9-]{1,12}/){0,2}"
    r"|(?<![a-z0-9-])(?:huggingface\.co|hf\.co)/papers/"
    # A DOI, or the word itself: arXiv:2106.07140, arXiv 2106.07140, 10.48550/arXiv.2106.07140.
    r"|(?<![a-z0-9])arxiv(?: {0,2}[:.#_/-] {0,2}| {1,2})"
    # An archive's name says enough by itself.
    rf"|(?<![a-z0-9_./-])(?=(?:{'|'.join(_ARCHIVES)})(?:\.[a-z-]{{2,12}})?/\d{{7}})"
)
_CORE = re.compile(r"\d{4}\.\d{4}|/\d{7}", re.ASCII)
_LONGEST_BEFORE = 80  # a site, a port, two segments of a path, an archive and its class
_FOUND = re.compile(f"(?:{_BEFORE}){_ID}{_END}", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(rf"(?:arxiv:)?{_ID}", re.IGNORECASE | re.ASCII)


def find(*texts: str) -> tuple[str, ...]:
    """Return the canonical identifiers that ``texts`` (words or links) name, each once, in the order found.

    >>> find("See https://arxiv.org/pdf/2106.07140v3.pdf and math.GT/0309136, call 2106.071401")
    ('2106.07140', 'math/0309136')
    """
    found: dict[str, None] = {}
    for text in texts:
        plain = unquote(text) if "%" in text else text
        if core := _CORE.search(plain):  # most texts hold none, and this is the quicker look
            for match in _FOUND.finditer(plain, max(0, core.start() - _LONGEST_BEFORE)):
                if (identifier := _fold(match)) is not None:
                    found[identifier] = None
    return tuple(found)


def canonical(text: str) -> str | None:
    """Return the canonical spelling of an identifier that stands alone, or ``None`` where ``text`` is none.

    >>> canonical("arXiv:cs.LG/0102003v2")
    'cs/0102003'
    """
    match = _WHOLE.fullmatch(text.strip())
    return _fold(match) if match else None


def _fold(match: re.Match[str]) -> str | None:
    if month := match["month"]:
        number = match["number"]
        # Four digits up to December 2014, five from then on.
        real = "0704" <= month <= "5912" and "01" <= month[2:] <= "12" and int(number) > 0
        return f"{month}.{number}" if real and (len(number) == 4) == (month <= "1412") else None
    serial = match["serial"]
    real = ("9107" <= serial[:4] <= "9912" or serial[:4] <= "0703") and "01" <= serial[2:4] <= "12"
    return f"{match['archive'].lower()}/{serial}" if real and int(serial[4:]) > 0 else None
