"""tools/tidy.py finds each kind of fault, and only there."""
import importlib.util
import pathlib
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def found(relative, text):
    """The problems tidy reports for one file of that name and text, the place left out."""
    spec = importlib.util.spec_from_file_location("tidy", ROOT / "tools/tidy.py")
    tidy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tidy)
    rule = tidy.may_know()
    with tempfile.TemporaryDirectory() as folder:
        tidy.ROOT = pathlib.Path(folder)
        for module in rule:
            (tidy.ROOT / "src" / module).mkdir(parents=True)
        path = tidy.ROOT / relative
        path.write_text(text)
        tidy.check_file(path, rule)
    return [problem.split(": ", 1)[1] for problem in tidy.problems]


class Tidy(unittest.TestCase):
    def test_a_clean_file_has_no_problems(self):
        self.assertEqual(found("src/dns/a.h", "// What it is.\n#pragma once\n\n#include \"base/result.h\"\n"), [])

    def test_the_layer_rule(self):
        self.assertEqual(found("src/dns/a.cpp", '#include "net/udp.h"\n'), ["layer rule: dns may not include net"])
        self.assertEqual(found("src/server/a.cpp", '#include "net/udp.h"\n'), [])
        self.assertEqual(found("src/policy/a.cpp", '#include "event/query.h"\n'),
                         ["layer rule: policy may not include event"])

    def test_the_core_reads_no_clock_and_opens_no_socket(self):
        self.assertIn("the core reads no clock",
                      found("src/cache/a.cpp", "auto now = std::chrono::steady_clock::now();\n"))
        self.assertIn("the core does no I/O", found("src/dns/a.cpp", "#include <sys/socket.h>\n"))
        self.assertEqual(found("src/net/a.cpp", "#include <sys/socket.h>\n"), [])

    def test_banned_calls(self):
        self.assertIn("no shell", found("src/net/a.cpp", "int x = system(command);\n"))
        self.assertIn("raw delete", found("src/net/a.cpp", "void f() { delete pointer; }\n"))
        self.assertEqual(found("src/net/a.cpp", "// system(command) in a comment; \"throw\"\n"), [])
        self.assertEqual(found("src/net/a.cpp", "struct A { A(const A&) = delete; };\n"), [])

    def test_leftovers(self):
        self.assertEqual(found("src/net/a.cpp", "// TODO: later\n"), ["TODO without an issue: TODO(#123)"])
        self.assertEqual(found("src/net/a.cpp", "// TODO(#12): later\n"), [])

    def test_limits_of_functions(self):
        long = "int f() {\n" + "  g();\n" * 70 + "}\n"
        self.assertEqual(found("src/net/a.cpp", long), ["a function of 72 lines; the limit is 70"])
        self.assertEqual(found("src/net/a.cpp", "int f(int a, int b, int c, int d, int e, int g) {\n}\n"),
                         ["6 parameters; the limit is 5: make a struct of them"])
        deep = "int f() {\n" + "if (a) {\n" * 5 + "}\n" * 5 + "}\n"
        self.assertEqual(found("src/net/a.cpp", deep), ["nesting of 5; the limit is 4"])
        self.assertEqual(found("src/net/a.cpp", "A::A(int a, int b) : a_(a), b_(g(b, 1, 2, 3, 4, 5)) {\n}\n"), [])

    def test_odd_brackets_end_the_search(self):
        self.assertEqual(found("src/net/a.cpp", "int a) {\n}\nauto f = [](int b)) {\n}\n"), [])

    def test_limits_of_files(self):
        self.assertEqual(found("src/net/a.cpp", "int a;\n" * 801), ["801 lines; the limit is 800: split by subject"])


if __name__ == "__main__":
    unittest.main()
