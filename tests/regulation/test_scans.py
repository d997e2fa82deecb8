"""What is uploaded is judged by what is in it, and what is kept was drawn anew."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from apps.regulation import scans
from tests.papers import picture

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def read(content):
    return scans.read(BytesIO(content), len(content))


def png_that_claims(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"<html><script>alert(1)</script></html>", "unreadable"),
        (b"GIF89a" + b"\0" * 500, "unreadable"),
        (b"\xff\xd8\xff\xe0<script>alert(1)</script>", "unreadable"),
        (picture()[:2_000], "unreadable"),
        (b"MZ\x90\0" + b"\0" * 500, "unreadable"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "unreadable"),
        (b"x" + PDF, "unreadable"),
        (PDF.replace(b"%%EOF", b""), "unreadable"),
        (b"%PDF-" + b"0" * scans.LARGEST_PDF + b"%%EOF", "too_large"),
        (b"\xff\xd8" + b"0" * scans.LARGEST_FILE, "too_large"),
        (png_that_claims(19_000, 19_000), "too_large"),
        (png_that_claims(60_000, 60_000), "too_large"),
        (png_that_claims(800, 600), "unreadable"),
        (picture((399, 300)), "too_small"),
    ],
    ids=[
        "nothing",
        "HTML",
        "a broken GIF",
        "HTML behind a JPEG's first bytes",
        "half a JPEG",
        "a program",
        "an SVG with a script",
        "a PDF behind something else",
        "half a PDF",
        "a large PDF",
        "a large file",
        "a bomb of a gigabyte",
        "a bomb of ten gigabytes",
        "less than it claims",
        "a stamp",
    ],
)
def test_what_cannot_be_kept_is_named(content, code):
    with pytest.raises(scans.BadScan) as bad:
        read(content)
    assert bad.value.code == code


def test_a_size_that_is_told_wrongly_does_not_help():
    with pytest.raises(scans.BadScan, match="too_large"):
        scans.read(BytesIO(b"0" * (scans.LARGEST_FILE + 1)), 10)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_as_a_small_jpeg_without_what_it_knew(form):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x8825] = {1: "S", 2: (29.0, 54.0, 9.0)}
    more = {"exif": exif} | ({"comment": b"at home"} if form == "JPEG" else {})
    kept = read(picture((3_000, 2_000), form=form, **more))
    assert kept.format == "image/jpeg"
    drawn = Image.open(BytesIO(kept.content))
    assert (drawn.format, drawn.size, dict(drawn.getexif())) == ("JPEG", (2_400, 1_600), {})
    assert b"camera" not in kept.content
    assert b"at home" not in kept.content


def test_a_picture_is_turned_the_right_way_up():
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = read(picture((800, 500), exif=exif))
    assert Image.open(BytesIO(kept.content)).size == (500, 800)


def test_a_page_hidden_behind_a_picture_is_gone():
    kept = read(picture() + b"<script>alert(1)</script>")
    assert b"script" not in kept.content


def test_a_pdf_is_kept_as_it_is():
    assert read(PDF) == scans.Scan(PDF, "application/pdf")
