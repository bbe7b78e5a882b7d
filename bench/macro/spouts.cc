#include "bench/macro/spouts.h"

#include <array>

#include <unistd.h>

namespace storm::bench {

MessageId Flights::depart(Nanos due, Nanos emitted) {
    if (free_.empty()) {
        flights_.push_back({due, emitted});
        return flights_.size();
    }
    const MessageId id = free_.back();
    free_.pop_back();
    flights_[id - 1] = {due, emitted};
    return id;
}

void Flights::arrive(MessageId id, SpoutSlot& slot, bool scheduled) {
    const Nanos time = now();
    const Flight& flight = flights_[id - 1];
    slot.complete.record(time - flight.emitted);
    if (scheduled) slot.due.record(time - flight.due);
    free_.push_back(id);
}

Next PipeLines::next_tuple(SpoutCollector& out) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(pipe_, buffer.data(), buffer.size());
    if (got <= 0) {
        out.finished();
        return Next::kIdle;
    }
    read_.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = read_.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        out.emit_tracked(0, std::string_view(read_).substr(begin, end - begin));
        slot_->emitted.add();
    }
    read_.erase(0, begin);
    return Next::kEmitted;
}

}  // namespace storm::bench
