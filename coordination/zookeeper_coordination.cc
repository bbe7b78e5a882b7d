#include "coordination/zookeeper_coordination.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include <zookeeper/zookeeper.h>

#include "base/check.h"
#include "base/lifetime.h"
#include "base/log.h"
#include "cluster/records.h"

namespace storm::coordination {
namespace {

namespace log = base::log;

/// Whatever may have happened or not counts as a lost connection, which callers repeat.
CoordinationError error_of(int rc) {
    switch (rc) {
        case ZOK:
            return CoordinationError::kNone;
        case ZNONODE:
            return CoordinationError::kNoNode;
        case ZNODEEXISTS:
            return CoordinationError::kNodeExists;
        case ZBADVERSION:
            return CoordinationError::kBadVersion;
        case ZNOTEMPTY:
            return CoordinationError::kNotEmpty;
        case ZNOCHILDRENFOREPHEMERALS:
            return CoordinationError::kNoChildrenForEphemerals;
        case ZCONNECTIONLOSS:
        case ZOPERATIONTIMEOUT:
        case ZCLOSING:
        case ZSESSIONMOVED:
            return CoordinationError::kConnectionLoss;
        case ZSESSIONEXPIRED:
        case ZINVALIDSTATE:
            return CoordinationError::kSessionExpired;
        default:
            return CoordinationError::kOther;
    }
}

/// The part that the client's threads may use: they post to the loop, where the call is made if its
/// owner still lives.
class Mailbox {
public:
    explicit Mailbox(base::EventLoop& loop) : loop_(loop) {}

    template <typename Call>
    void post(Call call) const {
        loop_.post(watch_.guard(std::move(call)));
    }
    template <typename Call>
    void after(base::Micros delay, Call call) const {
        loop_.after(delay, watch_.guard(std::move(call)));
    }
    void close() { lifetime_.end(); }

private:
    base::EventLoop& loop_;
    base::Lifetime lifetime_;  // Used on the loop's thread only.
    const base::Lifetime::Watch watch_ = lifetime_.watch();
};

/// A multi() under way: the client reads and writes these until it completes.
struct Multi {
    std::vector<Step> steps;
    std::vector<zoo_op_t> ops;
    std::vector<zoo_op_result_t> results;
    Coordination::Done done;
    const Mailbox* mailbox = nullptr;
    std::function<void(const Multi&, bool done)> ended;  // Called on the loop's thread.
};

int length_of(const std::string& data) {
    STORM_CHECK(data.size() <= cluster::kRecordBytesMax, "multi() refuses what is larger");
    return static_cast<int>(data.size());
}

struct AsOp {
    zoo_op_t& op;
    const ACL_vector& acl;

    void operator()(const Create& step) const {
        zoo_create_op_init(&op, step.path.c_str(), step.data.data(), length_of(step.data), &acl,
                           step.ephemeral ? ZOO_EPHEMERAL : 0, nullptr, 0);
    }
    void operator()(const SetData& step) const {
        zoo_set_op_init(&op, step.path.c_str(), step.data.data(), length_of(step.data),
                        step.version, nullptr);
    }
    void operator()(const Remove& step) const {
        zoo_delete_op_init(&op, step.path.c_str(), step.version);
    }
    void operator()(const Check& step) const {
        zoo_check_op_init(&op, step.path.c_str(), step.version);
    }
};

/// The error of the step that failed by itself; the others were only cancelled.
int first_error(const Multi& multi, int rc) {
    for (const zoo_op_result_t& result : multi.results) {
        if (result.err != ZOK && result.err != ZRUNTIMEINCONSISTENCY) return result.err;
    }
    return rc;
}

class ZookeeperCoordination final : public Coordination {
public:
    ZookeeperCoordination(base::EventLoop& loop, ZookeeperSettings settings)
        : settings_(std::move(settings)), mailbox_(loop) {
        zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
        open_();
    }
    ~ZookeeperCoordination() override {
        // First: what the client's threads still post while they are joined must find nobody here.
        mailbox_.close();
        // Joins the client's threads. Pending operations complete meanwhile, and nobody is told.
        if (handle_ != nullptr) zookeeper_close(handle_);
    }

    // The loop's thread may still use the handle, which does not matter: the process ends.
    void abandon() override {
        if (zhandle_t* const given_up = std::exchange(handle_, nullptr)) zookeeper_close(given_up);
    }

    SessionState session() const override { return state_; }
    base::Micros session_timeout() const override {
        return (handle_ != nullptr ? zoo_recv_timeout(handle_) : 0) * base::kMicrosPerMilli;
    }
    void on_session(OnSession changed) override { on_session_ = std::move(changed); }

