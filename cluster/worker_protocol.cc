#include "cluster/worker_protocol.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cluster/limits.h"
#include "cluster/names.h"
#include "cluster/record_check.h"
#include "cluster/record_schema.h"
#include "cluster/worker_protocol.capnp.h"

namespace storm::cluster {
namespace {

using cluster::fault;
using cluster::read;

constexpr std::size_t kLengthBytes = 4;
// Limit of a report without texts and latencies; these keep it below a message's limit.
constexpr std::size_t kFailureBytesMax = 64 * 1024;

std::string with_length(const std::string& message) {
    std::string framed;
    framed.reserve(kLengthBytes + message.size());
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
        framed += static_cast<char>(message.size() >> (8 * i) & 0xff);
    }
    return framed += message;
}

std::size_t length_at(std::string_view bytes) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
        length |= std::size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return length;
}

void write(const ComponentReport& report, schema::ComponentReport::Builder to) {
    to.setId(text(report.id));
    to.setEmitted(report.emitted);
    to.setTransferred(report.transferred);
    to.setExecuted(report.executed);
    to.setAcked(report.acked);
    to.setFailed(report.failed);
    to.setPending(report.pending);
    to.setErrors(report.errors);
    to.setKept(report.kept);
    to.setDropped(report.losses.dropped);
    to.setLostInputs(report.losses.inputs);
    to.setLostEmits(report.losses.emits);
    to.setUnreplayed(report.losses.unreplayed);
    auto buckets = to.initCompleteLatency(static_cast<unsigned>(report.complete_latency.size()));
    for (unsigned i = 0; i < buckets.size(); ++i) buckets.set(i, report.complete_latency[i]);
    auto errors = to.initLastErrors(static_cast<unsigned>(report.last_errors.size()));
    auto counts = to.initErrorCounts(errors.size());
    auto tasks = to.initErrorTasks(errors.size());
    for (unsigned i = 0; i < errors.size(); ++i) {
        errors.set(i, bytes_of(report.last_errors[i].text));
        counts.set(i, report.last_errors[i].count);
        tasks.set(i, report.last_errors[i].task);
    }
    auto statuses = to.initStatuses(static_cast<unsigned>(report.statuses.size()));
    for (unsigned i = 0; i < statuses.size(); ++i) {
        statuses[i].setTask(report.statuses[i].task);
        statuses[i].setText(bytes_of(report.statuses[i].text));
    }
    to.setOpeningTask(report.opening_task);
    to.setOpeningSecs(report.opening_secs);
}

ComponentReport read(schema::ComponentReport::Reader from) {
    ComponentReport report;
    report.id = string(from.getId());
    report.emitted = from.getEmitted();
    report.transferred = from.getTransferred();
    report.executed = from.getExecuted();
    report.acked = from.getAcked();
    report.failed = from.getFailed();
    report.pending = from.getPending();
    report.errors = from.getErrors();
    report.kept = from.getKept();
    report.losses = {.dropped = from.getDropped(),
                     .inputs = from.getLostInputs(),
                     .emits = from.getLostEmits(),
                     .unreplayed = from.getUnreplayed()};
    for (const std::uint64_t count : from.getCompleteLatency()) {
        report.complete_latency.push_back(count);
    }
    const auto errors = from.getLastErrors();
    const auto counts = from.getErrorCounts();  // None, of an older version.
    const auto tasks = from.getErrorTasks();
    for (unsigned i = 0; i < errors.size(); ++i) {
        report.last_errors.push_back({string(errors[i]), i < counts.size() ? counts[i] : 0,
                                      i < tasks.size() ? tasks[i] : 0});
    }
    for (const schema::TaskStatus::Reader status : from.getStatuses()) {
        report.statuses.push_back({status.getTask(), string(status.getText())});
    }
    report.opening_task = from.getOpeningTask();
    report.opening_secs = from.getOpeningSecs();
    return report;
}

