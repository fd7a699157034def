"""Ontologies: the semantic types that columns are annotated with, and the verb ``ontology``.

A type has a label, an IRI, a description, domains, ranges and what stands above it. Two tables of types come with the
package, in ``ontologies/`` with their licence: the snapshots of Schema.org and DBpedia of 28 May 2021.
"""

import gzip
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from hotpapers.errors import BadInput
from hotpapers.files import written_whole
from hotpapers.papers.gittables.cleaning import clean, clean_type
from hotpapers.verbs import AnyFile, Outcome

Name = Literal["dbpedia", "schema"]
NAMES: tuple[Name, ...] = get_args(Name)
LARGEST = 512 << 20  # bytes of a published ontology
_FOLDER = Path(__file__).parent / "ontologies"
_RDFS, _OWL = "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2002/07/owl#"
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_TRIPLE = re.compile(r'<([^>]*)> <([^>]*)> (?:<([^>]*)>|"((?:[^"\\]|\\.)*)"(?:@([\w-]+)|\^\^<[^>]*>)?) \.')


class Type(msgspec.Struct, frozen=True, omit_defaults=True):
    """A semantic type.

    Attributes
    ----------
    label
        Its name in words, lower case; what headers are matched with.
    id
        Its IRI; several where one label stands for several.
    kind
        What it is: a property, a class, or the enumeration that it is a member of.
    domain, range
        The IRIs of the classes that have it, and of what its values are.
    parents
        The IRIs of its super-properties or super-classes.
    """

    label: str
    id: str | list[str]
    description: str = ""
    kind: str = ""
    domain: list[str] = []
    range: list[str] = []
    parents: list[str] = []

    def record(self, ontology: Name) -> dict[str, Any]:
        """Return the type in the shape that the published corpus keeps with its columns."""
        shown: dict[str, Any] = {"cleaned_label": self.label, "description": self.description or None,
                                 "domain": self.domain or None, "id": self.id, "range": self.range or None}  # fmt: skip
        if ontology == "dbpedia":
            return shown | {"superproperty": self.parents or None}
        is_class = self.kind == "rdfs:Class"
        return shown | {"type": self.kind, "superclasses": (self.parents or None) if is_class else None,
                        "superproperties": None if is_class else self.parents or None}  # fmt: skip


class Ontology:
    """The types of one ontology by label, in the order of the labels."""

    def __init__(self, name: Name, types: Iterable[Type]) -> None:
        self.name = name
        self.types = {each.label: each for each in sorted(types, key=lambda each: each.label)}
        self.labels = list(self.types)

    def __len__(self) -> int:
        return len(self.types)

    @property
    def by_id(self) -> dict[str, Type]:
        """The types by IRI."""
        return {
            iri: each for each in self.types.values() for iri in ([each.id] if isinstance(each.id, str) else each.id)
        }

    def ancestors(self, of: Type) -> list[Type]:
        """Return what stands above a type, the nearest first, as far as this ontology knows it."""
        known, found, waiting = self.by_id, [], list(of.parents)
        while waiting:
            above = known.get(waiting.pop(0))
            if above and above is not of and above not in found:
                found.append(above)
                waiting += above.parents
        return found


@cache
def load(name: Name) -> Ontology:
    """Return one of the two ontologies that come with the package."""
    return read_types(_FOLDER / f"{name}.jsonl.gz", name)


