#include "worker/queue/regroup.h"

#include <algorithm>
#include <cstring>

#include "wire/batch.h"

namespace storm::worker {

// Two passes: the first adds up what each task gets, the second copies. The result is never larger
// than `batch`, since each run that joins another one loses its header. Control rows move with the
// others, so an EOS stays behind the rows of its own pair of tasks, which is all that its receiver
// relies on.
Batch* Regroup::apply(Batch& batch, BatchPool& pool) {
    constexpr auto kHeader = static_cast<std::uint32_t>(sizeof(wire::RunHeader));
    const std::byte* const from = batch.bytes();
    const std::uint32_t source = wire::read_run_header(from).source_task;
    groups_.clear();
    const auto group_of = [this](std::uint32_t task) -> Group& {
        if (task >= group_of_task_.size()) group_of_task_.resize(task + 1);
        std::uint32_t& index = group_of_task_[task];
        if (index >= groups_.size() || groups_[index].target_task != task) {
            index = static_cast<std::uint32_t>(groups_.size());
            groups_.push_back({task, 0, 0});
        }
        return groups_[index];
    };
    for (std::uint32_t at = 0; at < batch.used;) {
        const wire::RunHeader run = wire::read_run_header(from + at);
        Group& group = group_of(run.target_task);
        group.rows += run.count;
        group.bytes += run.bytes;
        at += kHeader + run.bytes;
    }

    Batch* const made = pool.take(batch.used);
    std::byte* const to = made->bytes();
    std::uint32_t end = 0;
    for (Group& group : groups_) {
        wire::write_run_header(to + end, {source, group.target_task, group.rows, group.bytes});
        const std::uint32_t rows_at = end + kHeader;
        end = rows_at + group.bytes;
        group.bytes = rows_at;
    }
    made->used = end;
    made->born = batch.born;
    for (std::uint32_t at = 0; at < batch.used;) {
        const wire::RunHeader run = wire::read_run_header(from + at);
        Group& group = groups_[group_of_task_[run.target_task]];
        std::memcpy(to + group.bytes, from + at + kHeader, run.bytes);
        group.bytes += run.bytes;
        at += kHeader + run.bytes;
    }
    return made;
}

}  // namespace storm::worker
