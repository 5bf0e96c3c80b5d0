"""What a server sees on a day without an intruder: its users, its own monitoring, other servers, the internet's noise.

Everything here is benign, or looks and touches nothing; what resembles an attack is told to the truth as benign.
"""
import time

import people
from logs import Request

MONITORS = (("AMProbe/Local/ClientAccess", "Owa", "GET", "/owa/healthcheck.htm"),
            ("AMProbe/Local/ClientAccess", "Ews", "GET", "/ews/healthcheck.htm"),
            ("AMProbe/Local/ClientAccess", "Ecp", "GET", "/ecp/healthcheck.htm"),
            ("MSExchangeMonitoring", "Autodiscover", "GET", "/autodiscover/healthcheck.htm"),
            ("HttpProxy.ClientAccessServer2010Ping", "Owa", "GET", "/owa/exhealth.check"))


def _owa_session(world, rng, person, at, ip):
    """A logon, some reading, a logoff now and then."""
    version = ".".join(str(part) for part in world.server.build)
    host = f"https://{world.server.host}"
    common = {"agent": person.browser, "protocol": "Owa"}
    yield Request(at, ip, "GET", "/owa/", status=302, sc_bytes=650, **common)
    yield Request(at + 0.2, ip, "GET", "/owa/auth/logon.aspx", query=f"url={host}/owa/&reason=0", sc_bytes=58_000, **common)
    for index, name in enumerate(("themes/resources/segoeui-regular.ttf", "themes/resources/favicon.ico", "scripts/premium/flogon.js")):
        yield Request(at + 0.4 + index / 10, ip, "GET", f"/owa/auth/{version}/{name}", referer=f"{host}/owa/auth/logon.aspx",
                      sc_bytes=rng.randrange(3_000, 90_000), **common)
    failed = rng.random() < 0.05
    yield Request(at + 9, ip, "POST", "/owa/auth.owa", status=302, user="" if failed else person.account, cs_bytes=900,
                  referer=f"{host}/owa/auth/logon.aspx", **common)
    if failed:
        yield Request(at + 10, ip, "GET", "/owa/auth/logon.aspx", query=f"url={host}/owa/&reason=2", **common)
        return
    signed = common | {"user": person.account, "anchor": f"Sid~{person.sid}", "hint": "Sid-OwaCookie"}
    yield Request(at + 10, ip, "GET", "/owa/", sc_bytes=120_000, backend_user=person.account, **signed)
    yield Request(at + 11, ip, "GET", f"/owa/prem/{version}/scripts/boot.worldwide.0.mouse.js",
                  sc_bytes=rng.randrange(200_000, 600_000), **signed)
    for step in range(rng.randrange(6, 16)):
        action = rng.choice(("FindItem", "GetItem", "FindConversation", "GetConversationItems", "SubscribeToNotification",
                             "UpdateItem", "CreateItem", "GetAttachmentThumbnail", "GetCalendarView"))
        yield Request(at + 15 + step * rng.uniform(2, 40), ip, "POST", "/owa/service.svc",
                      query=f"action={action}&EP=1&ID=-{step}&AC=1", cs_bytes=rng.randrange(800, 6_000),
                      sc_bytes=rng.randrange(900, 30_000), backend_user=person.account, **signed)
    if rng.random() < 0.04:
        yield Request(at + 700, ip, "GET", "/owa/service.svc/s/GetFileAttachment", query=f"id=AAMk{rng.getrandbits(64):x}",
                      sc_bytes=rng.randrange(500_000, 6_000_000), **signed)
    if rng.random() < 0.4:
        yield Request(at + 800, ip, "GET", "/owa/logoff.owa", status=302, **signed)
        yield Request(at + 801, ip, "GET", "/owa/auth/signout.aspx", **common)
    if rng.random() < 0.03:
        yield Request(at + 820, ip, "GET", "/ecp/", query="rfr=owa", agent=person.browser, protocol="Ecp", user=person.account)
        yield Request(at + 822, ip, "POST", "/ecp/DDI/DDIService.svc/GetList", query="schema=VoiceMailPIN",
                      agent=person.browser, protocol="Ecp", user=person.account, anchor=f"Sid~{person.sid}")


