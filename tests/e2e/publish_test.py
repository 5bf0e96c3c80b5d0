"""Policy out: BIND, Knot, Unbound and PowerDNS Recursor as secondaries of what we publish, and with our decisions."""
import pathlib
import random
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.xfr
import dns.zone

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import primaries  # noqa: E402
import rpz_peers  # noqa: E402
import secondaries  # noqa: E402
from postern_process import Postern, ede, free_port, rcode, until  # noqa: E402

ZONE = "policy.postern"
ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")


def tsig_key(key):
    return dns.tsig.Key(key.name, key.secret, key.algorithm + ".")


def metric(postern, name):
    line = next(line for line in postern.api("/metrics").splitlines() if line.startswith(name))
    return float(line.split()[-1])


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-publish-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.list = self.folder / "list"

    def names(self, *names):
        beside = self.folder / "list~"
        beside.write_text("\n".join(names) + "\n")
        beside.rename(self.list)

    def config(self, notify=(), keys=(), **publish):
        item = {"name": "out", "zone": ZONE, "notify": [f"127.0.0.1:{port}" for port in notify], **publish}
        if keys:
            item["keys"] = [key.name for key in keys]
        elif "clients" not in item:
            item["clients"] = ["127.0.0.1"]
        return {"packs": {"hafnium": False}, "publish": [item],
                "keys": [dict(key._asdict()) for key in keys],
                "feeds": [{"name": "list", "format": "domains", "scope": "exact", "path": str(self.list)}]}

    def secondary(self, kind, *arguments, **options):
        made = kind(self.folder, ZONE, *arguments, **options)
        self.addCleanup(made.stop)
        return made

    def start(self, secondary):
        try:
            return secondary.start()
        except primaries.Missing as missing:
            print(f"SKIPPED: {missing}", flush=True)
            raise unittest.SkipTest(str(missing)) from None

    def soa(self, postern, **options):
        return self.ask(postern, "SOA", **options)

    def serial(self, postern):
        answer = self.soa(postern)
        return answer.answer[0][0].serial if answer.answer else None

    def ask(self, postern, rdtype, key=None, tcp=True, source="127.0.0.1", serial=None):
        query = dns.message.make_query(ZONE, rdtype, use_edns=0, payload=1232)
        if serial is not None:
            query.authority.append(dns.rrset.from_text(ZONE + ".", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
        if key:
            query.use_tsig(tsig_key(key))
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, "127.0.0.1", port=postern.port, timeout=10, source=source, one_rr_per_rrset=True)

    def records(self, postern, key=None):
        key = tsig_key(key) if key else None
        xfr = dns.query.xfr("127.0.0.1", ZONE, port=postern.port, timeout=10, relativize=False,
                            keyring={key.name: key} if key else None, keyname=key.name if key else None,
                            keyalgorithm=key.algorithm if key else dns.tsig.default_algorithm)
        return primaries.records_of(dns.zone.from_xfr(xfr, relativize=False, check_origin=False))


class Secondaries(Case):
    def follow(self, kind, key):
        """The zone whole, then changes, each told of by NOTIFY and had by IXFR; then a restart."""
        names = [f"n{i}.example" for i in range(400)]
        self.names(*names)
        postern = Postern()
        theirs = self.secondary(kind, postern.port, key=key)
        postern.config = self.config(notify=[theirs.port], keys=[key] if key else ())
        with postern:
            self.start(theirs)
            until(lambda: theirs.serial() is not None, f"the zone\n{theirs.log_text()}", 30)
            if key is None:
                self.assertEqual(theirs.records(), self.records(postern))
            for change in range(5):
                before = theirs.serial()
                names = names[3:] + [f"new{change}-{i}.example" for i in range(3)]
                self.names(*names)
                began = time.monotonic()
                until(lambda: theirs.serial() not in (None, before), f"change {change}\n{theirs.log_text()}", 20)
                self.assertLess(time.monotonic() - began, 10)
                self.assertEqual(theirs.records(), self.records(postern, key))
                self.assertEqual(len(theirs.records()), 400 + 2)
            log = postern.log_text()
            self.assertEqual(log.count(f"IXFR of {ZONE}"), 5, log)
            self.assertNotIn("does not answer our NOTIFY", log)
            until(lambda: metric(postern, 'postern_published_notifies_total{result="heard"}') >= 5, "the acknowledgements")
            # What was published stays what it was; changes from before the restart are not known any more.
            serial = theirs.serial()
            postern.stop()
            postern.start()
            until(lambda: metric(postern, "postern_published_serial") == serial, "the serial from before")
            self.names(*names[1:])
            until(lambda: theirs.serial() not in (None, serial), f"a change after the restart\n{theirs.log_text()}", 20)
            self.assertEqual(theirs.records(), self.records(postern, key))

    def test_bind_follows_exceptions_and_own_lists(self):
        self.names("bad.example", "worse.example")
        postern = Postern()
        theirs = self.secondary(secondaries.Bind, postern.port)
        postern.config = self.config(notify=[theirs.port], group="office")
        postern.config["groups"] = [{"name": "office", "block": ["*.own.example"]}]
        with postern:
            self.start(theirs)
            has = lambda owner, target: (f"{owner}.{ZONE}.", "CNAME", 10, target) in theirs.records()
            until(lambda: theirs.serial() is not None, f"the zone\n{theirs.log_text()}", 30)
            self.assertTrue(has("bad.example", "."), theirs.records())
            self.assertTrue(has("*.own.example", "."), theirs.records())
            for name, group in (("bad.example", "office"), ("worse.example", "default")):
                postern.cli("allow", name, "--for", "6s", "--group", group, "--reason", "a test")
            until(lambda: has("bad.example", "rpz-passthru."), f"the exception\n{theirs.log_text()}", 20)
            self.assertTrue(has("worse.example", "."), "an exception of another group")
            until(lambda: has("bad.example", "."), f"its end\n{theirs.log_text()}", 20)

    def test_knot_follows(self):
        self.follow(secondaries.Knot, None)

    def test_bind_follows(self):
        self.follow(secondaries.Bind, None)

    def test_knot_follows_signed(self):
        self.follow(secondaries.Knot, secondaries.new_key(algorithm="hmac-sha512"))

    def test_bind_follows_signed(self):
        self.follow(secondaries.Bind, secondaries.new_key(algorithm="hmac-sha384"))

    def test_a_large_zone_comes_in_many_messages_each_signed(self):
        self.names(*[f"n{i}.some-where.example" for i in range(30_000)])
        key = secondaries.new_key()
        postern = Postern()
        knot = self.secondary(secondaries.Knot, postern.port, key=key)
        bind = self.secondary(secondaries.Bind, postern.port, key=key)
        postern.config = self.config(keys=[key])
        with postern:
            for theirs in (knot, bind):
                self.start(theirs)
                until(lambda: theirs.serial() is not None, f"the zone\n{theirs.log_text()}", 60)
                self.assertEqual(len(theirs.records()), 30_002)
            self.assertEqual(self.records(postern, key), knot.records())


class Requests(Case):
    def test_who_may_have_what(self):
        self.names("bad.example")
        keys = [secondaries.new_key(f"{algorithm}.key", algorithm) for algorithm in ALGORITHMS]
        wrong = secondaries.new_key(keys[0].name, secret=b"another")
        unknown = secondaries.new_key("unknown.key")
        with Postern(self.config(keys=keys, clients=["127.0.0.1"])) as postern:
            until(lambda: rcode(self.soa(postern, key=keys[0])) == "NOERROR", "the zone")
            for tcp in (True, False):
                for key in keys:
                    answer = self.soa(postern, key=key, tcp=tcp)
                    self.assertEqual(answer.answer[0].rdtype, dns.rdatatype.SOA)
                    self.assertTrue(answer.had_tsig)
                    self.assertTrue(answer.flags & dns.flags.AA)
                for rdtype in ("SOA", "AXFR", "IXFR"):
                    serial = 1 if rdtype == "IXFR" else None
                    answer = self.ask(postern, rdtype, tcp=tcp, serial=serial)
                    self.assertEqual(rcode(answer), "REFUSED")
                    self.assertIn("must be signed", ede(answer)[1])
                    answer = self.ask(postern, rdtype, key=keys[1], tcp=tcp, source="127.0.0.9", serial=serial)
                    self.assertEqual(rcode(answer), "REFUSED")
                    self.assertEqual(answer.answer, [])
                    with self.assertRaises(dns.tsig.PeerBadSignature):
                        self.ask(postern, rdtype, key=wrong, tcp=tcp, serial=serial)
                    with self.assertRaises(dns.tsig.PeerBadKey):
                        self.ask(postern, rdtype, key=unknown, tcp=tcp, serial=serial)
            for key in keys:
                self.assertEqual(len(self.records(postern, key)), 3)
            # Nothing else is told of the zone, and nothing to who may only ask questions.
            self.assertEqual(self.ask(postern, "TXT", key=keys[0], tcp=False).answer, [])
            self.assertEqual(rcode(self.ask(postern, "AXFR", key=keys[0], tcp=False)), "REFUSED")

    def test_changes_over_udp_where_they_fit(self):
        self.names(*[f"n{i}.example" for i in range(200)])
        with Postern(self.config()) as postern:
            first = until(lambda: self.serial(postern), "the zone")
            self.names(*[f"n{i}.example" for i in range(199)])
            second = until(lambda: self.serial(postern) not in (None, first) and self.serial(postern), "a change")

            def answer_of(serial, tcp=False):
                answer = self.ask(postern, "IXFR", serial=serial, tcp=tcp)
                return [dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.answer], answer

            types, answer = answer_of(first)
            self.assertEqual(types, ["SOA", "SOA", "CNAME", "SOA", "SOA"], answer)
            self.assertEqual(answer.answer[2].name.to_text(), f"n199.example.{ZONE}.")
            for serial in (second, second + 100):  # The same, and one from the future.
                for tcp in (False, True):
                    self.assertEqual(answer_of(serial, tcp)[0], ["SOA"])
            # What is too much, or not known, is for TCP: the SOA says that there is something.
            self.assertEqual(answer_of(first - 1)[0], ["SOA"])
            self.names(*[f"m{i}.example" for i in range(199)])
            until(lambda: self.serial(postern) != second, "another change")
            self.assertEqual(answer_of(first)[0], ["SOA"])

    def test_a_reader_that_does_not_read_keeps_nobody_waiting(self):
        self.names(*[f"n{i}.some-where.example" for i in range(200_000)])
        with Postern(self.config()) as postern:
            until(lambda: self.serial(postern), "the zone", 30)
            query = dns.message.make_query(ZONE, "AXFR").to_wire()
            idle = []
            for _ in range(6):
                connection = socket.create_connection(("127.0.0.1", postern.port))
                connection.sendall(struct.pack("!H", len(query)) + query)
                idle.append(connection)
                self.addCleanup(connection.close)
            # One address has four at most; then it is told to come again, or is not heard.
            rcodes = [self.first_rcode(connection) for connection in idle]
            self.assertEqual(rcodes.count("NOERROR"), 4, rcodes)
            for _ in range(50):
                self.assertEqual(rcode(postern.ask("n7.some-where.example")), "NXDOMAIN")
            for connection in idle:
                connection.close()
            until(lambda: self.has_room(postern), "room again", 20)

    def first_rcode(self, connection):
        connection.settimeout(10)
        size = connection.recv(2)
        if not size:
            return "closed"
        message = connection.recv(struct.unpack("!H", size)[0], socket.MSG_WAITALL)
        return dns.rcode.to_text(dns.message.from_wire(message).rcode())

    def has_room(self, postern):
        with socket.create_connection(("127.0.0.1", postern.port)) as connection:
            query = dns.message.make_query(ZONE, "AXFR").to_wire()
            connection.sendall(struct.pack("!H", len(query)) + query)
            return self.first_rcode(connection) == "NOERROR"

    def test_a_secondary_that_is_away_is_told_again_and_then_left(self):
        self.names("one.example")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
            target.bind(("127.0.0.1", 0))
            target.settimeout(10)
            key = secondaries.new_key()
            with Postern(self.config(notify=[target.getsockname()[1]], keys=[key])) as postern:
                keyring = {tsig_key(key).name: tsig_key(key)}
                seen = []
                for _ in range(2):
                    octets, sender = target.recvfrom(4096)
                    message = dns.message.from_wire(octets, keyring=keyring)
                    self.assertEqual(message.question[0].name.to_text(), ZONE + ".")
                    self.assertTrue(message.had_tsig)
                    seen.append(message.answer[0][0].serial)
                self.assertEqual(seen[0], seen[1])
                header = octets[:2] + bytes([0xa4, 0]) + bytes(8)
                target.sendto(header, sender)  # Unsigned: not believed.
                target.recvfrom(4096)
                self.assertEqual(metric(postern, 'postern_published_notifies_total{result="heard"}'), 0)


class OverTls(Case):
    """RFC 9103: a port of its own, for transfers alone."""

    NAME = "ns.postern.test"

    def setUp(self):
        super().setUp()
        self.tls_port = free_port()
        self.certificate, self.private_key, self.pin = primaries.certificate(self.folder, self.NAME)
        self.names("bad.example", "worse.example")
        self.postern = Postern()

    def configured(self, **publish):
        config = self.config(**publish)
        config["server"] = {"transfer_tls": {"listen": [f"127.0.0.1:{self.tls_port}"],
                                             "certificate_file": str(self.certificate),
                                             "key_file": str(self.private_key)}}
        return config

    def kdig(self, *arguments):
        command = ["kdig", "@127.0.0.1", "-p", str(self.tls_port), "+tls", f"+tls-ca={self.certificate}",
                   f"+tls-hostname={self.NAME}", "+tls-sni=" + self.NAME, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout

    def plain_connection(self, source):
        connection = socket.socket()
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", self.tls_port))
        return connection

    def tls_connection(self):
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.set_alpn_protocols(["dot"])
        plain = socket.create_connection(("127.0.0.1", self.tls_port), timeout=10)
        return context.wrap_socket(plain, server_hostname=self.NAME)

    def test_bind_follows_over_tls_alone(self):
        key = secondaries.new_key()
        theirs = self.secondary(secondaries.Bind, 1, key=key, tls=(self.tls_port, self.certificate, self.NAME))
        self.postern.config = self.configured(notify=[theirs.port], keys=[key], tls_only=True)
        with self.postern as postern:
            self.start(theirs)
            until(lambda: theirs.serial() is not None, f"the zone\n{theirs.log_text()}", 30)
            before = theirs.serial()
            self.names("bad.example", "new.example")
            until(lambda: theirs.serial() not in (None, before), f"a change\n{theirs.log_text()}", 20)
            self.assertIn(f"IXFR of {ZONE}", postern.log_text())
            self.assertEqual(len(theirs.records()), 4)
            # Without TLS its serial is told, and no more.
            self.assertEqual(self.ask(postern, "SOA", key=key).answer[0][0].serial, theirs.serial())
            with self.assertRaises(dns.xfr.TransferError):
                self.records(postern, key)

    def test_another_postern_follows_over_tls(self):
        self.postern.config = self.configured()
        with self.postern:
            feed = {"name": "theirs", "format": "rpz",
                    "transfer": {"zone": ZONE, "primaries": [f"tls://127.0.0.1:{self.tls_port}#{self.NAME}"],
                                 "tls_ca_file": str(self.certificate), "min_refresh_s": 1}}
            with Postern({"packs": {"hafnium": False}, "feeds": [feed]}) as second:
                until(lambda: rcode(second.ask("bad.example")) == "NXDOMAIN", "the policy")

    def test_who_does_not_speak_it_right_gets_nothing(self):
        self.postern.config = self.configured()
        with self.postern as postern:
            until(lambda: self.serial(postern), "the zone")
            self.assertIn(f"bad.example.{ZONE}.", self.kdig(ZONE, "AXFR"))
            self.assertIn("status: REFUSED", self.kdig("www.example.com", "A"))
            # More often than one address may have at a time.
            for says in 3 * ("-tls1_2 -alpn dot", "-tls1_3 -alpn h2", "-tls1_3"):
                with self.subTest(says):
                    failed = metric(postern, "postern_transfer_tls_failed_total")
                    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.tls_port}", *says.split()]
                    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
                    until(lambda: metric(postern, "postern_transfer_tls_failed_total") > failed, "a failure counted")
            # Who is refused does not stay, nor does whoever may have no zone come in at all.
            with self.tls_connection() as connection:
                query = dns.message.make_query("www.example.com", "A")
                self.assertEqual(dns.query.send_tcp(connection, query.to_wire())[0], len(query.to_wire()) + 2)
                self.assertEqual(dns.query.receive_tcp(connection)[0].rcode(), dns.rcode.REFUSED)
                self.assertEqual(connection.recv(1), b"")
            strangers = [self.plain_connection(f"127.0.0.{2 + i % 4}") for i in range(20)]
            for stranger in strangers:
                self.addCleanup(stranger.close)
            until(lambda: metric(postern, "postern_transfer_tls_refused_total") == len(strangers), "their being refused")
            self.assertIn(f"bad.example.{ZONE}.", self.kdig(ZONE, "AXFR"))
            self.assertIn(("bad.example." + ZONE + ".", "CNAME", 10, "."), self.records(postern))
            # Octets that are no TLS at all.
            with socket.create_connection(("127.0.0.1", self.tls_port), timeout=10) as plain:
                try:
                    plain.sendall(b"\x00\x04GET ")
                    plain.shutdown(socket.SHUT_WR)
                    self.assertNotIn(b"bad", plain.recv(4096))
                except OSError:
                    pass  # Closed before: nothing at all.

    def test_a_renewed_certificate_is_used(self):
        self.postern.config = self.configured()
        with self.postern as postern:
            until(lambda: self.serial(postern), "the zone")
            good_key = self.private_key.read_text()
            self.private_key.write_text("no key")
            until(lambda: "the certificate of before stays in use" in postern.log_text(), "that it is told", 20)
            self.assertIn(f"bad.example.{ZONE}.", self.kdig(ZONE, "AXFR"))
            # A key of another kind than the certificate's: half of a renewal.
            self.private_key.write_text(subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True,
                                                       text=True).stdout)
            until(lambda: postern.log_text().count("the certificate of before stays in use") > 1, "that it is told", 20)
            self.assertIn(f"bad.example.{ZONE}.", self.kdig(ZONE, "AXFR"))
            self.private_key.write_text(good_key)
            primaries.certificate(self.folder, self.NAME)
            until(lambda: "anew" in postern.log_text(), "the new one", 20)
            self.assertIn(f"bad.example.{ZONE}.", self.kdig(ZONE, "AXFR"))


