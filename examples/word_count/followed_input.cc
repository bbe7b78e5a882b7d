#include "followed_input.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>

namespace word_count {
namespace {

constexpr std::chrono::milliseconds kLookEvery{20};

std::string identity(const struct stat& status) {
    return "file " + std::to_string(status.st_ino) + " of device " + std::to_string(status.st_dev);
}

}  // namespace

FollowedInput::FollowedInput(std::string path) : path_(std::move(path)), file_(path_, O_RDONLY) {}

Input::Read FollowedInput::read(std::span<char> room) {
    const std::size_t bytes = file_.read_at(offset_, room);
    if (bytes > 0) {
        offset_ += bytes;
        return {Kind::kBytes, bytes};
    }
    if (!next_unit()) return {Kind::kLater};
    offset_ = 0;
    ++unit_;
    return {Kind::kUnitEnds};
}

bool FollowedInput::next_unit() {
    if (replacement_.is_open()) {  // It was there before the last read(), which found nothing more.
        file_ = std::move(replacement_);
        return true;
    }
    const struct stat ours = file_.status();
    if (static_cast<std::uint64_t>(ours.st_size) < offset_) return true;

    struct stat named {};
    if (::stat(path_.c_str(), &named) != 0) {
        if (errno != ENOENT) throw file_error("read", path_, errno);
        name_gone_ = true;
        return false;
    }
    name_gone_ = false;
    if (identity(named) != identity(ours)) replacement_ = FileDescriptor(path_, O_RDONLY);
    return false;
}

void FollowedInput::wait(std::chrono::milliseconds longest) {
    if (replacement_.is_open()) return;
    ::poll(nullptr, 0, static_cast<int>(std::min(longest, kLookEvery).count()));
}

Place FollowedInput::place(std::uint32_t unit, std::uint64_t offset) const {
    return {0, identity(file_.status()), unit == unit_ ? offset : 0};
}

Input::Resumed FollowedInput::resume(const Place& place) {
    const struct stat ours = file_.status();
    if (place.file != identity(ours)) {
        return {0, "\"" + path_ +
                       "\" is another file than at the last run; what was unread of the "
                       "old one is not counted"};
    }
    if (static_cast<std::uint64_t>(ours.st_size) < place.offset) {
        return {0, "\"" + path_ + "\" was cut short since the last run; it is read from its start"};
    }
    offset_ = place.offset;
    return {offset_, ""};
}

std::string FollowedInput::status() const {
    return path_.substr(path_.find_last_of('/') + 1) +
           (name_gone_ ? ", gone; waiting for a new one" : ", followed");
}

}  // namespace word_count
