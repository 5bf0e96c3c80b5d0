"""Groups by device: a client is in the group of its hardware address, wherever its leases put it."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, end, free_port, until  # noqa: E402

TELEVISION = "02:00:5e:00:00:07"


class Devices(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="postern-test-")
        self.addCleanup(self.folder.cleanup)
        self.leases = pathlib.Path(self.folder.name) / "dnsmasq.leases"
        self.lease("127.0.0.2")
        self.postern = Postern({
            "policy": {"block": ["ads.example"]},
            "groups": [{"name": "tv", "devices": [TELEVISION.upper().replace(":", "-")], "block": ["telemetry.example"]},
                       {"name": "lan", "clients": ["127.0.0.0/8"], "without": ["block"]}],
            "devices": {"dnsmasq_leases": [str(self.leases)], "neighbours": False}}).start()
        self.addCleanup(self.postern.__exit__, None, None, None)

    def lease(self, address):
        self.leases.with_suffix(".new").write_text(f"0 {TELEVISION} {address} television *\n")
        self.leases.with_suffix(".new").rename(self.leases)

    def is_blocked(self, client, name="telemetry.example"):
        return "EDE: 15" in self.postern.dig("-b", client, name)

    def test_a_device_has_its_group_at_every_address(self):
        self.assertTrue(self.is_blocked("127.0.0.2"))
        self.assertTrue(self.is_blocked("127.0.0.2", "ads.example"), "its group, and not that of the prefix")
        self.assertFalse(self.is_blocked("127.0.0.3"))
        text = self.postern.cli("explain", "telemetry.example", "--client", "127.0.0.2")
        self.assertIn(f'127.0.0.2 is the device {TELEVISION} at the moment, which is in the group "tv".', text)
        self.lease("127.0.0.3")
        until(lambda: self.is_blocked("127.0.0.3"), "the new address to be the device's")
        self.assertFalse(self.is_blocked("127.0.0.2"))

    def test_a_reload_moves_a_device(self):
        self.postern.config["groups"][0]["devices"] = ["02:00:5e:00:00:08"]
        self.postern.write_config()
        self.postern.cli("reload")
        self.assertFalse(self.is_blocked("127.0.0.2"))


class Forwarders(unittest.TestCase):
    """What a forwarder says of its clients is believed of those that are listed, and of no other."""

    def setUp(self):
        self.postern = Postern({
            "groups": [{"name": "tv", "devices": [TELEVISION], "block": ["telemetry.example"]},
                       {"name": "kids", "client_ids": ["Tablet-7"], "block": ["games.example"]}],
            "devices": {"edns_from": ["127.0.0.1/32"], "neighbours": False}}).start()
        self.addCleanup(self.postern.__exit__, None, None, None)

    def is_blocked(self, name, *options, tcp=False):
        return "EDE: 15" in self.postern.dig(*options, name, *(["+tcp"] if tcp else []))

    def test_what_is_said_in_options_decides_the_group(self):
        mac = "+ednsopt=65001:" + TELEVISION.replace(":", "")
        text = "+ednsopt=65073:" + TELEVISION.encode().hex()
        tablet = "+ednsopt=65074:" + b"Tablet-7".hex()
        for tcp in (False, True):
            for option in (mac, text):
                self.assertTrue(self.is_blocked("telemetry.example", option, tcp=tcp))
                self.assertFalse(self.is_blocked("games.example", option, tcp=tcp))
            self.assertTrue(self.is_blocked("games.example", tablet, tcp=tcp))
            self.assertTrue(self.is_blocked("games.example", tablet, mac, tcp=tcp), "the name counts first")
            self.assertFalse(self.is_blocked("games.example", tcp=tcp))
            self.assertFalse(self.is_blocked("games.example", tablet, "-b", "127.0.0.2", tcp=tcp), "not of anybody")
            self.assertFalse(self.is_blocked("telemetry.example", mac, "-b", "127.0.0.2", tcp=tcp))
        self.postern.config["devices"]["edns_from"] = ["127.0.0.2/32"]
        self.postern.write_config()
        self.postern.cli("reload")
        self.assertFalse(self.is_blocked("games.example", tablet))
        self.assertTrue(self.is_blocked("games.example", tablet, "-b", "127.0.0.2"))

    def test_a_real_forwarder_says_who_its_clients_are(self):
        program = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
        if program is None:
            print("SKIPPED: dnsmasq is not installed", flush=True)
            raise unittest.SkipTest("dnsmasq is not installed")
        for client, blocked in (("Tablet-7", True), ("Tablet-8", False)):
            with self.subTest(client):
                port = free_port()
                forwarder = subprocess.Popen(
                    [program, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts", "--cache-size=0",
                     "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}", f"--server=127.0.0.1#{self.postern.port}",
                     f"--add-cpe-id={client}", "--log-facility=-"], stderr=subprocess.DEVNULL)
                try:
                    def answer():
                        asked = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+time=3", "games.example"],
                                               capture_output=True, text=True, timeout=30, check=False).stdout
                        return asked if "status:" in asked else None
                    # Where nothing blocks it, there is no internet to ask.
                    until(answer, "an answer through dnsmasq", 20)
                    group = "kids" if blocked else "default"

                    def recorded(group=group):
                        rows = self.postern.api("/api/v1/queries?below=games.example")["rows"]
                        return [row for row in rows if row["group"] == group]
                    rows = until(recorded, f"a query of the group {group}")
                    self.assertEqual({row["disposition"] == "blocked" for row in rows}, {blocked})
                finally:
                    end(forwarder)


if __name__ == "__main__":
    unittest.main()