class Lists(Case):
    def test_a_plain_list_for_who_knows_no_zones(self):
        self.names("bad.example", "ok.worse.example", "worse.example")
        config = self.config()
        config["policy"] = {"block": ["*.down.example"], "allow": ["ok.worse.example"]}
        path = "/api/v1/publish/out/domains.txt"
        with Postern(config) as postern:
            until(lambda: self.serial(postern), "the zone")
            token = postern.first_run_token()

            def get(**headers):
                request = urllib.request.Request(f"http://127.0.0.1:{postern.console_port}{path}", headers=headers)
                try:
                    return urllib.request.urlopen(request, timeout=10)
                except urllib.error.HTTPError as error:
                    return error

            with get() as answer:
                self.assertEqual(answer.status, 401)
            by = {"Authorization": f"Bearer {token}"}
            with get(**by) as answer:
                self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
                tag = answer.headers["ETag"]
                self.assertEqual(answer.read().decode().split(),
                                 ["bad.example", "down.example", "*.down.example", "worse.example"])
            with get(**by, **{"If-None-Match": tag}) as answer:
                self.assertEqual(answer.status, 304)
            first = self.serial(postern)
            self.names(*[f"n{i}.example" for i in range(20_000)])
            until(lambda: self.serial(postern) != first, "the change")
            with get(**by, **{"If-None-Match": tag}) as answer:
                self.assertEqual(answer.status, 200)
                lines = answer.read().decode().split()
                self.assertEqual(len(lines), 20_002)
                self.assertEqual(lines, sorted(lines, key=lambda line: [label for label in reversed(line.split("."))
                                                                        if label != "*"]))
            self.assertEqual(postern.api("/api/v1/publish/other/domains.txt", status=404)["status"], 404)


