"""A CI job signs in at a real server by its forge's token, with nothing secret stored, and is told why when not."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from guru_server.keys import keys
from guru_server.signer.near import near_folder
from tests.server.federation.conftest import Issuer, account
from tools.lab.world import BIN, World

pytestmark = pytest.mark.e2e

PLANNER = """apiVersion: guru/v1
kind: Role
metadata: {name: look}
spec: {rules: {look: {verbs: [device.read]}}}
---
apiVersion: guru/v1
kind: Binding
metadata: {name: ci}
spec: {subjects: ['service:ci-acme'], role: look, scope: org}
"""


class Forge(Issuer):
    """Gives its jobs a token for the audience they ask for, as GitHub's runner does."""

    def answer(self, path: str) -> object:
        parts = urlsplit(path)
        if parts.path != "/job":
            return super().answer(path)
        [audience] = parse_qs(parts.query)["audience"]
        return {"value": self.token(int(time.time() * 1000), aud=audience)}


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Forge, Path]]:
    folder = tmp_path_factory.mktemp("forge") / "keys"
    keys.make(folder, ["localhost"], int(time.time() * 1000))
    made = Forge(keys.load_server(folder, near_folder(folder)).tls.context)
    yield made, folder / "ca.crt"
    made.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, forge: tuple[Forge, Path]) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("federation"))
    try:
        world.remote.create(Path(__file__).parents[2] / "examples" / "small-office")
        world.prepare()
        world.start_server({"GURU_SERVER_FEDERATION__CA_FILE": str(forge[1])})
        world.remote.push("Trust the forge", {
            "org/ci.yaml": account(forge[0].url).replace("guru-acme", world.url), "org/planner.yaml": PLANNER})
        world.sign_in()
        world.guru("sync", "--wait", "--timeout", "60s")
        yield world
    finally:
        world.stop()


def test_a_job_signs_in_as_its_pipeline_file_says(lab: World, forge: tuple[Forge, Path], tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(lab.get("/trust")["ca"])
    job = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GURU_URL": lab.url, "GURU_CA": str(ca)}
    asking = {**job, "SSL_CERT_FILE": str(forge[1]), "ACTIONS_ID_TOKEN_REQUEST_URL": forge[0].url + "/job?v=1",
              "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-runner"}
    given = {**job, "HOME": str(tmp_path / "other"),
             "GURU_ID_TOKEN": forge[0].token(int(time.time() * 1000), aud=lab.url, ref="refs/heads/mine")}

    def guru(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([BIN / "guru", *words], env=env, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)

    into = guru(asking, "login", "--ci", lab.url)
    me = guru(job, "whoami", "-o", "json")
    refused = guru(given, "login", "--ci", lab.url)
    nowhere = guru({**job, "HOME": str(tmp_path / "third")}, "login", "--ci", lab.url)
    slip = guru(asking, "login", "--ci", lab.url, "--user", "ada")

    assert into.returncode == 0, into.stderr
    assert (json.loads(me.stdout)["kind"], json.loads(me.stdout)["name"]) == ("service", "ci-acme")
    assert guru(job, "device", "list").returncode == 0
    assert guru(job, "key", "list").returncode == 8
    assert (refused.returncode, nowhere.returncode, slip.returncode) == (4, 4, 2)
    assert "its claim ref is not what the service account asks for" in refused.stderr
    assert "id-token: write" in nowhere.stderr