void write(const WorkerReport& report, schema::WorkerReport::Builder to) {
    to.setAssignmentEpoch(report.assignment_epoch);
    to.setState(static_cast<std::uint8_t>(report.state));
    to.setMetricsPort(report.metrics_port);
    to.setFailure(bytes_of(report.failure));
    to.setLease(static_cast<std::uint8_t>(report.lease));
    auto components = to.initComponents(static_cast<unsigned>(report.components.size()));
    for (unsigned i = 0; i < components.size(); ++i) write(report.components[i], components[i]);
}

WorkerReport read(schema::WorkerReport::Reader from) {
    WorkerReport report;
    report.assignment_epoch = from.getAssignmentEpoch();
    report.state = static_cast<WorkerState>(from.getState());
    report.metrics_port = from.getMetricsPort();
    report.failure = string(from.getFailure());
    // Maybe a value of a later version.
    if (from.getLease() <= static_cast<std::uint8_t>(LeaseHolder::kNobody)) {
        report.lease = static_cast<LeaseHolder>(from.getLease());
    }
    for (const schema::ComponentReport::Reader component : from.getComponents()) {
        report.components.push_back(read(component));
    }
    return report;
}

template <typename Builder>
void write(const std::vector<NimbusAddress>& nimbuses, Builder init) {
    const std::size_t count = std::min(nimbuses.size(), kNimbusesTold);
    auto to = init(static_cast<unsigned>(count));
    for (unsigned i = 0; i < count; ++i) {
        to[i].setHost(text(nimbuses[i].host));
        to[i].setPort(nimbuses[i].port);
    }
}

std::vector<NimbusAddress> read(capnp::List<schema::NimbusAddress>::Reader from) {
    std::vector<NimbusAddress> nimbuses;
    for (const schema::NimbusAddress::Reader nimbus : from) {
        if (nimbuses.size() == kNimbusesTold) break;
        nimbuses.push_back({string(nimbus.getHost()), nimbus.getPort()});
    }
    return nimbuses;
}

// Nothing: a kind that this version does not know.
std::optional<ToWorker> read(schema::ToWorker::Reader from) {
    switch (from.which()) {
        case schema::ToWorker::ASSIGN:
            return Assign{read(from.getAssign())};
        case schema::ToWorker::STOP:
            return Stop{from.getStop().getDrain()};
        case schema::ToWorker::VOUCH:
            return Vouch{from.getVouch().getSure(), read(from.getVouch().getNimbuses())};
    }
    return std::nullopt;
}
std::optional<ToSupervisor> read(schema::ToSupervisor::Reader from) {
    switch (from.which()) {
        case schema::ToSupervisor::HELLO: {
            const schema::Hello::Reader hello = from.getHello();
            return Hello{string(hello.getToken()), string(hello.getStormVersion()), hello.getPid()};
        }
        case schema::ToSupervisor::REPORT:
            return read(from.getReport());
    }
    return std::nullopt;
}

std::string fault_of(const ComponentReport& component) {
    if (!is_name(component.id, kIdBytesMax)) return "no component is " + quoted(component.id);
    const std::string named = "component " + quoted(component.id);
    if (component.complete_latency.size() > kLatencyBucketsMax) {
        return named + " has over " + std::to_string(kLatencyBucketsMax) + " buckets of latency";
    }
    if (component.last_errors.size() > kReportErrorsMax) {
        return named + " has over " + std::to_string(kReportErrorsMax) + " last errors";
    }
    for (const ReportedError& error : component.last_errors) {
        if (error.text.size() > kErrorBytesMax) return named + " has an error that is too long";
    }
    if (component.statuses.size() > kStatusesMax) {
        return named + " has over " + std::to_string(kStatusesMax) + " statuses";
    }
    for (const TaskStatus& status : component.statuses) {
        if (status.text.size() > kStatusBytesMax) return named + " has a status that is too long";
    }
    return {};
}

