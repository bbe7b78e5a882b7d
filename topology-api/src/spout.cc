#include <storm/spout.h>

namespace storm {

std::string_view to_string(FailReason reason) {
    switch (reason) {
        case FailReason::kBoltFailed:
            return "bolt_failed";
        case FailReason::kException:
            return "exception";
        case FailReason::kForgotten:
            return "forgotten";
        case FailReason::kTimedOut:
            return "timed_out";
        case FailReason::kWorkerLost:
            return "worker_lost";
        case FailReason::kRebalanced:
            return "rebalanced";
        case FailReason::kOverflow:
            return "overflow";
    }
    return "unknown";
}

void Spout::open(const TaskContext& /*context*/, SpoutCollector& /*out*/) {}
void Spout::ack(MessageId /*id*/) {}
void Spout::fail(MessageId /*id*/, FailReason /*reason*/) {
    ignores_failures_ = true;
}
void Spout::activate() {}
void Spout::deactivate() {}
void Spout::close() {}

}  // namespace storm
