// A folder of one test, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace storm::testing {

class TempDir {
public:
    TempDir() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "storm-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() { std::filesystem::remove_all(path_); }

    std::string root() const { return path_.string(); }
    std::string path(const std::string& name) const { return (path_ / name).string(); }
    /// A file that nobody else can read; returns its path.
    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(path(name), std::ios::binary) << content;
        std::filesystem::permissions(
            path(name), std::filesystem::perms::group_all | std::filesystem::perms::others_all,
            std::filesystem::perm_options::remove);
        return path(name);
    }
    void append(const std::string& name, const std::string& content) const {
        std::ofstream(path(name), std::ios::binary | std::ios::app) << content;
    }
    std::string read(const std::string& name) const {
        std::stringstream content;
        content << std::ifstream(path(name), std::ios::binary).rdbuf();
        return content.str();
    }
    bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }

private:
    std::filesystem::path path_;
};

}  // namespace storm::testing
