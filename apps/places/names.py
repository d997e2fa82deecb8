"""How people write the names of streets, and how we compare them."""

import re
import unicodedata

# Said or left out as one likes, so they count for nothing: Avenida Balmaceda is Balmaceda.
KINDS_OF_STREET = frozenset(
    {
        "avenida",
        "avda",
        "avd",
        "av",
        "ave",
        "avenue",
        "calle",
        "cl",
        "pasaje",
        "pje",
        "psje",
        "calzada",
        "paseo",
        "rua",
        "street",
        "st",
        "road",
        "rd",
        "boulevard",
        "bulevar",
        "blvd",
        "strasse",
        "str",
    }
)

# What stands between two streets that cross: "a con b", "a / b", "a esquina b", "a y b".
_BETWEEN = re.compile(
    r"\s*[/&+|;,]\s*"
    r"|\s+(?:con|y|e|esquina(?:\s+(?:con|de))?|esq\.?(?:\s+con)?|and|with|at|corner(?:\s+of)?)\s+"
    r"|\s+(?:con|esquina|esq\.?|and|with)\s*$",
    re.IGNORECASE,
)

# How the streets of a crossing are joined in a city that speaks this language.
_JOINS = {"es": "con", "pt": "com", "fr": "et", "de": "Ecke", "it": "con"}


def plain(text: str) -> str:
    """Return the text in lower case, without accents and punctuation, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", letters.replace("_", " ")))


def essence(text: str) -> str:
    """Return the plain text without the kind of street, unless nothing else would be left."""
    words = plain(text).split()
    kept = [word for word in words if word not in KINDS_OF_STREET]
    return " ".join(kept or words)


def halves(text: str) -> tuple[str, str] | None:
    """Return the essences of the two streets if the text may mean a crossing, else None.

    The second is empty while somebody is still typing: "Cordovez con".
    """
    first, *rest = _BETWEEN.split(text.strip(), maxsplit=1)
    if not rest or not essence(first):
        return None
    return essence(first), essence(rest[0])


def crossing(first: str, second: str, *, locale: str) -> str:
    """Return the name of a crossing as the city says it: "Cordovez con Los Carrera"."""
    word = _JOINS.get(locale.partition("-")[0].lower(), "&")
    return f"{first} {word} {second}"
