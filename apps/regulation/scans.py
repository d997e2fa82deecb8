"""The picture of a paper: what came in is not trusted, what is kept was drawn anew."""

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from apps.regulation.models import Paper

LARGEST_FILE = 10 * 1024 * 1024
LARGEST_PDF = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
# A picture with fewer along its longer side cannot be read by anybody.
FEWEST_ALONG = 400
KEPT_ALONG = 2_400

# What is said to whoever sent it, by the code of `BadScan`.
BAD_SCANS = {
    "empty": _("The file is empty. Choose another."),
    "too_large": _("The file is too large. Send a picture up to 10 MB or a PDF up to 5 MB."),
    "too_small": _("The picture is too small to be read. Take it again, closer."),
    "unreadable": _("This is no picture or PDF that we can read. Send a JPEG, PNG, WebP or PDF."),
}


class BadScan(Exception):
    """The file cannot be kept.  `code` says why: empty, too_large, unreadable, too_small."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Scan:
    """A file that is safe to keep and to show."""

    content: bytes
    format: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read(file: "BinaryIO | UploadedFile[bytes]", size: int) -> Scan:
    """Read an upload by what is in it: its name and its claimed type mean nothing.

    Raises `BadScan`.
    """
    if size > LARGEST_FILE:
        raise BadScan("too_large")
    file.seek(0)
    content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise BadScan("too_large")
    if not content:
        raise BadScan("empty")
    if content.startswith(b"%PDF-"):
        return _pdf(content)
    return _picture(content)


def _pdf(content: bytes) -> Scan:
    """Keep a PDF as it is: it is only ever downloaded, never shown inside our pages."""
    if len(content) > LARGEST_PDF:
        raise BadScan("too_large")
    if b"%%EOF" not in content[-1024:]:
        raise BadScan("unreadable")
    return Scan(content, Paper.Format.PDF)


def _picture(content: bytes) -> Scan:
    """Draw a picture anew: nothing but its pixels stays, turned the right way up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
                # The head alone was read: a bomb is seen before it goes off.
                if opened.width * opened.height > MOST_PIXELS:
                    raise BadScan("too_large")
                if max(opened.size) < FEWEST_ALONG:
                    raise BadScan("too_small")
                opened.draft("RGB", (KEPT_ALONG, KEPT_ALONG))
                drawn = ImageOps.exif_transpose(opened).convert("RGB")
        drawn.thumbnail((KEPT_ALONG, KEPT_ALONG))
        clean = Image.new("RGB", drawn.size)
        clean.paste(drawn)
        kept = BytesIO()
        clean.save(kept, "JPEG", quality=85, optimize=True)
    except BadScan:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise BadScan("too_large") from bomb
    except Exception as error:  # a broken file breaks Pillow's readers in many ways
        raise BadScan("unreadable") from error
    return Scan(kept.getvalue(), Paper.Format.JPEG)
