// Counts the tuples of a component that did not go through.
//
// Threads: plain values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace storm::cluster {

struct Losses {
    std::uint64_t dropped = 0;  ///< Untracked tuples for which there was no room.
    std::uint64_t inputs = 0;   ///< Untracked inputs that it failed, or threw at.
    /// Emits that threw, where no tracked input failed with them; and calls made only once that
    /// threw.
    std::uint64_t emits = 0;
    /// Spouts: failed, and not acked later under the same id. May still be while it runs.
    std::uint64_t unreplayed = 0;

    bool any() const { return dropped + inputs + emits + unreplayed > 0; }
    std::uint64_t total() const { return dropped + inputs + emits + unreplayed; }
    Losses& operator+=(const Losses& more);
    friend bool operator==(const Losses&, const Losses&) = default;
};

/// One kind of loss in words.
struct LossText {
    std::string what;
    std::string hint;
};
/// Texts for the component `id`; none: nothing was lost.
std::vector<LossText> loss_texts(const std::string& id, const Losses& losses);

}  // namespace storm::cluster
