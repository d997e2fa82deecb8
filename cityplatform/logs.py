"""One line for each event, as key=value pairs that both a person and a machine can read."""

import json
import logging
from datetime import UTC, datetime

from apps.kernel import about

# What every record carries.  The rest was said by the caller through `extra`.
_KNOWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "color_message", "taskName"}


class Line(logging.Formatter):
    """`at=… level=… from=… say="…"`, then what `extra` named, then the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "say": record.getMessage(),
        }
        if (order := about.order.get()) and not hasattr(record, "order"):
            fields["order"] = order
        for name, value in vars(record).items():
            if name not in _KNOWN and isinstance(value, str | int | float | bool):
                fields[name] = value
        line = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return line


def _quoted(value: object) -> str:
    text = str(value)
    plain = text and not any(sign in text for sign in ' "=\n\r\t')
    return text if plain else json.dumps(text, ensure_ascii=False)