/// Programs and Supervisors may be of different versions, so a worker checks what it is given
/// before it runs as anybody.
std::string fault(const Bootstrap& bootstrap) {
    if (std::string found = fault(bootstrap.topology); !found.empty()) return found;
    if (std::string found = fault(bootstrap.assignment); !found.empty()) return found;
    if (bootstrap.topology.id != bootstrap.assignment.topology) {
        return "the assignment is that of " + quoted(bootstrap.assignment.topology);
    }
    const auto& workers = bootstrap.assignment.workers;
    const auto slot = std::find_if(workers.begin(), workers.end(), [&](const WorkerSlot& each) {
        return each.number == bootstrap.number;
    });
    if (slot == workers.end()) {
        return "the assignment has no worker " + std::to_string(bootstrap.number);
    }
    if (bootstrap.incarnation >> 32 != slot->epoch) {
        return "the incarnation is not of the slot's epoch";
    }
    const std::string& socket = bootstrap.supervisor_socket;
    if (socket.empty() || socket[0] != '/' || socket.size() >= kSocketPathBytesMax ||
        socket.find('\0') != std::string::npos) {
        return "no socket's absolute path of less than " + std::to_string(kSocketPathBytesMax) +
               " bytes is " + quoted(socket);
    }
    if (bootstrap.token.size() != kSecretBytes) return "its token has another length";
    return {};
}

std::string fault(const Hello& hello) {
    if (hello.token.size() != kSecretBytes) return "its token has another length";
    if (hello.pid <= 0) return "no process is " + std::to_string(hello.pid);
    return {};
}

/// Bounds what user code can make its Supervisor keep, component by component; the whole is bounded
/// by the message. Whether there are such components is for Nimbus to say, which knows the
/// topology.
std::string fault(const WorkerReport& report) {
    if (report.state > WorkerState::kFailed) {
        return "no worker is in state " + std::to_string(static_cast<unsigned>(report.state));
    }
    if (report.assignment_epoch > kEpochMax) return "its epoch has over 32 bits";
    if (report.failure.size() > kFailureBytesMax) return "its failure is too long";
    for (const ComponentReport& component : report.components) {
        if (std::string found = fault_of(component); !found.empty()) return found;
    }
    return {};
}

std::string fault(const Assign& assign) {
    return fault(assign.assignment);
}
std::string fault(const Stop&) {
    return {};
}
std::string fault(const Vouch&) {
    return {};
}

/// Cuts what user code makes too long, so that no reader refuses the report.
WorkerReport cut(WorkerReport report) {
    if (report.failure.size() > kFailureBytesMax) report.failure.resize(kFailureBytesMax);
    for (ComponentReport& component : report.components) {
        std::vector<ReportedError>& errors = component.last_errors;
        if (errors.size() > kReportErrorsMax) {
            errors.erase(errors.begin(), errors.end() - std::ptrdiff_t{kReportErrorsMax});
        }
        for (ReportedError& error : errors) {
            if (error.text.size() > kErrorBytesMax) error.text.resize(kErrorBytesMax);
        }
        if (component.statuses.size() > kStatusesMax) component.statuses.resize(kStatusesMax);
        for (TaskStatus& status : component.statuses) {
            if (status.text.size() > kStatusBytesMax) status.text.resize(kStatusBytesMax);
        }
    }
    return report;
}

/// Drops texts of users, which may exceed a message if there are thousands of components.
WorkerReport without_texts(WorkerReport report) {
    clear_texts(report);
    return report;
}

std::string encode_report(const WorkerReport& report) {
    return message<schema::ToSupervisor>(
        [&](schema::ToSupervisor::Builder to) { write(report, to.initReport()); });
}

template <typename Message>
struct Schema;
template <>
struct Schema<ToWorker> {
    using Struct = schema::ToWorker;
    static constexpr const char* kName = "message of a Supervisor";
};
template <>
struct Schema<ToSupervisor> {
    using Struct = schema::ToSupervisor;
    static constexpr const char* kName = "message of a worker";
};

template <typename Message>
base::Result<std::optional<Message>> decode_message(std::string_view bytes) {
    using Struct = typename Schema<Message>::Struct;
    base::Result<std::optional<Message>> message = value_of<std::optional<Message>, Struct>(
        bytes, Schema<Message>::kName, [](typename Struct::Reader from) { return read(from); });
    if (!message || !*message) return message;
    std::string found = std::visit([](const auto& kind) { return fault(kind); }, **message);
    if (found.empty()) return message;
    return base::Error{std::string("cannot take ") + Schema<Message>::kName + ": " + found};
}

}  // namespace

