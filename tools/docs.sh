#!/usr/bin/env bash
# Builds the documentation as a site in build/site: open build/site/index.html. With --serve it is at
# http://127.0.0.1:8001 instead, until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in
    "") ;;
    --serve) ;;
    *) echo "usage: tools/docs.sh [--serve]" >&2; exit 2 ;;
esac
tools/setup.sh docs

# Pages link to files of the repository, so the site has its folders, and of its files what is shown.
pages=build/pages
rm -rf "$pages"
mkdir -p "$pages"
git ls-files -z --cached --others --exclude-standard -- '*.md' 'docs/*' 'examples/*' |
    tar --null --files-from - --create | tar --extract --directory "$pages"
# A forge shows a folder by its README; here a link to a folder has to name that file.
python3 - "$pages" <<'PYTHON'
import pathlib
import re
import sys

for page in pathlib.Path(sys.argv[1]).rglob("*.md"):
    def file_of(found):
        readme = found[1].rstrip("/") + "/README.md"
        return f"]({readme})" if (page.parent / readme).is_file() else found[0]

    page.write_text(re.sub(r"\]\(([^()\s#:]+)\)", file_of, page.read_text()))
PYTHON

cat >build/mkdocs.yml <<'YAML'
site_name: Storm in C++
site_url: ""
docs_dir: pages
site_dir: site
use_directory_urls: false
theme: readthedocs
plugins: [search]
nav:
  - Storm: README.md
  - All pages: docs/README.md
  - To write a topology:
      - Guide: docs/guide.md
      - Coming from Apache Storm: docs/from-storm.md
      - Guarantees: docs/guarantees.md
      - Errors: docs/errors.md
      - Settings: docs/settings.md
      - Examples: examples/README.md
  - To run a cluster:
      - Operating: docs/operating.md
      - Metrics: docs/metrics.md
      - HTTP API: docs/http-api.md
      - Security: SECURITY.md
  - To know how it works:
      - Architecture: docs/architecture.md
      - The life of a tuple: docs/life-of-a-tuple.md
      - Threads: docs/threads.md
      - Wire format: docs/wire-format.md
      - ZooKeeper: docs/zookeeper-layout.md
  - To change it:
      - Contributing: CONTRIBUTING.md
      - Style: docs/style.md
      - Testing: docs/testing.md
      - Changelog: CHANGELOG.md
YAML

if [[ ${1-} == --serve ]]; then
    exec mkdocs serve --quiet -f build/mkdocs.yml -a 127.0.0.1:8001
fi
mkdocs build --quiet --clean -f build/mkdocs.yml
echo "build/site/index.html"
