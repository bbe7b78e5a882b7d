#include "supervisor/why_ended.h"

#include <algorithm>
#include <csignal>
#include <string_view>

namespace storm::supervisor {
namespace {

std::string_view reason_text(EndReason reason) {
    switch (reason) {
        case EndReason::kSilent:
            return ": it had not reported for supervisor.worker.timeout.secs";
        case EndReason::kStartTimeout:
            return ": it had not reported within supervisor.worker.start.timeout.secs";
        case EndReason::kFenced:
            return " (fenced by its peers)";
        case EndReason::kCrash:
        case EndReason::kFailed:
        case EndReason::kNotStarted:
            break;
    }
    return {};
}

/// The resource that it probably lacked.
/// A guess: the kernel tells of SIGKILL and no reason, and counts those it has ended for want of
/// memory on the whole host.
std::string limit_text(const Symptoms& symptoms) {
    const auto said = [&symptoms](std::string_view what) {
        const auto& lines = symptoms.last_stderr;
        return symptoms.failure.find(what) != std::string::npos ||
               std::any_of(lines.begin(), lines.end(), [what](const std::string& line) {
                   return line.find(what) != std::string::npos;
               });
    };
    const Exit& exit = symptoms.exit;
    if (exit.signal == SIGKILL && symptoms.kernel_has_killed) {
        return ", probably by the kernel: this host has run out of memory";
    }
    if (exit.known && symptoms.memory_max > 0 && said("bad_alloc")) {
        return ": out of memory, of which it may have " +
               std::to_string(symptoms.memory_max >> 20) + " MiB (topology.worker.max.memory.mb)";
    }
    if (exit.known && said("Resource temporarily unavailable")) {
        return ": probably it could make no more threads or processes "
               "(supervisor.worker.max.processes)";
    }
    return {};
}

}  // namespace

std::string why_ended(const Symptoms& symptoms) {
    const Exit& exit = symptoms.exit;
    std::string text = exit.text();
    const bool as_if_well = exit.known && exit.signal == 0 && exit.code == 0;
    if (as_if_well && symptoms.reason == EndReason::kCrash) {
        text += " before it had finished, as if user code had called exit(0)";
    }
    text += reason_text(symptoms.reason);
    return text + limit_text(symptoms);
}

}  // namespace storm::supervisor
