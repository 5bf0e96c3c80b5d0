"""What intruders leave on a disk: pages in disguise, ghosts of deleted ones, dumps, archives, tasks, modules; and names
and links that are there to break whoever walks the tree."""
import os
import struct

import disk
import events
import pe
import shells

WWW = "inetpub/wwwroot/aspnet_client"
TEMPORARY = "Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files/root/e22c2559/92c7e946"


def disguised_pages(world, at):
    """A page in each disguise."""
    owa = "FrontEnd/HttpProxy/owa/auth"
    one, dump = shells.one_line(), shells.oab_dump()
    cases = [  # path, octets, rules
        (world.c(f"{WWW}/supp0rt.aspx"), one, ["F-01", "F-06"]),
        (world.c(f"{WWW}/system_web/4_0_30319/deep/er/log.ashx"), shells.handler(), ["F-01"]),
        (world.c(f"{WWW}/svc.asmx"), shells.handler("WebService"), ["F-01"]),
        (world.c(f"{WWW}/run.soap"), shells.handler("WebService"), ["F-01"]),
        (world.c(f"{WWW}/old.cer"), one, ["F-01"]),
        (world.c(f"{WWW}/UPPER.ASPX"), shells.command_runner(), ["F-01", "F-06"]),
        (world.c(f"{WWW}/wide.aspx"), shells.utf16(one), ["F-01", "F-06"]),
        (world.c(f"{WWW}/far.aspx"), shells.behind_blanks(), ["F-01"]),
        (world.c(f"{WWW}/picture.aspx"), shells.in_gif(), ["F-01", "PS-08"]),
        (world.c(f"{WWW}/comment.aspx"), shells.comment_broken(), ["F-01", "F-06"]),
        (world.c(f"{WWW}/escape.aspx"), shells.unicode_escaped(), ["F-01", "F-06"]),
        (world.c(f"{WWW}/load.aspx"), shells.base64_loader(), ["F-01", "F-06"]),
        (world.ex(f"{owa}/RedirSuiteServerProxy.aspx"), dump, ["F-02", "F-03", "PL-17"]),
        (world.ex(f"{owa}/OutlookEN.aspx"), one, ["F-02", "F-03"]),
        (world.ex(f"{owa}/errorFF.aspx"), one, ["F-02", "F-03"]),
        (world.ex(f"{owa}/Current/themes/resources/error.aspx"), one, ["F-02"]),
        (world.ex("FrontEnd/HttpProxy/ecp/auth/TimeoutLogoff.aspx"), shells.base64_loader(), ["F-02", "F-03"]),
        (world.ex("ClientAccess/owa/auth/8Lw7tAhF9i1pJnRo.aspx"), shells.command_runner(), ["F-02", "F-06"])]
    if world.server.build[0] == 14:
        cases = [case for case in cases if "/FrontEnd/" not in case[0]]
    for path, octets, rules in cases:
        world.put(path, octets, at, [world.plant("a planted page", rules, "exploited")])


def modified_page(world, at):
    """Microsoft's logon page with a line more; the time is set back to that of its neighbours."""
    path = world.ex("FrontEnd/HttpProxy/owa/auth/logon.aspx")
    original = (world.root / path).read_bytes().decode()
    covered = world.options.baseline == "full"
    world.put(path, shells.modified_page(original), plants=[world.plant(
        "a page of Microsoft's, modified", ["F-02", "F-06"], "exploited", covered=covered)])
    world.stomped.add(path)


