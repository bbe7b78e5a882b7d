// A file that grows, followed as `tail -F` does: when it is cut short it is read from its start
// again; when another file takes its name, the old one is read to its end, then the new one.
//
//     FOLLOWED --cut short--> next unit, offset 0
//              --name gone--> FOLLOWED, until another file has the name
//              --name has another file, this one at its end--> next unit, the new file
//
// Unit:    one more with each of the arrows above that says so.
// Time:    looks for more every 20 ms while there is nothing.
// Errors, threads and cost: as input.h says.
#pragma once

#include <string>

#include "file_descriptor.h"
#include "input.h"

namespace word_count {

class FollowedInput final : public Input {
public:
    explicit FollowedInput(std::string path);

    Read read(std::span<char> room) override;
    void wait(std::chrono::milliseconds longest) override;
    std::uint32_t unit() const override { return unit_; }
    /// There is nothing left to go back to before this unit, so its start stands for all earlier
    /// ones.
    Place place(std::uint32_t unit, std::uint64_t offset) const override;
    Resumed resume(const Place& place) override;
    std::string status() const override;

private:
    /// At the end of file_: whether to go on in the next unit. Opens that.
    bool next_unit();

    const std::string path_;
    FileDescriptor file_;
    FileDescriptor replacement_;  // Has taken the name; file_ may still have a few bytes more.
    std::uint64_t offset_ = 0;
    std::uint32_t unit_ = 0;
    bool name_gone_ = false;
};

}  // namespace word_count
