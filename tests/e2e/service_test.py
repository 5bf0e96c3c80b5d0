"""As a service: what is installed fits together, and systemd is told how the program fares."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import postern_process  # noqa: E402
from postern_process import BINARY, Postern, until  # noqa: E402


class Install(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="postern-install-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.build = pathlib.Path(BINARY).resolve().parent
        self.install()

    def install(self):
        subprocess.run(["cmake", "--install", str(self.build)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": str(self.root)})

    def test_the_unit_starts_what_was_installed(self):
        unit = (self.root / "usr/lib/systemd/system/postern.service").read_text()
        commands = re.findall(r"^ExecStart(?:Pre)?=(\S+) .*-c (\S+)$", unit, re.M)
        self.assertEqual(len(commands), 2, unit)
        for program, config in commands:
            self.assertTrue(os.access(self.root / program.lstrip("/"), os.X_OK), program)
            self.assertTrue((self.root / config.lstrip("/")).is_file(), config)
        checked = subprocess.run([BINARY, "check", "--config-only", "-c", str(self.root / "etc/postern/postern.yaml")],
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_systemd_takes_the_units_of_the_sweep(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("SKIPPED: systemd-analyze is not here: the units of the sweep are not verified")
        folder = self.root / "usr/lib/systemd/system"
        program = re.search(r"^ExecStart=(\S+)", (folder / "postern-sweep.service").read_text(), re.M)[1]
        # It looks for the program where the unit says: the one that was installed beneath the root stands in for it.
        for name in ("postern-sweep.service", "postern-sweep.timer"):
            text = (folder / name).read_text().replace(program, str(self.root / program.lstrip("/")))
            (self.root / name).write_text(text)
        units = [str(self.root / name) for name in ("postern-sweep.service", "postern-sweep.timer")]
        checked = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60)
        # Of the units of this machine it may complain, too.
        said = [line for line in (checked.stdout + checked.stderr).splitlines() if "postern" in line]
        self.assertEqual((checked.returncode, said), (0, []))
        secured = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", units[0]],
                                 capture_output=True, text=True, timeout=60)
        print(secured.stdout.strip().splitlines()[-1], flush=True)
        self.assertEqual(secured.returncode, 0, secured.stdout + secured.stderr)

    def test_a_second_install_keeps_the_configuration(self):
        config = self.root / "etc/postern/postern.yaml"
        config.write_text("# mine\n")
        self.install()
        self.assertEqual(config.read_text(), "# mine\n")


class Notify(unittest.TestCase):
    def test_systemd_hears_of_readiness_reloads_and_the_end(self):
        with tempfile.TemporaryDirectory(prefix="postern-n-") as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{folder}/notify")
            manager.settimeout(postern_process.START_SECONDS)
            os.environ["NOTIFY_SOCKET"] = f"{folder}/notify"
            try:
                server = Postern(folder=folder).start(wait=False)
            finally:
                del os.environ["NOTIFY_SOCKET"]
            self.addCleanup(server.stop)
            self.assertIn("READY=1", self.message(manager))
            until(server.ready, "an answer", 1)  # Ready means ready.
            server.process.send_signal(signal.SIGHUP)
            reloading = self.message(manager)
            self.assertIn("RELOADING=1", reloading)
            self.assertRegex(reloading, r"MONOTONIC_USEC=\d+")
            self.assertIn("READY=1", self.message(manager))
            server.process.send_signal(signal.SIGTERM)
            self.assertIn("STOPPING=1", self.message(manager))
            self.assertEqual(server.stop(), 0)

    @staticmethod
    def message(manager):
        return manager.recv(4096).decode()


if __name__ == "__main__":
    unittest.main()
