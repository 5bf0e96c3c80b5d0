"""What an intruder is free to choose, chosen by the seed: names, encodings, upper and lower case, programs, delays. The rules
must not care."""

AGENTS = ("python-requests/2.25.1", "ExchangeServicesClient/0.0.0.0", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
          "antSword/v2.1", "Mozilla/5.0+(compatible;+Baiduspider/2.0;++http://www.baidu.com/search/spider.html)", "", "Go-http-client/1.1",
          "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)", "Microsoft Office/16.0 (Windows NT 10.0; Outlook, 16.0)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def word(rng, least, most):
    """Letters and digits."""
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randint(least, most)))


def cased(rng, text):
    """The text in upper and lower case as it comes."""
    return "".join(character.upper() if rng.random() < 0.3 else character for character in text)


def encoded(rng, text):
    """The text with some of its characters URL-encoded, up to three times over."""
    out = []
    for character in text:
        if character.isalnum() and rng.random() < 0.25:
            layers = rng.randint(1, 3)
            digits = f"{ord(character):02x}"
            out.append("%" + "25" * (layers - 1) + (digits.upper() if rng.random() < 0.5 else digits))
        else:
            out.append(character)
    return "".join(out)


def short_names(path):
    """A Windows path with the 8.3 names that its long parts have if they were made first."""
    parts = []
    for part in path.split("\\"):
        stem, dot, extension = part.rpartition(".") if "." in part else (part, "", "")
        if len(stem) > 8 or " " in part:
            part = "".join(character for character in stem if character.isalnum())[:6].upper() + "~1" + dot + extension[:3].upper()
        parts.append(part)
    return "\\".join(parts)


def spelled(rng, path):
    """A Windows path as one of the names that lead to the same file."""
    return rng.choice((path, path.upper(), "\\\\?\\" + path, "\\\\localhost\\" + path.replace(":", "$", 1), short_names(path)))


def page_name(rng):
    """A name for a page that is not one of Microsoft's."""
    return word(rng, 3, 12) + rng.choice((".aspx", ".aspx", ".aspx", ".ASPX", ".Aspx"))


def page_folder(rng):
    """Where in wwwroot pages have been planted."""
    return rng.choice(("/aspnet_client/", "/aspnet_client/system_web/", "/aspnet_client/system_web/4_0_30319/", "/aspnet_client/Client/"))


def share(rng, server, folder, name):
    """A path in inetpub as an export request is given it."""
    host = rng.choice(("127.0.0.1", "localhost", server, server.lower()))
    inside = folder.strip("/").replace("/", "\\")
    return f"\\\\{host}\\{rng.choice('cC')}$\\inetpub\\wwwroot\\{inside}\\{name}"
