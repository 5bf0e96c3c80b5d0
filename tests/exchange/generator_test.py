"""The generator of test material: the same seed makes the same octets, and what its truth says is really there."""
import csv
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scratch  # noqa: E402
import server  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

# F-05 is the user's YARA rules; K-06 and the rest of K-05 follow from the build.
RULES = [f"PL-{n:02d}" for n in range(1, 19)] + [f"PS-{n:02d}" for n in range(1, 10)] + [f"PN-{n:02d}" for n in range(1, 5)] + [
    "PL-M", "K-01", "K-02", "K-03", "K-04", "K-05"] + [f"F-{n:02d}" for n in range(1, 19) if n != 5] + [
    f"W-{n:02d}" for n in range(1, 12)]


def fingerprint(folder):
    """All of a tree: names, kinds, octets and times."""
    whole = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).rglob("*"), key=os.fsencode):
        state = path.lstat()
        whole.update(os.fsencode(path.relative_to(folder)) + f" {state.st_mode:o} ".encode())
        if path.is_symlink():
            whole.update(os.fsencode(os.readlink(path)))
        elif path.is_file():
            whole.update(f"{state.st_size} ".encode() + hashlib.sha256(path.read_bytes() if state.st_size < 1 << 25 else b"").digest())
            whole.update(f"{state.st_mtime_ns}".encode() if "evidence" in path.parts else b"")
    return whole.hexdigest()


