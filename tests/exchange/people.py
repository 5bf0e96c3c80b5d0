"""The people of an organisation: accounts, mailboxes, the programs and places they read their mail from."""
import uuid
from typing import NamedTuple

_GIVEN = ("Anna Bernd Carla David Elif Frank Greta Hasan Irene Jonas Katrin Lukas Marta Nils Olga Paul Quirin Rosa Stefan "
          "Tanja Uwe Vera Walter Xenia Yusuf Zoe Änne Björn Chloé Dóra").split()
_FAMILY = ("Albrecht Brandt Celik Dietz Engel Fischer Graf Huber Ivanov Jansen Keller Lorenz Maier Novak Otto Peters "
           "Quandt Richter Schulz Tanaka Ulrich Vogel Wagner Xu Yilmaz Zimmer O'Neill Smith-Jones").split()
_ASCII = str.maketrans({"Ä": "Ae", "ö": "oe", "é": "e", "ó": "o", "ä": "ae", "'": "", "-": ""})

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.190 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:86.0) Gecko/20100101 Firefox/86.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.190 Safari/537.36 "
    "Edg/88.0.705.81",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
)
PHONES = (("iPhone", "Apple-iPhone12C1/1804.52"), ("iPad", "Apple-iPad7C11/1804.52"),
          ("SamsungDevice", "Android-SAMSUNG-SM-G973F/101.100"), ("Outlook", "Outlook-iOS-Android/1.0"))
OUTLOOK = ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)",
           "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.5285; Pro)")
MAC_MAIL = ("MacOutlook/16.46.21021202 (Intelx64 Mac OS X Version 10.15.7)", "Mac OS X/10.15.7 (19H524) ExchangeWebServices/6.0")


class Person(NamedTuple):
    account: str  # CORP\a.brandt
    smtp: str
    mailbox: str  # The mailbox's GUID.
    sid: str
    office: str  # The address that the office is seen under.
    home: str
    mobile: str
    browser: str
    outlook: str
    phone: tuple
    device: str
    uses: tuple  # Of "owa", "eas", "ews", "mapi".


def make(rng, count, domain="corp.example"):
    """`count` people with different accounts."""
    made, taken = [], set()
    while len(made) < count:
        given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
        account = f"{given[0]}.{family}".translate(_ASCII).lower()
        if account in taken:
            account += str(len(made))
        taken.add(account)
        uses = [one for one, share in (("owa", 0.6), ("eas", 0.5), ("mapi", 0.8), ("ews", 0.25)) if rng.random() < share]
        made.append(Person(
            f"CORP\\{account}", f"{account}@{domain}", str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            f"S-1-5-21-1004336348-1177238915-682003330-{1100 + len(made)}", "198.51.100.10",
            f"192.0.2.{20 + len(made) % 200}", f"198.51.100.{100 + rng.randrange(100)}", rng.choice(BROWSERS),
            rng.choice(MAC_MAIL if "ews" in uses else OUTLOOK), rng.choice(PHONES),
            "".join(rng.choice("0123456789ABCDEF") for _ in range(32)), tuple(uses or ["owa"])))
    made[0] = made[0]._replace(account="CORP\\svc backup 1")  # An account with blanks, as some are.
    return made


def awake(rng, weekday):
    """Hours of a day (UTC+1 office) at which somebody does something: most in office hours, few at weekends."""
    if weekday >= 5 and rng.random() < 0.75:
        return []
    first = rng.gauss(7.3, 0.6)
    hours = []
    at = first
    while at < first + 9.5:
        hours.append(at % 24)
        at += rng.expovariate(1.1)
    if rng.random() < 0.3:
        hours.append(rng.uniform(18, 21.5))
    return hours