def _phone(rng, person, at):
    kind, agent = person.phone
    for step in range(rng.randrange(2, 6)):
        command = rng.choice(("Ping", "Sync", "Sync", "FolderSync", "SendMail", "MeetingResponse"))
        yield Request(at + step * rng.uniform(20, 300), person.mobile, "POST", "/Microsoft-Server-ActiveSync/default.eas",
                      query=f"Cmd={command}&User={person.account.replace(chr(92), '%5C')}&DeviceId={person.device}&"
                            f"DeviceType={kind}",
                      user=person.account, agent=agent, protocol="Eas", anchor=f"Sid~{person.sid}",
                      hint="Sid-ClientCertificate" if kind == "Outlook" else "WindowsIdentity", cs_bytes=rng.randrange(500, 3_000),
                      sc_bytes=rng.randrange(300, 40_000), took=rng.randrange(20, 900_000))


def _outlook(rng, person, at, ip):
    common = {"user": person.account, "agent": person.outlook, "anchor": person.smtp, "hint": "WindowsIdentity"}
    yield Request(at, ip, "POST", "/autodiscover/autodiscover.xml", protocol="Autodiscover", sc_bytes=4_800, **common)
    if rng.random() < 0.2:
        yield Request(at + 1, ip, "GET", f"/autodiscover/autodiscover.json/v1.0/{person.smtp}",
                      query="Protocol=Autodiscoverv1&RedirectCount=1", protocol="Autodiscover", status=200, agent=person.outlook)
    for step in range(rng.randrange(3, 9)):
        yield Request(at + 2 + step * rng.uniform(1, 200), ip, "POST", "/mapi/emsmdb/",
                      query=f"MailboxId={person.mailbox}@corp.example", protocol="Mapi",
                      cs_bytes=rng.randrange(400, 9_000), sc_bytes=rng.randrange(500, 60_000), backend_user=person.account, **common)
    yield Request(at + 5, ip, "POST", "/mapi/nspi/", query=f"MailboxId={person.mailbox}@corp.example", protocol="Mapi", **common)
    if rng.random() < 0.2:
        yield Request(at + 6, ip, "GET", "/OAB/5a1c2d7e-8b0f-4f55-9a07-2b0c5f1d7e11/oab.xml", protocol="Oab", sc_bytes=9_000,
                      **common)


def _web_services(rng, person, at, ip):
    for step in range(rng.randrange(3, 8)):
        yield Request(at + step * rng.uniform(2, 60), ip, "POST", "/EWS/Exchange.asmx", user=person.account,
                      agent=person.outlook, protocol="Ews", anchor=person.smtp, hint="WindowsIdentity",
                      cs_bytes=rng.randrange(900, 4_000), sc_bytes=rng.randrange(1_000, 120_000), backend_user=person.account)


def users(world, rng, day):
    """The requests of one day's people; `day` is its midnight."""
    weekday = time.gmtime(day).tm_wday
    for person in world.people:
        for hour in people.awake(rng, weekday):
            at = day + hour * 3600 + rng.random() * 300
            in_office = weekday < 5 and 7 < hour < 17
            ip = person.office if in_office else person.home
            kind = rng.choice(person.uses)
            if kind == "owa":
                yield from _owa_session(world, rng, person, at, ip)
            elif kind == "eas":
                yield from _phone(rng, person, at)
            elif kind == "mapi":
                yield from _outlook(rng, person, at, ip)
            else:
                yield from _web_services(rng, person, at, ip)


