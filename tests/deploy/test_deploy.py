"""What can be held of the deployment without a cloud: it parses, names things that exist, and lets each part do only its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import hcl2
import psycopg
import pytest
from ruamel.yaml import YAML

from careloom.cli.main import COMMANDS, loaded
from careloom.project.loader import load_project
from careloom.store.database import open_store
from careloom.store.migrations import migrate
from careloom.store.readiness import lack_for_events
from careloom.store.roles import RECEIVER, ROLES, WORKER, make_roles
from careloom.systems import rooms

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BLUEPRINT = ROOT / "blueprints" / "drchrono-clinical"
BROAD = re.compile(r"roles/(owner|editor|viewer|.*[aA]dmin.*|iam\.serviceAccountTokenCreator)$")


@cache
def terraform() -> dict[str, dict[str, Any]]:
    """Every resource by its kind and its name, without the quotes that the parser leaves on."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((DEPLOY / "terraform").glob("*.tf")):
        with file.open(encoding="utf-8") as text:
            for block in _bare(hcl2.load(text)).get("resource", ()):
                for kind, named in block.items():
                    if isinstance(named, dict):
                        found.setdefault(kind, {}).update(named)
    return found


@cache
def variables() -> dict[str, Any]:
    with (DEPLOY / "terraform" / "variables.tf").open(encoding="utf-8") as text:
        return {name: body for block in _bare(hcl2.load(text))["variable"] for name, body in block.items()}


@cache
def compose() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((DEPLOY / "docker-compose.yaml").read_text(encoding="utf-8"))


@cache
def dockerfile() -> list[str]:
    """The instructions, each on one line, without comments."""
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.strip('"'): _bare(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_bare(one) for one in value]
    return value.strip('"') if isinstance(value, str) else value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(one)


def _container(kind: str, name: str) -> dict[str, Any]:
    template = terraform()[kind][name]["template"][0]
    return template.get("template", [template])[0]["containers"][0]


def _environment_of_terraform() -> set[str]:
    containers = [
        _container("google_cloud_run_v2_service", "serve"),
        _container("google_cloud_run_v2_job", "migrate"),
    ]
    return {one["name"] for container in containers for one in container["env"]} | set(
        variables()["secrets"]["default"]
    )


def _careloom_services() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in compose()["services"].items() if name != "postgres"}


# ---------------------------------------------------------------- what they name exists


def test_every_environment_variable_that_is_set_is_documented_or_a_secret_of_the_blueprint() -> None:
    text = (BLUEPRINT / "careloom.yaml").read_text(encoding="utf-8")
    secrets = {name.upper().replace("-", "_") for name in re.findall(r"secret:([\w-]+)", text)}
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))
    known = documented | secrets | {f"{name}_FILE" for name in secrets | documented}
    used = _environment_of_terraform() | {name for one in _careloom_services().values() for name in one["environment"]}
    set_in_image = {
        pair.partition("=")[0] for line in dockerfile() if line.startswith("ENV ") for pair in line.split()[1:]
    }
    used |= {name for name in set_in_image if name.startswith("CARELOOM_")}
    assert {"CARELOOM_DATABASE_URL", "CARELOOM_SEAL_KEY", "DRCHRONO_CLIENT_ID"} <= used
    assert sorted(used - known) == []


def test_every_secret_of_the_blueprint_reaches_the_service_in_both_deployments() -> None:
    text = (BLUEPRINT / "careloom.yaml").read_text(encoding="utf-8")
    secrets = {name.upper().replace("-", "_") for name in re.findall(r"secret:([\w-]+)", text)}
    assert len(secrets) >= 4
    assert secrets <= _environment_of_terraform()
    for name in ("serve", "work"):
        assert {f"{secret}_FILE" for secret in secrets} <= set(_careloom_services()[name]["environment"])


def test_each_process_of_compose_connects_as_a_role_of_its_own_and_none_as_the_superuser() -> None:
    services = compose()["services"]
    files = {name: one["environment"]["CARELOOM_DATABASE_URL_FILE"] for name, one in _careloom_services().items()}
    assert len(set(files.values())) == 3
    assert services["migrate"]["command"] == ["migrate", "--roles"]
    assert services["postgres"]["environment"]["POSTGRES_USER"] == "postgres"
    logins = (DEPLOY / "postgres" / "logins.sh").read_text(encoding="utf-8")
    for login, role in (("serve", RECEIVER), ("work", WORKER)):
        assert f"create role careloom_{login} login password :'{login}' in role {role};" in logins
    assert all(f"create role {role} nologin;" in logins for role in ROLES)
    assert "superuser" not in logins


