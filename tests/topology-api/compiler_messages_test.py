#!/usr/bin/env python3
"""What the compiler says of programs that cannot be right, and of broken examples in headers.
Method: small programs, given to the compiler that builds the rest; nothing is run or linked."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "topology-api" / "include"
COMPILER = os.environ.get("CXX", "c++")


def compiled(source):
    """The errors of a source file, a line each; none: it compiles."""
    done = subprocess.run(
        [COMPILER, "-std=c++20", "-fsyntax-only", f"-I{INCLUDE}", source],
        capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    assert bool(errors) == (done.returncode != 0), done.stderr
    return errors, done.stderr


class CompilerMessages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        path = pathlib.Path(self.folder.name, name)
        path.write_text(text)
        return path

    def emitting(self, types, *values):
        calls = "".join(f"""
            void spout(storm::SpoutCollector& out) {{ out.emit("before", {value}); }}
            void bolt(storm::BoltCollector& out, const storm::Tuple& input) {{
                out.emit(input, {value});
                out.emit_unanchored({value});
            }}
            void basic_bolt(storm::BasicCollector& out) {{ out.emit({value}, "after"); }}
        """.replace("void ", f"void call_{i}_") for i, value in enumerate(values))
        return compiled(self.file("program.cc", f"""
            #include <vector>
            #include <storm/storm.h>
            namespace shop {{ {types} }}
            {calls}
        """))

    def test_an_emit_of_a_foreign_type_says_in_one_line_what_to_do(self):
        errors, text = self.emitting(
            "struct Sale { int cents; }; enum class Colour { kRed };",
            "shop::Sale{5}", "shop::Colour::kRed", "std::vector<int>{1, 2}", "'x'")

        self.assertEqual(len(errors), 4, text)  # One for each type, however often it is emitted.
        for error in errors:
            self.assertIn("emit() takes bool, integers (not char)", error)
            self.assertIn("to_value(const T&)", error)
            self.assertIn("<storm/value.h>", error)
        for name in ("shop::Sale", "shop::Colour", "vector<int", "char"):
            self.assertRegex(text, r"can_be_emitted.*" + name)

    def test_a_type_with_a_to_value_may_be_emitted(self):
        errors, text = self.emitting("""
            struct Sale { long cents; };
            storm::Value to_value(const Sale& sale) { return sale.cents; }
        """, "shop::Sale{5}")
        self.assertEqual(errors, [], text)

    def test_a_to_value_that_returns_no_value_is_none(self):
        errors, text = self.emitting("""
            struct Sale { long cents; };
            struct Price {};
            Price to_value(const Sale&) { return {}; }
        """, "shop::Sale{5}")
        self.assertEqual(len(errors), 1, text)
        self.assertIn("emit() takes", errors[0])

    def declaring(self, *components):
        calls = "".join(f"void call_{i}(storm::TopologyBuilder& t) {{ {call}; }}\n"
                        for i, call in enumerate(components))
        return compiled(self.file("program.cc", f"""
            #include <memory>
            #include <storm/storm.h>
            namespace shop {{
            struct Lines : storm::Spout {{
                explicit Lines(std::string) {{}}
                void declare_outputs(storm::Outputs& outputs) const override {{ outputs.stream({{"n"}}); }}
                storm::Next next_tuple(storm::SpoutCollector&) override {{ return storm::Next::kIdle; }}
            }};
            struct Work : storm::BasicBolt {{
                explicit Work(int, std::shared_ptr<int> = nullptr) {{}}
                Work(int, std::unique_ptr<int>) {{}}
                void execute(const storm::Tuple&, storm::BasicCollector&) override {{}}
            }};
            struct Idle : storm::Bolt {{}};
            struct Half : storm::Spout {{}};
            struct Stranger {{}};
            }}
            {calls}
        """))

    def test_a_component_that_cannot_be_made_is_told_of_in_one_line(self):
        mistakes = (
            ('t.bolt<shop::Work>("work")', "has no constructor for the arguments"),
            ('t.bolt<shop::Work>("work", "three")', "has no constructor for the arguments"),
            ('t.spout<shop::Lines>("lines", 1, 2)', "has no constructor for the arguments"),
            ('t.bolt<shop::Work>("work", 1, std::make_unique<int>(2))', "std::shared_ptr instead of"),
            ('t.bolt<shop::Idle>("idle")', "a bolt execute()"),
            ('t.spout<shop::Half>("half")', "declare_outputs() and next_tuple()"),
            ('t.bolt<shop::Stranger>("x")', "a bolt derives from storm::Bolt or storm::BasicBolt"),
            ('t.spout<shop::Work>("x", 1)', "a spout derives from storm::Spout"),
            ('t.bolt_fn("x", {}, [](int) {})', "bolt_fn() takes a function of (const storm::Tuple&"),
        )
        errors, text = self.declaring(*(call for call, _ in mistakes))
        self.assertEqual(len(errors), len(mistakes), text)
        for _, expected in mistakes:
            found = next((error for error in errors if expected in error), None)
            self.assertIsNotNone(found, f"{expected}: {text}")
            errors.remove(found)

    def test_a_component_that_can_be_made_compiles(self):
        errors, text = self.declaring(
            't.spout<shop::Lines>("lines", "a.txt").parallelism(2)',
            't.bolt<shop::Work>("work", 1, std::make_shared<int>(2)).shuffle("lines")',
            't.bolt_fn("x", {"n"}, [](const storm::Tuple&, storm::BasicCollector& out) { out.emit(1); })')
        self.assertEqual(errors, [], text)

    def examples_of(self, comment):
        header = self.file("sample.h", comment + "class Sample {};\n")
        out = pathlib.Path(self.folder.name, "examples.cc")
        storm = INCLUDE / "storm" / "storm.h"
        subprocess.run([ROOT / "tools" / "header_examples.py", out, header, storm], check=True)
        return compiled(out)

    def test_an_example_that_does_not_compile_is_found_in_its_header(self):
        errors, text = self.examples_of("""// Samples.
//
// Order:   this is
//          no example.
//
///     class Even final : public storm::Grouping {   // Even numbers to the first, odd ones to
///     the last.
///     };
""")
        self.assertIn("sample.h:7:", errors[0], text)

    def test_an_example_may_be_a_statement_or_a_declaration_and_a_table_is_none(self):
        errors, text = self.examples_of("""/// Samples.
///
///     | what     is it
///     | a drawing of this
///
///     out.emit(input, config.string("key"), context.task());
///
/// And:
///
///     #include <set>
///
///     storm::Topology sample(const storm::Config&) {
///         std::set<int> numbers;
///
///         storm::TopologyBuilder t;
///         t.spout<Lines>("lines");
///         return t.build();
///     }
""")
        self.assertEqual(errors, [], text)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILER = sys.argv.pop(1)
    unittest.main()
