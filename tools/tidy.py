#!/usr/bin/env python3
"""The house rules that a machine can hold us to; STYLE.md says why each is there.

usage: tools/tidy.py [FILE…]     all tracked and new sources, or some; prints FILE:LINE: what, and exits 1

Checked: the layer rule (which module may include which), file and function limits, banned calls, what the
core may not do, leftovers, and that each source includes its own header first. A line may carry
`// tidy: allow RULE, because …` to be let off one rule.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

CORE = {"base", "dns", "policy", "cache", "intel", "event", "detect", "exchange", "exposure", "config", "windows"}
MAX_HEADER_LINES, MAX_SOURCE_LINES = 400, 800
MAX_FUNCTION_LINES, MAX_PARAMETERS, MAX_NESTING = 70, 5, 4
# A table or a test case list may be long: these are data, or read top to bottom.
LONG_FUNCTION_OK = re.compile(r"_test\.cpp$|_bench\.cpp$|_fuzz\.cpp$")

BANNED = [  # everywhere in src
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(", "unbounded or unsafe C call"),
    (r"\b(atoi|atol|atof|strtol|strtoul|stoi|stol|stoul)\s*\(", "use std::from_chars, which reports errors"),
    (r"(?<![\w.>:])s?rand\s*\(", "randomness comes as an argument"),
    (r"(?<![\w.>:])(system|popen)\s*\(", "no shell"),
    (r"\bstd::regex\b", "std::regex: unbounded recursion and time"),
    (r"\busing\s+namespace\b", "using namespace"),
    (r"\bthread_local\b", "thread_local"),
    (r"\.detach\(\)", "detached thread"),
    # A private constructor cannot be reached by make_unique: `std::unique_ptr<T>(new T(…))` is all right.
    (r"^(?!.*_ptr<).*(?<![\w>])\bnew\s+[A-Z]\w*\s*[({]", "raw new; use std::make_unique"),
    (r"(?<![=\w]\s)\bdelete\s+\w", "raw delete"),
    (r"\bthrow\b(?!\()", "nothing of ours throws"),
    (r"\bstd::endl\b", "std::endl flushes"),
]
BANNED_IN_CORE = [
    (r"#include\s*<(thread|mutex|condition_variable|fstream|filesystem|iostream|random|future)>",
     "the core has no threads, files, streams or randomness"),
    (r"#include\s*<(sys/socket|netinet/in|fcntl|sys/epoll|sys/stat|unistd)\.h>", "the core does no I/O"),
    (r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\bgettimeofday\b|(?<!\w)time\s*\(\s*(NULL|nullptr|0)\s*\)",
     "the core reads no clock"),
    (r"\bgetenv\s*\(", "the core reads no environment"),
]
# base holds the thread-safe values themselves, and the owner of a descriptor.
BASE_MAY = re.compile(r"base/(published|guarded|bounded_queue|file_descriptor|log|metric|assert)\.")
LEFTOVERS = [
    (r"\b(FIXME|XXX|HACK)\b", "leftover"),
    (r"\bTODO\b(?!\(#\d+\))", "TODO without an issue: TODO(#123)"),
    (r"^\s*//\s*[\w:>.\-]+\([^)]*\);\s*$", "commented-out code"),
    (r"^\s*//\s*(if|for|while|return)\b.*[;{]\s*$", "commented-out code"),
]
# Absolute paths into somebody's own folders.
PLACES = re.compile(r"(?<![\w.])/(home|Users)/\w")

problems = []


def say(path, line, text):
    problems.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def may_know():
    """The modules that each may depend on, from the one place where it is written."""
    rule = {}
    for line in (ROOT / "cmake/module.cmake").read_text().splitlines():
        if found := re.match(r"set\(POSTERN_MAY_(\w+)\s*(.*)\)", line):
            rule[found[1]] = set(found[2].split()) | {"base", found[1]}
    return rule


def blank_comments_and_strings(text):
    """Same length and lines, with comments, strings and character literals blanked."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def parameters(head):
    """How many parameters the function has whose text before the brace is `head`."""
    close = head.rfind(")")
    while close >= 0:
        depth, at = 0, close
        while at >= 0:
            depth += (head[at] == ")") - (head[at] == "(")
            if depth == 0:
                break
            at -= 1
        if at < 0:
            return 0
        before = head[:at].rstrip()
        # A constructor's initialisers stand behind its parameters: look further left.
        if re.search(r"(?<!:):(?!:)\s*[\w<>:, ()&*.\[\]{}+-]*$", before) and before.rfind(")") >= 0:
            close = before.rfind(")")
            continue
        inside = head[at + 1:close]
        if not inside.strip() or inside.strip() == "void":
            return 0
        count, depth = 1, 0
        for character in inside:
            depth += character in "(<[{"
            depth -= character in ")>]}"
            count += character == "," and depth == 0
        return count
    return 0


def begins_function(head):
    """Whether the text before a brace is a function's head, initialisers and trailing words included."""
    before = head.split("(")[0]
    if "(" not in head or "=" in before.replace("operator==", "").replace("operator=", ""):
        return False
    text = head.rstrip()
    arrow = text.rfind("->")
    if arrow > text.rfind(")"):
        text = text[:arrow].rstrip()
    while words := [word for word in ("const", "noexcept", "override", "final", "mutable") if text.endswith(word)]:
        text = text[:-len(words[0])].rstrip()
    return text.endswith(")")