class Generator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = scratch.folder("generator")
        cls.addClassCleanup(shutil.rmtree, cls.base)
        # Few days hold every step, in a fraction of the files: six where days matter; "rotated" is about its fourteen.
        few = {"clean-patched", "clean-exposed", "attempted", "patched-shell", "ghost", "exchange-2010", "uncovered", "short-baseline",
               "tuple-compare", "proxyshell", "proxynotshell", "exchange-2013"}
        cls.truths = {name: server.generate(cls.base / name, 7, name, days=None if name == "rotated" else 2 if name in few else 6)
                      for name in SCENARIOS}

    def places(self):
        """Every scenario, server and told thing that is at a place."""
        for name, truth in self.truths.items():
            for one in truth["servers"]:
                for thing in one["planted"] + one["benign"]:
                    yield name, one, thing

    def lines(self, name, path, cache={}):
        """The lines of a log, whatever its shape."""
        key = (name, path)
        if key not in cache:
            cache.clear()
            if "!/" in path:
                archive, inner = path.split("!/")
                octets = zipfile.ZipFile(self.base / name / "evidence" / archive).read(inner)
            else:
                octets = (self.base / name / "evidence" / path).read_bytes()
            if path.endswith(".gz"):
                octets = gzip.decompress(octets)
            cache[key] = octets.decode("utf-16" if octets[:2] == b"\xff\xfe" else "utf-8-sig", "replace").split("\n")
        return cache[key]

    def test_the_same_seed_makes_the_same_octets(self):
        for name in ("everything", "zip"):
            with self.subTest(scenario=name):
                server.generate(self.base / f"{name}-again", 7, name, days=6)
                self.assertEqual(fingerprint(self.base / name), fingerprint(self.base / f"{name}-again"))
                shutil.rmtree(self.base / f"{name}-again")
        other = server.generate(self.base / "other", 8, "attempted", days=2)
        self.assertNotEqual(fingerprint(self.base / "attempted/evidence"), fingerprint(self.base / "other/evidence"))
        self.assertEqual(len(other["servers"][0]["planted"]), len(self.truths["attempted"]["servers"][0]["planted"]))

    def test_each_rule_is_planted_somewhere(self):
        planted = {rule for _, _, thing in self.places() for rule in thing.get("rules", ())}
        self.assertEqual(sorted(set(RULES) - planted), [])
        self.assertEqual(sorted(planted - set(RULES)), [])

    def test_planted_rows_are_where_the_truth_says(self):
        """A row's line holds its actor's address; a chain's anchor is in its line."""
        count = 0
        for name, _, thing in sorted(self.places(), key=lambda one: (one[0], str(one[2]["path"]))):
            if thing.get("line") and thing["path"].endswith((".log", ".LOG", ".gz")):
                line = self.lines(name, thing["path"])[thing["line"] - 1]
                with self.subTest(scenario=name, thing=thing["what"], line=line[:300]):
                    self.assertFalse(line.startswith("#"))
                    if thing.get("actor") and "ECP/Server" not in thing["path"] and "ECPServer" not in thing["path"]:
                        self.assertIn(thing["actor"], line)
                    if thing.get("anchor"):
                        self.assertIn(thing["anchor"].replace('"', '""'), line)
                count += 1
        self.assertGreater(count, 1000)

    def test_planted_files_are_there(self):
        for name, _, thing in self.places():
            if "!/" not in thing["path"]:
                with self.subTest(scenario=name, path=thing["path"]):
                    self.assertTrue((self.base / name / "evidence" / thing["path"]).exists())

    def test_planted_events_are_read_by_libevtx(self):
        if not shutil.which("evtxexport"):
            self.skipTest("SKIPPED: evtxexport is not installed; scripts/packages.txt names its package")
        for name in ("everything", "wiped"):
            wanted = {}
            for thing in self.truths[name]["servers"][0]["planted"]:
                if thing.get("record"):
                    wanted.setdefault(thing["path"], []).append(thing["record"])
            self.assertGreater(len(wanted), 3)
            for path, records in wanted.items():
                with self.subTest(scenario=name, path=path):
                    done = subprocess.run(["evtxexport", self.base / name / "evidence" / path], capture_output=True, check=True, timeout=60)
                    there = {int(one) for one in re.findall(rb"^Event number\s*: (\d+)\s*$", done.stdout, re.M)}
                    self.assertEqual(sorted(set(records) - there), [])

    def test_verdicts_follow_from_what_is_planted(self):
        for name, truth in self.truths.items():
            for one in truth["servers"]:
                with self.subTest(scenario=name, server=one["name"]):
                    tiers = {thing["tier"] for thing in one["planted"]}
                    self.assertEqual("exploited" in tiers, one["verdict"] == "compromised")
                    if one["verdict"] == "attempted":
                        self.assertIn("attempt", tiers)
                    if one["verdict"] == "no evidence":
                        self.assertEqual(tiers & {"attempt", "exploited"}, set())
                        self.assertTrue(not one["exposed"] or not one["logs"]["httpproxy"]["days_without"])
                    if one["verdict"] == "cannot be ruled out":
                        self.assertTrue(one["logs"]["httpproxy"]["days_without"])

    def test_logs_are_missing_where_the_truth_says(self):
        one = self.truths["rotated"]["servers"][0]
        there = {path.name[10:18] for path in (self.base / "rotated/evidence").rglob("HttpProxy_*.LOG")}
        self.assertEqual(len(there), 7)
        missing = {day.replace("-", "") for day in one["logs"]["httpproxy"]["days_without"]}
        self.assertEqual(there & missing, set())
        self.assertEqual(len(one["logs"]["iis"]["days_without"]), 50 + 1)  # 2021-01-03 to 02-21, and the third day.

    def test_the_bytes_that_were_stolen_add_up(self):
        one = self.truths["proxylogon"]["servers"][0]
        total = 0
        for path in (self.base / "proxylogon/evidence").rglob("Ecp/HttpProxy_*.LOG"):
            with open(path, encoding="utf-8", newline="") as file:
                rows = csv.DictReader(line for line in file if not line.startswith("#"))
                total += sum(int(row["ResponseBytes"]) for row in rows if "asmx?a=~" in row["AnchorMailbox"])
        self.assertEqual([theft["bytes"] for theft in one["stolen"]], [total])
        self.assertGreater(total, 50_000_000)
        self.assertEqual(len(one["stolen"][0]["mailboxes"]), 3)

    def test_known_good_pages_are_known_and_planted_ones_are_not(self):
        for name in ("proxylogon", "patched-shell"):
            rows = list(csv.DictReader(gzip.open(self.base / name / "known-good.csv.gz", "rt")))
            hashes, names = {row["sha256"] for row in rows}, {row["path"] for row in rows}
            self.assertIn("FrontEnd/HttpProxy/owa/auth/logon.aspx", names)
            one = self.truths[name]["servers"][0]
            bad = {thing["path"] for thing in one["planted"]}
            seen = 0
            for path in (self.base / name / "evidence" / one["exchange"]).rglob("*.aspx"):
                known = hashlib.sha256(path.read_bytes()).hexdigest() in hashes
                self.assertEqual(known, str(path.relative_to(self.base / name / "evidence")) not in bad, path)
                seen += 1
            self.assertGreater(seen, 20)

    def test_nothing_that_is_planted_could_run(self):
        """Every page that stands for a web shell holds the text that no compiler takes."""
        for name, _, thing in self.places():
            path = self.base / name / "evidence" / thing["path"]
            if "exploited" == thing.get("tier") and path.suffix.lower() in (".aspx", ".ashx", ".asmx", ".soap", ".cer"):
                text = path.read_bytes().replace(b"\0", b"")
                self.assertIn(b"@@ made for tests, does not compile @@", text, path)

    def test_configuration_and_tasks_are_well_formed(self):
        count = 0
        for name in ("everything", "proxynotshell", "exchange-2010"):
            evidence = self.base / name / "evidence"
            for path in [*evidence.rglob("*.config"), *evidence.rglob("*.compiled"), *(evidence / "Windows/System32/Tasks").rglob("*")]:
                if path.is_file():
                    xml.etree.ElementTree.fromstring(path.read_bytes())
                    count += 1
        self.assertGreater(count, 30)

    def test_torn_lines_are_told(self):
        for name in ("everything", "traps"):
            torn = self.truths[name]["servers"][0]["torn"]
            self.assertEqual(len(torn), 1)
            self.assertEqual(len(self.lines(name, torn[0]["path"])), torn[0]["line"])

    def test_size_and_days_can_be_wished(self):
        truth = server.generate(self.base / "large", 1, "clean-exposed", days=3, mbytes=24)
        size = sum(path.stat().st_size for path in (self.base / "large/evidence").rglob("*") if path.suffix in (".log", ".LOG"))
        self.assertTrue(16e6 < size < 36e6, size)
        self.assertEqual(truth["servers"][0]["logs"]["iis"]["last"], "2021-02-24")
        self.assertEqual(json.loads((self.base / "large/truth.json").read_text()), truth)


if __name__ == "__main__":
    unittest.main()
