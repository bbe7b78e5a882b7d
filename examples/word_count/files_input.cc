#include "files_input.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <fcntl.h>

namespace word_count {
namespace {

std::uint32_t number_of_units(std::size_t files, std::uint64_t repeat) {
    constexpr std::uint64_t kUnitsMax = std::numeric_limits<std::uint32_t>::max();
    if (repeat > kUnitsMax / files) {
        throw std::runtime_error("cannot read " + std::to_string(files) + " files " +
                                 std::to_string(repeat) + " times: that is over " +
                                 std::to_string(kUnitsMax) + " readings; lower \"repeat\"");
    }
    return static_cast<std::uint32_t>(files * repeat);
}

}  // namespace

FilesInput::FilesInput(std::vector<std::string> paths, std::uint64_t repeat)
    : paths_(std::move(paths)), units_(number_of_units(paths_.size(), repeat)) {
    for (const std::string& path : paths_) {
        const FileDescriptor file(path, O_RDONLY);
        bytes_total_ += static_cast<std::uint64_t>(file.status().st_size);
    }
}

Input::Read FilesInput::read(std::span<char> room) {
    if (unit_ == units_) return {Kind::kEnds};
    if (!file_.is_open()) {
        file_ = FileDescriptor(path_of(unit_), O_RDONLY);
        ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    const std::size_t bytes = file_.read_at(offset_, room);
    if (bytes > 0) {
        offset_ += bytes;
        return {Kind::kBytes, bytes};
    }
    file_.close();
    bytes_done_ += offset_;
    last_end_ = offset_;
    offset_ = 0;
    ++unit_;
    if (unit_ % paths_.size() == 0) bytes_done_ = 0;
    return {Kind::kUnitEnds};
}

void FilesInput::read_again(const LineAt& line, std::string& text) {
    FileDescriptor another;
    if (line.unit != unit_ || !file_.is_open())
        another = FileDescriptor(path_of(line.unit), O_RDONLY);
    FileDescriptor& file = another.is_open() ? another : file_;

    text.resize(line.length);
    std::size_t have = 0;
    while (have < text.size()) {
        const std::size_t bytes = file.read_at(line.offset + have, std::span(text).subspan(have));
        if (bytes == 0) {
            throw FileError("cannot read \"" + file.path() + "\" again at offset " +
                            std::to_string(line.offset) + ": it has become shorter");
        }
        have += bytes;
    }
}

Place FilesInput::place(std::uint32_t unit, std::uint64_t offset) const {
    if (unit == units_) {  // So that a later run goes on with what was appended since.
        return {(units_ - 1) / paths_.size(), path_of(units_ - 1), last_end_};
    }
    return {unit / paths_.size(), path_of(unit), offset};
}

Input::Resumed FilesInput::resume(const Place& place) {
    const auto found = std::find(paths_.begin(), paths_.end(), place.file);
    if (found == paths_.end()) {
        throw std::runtime_error("cannot go on in \"" + place.file +
                                 "\": it is not there any more");
    }
    const auto index = static_cast<std::uint64_t>(found - paths_.begin());
    const FileDescriptor file(place.file, O_RDONLY);
    const auto size = static_cast<std::uint64_t>(file.status().st_size);
    if (size < place.offset) {
        throw std::runtime_error("cannot go on in \"" + place.file + "\" at offset " +
                                 std::to_string(place.offset) + ": it has only " +
                                 std::to_string(size) + " bytes now");
    }
    unit_ = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(place.pass * paths_.size() + index, units_));
    offset_ = place.offset;
    return {offset_, ""};
}

std::string FilesInput::status() const {
    if (unit_ == units_) return "all read";
    std::string text = path_of(unit_).substr(path_of(unit_).find_last_of('/') + 1);
    if (units_ > paths_.size()) {
        text += ", pass " + std::to_string(unit_ / paths_.size() + 1) + " of " +
                std::to_string(units_ / paths_.size());
    }
    if (bytes_total_ > 0) {
        const double share =
            static_cast<double>(bytes_done_ + offset_) / static_cast<double>(bytes_total_);
        text += ", " + std::to_string(std::min(100, static_cast<int>(100 * share))) + " %";
    }
    return text;
}

}  // namespace word_count
