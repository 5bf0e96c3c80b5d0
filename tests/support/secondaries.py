"""Real secondaries of a published policy zone: BIND, Knot, Unbound and PowerDNS Recursor on loopback, ended by pid.

Each is made with (folder, zone, primary port) and knows its own `port`, which a NOTIFY may go to, before it starts. `key`,
a primaries.Key: transfers and NOTIFY are signed with it. `forward`: the port of a resolver that it asks, for those that
carry out the policy.
"""
import base64
import collections
import pathlib
import shutil

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.zone

from postern_process import free_port
from primaries import find, records_of
from rpz_peers import Daemon, unbound_alone

Key = collections.namedtuple("Key", "name algorithm secret")


def new_key(name="policy.key", algorithm="hmac-sha256", secret=b"a secret of some thirty-two octs"):
    return Key(name, algorithm, base64.b64encode(secret).decode())


class Secondary:
    def __init__(self, folder, zone, primary_port, key=None, forward=None):
        self.folder = pathlib.Path(folder) / type(self).__name__
        shutil.rmtree(self.folder, ignore_errors=True)  # It has no copy from before.
        self.folder.mkdir(parents=True)
        self.zone, self.primary_port, self.key, self.forward = zone, primary_port, key, forward
        self.port = free_port()
        self.daemon = None

    def start(self):
        self.daemon = Daemon(self.command(), self.folder / "log")
        self.daemon.wait_for(self.is_up, type(self).__name__)
        return self

    def is_up(self):
        """It answers something, whatever."""
        try:
            dns.query.udp(dns.message.make_query("version.bind", "TXT", "CH"), "127.0.0.1", port=self.port, timeout=0.3)
            return True
        except (dns.exception.DNSException, OSError):
            return False

    def stop(self):
        if self.daemon:
            self.daemon.close()

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def serial(self):
        """Of its copy; None while it has none."""
        try:
            answer = dns.query.tcp(dns.message.make_query(self.zone, "SOA"), "127.0.0.1", port=self.port, timeout=2)
        except (dns.exception.DNSException, OSError):
            return None
        return next((rrset[0].serial for rrset in answer.answer if rrset.rdtype == dns.rdatatype.SOA), None)

    def records(self):
        """Its copy, as primaries.records_of has it."""
        xfr = dns.query.xfr("127.0.0.1", self.zone, port=self.port, timeout=10, relativize=False)
        return records_of(dns.zone.from_xfr(xfr, relativize=False, check_origin=False))


class Bind(Secondary):
    """With `tls`, (port, CA file, name): transfers over TLS alone (RFC 9103)."""

    def __init__(self, *arguments, tls=None, **options):
        super().__init__(*arguments, **options)
        self.tls = tls

    def command(self):
        key = by = over = ""
        port = self.primary_port
        if self.tls:
            port, authority, name = self.tls
            key = f'tls primary {{ ca-file "{authority}"; remote-hostname "{name}"; }};\n'
            over = " tls primary"
        if self.key:
            key += f'key "{self.key.name}" {{ algorithm {self.key.algorithm}; secret "{self.key.secret}"; }};\n'
            by = f" key {self.key.name}"
        policy = "recursion no;"
        if self.forward:
            policy = (f"recursion yes; forward only; forwarders port {self.forward} {{ 127.0.0.1; }};\n"
                      f'response-policy {{ zone "{self.zone}"; }} qname-wait-recurse yes nsip-wait-recurse yes '
                      "nsdname-wait-recurse yes break-dnssec yes min-ns-dots 1 min-update-interval 0;")
        (self.folder / "named.conf").write_text(f"""{key}options {{ directory "{self.folder}"; pid-file none;
  session-keyfile none; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no;
  notify no; allow-transfer {{ any; }}; minimal-responses yes; {policy} }};
controls {{ }};
zone "{self.zone}" {{ type secondary; file "copy"; primaries {{ 127.0.0.1 port {port}{by}{over}; }};
  allow-notify {{ 127.0.0.1; }}; }};
""")
        return [find("named"), "-g", "-n", "1", "-c", str(self.folder / "named.conf")]


class Knot(Secondary):
    def command(self):
        key = by = ""
        if self.key:
            key = f"key:\n  - id: {self.key.name}\n    algorithm: {self.key.algorithm}\n    secret: {self.key.secret}\n"
            by = f"    key: {self.key.name}\n"
        (self.folder / "knot.conf").write_text(
            f"server:\n    rundir: {self.folder}\n    listen: 127.0.0.1@{self.port}\n    background-workers: 1\n"
            "    udp-workers: 1\n    tcp-workers: 1\n    tcp-io-timeout: 10000\n"
            f"log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: {self.folder}\n{key}"
            f"remote:\n  - id: primary\n    address: 127.0.0.1@{self.primary_port}\n{by}"
            f"acl:\n  - id: told\n    address: 127.0.0.1\n{by}    action: notify\n"
            "  - id: all\n    address: 127.0.0.1\n    action: transfer\n"
            f"zone:\n  - domain: {self.zone}\n    storage: {self.folder}\n    file: copy\n    acl: [told, all]\n"
            "    master: primary\n    semantic-checks: false\n")
        return [find("knotd"), "-c", str(self.folder / "knot.conf"), "-s", str(self.folder / "knot.sock")]


class Unbound(Secondary):
    """Signs nothing: it knows no TSIG."""

    def command(self):
        (self.folder / "unbound.conf").write_text(f"""{unbound_alone(self.folder, self.port)}  module-config: "respip iterator"
  minimal-responses: no
  num-threads: 1
  verbosity: 2
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{self.forward}
rpz:
  name: {self.zone}
  primary: 127.0.0.1@{self.primary_port}
  allow-notify: 127.0.0.1
  zonefile: "{self.folder}/copy"
""")
        return [find("unbound"), "-d", "-c", str(self.folder / "unbound.conf")]


class Recursor(Secondary):
    """PowerDNS Recursor. It heeds no NOTIFY for policy zones, and looks each second here."""

    def command(self):
        settings = "refresh=1, defttl=60"
        if self.key:
            settings += (f', tsigname="{self.key.name}", tsigalgo="{self.key.algorithm}", tsigsecret="{self.key.secret}"')
        (self.folder / "policy.lua").write_text(
            f'rpzPrimary("127.0.0.1:{self.primary_port}", "{self.zone}", {{{settings}}})\n')
        (self.folder / "recursor.conf").write_text(f"""local-address=127.0.0.1
local-port={self.port}
socket-dir={self.folder}
daemon=no
disable-syslog=yes
write-pid=no
threads=1
pdns-distributes-queries=no
dnssec=off
dont-query=
loglevel=6
qname-minimization=no
forward-zones-recurse=.=127.0.0.1:{self.forward}
lua-config-file={self.folder}/policy.lua
""")
        return [find("pdns_recursor"), f"--config-dir={self.folder}"]