def check_functions(path, text):
    code = blank_comments_and_strings(text)
    code = re.sub(r"^[ \t]*#.*?(?<!\\)$", lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.M | re.S)
    stack, start = [], 0  # entries: (kind, line, name, deepest)
    line = 1
    for at, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character in ";}" or character == "{":
            head = code[start:at]
            start = at + 1
            if character == "{":
                in_function = any(entry[0] == "function" for entry in stack)
                if re.search(r"\b(namespace|extern\s*)\b[^()]*$", head):
                    kind = "namespace"
                elif not in_function and re.search(r"\b(class|struct|union|enum)\b[^()=]*$", head):
                    kind = "type"
                elif not in_function and begins_function(head):
                    kind = "function"
                elif in_function and re.search(r"\b(if|for|while|switch|else|do|try|catch)\b", head):
                    kind = "control"
                else:
                    kind = "other"
                stack.append([kind, line - head[len(head.rstrip()):].count("\n"), head, 0])
                if kind == "control":
                    depth = sum(1 for entry in stack if entry[0] == "control")
                    for entry in stack:
                        if entry[0] == "function":
                            entry[3] = max(entry[3], depth)
            elif character == "}" and stack:
                kind, began, head, deepest = stack.pop()
                if kind != "function" or LONG_FUNCTION_OK.search(path.name):
                    continue
                if line - began + 1 > MAX_FUNCTION_LINES:
                    say(path, began, f"a function of {line - began + 1} lines; the limit is {MAX_FUNCTION_LINES}")
                if deepest > MAX_NESTING:
                    say(path, began, f"nesting of {deepest}; the limit is {MAX_NESTING}")
                count = parameters(head)
                if count > MAX_PARAMETERS:
                    say(path, began, f"{count} parameters; the limit is {MAX_PARAMETERS}: make a struct of them")


def check_file(path, rule):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    relative = path.relative_to(ROOT)
    module = relative.parts[1] if relative.parts[0] == "src" and len(relative.parts) > 2 else None
    limit = MAX_HEADER_LINES if path.suffix == ".h" else MAX_SOURCE_LINES
    if len(lines) - 1 > limit:
        say(path, 1, f"{len(lines) - 1} lines; the limit is {limit}: split by subject")
    if not lines[0].startswith("//") and path.suffix == ".h":
        say(path, 1, "a header begins with what it is for")
    if path.suffix == ".h" and "#pragma once" not in text:
        say(path, 1, "no #pragma once")
    own = relative.with_suffix(".h")
    includes = re.findall(r'^#include\s+["<]([^">]+)[">]', text, re.M)
    if module and path.suffix == ".cpp" and (ROOT / own).exists() and includes[:1] != [str(own.relative_to("src"))]:
        say(path, 1, f'must include "{own.relative_to("src")}" first')
    is_test = re.search(r"_(test|bench|fuzz)\.(cpp|h)$|/testing/", str(relative)) is not None
    patterns = list(LEFTOVERS)
    if module:
        patterns += BANNED
        if module in CORE and not is_test and not BASE_MAY.search(str(relative)):
            patterns += BANNED_IN_CORE
    code = blank_comments_and_strings(text).split("\n")
    for number, (raw, bare) in enumerate(zip(lines, code), 1):
        if "tidy: allow" in raw:
            continue
        if len(raw) > 100 and path.suffix in (".h", ".cpp") and "clang-format off" not in text:
            say(path, number, f"{len(raw)} columns; the limit is 100")
        for pattern, what in patterns:
            if what == "no shell" and is_test:
                continue  # A test may run a tool that everybody has.
            where = raw if (pattern, what) in LEFTOVERS or "#include" in pattern else bare
            if re.search(pattern, where):
                say(path, number, what)
        if module and (found := re.match(r'#include\s+"([a-z_]+)/', raw)):
            allowed = rule.get(module, {"base"})
            if is_test:  # A test may use what its module's dependencies may use.
                allowed = set().union(*(rule.get(known, set()) for known in allowed)) | allowed
            if found[1] not in allowed and (ROOT / "src" / found[1]).is_dir():
                say(path, number, f"layer rule: {module} may not include {found[1]}")
    if module:
        check_functions(path, text)


def main():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split("\n")
    names = [str(pathlib.Path(a).resolve().relative_to(ROOT)) for a in sys.argv[1:]] or listed
    rule = may_know()
    count = 0
    for name in names:
        path = ROOT / name
        if not path.is_file() or name.startswith(("web/node_modules", "tests/corpus")):
            continue
        if path.suffix in (".h", ".cpp"):
            check_file(path, rule)
            count += 1
        if path.suffix not in (".png", ".gz", ".db") and name != "tools/tidy.py" and "package-lock" not in name:
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
                if PLACES.search(line):
                    say(path, number, "a place of one machine; the repository speaks of the product alone")
    for problem in problems:
        print(problem)
    print(f"tidy: {count} files, {len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
