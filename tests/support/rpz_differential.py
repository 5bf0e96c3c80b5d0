"""The same policy zones, with the same options, in Postern and in BIND; the same questions to both, by every way.

    with SignedUniverse(folder) as universe:
        round_ = Round(random.Random(1), universe)
        with QuietPostern(round_.postern_config(folder, universe), v6=True) as ours, Named(folder, universe, round_) as theirs: ...
    ask_all(port, questions) gives an Outcome each; difference(round_, question, one, other) is None where they are alike.

What may differ is in docs/standards.md, and in `difference`, and nowhere else.
"""
import random
import socket
import time
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from postern_process import Postern, free_port
from rpz_peers import Daemon, PolicyZones, Universe, which

IDLE = 0.5  # Seconds without an answer after which no more are waited for.
LATE = 0.4  # A question without an answer for so long makes room for others.


class SignedUniverse(Universe):
    """With one more zone, which is signed."""

    SERVERS = {**Universe.SERVERS, "sig.t.": ["ns1.t."]}
    KNOT_OPTIONS = {"sig.t.": "    dnssec-signing: on\n    zonefile-sync: -1\n    journal-content: changes\n"}


class Question(NamedTuple):
    name: str
    rdtype: str
    v6: bool = False
    tcp: bool = False
    do: bool = False
    rd: bool = True


class Outcome(NamedTuple):
    rcode: str = ""
    flags: tuple = ()  # Of AA, AD, RA, TC.
    data: tuple = ()  # Of the answer section: no CNAMEs, no signatures.
    target: str = ""  # Where its CNAMEs end, "" where there are none.
    soa: str = ""  # The owner of a SOA in the additional section: the policy zone that decided.
    ttl: int = -1  # Of the records that the name asked for has itself.


DROPPED = Outcome("no answer")


def is_alias(name):
    """Whether a name of the universe is one that leads to another."""
    return any(label[0] == "l" and label[1:].isdigit() for label in name.split(".")[:2] if label)


