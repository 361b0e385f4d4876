"""The stack of docker-compose.yml as a project of its own."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ["docker-compose.yml", "docker-compose.override.yml", "deploy/compose-test/compose.yml"]
WAIT = 180


class Stack:
    project = "compose-test"

    def __init__(self, folder, version, port):
        self.folder, self.version, self.port = folder, version, port
        self.sandbox_version = version
        self.settings = {}
        self.url = f"http://127.0.0.1:{port}"
        self.env_file = f"{folder}/env"
        self.make_secrets()

    def make_secrets(self):
        subprocess.run([ROOT / "deploy/secrets", self.env_file], check=True)

    def forget_passwords(self, *names):
        """Makes others in their place."""
        path = pathlib.Path(self.env_file)
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line.split("=")[0] not in names))
        self.make_secrets()

    def environment(self):
        """What compose and the scripts of deploy/ find this project by."""
        return {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": ":".join(str(ROOT / file) for file in FILES),
            "COMPOSE_ENV_FILES": self.env_file,
            "GATEWAY_PORT": str(self.port),
            **self.settings,
            "ENGINE_VERSION": self.version,
            "SANDBOX_VERSION": self.sandbox_version,
        }

    def run(self, *command):
        done = subprocess.run(command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def compose(self, *arguments):
        return self.run("docker", "compose", *arguments)

    def script(self, name, *arguments):
        return self.run(str(ROOT / "deploy" / name), *arguments)

    def ops(self, *arguments):
        return self.compose("run", "--rm", "--no-deps", "migrate", "ops", *arguments)

    def build(self, profile):
        arguments = ["--build-arg", f"PROFILE={profile}", "--build-arg", f"VERSION={self.version}"]
        tag = f"order-engine:{self.version}"
        self.run("docker", "build", "--network", "host", *arguments, "--file", "deploy/Dockerfile", "--tag", tag, ".")

    def health(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def containers(self, service):
        return self.compose("ps", "--quiet", service).split()

    def inspect(self, container, template):
        return self.run("docker", "inspect", "--format", template, container).strip()

    def kill_one(self, service, chance):
        """Ends the first process of a container with SIGKILL. `docker kill` would keep it from starting again."""
        containers = sorted(self.containers(service))
        if not containers:
            return False
        pid = int(self.inspect(chance.choice(containers), "{{.State.Pid}}"))
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid != 0

    def wait(self, what, condition):
        deadline = time.monotonic() + WAIT
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.5)
        return value

    def wait_ready(self, count):
        def healthy():
            names = ["executor", "gateway", "router", "balancer", "postgres", "nats", "redis"]
            states = self.compose("ps", "--format", "{{.Health}}", *names).split()
            return len(states) == count and set(states) == {"healthy"} and self.health()["status"] == "ok"

        self.wait("a service is not healthy", healthy)

    def wait_ended(self):
        self.wait("orders are open", lambda: self.sql("SELECT count(*) FROM orders WHERE ended_at IS NULL") == [["0"]])

    def wait_halted(self):
        return self.wait("no halt after the restore", lambda: self.sql("SELECT reason FROM halts WHERE resumed_at IS NULL"))

    def sql(self, query):
        script = 'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -AtF "\t" -c "$1"'
        rows = self.compose("exec", "-T", "postgres", "bash", "-c", script, "psql", query)
        return [row.split("\t") for row in rows.splitlines()]

    def ended_by_executor(self):
        """How many orders each executor has seen confirmed, by its log."""
        logs = {name: self.run("docker", "logs", name) for name in self.containers("executor")}
        return {name: len(re.findall(r"status=\S*confirmed", text)) for name, text in logs.items()}

    def landed(self):
        """Signatures that landed, by the cluster's own ledger."""
        landed = set()
        for line in self.compose("exec", "-T", "sandbox", "cat", "/wallet/ledger").splitlines():
            entry = json.loads(line)
            if entry["kind"] == "landed" and entry["err"] is None:
                landed.add(entry["signature"])
            elif entry["kind"] == "rolled_back":
                landed.discard(entry["signature"])
        return landed

    def known_landings(self):
        query = "SELECT signature FROM transactions UNION SELECT signature FROM adopted_transactions"
        return {row[0] for row in self.sql(query)}

    def landed_twice(self):
        landed, orders = self.landed(), {}
        for signature, order in self.sql("SELECT signature, order_id FROM transactions"):
            if signature in landed:
                orders.setdefault(order, []).append(signature)
        return [order for order, signatures in orders.items() if len(signatures) > 1]

    def save_logs(self):
        path = ROOT / ".data" / "compose-test.log"
        path.write_text(self.compose("logs", "--no-color", "--timestamps"))
        print(f"the containers' logs are in {path}")
