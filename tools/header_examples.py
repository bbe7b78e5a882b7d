#!/usr/bin/env python3
"""Makes a source file of the examples in public headers' comments, so that a build compiles them:

    tools/header_examples.py examples.cc topology-api/include/storm/*.h

An example is an indented block: lines of a comment with four spaces more than its text, behind an
empty line of the comment or at its beginning. Its lines that start with `|` are a table or a
drawing, and left out.

An example that begins with a class or a function stands in a namespace of its own. Others are the
body of a function, which has `config`, `context`, `input` and `out`, a BoltCollector. All can use
what the program in storm.h defines. Errors name the header's own lines.
"""
import pathlib
import re
import sys

COMMENT = re.compile(r"\s*///? ?(.*)$")
DECLARATION = re.compile(
    r"(class|struct|enum|template)\b|(?!(if|for|while|switch)\b)[^;=]+\([^;=]*[{,]$")
PARAMETERS = ("const storm::Config& config", "const storm::TaskContext& context",
              "const storm::Tuple& input", "storm::BoltCollector& out")


def examples(text):
    """(line, its code) of each example."""
    block, start, before = [], 0, ""
    for number, line in enumerate(text.split("\n") + [""], start=1):
        comment = COMMENT.match(line)
        content = comment[1] if comment else None
        if content is not None and content.startswith("    ") and (block or not before):
            start = start if block else number
            block.append("" if content[4:].startswith("|") else content[4:])
        elif content == "" and block:
            block.append("")
        elif block:
            if any(block):
                yield start, block
            block = []
        before = content


def source(headers):
    includes = ["#include <deque>"]
    code = []
    # storm.h first: the others use what it defines.
    for header in sorted(headers, key=lambda path: path.name != "storm.h"):
        for line, block in examples(header.read_text()):
            includes += [row for row in block if row.startswith("#include")]
            block = ["" if row.startswith("#include") else row for row in block]
            first = next(row for row in block if row and not row.startswith("//"))
            name = f"example_{header.stem}_{line}"
            body = [f'#line {line} "{header}"', *block]
            if DECLARATION.match(first):
                code += [f"namespace {name} {{", *body, "}"]
                if header.name == "storm.h":
                    code.append(f"using namespace {name};")
            else:
                given = ", ".join("[[maybe_unused]] " + parameter for parameter in PARAMETERS)
                code += [f"void {name}({given}) {{{{", *body, "}}"]
    return "\n".join(sorted(set(includes)) + code) + "\n"


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(source([pathlib.Path(path) for path in sys.argv[2:]]))
