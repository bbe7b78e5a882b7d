#include "cli/new_topology.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iomanip>
#include <ostream>
#include <system_error>

namespace storm::cli {
namespace {

namespace fs = std::filesystem;

#include "templates.inc"

constexpr std::size_t kNameMax = 64;

// Names of CMake's own targets, and names that it refuses.
constexpr std::array<std::string_view, 13> kTakenByCMake = {
    "all",
    "clean",
    "depend",
    "edit_cache",
    "help",
    "install",
    "list_install_components",
    "package",
    "package_source",
    "rebuild_cache",
    "storm",
    "test",
    "ALL_BUILD",
};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The nearest valid name; empty if there is none.
std::string repaired(std::string_view name) {
    std::string repaired;
    for (const char c : name) {
        if (is_letter(c) || is_digit(c) || c == '_') {
            repaired += c;
        } else if (!repaired.empty() && repaired.back() != '-') {
            repaired += '-';
        }
    }
    while (!repaired.empty() && !is_letter(repaired.front())) repaired.erase(0, 1);
    while (!repaired.empty() && repaired.back() == '-') repaired.pop_back();
    return repaired.substr(0, kNameMax);
}

/// The name of source files: `word-stats` becomes word_stats.
std::string file_name_of(std::string_view name) {
    std::string file(name);
    std::replace(file.begin(), file.end(), '-', '_');
    return file;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
}

std::string filled(std::string_view text, std::string_view name) {
    std::string content(text);
    replace_all(content, "@NAME@", name);
    replace_all(content, "@FILE@", file_name_of(name));
    return content;
}

/// No error: success.
std::error_code write_file(const fs::path& path, const std::string& content) {
    errno = 0;
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    if (file) return {};
    return {errno == 0 ? EIO : errno, std::generic_category()};
}

ExitCode refuse(std::ostream& err, const fs::path& folder, std::error_code error) {
    err << "storm: cannot create \"" << folder.string() << "\": " << error.message() << '\n';
    return ExitCode::kFailed;
}

void say_what_next(const NewTopology& topology, const std::vector<NewFile>& files,
                   std::ostream& out) {
    const std::string& name = topology.name;
    const std::string folder = name + '/';
    out << "created the topology \"" << name << "\":\n";
    for (const NewFile& file : files) {
        out << "  " << std::left << std::setw(static_cast<int>(folder.size()) + 24)
            << folder + file.name << file.purpose << '\n';
    }
    out << "\nbuild, run and test it:\n  cd " << name << "\n  cmake -B build"
        << (topology.cmake_option.empty() ? "" : " ") << topology.cmake_option
        << "\n  cmake --build build\n  build/" << name << "\n  ctest --test-dir build\n";
}

}  // namespace

std::optional<std::string> mistake_in_name(std::string_view name) {
    const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
    const std::string start = "invalid name \"" + std::string(name) + "\"";
    if (std::find(kTakenByCMake.begin(), kTakenByCMake.end(), name) != kTakenByCMake.end()) {
        return start + ": CMake or Storm has a target of that name\n  hint: try \"my-" +
               std::string(name) + "\"";
    }
    if (!name.empty() && name.size() <= kNameMax && is_letter(name.front()) &&
        std::all_of(name.begin(), name.end(), allowed)) {
        return std::nullopt;
    }
    std::string mistake =
        start +
        ": a name is made of letters, digits, - and _, starts with a letter and has "
        "at most 64 of them";
    const std::string better = repaired(name);
    if (!better.empty()) mistake += "\n  hint: try \"" + better + "\"";
    return mistake;
}

std::vector<NewFile> files_of_topology(std::string_view name) {
    const std::string file = file_name_of(name);
    return {
        {file + ".cc", filled(kTopology, name), "the topology: start reading here"},
        {file + "_test.sh", filled(kTest, name), "its test"},
        {"CMakeLists.txt", filled(kCMakeLists, name), "how it is built"},
        {"README.md", filled(kReadme, name), "how it is run"},
    };
}

ExitCode make_topology(const NewTopology& topology, std::ostream& out, std::ostream& err) {
    if (const auto mistake = mistake_in_name(topology.name)) {
        err << "storm: " << *mistake << '\n';
        return ExitCode::kUsage;
    }
    const fs::path folder = topology.parent / topology.name;
    std::error_code error;
    if (fs::exists(fs::symlink_status(folder, error))) {
        err << "storm: cannot create \"" << topology.name
            << "\": it exists already\n  hint: choose another name, or remove it first\n";
        return ExitCode::kConflict;
    }
    // From here on the folder is ours, and goes again if anything fails.
    if (!fs::create_directory(folder, error)) return refuse(err, folder, error);
    const std::vector<NewFile> files = files_of_topology(topology.name);
    for (const NewFile& file : files) {
        if (const std::error_code failed = write_file(folder / file.name, file.content)) {
            fs::remove_all(folder, error);
            return refuse(err, folder, failed);
        }
    }
    say_what_next(topology, files, out);
    return ExitCode::kDone;
}

}  // namespace storm::cli