def test_the_logins_of_compose_migrate_serve_and_work(server_url: str) -> None:
    """The script's own statements on a real PostgreSQL, and what its owner then does."""
    script = (DEPLOY / "postgres" / "logins.sh").read_text(encoding="utf-8").split("<<'SQL'\n")[1].split("\nSQL")[0]
    name = f"test_{uuid4().hex}"
    logins = {login: f"{login}_{name}" for login in ("careloom_owner", "careloom_serve", "careloom_work")}
    for login, unique in logins.items():
        script = re.sub(rf"\b{login}\b", unique, script)
    script = re.sub(r"create role careloom_\w+ nologin;", "", script).replace("database careloom ", f"database {name} ")
    script = re.sub(r":'(\w+)'", r"'\1'", script)
    url = server_url.replace(":///careloom?", f":///{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        for role in ROLES:
            with suppress(psycopg.errors.DuplicateObject):
                connection.execute(f"create role {role} nologin")
        try:
            connection.execute(script)
            owner = url.replace("user=careloom", f"user={logins['careloom_owner']}")
            migrate(owner)
            assert make_roles(owner) == list(ROLES)
            assert make_roles(owner) == list(ROLES)
            for login in ("careloom_serve", "careloom_work"):
                store = open_store(url.replace("user=careloom", f"user={logins[login]}"))
                assert lack_for_events(store) == ""
                store.close()
        finally:
            connection.execute(f"drop database {name} with (force)")
            for unique in logins.values():
                connection.execute(f"drop role if exists {unique}")


@pytest.mark.parametrize("where", ["image", "serve", "work", "migrate", "service", "job"])
def test_every_command_that_a_container_runs_is_one_of_ours_with_options_that_exist(where: str) -> None:
    lines = {
        "image": next(re.findall(r'"([^"]+)"', line) for line in dockerfile() if line.startswith("CMD ")),
        **{name: one["command"] for name, one in _careloom_services().items()},
        "service": _container("google_cloud_run_v2_service", "serve")["args"],
        "job": _container("google_cloud_run_v2_job", "migrate")["args"],
    }
    name, *words = lines[where]
    assert name in COMMANDS
    options = {word for one in loaded(name).params for word in one.opts}
    assert [word for word in words if word.startswith("--") and word not in options] == []


def test_every_sync_that_the_scheduler_asks_for_is_a_stream_of_the_blueprint() -> None:
    landings = load_project(BLUEPRINT, rooms()).landings
    paths = [one["path"] for one in variables()["calls"]["default"].values()]
    streams = {path.removeprefix("/sync/").replace("-", "_") for path in paths if path.startswith("/sync/")}
    assert streams - {"all"} <= set(landings)
    assert {"/sync/all", "/maintenance/cleanup", "/sync/clinical-notes"} <= set(paths)


def test_every_file_that_the_image_copies_is_there_and_not_shut_out() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:].split("/")[0] for line in ignored if line.startswith("!")}
    named = [
        word
        for line in dockerfile()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
        if not word.startswith("$")
    ]
    assert len(named) >= 6
    for word in named:
        assert (ROOT / word).exists(), word
        assert word.split("/")[0] in let_in, word


def test_every_secret_file_of_compose_is_declared_and_mounted() -> None:
    declared = compose()["secrets"]
    for name, one in compose()["services"].items():
        files = {value.rsplit("/", 1)[-1] for key, value in one["environment"].items() if key.endswith("_FILE")}
        assert files == set(one["secrets"]) <= set(declared), name


# ---------------------------------------------------------------- the image


def test_the_image_runs_as_nobody_in_particular() -> None:
    users = [line.split()[1] for line in dockerfile() if line.startswith("USER ")]
    assert users
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1])
    last = max(number for number, line in enumerate(dockerfile()) if line.startswith("FROM "))
    user = max(number for number, line in enumerate(dockerfile()) if line.startswith("USER "))
    assert user > last
    assert not [line for line in dockerfile()[user:] if line.startswith(("RUN ", "COPY ", "ADD "))]


