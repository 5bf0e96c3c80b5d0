"""What lies on the disk of an Exchange server: Windows, the web roots with their pages, configuration, and nothing bad.

The pages are of our own making under the names of Microsoft's; the list of known-good hashes that goes with them is
written in the columns of the one that users import.
"""
import io
import zipfile

import hive
import pe

FRONT_PAGES = ("errorFE", "expiredpassword", "logoff", "logon", "OutlookCN", "RedirSuiteServiceProxy", "signout", "frowny",
               "SvmFeedback")
BACK_PAGES = ("error", "error2", "expiredpassword", "logoff", "signout")
PROTOCOLS = ("autodiscover", "ecp", "ews", "mapi", "oab", "owa", "powershell", "rpc", "sync")
IIS_MODULES = {  # name → image: those that IIS brings.
    "UriCacheModule": "%windir%\\System32\\inetsrv\\cachuri.dll", "FileCacheModule": "%windir%\\System32\\inetsrv\\cachfile.dll",
    "TokenCacheModule": "%windir%\\System32\\inetsrv\\cachtokn.dll", "HttpCacheModule": "%windir%\\System32\\inetsrv\\cachhttp.dll",
    "StaticFileModule": "%windir%\\System32\\inetsrv\\static.dll", "HttpLoggingModule": "%windir%\\System32\\inetsrv\\loghttp.dll",
    "WindowsAuthenticationModule": "%windir%\\System32\\inetsrv\\authsspi.dll",
    "ManagedEngineV4.0_64bit": "%windir%\\Microsoft.NET\\Framework64\\v4.0.30319\\webengine4.dll",
    "RewriteModule": "%SystemRoot%\\system32\\inetsrv\\rewrite.dll"}


def page(name, build):
    """A page as it could be: a directive, some markup, no code."""
    return (f'<%@ Page language="c#" AutoEventWireup="false" Inherits="Microsoft.Exchange.HttpProxy.{name}" %>\r\n'
            f"<!-- {name}, {build} -->\r\n<html><head><title>Outlook</title></head>\r\n<body>\r\n"
            f'<form action="/owa/auth.owa" method="POST"><input name="username"/></form>\r\n</body></html>\r\n')


def pages(world):
    """The web roots of Exchange and of IIS."""
    build = ".".join(str(part) for part in world.server.build)
    if world.server.build[0] >= 15:
        for name in FRONT_PAGES:
            world.microsoft(world.ex(f"FrontEnd/HttpProxy/owa/auth/{name}.aspx"), page(name, build))
        world.microsoft(world.ex("FrontEnd/HttpProxy/ecp/auth/TimeoutLogout.aspx"), page("TimeoutLogout", build))
        for name in PROTOCOLS:
            world.put(world.ex(f"FrontEnd/HttpProxy/{name}/web.config"), web_config())
        for name in ("scripts/premium/flogon.js", "themes/resources/segoeui-regular.ttf", "themes/resources/favicon.ico"):
            world.microsoft(world.ex(f"FrontEnd/HttpProxy/owa/auth/{build}/{name}"), f"{name}\r\n")
        world.put(world.ex("FrontEnd/HttpProxy/bin/Microsoft.Exchange.FrontEndHttpProxy.dll"), pe.image(world.server.build, dll=True))
        world.put(world.ex("FrontEnd/HttpProxy/owa/auth/corp-branding.js"), "document.title='Corp';\r\n", plants=[
            world.benign("a script of the organisation's own", "PL-06, F-02: a static file, no page")])
    for name in BACK_PAGES:
        world.microsoft(world.ex(f"ClientAccess/owa/auth/{name}.aspx"), page(name, build))
    for name in ("default", "error", "About"):
        world.microsoft(world.ex(f"ClientAccess/ecp/{name}.aspx"), page(name, build))
    world.microsoft(world.ex("ClientAccess/ecp/Handlers/UploadHandler.ashx"), '<%@ WebHandler Language="C#" Class="X" %>\r\n')
    world.microsoft(world.ex("ClientAccess/exchweb/ews/Exchange.asmx"), '<%@ WebService Language="c#" Class="Y" %>\r\n')
    world.microsoft(world.ex(f"ClientAccess/owa/prem/{build}/scripts/boot.worldwide.0.mouse.js"), "var boot;\r\n")
    for name in ("owa/service.svc", "ecp/DDI/DDIService.svc", "ecp/RulesEditor/InboxRules.svc"):
        world.microsoft(world.ex(f"ClientAccess/{name}"), f'<%@ ServiceHost Language="c#" Service="{name}" %>\r\n')
    world.put(world.ex("ClientAccess/ecp/web.config"), web_config())
    world.put(world.ex("ClientAccess/owa/web.config"), web_config())
    world.put(world.c("inetpub/wwwroot/iisstart.htm"), "<html><body>IIS</body></html>\r\n")
    world.put(world.c("inetpub/wwwroot/aspnet_client/system_web/4_0_30319/WebUIValidation.js"), "var Page_Validators;\r\n")
    world.put(world.c("inetpub/wwwroot/aspnet_client/system_web/logo.png"), b"\x89PNG\r\n\x1a\n" + bytes(64))
    intranet = world.c("inetpub/intranet/default.aspx")
    world.put(intranet, page("intranet", "1"), plants=[world.benign("a page of another web site", "F-01, F-02: no folder of Exchange's")])


