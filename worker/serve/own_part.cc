#include "worker/serve/own_part.h"

#include <algorithm>

namespace storm::worker {

const cluster::WorkerSlot* slot_of(const cluster::Assignment& assignment, std::uint32_t number) {
    for (const cluster::WorkerSlot& slot : assignment.workers) {
        if (slot.number == number) return &slot;
    }
    return nullptr;
}

Share share_of(const cluster::Assignment& assignment, std::uint32_t number,
               std::uint64_t incarnation) {
    Share share{.own = number,
                .workers = 1,
                .worker_of_executor = assignment.worker_of_executor,
                .incarnation = incarnation,
                .workers_on_host = 0};
    const cluster::WorkerSlot* const own = slot_of(assignment, number);
    for (const cluster::WorkerSlot& slot : assignment.workers) {
        share.workers = std::max(share.workers, slot.number + 1);
        if (own != nullptr && slot.host == own->host) ++share.workers_on_host;
    }
    for (std::uint32_t& worker : share.worker_of_executor) {
        if (worker == cluster::kUnassigned) worker = share.workers;
    }
    const bool gaps =
        std::any_of(share.worker_of_executor.begin(), share.worker_of_executor.end(),
                    [&share](std::uint32_t worker) { return worker >= share.workers; });
    share.workers += gaps ? 1 : 0;
    share.workers_on_host = std::max<std::size_t>(share.workers_on_host, 1);
    return share;
}

std::vector<std::optional<PeerPlace>> places_of(const cluster::Assignment& assignment,
                                                std::uint32_t workers) {
    std::vector<std::optional<PeerPlace>> places(workers);
    for (const cluster::WorkerSlot& slot : assignment.workers) {
        if (slot.number < workers)
            places[slot.number] = PeerPlace{slot.host, slot.port, slot.epoch};
    }
    return places;
}

std::string_view why_it_ends(const cluster::Assignment& present, const cluster::Assignment& next,
                             std::uint32_t number, std::uint64_t incarnation) {
    const cluster::WorkerSlot* const slot = slot_of(next, number);
    const std::uint64_t own_epoch = incarnation >> 32;
    if (slot == nullptr || slot->epoch > own_epoch) return "its slot is another worker's now";
    // A new life begins with the new share. This one cannot hand over the objects of its tasks, nor
    // what they keep.
    if (next.worker_of_executor != present.worker_of_executor) return "its executors have changed";
    return "";
}

}  // namespace storm::worker
