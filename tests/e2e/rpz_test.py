"""Response policy zones: the same zones in Postern and in BIND give the same answers."""
import os
import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern  # noqa: E402
import rpz_peers  # noqa: E402

ROUNDS = int(os.environ.get("POSTERN_RPZ_ROUNDS", "6"))
FIRST = int(os.environ.get("POSTERN_RPZ_FIRST", "0"))
SEED = int(os.environ.get("POSTERN_RPZ_SEED", "1"))
TRIGGERS = tuple(filter(None, os.environ.get("POSTERN_RPZ_TRIGGERS", "").split(","))) or rpz_peers.PolicyZones.TRIGGERS


class AgainstBind(unittest.TestCase):
    def setUp(self):
        missing = rpz_peers.missing_programs()
        if missing:
            print(f"SKIPPED: {', '.join(missing)} not installed", flush=True)
            self.skipTest("peers are missing")

    def test_random_zones_decide_alike(self):
        with tempfile.TemporaryDirectory(prefix="postern-rpz-") as temp:
            folder = pathlib.Path(temp)
            with rpz_peers.Universe(folder) as universe:
                differences, asked = [], 0
                for number in range(FIRST, FIRST + ROUNDS):
                    zones = rpz_peers.PolicyZones(random.Random(SEED * 100_000 + number), universe, TRIGGERS)
                    zones.write(folder)
                    found = self.compare(folder, universe, zones, universe.questions())
                    asked += len(universe.questions())
                    differences += [(number, *row) for row in found]
                    if found:
                        number_text = f"round {number} (seed {SEED})"
                        print(f"-- {number_text}: {len(found)} differ; zones:", flush=True)
                        for name, lines in zones.zones.items():
                            print(f"   {name}: " + "; ".join(lines))
                        for question, ours, theirs in found[:6]:
                            print(f"   {question}\n      postern {ours}\n      bind    {theirs}", flush=True)
                print(f"{asked} questions in {ROUNDS} rounds, {len(differences)} answered differently", flush=True)
                self.assertEqual(differences, [])

    def compare(self, folder, universe, zones, questions):
        config = {"resolver": {"mode": "forward", "forward": [{"zone": ".", "servers": [f"udp://127.0.0.1:{universe.port}"]}]},
                  "packs": {"hafnium": False}, "journal": {"enabled": False},
                  "feeds": [{"name": name, "format": "rpz", "path": str(folder / name)} for name in zones.zones]}
        with Postern(config) as server, rpz_peers.Bind(folder, universe, zones) as bind:
            ours = rpz_peers.ask_all(server.port, questions)
            theirs = rpz_peers.ask_all(bind.port, questions)
            # Once more, one by one: on a busy machine an upstream's answer may come too late for either.
            for place in [i for i in range(len(questions)) if not rpz_peers.alike(ours[i], theirs[i])]:
                ours[place] = rpz_peers.ask_all(server.port, [questions[place]])[0]
                theirs[place] = rpz_peers.ask_all(bind.port, [questions[place]])[0]
        return [row for row in zip(questions, ours, theirs) if not rpz_peers.alike(row[1], row[2])]


if __name__ == "__main__":
    unittest.main()
