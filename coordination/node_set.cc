#include "coordination/node_set.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"

namespace storm::coordination {
namespace {

bool is_of_connection(CoordinationError error) {
    return error == CoordinationError::kConnectionLoss ||
           error == CoordinationError::kSessionExpired;
}

void warn_of(const std::string& path, CoordinationError error) {
    if (is_of_connection(error)) return;
    base::log::warn("cannot read from zookeeper, trying again",
                    {{"path", path}, {"error", to_string(error)}});
}

}  // namespace

// Makes a callback that does nothing once the object is gone, or the session is another one.
template <typename Call>
auto NodeSet::current_(Call call) {
    return lifetime_.guard([this, number = number_, call = std::move(call)](auto&&... results) {
        if (number == number_) call(results...);
    });
}

NodeSet::NodeSet(Session& session, std::string folder, OnNode on_node, OnRound on_round)
    : session_(session),
      folder_(std::move(folder)),
      on_node_(std::move(on_node)),
      on_round_(std::move(on_round)) {
    session_.on_ready(lifetime_.guard([this](std::uint64_t number) { begin_(number); }));
}

void NodeSet::begin_(std::uint64_t session) {
    if (number_ != session) {
        // First, because current_() compares it: answers of the former session, which may have
        // come from data that is gone, are void from here on, and count in no round.
        number_ = session;
        list_stale_ = true;
        // A new session has no watches, so everything must be read again. The names stay: what
        // was removed meanwhile is told once the list shows that it is gone.
        stale_ = names_;
        under_way_ = 0;
        failed_ = false;
        changed_ = true;
    }
    next_round_();
}

void NodeSet::next_round_() {
    // Rounds do not overlap: a change during a round is read in the next.
    if (under_way_ > 0 || !session_.ready()) return;
    if (list_stale_) {
        list_();
    } else if (!stale_.empty()) {
        fetch_stale_();
    }
}

void NodeSet::list_() {
    // Before the read, whose watch may fire before its answer is here: a change in between must
    // make the list stale again.
    list_stale_ = false;
    ++under_way_;
    session_.client().children(
        folder_, current_([this] {
            list_stale_ = true;
            next_round_();
        }),
        current_([this](CoordinationError error, const auto& names) { listed_(error, names); }));
}

void NodeSet::listed_(CoordinationError error, const std::vector<std::string>& names) {
    if (error != CoordinationError::kNone) {
        list_stale_ = true;
        failed_once_(error);
        return one_done_();
    }
    STORM_CHECK(under_way_ == 1, "the list is read first in its round, and alone");
    const std::set<std::string> listed(names.begin(), names.end());
    for (auto at = names_.begin(); at != names_.end();) {
        if (listed.contains(*at)) {
            ++at;
            continue;
        }
        on_node_(*at, nullptr);
        changed_ = true;
        stale_.erase(*at);
        at = names_.erase(at);
    }
    for (const std::string& name : listed) {
        if (names_.insert(name).second) stale_.insert(name);
    }
    // Before the list counts as done: otherwise the round would end without them.
    fetch_stale_();
    one_done_();
}

void NodeSet::fetch_stale_() {
    for (const std::string& name : std::exchange(stale_, {})) fetch_(name);
}

void NodeSet::fetch_(const std::string& name) {
    ++under_way_;
    session_.client().get(folder_ + "/" + name, current_([this, name] {
                              // It is gone, which the list has told.
                              if (!names_.contains(name)) return;
                              stale_.insert(name);
                              next_round_();
                          }),
                          current_([this, name](CoordinationError error, const Node& node) {
                              fetched_(name, error, node);
                              one_done_();
                          }));
}

void NodeSet::fetched_(const std::string& name, CoordinationError error, const Node& node) {
    STORM_CHECK(names_.contains(name), "only a list takes names away, and none is read meanwhile");
    switch (error) {
        case CoordinationError::kNone:
            changed_ = true;
            return on_node_(name, &node.data);
        case CoordinationError::kNoNode:
            changed_ = true;
            names_.erase(name);
            stale_.erase(name);
            return on_node_(name, nullptr);
        default:
            // An answer that is missing proves nothing: the node stays as it was last told.
            stale_.insert(name);
            return failed_once_(error);
    }
}

void NodeSet::failed_once_(CoordinationError error) {
    if (std::exchange(failed_, true)) return;
    warn_of(folder_, error);
}

void NodeSet::one_done_() {
    STORM_CHECK(under_way_ > 0, "a read is answered once, and in the session that asked");
    if (--under_way_ > 0) return;
    if (std::exchange(failed_, false)) {
        // on_ready() comes earlier if the connection was lost.
        return session_.loop().after(kCoordinationRetry, current_([this] { next_round_(); }));
    }
    // Only of a whole round: half of one would lack nodes that are there, but not read yet.
    if (std::exchange(changed_, false)) on_round_();
    next_round_();
}

WatchedNode::WatchedNode(Session& session, std::string path, OnData on_data)
    : session_(session), path_(std::move(path)), on_data_(std::move(on_data)) {
    session_.on_ready(lifetime_.guard([this](std::uint64_t number) {
        if (number_ != number) {
            number_ = number;
            stale_ = true;
            reading_ = false;
            watching_ = false;
        }
        if (stale_) refresh();
    }));
}

void WatchedNode::refresh() {
    stale_ = true;
    if (reading_ || !session_.ready()) return;
    // Before the read: what fires or is asked for while it is under way makes the answer stale.
    stale_ = false;
    reading_ = true;
    Coordination::Changed changed;
    if (!watching_) {
        changed = lifetime_.guard([this, number = number_] {
            if (number != number_) return;
            watching_ = false;
            refresh();
        });
        watching_ = true;
    }
    session_.client().get(
        path_, std::move(changed),
        lifetime_.guard([this, number = number_](CoordinationError error, Node node) {
            if (number == number_) got_(error, std::move(node));
        }));
}

void WatchedNode::got_(CoordinationError error, Node node) {
    STORM_CHECK(reading_, "one read is under way at a time, and this is its answer");
    reading_ = false;
    if (error == CoordinationError::kNone) {
        on_data_(std::move(node));
    } else if (error == CoordinationError::kNoNode) {
        on_data_(std::nullopt);
    } else {
        warn_of(path_, error);
        stale_ = true;
        watching_ = false;  // There may be a watch already; a second one does no harm.
        return session_.loop().after(kCoordinationRetry, lifetime_.guard([this, number = number_] {
            if (number != number_) return;
            if (stale_) refresh();
        }));
    }
    if (stale_) refresh();
}

}  // namespace storm::coordination
