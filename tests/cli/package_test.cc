// Goal:   programs know where the rest of their Storm is, installed or in the sources.
// Method: folders as an installation has them.

#include "cli/package.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace storm::cli {
namespace {

namespace fs = std::filesystem;

TEST(Package, TheClusterScriptIsTheOneThatIsInstalledBesideTheProgram) {
    const testing::TempDir dir;
    const fs::path prefix = dir.root();
    EXPECT_EQ(cluster_script_for(prefix / "bin/storm"), "tools/cluster.sh");

    fs::create_directories(prefix / "share/storm/tools");
    std::ofstream(prefix / "share/storm/tools/cluster.sh") << "#!/bin/sh\n";

    EXPECT_EQ(cluster_script_for(prefix / "bin/storm"),
              (prefix / "share/storm/tools/cluster.sh").string());
}

}  // namespace
}  // namespace storm::cli
