#!/usr/bin/env python3
"""The house rules that no compiler checks. Registered with CTest as `tidy`; takes under a second.

Prints one line for each breach, `path:line: what is wrong, and what to do instead`, and exits 1.
"""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Who may include whom. This table *is* the architecture: widen it only in a commit that says why.
LAYERS = {
    "topology-api": [],
    "base": [],
    "net": ["base"],
    "groupings": ["base", "topology-api"],
    "wire": ["base", "topology-api"],
    "cluster": ["base", "topology-api"],
    "coordination": ["base", "cluster", "topology-api"],
    "daemon": ["base", "cluster", "coordination", "topology-api"],
    "worker": ["base", "cluster", "groupings", "net", "topology-api", "wire"],
    "nimbus": ["base", "cluster", "coordination", "daemon", "net", "topology-api"],
    "supervisor": ["base", "cluster", "coordination", "daemon", "net", "topology-api"],
    "cli": ["base", "cluster", "net", "topology-api"],
    "examples": ["topology-api"],
    "tests": None,  # May include every room; no room may include it.
    "bench": None,
}

# The same below a room: of its folders, who may include whom. Lowest first.
WITHIN = {
    "worker": {
        "wiring": [],
        "acker": [],
        "journal": ["acker"],
        "queue": ["acker"],
        "routing": ["queue", "wiring"],
        "executor": ["acker", "journal", "queue", "routing", "wiring"],
        "loop": ["acker", "executor", "queue"],
        "engine": ["executor", "loop", "wiring"],
        "transport": ["acker", "executor", "queue", "wiring"],
        "run": ["engine", "executor", "wiring"],
        "serve": ["engine", "executor", "run", "transport", "wiring"],
        "entry": ["engine", "run", "serve"],
    },
}

# Rooms that are shipped: no file is too long to read, nothing includes each other in a circle.
SHIPPED = ("base", "cli", "cluster", "coordination", "daemon", "groupings", "net", "nimbus", "supervisor",
           "topology-api", "wire", "worker")

SHIPPED_FOLDERS = tuple(room + "/" for room in SHIPPED)
SHIPPED_LINES_MAX = 500
# What is still to be taken apart. Nothing is ever added here either.
LONG_LEFT = ("coordination/cluster_state.cc",)

# (pattern, what to use instead, paths where it is allowed)
BANNED = [
    (r"(system|steady|high_resolution)_clock::now\(", "an injected base::Clock",
     "base/ bench/ examples/ tests/worker/ tests/support/"),
    (r"\bclock_gettime\(", "an injected base::Clock or WallClock",
     "base/ bench/ tests/nimbus/topology_store/scale_test.cc"),
    (r"sleep_(for|until)\(|\busleep\(", "base::Clock::sleep_until, or a condition",
     "base/ tests/worker/ tests/support/"),
    (r"std::(thread|jthread)\b(?!::)|std::async\b", "base::Thread, which is named and joined",
     "base/ examples/guide/ tests/worker/ tests/support/"),
    (r"std::(random_device|mt19937)|\brand\(\)", "an injected base::Random", "base/ examples/"),
    (r"std::(cout|cerr)|\bprintf\(", "base::log, or a return value",
     "cli/ examples/ bench/ worker/entry/ worker/run/ tests/worker/soak_test.cc "
     "tests/worker/transport/several_workers_soak_test.cc tests/support/test_worker.cc tests/e2e/tiny_topology.cc"),
    # Where user code runs: it may throw anything.
    (r"catch \(\.\.\.\)", "a named exception type",
     "worker/entry/ worker/executor/ worker/run/ worker/serve/serve.cc groupings/custom.h topology-api/src/ "
     "tests/topology-api/thrown_test.cc"),
    (r"\breinterpret_cast\b", "a better type",
     "base/sha256.cc wire/ topology-api/include/storm/detail/ worker/queue/ worker/transport/ tests/worker/queue/ tests/worker/transport/ tests/wire/ tests/fuzz/"),
    (r"\bconst_cast\b", "a better type", ""),
    # A shell takes what somebody has written for commands.
    (r"\b(system|popen)\(", "posix_spawn(), with arguments",
     "tests/worker/run/signals_test.cc"),
    (r"using namespace std\b", "the qualified name", ""),
]
# What is added often, and in how many files it may stand.
SPREAD = [(r"GroupingKind::k\w+", 4), (r'"storm_worker_\w+"', 1)]
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|DO NOT SUBMIT")
# Begins the tail of a sentence whose head is the name beside the comment: `Cycle* cycle;  // Of the task.`
FRAGMENT = re.compile(r"(What|Of|By|That|With|Who|Whoever|Whom|Which|(For|To|From) whom)\b")
COMMENT = re.compile(r"^([^\"]*?)///?<?\s+(.*)")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
STANDARD_OR_OURS = re.compile(r"<([a-z_0-9]+|storm/[a-z_0-9/]+\.h)$")
FENCE_FROM = re.compile(r"<!-- from: (\S+) -->$")
# All C++ that these show stands in a file that is compiled.
COMPILED = {"README.md", "docs/from-storm.md", "docs/guide.md"}
LINK = re.compile(r"\]\(([^()\s]+)\)")
PUBLIC_HEADER = re.compile(r"topology-api/include/storm/\w+\.h$")
MEMBER_FUNCTION = re.compile(r"    (?!using|friend|template|requires)(?:\S.*?)??\b(\w+)\(")
PAGE_COLUMNS_MAX = 132  # But for tables and code.
README_LINES_MAX = 40


