// Spouts: where tuples come from.
//
// Order:   open(), activate(), then next_tuple(), ack() and fail() in any mix, deactivate() when
// the topology is
//          deactivated or drained, close().
// Threads: a task's calls never run concurrently. They may come from different threads one after
// the other,
//          unless the component is declared blocking().
// A spout that throws from next_tuple(), ack() or fail() goes on; from open() it stops the
// topology.
#pragma once

#include <cstdint>
#include <string_view>

#include <storm/collector.h>
#include <storm/context.h>

namespace storm {

class Outputs;

namespace detail {
struct SpoutAccess;
}

enum class FailReason : std::uint8_t {
    kBoltFailed,  ///< A bolt said fail(), or a basic bolt threw FailedError.
    kException,   ///< A bolt threw.
    kForgotten,   ///< A bolt neither acked, failed nor kept it.
    kTimedOut,    ///< Not acked within topology.message.timeout.secs.
    kWorkerLost,  ///< Not the tuple's fault: a worker that it had reached is gone.
    kRebalanced,  ///< Not the tuple's fault: a task moved or stopped.
    kOverflow     ///< Too much was emitted at once, or a cycle held too much.
};
std::string_view to_string(FailReason reason);

enum class Next : std::uint8_t {
    kEmitted,
    kIdle
};  ///< kIdle: nothing to emit now; wait, then ask again.

/// A complete spout: counts to a limit, and emits again what failed.
///
///     class Numbers final : public storm::Spout {
///     public:
///         explicit Numbers(std::uint64_t limit) : limit_(limit) {}
///         void declare_outputs(storm::Outputs& outputs) const override {
///             outputs.stream({{"number", storm::Kind::kInt64}});
///         }
///         storm::Next next_tuple(storm::SpoutCollector& out) override {
///             if (failed_.empty() && next_ == limit_) {
///                 out.finished();
///                 return storm::Next::kIdle;
///             }
///             std::uint64_t number = next_;
///             if (failed_.empty()) {
///                 ++next_;
///             } else {
///                 number = failed_.back();
///                 failed_.pop_back();
///             }
///             out.emit_tracked(number, number);
///             return storm::Next::kEmitted;
///         }
///         void fail(storm::MessageId id, storm::FailReason) override { failed_.push_back(id); }
///
///     private:
///         const std::uint64_t limit_;
///         std::uint64_t next_ = 0;
///         std::vector<std::uint64_t> failed_;
///     };
class Spout {
public:
    Spout() = default;
    Spout(const Spout&) = delete;
    Spout& operator=(const Spout&) = delete;
    virtual ~Spout() = default;

    virtual void declare_outputs(Outputs& outputs) const = 0;
    virtual void open(const TaskContext& context, SpoutCollector& out);
    /// Emits some tuples, best one or a few. Must not block, unless declared blocking().
    virtual Next next_tuple(SpoutCollector& out) = 0;
    /// The tree of `id` is complete. Never called from within another call of this spout.
    virtual void ack(MessageId id);
    /// The tree of `id` failed. A spout that emits such tuples again keeps the id for its
    /// next_tuple(), which is called for them also after finished().
    /// Emit it again, under the same id; or say SpoutCollector::dealt_with(id).
    virtual void fail(MessageId id, FailReason reason);
    virtual void activate();
    virtual void deactivate();
    virtual void close();

private:
    friend struct detail::SpoutAccess;
    bool ignores_failures_ = false;  // Its fail() is the one of this class.
};

}  // namespace storm
