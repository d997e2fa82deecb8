"""Paper: letters that people have in their names, many pages, the same file each time."""

import re
import zlib

from apps.settlement.papers import Paper, pdf


def paper(rows=1):
    return Paper(
        title="Liquidación á ñ €",
        lang="es",
        facts=[("Pagado a", "Peñalolén <Ltda> & Cía.")],
        heads=["Qué", "Cuándo", "Monto"],
        rows=[["Viaje", "1 nov", "$ 2.450"]] * rows,
        total=("Total", "€ 24,50"),
    )


def test_it_is_a_pdf_and_the_same_each_time():
    assert pdf(paper()).startswith(b"%PDF-")
    assert pdf(paper()) == pdf(paper())


def test_the_fonts_within_know_the_letters():
    """Each sign that is drawn is in the table by which readers find the letter again."""
    signs = set()
    for stream in streams(pdf(paper())):
        signs |= {
            chr(int(code, 16))
            for code in re.findall(rb"<([0-9A-F]{4})>", stream)
            if b"CMap" in stream
        }

    assert {"á", "ñ", "€", "í", "&", "<"} <= signs


def test_many_rows_go_on_over_the_page():
    pages = re.findall(rb"/Type /Page\b(?!s)", pdf(paper(rows=200)))

    assert len(pages) > 2


def streams(file):
    import base64

    for found in re.findall(rb"stream\r?\n(.*?)endstream", file, re.DOTALL):
        told = found.strip()
        try:
            if told.endswith(b"~>"):
                told = base64.a85decode(told[:-2])
            yield zlib.decompress(told)
        except (ValueError, zlib.error):
            yield told