def hidden_pages(world, at):
    """Attributes, streams and times that hide a page."""
    path = world.c(f"{WWW}/hidden.aspx")
    plant = world.plant("a page that is read-only, hidden and of the system", ["F-01", "F-08"], "exploited", attributes="RHSA")
    world.put(path, shells.one_line(), at, [plant])
    plant.keys["attributes_set"] = world.attributes(path, "RHSA")
    path = world.c(f"{WWW}/system_web/stream.png")
    plant = world.plant("a page in another stream of a picture", ["F-08"], "exploited", stream="x.aspx")
    world.put(path, b"\x89PNG\r\n\x1a\n" + bytes(64), at, [plant])
    plant.keys["attributes_set"] = world.extended(path, "user.x.aspx", shells.one_line().encode())
    path = world.c(f"{WWW}/stomped.aspx")
    world.put(path, shells.one_line(), at - 3 * 365 * 86400, [world.plant(
        "a page older than the server by its time", ["F-01", "F-07"], "exploited")])
    world.stomped.add(path)
    world.born[path] = at


def ghosts(world, at):
    """Pages that were run and then deleted: what ASP.NET compiled of them is still there."""
    for name, virtual in (("ohno.aspx", "/aspnet_client/ohno.aspx"), ("gone.aspx", "/aspnet_client/gone.aspx")):
        path = world.c(f"{TEMPORARY}/{name}.f5dba9b9.compiled")
        world.put(path, disk.compiled(virtual), at, [world.plant("a page that ran and is gone", ["F-04"], "exploited", ghost=virtual)])
        world.put(world.c(f"{TEMPORARY}/App_Web_{name}.f5dba9b9.q1w2e3r4.dll"), pe.image((0, 0, 0, 0), dll=True, signed=False), at, [
            world.trace("what it was compiled to")])


def minidump(process="lsass.exe", module="lsasrv.dll"):
    """The head of a minidump whose module list names those of a process; there is no memory in it."""
    texts = [f"C:\\Windows\\System32\\{name}" for name in (process, module, "ntdll.dll")]
    at, body, modules = 32 + 12, b"", b""
    strings_at = at + 4 + 108 * len(texts)
    for text in texts:
        raw = text.encode("utf-16-le")
        modules += struct.pack("<QIIII", 0x7FF000000000, 0x10000, 0, 0x5F5E1000, strings_at + len(body)).ljust(108, b"\0")
        body += struct.pack("<I", len(raw)) + raw + b"\0\0"
    listing = struct.pack("<I", len(texts)) + modules
    header = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, 1, 32, 0, 0x603F0E5E, 2)
    return header + struct.pack("<III", 4, len(listing), at) + listing + body


def theft(world, at):
    """Credentials and mail, made ready to be taken away."""
    world.put(world.c("Windows/Temp/lsass.dmp"), minidump(), at, [world.plant("a dump of lsass", ["F-09"], "exploited")])
    world.put(world.c("ProgramData/a.bin"), minidump(), at + 5, [world.plant("a dump of lsass under another name", ["F-09"], "exploited")])
    world.put(world.c(f"{WWW}/0.dmp.zip"), disk.zip_of({"lsass.dmp": minidump()}), at + 9, [
        world.plant("a dump, packed", ["F-11", "F-12"], "exploited")])
    world.put(world.c("Windows/Temp/notepad.dmp"), minidump("notepad.exe", "comctl32.dll"), at, [
        world.benign("a dump of another program", "F-09: no module of lsass")])
    world.put(world.c("PerfLogs/1/ntds.dit"), b"\0\0\0\0\xef\xcd\xab\x89" + bytes(8192), at + 20, [
        world.plant("the directory's database, copied", ["F-10"], "exploited")])
    world.put(world.c("PerfLogs/1/SYSTEM"), b"regf" + bytes(4092), at + 20, [world.plant("a copied hive", ["F-10"], "exploited")])
    mail = {f"pst/{one.smtp}.pst": b"!BDN" + bytes(500) for one in world.people[:3]}
    world.put(world.c("ProgramData/it.zip"), disk.zip_of(mail), at + 60, [
        world.plant("mailboxes, packed", ["F-11", "F-12"], "exploited", names=list(mail))])
    world.put(world.c("inetpub/wwwroot/aspnet_client/system_web/backup.png"), disk.zip_of(mail, encrypted=True), at + 70, [
        world.plant("mailboxes, packed and locked, under another name in a web root", ["F-11"], "exploited")])
    world.put(world.c("ProgramData/7z.log"), b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(200), at + 80, [
        world.plant("an archive under another name", ["F-11"], "attempt")])
    for after, command in ((0, "rundll32.exe C:\\Windows\\System32\\comsvcs.dll MiniDump 640 C:\\Windows\\Temp\\lsass.dmp full"),
                           (20, "cmd.exe /c vssadmin list shadows >> c:\\windows\\Temp\\__output")):
        world.event("Security.evtx", events.PROCESS_CREATED, at + after, events.process(
            "C:\\Windows\\System32\\" + command.split()[0], command, "C:\\Windows\\System32\\cmd.exe"), [
                world.plant("credentials are taken", ["F-09" if "comsvcs" in command else "F-10"], "exploited")])


