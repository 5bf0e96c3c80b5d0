"""Real primary servers for tests of zone transfers: Knot and BIND on loopback, in the foreground, ended by pid.

Knot(folder, zone_text) and Bind(folder, zone_text) serve the zone rpz.example and take dynamic updates of it.
"""
import base64
import pathlib
import shutil
import subprocess

import dns.message
import dns.query
import dns.rdatatype
import dns.tsig
import dns.update
import dns.zone

from postern_process import end, free_port, until

ZONE = "rpz.example"
KEY_NAME = "xfr.key"
SECRET = base64.b64encode(b"a secret of some thirty-two octs").decode()


class Missing(Exception):
    """The program is not installed."""


def find(program):
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise Missing(f"{program} is not installed")
    return path


def zone_text(names, serial=1, refresh=3600, retry=600, expire=86400):
    """A policy zone that blocks these names."""
    lines = [f"$ORIGIN {ZONE}.", "$TTL 60", f"@ SOA ns.example. admin.example. {serial} {refresh} {retry} {expire} 60",
             "@ NS ns.example."]
    return "\n".join(lines + [f"{name} CNAME ." for name in names]) + "\n"


def certificate(folder, name):
    """A self-signed certificate for `name`: (certificate, key) files and the pin of its key."""
    cert, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run([find("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key),
                    "-out", str(cert)], check=True, capture_output=True)
    public = subprocess.run([find("openssl"), "x509", "-in", str(cert), "-pubkey", "-noout"], check=True,
                            capture_output=True).stdout
    der = subprocess.run([find("openssl"), "pkey", "-pubin", "-outform", "DER"], input=public, check=True,
                         capture_output=True).stdout
    digest = subprocess.run([find("openssl"), "dgst", "-sha256", "-binary"], input=der, check=True,
                            capture_output=True).stdout
    return cert, key, "pin-sha256=" + base64.b64encode(digest).decode()


class Primary:
    """What both have in common. `signed`: transfers and updates need the key. `notify`: a port on loopback that is told
    of changes, with the key."""

    def __init__(self, folder, text, signed=False, algorithm="hmac-sha256", notify=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.signed, self.algorithm, self.notify = signed, algorithm, notify
        self.port = free_port()
        self.process = None
        (self.folder / "zone").write_text(text)

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        cwd=self.folder)
        until(self.is_ready, f"an answer from {self.command()[0]}\n{self.log_text()}", 30)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command()[0]} ended:\n{self.log_text()}")
        try:
            return self.serial() is not None
        except (OSError, dns.exception.DNSException):
            return False

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        if self.process:
            end(self.process)
            self.log.close()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def key(self):
        return dns.tsig.Key(KEY_NAME, SECRET, self.algorithm + ".") if self.signed else None

    def serial(self):
        query = dns.message.make_query(ZONE, "SOA")
        answer = dns.query.tcp(query, "127.0.0.1", port=self.port, timeout=2)
        for rrset in answer.answer:
            if rrset.rdtype == dns.rdatatype.SOA:
                return rrset[0].serial
        return None

    def records(self):
        """All records, as `parse` gives them."""
        key = self.key()
        xfr = dns.query.xfr("127.0.0.1", ZONE, port=self.port, timeout=10, relativize=False,
                            keyring={key.name: key} if key else None, keyname=key.name if key else None,
                            keyalgorithm=key.algorithm if key else dns.tsig.default_algorithm)
        return records_of(dns.zone.from_xfr(xfr, relativize=False, check_origin=False))

    def update(self, add=(), remove=()):
        """Adds and removes rules by RFC 2136; the serial goes up by one."""
        key = self.key()
        update = dns.update.UpdateMessage(ZONE, keyring={key.name: key} if key else None,
                                          keyname=key.name if key else None,
                                          keyalgorithm=key.algorithm if key else dns.tsig.default_algorithm)
        for name in remove:
            update.delete(name, "CNAME")
        for name in add:
            update.add(name, 60, "CNAME", ".")
        answer = dns.query.tcp(update, "127.0.0.1", port=self.port, timeout=10)
        if answer.rcode() != 0:
            raise AssertionError(f"update: {answer.rcode()}\n{self.log_text()}")


