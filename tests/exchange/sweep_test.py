"""`postern sweep` on synthetic servers: what is planted is found, at its place; nothing else is called an attack; each server
has the verdict that is true of it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scratch  # noqa: E402
import server  # noqa: E402

BINARY = os.environ.get("POSTERN_BINARY")

# F-05 are signatures, which nobody imported here; PL-M and PN-04 are no findings but say that holes are mitigated.
NOT_RUN = {"F-05", "PL-M", "PN-04"}
# Logs alone do not say what is on the disk.
NOT_OF_LOGS = {"W-04"}
# What is usual in traffic shows in days.
DAYS = {"odd-traffic": 6, "much-traffic": 6}
SCENARIOS = ["attempted", "proxylogon", "proxynotshell", "rotated", "wiped", "flat", "zip",
             "everything", "clean-patched", "clean-exposed", "proxyshell", "patched-shell", "ghost", "exchange-2010", "exchange-2013",
             "uncovered", "short-baseline", "tuple-compare", "two-servers", "traps", "odd-traffic", "much-traffic"]
BAD = {"attempt", "exploited"}
LOGS_ALONE = ("flat", "zip")
MORE = "more of these in this log"


@unittest.skipUnless(BINARY, "no binary is named by POSTERN_BINARY")
class Sweep(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.base = scratch.folder("sweep")
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.cases = {}
        for name in SCENARIOS:
            folder = cls.base / name
            truth = server.generate(folder, 11, name, days=DAYS.get(name, 2))
            cls.run_postern("import", "--data", folder / "data", folder / "known-good.csv.gz", folder / "known-good-builds.csv")
            cls.cases[name] = (folder, truth, cls.sweep(folder))

    @classmethod
    def run_postern(cls, *words):
        done = subprocess.run([BINARY, "sweep", *map(str, words)], capture_output=True, text=True, timeout=300)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    @classmethod
    def sweep(cls, folder):
        return json.loads(cls.run_postern("--json", "--data", folder / "data", folder / "evidence"))

    @staticmethod
    def findings(report):
        return [found for one in report["servers"] for found in one["findings"]]

    @staticmethod
    def has_found(plant, rule, findings):
        """At its place: the line or record; of what is told of a file as a whole, the file. Of many hits of one rule by one actor
        in one log the first are told one by one, and how many more there were."""
        for found in findings:
            if found["rule"] != rule:
                continue
            if plant.get("loose"):
                if not plant.get("actor") or found["actor"] == plant["actor"]:
                    return True
                continue
            place = found["place"]
            if place["path"] != plant["path"]:
                continue
            is_whole = place["line"] == 0 and place["record"] == 0
            has_more = any(detail["name"] == MORE for detail in found["details"])
            if is_whole or has_more or (place["line"], place["record"]) == (plant.get("line", 0), plant.get("record", 0)):
                return True
        return False

    def test_what_is_planted_is_found_at_its_place(self):
        wanted, missed = 0, []
        for name, (_, truth, report) in self.cases.items():
            findings = self.findings(report)
            for one in truth["servers"]:
                for plant in one["planted"]:
                    if plant.get("attributes_set") is False:
                        continue
                    # Where files lie tells nothing in a flat folder.
                    is_placed = name != "flat" or plant.get("line") or plant.get("record")
                    not_run = NOT_RUN | NOT_OF_LOGS if name in LOGS_ALONE else NOT_RUN
                    for rule in set(plant["rules"]) - not_run if is_placed else ():
                        wanted += 1
                        if not self.has_found(plant, rule, findings):
                            missed.append(f"{name}: {rule} {plant['path']}:{plant.get('line', 0)}:{plant.get('record', 0)} {plant['what']}")
        print(f"found {wanted - len(missed)} of {wanted} planted", flush=True)
        self.assertEqual(missed, [])
        self.assertGreater(wanted, 1000)

    def test_nothing_benign_is_called_an_attack(self):
        wrong = []
        for name, (_, truth, report) in self.cases.items():
            planted = [plant for one in truth["servers"] for plant in one["planted"]]
            places = {(plant["path"], plant.get("line", 0), plant.get("record", 0)) for plant in planted}
            actors = {plant["actor"] for plant in planted if plant.get("actor")}
            for found in self.findings(report):
                place = found["place"]
                is_whole = place["line"] == 0 and place["record"] == 0
                is_planted = (place["path"], place["line"], place["record"]) in places or found["actor"] in actors \
                    or (is_whole and place["path"] in {path for path, _, _ in places})
                if found["tier"] in BAD and not is_planted:
                    wrong.append(f"{name}: {found['rule']} {place} {found['title']} {found['details']}")
        self.assertEqual(wrong, [])

    def test_what_only_looks_odd_is_not_told(self):
        looked, wrong = 0, []
        for name, (_, truth, report) in self.cases.items():
            for one in truth["servers"]:
                for benign in one["benign"]:
                    looked += bool(benign.get("quiet"))
                    wrong += [f"{name}: {found['rule']} {found['actor']} {found['title']}: but {benign['what']}"
                              for found in self.findings(report)
                              if found["rule"] in benign.get("quiet", ()) and found["actor"] == benign["actor"]]
        self.assertEqual(wrong, [])
        self.assertGreater(looked, 20)

    def test_odd_traffic_is_told_in_the_order_of_time(self):
        found = [one for one in self.findings(self.cases["odd-traffic"][2]) if one["rule"].startswith("W-")]
        self.assertEqual({one["tier"] for one in found}, {"hunt"})
        self.assertTrue(all(one["at"] for one in found))

    def test_each_server_has_the_verdict_that_is_true_of_it(self):
        for name, (_, truth, report) in self.cases.items():
            with self.subTest(scenario=name):
                self.assertEqual(sorted(one["verdict"] for one in truth["servers"]),
                                 sorted(one["verdict"]["outcome"] for one in report["servers"]), report["servers"][0]["verdict"]["gaps"])

    def test_each_server_is_found_with_its_build_and_holes(self):
        for name, (_, truth, report) in self.cases.items():
            with self.subTest(scenario=name):
                if name in LOGS_ALONE:
                    continue
                self.assertEqual(sorted(one["build"] for one in truth["servers"]), sorted(one["version"] for one in report["servers"]))
            for one in truth["servers"] if name not in LOGS_ALONE else ():
                swept = next(other for other in report["servers"] if other["version"] == one["build"])
                states = {cve["cve"]: cve["state"] for cve in swept["patch"]["cves"]}
                for cve in one["fixed"]:
                    with self.subTest(scenario=name, build=one["build"], fixed=cve):
                        self.assertIn(states.get(cve), ("fixed", "depends on configuration"))
                for cve in one["unaffected"]:
                    with self.subTest(scenario=name, build=one["build"], unaffected=cve):
                        self.assertEqual(states.get(cve), "not affected")
                for cve in one["exposed"]:
                    with self.subTest(scenario=name, build=one["build"], exposed=cve):
                        self.assertIn(states.get(cve), ("exposed", "mitigated, not patched"))

    def test_an_unchanged_tree_is_not_read_again(self):
        folder, _, first = self.cases["everything"]
        again = self.sweep(folder)
        # What could not be looked at is tried again.
        self.assertLessEqual(again["files"] - again["files_unchanged"], again["left_out_count"])
        self.assertEqual(self.findings(first), self.findings(again))

    def test_the_number_of_threads_changes_nothing(self):
        for name in ("odd-traffic", "everything"):
            evidence = self.cases[name][0] / "evidence"
            one, many = (json.loads(self.run_postern("--json", "--no-state", "--threads", number, evidence)) for number in (1, 5))
            self.assertEqual(self.findings(one), self.findings(many))

    def test_nothing_is_written_beneath_the_root(self):
        folder, _, _ = self.cases["ghost"]
        before = {path: path.lstat().st_mtime_ns for path in (folder / "evidence").rglob("*")}
        self.sweep(folder)
        self.assertEqual(before, {path: path.lstat().st_mtime_ns for path in (folder / "evidence").rglob("*")})
        done = subprocess.run([BINARY, "sweep", "--data", str(folder / "evidence" / "x"), str(folder / "evidence")], capture_output=True)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
