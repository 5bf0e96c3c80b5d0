"""Runs the real `postern serve` for end-to-end tests: on loopback, in a temporary folder, ended by pid.

Postern(config) is a context manager: `config` is a dict in the shape of the YAML file; listen addresses, the state
folder and the console are filled in with free ones. POSTERN_BINARY names the program.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("POSTERN_BINARY", str(ROOT / "build/postern"))
SHARED_DATA = pathlib.Path(os.environ.get("POSTERN_SHARED_DATA", ROOT.parent / "shared/data"))
START_SECONDS = 30


def free_port(host="127.0.0.1", v6=False):
    """A port that is free for UDP and TCP at the moment; with `v6` on ::1 too."""
    hosts = [(socket.AF_INET, host)] + ([(socket.AF_INET6, "::1")] if v6 else [])
    for _ in range(50):
        with contextlib.ExitStack() as sockets, contextlib.suppress(OSError):
            port = 0
            for family, address in hosts:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    one = sockets.enter_context(socket.socket(family, kind))
                    one.bind((address, port))
                    port = one.getsockname()[1]
            return port
    raise RuntimeError("no free port")


def until(condition, what, seconds=10):
    """Waits for `condition()` to be true and returns it; fails by saying `what` did not come."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def end(process):
    """Ends a child, and waits for it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Postern:
    def __init__(self, config=None, folder=None, v6=False):
        """With `v6` it answers on ::1 too."""
        self.v6 = v6
        self.config = json.loads(json.dumps(config or {}))
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="postern-test-"))
        self.port = free_port(v6=v6)
        self.console_port = free_port()
        self.process = None
        self.token = None

    def write_config(self):
        config = self.config
        addresses = ["127.0.0.1", "[::1]"] if self.v6 else ["127.0.0.1"]
        config.setdefault("server", {})["listen"] = [f"{address}:{self.port}" for address in addresses]
        config.setdefault("console", {})["listen"] = f"127.0.0.1:{self.console_port}"
        config["state_dir"] = str(self.folder / "state")
        # Without an internet to resolve in, a name that is not blocked is to fail soon.
        if "resolver" not in config:
            config["resolver"] = {"answer_deadline_ms": 300}
        # Kept short: a UNIX socket's path has 108 octets at most.
        config["control_socket"] = str(self.folder / "control.sock")
        (self.folder / "postern.yaml").write_text(yaml.safe_dump(config))

    def start(self, wait=True):
        self.write_config()
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([BINARY, "serve", "-c", str(self.folder / "postern.yaml")],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        if wait:
            until(self.ready, "an answer from the server", START_SECONDS)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"postern ended with {self.process.returncode}:\n{self.log_text()}")
        with contextlib.suppress(dns.exception.Timeout, OSError):
            self.ask("localhost", timeout=0.2)
            return (self.folder / "control.sock").exists()
        return False

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def first_run_token(self):
        """The console's token, which the server prints once, at its first start."""
        found = until(lambda: re.search(r"^\s*token\s+(\S+)", self.log_text(), re.M), "the token in the output")
        return found[1]

    def stop(self, seconds=10):
        """Ends it in good order; its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"postern did not end within {seconds} s:\n{self.log_text()}") from None
        self.log.close()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            status = self.stop()
            if kind is None and status not in (0, -signal.SIGKILL):
                raise AssertionError(f"postern ended with {status}:\n{self.log_text()}")
        finally:
            if kind is not None:
                print(self.log_text()[-8000:])
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    # Asking

    def ask(self, name, rdtype="A", tcp=False, timeout=6, edns=True, want_dnssec=False, flags=None):
        """One query; dnspython's message. No retries."""
        query = dns.message.make_query(name, rdtype, use_edns=0 if edns else False, want_dnssec=want_dnssec,
                                       payload=1232)
        if flags is not None:
            query.flags = flags
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, "127.0.0.1", port=self.port, timeout=timeout)

    def dig(self, *arguments):
        """Output of the real dig."""
        return subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+tries=1", "+time=6", *arguments],
                              capture_output=True, text=True, timeout=30, check=False).stdout

    def run(self, *arguments):
        """What a postern command that talks to this server came to."""
        return subprocess.run([BINARY, *arguments, "--socket", str(self.folder / "control.sock")],
                              capture_output=True, text=True, timeout=30, check=False)

    def cli(self, *arguments, check=True):
        """Output of a postern command that talks to this server."""
        done = self.run(*arguments)
        if check and done.returncode != 0:
            raise AssertionError(f"postern {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def api(self, path, method="GET", status=200):
        """JSON (or text) of the REST API over the control socket."""
        connection = UnixHttp(str(self.folder / "control.sock"))
        connection.request(method, path, headers={"Host": "localhost", "Content-Length": "0"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if answer.status != status:
            raise AssertionError(f"{method} {path}: {answer.status} {body}")
        return json.loads(body) if "json" in (answer.getheader("Content-Type") or "") else body

    def logged(self, name, count=1, seconds=5):
        """The journal's rows for this name, once there are `count`."""
        def rows():
            found = self.api(f"/api/v1/queries?name={name}&limit=100")["rows"]
            return found if len(found) >= count else None
        return until(rows, f"{count} journal rows of {name}", seconds)

    def feed(self, name):
        return next(feed for feed in self.api("/api/v1/feeds")["feeds"] if feed["name"] == name)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)


class UnixHttp(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ede(message):
    """(code, text) of the extended error, or None."""
    for option in message.options:
        if option.otype == 15:
            if hasattr(option, "code"):
                return int(option.code), option.text
            data = option.data
            return int.from_bytes(data[:2], "big"), data[2:].decode()
    return None


def rcode(message):
    return dns.rcode.to_text(message.rcode())


def addresses(message):
    """All A and AAAA of the answer section, sorted."""
    return sorted(r.address for rrset in message.answer for r in rrset
                  if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA))


def private_internet(test_class):
    """For setUpClass: the private internet in `test_class.net`, or the test is skipped, loudly. Ends with the class."""
    import sys
    import unittest
    sys.path.insert(0, str(ROOT / "tests/support/internet"))
    import internet
    folder = tempfile.mkdtemp(prefix="postern-internet-")
    test_class.addClassCleanup(shutil.rmtree, folder, True)
    try:
        test_class.net = internet.Internet(folder)
    except internet.Skipped as reason:
        print(f"SKIPPED: the private internet: {reason}", flush=True)
        raise unittest.SkipTest(f"the private internet: {reason}") from None
    test_class.addClassCleanup(test_class.net.close)


def recursing(net, config=None):
    """`config` with a resolver that recurses in the private internet."""
    config = dict(config or {})
    config["resolver"] = {"root_hints_file": net.ready["root_hints"],
                          "trust_anchor_files": [net.ready["trust_anchor_file"]],
                          "query_localhost": True, **config.get("resolver", {})}
    return config