def room_of(include):
    return "topology-api" if include.startswith("storm/") else include.split("/")[0]


def check_include(path, bracket, include):
    room, other = path.split("/")[0], room_of(include)
    if path.startswith("topology-api/include/") and not STANDARD_OR_OURS.match("<" + include):
        yield f"a public header includes only the standard library and <storm/…>, not {include}"
    if "/" not in include or other not in LAYERS or other == room or room not in LAYERS:
        return
    if LAYERS[other] is None:
        yield f"nobody includes {other}/; move what both need into a room"
    elif LAYERS[room] is not None and other not in LAYERS[room]:
        yield f"{room}/ may not include {other}/ (see LAYERS in tools/tidy.py)"
    if include.startswith("storm/") != (bracket == "<"):
        yield "write <storm/…> for public headers, and \"room/…\" for all others of ours"


def check_within(path, include):
    """Folders of one room."""
    room, _, rest = path.partition("/")
    other_room, _, other_rest = include.partition("/")
    folders = WITHIN.get(room)
    if folders is None or room != other_room:
        return
    folder, other = (part.partition("/")[0] for part in (rest, other_rest))
    if folder not in folders:
        yield f"{room}/{folder} is none of the folders of {room}/ (see WITHIN in tools/tidy.py)"
    elif other != folder and other not in folders[folder]:
        yield f"{room}/{folder}/ may not include {room}/{other}/ (see WITHIN in tools/tidy.py)"


def check_comments(text):
    """A comment can be read without the name beside it."""
    continues = False
    for number, line in enumerate(text.split("\n"), start=1):
        alone = line.lstrip().startswith("//")
        found = COMMENT.match(line)
        if found and not (alone and continues) and (opening := FRAGMENT.match(found[2])):
            yield number, f"a comment begins with `{opening[0]}`; say what it is, as in `Rows of the batch.`"
        continues = alone or bool(found)


def check_source(path, text):
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > 100 and "http" not in line:
            yield number, "line is over 100 columns"
        if line != line.rstrip() or "\t" in line:
            yield number, "trailing space or tab"
        if found := UNFINISHED.search(line):
            yield number, f"`{found[0]}` does not land; finish it first"
        code = line.split("//")[0]
        for pattern, instead, allowed in BANNED:
            found = re.search(pattern, code)
            if found and not path.startswith(tuple(allowed.split())):
                yield number, f"`{found[0]}` is banned here, use {instead}"
        if found := INCLUDE.match(line):
            for breach in (*check_include(path, found[1], found[2]), *check_within(path, found[2])):
                yield number, breach
    if path.startswith(SHIPPED_FOLDERS) and path not in LONG_LEFT and text.count("\n") > SHIPPED_LINES_MAX:
        yield SHIPPED_LINES_MAX, f"is over {SHIPPED_LINES_MAX} lines; take it apart"
    yield from check_comments(text)
    if path.endswith(".h") and not re.match(r"(//[^\n]*\n)+#pragma once\n", text):
        yield 1, "a header starts with a comment that says what it is for, then #pragma once"
    if PUBLIC_HEADER.match(path):
        yield from check_members(text)


def check_members(text):
    """What users call or override has a comment above the first declaration of its name."""
    type_name, hidden, told, commented = "", True, set(), False
    # What is in detail is the engine's.
    lines = re.sub(r"(?ms)^namespace detail \{.*?^\}  //", lambda part: "\n" * part[0].count("\n"), text)
    for number, line in enumerate(lines.split("\n"), start=1):
        if opened := re.match(r"(class|struct) (\w+)[^;]*\{$", line):
            type_name, hidden, told = opened[2], opened[1] == "class", {opened[2]}
        elif line.endswith(":") and line.strip(":") in ("public", "protected", "private"):
            hidden = line != "public:"
        elif line == "};":
            hidden = True
        elif not hidden and (found := MEMBER_FUNCTION.match(re.sub("//.*|<.*?>(?= )", "", line))):
            if found[1] not in told and not commented:
                yield number, f"{type_name}::{found[1]}() is public: say above it what it does"
            told.add(found[1])
        if not line.strip().startswith(("template", "requires")):
            commented = line.strip().startswith("//")


