// What of a component's tuples did not go through, though all has ended.
//
// Threads: plain values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace storm::cluster {

struct Losses {
    std::uint64_t dropped = 0;     ///< Untracked tuples that there was no room for.
    std::uint64_t inputs = 0;      ///< Untracked inputs that it failed, or threw at.
    std::uint64_t emits = 0;       ///< That threw, where no tracked input failed with them; and
                                   ///< calls that threw and are made once.
    std::uint64_t unreplayed = 0;  ///< Of a spout: failed, and not acked later under the same id.
                                   ///< As long as it runs they may still be.

    bool any() const { return dropped + inputs + emits + unreplayed > 0; }
    std::uint64_t total() const { return dropped + inputs + emits + unreplayed; }
    Losses& operator+=(const Losses& more);
    friend bool operator==(const Losses&, const Losses&) = default;
};

/// One loss in words.
struct LossText {
    std::string what;
    std::string hint;
};
/// Of the component `id`; none: nothing was lost.
std::vector<LossText> loss_texts(const std::string& id, const Losses& losses);

}  // namespace storm::cluster
