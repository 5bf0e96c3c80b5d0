"""What Windows and Exchange log about themselves on a quiet day; among it what resembles the attacks and is none."""
import events
import logs
import variation

APPLICATION, SECURITY, SYSTEM, MANAGEMENT = ("Application.evtx", "Security.evtx", "System.evtx", "MSExchange Management.evtx")
TASKS = "Microsoft-Windows-TaskScheduler%4Operational.evtx"
POWERSHELL = "Microsoft-Windows-PowerShell%4Operational.evtx"
SYSMON = "Microsoft-Windows-Sysmon%4Operational.evtx"
W3WP = "C:\\Windows\\System32\\inetsrv\\w3wp.exe"
FRAMEWORK = "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319"


def every_day(world, day):
    """Services, logons, processes, cmdlets, the control panel and the address book, of one day."""
    rng = world.rng
    for hour in range(0, 24, 3):
        at = day + hour * 3600 + rng.random() * 900
        world.event(SYSTEM, events.SERVICE_STATE, at, {"param1": "Windows Update", "param2": "running"})
        world.event(SECURITY, events.LOGGED_ON, at + 5, events.logon(rng.choice(world.people).account[5:], "10.1.0.77"))
        world.event(SECURITY, events.PROCESS_CREATED, at + 9, events.process(
            "C:\\Windows\\System32\\svchost.exe", "svchost.exe -k netsvcs", "C:\\Windows\\System32\\services.exe"))
        world.event(MANAGEMENT, events.CMDLET_SUCCEEDED, at + 20, events.cmdlet(
            "Get-Mailbox", f'-Identity "{rng.choice(world.people).smtp}"', user="corp.example/Users/Helpdesk"))
        world.event(TASKS, events.TASK_ACTION, at + 30, {
            "TaskName": "\\Microsoft\\Windows\\Defrag\\ScheduledDefrag", "ActionName": "defrag.exe",
            "TaskInstanceId": "{8B1F6D2E-0C4A-4B57-9F0E-3A2B1C0D9E8F}", "EnginePID": 1200})
        world.event(SYSMON, events.SYSMON_PROCESS, at + 40, events.sysmon_process(
            "C:\\Windows\\System32\\taskhostw.exe", "taskhostw.exe", "C:\\Windows\\System32\\svchost.exe",
            "svchost.exe -k netsvcs", logs.iso(at)))
    world.event(APPLICATION, events.UM_STARTED, day + 4 * 3600, ["Started", "UM"])
    world.event(POWERSHELL, events.SCRIPT_BLOCK, day + 9 * 3600, events.script("Get-ExchangeServer | Get-QueueDigest"))
    directory = world.windows(world.ex("ClientAccess/OAB"))
    world.oab.append((day + 5 * 3600, "OAB generation of 'Default Offline Address Book' succeeded.", []))
    looked = logs.ecp_data("Get-OabVirtualDirectory.Identity=''OAB''", "/ecp/DDI/DDIService.svc/GetObject")
    world.ecp.append((day + 10 * 3600, looked, []))
    world.ecp.append((day + 11 * 3600, 'S:TIME=18;S:SID=x;S:CMD=Get-MailboxStatistics.Identity="Öztürk, Änne";S:URL=/ecp/', []))
    world.rps.append((day + 10.5 * 3600, {
        "UrlStem": "/powershell", "UrlQuery": "clientApplication=EMC;PSVersion=5.1.14393.3866", "HttpStatus": 200,
        "ClientIpAddress": "10.1.0.40", "AuthenticatedUser": "corp.example\\Administrator", "ClientInfo": "Microsoft WinRM Client"}, []))
    world.rps.append((day + 12 * 3600, {
        "UrlStem": "/powershell", "UrlQuery": "X-Rps-CAT=VgEAVA", "HttpStatus": 200, "ClientIpAddress": "127.0.0.1",
        "AuthenticatedUser": "NT AUTHORITY\\SYSTEM", "ClientInfo": "Exchange BackEnd Probes"}, []))
    world.cmdlets.append((day + 13 * 3600, {"Cmdlet": "Get-MailboxDatabase", "Parameters": "-Status", "ExecutionResult": "Success",
                                            "AuthenticatedUser": "NT AUTHORITY\\SYSTEM"}, []))
    for name in (f"{directory}\\Temp\\f1b2.tmp", f"\\\\?\\{directory.lower()}\\Temp\\a.lzx",
                 variation.short_names(f"{directory}\\Temp\\a.lzx"), f"\\\\localhost\\{directory.replace(':', '$', 1)}\\b.lzx"):
        if day == world.begin:
            world.oab.append((day + 5.5 * 3600, f"Download failed and temporary file '{name}' needs to be removed.", [
                world.benign("the OAB generator cleans its own folder", "PL-12: beneath ClientAccess\\OAB")]))