    void get(std::string path, Changed watch, GotNode done) override;
    void children(std::string path, Changed watch, GotChildren done) override;
    void multi(std::vector<Step> steps, Done done) override;

private:
    /// A callback that the client holds a pointer to.
    struct Watch {
        ZookeeperCoordination* owner;
        std::uint64_t number;
        Changed changed;
    };
    /// A read under way. `self` is used on the loop's thread only.
    template <typename Got>
    struct Read {
        ZookeeperCoordination* self = nullptr;
        const Mailbox* mailbox = nullptr;
        std::string path;
        std::uint64_t watch = 0;  // 0: none.
        Got done;
    };
    using GetCall = Read<GotNode>;
    using ChildrenCall = Read<GotChildren>;

    void open_();
    const ACL_vector& acl_() const {
        return settings_.auth.empty() ? ZOO_OPEN_ACL_UNSAFE : ZOO_CREATOR_ALL_ACL;
    }
    void close_open_nodes_(const Multi& multi, bool done);
    Watch* new_watch_(Changed changed);
    /// Why a call cannot be made, which the client reports only for some of them; ZOK: it can.
    int refusal_() const {
        if (handle_ == nullptr) return ZCONNECTIONLOSS;
        return is_unrecoverable(handle_) == ZOK ? ZOK : ZSESSIONEXPIRED;
    }
    void drop_watch_(std::uint64_t number) { watches_.erase(number); }
    void fire_(std::uint64_t number);
    void session_event_(int state);
    void ask_(std::unique_ptr<GetCall> call, Watch* watch);
    void got_(std::unique_ptr<GetCall> call, int rc, Node node);
    void ask_if_exists_(std::unique_ptr<GetCall> call);

    // Called on the client's threads:
    static void on_session_event(zhandle_t*, int type, int state, const char*, void* context);
    static void on_watch(zhandle_t*, int type, int state, const char*, void* context);
    static void on_data(int rc, const char* value, int length, const Stat* stat, const void* data);
    static void on_exists(int rc, const Stat* stat, const void* data);
    static void on_strings(int rc, const String_vector* strings, const void* data);
    static void on_multi(int rc, const void* data);
    static void on_acl(int rc, const void* data);