def check_text(path, text):
    """A code block below `<!-- from: path -->` stands word for word in that file."""
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        found = FENCE_FROM.match(line)
        if not found:
            if path in COMPILED and lines[number:number + 1] == ["```cpp"]:
                yield number + 1, "say `<!-- from: file -->` above, and show what is compiled"
            continue
        source = ROOT / found[1]
        if not lines[number].startswith("```") or "```" not in lines[number + 1:]:
            yield number, "a code block must follow on the next line"
        elif not source.is_file():
            yield number, f"{found[1]} does not exist"
        else:
            block = "\n".join(lines[number + 1:lines.index("```", number + 1)])
            if block not in source.read_text():
                yield number, f"the block differs from {found[1]}; copy it again"


def prose_of(text):
    """The lines outside of code blocks, without `code`, by number."""
    in_code = False
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code:
            yield number, re.sub(r"`[^`]*`", "", line)


def anchors_of(text):
    """What headings are called in links: as GitHub and the site do it."""
    in_code, anchors = False, set()
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and (found := re.match(r"#+ (.*)", line)):
            anchor = re.sub(r"[^\w\- ]", "", found[1].lower()).replace(" ", "-")
            while anchor in anchors:
                anchor += "-1"
            anchors.add(anchor)
    return anchors


def check_links(path, text):
    """Whatever a page links to within the repository is there, the heading too."""
    for number, line in prose_of(text):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (ROOT / path).parent / name if name else ROOT / path
            if not file.exists():
                yield number, f"{name} does not exist"
            elif anchor and (file.suffix != ".md" or anchor not in anchors_of(file.read_text())):
                yield number, f"{target}: there is no such heading"


def check_page(path, text):
    code = False
    for number, line in enumerate(text.split("\n"), start=1):
        code ^= line.lstrip().startswith("```")
        if len(line) > PAGE_COLUMNS_MAX and not code and not line.startswith("|"):
            yield number, f"line is over {PAGE_COLUMNS_MAX} columns"
    yield from check_text(path, text)
    yield from check_links(path, text)


def circles(arrows):
    """The strongly connected parts of more than one, after Tarjan (1972)."""
    order, low, stack, found = {}, {}, [], []

    def visit(one):
        order[one] = low[one] = len(order)
        stack.append(one)
        for other in sorted(arrows.get(one, ())):
            if other not in order:
                visit(other)
            if other in stack:
                low[one] = min(low[one], low[other])
        if low[one] == order[one]:
            part = stack[stack.index(one):]
            del stack[stack.index(one):]
            if len(part) > 1:
                found.append(set(part))

    for one in sorted(arrows):
        if one not in order:
            visit(one)
    return found


def check_circles(files):
    """Neither folders nor files (a header with its source) include each other in a circle."""
    # A folder's detail/ is not a room of its own: it hides parts of the headers above it.
    for part_of in (lambda path: os.path.dirname(path).removesuffix("/detail"),
                    lambda path: path.rpartition(".")[0]):
        arrows = {}
        for path in files:
            for include in re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', (ROOT / path).read_text(), re.M):
                other = "topology-api/include/" + include if include.startswith("storm/") else include
                if other in files and part_of(other) != part_of(path):
                    arrows.setdefault(part_of(path), set()).add(part_of(other))
        for circle in circles(arrows):
            yield min(circle), 1, f"these include each other in a circle: {', '.join(sorted(circle))}"


def check_rooms(files):
    for room in LAYERS:
        readme = ROOT / room / "README.md"
        if not any(path.startswith(room + "/") for path in files):
            continue
        if not readme.is_file():
            yield f"{room}/README.md", 1, "is missing: say what the room is for and may include"
        elif (length := len(readme.read_text().splitlines())) > README_LINES_MAX:
            yield f"{room}/README.md", length, f"is over {README_LINES_MAX} lines; move some to docs/"


def check_spread(files):
    """What is added often stands in few files; CONTRIBUTING.md says which."""
    for pattern, most in SPREAD:
        holders = {}
        for path in sorted(files):
            for name in set(re.findall(pattern, (ROOT / path).read_text())):
                holders.setdefault(name, []).append(path)
        for name, paths in sorted(holders.items()):
            if len(paths) > most:
                yield paths[-1], 1, f"{name} stands in {len(paths)} files, at most {most}: {', '.join(paths)}"


def project_files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f != "build" and not f.startswith("."))
        for name in sorted(names):
            yield (pathlib.Path(folder) / name).relative_to(ROOT).as_posix()


def main():
    files = [path for path in project_files() if path.endswith((".h", ".cc", ".md"))]
    shipped = {path for path in files if path.startswith(SHIPPED_FOLDERS) and path[-3:] != ".md"}
    breaches = [*check_rooms(files), *check_circles(shipped), *check_spread(shipped)]
    for path in files:
        check = check_page if path.endswith(".md") else check_source
        breaches += [(path, *found) for found in check(path, (ROOT / path).read_text())]
    for path, number, what in breaches:
        print(f"{path}:{number}: {what}")
    print(f"tidy: {len(files)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
