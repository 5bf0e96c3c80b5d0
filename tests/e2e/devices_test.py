"""Groups by device: a client is in the group of its hardware address, wherever its leases put it."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, until  # noqa: E402

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


if __name__ == "__main__":
    unittest.main()
