"""Collects what the city says to people into its catalogues, without GNU gettext."""

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation.template import templatize

FOLDERS = ("apps", "cityplatform", "templates")
# The bank's stand-in speaks for itself: it is not the city, and has its own few texts.
APART = ("cityplatform/sandbox", "cityplatform/engines")
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
BLANKS = re.compile(r"%\(\w+\)[a-z]|(?<!%)%[sd]|\{\w*(?::[^{}]*)?\}")
# Written by hand: without dates and tools a catalogue changes only when its words do.
HEADER = """\
# What the city says, in {name}.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


class Command(BaseCommand):
    help = (
        "Collect every text of code and templates into locale/, keep the translations, drop what"
        " is no longer said, and compile."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument(
            "--check",
            action="store_true",
            help="change nothing; fail and name the texts that have no good translation",
        )
        ways.add_argument(
            "--compile", action="store_true", help="only compile the catalogues as they are"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source, *others = (code for code, _name in settings.LANGUAGES)
        if options["compile"]:
            for language in others:
                _compile(read(language), language)
            return
        said = collect(settings.BASE_DIR)
        faults = []
        for language in others:
            catalogue = read(language)
            if options["check"]:
                faults += [f"{language}: {fault}" for fault in wanting(said, catalogue)]
                continue
            catalogue.update(said, no_fuzzy_matching=True)
            _write(catalogue, language)
            _compile(read(language), language)
            for fault in wanting(said, catalogue):
                self.stdout.write(f"{language}: {fault}")
        if faults:
            raise CommandError("\n".join(faults))
        self.stdout.write(f"{len(said)} texts, from {source} to {', '.join(others)}")


def collect(root: Path) -> Catalog:
    """Every text that code and templates below `root` hand to gettext."""
    said = Catalog(charset="utf-8")
    for path in _files(root):
        code = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # One level of indentation: what is left of a template is no Python block.
            code = "\n".join(line.lstrip() for line in templatize(code).splitlines())
        place = path.relative_to(root).as_posix()
        # Line numbers would change with every edit; one mention of a file is enough.
        found = extract("python", BytesIO(code.encode()), keywords=KEYWORDS)
        for _line, text, _notes, context in found:
            said.add(text, locations=[(place, 0)], context=context)
    return said


def wanting(said: Catalog, catalogue: Catalog) -> Iterator[str]:
    """What `catalogue` lacks of the texts in `said`, each in one line that names it."""
    for message in said:
        if not message.id:
            continue
        kept = catalogue.get(message.id, message.context)
        words = _forms(kept.string) if kept else []
        name = repr(_forms(message.id)[0])
        if not words or not all(words):
            yield f"not translated: {name}"
        elif kept and kept.fuzzy:
            yield f"in doubt (fuzzy): {name}"
        elif not _same_blanks(message, words):
            yield f"other blanks than in the source: {name}"


def read(language: str) -> Catalog:
    """The catalogue of `language` as it stands, an empty one if there is none yet."""
    path = _path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def _files(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            place = path.relative_to(root).as_posix()
            is_text = path.suffix == ".py" or (path.suffix in {".html", ".txt"})
            if path.suffix != ".py" and "templates" not in path.parts:
                is_text = False
            if is_text and not place.startswith(APART) and "migrations" not in path.parts:
                yield path


def _forms(text: Any) -> list[str]:
    return list(text) if isinstance(text, list | tuple) else [text]


def _same_blanks(message: Message, words: list[str]) -> bool:
    """Whether the translation fills in what the source fills in; one of several forms may omit."""
    forms = _forms(message.id)
    if len(forms) == 1:
        return sorted(BLANKS.findall(forms[0])) == sorted(BLANKS.findall(words[0]))
    known = {blank for form in forms for blank in BLANKS.findall(form)}
    last = set(BLANKS.findall(forms[-1])) == set(BLANKS.findall(words[-1]))
    return last and all(set(BLANKS.findall(form)) <= known for form in words)


def _path(language: str) -> Path:
    folder = Path(settings.LOCALE_PATHS[0])
    return folder / language / "LC_MESSAGES" / "django.po"


def _write(catalogue: Catalog, language: str) -> None:
    path, body = _path(language), BytesIO()
    write_po(
        body,
        catalogue,
        width=100,
        omit_header=True,
        sort_output=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    locale = catalogue.locale
    head = HEADER.format(
        name=locale.english_name if locale else language,
        language=language,
        plurals=catalogue.plural_forms,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + body.getvalue().decode().strip() + "\n", encoding="utf-8")


def _compile(catalogue: Catalog, language: str) -> None:
    with _path(language).with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