def test_the_image_is_built_from_pinned_things_only() -> None:
    lines = dockerfile()
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert set(images) == {"${PYTHON_IMAGE}"}
    assert "ARG PYTHON_IMAGE=docker.io/library/python:3.12-slim" in lines
    assert not [line for line in lines if line.startswith("ADD ")]
    assert not [line for line in lines if re.search(r"curl|wget|https?://|:latest|apt-get", line)]
    installs = re.findall(r"pip install ([^&]+)", " ".join(lines))
    assert installs
    for words in installs:
        assert "--require-hashes" in words or "--no-deps --no-index" in words


def test_the_last_stage_has_no_compiler_and_no_installer() -> None:
    lines = dockerfile()
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert not [line for line in last if re.search(r"\b(gcc|g\+\+|make|build-essential|pip)\b", line)]
    assert "pip uninstall --yes pip " in " ".join(lines)


@pytest.mark.parametrize("name", ["service", "build"])
def test_a_lock_of_the_image_pins_each_thing_by_hash_and_agrees_with_the_tested_one(name: str) -> None:
    mine, tested = (_pins(ROOT / "requirements" / f"{one}.txt") for one in (name, "dev"))
    assert mine
    assert {package: version for package, (version, _) in mine.items()} == {
        package: tested[package][0] for package in mine if package in tested
    }
    for package, (_, hashes) in mine.items():
        assert hashes, package
        assert hashes == tested[package][1], package


def test_the_lock_of_the_service_has_all_that_the_package_wants() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = wanted["optional-dependencies"]
    listed = [*wanted["dependencies"], *extras["gcp"], *extras["nats"], *extras["redis"]]
    names = {re.split(r"[\[<>=;]", one)[0].strip().lower().replace(".", "-") for one in listed}
    assert sorted(names - set(_pins(ROOT / "requirements" / "service.txt"))) == []


def _pins(file: Path) -> dict[str, tuple[str, frozenset[str]]]:
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for part in re.split(r"\n(?=[a-z0-9])", file.read_text(encoding="utf-8")):
        if pin := re.match(r"([a-z0-9._-]+)==([^\s;\\]+)", part):
            found[pin[1]] = (pin[2], frozenset(re.findall(r"sha256:[0-9a-f]{64}", part)))
    return found


# ---------------------------------------------------------------- compose