def records_of(zone):
    """{(owner, type, TTL, data)} of a dnspython zone."""
    return {(name.to_text().lower(), dns.rdatatype.to_text(rdata.rdtype), ttl, rdata.to_text().lower())
            for name, ttl, rdata in zone.iterate_rdatas()}


def parse(text):
    """The records of a zone file."""
    return records_of(dns.zone.from_text(text, origin=ZONE + ".", relativize=False, check_origin=False))


class Knot(Primary):
    def __init__(self, folder, text, **options):
        super().__init__(folder, text, **options)
        key = f"key:\n  - id: {KEY_NAME}\n    algorithm: {self.algorithm}\n    secret: {SECRET}\n" if self.signed else ""
        with_key = f"    key: {KEY_NAME}\n" if self.signed else "    address: 127.0.0.1\n"
        told_key = f"    key: {KEY_NAME}\n" if self.signed else ""
        told = f"remote:\n  - id: told\n    address: 127.0.0.1@{self.notify}\n{told_key}" if self.notify else ""
        (self.folder / "knot.conf").write_text(
            f"server:\n    rundir: {self.folder}\n    listen: 127.0.0.1@{self.port}\n    background-workers: 1\n"
            "    udp-workers: 1\n    tcp-workers: 1\n    tcp-io-timeout: 10000\n"
            f"log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: {self.folder}\n{key}"
            f"{told}"
            f"acl:\n  - id: all\n{with_key}    action: [transfer, update]\n"
            f"zone:\n  - domain: {ZONE}\n    storage: {self.folder}\n    file: zone\n    acl: all\n"
            + ("    notify: told\n" if self.notify else "") +
            "    semantic-checks: false\n    serial-policy: increment\n    zonefile-sync: -1\n"
            "    zonefile-load: whole\n    journal-content: changes\n")

    def command(self):
        return [find("knotd"), "-c", str(self.folder / "knot.conf"), "-s", str(self.folder / "knot.sock")]


class Bind(Primary):
    """With `tls`, (certificate, key): over TLS on `tls_port` too (RFC 9103)."""

    def __init__(self, folder, text, tls=None, **options):
        super().__init__(folder, text, **options)
        self.tls_port = free_port()
        secure = ""
        if tls:
            secure = (f'tls own {{ cert-file "{tls[0]}"; key-file "{tls[1]}"; }};\n')
        listen = f"listen-on port {self.tls_port} tls own {{ 127.0.0.1; }};" if tls else ""
        who = f"key {KEY_NAME};" if self.signed else "127.0.0.1;"
        with_key = f" key {KEY_NAME}" if self.signed else ""
        told = f"notify explicit; also-notify {{ 127.0.0.1 port {self.notify}{with_key}; }};" if self.notify else "notify no;"
        key = f'key "{KEY_NAME}" {{ algorithm {self.algorithm}; secret "{SECRET}"; }};\n' if self.signed else ""
        (self.folder / "named.conf").write_text(
            f'{key}{secure}options {{ directory "{self.folder}"; listen-on port {self.port} {{ 127.0.0.1; }}; {listen}\n'
            f"listen-on-v6 {{ none; }}; recursion no; {told} dnssec-validation no; pid-file none;\n"
            f'session-keyfile "{self.folder}/session.key"; allow-query {{ any; }}; max-journal-size 10m;\n'
            f"allow-transfer {{ {who} }}; }};\ncontrols {{ }};\n"
            f'zone "{ZONE}" {{ type primary; file "zone"; allow-update {{ {who} }}; check-names ignore; }};\n')

    def command(self):
        return [find("named"), "-g", "-n", "1", "-c", str(self.folder / "named.conf")]
