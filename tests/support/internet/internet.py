#!/usr/bin/python3
"""A private internet on loopback for tests: root, top level and leaf name servers (knotd).

    internet.py DIR [--resolver]

puts its files into DIR (which must exist), prints "ready PREFIX" once everything answers,
and stays in the foreground until SIGTERM or SIGINT; then it ends its children. Exit status 77, with "skipped: why" on standard output, where the machine
cannot run it (port 53 needs root, knotd must be installed).

Files: root.hints, root.ds (trust anchor), ready.json (all of it, and what each name must
give). Servers listen on 127.53.N.x port 53, N the first number that is free, so that several
of these can run side by side. --resolver adds a validating `unbound` at 127.53.N.20: port 53,
and port 853 with TLS (name dns.test, certificate DIR/tls.crt).

As a module: `with Internet(folder) as net: ...`.
"""

import argparse
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

sys.dont_write_bytecode = True  # Nothing of ours goes into the source tree.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zones as zone_data  # noqa: E402

SLOW_S = 0.4
START_LIMIT_S = 20
PR_SET_PDEATHSIG = 1


class Skipped(Exception):
    """This machine cannot run the private internet."""


def _prepare_child():
    signal.pthread_sigmask(signal.SIG_SETMASK, set())  # `main` blocks some; children inherit.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _which(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Skipped(f"{program} is not installed")
    return path


