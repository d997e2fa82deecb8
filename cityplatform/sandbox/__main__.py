"""`python -m cityplatform.sandbox --data DIR --port N`; port 0 takes any that is free."""

import socket
import sys
from dataclasses import replace

import uvicorn

from cityplatform.sandbox.app import build
from cityplatform.sandbox.config import HOST, Refused, read


def listen(port: int) -> socket.socket:
    """A loopback socket that takes connections from now on; `Refused` when the port is taken."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
    except OSError as taken:
        server.close()
        raise Refused(f"Port {port} cannot be used: {taken.strerror}.") from None
    server.listen(512)
    return server


def main(argv: list[str]) -> int:
    """Serve until told to stop; 2 when it refuses to start, with the reason."""
    try:
        config = read(argv)
        server = listen(config.port)
        config = replace(config, port=server.getsockname()[1])
        app = build(config)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    print(f"Sandbox bank on http://{HOST}:{config.port}", flush=True)
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, server_header=False
    )
    uvicorn.Server(settings).run(sockets=[server])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
