#include "coordination/memory_coordination.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "coordination/memory_client.h"
#include "coordination/memory_tree.h"

namespace storm::coordination {
namespace {

/// A client, seen by its server.
struct Connection {
    MemoryClientEnd* client = nullptr;
    base::EventLoop* process = nullptr;
    bool established = false;  // Its session has begun …
    bool ended = false;        // … and is over.
    bool refused = false;      // It has seen a state that this server has not reached.
    std::uint64_t link = 0;    // 0: none. Messages sent on a former link are lost.
    base::Micros heard = 0;
    std::vector<std::uint64_t> fired;  // Watches that it must still be told of.
    base::Micros last_to_server = 0;   // Last arrival, so that order is kept.
    base::Micros last_to_client = 0;
};

struct Process {
    bool cut = false;
    bool silent = false;
    bool cut_after_multi = false;
    int multis_to_fail = 0;
    MultiFault fault = MultiFault::kRefused;
};

}  // namespace

struct MemoryServer::State final : MemoryServerEnd, std::enable_shared_from_this<State> {
    State(base::EventLoop& on, MemoryServerOptions chosen) : loop(on), options(std::move(chosen)) {}

    // `id` is the client's.
    void to_server(std::uint64_t id, std::function<void(Connection&)> arrive);
    void to_client(std::uint64_t id, std::function<void(MemoryClientEnd&)> arrive);
    void hello(std::uint64_t id) override;
    void request(std::uint64_t id, const MemoryRequest& request, std::uint64_t number) override;
    void ping(std::uint64_t id) override {
        to_server(id, [this, id](Connection&) {
            to_client(id, [](MemoryClientEnd& client) { client.pinged(); });
        });
    }
    void lose(std::uint64_t id) override { break_link(connections.at(id)); }
    void end_session(std::uint64_t id) override;
    void close(std::uint64_t id) override;
    base::Micros session_timeout() const override { return options.session_timeout; }

    MemoryAnswer perform(std::uint64_t id, const MemoryRequest& request);
    void expect(std::uint64_t id);
    void apply(const MemoryTree::Changes& changes);
    void fire(std::multimap<std::string, std::pair<std::uint64_t, std::uint64_t>>& watches,
              const std::string& path);
    void tell_fired(std::uint64_t id, Connection& connection);
    void break_link(Connection& connection);
    std::vector<std::uint64_t> ids_of(const base::EventLoop& process) const;