    const ZookeeperSettings settings_;
    Mailbox mailbox_;
    zhandle_t* handle_ = nullptr;
    SessionState state_ = SessionState::kConnecting;
    OnSession on_session_;
    std::map<std::uint64_t, std::unique_ptr<Watch>> watches_;
    std::uint64_t next_watch_ = 1;
    std::set<std::string> closed_;  // Nodes that have our ACL; used with `auth`.
};

/// The client logs several lines per attempt to connect, 30 attempts a second. Its log callback has
/// no context, so the limit is one for the process.
void log_from_client(const char* line) {
    static std::mutex mutex;
    static base::RateLimit limit(3, 30 * base::kMicrosPerSecond);
    std::uint64_t held_back = 0;
    {
        const std::lock_guard lock(mutex);
        if (!limit.admit(base::SteadyClock().now(), held_back)) return;
    }
    // A line is "2026-11-21 06:00:00,123:4567(0x7f…):ZOO_ERROR@func@123: what".
    const char* const level = std::strstr(line, ":ZOO_");
    const char* const what = level == nullptr ? nullptr : std::strstr(level, ": ");
    log::warn("zookeeper client", {{"says", what == nullptr ? line : what + 2},
                                   {"held_back", static_cast<std::int64_t>(held_back)}});
}

void log_no_auth() {
    static std::mutex mutex;
    static base::RateLimit limit(1, 30 * base::kMicrosPerSecond);
    std::uint64_t held_back = 0;
    const std::lock_guard lock(mutex);
    if (!limit.admit(base::SteadyClock().now(), held_back)) return;
    log::error("zookeeper refuses nodes that others made: all daemons must have the same",
               {{"setting", "storm.zookeeper.auth.file"}});
}

void ZookeeperCoordination::open_() {
    handle_ = zookeeper_init2(settings_.servers.c_str(), on_session_event,
                              static_cast<int>(settings_.session_timeout / base::kMicrosPerMilli),
                              nullptr, this, 0, log_from_client);
    if (handle_ != nullptr) {
        // The client repeats it with each connection.
        if (!settings_.auth.empty()) {
            zoo_add_auth(handle_, "digest", settings_.auth.data(), length_of(settings_.auth),
                         nullptr, nullptr);
        }
        return;
    }
    log::warn("cannot connect to zookeeper, trying again",
              {{"servers", settings_.servers}, {"error", std::strerror(errno)}});
    mailbox_.after(base::kMicrosPerSecond, [this] { open_(); });
}

ZookeeperCoordination::Watch* ZookeeperCoordination::new_watch_(Changed changed) {
    if (!changed) return nullptr;
    // Known to the loop by its number, not by its address: a fire_() that was posted may find that
    // the watch has been dropped meanwhile.
    const std::uint64_t number = next_watch_++;
    auto watch = std::make_unique<Watch>(Watch{this, number, std::move(changed)});
    const auto [at, is_new] = watches_.emplace(number, std::move(watch));
    STORM_CHECK(is_new, "the numbers of watches only grow");
    return at->second.get();
}

void ZookeeperCoordination::fire_(std::uint64_t number) {
    const auto at = watches_.find(number);
    if (at == watches_.end()) return;
    // Gone before it is called: it fires once, and what it calls may set another.
    const Changed changed = std::move(at->second->changed);
    watches_.erase(at);
    changed();
}

void ZookeeperCoordination::session_event_(int state) {
    // Final, whatever the client still says: its owner has begun another session.
    if (state_ == SessionState::kExpired) return;
    SessionState next = state_;
    if (state == ZOO_CONNECTED_STATE) {
        next = SessionState::kConnected;
    } else if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE) {
        next = SessionState::kExpired;
    } else if (state_ == SessionState::kConnected) {
        next = SessionState::kSuspended;
    }
    if (std::exchange(state_, next) == next || !on_session_) return;
    on_session_(next);
}

void ZookeeperCoordination::get(std::string path, Changed watch, GotNode done) {
    Watch* const watching = new_watch_(std::move(watch));
    ask_(std::make_unique<GetCall>(GetCall{this, &mailbox_, std::move(path),
                                           watching == nullptr ? 0 : watching->number,
                                           std::move(done)}),
         watching);
}

void ZookeeperCoordination::ask_(std::unique_ptr<GetCall> call, Watch* watch) {
    const int refusal = refusal_();
    const int rc = refusal != ZOK ? refusal
                                  : zoo_awget(handle_, call->path.c_str(),
                                              watch == nullptr ? nullptr : on_watch, watch, on_data,
                                              call.get());
    GetCall* const given = call.release();
    if (rc != ZOK) on_data(rc, nullptr, 0, nullptr, given);
}

// Reading a missing node leaves no watch; asking whether it exists does.
void ZookeeperCoordination::ask_if_exists_(std::unique_ptr<GetCall> call) {
    Watch* const watch = watches_.at(call->watch).get();
    const int rc =
        zoo_awexists(handle_, call->path.c_str(), on_watch, watch, on_exists, call.get());
    GetCall* const given = call.release();
    if (rc != ZOK) on_exists(rc, nullptr, given);
}

void ZookeeperCoordination::got_(std::unique_ptr<GetCall> call, int rc, Node node) {
    if (rc == ZNONODE && call->watch != 0 && watches_.contains(call->watch)) {
        return ask_if_exists_(std::move(call));
    }
    if (rc == ZNOAUTH) log_no_auth();
    if (rc != ZOK && rc != ZNONODE) drop_watch_(call->watch);
    call->done(error_of(rc), std::move(node));
}

void ZookeeperCoordination::children(std::string path, Changed watch, GotChildren done) {
    Watch* const watching = new_watch_(std::move(watch));
    auto call = std::make_unique<ChildrenCall>(
        ChildrenCall{this, &mailbox_, std::move(path), watching == nullptr ? 0 : watching->number,
                     std::move(done)});
    const int refusal = refusal_();
    const int rc = refusal != ZOK ? refusal
                                  : zoo_awget_children(handle_, call->path.c_str(),
                                                       watching == nullptr ? nullptr : on_watch,
                                                       watching, on_strings, call.get());
    ChildrenCall* const given = call.release();
    if (rc != ZOK) on_strings(rc, nullptr, given);
}

/// Too large is refused here, since the server would only drop the connection, and each repetition
/// again.
void ZookeeperCoordination::multi(std::vector<Step> steps, Done done) {
    if (coordination::bytes_of(steps) > cluster::kRecordBytesMax) {
        return mailbox_.post([done = std::move(done)] { done(CoordinationError::kTooLarge); });
    }
    auto call = std::make_unique<Multi>();
    call->steps = std::move(steps);
    call->ops.resize(call->steps.size());
    call->results.resize(call->steps.size());
    call->done = std::move(done);
    call->mailbox = &mailbox_;
    for (std::size_t i = 0; i < call->steps.size(); ++i) {
        std::visit(AsOp{call->ops[i], acl_()}, call->steps[i]);
    }
    if (!settings_.auth.empty()) {
        call->ended = [this](const Multi& ended, bool all) { close_open_nodes_(ended, all); };
    }
    const int refusal = refusal_();
    const int rc = refusal != ZOK
                       ? refusal
                       : zoo_amulti(handle_, static_cast<int>(call->ops.size()), call->ops.data(),
                                    call->results.data(), on_multi, call.get());
    Multi* const given = call.release();
    if (rc != ZOK) on_multi(rc, given);
}

void ZookeeperCoordination::on_session_event(zhandle_t*, int type, int state, const char*,
                                             void* context) {
    if (type != ZOO_SESSION_EVENT) return;
    auto* const self = static_cast<ZookeeperCoordination*>(context);
    self->mailbox_.post([self, state] { self->session_event_(state); });
}

// Session events come to every watch, and leave it in place.
void ZookeeperCoordination::on_watch(zhandle_t*, int type, int state, const char*, void* context) {
    if (type == ZOO_SESSION_EVENT && state != ZOO_EXPIRED_SESSION_STATE) return;
    const auto* const watch = static_cast<const Watch*>(context);
    watch->owner->mailbox_.post(
        [self = watch->owner, number = watch->number] { self->fire_(number); });
}

/// This callback and those below run on the client's threads: they copy what the client will free,
/// and post. Nothing of the object may be touched here but its Mailbox.
void ZookeeperCoordination::on_data(int rc, const char* value, int length, const Stat* stat,
                                    const void* data) {
    // The client passes our own object on as const.
    std::unique_ptr<const GetCall> call(static_cast<const GetCall*>(data));
    Node node;
    if (rc == ZOK && stat != nullptr) {
        // A length of -1 means a node without data.
        if (length > 0) node.data.assign(value, static_cast<std::size_t>(length));
        node.version = stat->version;
    }
    call->mailbox->post([self = call->self, copy = GetCall(*call), rc, node]() mutable {
        self->got_(std::make_unique<GetCall>(std::move(copy)), rc, std::move(node));
    });
}

void ZookeeperCoordination::on_exists(int rc, const Stat*, const void* data) {
    std::unique_ptr<const GetCall> call(static_cast<const GetCall*>(data));
    call->mailbox->post([self = call->self, copy = GetCall(*call), rc]() mutable {
        auto again = std::make_unique<GetCall>(std::move(copy));
        if (rc != ZOK) {
            if (rc != ZNONODE) self->drop_watch_(again->watch);
            return again->done(error_of(rc), {});
        }
        // It was created meanwhile; the watch is set.
        again->watch = 0;
        self->ask_(std::move(again), nullptr);
    });
}

void ZookeeperCoordination::on_strings(int rc, const String_vector* strings, const void* data) {
    std::unique_ptr<const ChildrenCall> call(static_cast<const ChildrenCall*>(data));
    std::vector<std::string> names;
    for (std::int32_t i = 0; rc == ZOK && strings != nullptr && i < strings->count; ++i) {
        names.emplace_back(strings->data[i]);
    }
    call->mailbox->post([self = call->self, watch = call->watch, done = call->done, rc,
                         names = std::move(names)]() mutable {
        if (rc != ZOK) self->drop_watch_(watch);
        done(error_of(rc), std::move(names));
    });
}

void ZookeeperCoordination::on_multi(int rc, const void* data) {
    std::shared_ptr<const Multi> call(static_cast<const Multi*>(data));
    const int error = rc == ZOK ? ZOK : first_error(*call, rc);
    call->mailbox->post([call, error] {
        if (error == ZNOAUTH) log_no_auth();
        if (call->ended) call->ended(*call, error == ZOK);
        call->done(error_of(error));
    });
}

// Nodes made by an earlier version, or by a daemon without storm.zookeeper.auth.file.
void ZookeeperCoordination::close_open_nodes_(const Multi& multi, bool done) {
    STORM_CHECK(multi.results.size() == multi.steps.size(), "each step has a result");
    for (std::size_t i = 0; i < multi.steps.size(); ++i) {
        const std::string path =
            std::visit([](const auto& step) { return step.path; }, multi.steps[i]);
        const bool creates = std::holds_alternative<Create>(multi.steps[i]);
        if (done && std::holds_alternative<Remove>(multi.steps[i])) closed_.erase(path);
        if (done && creates) closed_.insert(path);
        const bool was_there = (creates && multi.results[i].err == ZNODEEXISTS) ||
                               (done && std::holds_alternative<SetData>(multi.steps[i]));
        if (!was_there || handle_ == nullptr || !closed_.insert(path).second) continue;
        zoo_aset_acl(handle_, path.c_str(), -1, &ZOO_CREATOR_ALL_ACL, on_acl, nullptr);
    }
}

void ZookeeperCoordination::on_acl(int rc, const void*) {
    if (rc != ZOK && rc != ZNONODE) log::warn("cannot close a node", {{"error", zerror(rc)}});
}

}  // namespace

std::unique_ptr<Coordination> connect_zookeeper(base::EventLoop& loop,
                                                const ZookeeperSettings& settings) {
    return std::make_unique<ZookeeperCoordination>(loop, settings);
}

}  // namespace storm::coordination