def binaries(world):
    """bin, and what of Windows somebody looks at."""
    build = world.server.build
    for name in ("ExSetup.exe", "store.exe", "UMWorkerProcess.exe", "MSExchangeHMHost.exe"):
        path = world.ex(f"bin/{name}")
        world.put(path, pe.image(build, {"OriginalFilename": name, "ProductName": "Microsoft® Exchange"}))
    for name in ("cachuri.dll", "static.dll", "loghttp.dll", "authsspi.dll", "rewrite.dll"):
        world.put(world.c(f"Windows/System32/inetsrv/{name}"), pe.image((10, 0, 14393, 0), dll=True))
    world.put(world.c("Windows/NTDS/ntds.dit"), b"\0" * 8192, plants=[
        world.benign("the directory's own database", "F-10: in Windows\\NTDS")])
    world.put(world.c("ProgramData/McAfee/Agent/update/current.zip"), zip_of({"avvdat.ini": b"[x]\r\n"}), plants=[
        world.benign("a vendor's archive in ProgramData", "F-11: nothing of interest in it")])
    world.put(world.c("Windows/System32/Tasks/Microsoft/Windows/Defrag/ScheduledDefrag"), task(
        "%windir%\\system32\\defrag.exe", "-c -h", author="Microsoft Corporation"), plants=[
            world.benign("a task of Windows", "F-13: an image of Windows")])
    world.tasks.append(("Microsoft\\Windows\\Defrag\\ScheduledDefrag", True))
    world.put(world.c("ExchangeSetupLogs/ExchangeSetup.log"),
              f"[{world.options.installed} 10:00:00.0000] [0] The Exchange Server setup operation completed successfully.\r\n")
    owa = world.c("Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files/owa/8e05b027/e164d61b")
    world.put(f"{owa}/logon.aspx.cdcab7d2.compiled", compiled("/owa/auth/logon.aspx"), plants=[
        world.benign("a compiled page of Microsoft's", "F-04: its page is there")])
    world.put(f"{owa}/App_Web_logon.aspx.cdcab7d2.k2j3h4g5.dll", pe.image((0, 0, 0, 0), dll=True, signed=False))


def compiled(virtual_path):
    """A .compiled file as ASP.NET leaves it."""
    name = virtual_path.rsplit("/", 1)[-1]
    return (f'<?xml version="1.0" encoding="utf-8"?>\r\n<preserve resultType="3" virtualPath="{virtual_path}" hash="42f1c35b1" '
            f'filehash="ffff9f1b2c3d4e5f" flags="110000" assembly="App_Web_{name}.cdcab7d2.k2j3h4g5" type="ASP.{name.replace(".", "_")}">'
            f'\r\n    <filedeps>\r\n        <filedep name="{virtual_path}" />\r\n    </filedeps>\r\n</preserve>\r\n')


def task(command, arguments, author="", hidden=False, user="S-1-5-18"):
    """A scheduled task's XML, in UTF-16 as Windows writes it."""
    registration = f"<Author>{author}</Author>" if author else ""
    text = f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Date>2021-03-03T04:20:00</Date>{registration}</RegistrationInfo>
  <Triggers><CalendarTrigger><StartBoundary>2021-03-03T05:00:00</StartBoundary></CalendarTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>{user}</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Hidden>{str(hidden).lower()}</Hidden><Enabled>true</Enabled></Settings>
  <Actions Context="Author"><Exec><Command>{command}</Command><Arguments>{arguments}</Arguments></Exec></Actions>
</Task>
"""
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


def zip_of(names, encrypted=False):
    """A ZIP without times of now; `encrypted` sets the flag of each entry, as a locked archive has it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in names.items():
            archive.writestr(zipfile.ZipInfo(name, (2021, 3, 3, 4, 30, 0)), octets)
    octets = bytearray(out.getvalue())
    if encrypted:
        for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = octets.find(signature)
            while at >= 0:
                octets[at + flag] |= 1
                at = octets.find(signature, at + 4)
    return bytes(octets)


REWRITE_AUTODISCOVER = """<rewrite><rules><rule name="EEMS M1.1 PowerShell - inbound" patternSyntax="ECMAScript" stopProcessing="true">
  <match url=".*" /><conditions><add input="{UrlDecode:{REQUEST_URI}}" pattern="(?=.*autodiscover)(?=.*powershell)" /></conditions>
  <action type="AbortRequest" /></rule></rules></rewrite>"""
