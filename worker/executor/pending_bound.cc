#include "worker/executor/pending_bound.h"

#include <cmath>

namespace storm::worker {
namespace {

// Before anything has settled: so many, for so long. A window that doubles has let in about as many
// after that time.
constexpr double kFirst = 1'024;
constexpr double kFirstMicros = 300'000;
constexpr base::Micros kFirstLook = 20 * base::kMicrosPerMilli;

}  // namespace

// A span begins when a tuple settles, not when the last one is over. So a pause of the spout, or of
// a bolt that collects, makes nothing forgotten: there are just no spans meanwhile.
void PendingBound::next_span() {
    if (any_settled_) at_ = (at_ + 1) % kSpans;
    spans_[at_] = {};
    span_end_ = span_ == 0 ? kNever : now_ + span_;
    first_ends_ = any_settled_ ? 0 : span_end_;
    any_settled_ = true;
    count_ = 0;
    flight_ = std::numeric_limits<double>::max();
    double held = 0;
    double in_flight = 0;
    double time = 0;
    for (const Span& span : spans_) {
        if (span.count == 0) continue;
        count_ = std::max(count_, span.count);
        flight_ = std::min(flight_, span.flight());
        held += static_cast<double>(span.held);
        in_flight += static_cast<double>(span.in_flight);
        time += static_cast<double>(span_);
    }
    usually_held_ = time == 0 ? 0 : held / time;
    usually_pending_ = time == 0 ? 0 : (held + in_flight) / time;
}

double PendingBound::usual() const {
    const Span& present = spans_[at_];
    const auto count = static_cast<double>(std::max(count_, present.count));
    const double flight = std::max(std::min(flight_, present.flight()), 1.0);
    return std::floor(std::max(count + usually_pending_, static_cast<double>(span_) / flight));
}

double PendingBound::bound(std::uint32_t pending) {
    if (!any_settled_) {
        if (first_held_ == 0) first_held_ = now_;
        due_ = now_ + kFirstLook;
        const double times = static_cast<double>(now_ - first_held_) / kFirstMicros;
        return first_ = kFirst * std::max(1.0, times * times);
    }
    // In the first span nobody knows yet how many are usually pending.
    const double usual = std::max(this->usual(), now_ < first_ends_ ? first_ : 0.0);
    if (pending < usual) raised_ = 0;  // It went on.
    due_ = std::max(heard_, raised_at_) + span_;
    if (now_ < due_) return std::max(usual, raised_);
    if (pending < std::max(usual, raised_)) {
        due_ = kNever;  // The spout has nothing to emit. If it has, one will hear of that.
    } else {
        raised_ = 2 * std::max(usual, raised_);
        raised_at_ = now_;
        due_ = now_ + span_;
    }
    return std::max(usual, raised_);
}

std::uint32_t PendingBound::bounded(std::uint32_t window, std::uint32_t pending,
                                    std::uint32_t held) {
    if (span_ == 0) return window + held;
    const double free = window + std::max<double>(held, usually_held_);
    const double limit = std::max<double>(window, std::min(free, bound(pending)));
    applies_ = limit < free;
    return static_cast<std::uint32_t>(
        std::min<double>(limit, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace storm::worker
