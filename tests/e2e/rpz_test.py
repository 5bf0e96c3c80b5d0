"""Response policy zones: the same zones, with the same options, in Postern and in BIND give the same answers.

POSTERN_RPZ_ROUNDS, _FIRST and _SEED say which random zones; POSTERN_RPZ_TRIGGERS of which triggers.
"""
import os
import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import rpz_differential as differential  # noqa: E402
import rpz_peers  # noqa: E402

ROUNDS = int(os.environ.get("POSTERN_RPZ_ROUNDS", "5"))
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
            with differential.SignedUniverse(folder) as universe:
                differences, asked = 0, 0
                for number in range(FIRST, FIRST + ROUNDS):
                    round_ = differential.Round(random.Random(SEED * 100_000 + number), universe, TRIGGERS)
                    round_.write(folder)
                    found = self.compare(folder, universe, round_)
                    asked += len(round_.questions)
                    differences += len(found)
                    if found:
                        print(f"-- round {number} (seed {SEED}): {len(found)} differ; zones:\n   {round_.text()}", flush=True)
                    for question, what, ours, theirs in found[:6]:
                        print(f"   {what}: {tuple(question)}\n      postern {tuple(ours)}\n      bind    {tuple(theirs)}",
                              flush=True)
                    if number % 10 == 9:
                        print(f"{asked} questions so far, {differences} answered differently", flush=True)
                print(f"{asked} (zones, question) pairs in {ROUNDS} rounds, {differences} answered differently", flush=True)
                self.assertEqual(differences, 0)

    def compare(self, folder, universe, round_):
        questions = round_.questions
        with (differential.QuietPostern(round_.postern_config(folder, universe), v6=True) as server,
              differential.Named(folder, universe, round_) as bind):
            ours = differential.ask_all(server.port, questions)
            theirs = differential.ask_all(bind.port, questions)

            def is_certain(place):
                if differential.difference(round_, questions[place], ours[place], theirs[place]):
                    return False
                return round_.has("drop") or ours[place] != differential.DROPPED

            # Once more, one by one: on a busy machine an upstream's answer may come too late for either, and BIND answers
            # no second question that makes it ask for the same server.
            again = [i for i in range(len(questions)) if not is_certain(i)]
            if again:
                bind.learn_servers()  # What it has learnt of them may have run out meanwhile.
            for place in again:
                ours[place] = differential.ask_all(server.port, [questions[place]], idle=1.5)[0]
                theirs[place] = differential.ask_all(bind.port, [questions[place]], idle=1.5)[0]
        rows = [(question, differential.difference(round_, question, one, other), one, other)
                for question, one, other in zip(questions, ours, theirs)]
        return [row for row in rows if row[1]]


if __name__ == "__main__":
    unittest.main()
