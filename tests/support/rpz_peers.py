"""The same policy zones in Postern and in BIND, the same questions to both.

Both forward to one unbound, which resolves a small made-up internet served by knotd: so what differs is policy alone.
    with Universe(folder) as universe: ...
    zones = PolicyZones(random.Random(1), universe)
    with Bind(folder, universe, zones) as bind: answers = ask_all(bind.port, questions)
"""
import random
import shutil
import socket
import subprocess
import time

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from postern_process import end, free_port, until

DROPPED = "no answer"


def which(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def missing_programs():
    return [program for program in ("knotd", "unbound", "named") if not which(program)]


def unbound_alone(folder, port):
    """The beginning of a configuration: one of its own, on loopback, in the foreground."""
    return f"""server:
  interface: 127.0.0.1@{port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
"""


class Daemon:
    """A program in the foreground, ended by pid."""

    def __init__(self, command, log):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def wait_for(self, condition, what):
        def done():
            if self.process.poll() is not None:
                raise AssertionError(f"{what} ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")
            return condition()
        until(done, what, 30)

    def close(self):
        end(self.process)


def answers(port, name, rdtype="SOA"):
    try:
        reply = dns.query.udp(dns.message.make_query(name, rdtype), "127.0.0.1", port=port, timeout=0.3)
        return reply.rcode() == dns.rcode.NOERROR
    except (dns.exception.DNSException, OSError):
        return False


class Universe:
    """Zones t., z.t. and y.z.t., each delegated from the one above, with servers of different names."""

    SERVERS = {"t.": ["ns1.t.", "ns2.t."], "z.t.": ["ns.hosts.t.", "ns2.z.t."], "y.z.t.": ["ns.hosts.t.", "a.ns.z.t."],
               "garden.t.": ["ns1.t."]}
    KNOT_OPTIONS = {}  # More lines of a zone's configuration, by zone.

    def __init__(self, folder):
        self.folder = folder
        self.knot_port, self.port = free_port(), free_port()
        self.children = []

    def __enter__(self):
        source = random.Random(7)
        # One address each: of several, what BIND takes depends on their order where several zones have IP rules.
        addresses = lambda: [f"10.0.{source.randrange(4)}.{source.randrange(8)}"]
        v6 = lambda: [f"2001:db8::{source.randrange(8)}"]
        self.names = []
        self.addresses = {}
        zone_texts = {}
        for zone, servers in self.SERVERS.items():
            lines = [f"{zone} 300 SOA {servers[0]} hostmaster.t. 1 3600 600 86400 60"]
            lines += [f"{zone} 300 NS {server}" for server in servers]
            for label in ("a", "b", "c", "a.b", "c.b", "x.a.b"):
                name = f"{label}.{zone}"
                self.names.append(name)
                lines += [f"{name} 300 A {address}" for address in addresses()]
                if source.randrange(2):
                    lines += [f"{name} 300 AAAA {address}" for address in v6()]
                if source.randrange(3) == 0:
                    lines.append(f"{name} 300 TXT \"text of {name}\"")
            targets = [name for name in self.names]
            for i in range(5):
                name = f"l{i}.{zone}"
                lines.append(f"{name} 300 CNAME {source.choice(targets)}")
                targets.append(name)
                self.names.append(name)
            zone_texts[zone] = lines
        # Glue and delegations.
        for zone, servers in self.SERVERS.items():
            for server in servers:
                home = max((z for z in self.SERVERS if server.endswith("." + z)), key=len)
                own = f"{server} 300 A 10.9.{len(zone)}.{len(server)}"
                if own not in zone_texts[home]:
                    zone_texts[home].append(own)
            if zone != "t.":
                parent = "z.t." if zone == "y.z.t." else "t."
                zone_texts[parent] += [f"{zone} 300 NS {server}" for server in servers]
                for server in servers:
                    if server.endswith(zone):
                        zone_texts[parent].append(f"{server} 300 A 10.9.{len(zone)}.{len(server)}")
        config = [f"server:\n  listen: 127.0.0.1@{self.knot_port}\n  rundir: {self.folder}\n",
                  f"database:\n  storage: {self.folder}/knot-db\n", "log:\n  - target: stderr\n    any: warning\n", "zone:\n"]
        for zone, lines in zone_texts.items():
            path = self.folder / f"zone-{zone}txt"
            path.write_text("\n".join(lines) + "\n")
            config.append(f"  - domain: {zone}\n    file: {path}\n    semantic-checks: off\n"
                          + self.KNOT_OPTIONS.get(zone, "    journal-content: none\n"))
        (self.folder / "knot-db").mkdir(exist_ok=True)  # Keys of zones that are signed.
        (self.folder / "knot.conf").write_text("".join(config))
        stubs = "".join(f"stub-zone:\n  name: {zone}\n  stub-addr: 127.0.0.1@{self.knot_port}\n" for zone in self.SERVERS)
        (self.folder / "unbound.conf").write_text(f"""{unbound_alone(self.folder, self.port)}  module-config: "iterator"
  minimal-responses: no
remote-control:
  control-enable: no
{stubs}""")
        try:
            knot = Daemon([which("knotd"), "-c", str(self.folder / "knot.conf")], self.folder / "knot.log")
            self.children.append(knot)
            for zone in self.SERVERS:
                knot.wait_for(lambda z=zone: answers(self.knot_port, z), f"knotd for {zone}")
            unbound = Daemon([which("unbound"), "-d", "-c", str(self.folder / "unbound.conf")], self.folder / "unbound.log")
            self.children.append(unbound)
            unbound.wait_for(lambda: answers(self.port, "t."), "unbound")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for child in reversed(self.children):
            child.close()

    def questions(self):
        """Every name, and some that are not there, by the types that matter."""
        names = self.names + [f"nx.{name}" for name in self.names[::3]] + list(self.SERVERS)
        return [(name, rdtype) for name in names for rdtype in ("A", "AAAA", "TXT")]


class PolicyZones:
    """Random policy zones over a universe: {"p0": [lines], …}."""

    TRIGGERS = ("qname", "qname", "qname", "wildcard", "wildcard", "rpz-ip", "rpz-client-ip", "rpz-nsdname", "rpz-nsip")
    ACTIONS = ("CNAME .", "CNAME .", "CNAME *.", "CNAME rpz-passthru.", "A 192.0.2.1", "TXT \"policy\"",
               "CNAME a.garden.t.", "CNAME *.garden.t.", "CNAME rpz-tcp-only.")

    def __init__(self, source, universe, triggers=TRIGGERS):
        self.zones = {}
        for number in range(source.randrange(1, 4)):
            lines, owners = [], set()
            for _ in range(source.randrange(2, 14)):
                owner = self.owner(source, universe, source.choice(triggers))
                # Of several NSDNAME rules BIND takes the last name in canonical order where the draft, its own manual and
                # Postern take the first: docs/standards.md.
                again = owner.endswith("rpz-nsdname") and any(other.endswith("rpz-nsdname") for other in owners)
                if owner in owners or again:
                    continue
                action = source.choice(self.ACTIONS)
                # A wildcard's CNAME to itself is PASSTHRU as it was first written; BIND knows that of other names alone.
                if action == f"CNAME {owner}.":
                    continue
                owners.add(owner)
                lines.append(f"{owner} {action}")
            self.zones[f"p{number}"] = lines

    @staticmethod
    def owner(source, universe, trigger):
        def name():
            labels = source.choice(universe.names).rstrip(".").split(".")
            return ".".join(labels[source.randrange(len(labels)):])

        def prefix():
            if source.randrange(4) == 0:
                return source.choice(("126.zz.db8.2001", "127.zz.db8.2001", "128.zz.db8.2001", "126.4.zz.db8.2001", "128.4.zz.db8.2001"))
            length = source.choice((16, 22, 24, 29, 32))
            third, last = source.randrange(4), source.randrange(8)
            if length <= 24:
                last = 0
            if length == 22:
                third &= ~3
            if length == 16:
                third = 0
            if length == 29:
                last = 0
            return f"{length}.{last}.{third}.0.10"

        def server_prefix():
            length = source.choice((16, 24, 32))
            servers = [(len(z), len(s)) for z, all_of in universe.SERVERS.items() for s in all_of]
            third, last = source.choice(servers)
            return f"{length}.{last if length == 32 else 0}.{third if length > 16 else 0}.9.10"

        if trigger == "qname":
            return name()
        if trigger == "wildcard":
            return "*." + name()
        if trigger == "rpz-ip":
            return prefix() + ".rpz-ip"
        if trigger == "rpz-client-ip":
            return source.choice(("32.1.0.0.127", "8.0.0.0.127", "32.9.0.0.127")) + ".rpz-client-ip"
        if trigger == "rpz-nsdname":
            server = source.choice([s for all_of in universe.SERVERS.values() for s in all_of]).rstrip(".")
            return source.choice((server, "*." + server.split(".", 1)[1])) + ".rpz-nsdname"
        return server_prefix() + ".rpz-nsip"

    def write(self, folder):
        for name, lines in self.zones.items():
            (folder / name).write_text("\n".join(["$TTL 60", f"$ORIGIN {name}.", "@ SOA localhost. hostmaster.t. 1 60 60 600 60",
                                                  "@ NS localhost.", *lines, ""]))


class Bind:
    def __init__(self, folder, universe, zones, options="qname-wait-recurse yes nsip-wait-recurse yes nsdname-wait-recurse yes"):
        self.port = free_port()
        self.universe = universe
        self.zone_count = len(zones.zones)
        order = " ".join(f'zone "{name}";' for name in zones.zones)
        files = "\n".join(f'zone "{name}" {{ type primary; file "{folder}/{name}"; }};' for name in zones.zones)
        (folder / "named.conf").write_text(f"""options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion yes; forward only; forwarders port {universe.port} {{ 127.0.0.1; }};
  dnssec-validation no; minimal-responses yes;
  response-policy {{ {order} }} {options} break-dnssec yes min-ns-dots 1;
}};
controls {{ }};
{files}
""")
        self.daemon = Daemon([which("named"), "-g", "-n", "1", "-c", str(folder / "named.conf")], folder / "named.log")

    def __enter__(self):
        # Ready once the policy is in force: BIND serves before that.
        try:
            self.daemon.wait_for(lambda: self.reloads_done() >= self.zone_count, "named's policy")
            learn_servers(self.port, self.universe)
        except BaseException:
            self.daemon.close()
            raise
        return self

    def reloads_done(self):
        return self.daemon.log.read_text(errors="replace").count("reload done")

    def __exit__(self, *_):
        self.daemon.close()


def learn_servers(port, universe):
    """BIND judges by the servers that its cache knows at the moment; Postern asks for them."""
    servers = sorted({server for all_of in universe.SERVERS.values() for server in all_of})
    ask_all(port, [(zone, "NS") for zone in universe.SERVERS]
            + [(server, rdtype) for server in servers for rdtype in ("A", "AAAA")])


def ask_all(port, questions):
    """The `outcome` of each question; DROPPED where no answer came, nor to the question asked again by itself: BIND
    answers no second question that makes it ask for the same server."""
    results = ask_at_once(port, questions, 32, 1.5)
    for place in [place for place, result in enumerate(results) if result == DROPPED]:
        results[place] = ask_at_once(port, [questions[place]], 1, 1.5)[0]
    return results


def ask_at_once(port, questions, window, timeout):
    results = [DROPPED] * len(questions)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(0.05)
        waiting, at, last = {}, 0, time.monotonic()
        while at < len(questions) or waiting:
            while at < len(questions) and len(waiting) < window:
                query = dns.message.make_query(*questions[at], use_edns=0, payload=1232)
                query.id = at + 1
                sock.send(query.to_wire())
                waiting[query.id] = at
                at += 1
            try:
                reply = dns.message.from_wire(sock.recv(65535), ignore_trailing=True)
                place = waiting.pop(reply.id, None)
                if place is not None:
                    results[place] = outcome(reply)
                    last = time.monotonic()
            except (TimeoutError, ConnectionRefusedError):
                if time.monotonic() - last > timeout:
                    waiting.clear()
                    last = time.monotonic()
    return results


def outcome(reply):
    """(rcode, TC, data, target): the target is where the CNAMEs of the answer end, "" where there are none."""
    aliases, data = {}, []
    for rrset in reply.answer:
        for rdata in rrset:
            if rrset.rdtype == dns.rdatatype.CNAME:
                aliases[rrset.name] = rdata.target
            else:
                data.append(f"{dns.rdatatype.to_text(rrset.rdtype)} {rdata}")
    target = reply.question[0].name if reply.question else dns.name.root
    for _ in range(len(aliases)):
        target = aliases.get(target, target)
    return (dns.rcode.to_text(reply.rcode()), bool(reply.flags & dns.flags.TC), tuple(sorted(data)),
            str(target) if aliases else "")


def alike(ours, theirs):
    """BIND leaves the CNAMEs that lead to a blocked name in its answer, and the rcode where it says TC; Postern does not."""
    if DROPPED in (ours, theirs):
        return ours == theirs
    if ours[1]:
        return theirs[1]
    return ours[:3] == theirs[:3] and ours[3] in (theirs[3], "")
