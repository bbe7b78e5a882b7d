// Files that are read one after the other, the whole sequence once or several times.
//
// Unit:    pass * number of files + index of the file.
// Errors, threads and cost: as input.h says.
#pragma once

#include <string>
#include <vector>

#include "file_descriptor.h"
#include "input.h"

namespace word_count {

class FilesInput final : public Input {
public:
    /// Throws when one of them cannot be read.
    FilesInput(std::vector<std::string> paths, std::uint64_t repeat);

    Read read(std::span<char> room) override;
    void wait(std::chrono::milliseconds) override {}
    std::uint32_t unit() const override { return unit_; }
    bool rereadable() const override { return true; }
    void read_again(const LineAt& line, std::string& text) override;
    Place place(std::uint32_t unit, std::uint64_t offset) const override;
    Resumed resume(const Place& place) override;
    std::string status() const override;

private:
    const std::string& path_of(std::uint32_t unit) const { return paths_[unit % paths_.size()]; }

    const std::vector<std::string> paths_;
    const std::uint32_t units_;
    std::uint64_t bytes_total_ = 0;  // Bytes of one pass, measured at the start.
    std::uint64_t bytes_done_ = 0;   // Bytes of this pass in files that are done.
    std::uint32_t unit_ = 0;
    FileDescriptor file_;  // The file of unit_; opened by the first read().
    std::uint64_t offset_ = 0;
    std::uint64_t last_end_ = 0;  // End of the previous unit.
};

}  // namespace word_count
