"""`postern sweep` on synthetic servers: what is planted in files is found, at its place; nothing else is called an attack."""
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

# Rules that look at files. F-07 needs the times of names, which no mount gives; F-15 to F-18 are of logs.
FILE_RULES = {f"F-{n:02d}" for n in (1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 14)} | {"PS-08", "PS-09", "PL-17", "K-05"}
SCENARIOS = ["everything", "clean-patched", "clean-exposed", "proxyshell", "patched-shell", "ghost", "exchange-2010", "exchange-2013",
             "uncovered", "short-baseline", "tuple-compare", "two-servers", "traps"]
BAD = {"attempt", "exploited"}


def is_log(path):
    return path.lower().endswith((".evtx", ".log", ".gz")) and "google.log" not in path and "7z.log" not in path


@unittest.skipUnless(BINARY, "no binary is named by POSTERN_BINARY")
class Sweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = scratch.folder("sweep")
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.cases = {}
        for name in SCENARIOS:
            folder = cls.base / name
            truth = server.generate(folder, 11, name, days=2)
            cls.run_postern("import", "--data", folder / "data", folder / "known-good.csv.gz", folder / "known-good-builds.csv")
            cls.cases[name] = (folder, truth, cls.sweep(folder))

    @classmethod
    def run_postern(cls, *words):
        done = subprocess.run([BINARY, "sweep", *map(str, words)], capture_output=True, text=True, timeout=300)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    @classmethod
    def sweep(cls, folder):
        return json.loads(cls.run_postern("--json", "--data", folder / "data", folder / "evidence"))["roots"][0]

    @staticmethod
    def findings(report):
        return report["findings"] + [found for one in report["servers"] for found in one["findings"]]

    def test_what_is_planted_in_files_is_found_at_its_place(self):
        wanted = 0
        for name, (_, truth, report) in self.cases.items():
            found = {(one["path"], one["rule"]) for one in self.findings(report)}
            for one in truth["servers"]:
                for plant in one["planted"]:
                    if is_log(plant["path"]) or plant.get("attributes_set") is False or plant.get("loose"):
                        continue
                    for rule in set(plant["rules"]) & FILE_RULES:
                        wanted += 1
                        with self.subTest(scenario=name, path=plant["path"], rule=rule):
                            self.assertIn((plant["path"], rule), found)
        self.assertGreater(wanted, 60)

    def test_nothing_benign_is_called_an_attack(self):
        for name, (_, truth, report) in self.cases.items():
            planted = {plant["path"] for one in truth["servers"] for plant in one["planted"]}
            for found in self.findings(report):
                with self.subTest(scenario=name, finding=found):
                    self.assertTrue(found["tier"] not in BAD or found["path"] in planted)

    def test_each_server_is_found_with_its_build_and_holes(self):
        for name, (_, truth, report) in self.cases.items():
            with self.subTest(scenario=name):
                self.assertEqual(sorted(one["build"] for one in truth["servers"]), sorted(one["version"] for one in report["servers"]))
            for one in truth["servers"]:
                swept = next(other for other in report["servers"] if other["version"] == one["build"])
                states = {cve["cve"]: cve["state"] for cve in swept["patch"]["cves"]}
                for cve in one["fixed"]:
                    with self.subTest(scenario=name, build=one["build"], fixed=cve):
                        self.assertIn(states.get(cve), ("fixed", "depends on configuration"))
                for cve in one["exposed"]:
                    with self.subTest(scenario=name, build=one["build"], exposed=cve):
                        self.assertIn(states.get(cve), ("exposed", "mitigated, not patched"))

    def test_an_unchanged_tree_is_not_read_again(self):
        folder, _, first = self.cases["everything"]
        again = self.sweep(folder)
        # What could not be looked at is tried again.
        self.assertLessEqual(again["counts"]["examined"], again["not_examined_count"])
        self.assertEqual(self.findings(first), self.findings(again))

    def test_nothing_is_written_beneath_the_root(self):
        folder, _, _ = self.cases["ghost"]
        before = {path: path.lstat().st_mtime_ns for path in (folder / "evidence").rglob("*")}
        self.sweep(folder)
        self.assertEqual(before, {path: path.lstat().st_mtime_ns for path in (folder / "evidence").rglob("*")})
        done = subprocess.run([BINARY, "sweep", "--data", str(folder / "evidence" / "x"), str(folder / "evidence")], capture_output=True)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
