"""Statements and invoices on paper: PDF, with the fonts that the library brings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

PLAIN, BOLD = "Vera", "VeraBd"
GREY = colors.HexColor("#5b6470")


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on it: facts below the title, a table whose last column is sums, the total."""

    title: str
    lang: str
    facts: Sequence[tuple[str, str]]
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: tuple[str, str]
    notes: Sequence[str] = field(default=())


def pdf(paper: Paper) -> bytes:
    """The paper as a PDF file.  The same paper is the same file, to the byte."""
    _know_fonts()
    out = BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=paper.title,
        lang=paper.lang,
        invariant=1,
    )
    text = ParagraphStyle("text", fontName=PLAIN, fontSize=9, leading=13)
    strong = ParagraphStyle("strong", text, fontName=BOLD)
    end = ParagraphStyle("end", text, alignment=2)
    title = ParagraphStyle("title", fontName=BOLD, fontSize=17, leading=22, spaceAfter=4 * mm)
    width = page.width
    facts = [[_said(name, text), _said(value, text)] for name, value in paper.facts]
    wide = len(paper.heads) - 1
    columns = [width - 32 * mm * wide, *[32 * mm] * wide]
    if wide > 2:
        columns = [width - 26 * mm * wide, *[26 * mm] * wide]
    strong_end = ParagraphStyle("strong-end", strong, alignment=2)

    def row(cells: Sequence[str], style: Any, last: Any) -> list[Paragraph]:
        return [_said(cell, last if n else style) for n, cell in enumerate(cells)]

    gap = [""] * (wide - 1)
    table = [
        row(paper.heads, strong, strong_end),
        *(row(cells, text, end) for cells in paper.rows),
        row([paper.total[0], *gap, paper.total[1]], strong, strong_end),
    ]
    lined = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
            ("LINEBELOW", (0, 1), (-1, -2), 0.3, colors.HexColor("#d5d9df")),
            ("LINEABOVE", (0, -1), (-1, -1), 0.8, colors.black),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    bare = TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    grey = ParagraphStyle("note", text, textColor=GREY)
    page.build(
        [
            _said(paper.title, title),
            Table(facts, [45 * mm, width - 45 * mm], style=bare),
            Spacer(1, 6 * mm),
            Table(table, columns, repeatRows=1, style=lined),
            Spacer(1, 6 * mm),
            *(_said(note, grey) for note in paper.notes),
        ],
        onFirstPage=_numbered,
        onLaterPages=_numbered,
    )
    return out.getvalue()


def _said(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text), style)


def _numbered(canvas: Any, page: Any) -> None:
    canvas.setFont(PLAIN, 8)
    canvas.setFillColor(GREY)
    canvas.drawRightString(page.pagesize[0] - 20 * mm, 12 * mm, str(canvas.getPageNumber()))


def _know_fonts() -> None:
    if PLAIN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(PLAIN, "Vera.ttf"))
        pdfmetrics.registerFont(TTFont(BOLD, "VeraBd.ttf"))