def persistence(world, at):
    """Tasks, IIS modules, transport agents, and the traces that Hafnium is known by."""
    tasks = "Windows/System32/Tasks"
    world.put(world.c(f"{tasks}/VSPerfMon"), disk.task("C:\\ProgramData\\VSPerfMon\\vs.bat", "", hidden=True), at, [
        world.plant("a known task", ["F-12", "F-13"], "exploited")])
    encoded = "-nop -w hidden -enc bQBhAGQAZQAgAGYAbwByACAAdABlAHMAdABzAA=="
    world.put(world.c(f"{tasks}/Winnet"), disk.task("powershell.exe", encoded), at, [
        world.plant("a task that runs encoded PowerShell", ["F-13"], "exploited")])
    world.tasks += [("VSPerfMon", False), ("Winnet", True), ("Hidden", False), ("Gone", True)]
    hive = world.c("Windows/System32/config/SOFTWARE")
    for what, tier in (("a task without a descriptor, and without a file", "exploited"), ("a task without a file", "hunt")):
        world.plant(what, ["F-13"], tier).place(hive)
    world.put(world.c(f"{tasks}/Unknown"), disk.task("%windir%\\system32\\defrag.exe", "-c", author="Microsoft Corporation"), at, [
        world.plant("a task that the registry does not know", ["F-13"], "hunt")])
    for path in ("ProgramData/VSPerfMon/vs.bat", "Users/Public/opera/Opera_browser.exe", "Windows/Temp/xx.bat", "Windows/Temp/cw.exe"):
        world.put(world.c(path), "rem made for tests\r\n", at, [world.plant("a known trace", ["F-12"], "exploited")])
    world.put(world.ex("FrontEnd/HttpProxy/owa/auth/google.log"), "made for tests\r\n", at, [
        world.plant("a known trace", ["F-12"], "exploited")])
    world.event("Microsoft-Windows-TaskScheduler%4Operational.evtx", events.TASK_REGISTERED, at, {
        "TaskName": "\\Winnet", "UserContext": "NT AUTHORITY\\SYSTEM"}, [world.trace("a task is registered")])
    image = world.c("Windows/System32/inetsrv/HttpMadeModule.dll")
    world.put(image, pe.image((1, 0, 0, 0), {"CompanyName": "Made For Tests"}, dll=True, signed=False, body=b"RegisterModule\0"), at, [
        world.plant("an IIS module of nobody's", ["F-14"], "exploited")])
    for name, place in (("HttpMadeModule", "%windir%\\System32\\inetsrv\\HttpMadeModule.dll"),
                        ("TempModule", "C:\\Windows\\Temp\\gone.dll")):
        world.modules.append((name, place, world.plant("an IIS module is loaded", ["F-14"], "attempt")))
    world.put(world.ex("ClientAccess/owa/web.config"), disk.web_config(
        '<modules><add name="MadeModule" type="Made.ForTests.Module, made" /></modules>'), at, [
            world.plant("a web.config loads a module of nobody's", ["F-14"], "attempt")])
    world.event("Microsoft-IIS-Configuration%4Operational.evtx", events.IIS_CONFIGURED, at + 2, {
        "PhysicalPath": "\\\\?\\C:\\Windows\\system32\\inetsrv\\config\\applicationHost.config", "ConfigPath": "MACHINE/WEBROOT/APPHOST",
        "EditOperationType": "2", "ConfigurationPath": "",
        "Configuration": "/system.webServer/modules/add", "NewValue": "HttpMadeModule", "OldValue": ""}, [
            world.plant("an IIS module is added", ["F-14"], "attempt")])
    world.event("MSExchange Management.evtx", events.CMDLET_SUCCEEDED, at + 300, events.cmdlet(
        "Install-TransportAgent", '-Name "Made" -TransportAgentFactory "Made.Factory" -AssemblyPath '
        f'"{world.windows(world.ex("TransportRoles/agents/Made/made.dll"))}"'), [
            world.plant("a transport agent is installed", ["F-15"], "attempt")])
    world.put(world.ex("TransportRoles/agents/Made/made.dll"), pe.image((1, 0, 0, 0), {"CompanyName": "?"}, dll=True, signed=False), at, [
        world.trace("the transport agent")])