def read_types(path: Path, name: Name) -> Ontology:
    """Read a table of types: JSON lines, packed by gzip or not.

    Raises
    ------
    BadInput
        If the file is not one.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        return Ontology(name, msgspec.json.Decoder(Type).decode_lines(raw))
    except (OSError, EOFError, msgspec.DecodeError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise BadInput(
            f"{path.name} is no table of types ({error}); make one with: gittables ontology --source FILE."
        ) from error


def write_types(path: Path, types: Iterable[Type]) -> None:
    """Write a table of types, always the same bytes for the same types."""
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in sorted(types, key=lambda each: each.label))
    with written_whole(path) as temporary:
        temporary.write_bytes(gzip.compress(lines, 9, mtime=0) if path.suffix == ".gz" else lines)


def ontology(
    *,
    word: str = "",
    name: Name = "dbpedia",
    source: AnyFile | None = None,
    out: Path | None = None,
) -> Outcome:
    """Look a semantic type up, or make a table of types of a published ontology.

    Parameters
    ----------
    word
        Types whose label contains this are listed.
    name
        The ontology.
    source
        Schema.org's JSON-LD or DBpedia's N-Triples; what comes with the package when left out.
    out
        Where the table of types goes; ``NAME.jsonl`` when left out.
    """
    found = build(Path(source), name) if source else load(name)
    wanted = clean(word)
    hits = [each for label, each in found.types.items() if wanted in label]
    if not hits:
        raise BadInput(f"{name} has no type with {word[:40]!r} in its label; try a shorter word.")
    out = Path(out) if out else Path(f"{name}.jsonl")
    write_types(out, hits)
    best = found.types.get(wanted, hits[0])
    numbers: dict[str, float | int | str] = {"types": len(hits), "of": len(found)}
    if word:
        above = ", ".join(each.label for each in found.ancestors(best)) or "nothing known"
        numbers |= {
            "label": best.label,
            "id": _joined(best.id),
            "domain": _joined(best.domain),
            "range": _joined(best.range),
            "above it": above,
            "description": best.description or "none",
        }
    return Outcome({"types": out}, numbers)


def build(source: Path, name: Name) -> Ontology:
    """Make the types of an ontology's published file: for Schema.org all nodes, for DBpedia all properties.

    Raises
    ------
    BadInput
        If the file cannot be read or has no types.
    """
    try:
        if source.stat().st_size > LARGEST:
            raise BadInput(f"{source.name} is larger than {LARGEST >> 20} MB, which no ontology here is.")
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"Cannot read {source}: {error}. Name Schema.org's .jsonld or DBpedia's .nt.") from error
    types = _schema_types(text, source.name) if name == "schema" else _dbpedia_types(text)
    if not types:
        raise BadInput(f"{source.name} has no types of {name}; name Schema.org's .jsonld or DBpedia's .nt.")
    return Ontology(name, types)


def _schema_types(text: str, file: str) -> list[Type]:
    try:
        nodes = json.loads(text)["@graph"]
        found = [_schema_type(node) for node in nodes]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{file} is not Schema.org's JSON-LD; take schemaorg-current-https.jsonld.") from error
    first: dict[str, Type] = {}
    for each in sorted(found, key=lambda each: each.label):
        first.setdefault(each.label, each)
    # As published: the commonest header of all means an identifier.
    if identifier := first.pop("identifier", None):
        first["id"] = msgspec.structs.replace(identifier, label="id")
    return list(first.values())


def _schema_type(node: dict[str, Any]) -> Type:
    def value(key: str) -> str:
        found = node.get(key, "")
        return found["@value"] if isinstance(found, dict) else found if isinstance(found, str) else found[0]

    def iris(key: str) -> list[str]:
        found = node.get(key, [])
        return [each["@id"] for each in (found if isinstance(found, list) else [found])]

    kind = node["@type"] if isinstance(node["@type"], str) else node["@type"][0]
    return Type(
        label=clean_type(value("rdfs:label")), id=node["@id"], description=value("rdfs:comment"), kind=kind,
        domain=iris("schema:domainIncludes"), range=iris("schema:rangeIncludes"),
        parents=iris("rdfs:subClassOf" if kind == "rdfs:Class" else "rdfs:subPropertyOf"),
    )  # fmt: skip


def _dbpedia_types(text: str) -> list[Type]:
    """Collect the triples of each property; a label that two properties share becomes one type with two IRIs."""
    facts: dict[str, dict[str, list[str]]] = {}
    for subject, verb, iri, words, language in _TRIPLE.findall(text):
        if subject.startswith("http://dbpedia.org/ontology/") and (not words or language in ("", "en")):
            facts.setdefault(subject, {}).setdefault(verb, []).append(iri or _unescaped(words))
    kinds = {f"{_OWL}ObjectProperty", f"{_OWL}DatatypeProperty", f"{_OWL}FunctionalProperty"}
    kinds.add(_RDF_TYPE.replace("type", "Property"))
    merged: dict[str, Type] = {}
    for subject, of in sorted(facts.items()):
        if kinds.isdisjoint(of.get(_RDF_TYPE, [])):
            continue
        new = Type(label=clean_type(subject), id=subject, description=" ".join(of.get(f"{_RDFS}comment", [])[:1]),
                   kind="rdf:Property", domain=of.get(f"{_RDFS}domain", []), range=of.get(f"{_RDFS}range", []),
                   parents=of.get(f"{_RDFS}subPropertyOf", []))  # fmt: skip
        merged[new.label] = _both(merged[new.label], new) if new.label in merged else new
    return list(merged.values())


def _both(one: Type, other: Type) -> Type:
    def union(a: Sequence[str], b: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*a, *b]))

    ids = union(*([each.id] if isinstance(each.id, str) else each.id for each in (one, other)))
    return msgspec.structs.replace(
        one, id=ids, description=one.description or other.description, domain=union(one.domain, other.domain),
        range=union(one.range, other.range), parents=union(one.parents, other.parents),
    )  # fmt: skip


def _unescaped(words: str) -> str:
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(?:u(\w{4})|U(\w{8})|(.))",
                  lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else plain.get(m[3], m[3]), words)  # fmt: skip


def _joined(of: str | list[str]) -> str:
    return of if isinstance(of, str) else ", ".join(of) or "none"
