"""The little mathematics of titles as plain characters: ``S$^2$-MLP`` reads S²-MLP. What has none stays as written."""

import re

_SUPER = dict(zip("0123456789+-=()nixk", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣᵏ", strict=True))
_SUB = dict(zip("0123456789+-=()aeijknoprtuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₒₚᵣₜᵤᵥₓ", strict=True))
_NAMED = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "infty": "∞", "times": "×", "cdot": "·", "pm": "±", "leq": "≤", "geq": "≥",
    "approx": "≈", "to": "→", "ell": "ℓ",
}  # fmt: skip


def plain_title(title: str) -> str:
    """Return ``title`` with its ``$…$`` as characters where every part of it has one, else as it is written."""
    return re.sub(r"\$([^$]+)\$", lambda match: _as_characters(match[1]) or match[0], title)


def _as_characters(latex: str) -> str | None:
    text = re.sub(r"\\(?:mathrm|mathbf|mathcal|text|textit|textbf)\{([^{}]*)\}", r"\1", latex)
    text = re.sub(r"\\([A-Za-z]+) ?", lambda match: _NAMED.get(match[1], match[0]), text)
    text = re.sub(r"([\^_])(?:\{([^{}]+)\}|(\S))", _raised, text)
    # What is left of LaTeX has no plain form: a wrong formula would be worse than an unrendered one.
    return None if re.search(r"[\\^_{}]", text) else text


def _raised(match: re.Match[str]) -> str:
    table, inner = (_SUPER if match[1] == "^" else _SUB), match[2] or match[3]
    return "".join(table[each] for each in inner) if all(each in table for each in inner) else match[0]