class SilentServer:
    """Takes packets and connections and never answers."""

    def __init__(self, address):
        self.sockets = [socket.socket(socket.AF_INET, kind)
                        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
        self.sockets[1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock in self.sockets:
            sock.bind((address, 53))
        self.sockets[1].listen(64)

    def close(self):
        for sock in self.sockets:
            sock.close()


class SlowServer(threading.Thread):
    """Authoritative for slow.example.; each answer comes SLOW_S late. UDP only."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.address = address
        self.stop_reading, self.stop_writing = socket.socketpair()

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.socket, selectors.EVENT_READ)
        selector.register(self.stop_reading, selectors.EVENT_READ)
        waiting = []
        while True:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, wire, peer = waiting.pop(0)
                self.socket.sendto(wire, peer)
            for key, _ in selector.select(waiting[0][0] - now if waiting else None):
                if key.fileobj is self.stop_reading:
                    return
                wire, peer = self.socket.recvfrom(65535)
                answer = self.answer(wire)
                if answer:
                    waiting.append((time.monotonic() + SLOW_S, answer, peer))

    def answer(self, wire):
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        name, rdtype = query.question[0].name, query.question[0].rdtype
        if rdtype == dns.rdatatype.A and str(name) != "slow.example.":
            data = self.address if str(name) == "ns.slow.example." else "192.0.2.99"
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", data))
        elif rdtype == dns.rdatatype.NS and str(name) == "slow.example.":
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "NS", "ns.slow.example."))
        else:
            answer.authority.append(dns.rrset.from_text(
                "slow.example.", 60, "IN", "SOA",
                "ns.slow.example. hostmaster.slow.example. 1 3600 900 604800 60"))
        return answer.to_wire()

    def close(self):
        self.stop_writing.send(b"x")
        self.join()
        for sock in (self.socket, self.stop_reading, self.stop_writing):
            sock.close()


class Internet:
    """Starts everything in `folder`; `close` (or leaving a `with`) ends it."""

    def __init__(self, folder, with_resolver=False):
        self.folder = os.path.abspath(folder)
        self.children = []
        self.servers = []
        self.lock = None
        try:
            self._start(with_resolver)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def close(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        for server in self.servers:
            server.close()
        self.servers = []
        if self.lock:
            self.lock.close()
            self.lock = None

    def _start(self, with_resolver):
        knotd = _which("knotd")
        self._take_prefix()
        all_zones = zone_data.build(self.prefix)
        self._write_zones(all_zones)
        for number in (1, 2, 3):
            self._start_knot(knotd, number, [z for z in all_zones
                                             if z.server == f"{self.prefix}{number}"])
        self.servers.append(SilentServer(self.prefix + "9"))
        slow = SlowServer(self.prefix + "10")
        slow.start()
        self.servers.append(slow)
        self._wait_for(1, ".")
        self._wait_for(2, "example.")
        self._wait_for(3, "signed.example.")
        if with_resolver:
            self._start_unbound()
            self._wait_for(20, ".")
        self._write_ready(with_resolver)

    def _take_prefix(self):
        """The first 127.53.N that nobody has; a bound TCP port is the lock."""
        for number in range(256):
            lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                lock.bind((f"127.53.{number}.254", 53))
                lock.listen(1)
            except PermissionError as error:
                lock.close()
                raise Skipped("needs root for port 53") from error
            except OSError:
                lock.close()
                continue
            self.lock = lock
            self.prefix = f"127.53.{number}."
            return
        raise Skipped("all of 127.53.0.0/16 is taken")

    def _write_zones(self, all_zones):
        for zone in all_zones:
            text = zone.text(zone_data.delegations(all_zones, zone, self.prefix))
            with open(self.path(f"zone-{zone.origin}txt"), "w") as file:
                file.write(text)
        with open(self.path("root.hints"), "w") as file:
            file.write(f". 3600000 NS ns.\nns. 3600000 A {self.prefix}1\n")
        self.anchor = f". IN DS {all_zones[0].key.ds('.')}"
        with open(self.path("root.ds"), "w") as file:
            file.write(self.anchor + "\n")

    def _spawn(self, name, command):
        with open(self.path(name + ".log"), "wb") as log:
            self.children.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_prepare_child))

    def _start_knot(self, knotd, number, own):
        run = self.path(f"knot{number}")
        os.makedirs(run, exist_ok=True)
        text = f"""server:
    rundir: "{run}"
    listen: {self.prefix}{number}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{run}"
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "{self.folder}"
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
zone:
"""
        for zone in own:
            text += f'  - domain: "{zone.origin}"\n    file: "zone-{zone.origin}txt"\n'
        config = self.path(f"knot{number}.conf")
        with open(config, "w") as file:
            file.write(text)
        self._spawn(f"knot{number}", [knotd, "-c", config])

    def _start_unbound(self):
        unbound = _which("unbound")
        self._make_certificate()
        address = self.prefix + "20"
        config = self.path("unbound.conf")
        with open(config, "w") as file:
            file.write(f"""server:
    interface: {address}@53
    interface: {address}@853
    tls-port: 853
    tls-service-key: "{self.path('tls.key')}"
    tls-service-pem: "{self.path('tls.crt')}"
    username: ""
    chroot: ""
    directory: "{self.folder}"
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    num-threads: 1
    root-hints: "{self.path('root.hints')}"
    trust-anchor-file: "{self.path('root.ds')}"
    trust-anchor-signaling: no
    do-not-query-localhost: no
    access-control: 127.0.0.0/8 allow
    local-zone: "test." nodefault
    ede: yes
    outgoing-range: 900
    num-queries-per-thread: 1024
remote-control:
    control-enable: no
""")
        self._spawn("unbound", [unbound, "-d", "-c", config])

    def _make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", self.path("tls.key"), "-out", self.path("tls.crt"), "-days", "30",
             "-subj", "/CN=dns.test", "-addext",
             f"subjectAltName=DNS:dns.test,IP:{self.prefix}20"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _wait_for(self, number, origin):
        query = dns.message.make_query(origin, "SOA")
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            for child in self.children:
                if child.poll() is not None:
                    raise RuntimeError(f"a server ended; see {self.folder}/*.log")
            try:
                answer = dns.query.udp(query, f"{self.prefix}{number}", timeout=0.1)
                if answer.rcode() == dns.rcode.NOERROR and answer.answer:
                    return
            except (dns.exception.Timeout, OSError):
                pass
            time.sleep(0.01)  # A refused port says so at once: do not spin.
        raise RuntimeError(f"server {number} did not come up; see {self.folder}/*.log")

    def _write_ready(self, with_resolver):
        ready = {
            "prefix": self.prefix,
            "root_hints": self.path("root.hints"),
            "trust_anchor_file": self.path("root.ds"),
            "trust_anchor": self.anchor,
            "servers": {"root": self.prefix + "1", "top": self.prefix + "2",
                        "leaf": self.prefix + "3", "refusing": self.prefix + "8",
                        "silent": self.prefix + "9", "slow": self.prefix + "10"},
            "resolver": self.prefix + "20" if with_resolver else None,
            "tls": {"name": "dns.test", "ca_file": self.path("tls.crt"), "port": 853}
                   if with_resolver else None,
            "expected": [dict(zip(("name", "type", "rcode", "security", "data"), row))
                         for row in zone_data.EXPECTED],
        }
        self.ready = ready
        with open(self.path("ready.json.new"), "w") as file:
            json.dump(ready, file, indent=1)
        os.rename(self.path("ready.json.new"), self.path("ready.json"))


def main():
    parser = argparse.ArgumentParser(description="A private internet on loopback for tests.")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--resolver", action="store_true",
                        help="also start a validating unbound, with DNS over TLS")
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        net = Internet(arguments.folder, arguments.resolver)
    except Skipped as reason:
        print(f"skipped: {reason}", flush=True)
        return 77
    with net:
        print(f"ready {net.prefix}", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


if __name__ == "__main__":
    sys.exit(main())