@pytest.mark.parametrize("name", ["serve", "work", "migrate"])
def test_a_container_of_compose_can_write_nothing_and_gain_nothing(name: str) -> None:
    one = compose()["services"][name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/project/.careloom:") for mount in one["tmpfs"])
    assert "privileged" not in one
    assert not [value for value in one["environment"].values() if "password" in value.lower() or "://" in value]


def test_compose_opens_one_port_on_this_machine_only_and_keeps_the_database_inside() -> None:
    ports = [port for one in compose()["services"].values() for port in one.get("ports", ())]
    assert ports == ["127.0.0.1:8080:8080"]
    assert compose()["networks"]["inside"]["internal"] is True
    assert compose()["services"]["postgres"]["networks"] == ["inside"]


def test_compose_starts_the_service_after_the_migration_and_that_after_the_database() -> None:
    services = compose()["services"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("serve", "work"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["postgres"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert "/ready" in services["serve"]["healthcheck"]["test"][-1]
    assert not [
        one["image"] for one in services.values() if one["image"].endswith(":latest") or ":" not in one["image"]
    ]


# ---------------------------------------------------------------- the cloud


def test_no_account_may_do_more_than_its_part() -> None:
    grants = {
        (kind, name): one for kind, named in terraform().items() if "_iam_" in kind for name, one in named.items()
    }
    assert len(grants) >= 6
    # On one thing each, never on the project.
    assert not [kind for kind, _ in grants if "project" in kind or "organization" in kind or "folder" in kind]
    assert not [one["role"] for one in grants.values() if BROAD.match(one["role"])]
    # Additive: a binding or a policy would take away what others were given.
    assert not [kind for kind, _ in grants if not kind.endswith("_iam_member")]
    by_account: dict[str, set[str]] = {}
    for one in grants.values():
        by_account.setdefault(one["member"], set()).add(one["role"])
    assert by_account["${google_service_account.serve.member}"] == {
        "roles/secretmanager.secretAccessor",
        "roles/pubsub.publisher",
    }
    assert by_account["${google_service_account.migrate.member}"] == {"roles/secretmanager.secretAccessor"}
    assert by_account["${google_service_account.scheduler.member}"] == {"roles/run.invoker"}
    assert by_account["allUsers"] == {"roles/run.invoker"}


def test_the_owners_password_is_the_migrations_alone() -> None:
    grants = terraform()["google_secret_manager_secret_iam_member"]
    assert grants["migrate"]["secret_id"] == "${google_secret_manager_secret.owner.id}"
    assert grants["serve"]["for_each"] == "${google_secret_manager_secret.secret}"
    job = _container("google_cloud_run_v2_job", "migrate")
    assert job["args"] == ["migrate", "--roles"]
    assert "var.database.owner" in str(job["env"])
    service = str(_container("google_cloud_run_v2_service", "serve"))
    assert "owner" not in service


def test_each_part_has_an_account_of_its_own_and_no_key() -> None:
    assert set(terraform()["google_service_account"]) == {"serve", "migrate", "scheduler"}
    assert "google_service_account_key" not in terraform()
    service = terraform()["google_cloud_run_v2_service"]["serve"]["template"][0]
    job = terraform()["google_cloud_run_v2_job"]["migrate"]["template"][0]["template"][0]
    accounts = {service["service_account"], job["service_account"]}
    assert accounts == {"${google_service_account.serve.email}", "${google_service_account.migrate.email}"}


def test_no_secret_value_can_get_into_the_state() -> None:
    assert "google_secret_manager_secret_version" not in terraform()
    container = _container("google_cloud_run_v2_service", "serve")
    plain = {one["name"]: one["value"] for one in container["env"]}
    assert not [name for name in plain if re.search(r"SECRET|KEY|PASSWORD|TOKEN", name)]
    assert "password" not in str(plain)
    dynamic = container["dynamic"][0]["env"]
    assert dynamic["for_each"] == "${local.secrets}"
    assert "secret_key_ref" in str(dynamic["content"])


def test_the_service_stays_up_works_between_requests_and_ends_no_request_before_its_time() -> None:
    template = terraform()["google_cloud_run_v2_service"]["serve"]["template"][0]
    assert template["timeout"] == "300s"
    assert template["scaling"][0]["min_instance_count"] == "${var.instances.min}"
    assert "var.instances.min >= 1" in str(variables()["instances"]["validation"])
    container = template["containers"][0]
    assert container["resources"][0]["cpu_idle"] is False
    assert container["startup_probe"][0]["http_get"][0]["path"] == "/ready"
    assert container["liveness_probe"][0]["http_get"][0]["path"] == "/health"
    assert template["vpc_access"][0]["connector"] == "${var.vpc_connector}"


def test_the_scheduler_shows_its_own_token_and_waits_longer_than_the_service() -> None:
    job = terraform()["google_cloud_scheduler_job"]["call"]
    target = job["http_target"][0]
    assert target["http_method"] == "POST"
    token = target["oidc_token"][0]
    assert token["service_account_email"] == "${google_service_account.scheduler.email}"
    assert token["audience"] == "${google_cloud_run_v2_service.serve.uri}"
    assert int(job["attempt_deadline"].removesuffix("s")) > 300


def test_a_change_event_that_nobody_can_take_is_kept() -> None:
    changes = terraform()["google_pubsub_subscription"]["changes"]
    assert changes["enable_message_ordering"] is True
    assert changes["dead_letter_policy"][0]["dead_letter_topic"] == "${google_pubsub_topic.dead.id}"
    assert terraform()["google_pubsub_subscription"]["dead"]["topic"] == "${google_pubsub_topic.dead.id}"
    assert changes["expiration_policy"][0]["ttl"] == ""


def test_every_reference_in_terraform_leads_to_something_declared() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in (DEPLOY / "terraform").glob("*.tf"))
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    for name in set(re.findall(r"\bvar\.([a-z_]+)", text)):
        assert name in variables(), name
    for name in set(re.findall(r"\blocal\.([a-z_]+)", text)):
        assert re.search(rf"(?m)^  {name}\s+= ", text), name
    for kind, name in set(re.findall(r"(?<![.\w])(google_[a-z0-9_]+)\.([a-z]+)", text)):
        known = terraform().get(kind, {})
        assert name in known or f'data "{kind}" "{name}"' in text, f"{kind}.{name}"
    assert not re.search(r"0\.0\.0\.0/0", text)


def test_the_example_of_variables_gives_all_that_have_no_default() -> None:
    with (DEPLOY / "terraform" / "terraform.tfvars.example").open(encoding="utf-8") as text:
        given = set(_bare(hcl2.load(text)))
    assert {name for name, one in variables().items() if "default" not in one} <= given
    assert given - {"__comments__"} <= set(variables())
