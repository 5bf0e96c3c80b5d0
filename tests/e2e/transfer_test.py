"""Policy zones by AXFR and IXFR from real primaries (Knot, BIND): exact copies, signed, over TLS, and never lost."""
import pathlib
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import unittest

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import primaries  # noqa: E402
from postern_process import Postern, ede, until  # noqa: E402
from primaries import KEY_NAME, SECRET, ZONE, Bind, Knot  # noqa: E402

CHANGES = 200


def feed(*servers, **options):
    return {"feeds": [{"name": "zone", "format": "rpz",
                       "transfer": {"zone": ZONE, "primaries": list(servers), "min_refresh_s": 1, **options}}]}


def blocks(postern, name):
    return (ede(postern.ask(name)) or (0,))[0] == 15


def copy_text(postern):
    """The last good copy on disk, or None while there is none."""
    files = sorted((postern.folder / "state").rglob("zone-*.feed"))
    try:
        return files[-1].read_text() if len(files) == 1 else None
    except FileNotFoundError:  # Another copy has taken its place meanwhile.
        return None


def copy_serial(postern):
    text = copy_text(postern)
    return int(text.split(" SOA ", 1)[1].split()[2]) if text else None


def rss_kib(postern):
    status = pathlib.Path(f"/proc/{postern.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-primary-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def primary(self, kind, *arguments, **options):
        try:
            made = kind(self.folder / kind.__name__, *arguments, **options)
            self.addCleanup(made.stop)
            return made.start()
        except primaries.Missing as missing:
            print(f"SKIPPED: {missing}", flush=True)
            raise unittest.SkipTest(str(missing)) from None

    def expect(self, postern, name, blocked=True):
        until(lambda: blocks(postern, name) == blocked, f"{name} {'' if blocked else 'not '}blocked", 20)

    def error_of(self, postern, text):
        def status():
            found = postern.feed("zone")
            return found if text in (found["last_error"] or "") else None
        return until(status, f"\"{text}\" in the feed's error", 20)


class RealPrimaries(Case):
    def follow(self, kind):
        """A whole zone, then CHANGES changes, each by IXFR, each exact."""
        dice = random.Random(kind.__name__)
        names = {f"bad{i}.example" for i in range(300)}
        primary = self.primary(kind, primaries.zone_text(sorted(names)), signed=True)
        (self.folder / "secret").write_text(SECRET + "\n")
        key = {"name": KEY_NAME, "algorithm": "hmac-sha256", "secret_file": str(self.folder / "secret")}
        with Postern(feed(f"127.0.0.1:{primary.port}", tsig=key)) as postern:
            self.expect(postern, "bad7.example")
            self.assertEqual(primaries.parse(copy_text(postern)), primary.records())
            settled_kib = 0
            for change in range(CHANGES):
                gone = set(dice.sample(sorted(names), 3))
                new = {f"new{change}-{i}.example" for i in range(3)}
                names = names - gone | new
                primary.update(add=new, remove=gone)
                serial = primary.serial()
                postern.api("/api/v1/feeds/zone/update", "POST", status=202)
                until(lambda: copy_serial(postern) == serial, f"serial {serial} ({postern.feed('zone')})", 20)
                self.assertEqual(primaries.parse(copy_text(postern)), primary.records())
                if change == CHANGES // 4:
                    settled_kib = rss_kib(postern)
            self.assertLess(rss_kib(postern), settled_kib * 1.03 + 2048)
            self.expect(postern, f"new{CHANGES - 1}-0.example")
            self.expect(postern, sorted(gone)[0], blocked=False)
            log = postern.log_text()
            self.assertEqual(log.count("IXFR from"), CHANGES, log)
            self.assertEqual(log.count("AXFR from"), 1)
            self.assertNotIn(SECRET, log)
            self.assertEqual(postern.feed("zone")["health"], "good")
            # After a restart the copy on disk is what changes are asked for against.
            postern.stop()
            primary.update(add=["later.example"])
            postern.start()
            self.assertTrue(blocks(postern, f"new{CHANGES - 1}-0.example"), "the last good copy protects at once")
            postern.cli("feed", "update", "zone")
            self.expect(postern, "later.example")
            self.assertEqual(postern.log_text().count("AXFR from"), 1)
            # The copy is written once its rules are in force.
            serial = primary.serial()
            until(lambda: copy_serial(postern) == serial, f"serial {serial} on disk", 20)
            self.assertEqual(primaries.parse(copy_text(postern)), primary.records())

    def test_knot_is_followed_exactly(self):
        self.follow(Knot)

    def test_bind_is_followed_exactly(self):
        self.follow(Bind)

    def test_a_change_is_found_by_the_refresh_timer_alone(self):
        primary = self.primary(Knot, primaries.zone_text(["one.example"], refresh=1))
        with Postern(feed(f"127.0.0.1:{primary.port}")) as postern:
            self.expect(postern, "one.example")
            primary.update(add=["two.example"], remove=["one.example"])
            self.expect(postern, "two.example")
            self.expect(postern, "one.example", blocked=False)

    def test_keys_must_be_the_same_on_both_sides(self):
        for kind in (Knot, Bind):
            for algorithm in ("hmac-sha384", "hmac-sha512"):
                with self.subTest(f"{kind.__name__} {algorithm}"):
                    primary = self.primary(kind, primaries.zone_text(["one.example"]), signed=True, algorithm=algorithm)
                    good = {"name": KEY_NAME, "algorithm": algorithm, "secret": SECRET}
                    server = f"127.0.0.1:{primary.port}"
                    with Postern(feed(server, tsig=good)) as postern:
                        self.expect(postern, "one.example")
                    for bad, says in (({"secret": "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc="}, "BADSIG"), ({"name": "other.key"}, "BADKEY"),
                                      (None, "NOTAUTH" if kind is Knot else "REFUSED")):
                        with Postern(feed(server, **({"tsig": good | bad} if bad else {}))) as postern:
                            status = self.error_of(postern, says)
                            self.assertEqual(status["health"], "failed")
                            self.assertFalse(blocks(postern, "one.example"))
                    primary.stop()

    def test_transfers_over_tls_from_a_server_that_is_who_it_should_be(self):
        tls = primaries.certificate(self.folder, "ns.primary.test")
        # BIND sends a zone whole where the changes would be more.
        names = ["one.example"] + [f"n{i}.example" for i in range(50)]
        primary = self.primary(Bind, primaries.zone_text(names), tls=tls)
        server = f"tls://127.0.0.1:{primary.tls_port}"
        for identity, options in (("#ns.primary.test", {"tls_ca_file": str(tls[0])}), ("#" + tls[2], {})):
            with self.subTest(identity), Postern(feed(server + identity, **options)) as postern:
                self.expect(postern, "one.example")
                primary.update(add=["two.example"])
                postern.cli("feed", "update", "zone")
                self.expect(postern, "two.example")
                self.assertIn("IXFR from", postern.log_text())
                primary.update(remove=["two.example"])
        for identity, options, says in (
                ("#ns.other.test", {"tls_ca_file": str(tls[0])}, "hostname mismatch"),
                ("#ns.primary.test", {}, "self-signed"),
                ("", {"tls_ca_file": str(tls[0])}, "IP address mismatch"),
                ("#pin-sha256=" + "A" * 43 + "=", {}, "none of the pinned keys")):
            with self.subTest(identity), Postern(feed(server + identity, **options)) as postern:
                self.assertIn("TLS certificate", self.error_of(postern, says)["last_error"])

    def test_a_primary_that_is_down_is_retried_and_another_one_asked(self):
        primary = self.primary(Knot, primaries.zone_text(["one.example"], refresh=1, retry=1, expire=3600))
        with Postern(feed("tcp://127.0.0.1:1", f"127.0.0.1:{primary.port}")) as postern:
            self.expect(postern, "one.example")
            self.assertEqual(postern.feed("zone")["health"], "good")
            primary.stop()
            self.error_of(postern, "127.0.0.1:1: connect: Connection refused; ")
            self.assertEqual(postern.feed("zone")["health"], "stale")
            self.assertTrue(blocks(postern, "one.example"))
            primary.start()
            until(lambda: postern.feed("zone")["health"] == "good", "recovery", 20)

    def test_an_expired_zone_is_kept_or_dropped_as_told_and_comes_back(self):
        primary = self.primary(Knot, primaries.zone_text(["one.example"], refresh=1, retry=1, expire=4))
        server = f"127.0.0.1:{primary.port}"
        for on_expire in ("keep", "drop"):
            with self.subTest(on_expire), Postern(feed(server, on_expire=on_expire)) as postern:
                self.expect(postern, "one.example")
                primary.stop()
                status = self.error_of(postern, "EXPIRED: no primary was reached")
                keeps = on_expire == "keep"
                self.expect(postern, "one.example", blocked=keeps)
                self.assertIn(f"on_expire: {on_expire}", status["last_error"])
                self.assertEqual(postern.feed("zone")["health"], "stale" if keeps else "failed")
                self.assertIn("postern_feed_expired{feed=\"zone\"} 1", postern.api("/metrics"))
                self.assertIn("EXPIRED", postern.log_text())
                # And so it is after a restart, with the primary still away.
                postern.stop()
                postern.start()
                self.assertEqual(blocks(postern, "one.example"), keeps)
                primary.start()
                self.expect(postern, "one.example")
                until(lambda: postern.feed("zone")["health"] == "good", "recovery", 20)
                self.assertIn("postern_feed_expired{feed=\"zone\"} 0", postern.api("/metrics"))


class FakePrimary(threading.Thread):
    """Answers over TCP as `behave` says: good, torn, wrong id, endless."""

    def __init__(self):
        super().__init__(daemon=True)
        self.serial, self.behave = 1, "good"
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    self.talk(connection)
                except (OSError, struct.error):
                    pass

    def talk(self, connection):
        file = connection.makefile("rb")
        while True:
            query = dns.message.from_wire(file.read(struct.unpack("!H", file.read(2))[0]))
            soa = ("SOA", f"ns.example. admin.example. {self.serial} 3600 600 86400 60")
            kind = dns.rdatatype.to_text(query.question[0].rdtype)
            if kind == "SOA":
                messages = [[(ZONE, *soa)]]
            elif kind == "IXFR":  # Not what the copy has: it must be asked for as a whole.
                old = f"ns.example. admin.example. {query.authority[0][0].serial} 3600 600 86400 60"
                messages = [[(ZONE, *soa), (ZONE, "SOA", old), (f"never.{ZONE}", "CNAME", "."), (ZONE, *soa), (ZONE, *soa)]]
            else:
                first = [(ZONE, *soa)] + [(f"bad{i}.example.{ZONE}", "CNAME", ".") for i in range(30)]
                messages = [first, [(f"serial{self.serial}.example.{ZONE}", "CNAME", "."), (ZONE, *soa)]]
            for number, records in enumerate(messages):
                self.send(connection, query, records, number, kind)

    def send(self, connection, query, records, number, kind):
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if kind == "AXFR" and self.behave == "wrong id" and number > 0:
            answer.id ^= 1
        for owner, rdtype, data in records:
            answer.answer.append(dns.rrset.from_text(owner + ".", 60, "IN", rdtype, data))
        wire = answer.to_wire(max_size=65535)
        if kind == "AXFR" and number > 0 and self.behave == "torn":
            connection.sendall(struct.pack("!H", len(wire)) + wire[:len(wire) // 2])
            raise OSError("torn")
        connection.sendall(struct.pack("!H", len(wire)) + wire)
        while kind == "AXFR" and self.behave == "endless":
            more = dns.message.make_response(query)
            more.answer.append(dns.rrset.from_text(f"x{random.random()}.{ZONE}.", 60, "IN", "TXT", *['"' + "x" * 250 + '"'] * 20))
            wire = more.to_wire()
            connection.sendall(struct.pack("!H", len(wire)) + wire)


class BadPrimaries(Case):
    def test_whatever_comes_the_last_good_copy_stays_in_force(self):
        primary = FakePrimary()
        self.addCleanup(primary.socket.close)
        config = feed(f"tcp://127.0.0.1:{primary.port}")
        config["feeds"][0]["max_size"] = "256KiB"
        with Postern(config) as postern:
            self.expect(postern, "serial1.example")
            for behave, says in (("torn", "ended inside a message"), ("wrong id", "another id"), ("endless", "max_size")):
                with self.subTest(behave):
                    primary.behave = behave
                    primary.serial += 1
                    postern.cli("feed", "update", "zone")
                    self.error_of(postern, says)
                    self.assertTrue(blocks(postern, "serial1.example"))
                    self.assertEqual(copy_serial(postern), 1)
            # Changes that do not fit the copy lead to the whole zone.
            primary.behave = "good"
            postern.cli("feed", "update", "zone")
            self.expect(postern, f"serial{primary.serial}.example")
            self.assertIn("IXFR: the changes remove never.rpz.example CNAME, which the copy has not", postern.log_text())
            # A serial that goes back is not followed, unless somebody asks for it.
            primary.serial = 1
            postern.stop()
            postern.start()
            postern.cli("feed", "update", "zone")
            self.expect(postern, "serial1.example")


if __name__ == "__main__":
    unittest.main()
