#include "nimbus/lifecycle/lifecycle.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

using cluster::Status;

base::Result<Fate> change(const Fate& fate, Status to, const char* verb) {
    if (!is_running(fate)) {
        return base::Error{std::string("cannot ") + verb + " it: it is " +
                           std::string(cluster::to_string(fate.status))};
    }
    Fate next = fate;
    next.status = to;
    return next;
}

}  // namespace

Fate fate_of(const cluster::TopologyRecord& record) {
    return {record.status, record.killed_ms, record.kill_wait_ms, record.rebalance};
}

void set_fate(cluster::TopologyRecord& record, const Fate& fate) {
    // Supervisors that have heard of the kill have ended the workers; nothing brings those back.
    STORM_CHECK(record.status != Status::kKilled || fate.status == Status::kKilled,
                "a kill is final");
    record.status = fate.status;
    record.killed_ms = fate.killed_ms;
    record.kill_wait_ms = fate.kill_wait_ms;
    record.rebalance = fate.rebalance;
}

base::Result<Fate> activate(const Fate& fate) {
    return change(fate, Status::kActive, "activate");
}

base::Result<Fate> deactivate(const Fate& fate) {
    return change(fate, Status::kInactive, "deactivate");
}

Fate kill(const Fate&, std::int64_t wait_ms, std::int64_t now_ms) {
    // Whatever it was before: a record that cannot be read any more can be killed, too.
    return {Status::kKilled, now_ms, std::clamp<std::int64_t>(wait_ms, 0, kKillWaitMsMax)};
}

base::Result<Fate> rebalance(const Fate& fate, std::int64_t wait_ms,
                             const cluster::Rebalance& asked) {
    const auto allowed = change(fate, Status::kRebalancing, "rebalance");
    if (!allowed) return allowed;
    Fate next = *allowed;
    next.kill_wait_ms = std::clamp<std::int64_t>(wait_ms, 0, kKillWaitMsMax);
    next.rebalance = asked;
    next.rebalance.back_to = fate.status;
    return next;
}

Fate rebalanced(const Fate& fate) {
    STORM_CHECK(fate.status == Status::kRebalancing, "only a rebalance ends as one");
    return {fate.rebalance.back_to};
}

Fate finish(const Fate& fate) {
    Fate next = fate;
    if (is_running(fate)) next.status = Status::kFinished;
    return next;
}

bool is_over(const Fate& fate, bool workers_gone, base::Micros known) {
    return cluster::is_draining(fate.status) && (workers_gone || known >= over_after(fate));
}

base::Micros over_after(const Fate& fate) {
    STORM_CHECK(cluster::is_draining(fate.status), "only a kill and a rebalance have a wait");
    return (fate.kill_wait_ms + kKillGraceMs) * base::kMicrosPerMilli;
}

bool is_running(const Fate& fate) {
    return cluster::is_running(fate.status);
}

}  // namespace storm::nimbus
