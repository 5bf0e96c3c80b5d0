"""Schedules: hours in which a group has another policy, by the wall clock of a place."""
import datetime
import pathlib
import sys
import unittest
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, ede, until  # noqa: E402

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def around_now(zone, before, after):
    """A window from `before` minutes ago to `after` minutes from now, as the clock of the zone has it."""
    now = datetime.datetime.now(zoneinfo.ZoneInfo(zone))
    begin, end = (now + datetime.timedelta(minutes=minutes) for minutes in (-before, after))
    return f"{DAYS[begin.weekday()]} {begin:%H:%M}-{end:%H:%M}"


class Schedules(unittest.TestCase):
    def blocked_by(self, postern, client, name):
        text = postern.dig("-b", client, name)
        found = [line for line in text.splitlines() if "EDE: 15" in line]
        return next((w for w in ("exceptions", "block") if found and f" {w}" in found[0]), "")

    def test_the_policy_of_the_hours_that_hold(self):
        config = {
            "policy": {"block": ["ads.example"]},
            "schedules": [{"name": "now", "time_zone": "Asia/Kathmandu",
                           "windows": [around_now("Asia/Kathmandu", 60, 60)]},
                          {"name": "later", "time_zone": "Asia/Kathmandu",
                           "windows": [around_now("Asia/Kathmandu", -60, 120)]}],
            "groups": [{"name": "kids", "clients": ["127.0.0.2/32"], "block": ["chat.example"]},
                       {"name": "night", "clients": ["127.0.0.3/32"]},
                       {"name": "kiosk", "clients": ["127.0.0.4/32"]}],
            "during": [{"group": "kids", "schedule": "now", "without": ["block"], "allow": ["chat.example"],
                        "block": ["games.example"]},
                       {"group": "night", "schedule": "now", "block_all": True, "allow": ["*.school.example"]},
                       {"group": "kiosk", "schedule": "later", "block_all": True}],
        }
        with Postern(config) as postern:
            for client, name, want in [
                    ("127.0.0.1", "ads.example", "block"), ("127.0.0.2", "ads.example", ""),
                    ("127.0.0.2", "chat.example", ""), ("127.0.0.2", "games.example", "exceptions"),
                    ("127.0.0.3", "any.example", "exceptions"), ("127.0.0.3", "x.school.example", ""),
                    ("127.0.0.4", "any.example", ""), ("127.0.0.1", "any.example", "")]:
                with self.subTest(client=client, name=name):
                    self.assertEqual(self.blocked_by(postern, client, name), want)
            text = postern.cli("explain", "games.example", "--client", "127.0.0.2")
            self.assertIn('The schedule "now" holds', text)
            self.assertIn("for group kids during now", text)
            self.assertEqual(postern.api("/api/v1/status")["policy"]["groups"], ["default", "kids", "night", "kiosk"])

    def test_it_begins_and_ends_by_itself(self):
        soon = datetime.datetime.now(zoneinfo.ZoneInfo("UTC"))
        if soon.second < 45:
            # The rest of this minute, so that the end can be waited for.
            window = f"daily {soon:%H:%M}-{soon + datetime.timedelta(minutes=1):%H:%M}"
        else:
            window = f"daily {soon:%H:%M}-{soon + datetime.timedelta(minutes=2):%H:%M}"
        with Postern({"schedules": [{"name": "brief", "windows": [window]}],
                      "during": [{"group": "default", "schedule": "brief", "block": ["a.example"]}]}) as postern:
            self.assertIn("exceptions", ede(postern.ask("a.example"))[1])
            until(lambda: (ede(postern.ask("a.example")) or (0, ""))[0] != 15, "the end of the window", 140)

    def test_an_unknown_zone_is_a_mistake_with_its_place(self):
        with Postern({"schedules": [{"name": "s", "windows": ["daily 08:00-09:00"]}]}) as postern:
            postern.config["schedules"][0]["time_zone"] = "Europe/Berlon"
            postern.write_config()
            done = postern.run("reload")
            self.assertEqual(done.returncode, 1)
            self.assertIn('there is no time zone "Europe/Berlon"', done.stderr)


if __name__ == "__main__":
    unittest.main()