class Round:
    """Random zones, each with options of its own, and the questions."""

    ACTIONS = PolicyZones.ACTIONS + ("CNAME rpz-drop.", "AAAA 2001:db8::99")
    POLICIES = ("given",) * 7 + ("disabled", "passthru", "drop", "nxdomain", "nodata", "tcp-only", "cname a.garden.t.")
    NAME_TRIGGERS = ("qname", "qname", "wildcard", "rpz-client-ip")

    def __init__(self, source, universe, triggers=PolicyZones.TRIGGERS):
        self.only_names = source.randrange(3) == 0  # Then nothing of what a cache holds can decide.
        self.break_dnssec = source.randrange(3) != 0
        self.zones = {}
        for number in range(source.randrange(1, 4)):
            name = f"p{number}"
            lines = self.lines_of(source, universe, self.NAME_TRIGGERS if self.only_names else triggers)
            self.zones[name] = {"lines": lines, "policy": source.choice(self.POLICIES),
                                "max_ttl": source.choice((None, None, 20)), "recursive_only": source.randrange(3) != 0}
        # An address that a zone without effect knows hides the rules of later zones from BIND: docs/standards.md.
        for zone in list(self.zones.values())[:-1]:
            if zone["policy"] == "disabled":
                zone["lines"] = [line for line in zone["lines"] if "ip " not in line]
        self.questions = self.questions_of(source, universe)

    @classmethod
    def lines_of(cls, source, universe, triggers):
        lines, owners = [], set()
        for _ in range(source.randrange(2, 14)):
            trigger = source.choice(triggers)
            owner = PolicyZones.owner(source, universe, trigger)
            if trigger == "rpz-client-ip" and source.randrange(2):
                owner = source.choice(("128.1.zz", "126.zz", "128.9.zz")) + ".rpz-client-ip"
            # Of several NSDNAME rules BIND takes the last name in canonical order where the draft, its own manual and
            # Postern take the first: docs/standards.md.
            again = owner.endswith("rpz-nsdname") and any(other.endswith("rpz-nsdname") for other in owners)
            action = source.choice(cls.ACTIONS)
            # A wildcard's CNAME to itself is PASSTHRU as it was first written; BIND knows that of other names alone.
            if owner in owners or again or action == f"CNAME {owner}.":
                continue
            owners.add(owner)
            lines.append(f"{owner} {source.choice(('', '', '5 ', '600 '))}{action}")
        return lines

    def questions_of(self, source, universe):
        questions = []
        for name, rdtype in universe.questions():
            questions.append(Question(name, rdtype))
            variants = [Question(name, rdtype, v6=True), Question(name, rdtype, tcp=True), Question(name, rdtype, do=True),
                        Question(name, rdtype, v6=True, tcp=True, do=True)]
            questions += [variant for variant in variants if source.randrange(2)]
            # Of aliases BIND's cache shows where they lead, without recursion too.
            if self.only_names and not is_alias(name) and source.randrange(2):
                questions.append(Question(name, rdtype, v6=bool(source.randrange(2)), rd=False))
        return questions

    def has(self, action):
        """Whether some rule, or override, does that: "drop", "tcp-only"."""
        return any(zone["policy"] == action or any(f"rpz-{action}." in line for line in zone["lines"])
                   for zone in self.zones.values())

    def override_target(self, soa):
        """Where the override of the zone with that SOA leads; "" where it leads nowhere."""
        return self.zones[soa.rstrip(".")]["policy"].partition(" ")[2] if soa else ""

    def write(self, folder):
        for name, zone in self.zones.items():
            (folder / name).write_text("\n".join(["$TTL 60", f"$ORIGIN {name}.",
                                                  "@ SOA localhost. hostmaster.t. 1 60 60 600 60", "@ NS localhost.",
                                                  *zone["lines"], ""]))

    def postern_config(self, folder, universe):
        feeds = []
        for name, zone in self.zones.items():
            feed = {"name": name, "format": "rpz", "path": str(folder / name), "recursive_only": zone["recursive_only"],
                    "break_dnssec": self.break_dnssec, "force": ["t"]}
            action, _, target = zone["policy"].partition(" ")
            if action == "disabled":
                feed["log_only"] = True
            elif action != "given":
                feed["override"] = action.replace("-", "_")
            if target:
                feed["override_target"] = target
            if zone["max_ttl"] is not None:
                feed["max_ttl_s"] = zone["max_ttl"]
            feeds.append(feed)
        return {"resolver": {"mode": "forward", "forward": [{"zone": ".", "servers": [f"udp://127.0.0.1:{universe.port}"]}]},
                "packs": {"hafnium": False}, "journal": {"enabled": False}, "feeds": feeds}

    def named_zones(self):
        zones = []
        for name, zone in self.zones.items():
            options = f"policy {zone['policy']} recursive-only {'yes' if zone['recursive_only'] else 'no'}"
            options += f" max-policy-ttl {zone['max_ttl'] or 604800}"  # BIND's own is 5 s, Postern's a week.
            zones.append(f'zone "{name}" {options};')
        return " ".join(zones)

    def text(self):
        lines = [f"break_dnssec {self.break_dnssec}"]
        for name, zone in self.zones.items():
            options = {key: value for key, value in zone.items() if key != "lines"}
            lines.append(f"{name} {options}: " + "; ".join(zone["lines"]))
        return "\n   ".join(lines)


class QuietPostern(Postern):
    """Ready without a question: rules may leave this client without an answer."""

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"postern ended with {self.process.returncode}:\n{self.log_text()}")
        return (self.folder / "control.sock").exists()