std::string encode(const ToWorker& said) {
    return with_length(message<schema::ToWorker>([&](schema::ToWorker::Builder to) {
        if (const Assign* const assign = std::get_if<Assign>(&said)) {
            write(assign->assignment, to.initAssign());
        } else if (const Vouch* const vouch = std::get_if<Vouch>(&said)) {
            auto builder = to.initVouch();
            builder.setSure(vouch->sure);
            write(vouch->nimbuses,
                  [&builder](unsigned count) { return builder.initNimbuses(count); });
        } else {
            to.initStop().setDrain(std::get<Stop>(said).drain);
        }
    }));
}

/// A Supervisor closes the connection of a worker whose message it refuses, and ends one that does
/// not report. So a report is made to fit, whatever user code has put into it.
std::string encode(const ToSupervisor& said) {
    if (const WorkerReport* const report = std::get_if<WorkerReport>(&said)) {
        const WorkerReport fitting = cut(*report);
        const std::string whole = encode_report(fitting);
        if (whole.size() <= kWorkerMessageBytesMax) return with_length(whole);
        return with_length(encode_report(without_texts(fitting)));
    }
    const Hello& hello = std::get<Hello>(said);
    return with_length(message<schema::ToSupervisor>([&](schema::ToSupervisor::Builder to) {
        auto builder = to.initHello();
        builder.setToken(bytes_of(hello.token));
        builder.setStormVersion(text(hello.storm_version));
        builder.setPid(hello.pid);
    }));
}

std::string encode(const Bootstrap& bootstrap) {
    return message<schema::Bootstrap>([&](schema::Bootstrap::Builder to) {
        write(bootstrap.topology, to.initTopology());
        write(bootstrap.assignment, to.initAssignment());
        to.setNumber(bootstrap.number);
        to.setIncarnation(bootstrap.incarnation);
        to.setSupervisorSocket(text(bootstrap.supervisor_socket));
        to.setToken(bytes_of(bootstrap.token));
        write(bootstrap.nimbuses, [&to](unsigned count) { return to.initNimbuses(count); });
    });
}

base::Result<Bootstrap> decode_bootstrap(std::string_view bytes) {
    if (bytes.size() > kWorkerMessageBytesMax) {
        return base::Error{"cannot read bootstrap: it has over " +
                           std::to_string(kWorkerMessageBytesMax) + " bytes"};
    }
    return checked_value_of<Bootstrap, schema::Bootstrap>(
        bytes, "bootstrap",
        [](schema::Bootstrap::Reader from) {
            return Bootstrap{read(from.getTopology()),
                             read(from.getAssignment()),
                             from.getNumber(),
                             from.getIncarnation(),
                             string(from.getSupervisorSocket()),
                             string(from.getToken()),
                             read(from.getNimbuses())};
        },
        [](const Bootstrap& bootstrap) { return fault(bootstrap); });
}

template <typename Message>
base::Result<std::vector<Message>> MessageReader<Message>::take() {
    std::vector<Message> messages;
    std::string_view left = buffer_;
    while (left.size() >= kLengthBytes) {
        const std::size_t length = length_at(left);
        if (length == 0 || length > kWorkerMessageBytesMax) {
            return base::Error{std::string("cannot read ") + Schema<Message>::kName +
                               ": it says that it has " + std::to_string(length) + " bytes"};
        }
        // The rest comes later. The length was checked first: a peer cannot make us wait, and keep,
        // more than a message may have.
        if (left.size() - kLengthBytes < length) break;
        base::Result<std::optional<Message>> message =
            decode_message<Message>(left.substr(kLengthBytes, length));
        if (!message) return message.error();
        // A kind of a later version is passed over: who says it knows that older ones do not.
        if (*message) messages.push_back(*std::move(message).value());
        left.remove_prefix(kLengthBytes + length);
    }
    buffer_.erase(0, buffer_.size() - left.size());
    return messages;
}

template class MessageReader<ToWorker>;
template class MessageReader<ToSupervisor>;

}  // namespace storm::cluster