class Decisions(Case):
    """What is published decides at others as at us: random zones, the same questions."""

    def setUp(self):
        super().setUp()
        missing = rpz_peers.missing_programs()
        if missing:
            print(f"SKIPPED: {', '.join(missing)} not installed", flush=True)
            self.skipTest("peers are missing")

    def compare(self, kind, triggers, rounds, **publish):
        differences = []
        with rpz_peers.Universe(self.folder) as universe:
            questions = universe.questions()
            if kind is not secondaries.Bind:
                # Of names that CNAMEs lead to: Unbound does not judge those that come in one answer; for PowerDNS, where
                # names do not hide wildcards, PASSTHRU has to, which ends the search.
                questions = [question for question in questions if not question[0].startswith("l")]
            for number in range(rounds):
                zones = rpz_peers.PolicyZones(random.Random(number), universe, triggers)
                if triggers == rpz_peers.PolicyZones.TRIGGERS:
                    zones.zones = {name: lines for name, lines in list(zones.zones.items())[:1]}
                zones.write(self.folder)
                config = {"resolver": {"mode": "forward",
                                       "forward": [{"zone": ".", "servers": [f"udp://127.0.0.1:{universe.port}"]}]},
                          "packs": {"hafnium": False}, "journal": {"enabled": False},
                          "publish": [{"name": "out", "zone": ZONE, "clients": ["127.0.0.1"], **publish}],
                          "feeds": [{"name": name, "format": "rpz", "path": str(self.folder / name)} for name in zones.zones]}
                with Postern(config) as postern:
                    until(lambda: self.serial(postern), "the zone")
                    theirs = self.start(self.secondary(kind, postern.port, forward=universe.port))
                    try:
                        until(lambda: f"AXFR of {ZONE}" in postern.log_text(), f"a transfer\n{theirs.log_text()}", 30)
                        self.wait_until_in_force(theirs, universe)
                        differences += self.differences(number, zones, questions, postern, theirs)
                    finally:
                        theirs.stop()
        self.assertEqual(differences, [])

    def wait_until_in_force(self, theirs, universe):
        if isinstance(theirs, secondaries.Bind):
            until(lambda: "reload done" in theirs.log_text(), "the policy in force", 30)
            rpz_peers.learn_servers(theirs.port, universe)
        else:
            time.sleep(0.5)  # Neither says when.

    def differences(self, number, zones, questions, postern, theirs):
        ours_all = rpz_peers.ask_all(postern.port, questions)
        theirs_all = rpz_peers.ask_all(theirs.port, questions)
        found = []
        for question, one, other in zip(questions, ours_all, theirs_all):
            if not rpz_peers.alike(one, other):
                one = rpz_peers.ask_all(postern.port, [question])[0]
                other = rpz_peers.ask_all(theirs.port, [question])[0]
            if not rpz_peers.alike(one, other):
                found.append((number, question, one, other))
        if found:
            print(f"-- round {number}, {type(theirs).__name__}: {len(found)} differ; zones:", flush=True)
            for name, lines in zones.zones.items():
                print(f"   {name}: " + "; ".join(lines))
            for _, question, one, other in found[:6]:
                print(f"   {question}\n      postern {one}\n      other   {other}", flush=True)
        return found

    def test_bind_decides_alike_on_names(self):
        self.compare(secondaries.Bind, ("qname", "wildcard"), 4)

    def test_bind_decides_alike_on_all_triggers(self):
        self.compare(secondaries.Bind, rpz_peers.PolicyZones.TRIGGERS, 3)

    def test_unbound_decides_alike_on_names(self):
        self.compare(secondaries.Unbound, ("qname", "wildcard"), 4)

    def test_powerdns_decides_alike_on_names(self):
        self.compare(secondaries.Recursor, ("qname", "wildcard"), 4, wildcards="longest")


if __name__ == "__main__":
    unittest.main()
