"""What is planted as web shells: inert texts of our own making in the disguises of real ones.

None of them can run: each holds `@@ made for tests @@` where code is expected, so that ASP.NET refuses to compile it. The
words that scanners look for are put together here from halves, so that this file itself is no match for them.
"""
INERT = "@@ made for tests, does not compile @@"
_EVAL, _REQUEST, _PAGE, _RUNAT = "ev" + "al", "Req" + "uest", "Pa" + "ge", "run" + "at"
_UNSAFE, _SCRIPT, _START = "un" + "safe", "scr" + "ipt", "Pro" + "cess.Start"


def _sink(key):
    return f'{_EVAL}({_REQUEST}["{key}"],"{_UNSAFE}")'


def one_line(key="made-for-tests"):
    """The shortest form."""
    return f'<%@ {_PAGE} Language="JScript"%><%{INERT}{_sink(key)};%>\r\n'


def external_url(key="made-for-tests"):
    """What an attacker sets as the URL of a virtual directory."""
    return f'http://f/<{_SCRIPT} language="JScript" {_RUNAT}="server">function Page_Load(){{{INERT}{_sink(key)};}}</{_SCRIPT}>'


def oab_dump(key="made-for-tests", server="EX01"):
    """The properties of an OAB virtual directory, as resetting it writes them to a file: one is a page."""
    rows = {
        "Name": "OAB (Default Web Site)", "PollInterval": "480", "OfflineAddressBooks": "", "RequireSSL": "True",
        "BasicAuthentication": "False", "WindowsAuthentication": "True", "OAuthAuthentication": "True",
        "MetabasePath": f"IIS://{server}.corp.example/W3SVC/1/ROOT/OAB",
        "Path": "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd\\HttpProxy\\OAB",
        "ExtendedProtectionTokenChecking": "None", "ExtendedProtectionFlags": "", "ExtendedProtectionSPNList": "",
        "AdminDisplayVersion": "Version 15.1 (Build 2176.2)", "Server": server,
        "InternalUrl": f"https://{server.lower()}.corp.example/OAB", "InternalAuthenticationMethods": "WindowsIntegrated",
        "ExternalUrl": external_url(key), "ExternalAuthenticationMethods": "WindowsIntegrated", "AdminDisplayName": "",
        "ObjectCategory": "corp.example/Configuration/Schema/ms-Exch-OAB-Virtual-Directory",
        "WhenChanged": "3/3/2021 4:12:31 AM", "WhenCreated": "11/5/2019 7:58:12 PM", "IsValid": "True"}
    return "\r\n".join(f"{name:<31} : {value}" for name, value in rows.items()) + "\r\n"


def base64_loader():
    """Loads an assembly out of the request."""
    return (f'<%@ {_PAGE} Language="C#" %>\r\n<% {INERT}\r\nvar b = System.Convert.From' + 'Base64String('
            f'{_REQUEST}.Form["k"]);\r\nvar a = System.Reflection.Ass' + 'embly.Lo' + 'ad(b);\r\n'
            'a.CreateInstance("made.for.tests").Equals(this);\r\n%>\r\n')


def command_runner():
    """Gives a parameter to a command line."""
    return (f'<%@ {_PAGE} Language="C#" validateRequest="false" %>\r\n<{_SCRIPT} {_RUNAT}="server">\r\n{INERT}\r\n'
            f'void Page_Load(object s, System.EventArgs e) {{\r\n  var i = new System.Diagnostics.Pro'
            f'cessStartInfo("cmd.exe", "/c " + {_REQUEST}["c"]);\r\n  Response.Write(System.Diagnostics.{_START}(i)'
            f'.StandardOutput.ReadToEnd());\r\n}}\r\n</{_SCRIPT}>\r\n')


def comment_broken():
    """Keywords with comments in their middle."""
    return (f'<%@ {_PAGE} Language="JScript"%><%{INERT}var/**/p/**/=/**/{_REQUEST}/*x*/./*y*/Item/*z*/["k"];'
            f'{_EVAL}/*a*/(p,/*b*/"un"/*c*/+"safe");%>')


def unicode_escaped():
    """Keywords as escapes."""
    hidden = "".join(f"\\u{ord(character):04x}" for character in _EVAL)
    return f'<%@ {_PAGE} Language="JScript"%><%{INERT}{hidden}({_REQUEST}.Item["k"],"un"+"safe");%>'


def utf16(text):
    """The page in UTF-16 with its mark."""
    return b"\xff\xfe" + text.encode("utf-16-le")


def behind_blanks():
    """A page that begins far to the right and far below."""
    return "\r\n" * 3000 + " " * 200_000 + one_line()


def handler(directive="WebHandler"):
    """The same as .ashx or .asmx."""
    return (f'<%@ {directive} Language="C#" Class="Made" %>\r\n{INERT}\r\npublic class Made {{ public void Run(object c) {{ '
            f'System.Diagnostics.{_START}("cmd.exe", {_REQUEST}["c"]); }} }}\r\n')


def in_pst():
    """Head of a PST file, then text: what a mailbox export leaves."""
    return b"!BDN" + bytes(range(256)) * 4 + b"\0" * 500 + one_line().encode() + b"\0" * 1000


def in_der():
    """Head of a certificate request, then text."""
    return b"\x30\x82\x04\x10\x30\x82\x03\x02" + bytes(range(128, 256)) * 2 + one_line().encode() + b"\x30\x82" * 30


def in_gif():
    """Head of a picture, then text."""
    return b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + one_line().encode()


def modified_page(original):
    """A page of Microsoft's with a line more."""
    return original.replace("</body>", f'<{_SCRIPT} language="JScript" {_RUNAT}="server">{INERT}{_sink("m")}</{_SCRIPT}>\r\n</body>')
