from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

# The largest file that any form takes, and a little for what stands beside it.
LARGEST_REQUEST = 12 * 1024 * 1024


class Limited(FileUploadHandler):
    """Refuse a request with files that is larger than any of ours, before it is taken apart."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > LARGEST_REQUEST:
            raise RequestDataTooBig(f"{content_length} bytes are more than {LARGEST_REQUEST}")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
