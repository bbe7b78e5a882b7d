#include "coordination/session.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "cluster/record_codec.h"
#include "cluster/records.h"

namespace storm::coordination {
namespace {

namespace log = base::log;

/// The last node of the layout: if it is there, all are.
constexpr std::string_view kLastNode = "removed";

}  // namespace

Session::Session(base::EventLoop& loop, Connect connect, std::string root)
    : loop_(loop), connect_client_(std::move(connect)), root_(std::move(root)) {
    connect_();
}

Session::~Session() = default;

std::string Session::path(std::string_view below) const {
    return root_ + "/" + std::string(below);
}

void Session::on_ready(OnReady ready) {
    when_ready_.push_back(std::move(ready));
    if (!ready_) return;
    loop_.post(lifetime_.guard([this, which = when_ready_.size() - 1] {
        if (ready_) when_ready_[which](number_);
    }));
}

void Session::on_state(std::function<void(SessionState)> changed) {
    when_changed_.push_back(std::move(changed));
}

void Session::connect_() {
    STORM_CHECK(!ready_, "nobody uses a client that is about to be replaced");
    // Before anything of the new client can be heard: the number is how those who use the session
    // tell its answers from those of the former one.
    ++number_;
    has_layout_ = false;
    // The old client is destroyed outside of the lock: that waits for its threads.
    std::unique_ptr<Coordination> next = connect_client_();
    {
        const std::lock_guard lock(abandoning_);
        client_.swap(next);
    }
    next.reset();
    client_->on_session([this](SessionState state) { changed_(state); });
}

void Session::changed_(SessionState state) {
    // Before anybody is told, who might otherwise use a connection that is not there.
    ready_ = false;
    // Indexed, because a callback may add others.
    for (std::size_t i = 0; i < when_changed_.size(); ++i) when_changed_[i](state);
    switch (state) {
        case SessionState::kConnecting:
            return;
        case SessionState::kSuspended:
            return renew_unless_connected_();
        case SessionState::kConnected:
            return has_layout_ ? tell_ready_() : look_for_layout_();
        case SessionState::kExpired:
            log::warn("zookeeper session expired, beginning another");
            // Posted, because this is a callback of the client that will be destroyed.
            loop_.post(lifetime_.guard([this] { connect_(); }));
            return;
    }
}

void Session::abandon() {
    const std::lock_guard lock(abandoning_);
    client_->abandon();
}

/// A server refuses clients that have seen more than it has, and the client tries on for ever
/// (docs/zookeeper-layout.md): a new session has seen nothing.
void Session::renew_unless_connected_() {
    const base::Micros patience = kSuspendedTimeoutsMax * client_->session_timeout();
    loop_.after(patience, lifetime_.guard([this, number = number_, suspension = ++suspensions_] {
        if (number != number_ || suspension != suspensions_) return;
        if (client_->session() != SessionState::kSuspended) return;
        log::warn("zookeeper refuses this session, beginning another");
        connect_();
    }));
}

/// Once for each session: ZooKeeper may have been emptied since the last one.
void Session::look_for_layout_() {
    client_->get(path(kLastNode), {}, [this](CoordinationError error, const Node&) {
        if (error == CoordinationError::kNoNode) return make_layout_();
        has_layout_now_(error);
    });
}

void Session::make_layout_() {
    std::vector<std::pair<std::string, std::string>> nodes;  // Path and data.
    for (std::size_t slash = root_.find('/', 1); slash != std::string::npos;
         slash = root_.find('/', slash + 1)) {
        nodes.emplace_back(root_.substr(0, slash), "");
    }
    if (!root_.empty()) nodes.emplace_back(root_, "");
    nodes.emplace_back(path("leader"), encode(cluster::Leadership{}));
    for (const char* const folder :
         {"nimbuses", "supervisors", "topologies", "names", "assignments", "errors"}) {
        nodes.emplace_back(path(folder), "");
    }
    // Several daemons may do this at once; it does not matter which one succeeds.
    const auto is_there = [](CoordinationError error) {
        return error == CoordinationError::kNone || error == CoordinationError::kNodeExists;
    };
    // The last node says that all others are there, so it comes when their outcomes are known: the
    // connection may be lost and made anew between any two of them.
    struct Outcomes {
        std::size_t left;
        CoordinationError error = CoordinationError::kNone;
    };
    const auto outcomes = std::make_shared<Outcomes>(Outcomes{nodes.size()});
    const auto made = lifetime_.guard([this, outcomes, is_there](CoordinationError error) {
        if (!is_there(error)) outcomes->error = error;
        if (--outcomes->left > 0) return;
        if (outcomes->error != CoordinationError::kNone) return has_layout_now_(outcomes->error);
        client_->create(path(kLastNode), "", false, [this, is_there](CoordinationError last) {
            has_layout_now_(is_there(last) ? CoordinationError::kNone : last);
        });
    });
    for (auto& [node, data] : nodes) client_->create(node, std::move(data), false, made);
}

void Session::has_layout_now_(CoordinationError error) {
    // The layout will be looked for again.
    if (client_->session() != SessionState::kConnected) return;
    if (error == CoordinationError::kNone) {
        has_layout_ = true;
        return tell_ready_();
    }
    log::warn("cannot make the cluster's nodes in zookeeper, trying again",
              {{"root", root_}, {"error", to_string(error)}});
    loop_.after(kCoordinationRetry, lifetime_.guard([this, number = number_] {
        if (number != number_ || has_layout_) return;
        if (client_->session() == SessionState::kConnected) look_for_layout_();
    }));
}

void Session::tell_ready_() {
    STORM_CHECK(has_layout_, "whoever is told may write below every node of the layout");
    ready_ = true;
    // A callback may notice that the connection is gone; then the others are told the next time.
    for (std::size_t i = 0; i < when_ready_.size() && ready_; ++i) when_ready_[i](number_);
}

}  // namespace storm::coordination
