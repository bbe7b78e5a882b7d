#include "cli/artifact.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/check.h"
#include "cli/failure.h"

namespace storm::cli {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::uint32_t kPermissions = 0777;

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::string hex(const unsigned char* bytes, std::size_t size) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += kDigits[bytes[i] >> 4U];
        text += kDigits[bytes[i] & 15U];
    }
    return text;
}

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
    const base::Result<Digest> digest = digest_of(path);
    if (!digest) throw Failure(ExitCode::kUsage, digest.error().message);
    // Of where a link leads to, but by the link's name.
    return {path, std::filesystem::path(path).filename().string(), digest->sha256,
            found.st_mode & kPermissions, digest->bytes};
}

}  // namespace

base::Result<Digest> digest_of(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return unreadable(path, std::strerror(errno));
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    STORM_CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1,
                "OpenSSL has SHA-256");
    Digest digest;
    std::vector<char> chunk(kChunkBytes);
    while (file) {
        file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        const auto got = static_cast<std::size_t>(file.gcount());
        digest.bytes += got;
        STORM_CHECK(EVP_DigestUpdate(context.get(), chunk.data(), got) == 1, "nothing can fail");
    }
    if (file.bad()) return unreadable(path, std::strerror(errno));
    std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
    unsigned size = 0;
    STORM_CHECK(EVP_DigestFinal_ex(context.get(), result.data(), &size) == 1, "nothing can fail");
    digest.sha256 = hex(result.data(), size);
    return digest;
}

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
