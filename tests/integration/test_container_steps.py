"""The Dockerfile's steps, run without Docker: a clean directory, another user, and one directory to write in.

What stands in for what: ``/app`` and the volume lie in a directory of the test's own, and paths to them are changed
accordingly in each step; the user is Docker's, by number, where the test runs as root, else the test's own; the Python
is this machine's; pip finds packages as it does on this machine.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import do_without
from tests.dockerfile import Instruction, instructions, is_sent
from tests.servers import MissingServerError

ROOT = Path(__file__).parents[2]
IMAGE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IS_ROOT = os.geteuid() == 0
BUILD_SECONDS = 300
RUN_SECONDS = 120


@dataclass
class Container:
    """What the steps so far have made."""

    base: Path
    own_paths: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": IMAGE_PATH})
    directory: str = "/"
    user: tuple[int, int] | None = None
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()

    def here(self, text: str) -> str:
        """``text`` with the container's own paths as they are on this machine."""
        own = "|".join(map(re.escape, self.own_paths))
        return re.sub(rf"(?<![\w.-])({own})(?![\w-])", lambda found: f"{self.base}{found.group()}", text)

    def path(self, text: str) -> Path:
        """Where a path of the container, absolute or from its WORKDIR, lies on this machine."""
        return Path(self.here(str(Path(self.directory) / text)))

    def build(self, step: Instruction, ignore: str) -> None:
        """Carry out one step. Raises ValueError at an instruction or flag that is not known here."""
        match step.word:
            case "FROM" | "VOLUME":
                pass
            case "WORKDIR":
                self.directory = step.value
                self.path(".").mkdir(mode=0o755, parents=True, exist_ok=True)
            case "ENV":
                for pair in shlex.split(step.value):
                    name, value = pair.split("=", 1)
                    self.environment[name] = self.here(value).replace("$PATH", self.environment["PATH"])
            case "COPY":
                self._copy(step, ignore)
            case "RUN":
                self._run_step(step)
            case "USER":
                uid, gid = map(int, step.value.split(":"))
                self.user = (uid, gid) if IS_ROOT else (os.geteuid(), os.getegid())
            case "CMD":
                self.command = tuple(json.loads(step.value))
            case "HEALTHCHECK":
                self.health = tuple(json.loads(step.value.partition("CMD")[2]))
            case _:
                raise ValueError(f"{step.word} is not known here")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as ``docker run`` would: as the image's user, with the image's environment and no other."""
        assert self.user is not None, "the image runs as root"
        return _run_as(self.user, command, self.environment, self.path("."))

    def _copy(self, step: Instruction, ignore: str) -> None:
        if step.flags:
            raise ValueError(f"COPY {step.flags} is not known here")
        for source in step.sources:
            origin = ROOT / source
            single = origin.is_file()
            for file in [origin] if single else sorted(origin.rglob("*")):
                if file.is_file() and is_sent(file.relative_to(ROOT).as_posix(), ignore):
                    place = self.path(step.target) / (file.name if single else file.relative_to(origin))
                    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                    shutil.copy2(file, place)

    def _run_step(self, step: Instruction) -> None:
        script = self.here(step.value)
        # Without the flag's mount, this machine's own cache of wheels serves: it lies in HOME as well.
        if set(step.flags) - {"--mount=type=cache,target=/root/.cache/pip"}:
            raise ValueError(f"RUN {step.flags} is not known here")
        if not IS_ROOT:
            script = re.sub(r"-o \d+ -g \d+", f"-o {os.geteuid()} -g {os.getegid()}", script)
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self.path("."),
            env=_network_environment() | self.environment | {"PATH": self._path_with_python()},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            umask=0o022,
            check=False,
        )
        assert done.returncode == 0, f"RUN {step.value}\n{done.stdout}{done.stderr}"

    def _path_with_python(self) -> str:
        """PATH, with this machine's Python after the image's own directories."""
        return self.environment["PATH"].replace(IMAGE_PATH, f"{self.base}/python:{IMAGE_PATH}")


def _run_as(
    user: tuple[int, int], command: tuple[str, ...], environment: Mapping[str, str], directory: Path
) -> subprocess.CompletedProcess[str]:
    uid, gid = user
    return subprocess.run(
        command,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        umask=0o022,
        check=False,
        user=uid if IS_ROOT else None,
        group=gid if IS_ROOT else None,
        extra_groups=[] if IS_ROOT else None,
    )


def _network_environment() -> dict[str, str]:
    """What tells pip how to reach packages from this machine: its settings and cache, proxies, certificates."""
    names = re.compile(r"HOME|PIP_.*|SSL_.*|REQUESTS_.*|.*_proxy", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if names.fullmatch(name)}


def _python_for(user: tuple[int, int]) -> str:
    """A Python of this machine that ``user`` may run: one in a home directory is often closed to others."""
    fit = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    names = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
    found = dict.fromkeys(
        place for path in (None, IMAGE_PATH) for name in names if (place := shutil.which(name, path=path))
    )
    for place in found:
        try:
            if _run_as(user, (place, "-c", fit), {"PATH": IMAGE_PATH}, Path("/")).returncode == 0:
                return place
        except PermissionError:
            continue
    raise MissingServerError(
        "No Python 3.11 that other users may run: apt-get install --no-install-recommends python3-venv"
    )


@pytest.fixture
def container() -> Iterator[Container]:
    """All steps of the Dockerfile carried out; the source tree can be written by nobody."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    ignore = (ROOT / ".dockerignore").read_text("utf-8")
    steps = instructions(text)
    own_paths = tuple(step.value for step in steps if step.word in {"WORKDIR", "VOLUME"})
    # Not pytest's tmp_path: that is closed to other users.
    with tempfile.TemporaryDirectory(prefix="lokbot-image-") as name:
        base = Path(name)
        base.chmod(0o755)
        made = Container(base, own_paths)
        user = next(step for step in steps if step.word == "USER")
        uid, gid = map(int, user.value.split(":"))
        try:
            python = _python_for((uid, gid))
        except MissingServerError as missing:
            do_without(missing)
        (base / "python").mkdir()
        wrapper = base / "python" / "python3"
        wrapper.write_text(f'#!/bin/sh\nexec {python} "$@"\n', "utf-8")
        wrapper.chmod(0o755)
        for step in steps:
            made.build(step, ignore)
        application = made.path(".")
        subprocess.run(["chmod", "-R", "a-w", application], check=True)
        yield made
        subprocess.run(["chmod", "-R", "u+w", application], check=True)


def _contents(directory: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in directory.rglob("*")}


@pytest.mark.timeout(BUILD_SECONDS)
def test_the_image_runs_the_demo_as_another_user_and_writes_in_its_volume_only(container: Container) -> None:
    application = container.path(".")
    before = _contents(application)
    assert container.run("touch", container.here("/app/written")).returncode != 0

    version = container.run("lokbot", "--version")
    assert version.returncode == 0, version.stderr
    for command in (container.command, container.health):
        known = container.run(*command, "--help")
        assert known.returncode == 0, f"{command}: {known.stderr}"

    demo = container.run("lokbot", "demo", "--once")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert _contents(application) == before
