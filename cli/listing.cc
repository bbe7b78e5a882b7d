#include "cli/listing.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "cli/table.h"

namespace storm::cli {
namespace {

Colour colour_of(const std::string& state) {
    if (state == "ACTIVE" || state == "RUNNING" || state == "ok" || state == "connected") {
        return Colour::kGood;
    }
    if (state == "CRASH_LOOP" || state == "FAILED" || state == "LOST" || state == "UNKNOWN" ||
        state == "UNREADABLE" || state == "MISSING" || state == "degraded") {
        return Colour::kBad;
    }
    if (state == "BACK_OFF" || state == "KILLED" || state == "STARTING") return Colour::kWarning;
    return Colour::kPlain;
}

Cell number(const Json& object, const char* key) {
    return grouped(count_at(object, key));
}

/// A number that must not be overlooked unless it is 0.
Cell bad_number(const Json& object, const char* key) {
    const std::uint64_t count = count_at(object, key);
    return {grouped(count), count > 0 ? Colour::kBad : Colour::kPlain};
}

/// Tuples that did not go through. While the topology runs, failed ones may be emitted again.
Cell lost_number(const Json& component, bool finished) {
    const std::uint64_t count =
        count_at(component, "dropped") + count_at(component, "lost_inputs") +
        count_at(component, "lost_emits") + (finished ? count_at(component, "unreplayed") : 0);
    return {grouped(count), count > 0 ? Colour::kBad : Colour::kPlain};
}

Cell state(const Json& object, const char* key) {
    const std::string text = text_at(object, key);
    return {text, colour_of(text)};
}

/// The state, with the lease holder if that is not the Supervisor.
Cell worker_state(const Json& worker) {
    Cell cell = state(worker, "state");
    const std::string lease = text_at(worker, "lease");
    if (lease == "nimbus") cell.text += ", asks nimbus";
    if (lease == "nobody") cell.text += ", reaches no nimbus";
    return cell;
}

Cell uptime(const Json& object) {
    return duration_text(count_at(object, "uptime_secs"));
}

std::string latency(const Json& component, const char* quantile) {
    const Json& latencies = object_at(component, "complete_latency_us");
    return latencies.empty() ? "-" : micros_text(count_at(latencies, quantile));
}

std::string address(const Json& object, const char* port) {
    const std::string number = text_at(object, port);
    return text_at(object, "host") + (number.empty() || number == "0" ? "" : ':' + number);
}

/// Such as "2 slots".
std::string counted(std::uint64_t count, const std::string& thing) {
    return grouped(count) + ' ' + thing + (count == 1 ? "" : "s");
}

std::string components_text(const Json& topology, const Terminal& terminal) {
    const bool finished = text_at(topology, "status") == "FINISHED";
    Table table({{"COMPONENT", false, true},
                 {"TYPE"},
                 {"EXECUTORS", true},
                 {"TASKS", true},
                 {"EMITTED", true},
                 {"EXECUTED", true},
                 {"ACKED", true},
                 {"FAILED", true},
                 {"LOST", true},
                 {"PENDING", true},
                 {"P50", true},
                 {"P99", true}});
    for (const Json& component : list_at(topology, "components")) {
        const bool spout = text_at(component, "type") == "spout";
        table.add({text_at(component, "id"), text_at(component, "type"),
                   number(component, "executors"), number(component, "tasks"),
                   number(component, "emitted"), spout ? Cell("-") : number(component, "executed"),
                   number(component, "acked"), bad_number(component, "failed"),
                   lost_number(component, finished), number(component, spout ? "pending" : "kept"),
                   latency(component, "p50"), latency(component, "p99")});
    }
    return table.text(terminal);
}

/// `lines 1, split 2-3`: components, with the tasks of each executor.
std::string runs_text(const Json& worker) {
    std::string text, component;
    for (const Json& executor : list_at(worker, "executors")) {
        const std::string first = text_at(executor, "first_task");
        const std::string last = text_at(executor, "last_task");
        const std::string now = text_at(executor, "component");
        text += text.empty() ? "" : ", ";
        if (now != component) text.append(now).append(" ");
        text.append(first);
        if (first != last) text.append("-").append(last);
        component = now;
    }
    return text;
}

std::string workers_text(const Json& workers, const Terminal& terminal) {
    Table table({{"WORKER", true},
                 {"ADDRESS", false, true},
                 {"PID", true},
                 {"STATE"},
                 {"RESTARTS", true},
                 {"LAST EXIT", false, true},
                 {"METRICS", false, true},
                 {"RUNS", false, true}});
    for (const Json& worker : workers) {
        table.add({text_at(worker, "id"), address(worker, "port"), text_at(worker, "pid"),
                   worker_state(worker), number(worker, "restarts"), text_at(worker, "exit"),
                   text_at(worker, "metrics_url"), runs_text(worker)});
    }
    return table.text(terminal);
}

Cell time_at(const Json& object, const char* key) {
    return time_text(static_cast<std::int64_t>(count_at(object, key)));
}

/// Equal errors in one row. Those of several lines, as stacks are, go on below. They are not cut:
/// what is left out of a reason may be what one has to know.
std::string errors_table(const Json& errors, bool with_topology, const Terminal& terminal) {
    std::vector<Column> columns = {{"LAST"}, {"TIMES", true}, {"FIRST"}};
    if (with_topology) columns.push_back({"TOPOLOGY"});
    columns.insert(columns.end(), {{"COMPONENT"}, {"TASK", true}, {"ERROR"}});
    Table table(columns);
    for (const Json& error : errors) {
        const std::uint64_t count = std::max<std::uint64_t>(count_at(error, "count"), 1);
        const std::uint64_t task = count_at(error, "task");
        std::istringstream lines(text_at(error, "error"));
        std::string line;
        std::getline(lines, line);
        std::vector<Cell> row = {time_at(error, "time_ms"), grouped(count),
                                 count == 1 ? Cell("") : time_at(error, "first_ms")};
        if (with_topology) row.emplace_back(text_at(error, "topology"));
        row.insert(row.end(),
                   {text_at(error, "component"), task == 0 ? std::string() : std::to_string(task),
                    Cell(line, Colour::kBad)});
        table.add(std::move(row));
        while (std::getline(lines, line)) {
            std::vector<Cell> rest(columns.size(), Cell(""));
            rest.back() = line;
            table.add(std::move(rest));
        }
    }
    return table.text(terminal);
}

/// `  split (task 3): 12 of 40 files`
std::string statuses_text(const Json& topology) {
    std::string text;
    for (const Json& component : list_at(topology, "components")) {
        for (const Json& status : list_at(component, "statuses")) {
            text += "  " + text_at(component, "id") + " (task " + text_at(status, "task") +
                    "): " + printable(text_at(status, "text")) + '\n';
        }
    }
    return text;
}

/// The last output of a worker that does not stay alive.
std::string last_words(const Json& worker) {
    std::string text;
    for (const Json& line : list_at(worker, "last_stderr")) {
        if (line.is_string()) text += "    " + printable(line.get<std::string>()) + '\n';
    }
    return text;
}

}  // namespace

std::string topologies_text(const Json& answer, const Terminal& terminal) {
    Table table({{"NAME", false, true},
                 {"STATUS"},
                 {"WORKERS", true},
                 {"EXECUTORS", true},
                 {"TASKS", true},
                 {"UPTIME", true},
                 {"ID", false, true}});
    for (const Json& topology : list_at(answer, "topologies")) {
        table.add({text_at(topology, "name"), state(topology, "status"),
                   number(topology, "workers"), number(topology, "executors"),
                   number(topology, "tasks"), uptime(topology), text_at(topology, "id")});
    }
    return table.empty() ? "no topologies\n" : table.text(terminal);
}

std::string supervisors_text(const Json& answer, const Terminal& terminal) {
    Table table({{"ID", false, true},
                 {"ADDRESS", false, true},
                 {"SLOTS", true},
                 {"USED", true},
                 {"MACHINE"},
                 {"GLIBC"},
                 {"VERSION"},
                 {"UPTIME", true},
                 {"ISOLATION"}});
    for (const Json& supervisor : list_at(answer, "supervisors")) {
        table.add({text_at(supervisor, "id"), address(supervisor, "http_port"),
                   number(supervisor, "slots"), number(supervisor, "used_slots"),
                   text_at(supervisor, "machine"), text_at(supervisor, "glibc"),
                   text_at(supervisor, "storm_version"), uptime(supervisor),
                   text_at(supervisor, "isolation")});
    }
    return table.empty() ? "no supervisors\n" : table.text(terminal);
}

std::string nimbuses_text(const Json& answer, const Terminal& terminal) {
    Table table({{"ID", false, true}, {"ROLE"}, {"VERSION"}, {"UPTIME", true}});
    for (const Json& nimbus : list_at(answer, "nimbuses")) {
        const bool leads = flag_at(nimbus, "leader");
        table.add({text_at(nimbus, "id"),
                   {leads ? "leader" : "standby", leads ? Colour::kGood : Colour::kPlain},
                   text_at(nimbus, "storm_version"),
                   uptime(nimbus)});
    }
    return table.empty() ? "no nimbuses\n" : table.text(terminal);
}

std::string errors_text(const Json& answer, const Terminal& terminal) {
    const Json& errors = list_at(answer, "errors");
    return errors.empty() ? "no errors\n" : errors_table(errors, true, terminal);
}

std::string health_text(const Json& health, const Json& supervisors, const Terminal& terminal) {
    const std::string leader = text_at(health, "leader");
    std::uint64_t slots = 0, used = 0, hosts = 0;
    for (const Json& supervisor : list_at(supervisors, "supervisors")) {
        ++hosts;
        slots += count_at(supervisor, "slots");
        used += count_at(supervisor, "used_slots");
    }
    const auto shown = [&terminal](const std::string& text) {
        return coloured(printable(text), colour_of(text), terminal);
    };
    std::string problems;
    for (const Json& problem : list_at(health, "problems")) {
        if (problem.is_string()) problems += printable(problem.get<std::string>()) + '\n';
    }
    return "nimbus      " + shown(text_at(health, "status")) +
           (leader.empty() ? ", nobody leads" : ", led by " + printable(leader)) +
           "\nzookeeper   " + shown(text_at(health, "zookeeper")) + "\nsupervisors " +
           grouped(hosts) + ", " + counted(slots, "slot") + ", " + grouped(used) + " used\n" +
           problems;
}

std::string topology_text(const Json& topology, const Terminal& terminal) {
    const std::string status = text_at(topology, "status");
    const Json& executors = object_at(topology, "executors");
    std::string text =
        fmt::format("{} ({})  {}  up {}\n{} of {} executors are prepared\n",
                    printable(text_at(topology, "name")), printable(text_at(topology, "id")),
                    coloured(printable(status), colour_of(status), terminal),
                    duration_text(count_at(topology, "uptime_secs")),
                    count_at(executors, "prepared"), count_at(executors, "total"));
    const std::string troubles = troubles_text(topology);
    if (!troubles.empty()) text += coloured(troubles, Colour::kBad, terminal);
    const std::string lost = losses_text(topology);
    if (!lost.empty()) text += coloured(lost, Colour::kBad, terminal);
    for (const Json& note : list_at(topology, "notes")) {
        if (note.is_string()) text += printable(note.get<std::string>()) + '\n';
    }
    text += '\n' + components_text(topology, terminal);
    const std::string statuses = statuses_text(topology);
    if (!statuses.empty()) text += '\n' + statuses;
    const Json& workers = list_at(topology, "workers");
    if (!workers.empty()) text += '\n' + workers_text(workers, terminal);
    const Json& errors = list_at(topology, "errors");
    if (!errors.empty()) text += '\n' + errors_table(errors, false, terminal);
    return text;
}

std::string losses_text(const Json& topology) {
    const bool finished = text_at(topology, "status") == "FINISHED";
    std::string text;
    for (const Json& loss : list_at(topology, "losses")) {
        text += (finished ? "finished, but " : "") + printable(text_at(loss, "what")) +
                "\n  hint: " + printable(text_at(loss, "hint")) + '\n';
    }
    return text;
}

std::string unassigned_text(const Json& topology) {
    std::string text;
    for (const Json& reason : list_at(topology, "unassigned")) {
        if (reason.is_string()) text += printable(reason.get<std::string>()) + '\n';
    }
    return text;
}

/// Whatever a user must know to help: `storm status` and a submission that waits show the same.
std::string troubles_text(const Json& topology) {
    std::string text = unassigned_text(topology);
    for (const Json& worker : list_at(topology, "workers")) {
        const std::string now = text_at(worker, "state");
        const std::string failure = text_at(worker, "failure");
        if (now == "FINISHED" || (colour_of(now) == Colour::kGood && failure.empty())) continue;
        const std::string exit = text_at(worker, "exit");
        text += "worker " + text_at(worker, "id") + " on " + printable(address(worker, "port")) +
                " is " + printable(now) + (exit.empty() ? "" : ", " + printable(exit)) + '\n';
        if (!failure.empty()) text += "    " + printable(failure) + '\n';
        text += last_words(worker);
    }
    return text;
}

}  // namespace storm::cli
