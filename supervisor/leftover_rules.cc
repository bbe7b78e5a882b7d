#include "supervisor/leftover_rules.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

namespace storm::supervisor {
namespace {

/// The worst mistake is to end what is not a leftover: a worker that lives, or a stranger's
/// program. So what this Supervisor has started is spared first, and each rule asks for more than
/// user code can bring about for somebody else.
class Rules {
public:
    Rules(const std::vector<Process>& processes, const WorkerMarks& worker, const Others& others)
        : worker_(worker),
          number_(std::to_string(worker.number)),
          port_(std::to_string(worker.port)),
          home_(others.home) {
        for (const Process& each : processes) parents_[each.pid] = each.parent;
        for (const OtherWorker& each : others.workers) {
            if (each.pid > 0) spared_.insert(each.pid);
        }
        has_session_ =
            worker.pid > 0 && std::none_of(processes.begin(), processes.end(),
                                           [&](const auto& each) { return has_taken_pid(each); });
        // All of a user's processes, or none by this rule: if one of them may belong to somebody
        // else, so may the others.
        by_user_ = worker.user && no_other_has_user(others) &&
                   std::none_of(processes.begin(), processes.end(), [&](const Process& each) {
                       return is_foreign(each, others.ports);
                   });
    }

    bool is_leftover(const Process& process) const {
        if (process.has_ended || is_spared(process)) return false;
        return is_by_session(process) || has_all_marks(process) ||
               (by_user_ && process.user == worker_.user);
    }

private:
    /// A session keeps its leader's pid reserved while any member lives. If another process has
    /// that pid now, the session is over.
    bool has_taken_pid(const Process& process) const {
        if (process.pid != worker_.pid) return false;
        return !process.has_ended || process.start_time != worker_.start_time;
    }

    bool no_other_has_user(const Others& others) const {
        return std::none_of(others.workers.begin(), others.workers.end(),
                            [this](const auto& each) { return each.user == worker_.user; });
    }

    bool has_another_home(const Process& process) const {
        return !process.marks.home.empty() && process.marks.home != home_;
    }

    /// Perhaps a worker of another Supervisor.
    bool is_foreign(const Process& process, const std::set<std::uint16_t>& own_ports) const {
        if (process.has_ended || process.user != worker_.user) return false;
        if (!process.marks.home.empty()) return has_another_home(process);
        const std::string& text = process.marks.port;
        if (text.empty()) return false;
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
        const bool is_ours =
            error == std::errc() && end == text.data() + text.size() && own_ports.count(port) > 0;
        return !is_ours && !has_all_marks(process);
    }

    bool is_spared(const Process& process) const {
        if (spared_.count(process.session) > 0) return true;
        pid_t pid = process.pid;
        // Parents were read one after the other, so they may form a circle.
        for (std::size_t i = 0; i <= parents_.size(); ++i) {
            if (spared_.count(pid) > 0) return true;
            const auto parent = parents_.find(pid);
            if (parent == parents_.end()) return false;
            pid = parent->second;
        }
        return false;
    }

    /// The worker may have ended long ago, and its pid may have had another session since.
    bool is_by_session(const Process& process) const {
        return has_session_ && process.session == worker_.pid && process.is_without_privileges &&
               process.start_time >= worker_.start_time;
    }

    /// A worker that has moved has the same number at its new Supervisor, and maybe the same port.
    bool has_all_marks(const Process& process) const {
        if (has_another_home(process)) return false;
        return process.marks.topology == worker_.topology && process.marks.worker == number_ &&
               process.marks.port == port_;
    }

    const WorkerMarks& worker_;
    const std::string number_;
    const std::string port_;
    const std::string home_;
    std::map<pid_t, pid_t> parents_;
    std::set<pid_t> spared_;
    bool has_session_ = false;
    bool by_user_ = false;
};

}  // namespace

std::vector<Process> leftovers_among(const std::vector<Process>& processes,
                                     const WorkerMarks& worker, const Others& others) {
    const Rules rules(processes, worker, others);
    std::vector<Process> found;
    std::copy_if(processes.begin(), processes.end(), std::back_inserter(found),
                 [&](const Process& each) { return rules.is_leftover(each); });
    return found;
}

}  // namespace storm::supervisor
