"""The scenarios: which servers there are, what happens to them on which day, and what an honest verdict would be."""
from typing import NamedTuple

import attacks
import leftovers
import traffic
from world import Options

PROXYLOGON = ("CVE-2021-26855", "CVE-2021-26857", "CVE-2021-26858", "CVE-2021-27065")
APRIL, MAY = ("CVE-2021-28480", "CVE-2021-34473", "CVE-2021-34523", "CVE-2021-33766"), ("CVE-2021-31207",)
LATER = ("CVE-2021-31196", "CVE-2021-42321", "CVE-2022-41040", "CVE-2022-41080", "CVE-2022-41082", "CVE-2024-21410")

UNPATCHED = Options(protection="None", fixed=("CVE-2020-0688",), exposed=PROXYLOGON + APRIL + MAY)
PATCHED = Options(protection="None", build=(15, 1, 2176, 9), fixed=("CVE-2020-0688", *PROXYLOGON), exposed=APRIL + MAY)
SUMMER = Options(build=(15, 1, 2242, 4), first_day="2021-08-09", installed="2021-03-20", fixed=("CVE-2020-0688", *PROXYLOGON),
                 exposed=APRIL + MAY)
AUTUMN = Options(build=(15, 1, 2507, 12), first_day="2022-09-26", installed="2022-08-15", mitigated=True,
                 fixed=("CVE-2020-0688", *PROXYLOGON, *APRIL, *MAY, "CVE-2021-42321"),
                 exposed=("CVE-2022-41040", "CVE-2022-41080", "CVE-2022-41082"))
NEWEST = Options(product="Exchange 2019", build=(15, 2, 1748, 43), first_day="2026-03-02", installed="2026-02-14",
                 fixed=("CVE-2020-0688", *PROXYLOGON, *APRIL, *MAY, *LATER))
OLD = Options(product="Exchange 2010", build=(14, 3, 509, 0), exchange="Program Files/Microsoft/Exchange Server/V14",
              installed="2020-12-10", fixed=("CVE-2020-0688",), unaffected=("CVE-2021-26857",))
RTM = Options(product="Exchange 2013", build=(15, 0, 516, 32), installed="2013-01-20", exposed=PROXYLOGON + ("CVE-2020-0688",))


class Step(NamedTuple):
    """`do(world, at, **more)` on the day that is `share` of the way through, at `hour`."""
    share: float
    hour: float
    do: object
    more: dict = {}


class Server(NamedTuple):
    options: Options
    verdict: str  # "compromised", "attempted", "cannot be ruled out", "no evidence"
    steps: tuple = ()
    prefix: str = ""
    exchange_days: int | None = None  # Exchange's own logs reach back so far; None: over all days.
    iis_days: int | None = None
    missing: tuple = ()  # Days (from 0) of which no log is there at all.
    hostile: bool = False  # Log files come in every shape, with content meant to harm the reader.


class Scenario(NamedTuple):
    about: str
    servers: tuple
    layout: str = "tree"  # "flat": only logs, in one folder; "zip": only logs, in an archive.


SCANNED = (Step(0.2, 1.0, traffic.scans),)
CHAIN = (*SCANNED,
         Step(0.64, 4.2, attacks.proxylogon, {"stages": 3}),
         Step(0.65, 4.2, attacks.proxylogon),
         Step(0.65, 5.5, attacks.mail_theft),
         Step(0.65, 9.0, attacks.unified_messaging),
         Step(0.72, 2.0, attacks.shell_use),
         Step(0.72, 3.0, attacks.tunnel),
         Step(0.72, 4.0, attacks.oddities),
         Step(0.72, 4.5, leftovers.all_of_it))
SHELL = (Step(0.65, 21.0, attacks.proxyshell),
         Step(0.72, 2.0, attacks.shell_use))
NOT_SHELL = (Step(0.5, 13.0, attacks.proxynotshell), Step(0.7, 22.0, attacks.owassrf))

ODD = (Step(0.5, 2.0, attacks.quiet_shell), Step(0.5, 23.0, attacks.quiet_tunnel), Step(0.7, 1.0, attacks.download),
       Step(0.7, 5.0, attacks.hunt), Step(0.7, 12.0, attacks.failures))


def left_behind(world, at):
    """The page of a break-in before the update; nothing of that time is logged any more."""
    before = at - 80 * 86400
    leftovers.disguised_pages(world, before)
    leftovers.hidden_pages(world, before)


def deleted(world, at):
    """Pages that somebody removed."""
    leftovers.ghosts(world, at - 60 * 86400)