def look_alikes(world, at):
    """Once in the time: what administrators and Exchange rightly do that a careless rule calls an attack."""
    def managed(after, name, parameters, why):
        world.event(MANAGEMENT, events.CMDLET_SUCCEEDED, at + after, events.cmdlet(name, parameters), [world.benign(name, why)])
    host = world.server.host
    managed(0, "Set-OabVirtualDirectory", f'-Identity "{world.server.name}\\OAB (Default Web Site)" -ExternalUrl "https://{host}/OAB"',
            "PL-15: a clean URL")
    managed(60, "Set-OwaVirtualDirectory", f'-Identity "owa" -ExternalUrl "https://{host}/owa" -InternalUrl $null', "PL-15: a clean URL")
    managed(120, "New-MailboxExportRequest", '-Mailbox "leaver@corp.example" -FilePath "\\\\fs01\\pst$\\leaver.pst"',
            "PS-04: a PST on a share")
    managed(180, "New-ExchangeCertificate", '-GenerateRequest "True" -RequestFile "\\\\fs01\\certs\\mail.req" -SubjectName "CN=mail"',
            "PS-06: not beneath a web root")
    managed(240, "Remove-MobileDevice", '-Identity "x" -Confirm "False"', "PS-07: no export request")
    url = f"https://{host}/OAB"
    world.ecp.append((at + 5, logs.ecp_data(f"Set-OabVirtualDirectory.ExternalUrl=''{url}''.Identity=''7f9c2d11-OAB''"), [
        world.benign("an administrator sets a URL", "PL-14: a clean URL")]))
    world.event(APPLICATION, events.UM_ERROR, at + 300, ["corp.example", "System.IO.IOException: The network path was not found."], [
        world.benign("Unified Messaging loses a share", "PL-09: no InvalidCastException")])
    worker = world.windows(world.ex("bin/UMWorkerProcess.exe"))
    for image, parent, command, why in (
            ("C:\\Windows\\System32\\WerFault.exe", worker, "WerFault.exe -u -p 4120 -s 1000", "PL-10: WerFault"),
            (f"{FRAMEWORK}\\csc.exe", W3WP, f"csc.exe /noconfig /fullpaths @\"{FRAMEWORK}\\Temporary ASP.NET Files\\owa\\a.cmdline\"",
             "F-16: ASP.NET compiles a page"),
            ("C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe", "C:\\Windows\\System32\\msiexec.exe",
             "powershell.exe Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Setup", "F-18: below msiexec")):
        world.event(SECURITY, events.PROCESS_CREATED, at + 400, events.process(image, command, parent), [
            world.benign(image.rsplit("\\", 1)[-1], why)])
    world.event(SYSMON, events.SYSMON_FILE, at + 500, events.sysmon_file(
        worker, world.windows(world.ex("UnifiedMessaging/temp/CacheCleanup.bin")), logs.iso(at)), [
            world.benign("UMWorkerProcess writes its cache", "PL-11: CacheCleanup.bin")])
    world.event(SYSTEM, events.SERVICE_INSTALLED, at + 600, {
        "ServiceName": "Microsoft Exchange Health Manager", "ImagePath": f'"{world.windows(world.ex("bin/MSExchangeHMHost.exe"))}"',
        "ServiceType": "user mode service", "StartType": "auto start", "AccountName": "LocalSystem"}, [
            world.benign("a service of Exchange's is installed", "T1543: an image in its own bin")])
