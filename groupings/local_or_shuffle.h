// Local-or-shuffle grouping: the nearest targets in turn; farther ones only while none of those has
// credit.
//
//     ring 0   same loop     handed over without another thread
//     ring 1   same worker   one copy between threads
//     ring 2   elsewhere     the network
//
// Chooses the next target with credit in the first ring that has one. If no target has credit at
// all, it chooses the next one of the nearest ring in which not all are gone; if all are gone
// everywhere, that of the nearest ring.
//
// Threads: one instance for each emitting task.
// Cost:    about 2 ns while the nearest ring has credit; then a look at each target.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "groupings/credit.h"
#include "groupings/setup.h"

namespace storm::groupings {

class LocalOrShuffle {
public:
    static constexpr GroupingKind kKind = GroupingKind::kLocalOrShuffle;
    static constexpr bool kSkipsExhausted = true;
    static LocalOrShuffle make(const Setup& setup) {
        std::vector<Distance> distances;
        for (const TaskId task : setup.tasks) distances.push_back(setup.distance(task));
        return LocalOrShuffle(distances, setup.random.next());
    }

    /// `distances[i]` belongs to target i; `start` is random. REQUIRES: not empty.
    LocalOrShuffle(std::span<const Distance> distances, std::uint64_t start) : start_(start) {
        set_distances(distances);
    }

    /// To be called after an executor or a worker has moved. REQUIRES: not empty.
    void set_distances(std::span<const Distance> distances) {
        STORM_CHECK(!distances.empty(), "a grouping has at least one target");
        targets_.clear();
        nearest_ = kRings;
        for (std::size_t ring = 0; ring < kRings; ++ring) {
            const std::size_t begin = targets_.size();
            for (std::size_t i = 0; i < distances.size(); ++i) {
                if (static_cast<std::size_t>(distances[i]) == ring) targets_.push_back(i);
            }
            const std::size_t size = targets_.size() - begin;
            const std::size_t next =
                size == 0 ? begin : begin + static_cast<std::size_t>(start_ % size);
            rings_[ring] = {begin, targets_.size(), next};
            if (size != 0 && nearest_ == kRings) nearest_ = ring;
        }
        STORM_CHECK(targets_.size() == distances.size(), "a distance is one of the three");
    }

    template <typename CreditOf>
    std::size_t choose(CreditOf&& credit) {
        Ring& ring = rings_[nearest_];
        const std::size_t index = targets_[ring.next];
        if (credit(index) != Credit::kSome) [[unlikely]]
            return best(credit);
        ring.next = ring.after(ring.next);
        return index;
    }

    template <typename Row, typename To>
    bool send(const Row& row, const To& to) {
        return to(choose([&row](std::size_t index) { return row.credit(index); }));
    }

private:
    static constexpr std::size_t kRings = 3;

    /// A range of targets_.
    struct Ring {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::size_t next = 0;

        std::size_t after(std::size_t at) const { return at + 1 == end ? begin : at + 1; }
    };

    template <typename CreditOf>
    std::size_t best(CreditOf& credit) {
        Ring* ring = &rings_[nearest_];  // The ring and the place in it, if nobody has credit.
        std::size_t place = ring->next;
        bool present = false;
        for (std::size_t r = nearest_; r < kRings; ++r) {
            Ring& tried = rings_[r];
            std::size_t at = tried.next;
            for (std::size_t i = tried.begin; i < tried.end; ++i, at = tried.after(at)) {
                const Credit has = credit(targets_[at]);
                if (has == Credit::kSome) return take(tried, at);
                if (has == Credit::kGone || present) continue;
                present = true;
                ring = &tried;
                place = at;
            }
        }
        return take(*ring, place);
    }

    std::size_t take(Ring& ring, std::size_t at) {
        ring.next = ring.after(at);
        return targets_[at];
    }

    std::uint64_t start_;
    std::vector<std::size_t> targets_;  // Indices, nearest first.
    std::array<Ring, kRings> rings_;
    std::size_t nearest_ = kRings;  // The first ring that is not empty.
};

}  // namespace storm::groupings
