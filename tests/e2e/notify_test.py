"""NOTIFY (RFC 1996) for zones that feeds are transferred from: Knot and BIND tell, the change is there within seconds."""
import pathlib
import shutil
import sys
import tempfile
import unittest

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rrset
import dns.tsig

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import primaries  # noqa: E402
from postern_process import Postern, ede, rcode, until  # noqa: E402
from primaries import KEY_NAME, SECRET, ZONE, Bind, Knot  # noqa: E402


def blocks(postern, name):
    return (ede(postern.ask(name)) or (0,))[0] == 15


def metric(postern, name):
    line = next(line for line in postern.api("/metrics").splitlines() if line.startswith(name))
    return float(line.split()[-1])


def notify(zone=ZONE, serial=None, key=None):
    message = dns.message.make_query(zone, "SOA", use_edns=0)
    message.set_opcode(dns.opcode.NOTIFY)
    message.flags = (message.flags | dns.flags.AA) & ~dns.flags.RD
    if serial:
        message.answer.append(dns.rrset.from_text(zone + ".", 60, "IN", "SOA", f". . {serial} 1 1 1 1"))
    if key:
        message.use_tsig(key)
    return message


class NotifyTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-notify-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def pair(self, kind, names, signed=False):
        """A primary that tells a Postern that is not started yet; its zone asks for no refresh before an hour."""
        postern = Postern()
        try:
            primary = kind(self.folder / f"{kind.__name__}-{signed}", primaries.zone_text(names), notify=postern.port, signed=signed)
            self.addCleanup(primary.stop)
            primary.start()
        except primaries.Missing as missing:
            print(f"SKIPPED: {missing}", flush=True)
            raise unittest.SkipTest(str(missing)) from None
        transfer = {"zone": ZONE, "primaries": [f"127.0.0.1:{primary.port}"], "min_refresh_s": 3600}
        if signed:
            transfer["tsig"] = {"name": KEY_NAME, "secret": SECRET}
        # Whoever may ask questions is another matter.
        postern.config = {"access": {"allow": ["192.0.2.0/24", "127.0.0.1"]},
                          "feeds": [{"name": "zone", "format": "rpz", "transfer": transfer}]}
        return primary, postern

    def test_a_change_is_in_force_within_seconds_of_the_primarys_notify(self):
        for kind in (Knot, Bind):
            for signed in (False, True):
                with self.subTest(kind.__name__, signed=signed):
                    primary, server = self.pair(kind, ["one.example"], signed)
                    with server as postern:
                        until(lambda: blocks(postern, "one.example"), "the zone", 20)
                        primary.update(add=["two.example"])
                        until(lambda: blocks(postern, "two.example"), "the change", 20)
                        self.assertGreaterEqual(metric(postern, 'postern_notifies_total{result="taken"}'), 1)
                        self.assertEqual(metric(postern, 'postern_notifies_total{result="refused"}'), 0)
                    primary.stop()

    def test_who_may_tell_and_what_others_get(self):
        primary, server = self.pair(Knot, ["one.example"], signed=True)
        right = dns.tsig.Key(KEY_NAME, SECRET, "hmac-sha256.")
        wrong = dns.tsig.Key(KEY_NAME, "d3JvbmcgZm9yIHN1cmU=", "hmac-sha256.")
        other = dns.tsig.Key("other.key", SECRET, "hmac-sha256.")
        with server as postern:
            until(lambda: blocks(postern, "one.example"), "the zone", 20)

            def tell(message, tcp=False, source="127.0.0.1"):
                send = dns.query.tcp if tcp else dns.query.udp
                return send(message, "127.0.0.1", port=postern.port, timeout=5, source=source)

            for tcp in (False, True):
                answer = tell(notify(key=right), tcp)
                self.assertEqual(rcode(answer), "NOERROR")
                self.assertEqual(answer.opcode(), dns.opcode.NOTIFY)
                self.assertTrue(answer.flags & dns.flags.AA)
                self.assertTrue(answer.had_tsig)
                # Not from its primary, though with its key.
                answer = tell(notify(key=right), tcp, source="127.0.0.9")
                self.assertEqual(rcode(answer), "REFUSED")
                self.assertIn("not a primary", ede(answer)[1])
                # Of no zone that is transferred: as ever.
                self.assertEqual(rcode(tell(notify("other.example"), tcp)), "NOTIMP")
                self.assertEqual(rcode(tell(notify("other.example"), tcp, source="127.0.0.9")), "REFUSED")
                answer = tell(notify(), tcp)
                self.assertEqual(rcode(answer), "REFUSED")
                self.assertIn("must be signed", ede(answer)[1])
                with self.assertRaises(dns.tsig.PeerBadSignature):
                    tell(notify(key=wrong), tcp)
                with self.assertRaises(dns.tsig.PeerBadKey):
                    tell(notify(key=other), tcp)
            self.assertEqual(metric(postern, 'postern_notifies_total{result="taken"}'), 2)
            self.assertEqual(metric(postern, 'postern_notifies_total{result="refused"}'), 8)
            # With a serial that is no news nothing is asked; with one that is, the primary is.
            log = postern.log_text()
            tell(notify(key=right, serial=1))
            self.assertEqual(postern.feed("zone")["health"], "good")
            self.assertEqual(log.count("AXFR from"), 1)


if __name__ == "__main__":
    unittest.main()
