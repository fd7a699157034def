"""Made-up values that take the place of personal ones: names, addresses, dates, numbers that belong to nobody.

A value decides its own replacement by a keyed hash: the same value becomes the same in the whole table, in any order
and in any process. Domains and telephone numbers are from the ranges that are kept free for examples.
"""

import hashlib
from collections.abc import Callable

_FIRST = [
    "Ada",
    "Alan",
    "Alma",
    "Amir",
    "Anna",
    "Aron",
    "Asha",
    "Bela",
    "Boris",
    "Carla",
    "Chen",
    "Clara",
    "Dana",
    "Dario",
    "Elena",
    "Emil",
    "Enzo",
    "Erik",
    "Esra",
    "Eva",
    "Fadi",
    "Farah",
    "Felix",
    "Flora",
    "Goran",
    "Greta",
    "Hana",
    "Hugo",
    "Ida",
    "Igor",
    "Ines",
    "Ivan",
    "Jana",
    "Jonas",
    "Julia",
    "Kai",
    "Karin",
    "Lars",
    "Leila",
    "Lena",
    "Leo",
    "Lina",
    "Luca",
    "Maja",
    "Marco",
    "Maria",
    "Mina",
    "Mira",
    "Nadia",
    "Nils",
    "Nina",
    "Noah",
    "Nora",
    "Olga",
    "Omar",
    "Oscar",
    "Paula",
    "Pedro",
    "Petra",
    "Rafael",
    "Rania",
    "Rita",
    "Rosa",
    "Samir",
    "Sara",
    "Selma",
    "Sofia",
    "Sven",
    "Tara",
    "Teo",
    "Tina",
    "Uma",
    "Vera",
    "Viktor",
    "Wanda",
    "Yara",
    "Yuki",
    "Zara",
]
_LAST = [
    "Abel",
    "Adler",
    "Alba",
    "Arden",
    "Bauer",
    "Becker",
    "Berg",
    "Blake",
    "Borg",
    "Brandt",
    "Calder",
    "Castel",
    "Corin",
    "Dahl",
    "Delmar",
    "Doran",
    "Ebner",
    "Eklund",
    "Falk",
    "Farrow",
    "Ferrer",
    "Fuchs",
    "Galen",
    "Garde",
    "Hale",
    "Hansen",
    "Hartwell",
    "Holm",
    "Ibsen",
    "Jansen",
    "Keller",
    "Kent",
    "Kovar",
    "Lang",
    "Larsen",
    "Lindqvist",
    "Lowell",
    "Marsh",
    "Meyer",
    "Moreau",
    "Nakata",
    "Nash",
    "Novak",
    "Olsen",
    "Orban",
    "Palmer",
    "Pereira",
    "Quist",
    "Ramos",
    "Reyes",
    "Rossi",
    "Sato",
    "Schmidt",
    "Silva",
    "Stone",
    "Suzuki",
    "Tanaka",
    "Thorn",
    "Vance",
    "Varga",
    "Weber",
    "Winter",
    "Wolf",
    "Yates",
    "Young",
    "Zeller",
    "Ziegler",
]
_STREETS = [
    "Acorn",
    "Alder",
    "Beech",
    "Birch",
    "Brook",
    "Cedar",
    "Chapel",
    "Elm",
    "Fern",
    "Garden",
    "Hill",
    "Lake",
    "Maple",
    "Meadow",
    "Mill",
    "Oak",
    "Park",
    "Pine",
    "River",
]
_KINDS = ("Street", "Road", "Avenue", "Lane", "Square", "Way")
_PLACES = [
    "Ashford",
    "Brightwater",
    "Cedarville",
    "Eastbrook",
    "Fairhaven",
    "Glenmoor",
    "Harrowgate",
    "Kingsmere",
    "Lakeside",
    "Marlow",
    "Northfield",
    "Oakridge",
    "Pinehurst",
    "Riverton",
    "Southport",
    "Stonebridge",
    "Thornbury",
    "Westvale",
    "Willowdale",
    "Winterton",
]


def fake(kind: str, value: str, seed: int = 0) -> str:
    """Return what takes the place of ``value``.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    value
        The personal value.
    seed
        Another seed gives other replacements.
    """
    digest = hashlib.blake2b(
        value.encode(errors="surrogatepass"), digest_size=16, key=f"{seed}:{kind}".encode()
    ).digest()
    return KINDS[kind](int.from_bytes(digest, "big"))


def _draw(number: int, *choices: tuple[str, ...] | list[str] | int) -> tuple[list[str], int]:
    drawn = []
    for each in choices:
        number, at = divmod(number, each if isinstance(each, int) else len(each))
        drawn.append(str(at) if isinstance(each, int) else each[at])
    return drawn, number


def _name(number: int) -> str:
    return " ".join(_draw(number, _FIRST, _LAST)[0])


def _street(number: int) -> str:
    return " ".join(_draw(number, _STREETS, _KINDS)[0])


def _address(number: int) -> str:
    (house, place, code), rest = _draw(number, 400, _PLACES, 90_000)
    return f"{int(house) + 1} {_street(rest)}, {int(code) + 10_000} {place}"


def _date(number: int) -> str:
    (year, month, day), _ = _draw(number, 80, 12, 28)
    return f"{1930 + int(year)}-{int(month) + 1:02}-{int(day) + 1:02}"


def _email(number: int) -> str:
    (first, last, count), _ = _draw(number, _FIRST, _LAST, 1000)
    return f"{first}.{last}{count}@example.org".lower()


def _telephone(number: int) -> str:
    (area, line), _ = _draw(number, 800, 100)
    return f"({int(area) + 200}) 555-01{int(line):02}"


def _internet(number: int) -> str:
    (net, last), _ = _draw(number, ("192.0.2", "198.51.100", "203.0.113"), 254)
    return f"{net}.{int(last) + 1}"


def _digits(prefix: str, length: int) -> Callable[[int], str]:
    def made(number: int) -> str:
        return prefix + str(number % 10**length).zfill(length)

    return made


KINDS: dict[str, Callable[[int], str]] = {
    "address": _address,
    "person": _name,
    "name": _name,
    "birth date": _date,
    "email": _email,
    "birth place": lambda number: _draw(number, _PLACES)[0][0],
    "home location": lambda number: _draw(number, _PLACES)[0][0],
    "postal code": lambda number: str(10_000 + number % 90_000),
    "street": _street,
    "telephone": _telephone,
    "internet address": _internet,
    "payment card": _digits("0000", 12),
    "bank account": _digits("XX00", 16),
    "social security number": lambda number: f"000-{number % 100:02}-{number // 100 % 10_000:04}",
}
"""What a personal value can be → how its replacement is made of a number."""
