#include "pending_lines.h"

#include <algorithm>
#include <cstring>

namespace word_count {
namespace {

constexpr std::size_t kWindowAtFirst = 1 << 12;  // A power of two.
constexpr std::size_t kBlockBytes = 256 << 10;

}  // namespace

PendingLines::PendingLines() : entries_(kWindowAtFirst), mask_(kWindowAtFirst - 1) {}

PendingLines::Id PendingLines::add(const LineAt& line) {
    if (window() == entries_.size()) grow();
    entries_[next_ & mask_] = {line, false};
    return next_++;
}

void PendingLines::acked(Id id) {
    entries_[id & mask_].acked = true;
    while (oldest_ != next_ && entries_[oldest_ & mask_].acked) ++oldest_;
}

std::optional<PendingLines::Id> PendingLines::first_failed() const {
    if (failed_.empty()) return std::nullopt;
    return failed_.front();
}

void PendingLines::grow() {
    std::vector<Entry> larger(2 * entries_.size());
    const Id larger_mask = larger.size() - 1;
    for (Id id = oldest_; id != next_; ++id) larger[id & larger_mask] = entries_[id & mask_];
    entries_ = std::move(larger);
    mask_ = larger_mask;
}

const char* KeptText::keep(PendingLines::Id id, std::string_view text) {
    if (blocks_.empty() || blocks_.back().size - blocks_.back().used < text.size()) {
        const std::size_t size = std::max(kBlockBytes, text.size());
        blocks_.push_back({std::make_unique<char[]>(size), size, 0, id});
    }
    Block& block = blocks_.back();
    char* const kept = block.bytes.get() + block.used;
    if (!text.empty()) std::memcpy(kept, text.data(), text.size());
    block.used += text.size();
    block.last = id;
    return kept;
}

void KeptText::release(PendingLines::Id oldest) {
    while (!blocks_.empty() && blocks_.front().last < oldest) {
        if (blocks_.size() ==
            1) {  // Used again from its start: a slow input needs one block in all.
            blocks_.front().used = 0;
            return;
        }
        blocks_.pop_front();
    }
}

}  // namespace word_count