REWRITE_COOKIES = """<rewrite><rules>
  <rule name="X-AnonResource-Backend Abort - inbound" stopProcessing="true"><match url=".*" /><conditions>
    <add input="{HTTP_COOKIE}" pattern="(.*)X-AnonResource-Backend(.*)" /></conditions><action type="AbortRequest" /></rule>
  <rule name="X-BEResource Abort - inbound" stopProcessing="true"><match url=".*" /><conditions>
    <add input="{HTTP_COOKIE}" pattern="(.*)X-BEResource=(.+)/(.+)~(.+)" /></conditions><action type="AbortRequest" /></rule>
</rules></rewrite>"""


def web_config(more=""):
    """A web.config; `more` lies in system.webServer."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\r\n<configuration>\r\n  <system.web><compilation debug="false" /></system.web>\r\n'
            f"  <system.webServer>{more}</system.webServer>\r\n</configuration>\r\n")


def application_host(world):
    """applicationHost.config of the server, with the directories and modules that attacks have put into it."""
    directories = {"/": "%SystemDrive%\\inetpub\\wwwroot", "/aspnet_client": "%SystemDrive%\\inetpub\\wwwroot\\aspnet_client"}
    for name in PROTOCOLS:
        directories[f"/{name}"] = world.windows(world.ex(f"FrontEnd/HttpProxy/{name}"))
    evil = {path: physical for path, physical, _ in world.virtual_directories}
    folder = world.windows(world.iis_logs) if world.options.iis_logs else "%SystemDrive%\\inetpub\\logs\\LogFiles"
    modules = IIS_MODULES | {name: image for name, image, _ in world.modules}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<configuration>", "  <system.applicationHost>",
             '    <log><centralW3CLogFile enabled="true" directory="%SystemDrive%\\inetpub\\logs\\LogFiles" /></log>', "    <sites>",
             f'      <siteDefaults><logFile logFormat="W3C" directory="{folder}" /></siteDefaults>',
             '      <site name="Default Web Site" id="1">']
    for path, physical in (directories | evil).items():
        lines.append(f'        <application path="{path}" applicationPool="MSExchangeOWAAppPool"><virtualDirectory path="/" '
                     f'physicalPath="{physical}" /></application>')
    lines += ['        <bindings><binding protocol="https" bindingInformation="*:443:" /></bindings>', "      </site>",
              '      <site name="Exchange Back End" id="2">', '        <application path="/ecp"><virtualDirectory path="/" physicalPath="'
              + world.windows(world.ex("ClientAccess/ecp")) + '" /></application>', "      </site>", "    </sites>",
              "  </system.applicationHost>", "  <system.webServer>", "    <globalModules>"]
    for name, image in modules.items():
        lines.append(f'      <add name="{name}" image="{image}" />')
    lines += ["    </globalModules>", f'    <httpLogging dontLog="{"true" if world.logging_off else "false"}" />', "  </system.webServer>"]
    for name in ("EWS", "mapi", "OAB"):
        lines += [f'  <location path="Default Web Site/{name}"><system.webServer><security><authentication>',
                  f'    <windowsAuthentication enabled="true"><extendedProtection tokenChecking="{world.options.protection}" />',
                  "    </windowsAuthentication></authentication></security></system.webServer></location>"]
    lines.append("</configuration>")
    path = world.c("Windows/System32/inetsrv/config/applicationHost.config")
    world.put(path, "\r\n".join(lines) + "\r\n", world.end - 7200)
    found = [(f'"{needle}"', plant) for needle, _, plant in [*world.virtual_directories, *world.modules]]
    if world.options.protection == "None":
        found.append(('tokenChecking="None"', world.plant("credentials can be relayed", ["K-05"], "exposed", cve=["CVE-2024-21410"])))
    if world.logging_off:
        found.append(('dontLog="true"', world.logging_off))
    for needle, plant in found:
        plant.place(path, next(number for number, line in enumerate(lines, 1) if needle in line))


def registry(world):
    """The hives that are asked for the installation, the time zone and the tasks."""
    generation = "v14" if world.server.build[0] == 14 else "v15"
    keys = hive.software(world.install, world.server.build, world.tasks, generation)
    for name, of in (("SOFTWARE", keys), ("SYSTEM", hive.system(world.server.name))):
        path = world.c(f"Windows/System32/config/{name}")
        hive.write(world.root / path, name, of)
        world.times[path] = world.end - 3600


def mitigate(world):
    """The published stop-gaps: rewrite rules instead of an update."""
    path = world.c("inetpub/wwwroot/web.config")
    world.put(path, web_config(REWRITE_AUTODISCOVER.replace("</rules></rewrite>", REWRITE_COOKIES.partition("<rules>")[2])), plants=[
        world.plant("rewrite rules that stop known attacks", ["PN-04", "PL-M"], "hunt")])


def clean(world):
    """A whole server as it should be. The configuration and the registry come last: attacks add to them."""
    pages(world)
    binaries(world)
    if world.options.mitigated:
        mitigate(world)
    else:
        world.put(world.c("inetpub/wwwroot/web.config"), web_config())
