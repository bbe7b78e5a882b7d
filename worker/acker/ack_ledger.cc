#include "worker/acker/ack_ledger.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/check.h"

namespace storm::worker {
namespace {

constexpr std::uint32_t kFirstSlots = 64;
constexpr base::Micros kRestMin = 600 * base::kMicrosPerSecond;
// Consecutive calls of an eighth of a scan period each fill the list in T = 32 s.
constexpr std::size_t kSlowCallsMax = 256;

}  // namespace

AckLedger::AckLedger(TaskId task, Life life, std::uint32_t capacity, base::Micros timeout,
                     base::Random random)
    : task_bits_(static_cast<std::uint64_t>(task) << kRootTaskShift),
      life_bits_(static_cast<std::uint32_t>(life) << kGenerationBits),
      capacity_(capacity),
      timeout_(timeout),
      random_(random) {
    STORM_CHECK(task > 0 && task < (1 << kRootTaskBits), "a task id must fit into the root id");
    STORM_CHECK(capacity > 0 && capacity <= kLedgerCapacity, "a slot must fit into the root id");
}

void AckLedger::find_free() {
    const auto used = static_cast<std::uint32_t>(entries_.size());
    const std::uint32_t size = std::min(capacity_, std::max(kFirstSlots, 2 * used));
    const std::uint32_t rested = resting_first_;
    // A rested slot is cheaper than a larger table. If the table cannot grow, even one that has not
    // rested long enough must do.
    if (rested != kNone && (size == used || now_ - entries_[rested].emitted >= rest_period())) {
        resting_first_ = entries_[rested].link;
        entries_[rested].link = kNone;
        free_ = rested;
        return;
    }
    STORM_CHECK(size > used, "open() requires room");
    entries_.resize(size);
    for (std::uint32_t slot = size; slot > used; --slot) {
        Entry& entry = entries_[slot - 1];
        // A random first generation: ids of another ledger with the same life hardly ever match.
        entry.tag = life_bits_ | (static_cast<std::uint32_t>(random_.next()) & kGenerationMask);
        entry.link = free_;
        free_ = slot - 1;
    }
}

void AckLedger::keep(Root root, std::uint32_t count) {
    Entry* const entry = find(root);
    if (entry == nullptr || count == 0) return;
    if (!entry->has_stay()) {
        // The inverted time says that there is a Stay: ack() and fail(), which run for each tuple,
        // look into no map for the roots that nobody keeps.
        entry->emitted = ~entry->emitted;
        const bool is_new = stays_.emplace(root & kSlotMask, Stay{}).second;
        STORM_CHECK(is_new, "an entry says whether it has a stay");
    }
    Stay& stay = stays_.at(root & kSlotMask);
    // Kept anew: the wait before it counts as held starts again.
    if (stay.kept == 0) {
        stay.since = now_;
        kept_.push_back({root, now_});
    }
    stay.kept += std::min(count, std::numeric_limits<std::uint32_t>::max() - stay.kept);
}

std::optional<base::Micros> AckLedger::hold(const KeptSince& kept) {
    const Entry* const entry = find(kept.root);
    if (entry == nullptr || !entry->has_stay()) return std::nullopt;
    Stay& stay = stays_.at(kept.root & kSlotMask);
    // The bolts have let go meanwhile, or kept it anew, which has an entry of its own in kept_.
    if (stay.kept == 0 || stay.since != kept.since || stay.flight == Flight::kHeld)
        return std::nullopt;
    leave(stay.flight);
    stay.flight = Flight::kHeld;
    ++held_;
    return ~entry->emitted + stay.held_for;
}

void AckLedger::let_go(Root root, std::uint32_t count) {
    Entry* const entry = find(root);
    if (entry == nullptr || !entry->has_stay()) return;
    const auto found = stays_.find(root & kSlotMask);
    STORM_CHECK(found != stays_.end(), "an entry says whether it has a stay");
    Stay& stay = found->second;
    if (stay.kept == 0 || count == 0) return;
    stay.kept -= std::min(count, stay.kept);
    if (stay.kept > 0) return;
    if (stay.flight == Flight::kHeld) {
        leave(stay.flight);
        stay.flight = Flight::kBack;
        ++back_;
        stay.held_for += now_ - stay.since;
    } else if (stay.flight == Flight::kInFlight) {
        // It never counted as held, so nothing about it needs to be remembered.
        entry->emitted = ~entry->emitted;
        stays_.erase(found);
    }
}

AckLedger::Stayed AckLedger::end_stay(Entry& entry, std::uint32_t slot) {
    const auto found = stays_.find(slot);
    STORM_CHECK(found != stays_.end(), "an entry says whether it has a stay");
    const Stay stay = found->second;
    stays_.erase(found);
    entry.emitted = ~entry.emitted;
    leave(stay.flight);
    const base::Micros since = stay.flight == Flight::kHeld ? stay.since : now_;
    return {stay.flight, stay.held_for + now_ - since};
}

// A queue, in the order in which slots came to rest, so find_free() looks at its front alone. The
// tag lacks kPending: find() matches nothing in a resting slot, whatever generation a late message
// names.
void AckLedger::rest(std::uint32_t slot) {
    Entry& entry = entries_[slot];
    entry.tag = life_bits_;
    entry.emitted = now_;
    entry.link = kNone;
    if (resting_first_ == kNone) {
        resting_first_ = slot;
    } else {
        entries_[resting_last_].link = slot;
    }
    resting_last_ = slot;
}

void AckLedger::reset_timeout(Root root, base::Micros now) {
    Entry* const entry = find(root);
    if (entry != nullptr) entry->link = deadline(now);
}

// A slow call leaves one entry here, instead of a pass over all roots that were opened in it.
// is_due() asks for the delay of a root only when its deadline has passed.
void AckLedger::postpone(base::Micros opened, base::Micros now) {
    // Deadlines have that much to spare.
    const base::Micros delay = now - opened;
    if (timeout_ == 0 || delay <= scan_period() / 8) return;
    if (slow_calls_.size() == kSlowCallsMax) make_room(now);
    slow_calls_.push_back({opened, opened, delay});
}

void AckLedger::make_room(base::Micros now) {
    std::erase_if(slow_calls_, [&](const SlowCalls& calls) {
        return calls.last + calls.delay + timeout_ + 2 * scan_period() < now;
    });
    if (slow_calls_.size() < kSlowCallsMax) return;
    // Merges pairs: roots emitted between the two calls may time out later, by as much as a call
    // took, but none times out too early.
    for (std::size_t i = 0; i < kSlowCallsMax / 2; ++i) {
        const SlowCalls& one = slow_calls_[2 * i];
        const SlowCalls& next = slow_calls_[2 * i + 1];
        slow_calls_[i] = {one.first, next.last, std::max(one.delay, next.delay)};
    }
    slow_calls_.resize(kSlowCallsMax / 2);
}

base::Micros AckLedger::delay_of(base::Micros opened) const {
    const auto after =
        std::upper_bound(slow_calls_.begin(), slow_calls_.end(), opened,
                         [](base::Micros at, const SlowCalls& calls) { return at < calls.first; });
    if (after == slow_calls_.begin()) return 0;
    return opened <= std::prev(after)->last ? std::prev(after)->delay : 0;
}

bool AckLedger::is_due(Entry& entry, std::uint32_t now_ms) const {
    // A signed difference, because deadlines wrap around after 49 days.
    const auto passed = [now_ms](std::uint32_t deadline) {
        return static_cast<std::int32_t>(now_ms - deadline) >= 0;
    };
    if (!passed(entry.link)) return false;
    const base::Micros emitted = entry.has_stay() ? ~entry.emitted : entry.emitted;
    const base::Micros delay = delay_of(emitted);
    if (delay == 0) return true;
    // It was emitted late in a slow call, so it gets the missing time now; the table needs no pass
    // for that.
    const std::uint32_t later = deadline(emitted + delay);
    if (passed(later)) return true;
    entry.link = later;
    return false;
}

base::Micros AckLedger::scan_period() const {
    return std::min(timeout_ / 8, base::kMicrosPerSecond);
}

base::Micros AckLedger::rest_period() const {
    return std::max(kRestMin, 4 * timeout_);
}

base::Micros AckLedger::scan_interval() const {
    return std::max<base::Micros>(scan_period() / 8, 1'000);
}

void AckLedger::expire(base::Micros now, std::vector<Settled>& expired) {
    if (timeout_ == 0 || entries_.empty()) return;
    // Half the period, so that late calls still keep the promise.
    const base::Micros period = std::max<base::Micros>(scan_period() / 2, 1);
    const base::Micros since = std::min(now - scanned_, period);
    const auto size = static_cast<std::uint32_t>(entries_.size());
    const auto share =
        static_cast<std::uint32_t>((std::int64_t{size} * since + period - 1) / period);
    scanned_ = now;
    const auto now_ms = static_cast<std::uint32_t>(now / base::kMicrosPerMilli);
    for (std::uint32_t i = 0; i < share && pending_ > 0; ++i) {
        if (scan_at_ >= size) scan_at_ = 0;
        const std::uint32_t slot = scan_at_++;
        Entry& entry = entries_[slot];
        if ((entry.tag & kPending) != 0 && is_due(entry, now_ms))
            expired.push_back(settle(entry, root_of(entry, slot)));
    }
}

// The caller queues the failures and calls back later: fail() may open roots, and entries_ must not
// grow while it is walked. The same holds for expire().
void AckLedger::abandon(std::vector<Settled>& abandoned) {
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
        Entry& entry = entries_[slot];
        if ((entry.tag & kPending) != 0) abandoned.push_back(settle(entry, root_of(entry, slot)));
    }
}

}  // namespace storm::worker
