#include "input.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "file_descriptor.h"
#include "files_input.h"
#include "followed_input.h"
#include "stream_input.h"

namespace word_count {
namespace {

std::vector<std::string> regular_files_in(const std::string& directory) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.is_regular_file()) paths.push_back(entry.path().string());
    }
    if (paths.empty()) {
        throw std::runtime_error("cannot read \"" + directory +
                                 "\": the directory holds no regular file");
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

[[noreturn]] void refuse(const InputOptions& options, const std::string& what,
                         const std::string& why) {
    throw std::runtime_error("cannot " + what + " \"" + options.path + "\": " + why);
}

std::unique_ptr<Input> open_stream(const InputOptions& options) {
    if (options.follow) refuse(options, "follow", "it is not a regular file");
    if (options.repeat > 1) refuse(options, "repeat", "it can be read once only");
    if (options.resumable) refuse(options, "keep the progress of", "it can be read once only");
    if (options.path != "-") {
        return std::make_unique<StreamInput>(FileDescriptor(options.path, O_RDONLY | O_NONBLOCK));
    }
    FileDescriptor input = FileDescriptor::standard(STDIN_FILENO, "standard input");
    if (S_ISDIR(input.status().st_mode)) throw file_error("read", input.path(), EISDIR);
    return std::make_unique<StreamInput>(std::move(input));
}

}  // namespace

void Input::read_again(const LineAt&, std::string&) {
    throw std::logic_error("this input can be read once only");
}

Place Input::place(std::uint32_t, std::uint64_t) const {
    throw std::logic_error("this input has no places to go back to");
}

Input::Resumed Input::resume(const Place&) {
    throw std::logic_error("this input cannot be resumed");
}

std::unique_ptr<Input> open_input(const InputOptions& options) {
    if (options.path == "-") return open_stream(options);
    struct stat status {};
    if (::stat(options.path.c_str(), &status) != 0) throw file_error("read", options.path, errno);
    if (S_ISDIR(status.st_mode)) {
        if (options.follow) refuse(options, "follow", "it is a directory; name one file in it");
        return std::make_unique<FilesInput>(regular_files_in(options.path), options.repeat);
    }
    if (!S_ISREG(status.st_mode)) return open_stream(options);
    if (options.follow) return std::make_unique<FollowedInput>(options.path);
    return std::make_unique<FilesInput>(std::vector{options.path}, options.repeat);
}

}  // namespace word_count
