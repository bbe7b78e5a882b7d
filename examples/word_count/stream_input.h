// An input that can be read once, in order: standard input, a pipe, a terminal.
//
// Unit:    there is one.
// Errors, threads and cost: as input.h says.
#pragma once

#include "file_descriptor.h"
#include "input.h"

namespace word_count {

class StreamInput final : public Input {
public:
    explicit StreamInput(FileDescriptor stream) : stream_(std::move(stream)) {}

    Read read(std::span<char> room) override;
    void wait(std::chrono::milliseconds longest) override;
    std::uint32_t unit() const override { return 0; }
    std::string status() const override;

private:
    bool readable_within(std::chrono::milliseconds longest);

    FileDescriptor stream_;
    bool ended_ = false;
    bool told_ = false;  // It has told the end of the unit.
};

}  // namespace word_count