    base::EventLoop& loop;
    const MemoryServerOptions options;
    MemoryTree tree;
    // Path -> client and its watch.
    std::multimap<std::string, std::pair<std::uint64_t, std::uint64_t>> data_watches;
    std::multimap<std::string, std::pair<std::uint64_t, std::uint64_t>> child_watches;
    std::map<std::uint64_t, Connection> connections;
    std::map<const base::EventLoop*, Process> processes;
    std::uint64_t next_id = 1;
    std::uint64_t next_link = 1;
};

/// Delays differ, but messages of one connection keep their order, as those of TCP do. One that was
/// sent on a former link is lost.
void MemoryServer::State::to_server(std::uint64_t id, std::function<void(Connection&)> arrive) {
    Connection& connection = connections.at(id);
    const base::Micros now = loop.now();
    const base::Micros at = std::max(now + options.delay(), connection.last_to_server);
    connection.last_to_server = at;
    loop.after(at - now, [this, id, link = connection.link, arrive = std::move(arrive),
                          alive = weak_from_this()] {
        if (alive.expired()) return;
        Connection& there = connections.at(id);
        if (there.link != link || link == 0 || processes[there.process].silent) return;
        there.heard = loop.now();
        arrive(there);
    });
}

void MemoryServer::State::to_client(std::uint64_t id,
                                    std::function<void(MemoryClientEnd&)> arrive) {
    Connection& connection = connections.at(id);
    if (connection.client == nullptr) return;
    const base::Micros now = loop.now();
    const base::Micros at = std::max(now + options.delay(), connection.last_to_client);
    connection.last_to_client = at;
    connection.process->after(at - now,
                              [this, id, link = connection.link, arrive = std::move(arrive),
                               watch = connection.client->watch()] {
                                  if (watch.is_over()) return;
                                  const Connection& there = connections.at(id);
                                  STORM_CHECK(there.client != nullptr, "the client is alive");
                                  if (there.link == link && !processes[there.process].silent)
                                      arrive(*there.client);
                              });
}

void MemoryServer::State::hello(std::uint64_t id) {
    Connection& connection = connections.at(id);
    const Process& process = processes[connection.process];
    if (process.cut || process.silent || connection.link != 0 || connection.refused) return;
    connection.link = next_link++;
    to_server(id, [this, id](Connection& there) {
        if (there.ended) {
            return to_client(id, [](MemoryClientEnd& client) { client.expired(); });
        }
        if (!std::exchange(there.established, true)) expect(id);
        to_client(id, [](MemoryClientEnd& client) { client.connected(); });
        tell_fired(id, there);
    });
}

void MemoryServer::State::request(std::uint64_t id, const MemoryRequest& request,
                                  std::uint64_t number) {
    to_server(id, [this, id, request, number](Connection& there) {
        Process& process = processes[there.process];
        const bool fails =
            request.kind == MemoryRequest::Kind::kMulti && process.multis_to_fail > 0;
        if (fails) --process.multis_to_fail;
        if (fails && process.fault == MultiFault::kLostBefore) return break_link(there);
        MemoryAnswer answer = fails && process.fault == MultiFault::kRefused
                                  ? MemoryAnswer{CoordinationError::kOther, {}, {}}
                                  : perform(id, request);
        if (fails && process.fault == MultiFault::kLostAfter) return break_link(there);
        if (request.kind == MemoryRequest::Kind::kMulti &&
            std::exchange(process.cut_after_multi, false)) {
            process.cut = true;
            return break_link(there);
        }
        to_client(id, [number, answer = std::move(answer)](MemoryClientEnd& client) {
            client.answered(number, answer);
        });
    });
}

MemoryAnswer MemoryServer::State::perform(std::uint64_t id, const MemoryRequest& request) {
    if (request.kind == MemoryRequest::Kind::kMulti) {
        const MemoryTree::Changes changes = tree.multi(request.steps, id);
        apply(changes);
        return {changes.error, {}, {}};
    }
    const bool lists = request.kind == MemoryRequest::Kind::kChildren;
    const Node* const node = tree.find(request.path);
    if (request.watch != 0 && (node != nullptr || !lists)) {
        (lists ? child_watches : data_watches).emplace(request.path, std::pair(id, request.watch));
    }
    if (node == nullptr) return {CoordinationError::kNoNode, {}, {}};
    if (lists) return {CoordinationError::kNone, {}, tree.children(request.path)};
    return {CoordinationError::kNone, *node, {}};
}

void MemoryServer::State::expect(std::uint64_t id) {
    // From the last message that arrived here, as a real server counts it: the client's own lease
    // counts from an earlier time, that of its sending.
    const Connection& connection = connections.at(id);
    const base::Micros over = connection.heard + options.session_timeout;
    loop.after(over - loop.now(), [this, id, alive = weak_from_this()] {
        if (alive.expired()) return;
        const Connection& there = connections.at(id);
        if (there.ended) return;
        if (loop.now() < there.heard + options.session_timeout) return expect(id);
        end_session(id);
    });
}

void MemoryServer::State::end_session(std::uint64_t id) {
    Connection& connection = connections.at(id);
    if (!connection.established || std::exchange(connection.ended, true)) return;
    for (auto* const watches : {&data_watches, &child_watches}) {
        std::erase_if(*watches, [id](const auto& each) { return each.second.first == id; });
    }
    connection.fired.clear();
    // After its own watches are gone: a session hears of its end, not of the nodes that went with
    // it.
    apply(tree.remove_ephemerals(id));
    if (connection.link != 0) {
        to_client(id, [](MemoryClientEnd& client) { client.expired(); });
    }
}

void MemoryServer::State::close(std::uint64_t id) {
    Connection& connection = connections.at(id);
    if (connection.link != 0 && !processes[connection.process].silent) end_session(id);
    connection.client = nullptr;
    connection.link = 0;
}

void MemoryServer::State::apply(const MemoryTree::Changes& changes) {
    for (const std::string& path : changes.nodes) fire(data_watches, path);
    for (const std::string& path : changes.folders) fire(child_watches, path);
}

void MemoryServer::State::fire(
    std::multimap<std::string, std::pair<std::uint64_t, std::uint64_t>>& watches,
    const std::string& path) {
    const auto [begin, end] = watches.equal_range(path);
    std::set<std::uint64_t> who;
    for (auto at = begin; at != end; ++at) {
        connections.at(at->second.first).fired.push_back(at->second.second);
        who.insert(at->second.first);
    }
    watches.erase(begin, end);
    for (const std::uint64_t id : who) {
        Connection& connection = connections.at(id);
        if (connection.link != 0) tell_fired(id, connection);
    }
}

void MemoryServer::State::tell_fired(std::uint64_t id, Connection& connection) {
    for (const std::uint64_t watch : connection.fired) {
        to_client(id, [this, id, watch](MemoryClientEnd& client) {
            std::erase(connections.at(id).fired, watch);  // Told again if it is lost.
            client.fired(watch);
        });
    }
}

void MemoryServer::State::break_link(Connection& connection) {
    connection.link = 0;
    if (connection.client == nullptr) return;
    connection.process->post([client = connection.client, watch = connection.client->watch()] {
        if (!watch.is_over()) client->lost();
    });
}

std::vector<std::uint64_t> MemoryServer::State::ids_of(const base::EventLoop& process) const {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : connections) {
        if (connection.process == &process && connection.client != nullptr) ids.push_back(id);
    }
    return ids;
}

