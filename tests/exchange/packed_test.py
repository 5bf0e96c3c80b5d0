"""Servers that somebody packed whole: what is found in the archive is what is found on the disk; an event log in an archive is
read to its end, whatever its size, in bounded memory."""
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tarfile
import unittest
import zipfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scratch  # noqa: E402
import server  # noqa: E402

BINARY = os.environ.get("POSTERN_BINARY")
# What a file system keeps beside a file's octets, an archive does not; $MFT and the registry's list of tasks are read on disk alone.
BY_DISK = {"F-07", "F-08"}
BY_REGISTRY = ("Tasks/Unknown", "config/SOFTWARE")
CHUNK = 65_536


def sweep(path, data):
    done = subprocess.run([BINARY, "sweep", "--json", "--data", str(data), str(path)], capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def told(one, prefix=""):
    """The findings of a server, by rule and place."""
    return {(found["rule"], found["tier"], found["place"]["path"].removeprefix(prefix), found["place"]["line"], found["place"]["record"])
            for found in one["findings"] if found["rule"] not in BY_DISK and not (found["rule"] == "F-13" and found["place"]["path"].endswith(BY_REGISTRY))}


@unittest.skipUnless(BINARY, "no binary is named by POSTERN_BINARY")
class Packed(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = scratch.folder("packed")
        self.addCleanup(shutil.rmtree, self.folder)

    def generate(self, scenario):
        place = self.folder / scenario
        server.generate(place, 7, scenario, days=2)
        subprocess.run([BINARY, "sweep", "import", "--data", self.folder / "data", place / "known-good.csv.gz",
                        place / "known-good-builds.csv"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        return place / "evidence"

    def pack(self, tree, kind):
        cases = self.folder / kind
        cases.mkdir(exist_ok=True)
        if kind == "zip":
            with zipfile.ZipFile(cases / "ex01.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for path in sorted(tree.rglob("*")):
                    if path.is_file() and not path.is_symlink():
                        archive.writestr(zipfile.ZipInfo(str(path.relative_to(tree)), (2021, 3, 9, 0, 0, 0)), path.read_bytes())
            return cases, "ex01.zip!/"
        with tarfile.open(cases / "ex01.tar.gz", "w:gz", compresslevel=1) as archive:
            archive.add(tree, "EX01")
        return cases, "ex01.tar.gz!/EX01/"

    def test_a_packed_server_is_what_it_was_on_disk(self):
        for scenario, kind in (("proxylogon", "zip"), ("ghost", "tar"), ("clean-exposed", "zip")):
            with self.subTest(scenario=scenario, kind=kind):
                tree = self.generate(scenario)
                cases, prefix = self.pack(tree, kind)
                was, now = sweep(tree, self.folder / "data"), sweep(cases, self.folder / "data")
                self.assertEqual(len(now["servers"]), 1)
                one, other = was["servers"][0], now["servers"][0]
                self.assertEqual(one["version"], other["version"])
                self.assertEqual(one["patch"], other["patch"])
                self.assertEqual(one["verdict"]["outcome"], other["verdict"]["outcome"])
                self.assertEqual(one["coverage"], other["coverage"])
                # A page that hid by its attributes is found all the same, and by less.
                self.assertEqual({found[:1] + found[2:] for found in told(one)}, {found[:1] + found[2:] for found in told(other, prefix)})
                shutil.rmtree(cases)

    def test_a_packed_server_is_unpacked_once(self):
        cases, _ = self.pack(self.generate("clean-exposed"), "zip")
        first, again = sweep(cases, self.folder / "data"), sweep(cases, self.folder / "data")
        self.assertEqual(again["octets"], 0)
        self.assertEqual(first["servers"][0]["findings"], again["servers"][0]["findings"])

    def test_two_packed_servers_are_two(self):
        tree = self.generate("two-servers")
        apart = sweep(tree, self.folder / "data")
        cases, prefix = self.pack(tree, "zip")
        together = sweep(cases, self.folder / "data")
        self.assertEqual(len(together["servers"]), 2)
        by_name = {one["name"]: one for one in together["servers"]}
        for one in apart["servers"]:
            other = by_name[one["name"]]
            self.assertEqual(one["version"], other["version"])
            self.assertEqual(one["verdict"]["outcome"], other["verdict"]["outcome"])
            self.assertEqual({found[:1] + found[2:] for found in told(one)},
                             {found[:1] + found[2:] for found in told(other, prefix)})

    def test_a_large_event_log_in_an_archive_is_read_to_its_end(self):
        tree = self.generate("clean-exposed")
        source = max(tree.rglob("*.evtx"), key=lambda path: path.stat().st_size)
        octets = source.read_bytes()
        chunk = octets[4096:4096 + CHUNK]
        count = (320 << 20) // CHUNK
        header = bytearray(octets[:4096])
        struct.pack_into("<H", header, 42, count)
        struct.pack_into("<Q", header, 16, count - 1)
        struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
        cases = self.folder / "large"
        cases.mkdir()
        # The same chunk again and again: what counts is that all of it is seen.
        with zipfile.ZipFile(cases / "large.zip", "w", zipfile.ZIP_STORED) as archive, \
                archive.open(f"C/Windows/System32/winevt/Logs/{source.name}", "w") as out:
            out.write(header)
            for _ in range(count):
                out.write(chunk)
        # Something by which it is a server's.
        with zipfile.ZipFile(cases / "large.zip", "a") as archive:
            archive.writestr("C/inetpub/logs/LogFiles/W3SVC1/u_ex210301.log", "")
        (self.folder / "one/inetpub/logs").mkdir(parents=True)
        one = bytearray(header)
        struct.pack_into("<H", one, 42, 1)
        struct.pack_into("<Q", one, 16, 0)
        struct.pack_into("<I", one, 124, zlib.crc32(one[:120]))
        (self.folder / "one" / source.name).write_bytes(bytes(one) + chunk)
        alone = self.logs(self.folder / "one")
        report = self.folder / "report.json"
        with open(report, "w") as out:
            process = subprocess.Popen([BINARY, "sweep", "--json", "--no-state", "--threads", "1", str(cases)], stdout=out)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        (log,) = [log for one in json.loads(report.read_text())["servers"] for log in one["logs"] if log["path"].endswith(".evtx")]
        self.assertEqual(log["rows"], alone["rows"] * count)
        self.assertLess(used.ru_maxrss / 1024, 250, "MB resident")
        print(f"{log['rows']} records of a log of {count * CHUNK >> 20} MiB in an archive, {used.ru_maxrss // 1024} MB resident", flush=True)

    def logs(self, path):
        done = subprocess.run([BINARY, "sweep", "--json", "--no-state", str(path)], capture_output=True, text=True, timeout=60)
        report = json.loads(done.stdout)
        return [log for one in report["servers"] for log in one["logs"]][0]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unittest.main()
