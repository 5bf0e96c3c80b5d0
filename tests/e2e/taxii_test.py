"""A TAXII 2.1 collection as a feed: only what is new is fetched, what was seen stays, and a bad server changes nothing."""
import datetime
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, rcode, until  # noqa: E402
from taxii_server import TaxiiServer, domain, indicator  # noqa: E402

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


class CollectionAsFeed(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-taxii-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.server = TaxiiServer(user="me", password="secret word")
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.server.collection(COLLECTION, "Bad names")
        self.server.add(COLLECTION, *[domain(i, f"bad{i}.taxii.example") for i in range(1, 9)])
        (self.folder / "password").write_text("secret word\n")

    def config(self, **taxii):
        return {"feeds": [{"name": "t", "format": "stix", "refresh_s": 60,
                           "taxii": {"url": self.server.url + "/taxii2/", "collection": "Bad names", "user": "me",
                                     "password_file": str(self.folder / "password"), **taxii}}]}

    def blocked(self, postern, name):
        return rcode(postern.ask(name)) == "NXDOMAIN"

    def objects_asked(self):
        return [query for path, query in self.server.asked if path.endswith("/objects/")]

    def poll(self, postern):
        """The next poll by itself, at once: the copy is made to look old, and the program started anew."""
        postern.stop()
        meta = next(postern.folder.glob("state/**/t.meta"))
        lines = [("checked_at_us 0" if line.startswith("checked_at_us") else line)
                 for line in meta.read_text().splitlines()]
        meta.write_text("\n".join(lines) + "\n")
        self.server.asked.clear()
        postern.start()
        until(self.objects_asked, "a poll")
        until(lambda: postern.feed("t")["health"] == "good" or postern.feed("t")["last_error"], "its end")

    def test_only_what_is_new_is_fetched_and_revoked_is_let_go(self):
        with Postern(self.config()) as postern:
            until(lambda: self.blocked(postern, "bad8.taxii.example"), "the rules")
            self.assertEqual(postern.feed("t")["rules"], 8)
            self.assertIn("collection Bad names", postern.feed("t")["source"])
            self.assertEqual(len(self.objects_asked()), 3)  # Three objects a page.
            self.server.add(COLLECTION, domain(9, "new.taxii.example"),
                            domain(1, "bad1.taxii.example", modified="2025-02-01T00:00:00Z", revoked=True),
                            domain(2, "other.taxii.example", modified="2025-02-01T00:00:00Z"),
                            {"type": "identity", "id": "identity--1", "name": "nobody"})
            self.poll(postern)
            asked = self.objects_asked()
            self.assertEqual([bool(query.get("added_after")) for query in asked], [True])
            self.assertEqual(asked[0]["match[type]"], "indicator,marking-definition")
            until(lambda: self.blocked(postern, "new.taxii.example"), "the new one")
            for name, want in [("bad1", False), ("bad2", False), ("other", True), ("bad3", True)]:
                self.assertEqual(self.blocked(postern, name + ".taxii.example"), want, name)
            # Nothing new: nothing is fetched, nothing changes.
            generation = postern.feed("t")["generation"]
            self.poll(postern)
            self.assertEqual(postern.feed("t")["rules"], 8)
            self.assertTrue(self.blocked(postern, "new.taxii.example"))
            self.assertGreaterEqual(postern.feed("t")["generation"], generation)

    def test_a_restart_needs_no_network(self):
        with Postern(self.config()) as postern:
            until(lambda: self.blocked(postern, "bad8.taxii.example"), "the rules")
            postern.stop()
            self.server.behave = "forbidden"
            self.server.asked.clear()
            postern.start()
            self.assertTrue(self.blocked(postern, "bad8.taxii.example"))
            self.assertEqual(self.server.asked, [])  # It was asked less than refresh_s ago.

    def test_what_the_server_deleted_goes_with_the_next_whole_fetch(self):
        with Postern(self.config()) as postern:
            until(lambda: self.blocked(postern, "bad8.taxii.example"), "the rules")
            self.server.delete(COLLECTION, domain(8, "")["id"])
            postern.cli("feed", "update", "t")
            until(lambda: not self.blocked(postern, "bad8.taxii.example"), "the deletion")
            self.assertTrue(self.blocked(postern, "bad7.taxii.example"))
            # Nearly everything is gone: that is not believed, unless it is meant.
            self.server.add(COLLECTION, *[domain(i, f"more{i}.taxii.example") for i in range(20, 60)])
            postern.cli("feed", "update", "t")
            until(lambda: self.blocked(postern, "more59.taxii.example"), "more")
            for i in range(3, 60):
                self.server.delete(COLLECTION, domain(i, "")["id"])
            postern.cli("feed", "update", "t")
            until(lambda: "--accept" in (postern.feed("t")["last_error"] or ""), "the refusal")
            self.assertTrue(self.blocked(postern, "more59.taxii.example"))
            postern.cli("feed", "update", "t", "--accept")
            until(lambda: not self.blocked(postern, "more59.taxii.example"), "what is meant")

    def test_a_lost_copy_is_fetched_whole(self):
        with Postern(self.config()) as postern:
            until(lambda: self.blocked(postern, "bad8.taxii.example"), "the rules")
            postern.stop()
            for copy in postern.folder.glob("state/**/t-*.feed"):
                copy.write_text("not what it was")
            self.server.add(COLLECTION, domain(9, "new.taxii.example"))
            self.poll(postern)
            until(lambda: self.blocked(postern, "new.taxii.example"), "the new one")
            self.assertTrue(self.blocked(postern, "bad1.taxii.example"))

    def test_a_server_that_misbehaves_changes_nothing_and_is_told_of(self):
        cases = [("forbidden", "do not open it"), ("torn", "no TAXII envelope"), ("endless", "without an object"),
                 ("circle", "the same again"), ("types", "objects are no array"), ("html", "no TAXII"),
                 ("huge", "stopped"), ("half", "answered 500"), ("later", "too many requests")]
        with Postern(self.config()) as postern:
            until(lambda: self.blocked(postern, "bad8.taxii.example"), "the rules")
            for behave, want in cases:
                with self.subTest(behave):
                    self.server.behave = behave
                    postern.cli("feed", "update", "t")
                    until(lambda want=want: want in (postern.feed("t")["last_error"] or ""), want, 30)
                    self.assertTrue(self.blocked(postern, "bad1.taxii.example"))
                    self.assertFalse(self.blocked(postern, "circle.example"))
            # The server said when: not before.
            status = postern.feed("t")
            self.assertGreater(status["next_try"], status["last_try"])
            self.assertNotIn("secret word", postern.log_text() + str(status))
            self.server.behave = "soon"
            postern.cli("feed", "update", "t")
            until(lambda: postern.feed("t")["health"] == "good", "the end of waiting")

    def test_wrong_credentials_are_said_and_a_token_does_as_well(self):
        (self.folder / "password").write_text("wrong\n")
        with Postern(self.config()) as postern:
            until(lambda: "give user and password_file" in (postern.feed("t")["last_error"] or ""), "401")
            (self.folder / "password").write_text("secret word\n")  # Read at each poll.
            postern.cli("feed", "update", "t")
            until(lambda: self.blocked(postern, "bad1.taxii.example"), "the rules")
        server = TaxiiServer(token="t0ken")
        server.collection(COLLECTION, "c")
        server.add(COLLECTION, indicator(1, "[ipv4-addr:value = '198.51.100.7'] OR [domain-name:value = 'a.example']"))
        (self.folder / "token").write_text("t0ken")
        config = {"feeds": [{"name": "t", "format": "stix", "taxii": {
            "url": server.url + "/api/", "collection": COLLECTION, "token_file": str(self.folder / "token")}}]}
        with Postern(config) as postern:
            until(lambda: self.blocked(postern, "a.example"), "the rules by token")
            self.assertEqual(postern.feed("t")["rules"], 2)
        server.shutdown()
        server.server_close()


def in_seconds(count):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=count)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class TimesOfRules(unittest.TestCase):
    """What an indicator says of itself: when it holds, how sure it is, who may be told."""

    def test_rules_begin_and_end_in_their_time_and_explain_says_what_is_known(self):
        with tempfile.TemporaryDirectory(prefix="postern-taxii-") as folder:
            feed = pathlib.Path(folder) / "f.json"
            soon = in_seconds(4)
            green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
            feed.write_text("\n".join(json.dumps(each) for each in [
                domain(1, "past.example", valid_until=soon, confidence=80, object_marking_refs=[green]),
                domain(2, "future.example", valid_from=soon),
                domain(3, "always.example")]))
            with Postern({"feeds": [{"name": "f", "format": "stix", "path": str(feed)}]}) as postern:
                def blocked(name):
                    return rcode(postern.ask(name)) == "NXDOMAIN"
                self.assertTrue(blocked("past.example"))
                match = postern.api("/api/v1/explain?name=past.example")["matches"][0]
                self.assertEqual([match[key] for key in ("valid", "winner", "confidence", "tlp", "first_seen")],
                                 [True, True, 80, "green", "2025-01-01T00:00:00.000000Z"])
                self.assertTrue(match["valid_until"].startswith(soon[:19]))
                text = postern.cli("explain", "past.example")
                self.assertRegex(text, r"confidence 80, first seen 2025-01-01 \(\d+ days ago\), valid until .*, TLP:green")
                self.assertFalse(blocked("future.example"))
                self.assertIn("does not hold now", postern.cli("explain", "future.example"))
                feed.unlink()  # Nothing is read again for it.
                until(lambda: blocked("future.example") and not blocked("past.example"), "the change", 15)
                self.assertTrue(blocked("always.example"))
                self.assertFalse(postern.api("/api/v1/explain?name=past.example")["matches"][0]["valid"])


if __name__ == "__main__":
    unittest.main()
