#include "coordination/memory_coordination.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "cluster/records.h"
#include "coordination/memory_tree.h"

namespace storm::coordination {
namespace {

class MemoryCoordination;

/// A client's request. For reads `watch` is the watch's number, 0: none.
struct Request {
    enum class Kind : std::uint8_t { kGet, kChildren, kMulti };
    Kind kind = Kind::kGet;
    std::string path;
    std::vector<Step> steps;
    std::uint64_t watch = 0;
};
struct Answer {
    CoordinationError error = CoordinationError::kNone;
    Node node;
    std::vector<std::string> names;
};

/// A client, seen by its server.
struct Connection {
    MemoryCoordination* client = nullptr;
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

struct MemoryServer::State : std::enable_shared_from_this<State> {
    State(base::EventLoop& on, MemoryServerOptions chosen) : loop(on), options(std::move(chosen)) {}

    // `id` is the client's.
    void to_server(std::uint64_t id, std::function<void(Connection&)> arrive);
    void to_client(std::uint64_t id, std::function<void(MemoryCoordination&)> arrive);
    void hello(std::uint64_t id);
    void request(std::uint64_t id, const Request& request, std::uint64_t number);
    Answer perform(std::uint64_t id, const Request& request);
    void expect(std::uint64_t id);
    void end_session(std::uint64_t id);
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

namespace {

class MemoryCoordination final : public Coordination {
public:
    using Server = MemoryServer::State;

    MemoryCoordination(std::shared_ptr<Server> server, base::EventLoop& loop, std::uint64_t id)
        : server_(std::move(server)), loop_(loop), id_(id) {
        later_([this] { server_->hello(id_); });
    }
    ~MemoryCoordination() override {
        const auto at = server_->connections.find(id_);
        if (at->second.link != 0 && !server_->processes[&loop_].silent) server_->end_session(id_);
        at->second.client = nullptr;
        at->second.link = 0;
    }

    void abandon() override { server_->end_session(id_); }

    SessionState session() const override { return state_; }
    base::Micros session_timeout() const override { return server_->options.session_timeout; }
    void on_session(OnSession changed) override { on_session_ = std::move(changed); }

    void get(std::string path, Changed watch, GotNode done) override {
        send_({Request::Kind::kGet, std::move(path), {}, 0}, std::move(watch),
              [done = std::move(done)](Answer answer) {
                  done(answer.error, std::move(answer.node));
              });
    }
    void children(std::string path, Changed watch, GotChildren done) override {
        send_({Request::Kind::kChildren, std::move(path), {}, 0}, std::move(watch),
              [done = std::move(done)](Answer answer) {
                  done(answer.error, std::move(answer.names));
              });
    }
    void multi(std::vector<Step> steps, Done done) override {
        const bool fits = coordination::bytes_of(steps) <= cluster::kRecordBytesMax;
        if (!fits) return later_([done = std::move(done)] { done(CoordinationError::kTooLarge); });
        send_({Request::Kind::kMulti, {}, std::move(steps), 0}, {},
              [done = std::move(done)](const Answer& answer) { done(answer.error); });
    }

    // Messages of the server to this client.
    void connected() {
        heard_ = loop_.now();
        become_(SessionState::kConnected);
        for (auto& [number, waiting] : requests_) {
            if (!std::exchange(waiting.sent, true)) {
                server_->request(id_, waiting.request, number);
            }
        }
        ping_(++pings_);
    }
    void answered(std::uint64_t number, Answer answer) {
        heard_ = loop_.now();
        const auto at = requests_.find(number);
        if (at == requests_.end()) return;
        Waiting waiting = std::move(at->second);
        requests_.erase(at);
        // As in ZooKeeper, a missing node can be watched by get(), but not by children().
        const bool watches = answer.error == CoordinationError::kNone ||
                             (answer.error == CoordinationError::kNoNode &&
                              waiting.request.kind == Request::Kind::kGet);
        if (!watches) watches_.erase(waiting.request.watch);
        waiting.done(std::move(answer));
    }
    void pinged() { heard_ = loop_.now(); }
    void fired(std::uint64_t watch) {
        const auto at = watches_.find(watch);
        if (at == watches_.end()) return;
        const Changed changed = std::move(at->second);
        watches_.erase(at);
        changed();
    }
    void lost() {
        if (state_ == SessionState::kExpired) return;
        ++pings_;
        const SessionState before = state_;
        if (before == SessionState::kConnected) state_ = SessionState::kSuspended;
        fail_all_(CoordinationError::kConnectionLoss);
        if (before != state_ && on_session_) on_session_(state_);
        later_([this] { server_->hello(id_); });
    }
    void expired() {
        if (state_ == SessionState::kExpired) return;
        ++pings_;
        state_ = SessionState::kExpired;
        fail_all_(CoordinationError::kSessionExpired);
        for (const auto& [number, changed] : std::exchange(watches_, {})) changed();
        if (on_session_) on_session_(state_);
    }

    std::weak_ptr<bool> alive() const { return alive_; }
    base::EventLoop& loop() { return loop_; }

private:
    struct Waiting {
        Request request;
        std::function<void(Answer)> done;
        bool sent = false;
    };

