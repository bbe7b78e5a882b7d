#include "coordination/election.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "cluster/record_codec.h"
#include "cluster/records.h"

namespace storm::coordination {
namespace {

namespace log = base::log;

bool is_of_connection(CoordinationError error) {
    return error == CoordinationError::kConnectionLoss ||
           error == CoordinationError::kSessionExpired;
}

}  // namespace

// Makes a callback that does nothing once this is gone, or another round has begun.
template <typename Call>
auto Election::in_round_(Call call) {
    return lifetime_.guard([this, round = round_, call = std::move(call)](auto&&... results) {
        if (round == round_) call(results...);
    });
}

Election::Election(Session& session, std::string nimbus, std::int64_t started_ms, Changed changed)
    : session_(session),
      nimbus_(std::move(nimbus)),
      started_ms_(started_ms),
      changed_(std::move(changed)),
      lock_(session.path("leader-lock")),
      leader_(session.path("leader")) {
    session_.on_ready(lifetime_.guard([this](std::uint64_t number) { ready_(number); }));
    // An expiry that is told ends the term at once, though its lease may still run: the lock has
    // gone with the session. One that is not told, because no server can be reached, ends it by the
    // lease.
    session_.on_state(lifetime_.guard([this](SessionState state) {
        if (state != SessionState::kExpired || !term_) return;
        lose_("its session has expired");
        look_();
    }));
}

Election::~Election() = default;

std::optional<Term> Election::term() const {
    return term_ && session_.loop().now() < lease_until_ ? term_ : std::nullopt;
}

/// A quarter less than ZooKeeper waits: for clocks that go at different speeds, and for what was
/// decided just before the end and is still on its way.
base::Micros Election::lease_() const {
    return timeout_ - timeout_ / 4;
}

void Election::ready_(std::uint64_t session_number) {
    if (phase_ == Phase::kResigned) return;
    if (std::exchange(session_number_, session_number) != session_number) {
        // The lock vanished with the former session.
        lose_("its session has expired");
        return look_();
    }
    // The same session again: a term goes on, if its lease still holds.
    if (phase_ == Phase::kLeading) return renew_();
    if (phase_ != Phase::kFollowing) look_();
}

void Election::look_() {
    if (phase_ == Phase::kResigned) return;
    ++round_;
    phase_ = Phase::kLooking;
    if (!session_.ready()) return;
    // The leadership is read first: a daemon that takes the lock between the two reads changes its
    // version, so that our take_() fails. The other way round we could take its lock for that of
    // our former self, and remove it.
    session_.client().get(leader_, {}, in_round_([this](CoordinationError error, const Node& node) {
                              saw_leader_(error, node);
                          }));
    session_.client().get(
        lock_, in_round_([this] { look_(); }),
        in_round_([this](CoordinationError error, const Node& node) { saw_lock_(error, node); }));
}

void Election::saw_leader_(CoordinationError error, const Node& node) {
    if (error != CoordinationError::kNone) return look_later_(leader_, to_string(error));
    const base::Result<cluster::Leadership> last = cluster::decode<cluster::Leadership>(node.data);
    if (!last) return look_later_(leader_, last.error().message);
    // The version that our own SetData will give the node.
    next_ = {last->epoch + 1, node.version + 1};
}

void Election::saw_lock_(CoordinationError error, const Node& lock) {
    if (error == CoordinationError::kNoNode) return take_({});
    if (error != CoordinationError::kNone) return look_later_(lock_, to_string(error));
    const base::Result<cluster::Leadership> holder =
        cluster::decode<cluster::Leadership>(lock.data);
    // A lock under our name, from before this process led, is that of its predecessor, whose
    // session has not expired yet. A process that has led must not take over: a later one may have
    // its name.
    const bool is_former_self =
        holder && holder->nimbus == nimbus_ && (holder->started_ms == started_ms_ || !has_led_);
    if (is_former_self) return take_({Remove{lock_, lock.version}});
    phase_ = Phase::kFollowing;  // Until the watch fires.
}

void Election::take_(std::vector<Step> steps) {
    STORM_CHECK(phase_ == Phase::kLooking && next_.version > 0,
                "the lock is taken by what this very look has read");
    phase_ = Phase::kTaking;
    timeout_ = session_.client().session_timeout();
    const std::string leadership = encode(cluster::Leadership{next_.epoch, nimbus_, started_ms_});
    // One multi(): the lock and the new epoch exist together, or neither does. A lock without a new
    // version of the leadership would leave the writes of the last leader valid.
    steps.push_back(Create{lock_, leadership, true});
    steps.push_back(SetData{leader_, leadership, next_.version - 1});
    // Not bound to the round, so that a lock which is won after all is given back.
    session_.client().multi(
        std::move(steps), lifetime_.guard([this, round = ++round_, term = next_,
                                           sent = session_.loop().now()](CoordinationError error) {
            if (round == round_) return took_(error, term, sent);
            if (error == CoordinationError::kNone && phase_ == Phase::kResigned) give_back_(term);
        }));
}

void Election::took_(CoordinationError error, Term term, base::Micros sent) {
    STORM_CHECK(phase_ == Phase::kTaking, "whatever ends the taking begins another round");
    switch (error) {
        case CoordinationError::kNone:
            return lead_(term, sent);
        case CoordinationError::kNodeExists:
        case CoordinationError::kNoNode:
        case CoordinationError::kBadVersion:
            return look_();  // Another one was quicker.
        default:
            // After a lost connection the lock may be ours; then it is taken again.
            return look_later_(lock_, to_string(error));
    }
}

void Election::lead_(Term term, base::Micros sent) {
    STORM_CHECK(!term_, "a term is over before the next one begins");
    phase_ = Phase::kLeading;
    // For good, not for this term: from now on a lock under our name that another process made is
    // a later one's.
    has_led_ = true;
    term_ = term;
    sent_ = sent;
    // Counted from the sending: ZooKeeper heard of us at that time or later.
    lease_until_ = sent + lease_();
    watching_ = false;
    renewing_ = false;
    log::info("leads", {{"nimbus", nimbus_}, {"epoch", static_cast<std::int64_t>(term.epoch)}});
    tell_(term);
    renew_();  // This read sets the watch.
}

void Election::renew_() {
    if (phase_ != Phase::kLeading || renewing_) return;
    renewing_ = true;
    // Before the call, since the lease counts from here: taken after the answer, it would last
    // longer than ZooKeeper keeps the lock of a process that was stopped in between.
    sent_ = session_.loop().now();
    Coordination::Changed watch;
    if (!std::exchange(watching_, true)) {
        watch = in_round_([this] {
            watching_ = false;
            renew_();
        });
    }
    session_.client().get(
        leader_, std::move(watch),
        in_round_([this, sent = sent_](CoordinationError error, const Node& node) {
            renewed_(error, node, sent);
        }));
    wait_();
}

void Election::renewed_(CoordinationError error, const Node& leader, base::Micros sent) {
    STORM_CHECK(phase_ == Phase::kLeading && renewing_ && term_,
                "whatever ends a term begins another round");
    renewing_ = false;
    if (error == CoordinationError::kNone && leader.version == term_->version) {
        lease_until_ = std::max(lease_until_, sent + lease_());
        if (!watching_) return renew_();  // The watch fired during the read.
        // Another version, or no node: the term is over, whatever the lease says.
    } else if (error == CoordinationError::kNone || error == CoordinationError::kNoNode) {
        lose_("another nimbus leads");
        return look_();
    } else {
        // No answer is no news: only the lease decides how long the term goes on without one.
        watching_ = false;
        if (!is_of_connection(error)) {
            log::warn("cannot renew the lease of the leader", {{"error", to_string(error)}});
        }
    }
    wait_();
}

// Waits until the lease must be renewed or is over. Only the timer of the last call counts.
void Election::wait_() {
    const base::Micros now = session_.loop().now();
    const base::Micros renewal = sent_ + lease_() / 3;
    const base::Micros at = renewing_ ? lease_until_ : std::min(renewal, lease_until_);
    session_.loop().after(std::max<base::Micros>(at - now, 0), in_round_([this, timer = ++timer_] {
                              if (timer == timer_) waited_();
                          }));
}

void Election::waited_() {
    if (session_.loop().now() >= lease_until_) {
        lose_("zookeeper has not answered for too long");
        return look_();
    }
    // Nothing can be asked now; the lease runs on.
    if (renewing_ || !session_.ready()) {
        sent_ = session_.loop().now();
        return wait_();
    }
    renew_();
}

void Election::lose_(const char* why) {
    if (!term_) return;
    log::warn("leads no longer", {{"nimbus", nimbus_}, {"why", why}});
    // Before anybody is told: term() must not answer once the end is known.
    term_.reset();
    tell_(std::nullopt);
}

void Election::look_later_(const std::string& path, std::string_view why) {
    log::warn("cannot take part in the election, trying again", {{"path", path}, {"error", why}});
    ++round_;
    phase_ = Phase::kLooking;
    session_.loop().after(kCoordinationRetry, in_round_([this] { look_(); }));
}

void Election::resign() {
    if (phase_ == Phase::kResigned) return;
    ++round_;
    phase_ = Phase::kResigned;
    if (!term_) return;
    give_back_(*term_);
    term_.reset();
    tell_(std::nullopt);
}

void Election::give_back_(const Term& term) {
    // The version is checked, because the lock may be another's by now.
    session_.client().multi({Check{leader_, term.version}, Remove{lock_}}, [](CoordinationError) {
        // If this fails, the lock vanishes with the session.
    });
}

void Election::tell_(std::optional<Term> term) {
    session_.loop().post(lifetime_.guard([this, term] { changed_(term); }));
}

}  // namespace storm::coordination
