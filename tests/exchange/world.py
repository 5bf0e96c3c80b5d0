"""World: one server while it is made up: what is to be logged, what lies on its disk, and the truth about it."""
import calendar
import os
import pathlib
import random
import time
import zlib
from typing import NamedTuple

import people
from logs import ServerFacts
from truth import Benign, Plant


class Options(NamedTuple):
    """How a server is."""
    name: str = "EX01"
    product: str = "Exchange 2016"
    build: tuple = (15, 1, 2176, 2)
    first_day: str = "2021-02-22"
    days: int = 14
    exchange: str = "Program Files/Microsoft/Exchange Server/V15"  # Beneath its drive.
    drives: bool = False  # The drives are folders C and D, and Exchange is on D.
    people: int = 12
    # Whether the list of known-good hashes covers this build: "full", "none", or "short": without FrontEnd, and without
    # ClientAccess/ before its paths, as it is with nine builds.
    baseline: str = "full"
    mitigated: bool = False
    protection: str = "Require"  # Of extendedProtection tokenChecking; without it credentials can be relayed.
    iis_logs: str = ""  # Where the logs of IIS are, if not where they are by default; begins with the drive's folder.
    fixed: tuple = ()
    exposed: tuple = ()
    unaffected: tuple = ()  # What they are holes of is not installed.
    installed: str = "2021-02-22"  # When this CU came onto the server.


def midnight(day):
    """Seconds since 1970 of the begin of a day such as 2021-03-03."""
    return calendar.timegm(time.strptime(day, "%Y-%m-%d"))


class World:
    """What attacks and the disk are written into. Paths begin at the swept root and have '/' between their parts;
    `c()` is a path on the system drive and `ex()` one in Exchange's folder, `windows()` what Windows calls it."""

    def __init__(self, root, prefix, options, seed):
        self.root, self.prefix, self.options = pathlib.Path(root), prefix, options
        self.rng = random.Random(f"{seed}/{options.name}")
        self.server = ServerFacts(options.name, "mail.corp.example", "10.1.0.5", options.build)
        self.people = people.make(self.rng, options.people)
        self.health_mailbox = f"{self.rng.getrandbits(128):032x}"
        self.addresses = [f"203.0.113.{number}" for number in [*range(1, 60), *range(100, 190)]]
        self.rng.shuffle(self.addresses)
        self.shell = "/aspnet_client/discover.aspx"  # The page that the last break-in has planted, as a URL.
        self.shell_uses = 0
        self.born = {}  # Path → when it was really made, of files whose time was set.
        self.begin = midnight(options.first_day)
        self.end = self.begin + options.days * 86400
        self.requests, self.events, self.ecp, self.oab, self.rps, self.cmdlets = [], [], [], [], [], []
        self.plants, self.benigns, self.notes = [], [], []
        self.times = {}  # Path → modification time, set when everything is written.
        self.stomped = set()  # Paths whose time is without the part below the second, as tools set it.
        self.files = {}  # Path → octets of a page that belongs to Microsoft's, for the known-good list.
        self.thief = None  # The address and the ways of who broke in last.
        self.stolen, self.chains, self.gaps = [], [], []
        self.virtual_directories, self.modules = [], []
        self.logging_off = None  # What was planted where IIS is told to log nothing.
        self.leaps = {}  # Event log → (since when, what was planted): records of it are missing.
        self.tasks = []  # Names and whether the registry has their security descriptor.

    def stranger(self):
        """An address from which nobody else comes."""
        return self.addresses.pop()

    def plant(self, what, rules, tier, **keys):
        made = Plant(what, rules, tier, **keys)
        self.plants.append(made)
        return made

    def trace(self, what, **keys):
        """What belongs to an attack, but no rule has to name it."""
        return self.plant(what, [], "hunt", **keys)

    def benign(self, what, why, **keys):
        made = Benign(what, why, **keys)
        self.benigns.append(made)
        return made

    def c(self, path):
        """A path on the system drive."""
        return f"{self.prefix}C/{path}" if self.options.drives else self.prefix + path

    def ex(self, path):
        """A path in Exchange's folder."""
        return f"{self.prefix}{'D/' if self.options.drives else ''}{self.options.exchange}/{path}"

    @property
    def iis_logs(self):
        """The folder of the logs of IIS."""
        return self.prefix + self.options.iis_logs if self.options.iis_logs else self.c("inetpub/logs/LogFiles")

    def windows(self, path):
        """What Windows calls a path: C:\\…"""
        path = path[len(self.prefix):]
        drive = "C"
        if self.options.drives:
            drive, _, path = path.partition("/")
        return f"{drive}:\\" + path.replace("/", "\\")

    @property
    def install(self):
        """What the registry says."""
        return self.windows(self.ex(""))

    def event(self, log, kind, at, data, plants=(), **more):
        """An event for the log file `log`."""
        self.events.append((log, kind, at, data, plants, more))

    def put(self, path, octets, at=None, plants=()):
        """Writes a file. `at`: its modification time; by default that of the installation."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(octets.encode() if isinstance(octets, str) else octets)
        self.times[path] = at or midnight(self.options.installed) + 3600
        for plant in plants:
            plant.place(path)

    def microsoft(self, path, octets):
        """Writes a page that the known-good list holds."""
        self.files[path] = octets.encode() if isinstance(octets, str) else octets
        self.put(path, octets)

    def attributes(self, path, text):
        """Sets DOS attributes as Samba and others keep them; returns whether the file system can."""
        flags = sum({"R": 1, "H": 2, "S": 4, "A": 0x20}[one] for one in text)
        return self.extended(path, "user.DOSATTRIB", f"0x{flags:x}".encode())

    def extended(self, path, name, value):
        """Sets an extended attribute; returns whether the file system can."""
        try:
            os.setxattr(self.root / path, name, value)
            return True
        except OSError:
            self.notes.append(f"{path}: this file system keeps no extended attribute; {name} is not set")
            return False

    def settle(self):
        """Gives every file its modification time."""
        for path, at in self.times.items():
            if (self.root / path).exists():
                below = 0 if path in self.stomped else 100 + zlib.crc32(path.encode("utf-8", "surrogateescape")) % 999_999_000
                nanoseconds = int(at) * 1_000_000_000 + below
                os.utime(self.root / path, ns=(nanoseconds, nanoseconds))
