"""All embedded engines of one installation together."""

from pathlib import Path
from subprocess import Popen

from cityplatform import processes
from cityplatform.engines.nats import Nats
from cityplatform.engines.postgres import Postgres
from cityplatform.engines.valkey import Valkey
from cityplatform.installation import Installation, load_passwords
from cityplatform.processes import Program


class Engines:
    """PostgreSQL, NATS and Valkey over one data folder.

    A supervisor takes `programs()` and runs them itself; whoever only needs them for the
    length of a block uses `with Engines(...)`.
    """

    def __init__(
        self,
        data: Path,
        *,
        mode: str,
        ports: dict[str, int],
        database: str = "city",
        durable: bool | None = None,
    ) -> None:
        passwords = load_passwords(data)
        # Tests need not survive a power cut, unless they measure what that costs.
        durable = mode != "test" if durable is None else durable
        self.postgres = Postgres(data, durable=durable)
        self.valkey = Valkey(
            data, port=ports["valkey"], password=passwords["valkey"], durable=durable
        )
        self.nats = Nats(
            data,
            port=ports["nats"],
            monitor=ports["nats_monitor"],
            password=passwords["nats"],
            system_password=passwords["nats_system"],
        )
        self.installation = Installation(
            data=data,
            mode=mode,
            passwords=passwords,
            ports=ports,
            socket=self.postgres.socket,
            database=database,
        )
        self._running: list[tuple[Program, Popen[bytes]]] = []

    def prepare(self) -> None:
        """Make what they need on disk: a cluster, configurations."""
        self.postgres.prepare(self.installation.passwords["database"])
        self.valkey.prepare()
        self.nats.prepare()

    def programs(self) -> list[Program]:
        return [self.postgres.program(), self.nats.program(), self.valkey.program()]

    def ensure_database(self) -> None:
        """Make the two roles and the database, unless they are there."""
        self.postgres.ensure_roles(self.installation.passwords, self.installation.database)

    def __enter__(self) -> "Engines":
        self.prepare()
        try:
            for program in self.programs():
                log = self.installation.logs / f"{program.name}.log"
                self._running.append((program, processes.start(program, log)))
            for program, process in self._running:
                log = self.installation.logs / f"{program.name}.log"
                processes.wait_ready(program, process, log)
            self.ensure_database()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            # In reverse, so that the database goes last.
            processes.stop(*self._running.pop())