class Named:
    """BIND with the zones of a round."""

    def __init__(self, folder, universe, round_):
        self.port = free_port(v6=True)
        self.universe = universe
        self.zone_count = len(round_.zones)
        files = "\n".join(f'zone "{name}" {{ type primary; file "{folder}/{name}"; }};' for name in round_.zones)
        (folder / "named.conf").write_text(f"""options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 port {self.port} {{ ::1; }}; recursion yes; forward only; forwarders port {universe.port} {{ 127.0.0.1; }};
  dnssec-validation no; minimal-responses yes;
  response-policy {{ {round_.named_zones()} }} qname-wait-recurse yes nsip-wait-recurse yes nsdname-wait-recurse yes
    break-dnssec {'yes' if round_.break_dnssec else 'no'} min-ns-dots 1;
}};
controls {{ }};
{files}
""")
        self.daemon = Daemon([which("named"), "-g", "-n", "1", "-c", str(folder / "named.conf")], folder / "named.log")

    def __enter__(self):
        try:
            self.daemon.wait_for(self.is_ready, "named's policy")
            self.learn_servers()
        except BaseException:
            self.daemon.close()
            raise
        return self

    def learn_servers(self):
        """BIND judges by the servers that its cache knows at the moment; Postern asks for them."""
        servers = sorted({server for all_of in self.universe.SERVERS.values() for server in all_of})
        wanted = [(zone, "NS") for zone in self.universe.SERVERS]
        wanted += [(server, rdtype) for server in servers for rdtype in ("A", "AAAA")]
        # By both addresses: rules may let one of them have no answers.
        ask_all(self.port, [Question(name, rdtype, v6=v6) for v6 in (False, True) for name, rdtype in wanted])

    def is_ready(self):
        # It serves before its policy is in force.
        return self.daemon.log.read_text(errors="replace").count("reload done") >= self.zone_count

    def __exit__(self, *_):
        self.daemon.close()


class Channel:
    """One way to a server: datagrams or a connection, octets in and whole messages out."""

    def __init__(self, port, v6, tcp):
        self.tcp = tcp
        family = socket.AF_INET6 if v6 else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.socket.connect(("::1" if v6 else "127.0.0.1", port))
        self.socket.settimeout(0.02)
        self.buffer = b""

    def send(self, wire):
        self.socket.settimeout(5)
        self.socket.sendall(len(wire).to_bytes(2, "big") + wire if self.tcp else wire)
        self.socket.settimeout(0.02)

    def messages(self):
        """Those that have come; waits a moment for the first."""
        try:
            octets = self.socket.recv(65535)
        except (TimeoutError, ConnectionError):
            return []
        if not self.tcp:
            return [octets]
        self.buffer += octets
        messages = []
        while len(self.buffer) > 2 and len(self.buffer) >= 2 + int.from_bytes(self.buffer[:2], "big"):
            end = 2 + int.from_bytes(self.buffer[:2], "big")
            messages.append(self.buffer[2:end])
            self.buffer = self.buffer[end:]
        return messages

    def close(self):
        self.socket.close()


def ask_all(port, questions, window=32, idle=IDLE):
    results = [DROPPED] * len(questions)
    for v6 in (False, True):
        for tcp in (False, True):
            places = [i for i, question in enumerate(questions) if (question.v6, question.tcp) == (v6, tcp)]
            for first in range(0, len(places), 400):  # A connection's worth.
                ask_by(Channel(port, v6, tcp), questions, places[first:first + 400], results, window, idle)
    return results


def ask_by(channel, questions, places, results, window, idle):
    waiting, sent_at, at, last = {}, {}, 0, time.monotonic()
    while at < len(places) or waiting:
        now = time.monotonic()
        while at < len(places) and sum(now - sent_at[i] < LATE for i in waiting) < window:
            channel.send(query_of(questions[places[at]], at + 1))
            waiting[at + 1], sent_at[at + 1] = places[at], now
            at += 1
            last = now
        for wire in channel.messages():
            reply = dns.message.from_wire(wire, ignore_trailing=True)
            place = waiting.pop(reply.id, None)
            if place is not None:
                results[place] = outcome(reply)
                last = time.monotonic()
        if at == len(places) and time.monotonic() - last > idle:
            break
    channel.close()


