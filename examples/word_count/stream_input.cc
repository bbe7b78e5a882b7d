#include "stream_input.h"

#include <cerrno>

#include <poll.h>

namespace word_count {

Input::Read StreamInput::read(std::span<char> room) {
    if (told_) return {Kind::kEnds};
    if (!ended_) {
        // The descriptor may be shared with other programs, so it is asked and not made
        // non-blocking.
        if (!readable_within(std::chrono::milliseconds(0))) return {Kind::kLater};
        const std::size_t bytes = stream_.read(room);
        if (bytes > 0) return {Kind::kBytes, bytes};
        ended_ = true;
    }
    told_ = true;
    return {Kind::kUnitEnds};
}

void StreamInput::wait(std::chrono::milliseconds longest) {
    if (!ended_) readable_within(longest);
}

bool StreamInput::readable_within(std::chrono::milliseconds longest) {
    pollfd asked{stream_.number(), POLLIN, 0};
    const int ready = ::poll(&asked, 1, static_cast<int>(longest.count()));
    if (ready < 0 && errno != EINTR) throw file_error("read", stream_.path(), errno);
    return ready > 0;  // Also for an error or a hang-up: read() will say what it is.
}

std::string StreamInput::status() const {
    return ended_ ? stream_.path() + ", all read" : stream_.path();
}

}  // namespace word_count
