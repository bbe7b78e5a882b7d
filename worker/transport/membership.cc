#include "worker/transport/membership.h"

#include <algorithm>

#include "base/check.h"

namespace storm::worker {

// Comes out the same on both sides, which have only these two statements: the worker that knows
// less of the present, or has less company, ends. So never both, unless both have a successor.
bool must_end(const Standing& who, const Standing& other) {
    if (!other.fenced) return false;
    if (other.succeeded) return true;
    if (!who.fenced) return true;
    // Each has fenced the other.
    if (who.succeeded) return false;
    if (who.epoch != other.epoch) return who.epoch < other.epoch;
    if (who.live != other.live) return who.live < other.live;
    return who.worker > other.worker;
}

Membership::Membership(std::uint32_t own, std::uint64_t incarnation, std::uint32_t workers,
                       const LinkTimes& times, std::size_t retained_max)
    : own_(own),
      incarnation_(incarnation),
      times_(times),
      peers_(workers, Peer{Link(times.grace, retained_max), 0, 0, {}}),
      told_leader_(own) {}

// ---- What is known ------------------------------------------------------------------------------

// A worker lives unless it is fenced, or nobody has met it yet.
bool Membership::lives(std::uint32_t worker) const {
    if (worker == own_) return true;
    const Link::State state = link(worker).state();
    return state == Link::State::kUp || state == Link::State::kDown;
}

bool Membership::is_up(std::uint32_t worker) const {
    return worker != own_ && link(worker).state() == Link::State::kUp;
}

bool Membership::follows_us(std::uint32_t worker) const {
    return worker == own_ || (is_up(worker) && peers_[worker].follows == own_);
}

bool Membership::overdue(std::uint32_t worker, base::Micros now) const {
    if (worker == own_) return false;
    const base::Micros due = link(worker).fence_due();
    return due != 0 && now >= due;
}

std::uint32_t Membership::leader() const {
    for (std::uint32_t worker = 0; worker < own_; ++worker)
        // The lowest number among the connected ones.
        if (is_up(worker)) return worker;
    return own_;
}

bool Membership::decides() const {
    std::size_t living = 0;
    std::size_t following = 0;
    bool is_lowest = true;
    for (std::uint32_t worker = 0; worker < peers_.size(); ++worker) {
        if (!lives(worker)) continue;
        ++living;
        if (worker < own_) is_lowest = false;
        if (follows_us(worker)) ++following;
    }
    if (living == 2) return true;  // Whichever of the two is right, one of them ends.
    return leader() == own_ && (2 * following > living || (2 * following == living && is_lowest));
}

// ---- Handshakes ---------------------------------------------------------------------------------

Standing Membership::standing(std::uint32_t worker, std::uint64_t incarnation) const {
    const Peer& peer = peers_[worker];
    Standing standing;
    standing.fenced = peer.link.judge(incarnation) == Link::Verdict::kFenced;
    standing.succeeded =
        incarnation < peer.link.incarnation() || (incarnation >> 32) < peer.slot_epoch;
    for (std::uint32_t other = 0; other < peers_.size(); ++other)
        // Without the other side, so that the link between the two counts for neither.
        if (other != worker && is_up(other)) ++standing.live;
    standing.epoch = epoch_;
    standing.worker = own_;
    return standing;
}

Membership::Up Membership::up(std::uint32_t worker, std::uint64_t incarnation,
                              std::uint64_t peer_received, std::uint64_t peer_epoch) {
    STORM_CHECK(is_peer(worker), "a handshake is with another worker of this topology");
    STORM_CHECK(!is_up(worker), "a connection is dropped before the next one counts");
    Peer& peer = peers_[worker];
    peer.epoch = peer_epoch;
    // The life that may end with this has to be named to the others, and up() replaces it.
    const std::uint64_t before = peer.link.incarnation();
    Up up{.beginning = peer.link.up(incarnation, peer_received), .actions = {}};
    if (up.beginning.new_life) {
        forget_complaints(worker);
        tell_fences(worker, up.actions);
    }
    if (up.beginning.lost) spread(worker, before, up.actions);
    tell_leader(up.actions);
    tell(worker, wire::make_follows(told_leader_), up.actions);
    return up;
}

Membership::Actions Membership::down(std::uint32_t worker, base::Micros now) {
    Actions actions;
    peers_[worker].link.down(now);
    peers_[worker].follows.reset();
    tell_leader(actions);
    return actions;
}

// ---- Fences -------------------------------------------------------------------------------------

Membership::Actions Membership::set_slot_epoch(std::uint32_t worker, std::uint64_t epoch) {
    Actions actions;
    if (!is_peer(worker) || epoch <= peers_[worker].slot_epoch) return actions;
    peers_[worker].slot_epoch = epoch;
    fence(worker, (epoch << 32) - 1, actions);
    return actions;
}

// One that follows a newer assignment may send what only that one knows: a row for a task that has
// moved here, the number of a new worker. We shall be told of it, too.
Membership::Actions Membership::refused(std::uint32_t worker) {
    Peer& peer = peers_[worker];
    const bool behind = peer.epoch > epoch_;
    if (behind || peer.link.refused() < kRefusalsMax) return {};
    return fence(worker, peer.link.incarnation());
}

Membership::Actions Membership::fence(std::uint32_t worker, std::uint64_t incarnation) {
    Actions actions;
    fence(worker, incarnation, actions);
    return actions;
}

void Membership::fence(std::uint32_t worker, std::uint64_t incarnation, Actions& actions) {
    const std::uint64_t before = link(worker).incarnation();
    if (!link(worker).fence(incarnation)) return;
    peers_[worker].follows.reset();
    actions.push_back({.kind = Action::Kind::kLost, .worker = worker, .incarnation = before});
    spread(worker, before, actions);
    tell_leader(actions);
}

/// Has all others fence it too. Until they have, what they send to it may be lost.
void Membership::spread(std::uint32_t lost, std::uint64_t incarnation, Actions& actions) {
    std::set<std::uint32_t> awaited;
    for (std::uint32_t other = 0; other < peers_.size(); ++other) {
        // A worker whose link is down is told when it is up again, or is lost itself.
        if (other == own_ || other == lost || !lives(other)) continue;
        awaited.insert(other);
        tell(other, wire::make_fenced(lost, incarnation), actions);
    }
    if (!awaited.empty()) awaited_[{lost, incarnation}] = std::move(awaited);
    // A lost worker confirms nothing any more; but its successor confirms what it is told again.
    for (auto each = awaited_.begin(); each != awaited_.end();) {
        const auto [about, of] = each->first;
        ++each;
        const bool told_again = lives(lost) && link(about).state() == Link::State::kFenced &&
                                of == link(about).fenced();
        if (!told_again) seen(lost, about, of, actions);
    }
}

/// A newcomer must not let in a worker that the others have fenced.
void Membership::tell_fences(std::uint32_t newcomer, Actions& actions) {
    for (std::uint32_t other = 0; other < peers_.size(); ++other) {
        if (other == own_ || other == newcomer || link(other).fenced() == 0) continue;
        tell(newcomer, wire::make_fenced(other, link(other).fenced()), actions);
        // Rows that it sends, before it knows, to a worker without a successor may be lost.
        if (link(other).state() == Link::State::kFenced)
            awaited_[{other, link(other).fenced()}].insert(newcomer);
    }
}

void Membership::seen(std::uint32_t from, std::uint32_t about, std::uint64_t incarnation,
                      Actions& actions) {
    const auto found = awaited_.find({about, incarnation});
    if (found == awaited_.end() || found->second.erase(from) == 0 || !found->second.empty()) return;
    awaited_.erase(found);
    actions.push_back(
        {.kind = Action::Kind::kConfirmed, .worker = about, .incarnation = incarnation});
}

Membership::Actions Membership::told(std::uint32_t from, const wire::ControlRecord& record,
                                     base::Micros now) {
    STORM_CHECK(is_peer(from), "a connection is that of another worker");
    Actions actions;
    const auto about = static_cast<std::uint32_t>(record.subject);
    switch (static_cast<wire::ControlKind>(record.kind)) {
        case wire::ControlKind::kFenced:
            if (about == own_) {
                if (record.amount >= incarnation_)
                    actions.push_back({.kind = Action::Kind::kSuperseded});
                break;
            }
            // A worker that speaks of itself as fenced decides nothing, but wants to hear that it
            // was heard.
            if (about != from) fence(about, record.amount, actions);
            tell(from, wire::make_fenced_seen(about, record.amount), actions);
            break;
        case wire::ControlKind::kFencedSeen:
            seen(from, about, record.amount, actions);
            break;
        case wire::ControlKind::kFollows:
            peers_[from].follows = about;
            break;
        case wire::ControlKind::kComplaint: {
            Complaint& complaint = complaints_[{from, about}];
            // An old complaint was about a different problem.
            if (complaint.incarnation != record.amount ||
                now - complaint.last >= times_.complaint() || !follows_us(about))
                complaint = {.incarnation = record.amount, .first = now, .last = now};
            complaint.last = now;
            break;
        }
        default:
            break;
    }
    return actions;
}

// ---- Time ---------------------------------------------------------------------------------------

Membership::Actions Membership::tick(base::Micros now) {
    Actions actions;
    was_frozen_ = last_tick_ != 0 && now - last_tick_ >= times_.frozen();
    last_tick_ = now;
    const bool decided = std::exchange(decided_, decides());
    // After standing still we listen first: the others may have fenced us. And a worker that comes
    // to decide may have been cut off until now, and its links do not all come back at once.
    if (was_frozen_ || (decided_ && !decided)) restart_grace(now);
    if (decided_) {
        for (const std::uint32_t victim : victims(now))
            fence(victim, link(victim).incarnation(), actions);
    } else if (leader() != own_) {
        for (std::uint32_t worker = 0; worker < peers_.size(); ++worker) {
            if (!overdue(worker, now)) continue;
            tell(leader(), wire::make_complaint(worker, link(worker).incarnation()), actions);
        }
    }
    return actions;
}

/// The worker's next life has complained of nobody, and nobody of that life.
void Membership::forget_complaints(std::uint32_t worker) {
    std::erase_if(complaints_, [worker](const auto& each) {
        return each.first.first == worker || each.first.second == worker;
    });
}

void Membership::restart_grace(base::Micros now) {
    for (Peer& peer : peers_) peer.link.restart_grace(now);
    complaints_.clear();
}

// Links that at least one side has reported for long enough that the other side would have too.
std::set<Membership::Pair> Membership::broken_between_followers(base::Micros now) {
    std::set<Pair> broken;
    bool ripe = false;
    std::erase_if(complaints_, [&](const auto& each) {
        return now - each.second.last >= times_.complaint() || !follows_us(each.first.first);
    });
    for (const auto& [pair, complaint] : complaints_) {
        const auto [who, about] = pair;
        if (!is_peer(about) || !follows_us(about) ||
            link(about).incarnation() != complaint.incarnation)
            continue;
        broken.insert(std::minmax(who, about));
        ripe = ripe || now - complaint.first >= times_.collect();
    }
    return ripe ? broken : std::set<Pair>{};
}

std::vector<std::uint32_t> Membership::victims(base::Micros now) {
    std::vector<std::uint32_t> victims;
    for (std::uint32_t worker = 0; worker < peers_.size(); ++worker)
        if (overdue(worker, now)) victims.push_back(worker);
    std::set<Pair> broken = broken_between_followers(now);
    while (!broken.empty()) {
        std::vector<std::size_t> links(peers_.size());
        for (const auto& [one, other] : broken) {
            ++links[one];
            ++links[other];
        }
        // Fencing the worker with most broken links mends the most of them at once.
        const auto most = std::max_element(links.rbegin(), links.rend());  // The last of equals.
        const auto victim = static_cast<std::uint32_t>(links.rend() - most - 1);
        victims.push_back(victim);
        std::erase_if(broken, [victim](const Pair& pair) {
            return pair.first == victim || pair.second == victim;
        });
    }
    return victims;
}

// ---- Telling ------------------------------------------------------------------------------------

void Membership::tell(std::uint32_t worker, const wire::ControlRecord& record,
                      Actions& actions) const {
    actions.push_back({.kind = Action::Kind::kTell, .worker = worker, .record = record});
}

// Only a change is told; a worker whose link comes up hears the present one in up().
void Membership::tell_leader(Actions& actions) {
    const std::uint32_t present = leader();
    if (present == told_leader_) return;
    told_leader_ = present;
    for (std::uint32_t other = 0; other < peers_.size(); ++other)
        if (is_up(other)) tell(other, wire::make_follows(present), actions);
}

}  // namespace storm::worker
