"""The policy of a Postern as a TAXII 2.1 collection: what STIX and TAXII ask for, who may have it, and the round trip."""
import base64
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, rcode, until  # noqa: E402
from taxii_server import TYPE, domain, indicator  # noqa: E402


class PolicyAsCollection(unittest.TestCase):
    """What a Postern publishes another one polls, and decides by it as the first does."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-taxii-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "token").write_text("t0ken of theirs\n")
        (self.folder / "password").write_text("pass:word\n")
        self.list = self.folder / "list.txt"
        self.list.write_text("".join(f"bad{i}.example\n" for i in range(30)) + "*.wide.example\n")
        amber, red = ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
                      "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed")
        self.stix = self.folder / "s.json"
        self.stix.write_text("\n".join(json.dumps(each) for each in [
            domain(1, "amber.example", object_marking_refs=[amber], confidence=70),
            domain(2, "red.example", object_marking_refs=[red]),
            domain(3, "below.red.example", object_marking_refs=["marking-definition--of-nobody"]),
            indicator(4, "[ipv4-addr:value = '198.51.100.0/24']"),
            indicator(5, "[domain-name:value LIKE '%.below.example']")]))
        self.publisher = {
            "packs": {"hafnium": False},
            "feeds": [{"name": "pass", "format": "domains", "path": str(self.folder / "allow.txt"), "allow": True},
                      {"name": "list", "format": "wildcard", "path": str(self.list)},
                      {"name": "strict", "format": "domains", "path": str(self.folder / "strict.txt"),
                       "tlp": "amber+strict"},
                      {"name": "stix", "format": "stix", "path": str(self.stix)}],
            "publish": [{"name": "out", "zone": "out.postern", "taxii": {
                "title": "Blocked", "token_file": str(self.folder / "token"), "user": "them",
                "password_file": str(self.folder / "password")}}]}
        (self.folder / "allow.txt").write_text("bad7.example\n")
        (self.folder / "strict.txt").write_text("strict.example\n")

    def get(self, postern, path, token="t0ken of theirs", status=200, accept=TYPE, user=None):
        request = urllib.request.Request(f"http://127.0.0.1:{postern.console_port}/taxii2/{path}")
        request.add_header("Accept", accept)
        if user:
            request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
        elif token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.assertEqual(answer.status, status, path)
            self.assertEqual(answer.headers["Content-Type"], TYPE)
            return json.loads(answer.read())

    def objects(self, postern, query=""):
        """All objects, page by page."""
        ident = self.get(postern, "api/collections/")["collections"][0]["id"]
        found, extra = [], ""
        while True:
            page = self.get(postern, f"api/collections/{ident}/objects/?limit=7{query}{extra}")
            found += page.get("objects", [])
            if not page.get("more"):
                return found
            extra = "&next=" + page["next"]

    def test_what_stix_and_taxii_ask_for_and_what_must_not_leave(self):
        with Postern(self.publisher) as postern:
            until(lambda: self.objects(postern), "the collection")
            self.assertEqual(self.get(postern, "")["default"], "/taxii2/api/")
            self.assertEqual(self.get(postern, "", user="them:pass:word")["api_roots"], ["/taxii2/api/"])
            self.get(postern, "", token=None, status=401)
            self.get(postern, "", token="wrong", status=401)
            self.get(postern, "", user="them:wrong", status=401)
            self.get(postern, "", accept="text/html", status=406)
            found = self.objects(postern)
            names = {each["name"]: each for each in found}
            self.assertEqual(len(names), len(found))
            self.assertEqual(set(names), {f"bad{i}.example" for i in range(30) if i != 7}
                             | {"wide.example", "amber.example", "198.51.100.0/24", "below.example"})
            stamp = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$")
            for each in found:
                self.assertLessEqual({"type", "spec_version", "id", "created", "modified", "pattern", "pattern_type",
                                      "valid_from"}, set(each))
                self.assertEqual((each["type"], each["spec_version"], each["pattern_type"]),
                                 ("indicator", "2.1", "stix"))
                self.assertRegex(each["id"], "^indicator--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                             "[0-9a-f]{12}$")
                for key in ("created", "modified", "valid_from"):
                    self.assertRegex(each[key], stamp)
                self.assertLessEqual(each["created"], each["modified"])
            self.assertEqual(names["wide.example"]["pattern"],
                             "[domain-name:value = 'wide.example' OR domain-name:value LIKE '%.wide.example']")
            self.assertEqual(names["amber.example"]["confidence"], 70)
            self.assertEqual(names["amber.example"]["object_marking_refs"],
                             ["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"])
            # Ids and times outlive a restart; what changes is a new version, what goes is revoked.
            postern.stop()
            self.list.write_text(self.list.read_text().replace("bad3.example\n", "").replace("*.wide", "wide"))
            postern.start()
            until(lambda: any(each.get("revoked") for each in self.objects(postern)), "the change")
            again = {each["name"]: each for each in self.objects(postern)}
            self.assertEqual(again["bad4.example"], names["bad4.example"])
            self.assertTrue(again["bad3.example"]["revoked"])
            self.assertEqual(again["bad3.example"]["id"], names["bad3.example"]["id"])
            self.assertEqual(again["wide.example"]["created"], names["wide.example"]["created"])
            self.assertGreater(again["wide.example"]["modified"], names["wide.example"]["modified"])
            newer = self.objects(postern, "&added_after=" + max(each["modified"] for each in found))
            self.assertEqual({each["name"] for each in newer}, {"bad3.example", "wide.example"})
            self.assertIn('postern_published_indicators_left_out{zone="out"} 3', postern.api("/metrics"))

    def test_the_round_trip_gives_equal_decisions(self):
        with Postern(self.publisher) as here:
            until(lambda: self.objects(here), "the collection")
            config = {"packs": {"hafnium": False}, "feeds": [{"name": "in", "format": "stix", "taxii": {
                "url": f"http://127.0.0.1:{here.console_port}/taxii2/", "collection": "Blocked",
                "token_file": str(self.folder / "token")}}]}
            with Postern(config) as there:
                until(lambda: there.feed("in")["rules"], "the rules")
                told = [f"bad{i}.example" for i in range(31)] + [
                    "wide.example", "a.wide.example", "below.example", "a.below.example", "amber.example", "x.example"]
                for name in told:
                    self.assertEqual(rcode(there.ask(name)), rcode(here.ask(name)), name)
                for name in ("red.example", "below.red.example", "strict.example"):
                    self.assertEqual(rcode(here.ask(name)), "NXDOMAIN", name)
                    self.assertNotEqual(rcode(there.ask(name)), "NXDOMAIN", name)
                # Changes travel: what is gone here is gone there.
                self.list.write_text("".join(f"bad{i}.example\n" for i in range(10, 40)))
                until(lambda: rcode(here.ask("bad39.example")) == "NXDOMAIN", "the change")
                until(lambda: any(each["name"] == "bad39.example" for each in self.objects(here)), "its indicator")
                there.cli("feed", "update", "in")
                until(lambda: rcode(there.ask("bad39.example")) == "NXDOMAIN", "the change there")
                for name in told:
                    self.assertEqual(rcode(there.ask(name)), rcode(here.ask(name)), name)

    def test_closed_by_default(self):
        del self.publisher["publish"][0]["taxii"]
        self.publisher["publish"][0]["clients"] = ["127.0.0.1"]
        with Postern(self.publisher) as postern:
            self.get(postern, "", status=404)


if __name__ == "__main__":
    unittest.main()