def monitoring(world, rng, day):
    """Managed Availability: Exchange asks itself, under HealthMailbox accounts and from localhost, day and night."""
    mailbox = f"HealthMailbox{world.health_mailbox}@corp.example"
    for minute in range(0, 24 * 60, 10):
        at = day + minute * 60 + rng.random() * 20
        agent, protocol, method, stem = MONITORS[minute // 10 % len(MONITORS)]
        yield Request(at, "127.0.0.1" if minute % 20 else "::1", method, stem, agent=agent, protocol=protocol, sc_bytes=300)
        if minute % 60 == 0:
            yield Request(at + 2, "127.0.0.1", "POST", "/owa/auth.owa", user=mailbox, protocol="Owa", status=302,
                          agent="Mozilla/4.0 (compatible; MSIE 9.0; Windows NT 6.1; MSEXCHMON; ACTIVEMONITORING; OWACTP)")
            yield Request(at + 3, "::1", "POST", "/EWS/Exchange.asmx", user=mailbox, protocol="Ews", anchor=mailbox,
                          agent="AMProbe/Local/ClientAccess", hint="WindowsIdentity")
            yield Request(at + 4, "127.0.0.1", "POST", "/powershell", query="serializationLevel=Full;clientApplication=ActiveMonitor"
                          ";PSVersion=5.1.14393.3866", user=mailbox, protocol="PowerShell", agent="Microsoft WinRM Client")
            yield Request(at + 5, world.server.address, "POST", "/mapi/emsmdb/", query=f"MailboxId={world.health_mailbox[:8]}@corp.example",
                          user=mailbox, protocol="Mapi", anchor=mailbox, agent="MapiHttpClient")


def other_servers(world, rng, day):
    """Another Exchange server of the organisation: its machine account, legitimate proxying, and what looks like more."""
    at, sibling = day + 3600 * rng.uniform(8, 16), "10.1.0.6"
    machine = f"CORP\\{world.server.name}$"
    yield Request(at, sibling, "POST", "/EWS/Exchange.asmx", user=machine, protocol="Ews",
                  agent="ExchangeInternalEwsClient-FreeBusy", anchor=world.people[0].smtp, hint="WindowsIdentity").mark("front", world.benign(
                      "machine account of a sibling server", "W-06: its address is the organisation's own"))
    yield Request(at + 60, sibling, "POST", "/ecp/proxyLogon.ecp", user=machine, protocol="Ecp", status=241, backend_status=241,
                  agent="Microsoft.Exchange.HttpProxy", anchor=f"Sid~{world.people[0].sid}", hint="WindowsIdentity").mark(
                      "proxy", world.benign("status 241 between own servers", "PL-08, W-11: no ServerInfo anchor, own address"))
    yield Request(at + 120, sibling, "POST", "/EWS/Exchange.asmx", user=machine, protocol="Ews", hint="TargetServer",
                  anchor=f"ServerInfo~{world.server.name.lower()}.corp.example",
                  agent="ExchangeInternalEwsClient-FreeBusy").mark("proxy", world.benign(
                      "ServerInfo anchor of an own server", "PL-01: no path behind the host"))


def administrators(world, rng, day):
    """Remote PowerShell and the control panel in use by who may."""
    if time.gmtime(day).tm_wday >= 5:
        return
    at, admin = day + 3600 * rng.uniform(8, 14), "CORP\\administrator"
    for step in range(4):
        yield Request(at + step * 5, "10.1.0.40", "POST", "/powershell", query="clientApplication=EMC;PSVersion=5.1.14393.3866",
                      user=admin, protocol="PowerShell", agent="Microsoft WinRM Client", sc_bytes=9_000)
    yield Request(at + 300, "10.1.0.40", "GET", "/ecp/default.aspx", user=admin, protocol="Ecp", agent=world.people[0].browser)
    yield Request(at + 320, "10.1.0.40", "POST", "/ecp/DDI/DDIService.svc/GetObject", user=admin, protocol="Ecp",
                  query="msExchEcpCanary=x&schema=OABVirtualDirectory", agent=world.people[0].browser, anchor="Sid~S-1-5-21-1-500")


def noise(world, rng, day):
    """The internet: crawlers, port scanners, botched URLs. None of it is meant for this server, or finds anything."""
    for _ in range(rng.randrange(3, 9)):
        at, ip = day + rng.random() * 86000, f"203.0.113.{rng.randrange(200, 250)}"
        agent, stem, status = rng.choice((
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "/robots.txt", 404),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "/owa/auth/logon.aspx", 200),
            ("Mozilla/5.0 zgrab/0.x", "/", 302), ("", "/.env", 404), ("", "/boaform/admin/formLogin", 404),
            ("Mozilla/5.0 (compatible; Nimbostratus-Bot/v1.3.2)", "/owa/", 302), ("masscan/1.3", "/favicon.ico", 404),
            ("Mozilla/5.0 (compatible; CensysInspect/1.1)", "/", 302), ("", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", 404)))
        protocol = "Owa" if stem.startswith("/owa") else ""
        yield Request(at, ip, "GET", stem, agent=agent, status=status, protocol=protocol, sc_bytes=1_200)


def _benign(world, what, why, rules):
    """What looks odd and is not: none of `rules` may name its address."""
    return world.benign(what, why, quiet=rules)


def much_traffic(world, at):
    """From the first day on, every day: a backup that reads whole mailboxes, a probe of a page of the organisation's own, a program
    that polls a page, a probe that the control panel fails on, and a list of broken links."""
    for index in range(world.options.days):
        day = world.begin + index * 86_400
        requests = [Request(day + 7_200 + step * 20, "10.1.0.60", "POST", "/EWS/Exchange.asmx", user="CORP\\svc-archive", protocol="Ews",
                            agent="ArchiveJob/4.1", cs_bytes=1_500, sc_bytes=9_000_000 + step * 1_000, backend_user="CORP\\svc-archive")
                    for step in range(40)]
        requests[0].mark("front", _benign(world, "a backup of mailboxes", "W-01: it does so every night", ["W-01"]))
        for step in range(0, 86_400, 300):
            probe = Request(day + step, "10.1.0.30", "GET", "/company/alive.aspx", agent="Probe/1.0", sc_bytes=40)
            if step == 0:
                probe.mark("front", _benign(world, "a monitoring probe", "W-03, W-08: there since the logs begin", ["W-03", "W-04", "W-08"]))
            requests.append(probe)
        for step in range(300):
            poll = Request(day + 36_000 + step * 1.9, "10.1.0.31", "POST", "/company/poll.asmx", agent="Desk/2.0", cs_bytes=300, sc_bytes=420)
            if step == 0:
                poll.mark("front", _benign(world, "a program that polls", "W-09: each answer is like the others", ["W-03", "W-09"]))
            requests.append(poll)
        for step in range(30):
            broken = Request(day + 10_800 + step * 15, "10.1.0.32", "GET", "/ecp/", status=500, protocol="Ecp", agent="Probe/1.0")
            if step == 0:
                broken.mark("front", _benign(world, "a probe that always fails", "W-11: it does so every day", ["W-11"]))
            requests.append(broken)
        for step in range(16):
            link = Request(day + 40_000 + step * 10, "192.0.2.250", "GET", f"/company/old{step % 4}.aspx", status=404, agent="LinkCheck/3")
            if step == 0:
                link.mark("front", _benign(world, "broken links", "W-05: the same four", ["W-05"]))
            requests.append(link)
        world.requests += requests


def new_things(world, at):
    """On one day: phones for many, who load their mailboxes, and a page that an administrator adds, which some had asked for before
    it was there."""
    for phone in range(10):
        person = world.people[phone % len(world.people)]
        for step in range(16):
            request = Request(at + phone * 40 + step * 90, f"198.51.100.{220 + phone}", "POST", "/Microsoft-Server-ActiveSync/default.eas",
                              query=f"Cmd=Sync&User={person.smtp}&DeviceId=NEW{phone}&DeviceType=Outlook", user=person.account,
                              agent="Outlook-iOS-Android/2.0", protocol="Eas", cs_bytes=900, sc_bytes=5_500_000)
            if step == 0:
                request.mark("front", _benign(world, "a new phone", "W-01: many are sent as much that day", ["W-01", "W-08"]))
            world.requests.append(request)
    world.put(world.c("inetpub/wwwroot/company/phonebook.aspx"), "<html><body>Phone book</body></html>\r\n", at)
    for index, person in enumerate(world.people[:6]):
        early = Request(at - 3_600 + index, person.home, "GET", "/company/phonebook.aspx", status=404, agent=person.browser)
        late = Request(at + 600 + index * 30, person.home, "GET", "/company/phonebook.aspx", agent=person.browser)
        late.mark("front", _benign(world, "a page that an administrator added", "W-03, W-11: many know it", ["W-03", "W-04", "W-08", "W-11"]))
        world.requests += [early, late]


def own_pages(world, at):
    """The pages of the organisation's own that the above ask for."""
    for name in ("alive.aspx", "poll.asmx"):
        world.put(world.c(f"inetpub/wwwroot/company/{name}"), "<html><body>alive</body></html>\r\n", world.begin)


def day_of(world, rng, day):
    """All requests of a day, in the order of time."""
    requests = []
    for source in (users, monitoring, other_servers, administrators, noise):
        requests += source(world, rng, day)
    return sorted(requests, key=lambda request: request.at)


def scans(world, at):
    """Those who look whether the holes are there: at worst attempts, whoever runs them, and nothing comes of it."""
    nessus = "/owa/?&Email=autodiscover/autodiscover.json%3F@test.com"
    plant = world.plant
    world.requests += [
        Request(at, "203.0.113.66", "GET", "/autodiscover/autodiscover.json", query="@test.com" + nessus, status=401,
                agent="Nessus SOAP", protocol="Autodiscover").mark("front", plant(
                    "Nessus' look for ProxyShell", ["PS-01"], "probe", cve=["CVE-2021-34473"])),
        Request(at + 3600, "203.0.113.67", "GET", "/owa/auth/x.js", status=500, protocol="Owa", backend_status="",
                agent="Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
                anchor="ServerInfo~localhost/ecp/default.flt?~3", hint="X-AnonResource-Backend-Cookie").mark("proxy", plant(
                    "the NSE probe for ProxyLogon", ["PL-03"], "probe", cve=["CVE-2021-26855"])).mark("front", plant(
                        "the NSE probe's path", ["PL-06"], "attempt", cve=["CVE-2021-26855"])),
        Request(at + 7200, "203.0.113.68", "POST", "/ecp/y.js", status=404, protocol="Ecp", agent="python-requests/2.25.1",
                anchor=f"ServerInfo~{world.server.name.lower()}.corp.example/autodiscover/autodiscover.xml?a=~1942062522",
                hint="X-BEResource-Cookie", backend_status=404).mark("proxy", plant(
                    "ServerInfo to autodiscover only", ["PL-02"], "attempt", cve=["CVE-2021-26855"])).mark("front", plant(
                        "a script that is not there", ["PL-06"], "attempt", cve=["CVE-2021-26855"])),
        Request(at + 9000, "203.0.113.69", "GET", "/autodiscover/autodiscover.json", status=404, agent="Mozilla/5.0",
                query="@evil.example/mapi/nspi?&Email=autodiscover/autodiscover.json%3F@evil.example",
                protocol="Autodiscover").mark("front", plant("ProxyShell refused", ["PS-01"], "attempt", cve=["CVE-2021-34473"])),
        Request(at + 9060, "203.0.113.69", "GET", "/autodiscover/autodiscover.json", status=403, agent="Mozilla/5.0",
                query="%2540evil.example/%2550owershell?X-Rps-CAT=VgEAVAdXaW5kb3dz", protocol="Autodiscover").mark("front", plant(
                    "ProxyShell refused, encoded twice", ["PS-01"], "attempt", cve=["CVE-2021-34473"])),
        Request(at + 9600, "203.0.113.70", "POST", "/owa/calendar/anything", status=400, protocol="Owa", agent="curl/7.68.0").mark(
            "front", plant("CVE-2021-28480 tried", ["K-04"], "attempt", cve=["CVE-2021-28480"])),
        Request(at + 9900, "203.0.113.70", "POST", "/ecp/user@corp.example/RulesEditor/InboxRules.svc/NewObject", status=500,
                protocol="Ecp", agent="curl/7.68.0").mark("front", plant(
                    "ProxyToken tried", ["K-02"], "attempt", cve=["CVE-2021-33766"])),
        Request(at + 12000, "203.0.113.71", "POST", "/owa/auth/logon.aspx", protocol="Owa", status=302, cs_bytes=1_400,
                agent="Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)").mark("front", plant(
                    "a crawler that posts", ["W-07"], "hunt"))]
    names = ("shell.aspx", "web.aspx", "discover.aspx", "supp0rt.aspx", "aspnet_www.aspx", "xx.aspx", "one.aspx", "t.aspx",
             "RedirSuiteServerProxy.aspx", "OutlookEN.aspx", "errorFF.aspx", "8Lw7tAhF9i1pJnRo.aspx", "log.ashx")
    for index, name in enumerate(names):
        folder = "/aspnet_client/" if index % 2 else "/owa/auth/"
        request = Request(at + 20000 + index * 1.5, "203.0.113.72", "GET", folder + name, status=404, agent="Go-http-client/1.1",
                          protocol="" if index % 2 else "Owa")
        if index == len(names) - 1:
            world.requests.append(Request(at + 20100, request.ip, "OPTIONS", "/*~1*/a.aspx", status=404, agent=request.agent))
            request.mark("front", plant("a search for other people's shells", ["W-05"], "hunt", loose=True))
        world.requests.append(request)
