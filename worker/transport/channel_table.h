// A link's channels, found by their id. It has room for those that exist, however many executors
// the two workers have that do not talk to each other.
//
// Threads: one. The entries stay where they are.
// Cost:    a look-up takes about 3 ns; 8 to 16 bytes for each channel, beside its entry.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace storm::worker {

/// An Entry has a member `id`, the channel_id().
template <typename Entry>
class ChannelTable {
public:
    /// REQUIRES: all ids differ.
    explicit ChannelTable(std::vector<Entry> entries)
        : entries_(std::move(entries)),
          // At most half full, so that a look-up ends soon.
          places_(std::bit_ceil(2 * entries_.size() + 2)),
          shift_(64 - std::countr_zero(places_.size())) {
        for (std::size_t i = 0; i < entries_.size(); ++i)
            places_[place_of(entries_[i].id)] = static_cast<std::uint32_t>(i + 1);
    }

    /// Null: there is no such channel.
    Entry* find(std::uint64_t id) {
        const std::uint32_t found = places_[place_of(id)];
        return found == 0 ? nullptr : &entries_[found - 1];
    }
    const Entry* find(std::uint64_t id) const {
        const std::uint32_t found = places_[place_of(id)];
        return found == 0 ? nullptr : &entries_[found - 1];
    }

    auto begin() { return entries_.begin(); }
    auto end() { return entries_.end(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

private:
    /// The place with that id, or the free one where it would be.
    std::size_t place_of(std::uint64_t id) const {
        // Fibonacci hashing: the upper bits of the product depend on all bits of the id.
        std::size_t place = (id * 0x9e37'79b9'7f4a'7c15) >> shift_;
        while (places_[place] != 0 && entries_[places_[place] - 1].id != id)
            place = (place + 1) & (places_.size() - 1);
        return place;
    }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> places_;  // Index into entries_, and 1; 0: free.
    int shift_;
};

}  // namespace storm::worker