def traps(world, at):
    """Names, links and files that break careless readers. Nothing in them is bad."""
    base = world.root / world.c("ProgramData/odd")
    base.mkdir(parents=True, exist_ok=True)
    for name in ("trailing dot.", "trailing space ", "\u202egnp.exe", "new\nline.txt", "quote'\"<b>.txt", "=cmd|' /C calc'!A0.csv", "ä" * 100):
        world.put(world.c(f"ProgramData/odd/{name}"), "x\r\n")
    with open(os.fsencode(base) + b"/not-utf8-\xff\xfe.txt", "wb") as file:
        file.write(b"x\r\n")
    world.times[world.c("ProgramData/odd/") + os.fsdecode(b"not-utf8-\xff\xfe.txt")] = at
    links = {"loop": "..", "Documents and Settings": "/", "outside": "/etc", "dangling": "nowhere"}
    for name, target in links.items():
        os.symlink(target, base / name)
    empty = world.c("inetpub/logs/LogFiles/W3SVC1/u_ex200101.log")
    world.put(empty, b"")
    sparse = world.c("ProgramData/odd/sparse.log")
    world.put(sparse, b"")
    os.truncate(world.root / sparse, 64 << 20)
    inner = disk.zip_of({"a": b"b"})
    world.put(world.c("ProgramData/odd/deep.zip"), disk.zip_of({
        "zeros": bytes(20 << 20), "../../escape.aspx": b"x", "inner.zip": inner}))
    nasty = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>=cmd|' /C calc'!A0 \u202egpj.exe " + "A" * 20_000
    world.event("Microsoft-Windows-PowerShell%4Operational.evtx", events.SCRIPT_BLOCK, at, events.script(nasty), [
        world.benign("text meant for the terminal and the page that show it", "F-16, F-18: nothing runs in it")])
    world.event("MSExchange Management.evtx", events.CMDLET_SUCCEEDED, at, events.cmdlet("Get-Mailbox", f'-Identity "{nasty}"'))
    fifo = base / "pipe"
    os.mkfifo(fifo)
    world.notes.append(f"{world.c('ProgramData/odd')}: names, links, a pipe, a sparse file, an archive that grows 1000-fold")


def all_of_it(world, at):
    """Everything above."""
    disguised_pages(world, at)
    if world.server.build[0] >= 15:
        modified_page(world, at)
    hidden_pages(world, at)
    ghosts(world, at)
    theft(world, at + 3600)
    persistence(world, at + 7200)
    world.event("System.evtx", events.SERVICE_INSTALLED, at + 7300, {
        "ServiceName": "made", "ImagePath": "C:\\ProgramData\\made.exe", "ServiceType": "user mode service",
        "StartType": "auto start", "AccountName": "LocalSystem"}, [world.trace("a service is installed")])
