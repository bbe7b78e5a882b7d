#include "cli/artifact.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <storm/detail/names.h>
#include <sys/stat.h>

#include "base/sha256.h"
#include "cli/failure.h"

namespace storm::cli {
namespace {

constexpr std::uint32_t kPermissions = 0777;

base::Error unreadable(const std::string& path, const std::string& why) {
    return {"cannot read \"" + path + "\": " + why};
}

LocalArtifact artifact_of(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) {
        throw Failure(ExitCode::kUsage, unreadable(path, std::strerror(errno)).message);
    }
    if (!S_ISREG(found.st_mode)) {
        throw Failure(ExitCode::kUsage, unreadable(path, "it is not a file").message,
                      "--file takes single files; repeat it for several");
    }
    // If it changes before it is uploaded, Nimbus refuses the bytes.
    const auto digest = base::digest_of_file(path);
    if (!digest) throw Failure(ExitCode::kUsage, digest.error().message);
    // Reads where a link leads, but under the link's name.
    const std::string name = std::filesystem::path(path).filename().string();
    if (const std::string fault = detail::fault_of_file_name(name); !fault.empty()) {
        throw Failure(ExitCode::kUsage, "the name of \"" + path + "\" " + fault,
                      "rename it, or give a link to it: ln -s PATH NAME");
    }
    return {path, name, digest->sha256, found.st_mode & kPermissions, digest->bytes};
}

}  // namespace

std::vector<LocalArtifact> artifacts_of(const std::string& program,
                                        const std::vector<std::string>& files) {
    std::vector<LocalArtifact> artifacts = {artifact_of(program)};
    for (const std::string& path : files) {
        LocalArtifact artifact = artifact_of(path);
        for (const LocalArtifact& other : artifacts) {
            if (other.name != artifact.name) continue;
            throw Failure(ExitCode::kUsage,
                          "\"" + other.path + "\" and \"" + artifact.path + "\" have one name",
                          "all files of a topology are put into one folder; rename one");
        }
        artifacts.push_back(std::move(artifact));
    }
    return artifacts;
}

Json to_json(const std::vector<LocalArtifact>& artifacts) {
    Json json = Json::array();
    for (const LocalArtifact& artifact : artifacts) {
        json.push_back({{"name", artifact.name},
                        {"sha256", artifact.sha256},
                        {"mode", artifact.mode},
                        {"bytes", artifact.bytes}});
    }
    return json;
}

}  // namespace storm::cli