TREES = {
    "clean-patched": Scenario("A server with all updates, and nothing wrong.", (Server(NEWEST, "no evidence"),)),
    "clean-exposed": Scenario("Open since it was installed; all logs since then are there, and nothing is in them.",
                              (Server(UNPATCHED, "no evidence"),)),
    "rotated": Scenario("Open for months; Exchange's logs of the last week are there.", (Server(
        UNPATCHED._replace(installed="2020-12-18"), "cannot be ruled out", exchange_days=7, missing=(2,)),)),
    "attempted": Scenario("Scanners and failed attempts.", (Server(UNPATCHED, "attempted", SCANNED),)),
    "proxylogon": Scenario("The whole chain, mail theft, planted pages, dumps, tasks, tunnels.", (Server(
        UNPATCHED, "compromised", CHAIN),)),
    "wiped": Scenario("The same, and the intruder clears logs behind him.", (Server(UNPATCHED, "compromised", (
        *CHAIN, Step(0.8, 3.0, attacks.wiped))),)),
    "proxyshell": Scenario("Autodiscover as a door, mailboxes exported as pages.", (Server(SUMMER, "compromised", SHELL),)),
    "proxynotshell": Scenario("A stolen account, behind rewrite rules; then by way of OWA.", (Server(AUTUMN, "compromised", NOT_SHELL),)),
    "patched-shell": Scenario("Updated, but the pages of before are still there.", (Server(
        PATCHED._replace(first_day="2021-05-24", installed="2021-03-05"), "compromised", (Step(0.1, 1.0, left_behind),)),)),
    "ghost": Scenario("Updated and tidied up, but what ASP.NET compiled is still there.", (Server(
        PATCHED._replace(first_day="2021-05-24", installed="2021-03-05"), "compromised", (Step(0.1, 1.0, deleted),)),)),
    "exchange-2010": Scenario("Exchange 2010 without Unified Messaging: most tests have nothing to look at.", (Server(
        OLD, "cannot be ruled out"),)),
    "exchange-2013": Scenario("Exchange 2013 RTM, whose proxy logs lack columns, with the chain.", (Server(RTM, "compromised", CHAIN[:4]),)),
    "uncovered": Scenario("A modified page on a build without known-good hashes: its code alone tells.", (Server(
        UNPATCHED._replace(baseline="none"), "compromised", (Step(0.5, 3.0, leftovers.modified_page),)),)),
    "short-baseline": Scenario("A build whose known-good list lacks FrontEnd and names paths otherwise.", (Server(
        UNPATCHED._replace(build=(15, 1, 1979, 3), baseline="short"), "no evidence"),)),
    "tuple-compare": Scenario("15.1.1913.10 is later than 15.1.1913.7, and earlier than the update of March 2021.", (Server(
        UNPATCHED._replace(build=(15, 1, 1913, 10)), "no evidence"),)),
    "two-servers": Scenario("Two servers in one folder, with their drives as folders: one is broken into.", (
        Server(UNPATCHED._replace(drives=True, exchange="Exchange Server/V15", iis_logs="D/Logs/IIS"), "compromised", CHAIN, prefix="EX01/"),
        Server(UNPATCHED._replace(name="EX02", drives=True, exchange="PROGRAM FILES/microsoft/exchange server/v15"), "no evidence",
               prefix="EX02/"))),
    "traps": Scenario("Nothing is wrong, but everything is there to break the reader.", (Server(
        UNPATCHED, "no evidence", (Step(0.3, 3.0, leftovers.traps),), hostile=True),)),
    "odd-traffic": Scenario("Nothing that a rule on a row names, but traffic as a whole is odd.", (Server(NEWEST, "no evidence", ODD),)),
    "much-traffic": Scenario("Traffic that looks odd and is not.", (Server(NEWEST, "no evidence", (
        Step(0.0, 0.0, traffic.own_pages), Step(0.0, 0.0, traffic.much_traffic), Step(0.6, 9.0, traffic.new_things))),)),
    "everything": Scenario("All attacks on one server.", (Server(UNPATCHED, "compromised", (
        *CHAIN, Step(0.3, 3.0, leftovers.traps), *SHELL, *NOT_SHELL, Step(0.5, 5.0, attacks.other_holes),
        Step(0.9, 3.0, attacks.wiped)), hostile=True),)),
}
SCENARIOS = TREES | {
    "flat": TREES["proxylogon"]._replace(about="The logs of a chain, in one folder.", layout="flat"),
    "zip": TREES["proxylogon"]._replace(about="The logs of a chain, in an archive.", layout="zip"),
}
