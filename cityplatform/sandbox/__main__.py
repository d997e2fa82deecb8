"""`python -m cityplatform.sandbox --data DIR --port N`."""

import sys

import uvicorn

from cityplatform.sandbox.app import build
from cityplatform.sandbox.config import HOST, Refused, read


def main(argv: list[str]) -> int:
    """Serve until told to stop; 2 when it refuses to start, with the reason."""
    try:
        config = read(argv)
        app = build(config)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    uvicorn.run(
        app, host=HOST, port=config.port, log_level="warning", access_log=False,
        proxy_headers=False, server_header=False,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