    template <typename Call>
    void later_(Call call) {
        loop_.post([alive = std::weak_ptr(alive_), call = std::move(call)] {
            if (!alive.expired()) call();
        });
    }
    void become_(SessionState state) {
        if (std::exchange(state_, state) != state && on_session_) on_session_(state);
    }
    void send_(Request request, Changed watch, std::function<void(Answer)> done) {
        if (watch) {
            request.watch = ++last_watch_;
            watches_.emplace(request.watch, std::move(watch));
        }
        const std::uint64_t number = ++last_request_;
        const bool connected = state_ == SessionState::kConnected;
        const auto at =
            requests_.emplace(number, Waiting{std::move(request), std::move(done), connected})
                .first;
        if (connected) return server_->request(id_, at->second.request, number);
        if (state_ == SessionState::kConnecting) return;
        later_([this, number,
                error = state_ == SessionState::kExpired ? CoordinationError::kSessionExpired
                                                         : CoordinationError::kConnectionLoss] {
            answered(number, {error, {}, {}});
        });
    }
    void fail_all_(CoordinationError error) {
        for (auto& [number, waiting] : std::exchange(requests_, {})) {
            watches_.erase(waiting.request.watch);
            waiting.done({error, {}, {}});
        }
    }
    // Pings every third of the timeout. After two thirds without an answer the connection counts as
    // lost.
    void ping_(std::uint64_t chain) {
        const base::Micros timeout = session_timeout();
        if (loop_.now() - heard_ >= timeout * 2 / 3) {
            server_->break_link(server_->connections.at(id_));
            return;
        }
        server_->to_server(id_, [server = server_.get(), id = id_](Connection&) {
            server->to_client(id, [](MemoryCoordination& client) { client.pinged(); });
        });
        loop_.after(timeout / 3, [this, alive = std::weak_ptr(alive_), chain] {
            if (!alive.expired() && chain == pings_) ping_(chain);
        });
    }

    const std::shared_ptr<Server> server_;
    base::EventLoop& loop_;
    const std::uint64_t id_;
    SessionState state_ = SessionState::kConnecting;
    OnSession on_session_;
    std::map<std::uint64_t, Waiting> requests_;
    std::map<std::uint64_t, Changed> watches_;
    std::uint64_t last_request_ = 0;
    std::uint64_t last_watch_ = 0;
    std::uint64_t pings_ = 0;
    base::Micros heard_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

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
                                    std::function<void(MemoryCoordination&)> arrive) {
    Connection& connection = connections.at(id);
    if (connection.client == nullptr) return;
    const base::Micros now = loop.now();
    const base::Micros at = std::max(now + options.delay(), connection.last_to_client);
    connection.last_to_client = at;
    connection.process->after(at - now,
                              [this, id, link = connection.link, arrive = std::move(arrive),
                               alive = connection.client->alive()] {
                                  if (alive.expired()) return;
                                  const Connection& there = connections.at(id);
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
            return to_client(id, [](MemoryCoordination& client) { client.expired(); });
        }
        if (!std::exchange(there.established, true)) expect(id);
        to_client(id, [](MemoryCoordination& client) { client.connected(); });
        tell_fired(id, there);
    });
}

void MemoryServer::State::request(std::uint64_t id, const Request& request, std::uint64_t number) {
    to_server(id, [this, id, request, number](Connection& there) {
        Process& process = processes[there.process];
        const bool fails = request.kind == Request::Kind::kMulti && process.multis_to_fail > 0;
        if (fails) --process.multis_to_fail;
        if (fails && process.fault == MultiFault::kLostBefore) return break_link(there);
        Answer answer = fails && process.fault == MultiFault::kRefused
                            ? Answer{CoordinationError::kOther, {}, {}}
                            : perform(id, request);
        if (fails && process.fault == MultiFault::kLostAfter) return break_link(there);
        if (request.kind == Request::Kind::kMulti &&
            std::exchange(process.cut_after_multi, false)) {
            process.cut = true;
            return break_link(there);
        }
        to_client(id, [number, answer = std::move(answer)](MemoryCoordination& client) {
            client.answered(number, answer);
        });
    });
}

Answer MemoryServer::State::perform(std::uint64_t id, const Request& request) {
    if (request.kind == Request::Kind::kMulti) {
        const MemoryTree::Changes changes = tree.multi(request.steps, id);
        apply(changes);
        return {changes.error, {}, {}};
    }
    const bool lists = request.kind == Request::Kind::kChildren;
    const Node* const node = tree.find(request.path);
    if (request.watch != 0 && (node != nullptr || !lists)) {
        (lists ? child_watches : data_watches).emplace(request.path, std::pair(id, request.watch));
    }
    if (node == nullptr) return {CoordinationError::kNoNode, {}, {}};
    if (lists) return {CoordinationError::kNone, {}, tree.children(request.path)};
    return {CoordinationError::kNone, *node, {}};
}

void MemoryServer::State::expect(std::uint64_t id) {
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
    apply(tree.remove_ephemerals(id));
    if (connection.link != 0) {
        to_client(id, [](MemoryCoordination& client) { client.expired(); });
    }
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
        to_client(id, [this, id, watch](MemoryCoordination& client) {
            std::erase(connections.at(id).fired, watch);  // Told again if it is lost.
            client.fired(watch);
        });
    }
}

void MemoryServer::State::break_link(Connection& connection) {
    connection.link = 0;
    if (connection.client == nullptr) return;
    connection.process->post([client = connection.client, alive = connection.client->alive()] {
        if (!alive.expired()) client->lost();
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
    auto client = std::make_unique<MemoryCoordination>(state_, loop, id);
    Connection& connection = state_->connections[id];
    connection.client = client.get();
    connection.process = &loop;
    return client;
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
        connection.process->post([state = state_, id, alive = connection.client->alive()] {
            if (!alive.expired()) state->hello(id);
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