MemoryServer::MemoryServer(base::EventLoop& loop, MemoryServerOptions options)
    : state_(std::make_shared<State>(loop, std::move(options))) {}
MemoryServer::~MemoryServer() = default;

std::unique_ptr<Coordination> MemoryServer::connect(base::EventLoop& loop) {
    const std::uint64_t id = state_->next_id++;
    MemoryClientAndEnd made = make_memory_client(state_, loop, id);
    Connection& connection = state_->connections[id];
    connection.client = made.end;
    connection.process = &loop;
    return std::move(made.client);
}

void MemoryServer::cut(const base::EventLoop& process) {
    state_->processes[&process].cut = true;
    for (const std::uint64_t id : state_->ids_of(process)) {
        Connection& connection = state_->connections.at(id);
        if (connection.link != 0) state_->break_link(connection);
    }
}

void MemoryServer::silence(const base::EventLoop& process) {
    state_->processes[&process].silent = true;
}

void MemoryServer::mend(const base::EventLoop& process) {
    state_->processes[&process] = {};
    for (const std::uint64_t id : state_->ids_of(process)) {
        Connection& connection = state_->connections.at(id);
        // Messages sent into silence are lost, so both sides start anew.
        if (connection.link != 0) state_->break_link(connection);
        connection.process->post([state = state_, id, watch = connection.client->watch()] {
            if (!watch.is_over()) state->hello(id);
        });
    }
}

void MemoryServer::cut_after_next_multi(const base::EventLoop& process) {
    state_->processes[&process].cut_after_multi = true;
}

void MemoryServer::fail_multis(const base::EventLoop& process, int count, MultiFault fault) {
    state_->processes[&process].multis_to_fail = count;
    state_->processes[&process].fault = fault;
}

void MemoryServer::expire(const base::EventLoop& process) {
    for (const std::uint64_t id : state_->ids_of(process)) state_->end_session(id);
}

std::unique_ptr<MemoryServer> MemoryServer::backup() const {
    auto copy = std::make_unique<MemoryServer>(state_->loop, state_->options);
    copy->state_->tree = state_->tree;
    return copy;
}

void MemoryServer::become(const MemoryServer& backup) {
    state_->data_watches.clear();
    state_->child_watches.clear();
    state_->tree = backup.state_->tree;
    for (auto& [id, connection] : state_->connections) {
        connection.ended = true;
        connection.refused = true;
        connection.fired.clear();
        if (connection.link != 0) state_->break_link(connection);
        state_->tree.remove_ephemerals(id);
    }
}

bool MemoryServer::exists(const std::string& path) const {
    return state_->tree.find(path) != nullptr;
}

std::string MemoryServer::data(const std::string& path) const {
    const Node* const node = state_->tree.find(path);
    return node == nullptr ? std::string() : node->data;
}

std::vector<std::string> MemoryServer::children(const std::string& path) const {
    return state_->tree.children(path);
}

CoordinationError MemoryServer::change(const std::vector<Step>& steps) {
    const MemoryTree::Changes changes = state_->tree.multi(steps, 0);
    state_->apply(changes);
    return changes.error;
}

std::size_t MemoryServer::sessions() const {
    std::size_t alive = 0;
    for (const auto& [id, connection] : state_->connections) {
        alive += connection.established && !connection.ended ? 1 : 0;
    }
    return alive;
}

}  // namespace storm::coordination