def query_of(question, number):
    query = dns.message.make_query(question.name, question.rdtype, use_edns=0, payload=1232, want_dnssec=question.do)
    if not question.rd:
        query.flags &= ~dns.flags.RD
    query.id = number
    return query.to_wire()


UNCOUNTED = (dns.rdatatype.RRSIG, dns.rdatatype.CNAME)


def outcome(reply):
    aliases, data, ttl = {}, [], -1
    name = reply.question[0].name if reply.question else dns.name.root
    for rrset in reply.answer:
        if rrset.rdtype == dns.rdatatype.CNAME:
            aliases[rrset.name] = rrset[0].target
        if rrset.name == name and rrset.rdtype != dns.rdatatype.RRSIG:
            ttl = rrset.ttl
        if rrset.rdtype not in UNCOUNTED:
            data += [f"{dns.rdatatype.to_text(rrset.rdtype)} {rdata}" for rdata in rrset]
    target = name
    for _ in range(len(aliases)):
        target = aliases.get(target, target)
    flags = tuple(text for text, bit in (("AA", dns.flags.AA), ("AD", dns.flags.AD), ("RA", dns.flags.RA), ("TC", dns.flags.TC))
                  if reply.flags & bit)
    soa = [str(rrset.name) for rrset in reply.additional if rrset.rdtype == dns.rdatatype.SOA]
    return Outcome(dns.rcode.to_text(reply.rcode()), flags, tuple(sorted(data)), str(target) if aliases else "",
                   soa[0] if soa else "", ttl)


def difference(round_, question, ours, theirs):
    """What is not alike in two answers, and not explained; None where nothing is."""
    # TCP-ONLY of one name of a chain is PASSTHRU to BIND over TCP; Postern goes on to judge the others.
    is_judged_on = question.tcp and is_alias(question.name) and round_.has("tcp-only")
    if is_judged_on and (ours.soa or ours == DROPPED) and theirs != DROPPED and not theirs.soa:
        return None
    if DROPPED in (ours, theirs):
        return None if ours == theirs else "one dropped"
    # A CNAME that a rule on addresses or servers, or an override, gives to the very name: Postern has no rule then.
    if theirs.target == question.name and ours.target == "" and not ours.soa and (ours.data == theirs.data or not question.rd):
        return None
    # Without recursion Postern tells nothing of its cache; what BIND then tells must not be by a rule.
    if not question.rd and ours.rcode == "REFUSED":
        return "rewritten by BIND alone" if theirs.soa or "TC" in theirs.flags else None
    # The same at the end of a chain.
    own = round_.override_target(theirs.soa)
    if own and own == theirs.target and not ours.soa and ours.data == theirs.data:
        return None
    # Without recursion Postern gives the CNAME of a rule alone, BIND what its cache knows behind it, too.
    if not question.rd and ours.soa and ours.soa == theirs.soa and ours.target and not ours.data:
        return None if theirs.target else "target"
    # BIND leaves the rcode, and what there would be, where it says TC.
    if "TC" in ours.flags or "TC" in theirs.flags:
        return None if "TC" in ours.flags and "TC" in theirs.flags else "truncated"
    if ours[0] != theirs[0]:
        return "rcode"
    if ours.data != theirs.data:
        return "data"
    # Of the CNAMEs that lead to a blocked name BIND shows those before it.
    if ours.target not in (theirs.target, ""):
        return "target"
    if ours.soa != theirs.soa:
        return "zone"
    if {"AD", "RA"} & set(ours.flags) != {"AD", "RA"} & set(theirs.flags):
        return "flags"
    if "AA" in ours.flags:
        return "AA"
    # Of an alias BIND shows its own CNAME.
    has_own_ttl = ours.soa and ours.ttl >= 0 and theirs.ttl >= 0 and not is_alias(question.name)
    if has_own_ttl and not round_.override_target(ours.soa) and ours.ttl != theirs.ttl:
        return "TTL"
    return None
