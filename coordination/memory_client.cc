#include "coordination/memory_client.h"

#include <functional>
#include <map>
#include <utility>

#include "base/lifetime.h"
#include "cluster/records.h"

namespace storm::coordination {
namespace {

class MemoryClient final : public Coordination, public MemoryClientEnd {
public:
    MemoryClient(std::shared_ptr<MemoryServerEnd> server, base::EventLoop& loop, std::uint64_t id)
        : server_(std::move(server)), loop_(loop), id_(id) {
        later_([this] { server_->hello(id_); });
    }
    ~MemoryClient() override { server_->close(id_); }

    void abandon() override { server_->end_session(id_); }

    SessionState session() const override { return state_; }
    base::Micros session_timeout() const override { return server_->session_timeout(); }
    void on_session(OnSession changed) override { on_session_ = std::move(changed); }

    void get(std::string path, Changed watch, GotNode done) override {
        send_({MemoryRequest::Kind::kGet, std::move(path), {}, 0}, std::move(watch),
              [done = std::move(done)](MemoryAnswer answer) {
                  done(answer.error, std::move(answer.node));
              });
    }
    void children(std::string path, Changed watch, GotChildren done) override {
        send_({MemoryRequest::Kind::kChildren, std::move(path), {}, 0}, std::move(watch),
              [done = std::move(done)](MemoryAnswer answer) {
                  done(answer.error, std::move(answer.names));
              });
    }
    void multi(std::vector<Step> steps, Done done) override {
        const bool fits = coordination::bytes_of(steps) <= cluster::kRecordBytesMax;
        if (!fits) return later_([done = std::move(done)] { done(CoordinationError::kTooLarge); });
        send_({MemoryRequest::Kind::kMulti, {}, std::move(steps), 0}, {},
              [done = std::move(done)](const MemoryAnswer& answer) { done(answer.error); });
    }

    // Messages of the server to this client.
    void connected() override {
        heard_ = loop_.now();
        become_(SessionState::kConnected);
        for (auto& [number, waiting] : requests_) {
            if (!std::exchange(waiting.sent, true)) {
                server_->request(id_, waiting.request, number);
            }
        }
        ping_(++pings_);
    }
    void answered(std::uint64_t number, MemoryAnswer answer) override {
        heard_ = loop_.now();
        const auto at = requests_.find(number);
        if (at == requests_.end()) return;
        Waiting waiting = std::move(at->second);
        requests_.erase(at);
        // As in ZooKeeper, a missing node can be watched by get(), but not by children().
        const bool watches = answer.error == CoordinationError::kNone ||
                             (answer.error == CoordinationError::kNoNode &&
                              waiting.request.kind == MemoryRequest::Kind::kGet);
        if (!watches) watches_.erase(waiting.request.watch);
        waiting.done(std::move(answer));
    }
    void pinged() override { heard_ = loop_.now(); }
    void fired(std::uint64_t watch) override {
        const auto at = watches_.find(watch);
        if (at == watches_.end()) return;
        const Changed changed = std::move(at->second);
        watches_.erase(at);
        changed();
    }
    void lost() override {
        if (state_ == SessionState::kExpired) return;
        ++pings_;
        const SessionState before = state_;
        if (before == SessionState::kConnected) state_ = SessionState::kSuspended;
        fail_all_(CoordinationError::kConnectionLoss);
        if (before != state_ && on_session_) on_session_(state_);
        later_([this] { server_->hello(id_); });
    }
    void expired() override {
        if (state_ == SessionState::kExpired) return;
        ++pings_;
        state_ = SessionState::kExpired;
        fail_all_(CoordinationError::kSessionExpired);
        for (const auto& [number, changed] : std::exchange(watches_, {})) changed();
        if (on_session_) on_session_(state_);
    }

    base::Lifetime::Watch watch() const override { return lifetime_.watch(); }

private:
    struct Waiting {
        MemoryRequest request;
        std::function<void(MemoryAnswer)> done;
        bool sent = false;
    };

    template <typename Call>
    void later_(Call call) {
        loop_.post(lifetime_.guard(std::move(call)));
    }
    void become_(SessionState state) {
        if (std::exchange(state_, state) != state && on_session_) on_session_(state);
    }
    void send_(MemoryRequest request, Changed watch, std::function<void(MemoryAnswer)> done) {
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
            server_->lose(id_);
            return;
        }
        server_->ping(id_);
        loop_.after(timeout / 3, lifetime_.guard([this, chain] {
            if (chain == pings_) ping_(chain);
        }));
    }

    const std::shared_ptr<MemoryServerEnd> server_;
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
    base::Lifetime lifetime_;
};

}  // namespace

MemoryClientAndEnd make_memory_client(std::shared_ptr<MemoryServerEnd> server,
                                      base::EventLoop& loop, std::uint64_t id) {
    auto client = std::make_unique<MemoryClient>(std::move(server), loop, id);
    MemoryClientEnd* const end = client.get();
    return {std::move(client), end};
}

}  // namespace storm::coordination
