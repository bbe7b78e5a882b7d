#include "worker/acker/ack_ledger.h"

#include <algorithm>

#include "base/check.h"

namespace storm::worker {
namespace {

constexpr std::uint32_t kFirstSlots = 64;

}  // namespace

AckLedger::AckLedger(TaskId task, std::uint32_t capacity, base::Micros timeout, base::Random random)
    : task_bits_(static_cast<std::uint64_t>(task) << (kSlotBits + kGenerationBits)),
      capacity_(capacity),
      timeout_(timeout),
      random_(random) {
    STORM_CHECK(task > 0 && task < (1 << kRootTaskBits), "a task id must fit into the root id");
    STORM_CHECK(capacity > 0 && capacity <= kSlotMask, "a slot number must fit into the root id");
}

void AckLedger::grow() {
    const auto used = static_cast<std::uint32_t>(entries_.size());
    const std::uint32_t size = std::min(capacity_, std::max(kFirstSlots, 2 * used));
    STORM_CHECK(size > used, "open() requires room");
    entries_.resize(size);
    for (std::uint32_t slot = size; slot > used; --slot) {
        Entry& entry = entries_[slot - 1];
        entry.generation = static_cast<std::uint32_t>(random_.next()) & kGenerationMask;
        entry.link = free_;
        free_ = slot - 1;
    }
}

void AckLedger::reset_timeout(Root root, base::Micros now) {
    Entry* const entry = find(root);
    if (entry != nullptr) entry->link = deadline(now);
}

void AckLedger::postpone(base::Micros opened, base::Micros now) {
    for (Entry& entry : entries_) {
        const bool pending = (entry.generation & kPending) != 0;
        if (pending && entry.emitted == opened) entry.link = deadline(now);
    }
}

base::Micros AckLedger::scan_period() const {
    return std::min(timeout_ / 8, base::kMicrosPerSecond);
}

base::Micros AckLedger::scan_interval() const {
    return std::max<base::Micros>(scan_period() / 8, 1'000);
}

void AckLedger::expire(base::Micros now, std::vector<Settled>& expired) {
    if (timeout_ == 0 || entries_.empty()) return;
    // Half the period, so that a call that comes late still keeps the promise.
    const base::Micros period = std::max<base::Micros>(scan_period() / 2, 1);
    const base::Micros since = std::min(now - scanned_, period);
    const auto size = static_cast<std::uint32_t>(entries_.size());
    const auto share =
        static_cast<std::uint32_t>((std::int64_t{size} * since + period - 1) / period);
    scanned_ = now;
    const auto now_ms = static_cast<std::uint32_t>(now / base::kMicrosPerMilli);
    for (std::uint32_t i = 0; i < share && pending_ > 0; ++i) {
        if (scan_at_ >= size) scan_at_ = 0;
        Entry& entry = entries_[scan_at_++];
        // The difference as a signed number: deadlines may wrap around after 49 days.
        const bool due = static_cast<std::int32_t>(now_ms - entry.link) >= 0;
        if ((entry.generation & kPending) != 0 && due) expired.push_back(settle(entry));
    }
}

void AckLedger::abandon(std::vector<Settled>& abandoned) {
    for (Entry& entry : entries_) {
        if ((entry.generation & kPending) != 0) abandoned.push_back(settle(entry));
    }
}

}  // namespace storm::worker
