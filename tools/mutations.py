"""The mutations that tools/mutate.py tries: small breaks of the data plane that some test must notice.

A mutation is one edit: `old`, which stands once in `file`, becomes `new`. Keep `old` short, so that
it outlives changes around it. `tests` are those that must notice, as CTest names them; after a colon
a filter of GoogleTest's may follow. One of them is enough. Choose the quickest that can.
"""
import dataclasses

SHUFFLE = ("groupings/shuffle",)
LOCAL_OR_SHUFFLE = ("groupings/local_or_shuffle",)
PARTIAL_KEY = ("groupings/partial_key",)
NONE = ("groupings/simple",)
ROUTE = ("worker/routing/route",)
LEDGER = ("worker/acker/ack_ledger",)
SIM = ("sim/cluster:*Every*",)
LANE = ("worker/acker/ack_lane",)
CREDIT = ("worker/queue/credit",)
CONTROL_INBOX = ("worker/queue/control_inbox",)
CREDIT_STEPS = ("worker/queue/credit_steps",)
CYCLE = ("worker/queue/cycle",)
LINK = ("worker/transport/link",)
INBOUND = ("worker/transport/inbound",)
LIVENESS = ("worker/transport/liveness",)
OUTBOUND = ("worker/transport/outbound",)
UNEXECUTED = ("worker/transport/unexecuted",)
EXIT_GUARD = ("worker/run/exit_guard",)
CONNECTION = ("worker/transport/connection",)
CHANNEL_TABLE = ("worker/transport/channel_table",)
WORKERS = ("worker/transport/several_workers:*Loops1*",)
FENCES = ("worker/transport/fences",)
BAD_NETWORK = ("worker/transport/bad_network",)
ENGINE = ("worker/engine/engine",)
FLOW = ("worker/engine/flow",)
TRACKING = ("worker/engine/tracking",)
TIMEOUTS = ("worker/engine/tracking:EngineTimeouts*:*/EngineTimeouts*",)
MESSAGE_TIMEOUTS = ("worker/executor/message_timeouts",)
ROUTING = ("worker/engine/routing",)
STALL = ("worker/engine/stall",)
POSTS = ("worker/engine/posts",)
ENDINGS = ("worker/engine/endings",)
AGE = ("worker/engine/age",)
EXPIRY = ("worker/engine/expiry",)
CALLBACKS = ("worker/engine/callbacks",)
KEPT = ("worker/engine/kept",)
LOSSES = ("worker/engine/losses",)
ORDERLY_END = ("worker/transport/orderly_end",)
LIVES = ("worker/transport/lives",)
WINDOW = ("worker/executor/spout_window",)
BOUND = ("worker/executor/pending_bound",)
BURST = ("worker/engine/burst",)
LEASE = ("worker/serve/lease",)
NIMBUS_ANSWER = ("worker/serve/nimbus_answer",)
NIMBUS_QUESTION = ("worker/serve/nimbus_question",)
ASSIGNMENT_ANSWER = ("nimbus/api/assignment_answer",)
SEALED_ANSWER = ("cluster/sealed_answer",)
SEAL = ("cluster/seal",)
CLUSTER_STATE = ("coordination/cluster_state",)
OWN_PART = ("worker/serve/own_part",)
BLOB_STORE = ("nimbus/blobs/blob_store",)
TOPOLOGIES = ("nimbus/topology_store/topologies",)
PRESENCE = ("nimbus/topology_store/supervisor_presence",)
LOST = ("supervisor/supervisor:*Lost*:*Older*:*Removed*",)
NONCES = ("net/digest_nonces",)
ACCESS = ("net/access",)
TOKEN_CLIENT = ("net/token_client",)
SECRET = ("base/secret",)
REPORTER = ("supervisor/reporter",)
HTTP_CLIENT = ("net/http_client:*File*",)
DOWNLOADS = ("supervisor/downloads", "supervisor/supervisor:*HoldsUpNoOther*")
ARTIFACTS = ("supervisor/artifact_cache",)
IN_TIME = ("supervisor/storm_supervisor:*InTime*",)
LEFT_BEHIND = ("supervisor/supervisor:*Left*:*HostsStart*",)
LEFTOVERS = ("supervisor/leftover_rules",)
OTHER_WORKERS = ("supervisor/isolation:Isolated.*Environment*",)
CRASH = ("base/crash",)
ERROR_BOOK = ("worker/executor/error_book",)
NOTICES = ("worker/engine/notices",)
REPORT_BOOK = ("nimbus/topology_store/report_book",)


@dataclasses.dataclass(frozen=True)
class Mutation:
    name: str
    file: str
    old: str
    new: str
    tests: tuple


def in_file(file, *mutations):
    return [Mutation(name, file, old, new, tests) for name, old, new, tests in mutations]


MUTATIONS = [
    # ---- What has been acked ------------------------------------------------------------------
    *in_file(
        "worker/acker/ack_ledger.h",
        ("a-late-ack-settles-who-has-the-slot-now",
         "return entry.tag == (tag | kPending) ? &entry : nullptr;",
         "return (entry.tag & kPending) != 0 || tag > kTagMask ? &entry : nullptr;",
         LEDGER),
        ("a-slot-keeps-its-generation", "entry.tag = next & kTagMask;",
         "entry.tag = (next - 1) & kTagMask;", LEDGER),
        ("a-root-without-copies-stays", "if (edges == 0) [[unlikely]]", "if (edges == 1) [[unlikely]]",
         LEDGER),
        ("most-of-an-edge-is-enough", "if (entry->edges != 0) return std::nullopt;",
         "if ((entry->edges & 0xff) != 0) return std::nullopt;", LEDGER),
        ("an-ack-is-forgotten", "entry->edges ^= edges;", "entry->edges |= edges;", LEDGER),
        ("timeouts-are-rounded-down", "base::kMicrosPerMilli + 1);", "base::kMicrosPerMilli);", LEDGER),
    ),
    *in_file(
        "worker/acker/ack_ledger.cc",
        ("slow-calls-are-forgotten", "if (passed(later)) return true;", "return true;", LEDGER),
        ("deadlines-do-not-wrap", "static_cast<std::int32_t>(now_ms - deadline) >= 0",
         "now_ms >= deadline", LEDGER),
        ("what-settles-stays-held", "leave(stay.flight);\n    const", "const", LEDGER),
        ("what-is-let-go-of-stays-held", "if (stay.kept > 0) return;\n    if (stay.flight", "return;\n    if (stay.flight",
         LEDGER + KEPT),
        ("what-settles-held-was-never-held", "stay.flight == Flight::kHeld ? stay.since", "stay.flight == Flight::kBack ? stay.since",
         LEDGER),
        ("what-is-let-go-of-at-once-was-held", "stays_.erase(found);\n    }", "}", LEDGER),
        ("a-life-is-like-the-one-before", "entry.tag = life_bits_ | (static_cast<std::uint32_t>(random_.next()) & kGenerationMask);",
         "entry.tag = static_cast<std::uint32_t>(random_.next()) & kGenerationMask;", LEDGER),
        ("timeouts-are-looked-at-seldom", "std::max<base::Micros>(scan_period() / 2, 1)",
         "std::max<base::Micros>(scan_period() * 4, 1)", LEDGER),
        ("slots-never-rest", "now_ - entries_[rested].emitted >= rest_period())",
         "now_ >= entries_[rested].emitted)", LEDGER),
        ("a-reset-does-nothing", "if (entry != nullptr) entry->link = deadline(now);",
         "if (entry == nullptr) deadline(now);", LEDGER),
    ),
    *in_file(
        "worker/acker/ack_lane.cc",
        ("merging-loses-edges", "acks[kept].edges ^= acks[i].edges;",
         "acks[kept].edges |= acks[i].edges;", LANE),
        ("merging-loses-the-last", "acks.resize(kept + 1)", "acks.resize(kept)", LANE),
        ("merging-forgets-who-is-kept", "fails[merged - 1].held += record.held;", "",
         LANE + CONTROL_INBOX),
        ("merging-takes-a-reset-for-a-fail", "return std::tuple(record.root, record.kind, record.reason);",
         "return std::tuple(record.root, record.reason);", LANE),
    ),
    *in_file(
        "worker/acker/ack_lane.h",
        ("neighbours-of-other-roots-are-joined", "if (!acks.empty() && acks.back().root == root)",
         "if (!acks.empty())", LANE),
        ("the-first-credit-counts", "credits.back() = record;", "credits.front().limit += 0;", LANE),
        ("acks-go-where-the-last-one-went", "if (task != last_task_) {", "if (last_ == nullptr) {", LANE),
    ),

    # ---- Who gets a row -----------------------------------------------------------------------
    *in_file(
        "groupings/shuffle.h",
        ("a-shuffle-takes-the-gone-for-the-full", "if (has == Credit::kNone && present == targets_)",
         "if (present == targets_)", SHUFFLE + ROUTE),
        ("a-shuffle-takes-the-first-that-is-there", "if (has == Credit::kSome) return i;",
         "if (has != Credit::kGone) return i;", SHUFFLE),
    ),
    *in_file(
        "groupings/local_or_shuffle.h",
        ("a-near-one-that-is-gone-gets-rows", "if (has == Credit::kGone || present) continue;",
         "if (present) continue;", LOCAL_OR_SHUFFLE + ROUTE),
        ("the-farthest-without-credit-gets-rows", "if (has == Credit::kGone || present) continue;",
         "if (has == Credit::kGone || (present && false)) continue;", LOCAL_OR_SHUFFLE),
    ),
    *in_file(
        "groupings/partial_key.h",
        ("a-key-stays-with-the-gone", "if (credit(other) != Credit::kGone) index = other;",
         "static_cast<void>(other);", PARTIAL_KEY + ROUTE),
    ),
    *in_file(
        "groupings/none.h",
        ("none-falls-on-the-gone", "if (credit(other) != Credit::kGone) return other;",
         "if (credit(other) != Credit::kGone && false) return other;", NONE + ROUTE),
    ),
    *in_file(
        "worker/queue/credit.h",
        ("a-lost-receiver-is-there", "return limit_ != 0 && !gone();", "return !gone();",
         CREDIT + ROUTE),
        ("who-waits-learns-of-no-loss", "limit_ = std::min(limit_, receiver_->limit());", "",
         CREDIT + ROUTE),
    ),

    # ---- Credit and cycles --------------------------------------------------------------------
    *in_file(
        "worker/queue/credit.h",
        ("who-waits-does-not-look-again",
         "std::atomic_thread_fence(std::memory_order_seq_cst);\n        return look();",
         "std::atomic_thread_fence(std::memory_order_seq_cst);\n        return false;", CREDIT_STEPS),
        ("nobody-is-told-of-credit", "return waiting_.exchange(0, std::memory_order_relaxed) != 0;",
         "return waiting_.exchange(0, std::memory_order_relaxed) == 2;", CREDIT),
        ("credit-moves-on-too-late", "< window_ / 4) return false;", "< window_ * 2) return false;",
         CREDIT),
        ("other-workers-are-not-told", "if (sender_ == Sender::kElsewhere) return true;",
         "if (sender_ == Sender::kElsewhere) return false;", CREDIT),
        ("a-sender-is-never-exhausted",
         "const bool credit = sent_ < limit_;", "const bool credit = sent_ / 2 < limit_;", CREDIT),
        ("who-is-gone-has-credit", "exhausted_ = !credit || gone();", "exhausted_ = !credit;", CREDIT),
        ("credit-counts-twice", "const std::uint64_t limit = consumed_ + window_;",
         "const std::uint64_t limit = consumed_ + bytes + window_;", CREDIT),
    ),
    *in_file(
        "worker/queue/cycle.h",
        ("a-cycle-has-no-limit", "if (before + bytes > limit_) return false;",
         "if (before + bytes > 2 * limit_) return false;",
         CYCLE),
        ("nobody-is-told-of-an-empty-cycle", "return before == bytes || (", "return (", CYCLE),
        ("nobody-is-told-below-the-high-water", "before - bytes <= high_water_", "before - bytes < 0",
         CYCLE),
    ),
    *in_file(
        "worker/queue/outbox.cc",
        ("a-route-stays-blocked",
         ": count(*route, &RouteCredit::exhausted, -1);", ": static_cast<void>(route);", FLOW),
        ("who-is-gone-is-waited-for", "gone ? count(*route, &RouteCredit::gone, 1)",
         "gone ? static_cast<void>(route)", ("worker/queue/outbox",)),
        ("a-run-loses-its-last-row", "++lane.closed_runs;", "++lane.closed_runs; lane.rows -= lane.rows > 1;",
         ("worker/queue/outbox",)),
    ),

    *in_file(
        "worker/queue/control_inbox.h",
        ("what-nobody-takes-piles-up", "if (waiting >= merge_at_.load(std::memory_order_relaxed))",
         "if (waiting > ~std::size_t{0} - 1)", CONTROL_INBOX),
        ("what-was-merged-is-not-seen",
         "return queue_.empty() && !has_merged_.load(std::memory_order_acquire);",
         "return queue_.empty();", CONTROL_INBOX),
        ("only-resets-count-as-waiting", "16 + batch.acks.size() + batch.fails.size() + batch.resumed.size();",
         "batch.fails.size();", CONTROL_INBOX),
    ),
    *in_file(
        "worker/queue/control_inbox.cc",
        ("what-was-merged-comes-last",
         "    if (merged_ != nullptr) taken_.push_back(merged_.release());\n    has_merged_",
         "    const struct Last { ControlInbox& in; ~Last() { if (in.merged_ != nullptr) "
         "in.taken_.push_back(in.merged_.release()); } } last{*this};\n    has_merged_", CONTROL_INBOX),
        ("merging-loses-news", "append(all.peer_events, batch->peer_events);", "", CONTROL_INBOX),
        ("the-second-pile-is-merged-late", "merge_at_.store(kAckMergeMin, std::memory_order_relaxed);", "",
         CONTROL_INBOX),
    ),

    # ---- Links --------------------------------------------------------------------------------
    *in_file(
        "worker/transport/link.h",
        ("the-fenced-one-is-let-in", "return incarnation <= fenced_ ||", "return incarnation < fenced_ ||",
         LINK),
        ("an-older-one-is-let-in", "|| incarnation < incarnation_ ?", "?", LINK),
        ("another-life-is-resumed", "return incarnation == incarnation_ && state_", "return incarnation != 0 && state_",
         LINK),
        ("a-missing-frame-is-not-missed", "return sequence == received_ + 1;",
         "return sequence > received_;", LINK),
        ("retention-has-no-limit", "return retained_bytes_ < retained_max_;",
         "return retained_bytes_ < 2 * retained_max_;", LINK),
        ("there-is-no-grace", "? down_since_ + grace_ : 0", "? down_since_ : 0", LINK),
    ),
    *in_file(
        "worker/transport/link.cc",
        ("what-a-life-held-is-forgotten",
         "std::move(retained_.begin(), retained_.end(), std::back_inserter(dropped_));", "", LINK),
        ("a-new-life-counts-on", "sent_ = received_ = 0;", "sent_ = 0;", LINK),
        ("a-former-life-is-not-lost", "beginning.lost = fence(incarnation_);",
         "static_cast<void>(fence(incarnation_));", LINK),
        ("a-former-life-is-not-fenced", "beginning.lost = fence(incarnation_);",
         "beginning.lost = state_ != State::kFenced && incarnation_ != 0; end_life();", LINK + FENCES),
        ("grace-starts-in-the-past", "down_since_ = now;", "static_cast<void>(now);", LINK),
        ("grace-starts-again-and-again", "if (state_ != State::kUp) return;",
         "if (state_ != State::kUp && state_ != State::kDown) return;", LINK),
        ("a-life-is-lost-twice", "|| state_ == State::kFenced) return false;", ") return false;", LINK),
        ("what-was-not-sent-is-receipted", "if (sequence > sent_) return false;", "", LINK),
        ("a-receipt-frees-one-less", "retained_.front().sequence <= sequence",
         "retained_.front().sequence < sequence", LINK),
        ("a-peer-may-claim-what-was-not-sent", "std::min(peer_received, sent_)", "peer_received", LINK),
    ),

    # ---- Fences -------------------------------------------------------------------------------
    *in_file(
        "worker/transport/transport.cc",
        ("what-came-before-the-confirmation-is-not-told",
         "case Membership::Action::Kind::kConfirmed:\n                    tell_all(shared_, PeerEvent::Kind::kLost, action.worker);",
         "case Membership::Action::Kind::kConfirmed:", FENCES),
        ("an-old-connection-stays", "if (welcome) link.drop_connection();", "", FENCES),
        ("the-superseded-goes-on",
         "case Membership::Action::Kind::kSuperseded:\n                    superseded_();",
         "case Membership::Action::Kind::kSuperseded:", CONNECTION),
        ("the-fenced-is-welcome", "const bool welcome = !it_says.fenced && !we_say.fenced;",
         "const bool welcome = !we_say.fenced;", FENCES),
    ),
    *in_file(
        "worker/transport/membership.cc",
        ("refusals-are-for-ever", "refused() < kRefusalsMax", "refused() < 100 * kRefusalsMax", CONNECTION),
        ("one-refusal-is-enough", "refused() < kRefusalsMax", "refused() < 1", BAD_NETWORK),
        ("who-is-behind-fences-who-is-ahead", "peer.epoch > epoch_;", "peer.epoch > epoch_ + 100;", CONNECTION),
        ("others-are-not-told-of-a-fence", "tell(other, wire::make_fenced(lost, incarnation), actions);",
         "", FENCES + LINK),
        ("who-comes-later-is-not-told", "tell_fences(worker, up.actions);\n    }", "}", FENCES + LINK),
        ("a-former-life-complains", "forget_complaints(worker);\n        tell_fences", "tell_fences", LINK),
        ("a-fence-is-not-confirmed",
         "tell(from, wire::make_fenced_seen(about, record.amount), actions);", "", FENCES + LINK),
        ("a-fence-by-others-is-not-believed",
         "if (about != from) fence(about, record.amount, actions);", "", FENCES + LINK),
        ("the-lost-must-confirm", "if (!told_again) seen(lost, about, of, actions);",
         "static_cast<void>(told_again); static_cast<void>(of);", LINK),
        ("a-newer-epoch-gives-nobody-up", "fence(worker, (epoch << 32) - 1, actions);", "", LINK + FENCES),
        ("who-has-a-successor-is-believed", "if (other.succeeded) return true;", "", LINK + FENCES),
        ("an-older-assignment-is-believed",
         "if (who.epoch != other.epoch) return who.epoch < other.epoch;", "", LINK + FENCES),
        ("the-smaller-half-goes-on", "if (who.live != other.live) return who.live < other.live;", "",
         LINK + FENCES),
        ("a-half-is-most", "2 * following == living && is_lowest",
         "2 * following == living && (is_lowest || living > 0)", LINK),
        ("anybody-decides", "return leader() == own_ && (", "return own_ < living || (", LINK),
        ("a-freeze-is-silence", "if (was_frozen_ || (decided_ && !decided)) restart_grace(now);",
         "if (decided_ && !decided) restart_grace(now);", LINK),
        ("who-comes-to-decide-decides-at-once",
         "if (was_frozen_ || (decided_ && !decided)) restart_grace(now);",
         "if (was_frozen_ || (decided_ && !decided && now < 0)) restart_grace(now);", LINK),
        ("complaints-are-judged-at-once", "return ripe ? broken : std::set<Pair>{};", "return broken;",
         LINK),
        ("a-newcomer-need-not-confirm", "awaited_[{other, link(other).fenced()}].insert(newcomer);",
         "static_cast<void>(awaited_);", LINK),
        ("complaints-are-for-ever", "now - each.second.last >= times_.complaint() || !follows_us",
         "!follows_us", LINK),
        ("grace-has-no-end", "return due != 0 && now >= due;", "return due != 0 && now >= 100 * due;",
         LINK),
    ),
    *in_file(
        "worker/transport/liveness.h",
        ("silence-is-not-heard", "now - any_at_ >= silence", "now - any_at_ >= 100 * silence", LIVENESS),
        ("a-frame-takes-as-long-as-it-likes", "now - frame_at_ >= kFrameMicros", "false", LIVENESS),
    ),
    *in_file(
        "worker/transport/peer_link.cc",
        ("what-came-while-frozen-is-silence", "if (members_.was_frozen() || connection_->paused())",
         "if (connection_->paused())", CONNECTION),
        ("nothing-is-sent-again", "    resend_ = 0;", "    resend_ = link_.retained().size();", BAD_NETWORK),
        ("a-receipt-moves-nothing", "resend_ -= std::min(resend_, gone);", "static_cast<void>(gone);", BAD_NETWORK + WORKERS),
        ("what-is-refused-counts-as-taken", "if (checked) took(header->sequence",
         "took(header->sequence", BAD_NETWORK + CONNECTION),
        ("a-new-life-is-not-announced", "tell_all(shared_, PeerEvent::Kind::kStarted, worker_);", "",
         WORKERS + LIVES),
        ("rows-are-not-marked", "in_.start_life();", "", WORKERS),
        ("bytes-are-not-checked", "auto checked = wire::check_checksum(*header, runs);",
         "base::Result<base::Done> checked = base::Done{};", BAD_NETWORK + CONNECTION),
        ("who-was-before-is-not-lost", "if (beginning.lost) release_lost(before);", "", WORKERS),
        ("what-is-written-is-freed",
         "std::move(released.begin(), released.end(), std::back_inserter(releasing_));",
         "for (Shipment& shipment : released) out_.release(shipment, false);", CONNECTION),
        ("who-is-overfull-is-read-on", "if (in_.overfull()) connection->pause();", "", CONNECTION),
    ),
    *in_file(
        "worker/transport/peer_link_end.cc",
        ("a-source-is-missing-too-late", "if (lacks_something()) tell_missing();\n    gone_ = true;\n    in_.end_sources();",
         "gone_ = true;\n    const bool lacks = lacks_something();\n    in_.end_sources();\n    if (lacks) tell_missing();",
         ORDERLY_END),
        ("who-lost-rows-may-leave", "return rows_lost_ || out_.has_answers()", "return out_.has_answers()", ORDERLY_END),
        ("what-was-taken-was-executed", "rows_lost_ || out_.has_unexecuted() ||", "rows_lost_ ||", ORDERLY_END),
        ("who-has-left-has-sent-all", "if (up_ || gone_) return std::nullopt;",
         "if (up_ || gone_ || peer_leaves_) return std::nullopt;", ORDERLY_END),
    ),
    *in_file(
        "worker/transport/channel_table.h",
        ("who-has-another-s-place-has-its-id", "&& entries_[places_[place] - 1].id != id)", "&& false)",
         CHANNEL_TABLE),
        ("the-last-place-has-no-next", "place = (place + 1) & (places_.size() - 1);", "place ^= 1;",
         CHANNEL_TABLE),
    ),
    *in_file(
        "worker/transport/inbound.cc",
        ("a-new-life-has-the-old-ones-credit",
         "record.limit - std::min(record.limit, from->base)", "record.limit", INBOUND),
        ("a-life-has-no-base", "from.base = from.received;", "", INBOUND),
        ("any-credit-will-do", "from->received + run.bytes > limit + allowance",
         "from->received + run.bytes > 100 * limit + allowance", INBOUND),
        ("the-gone-are-waited-for-again", "if (!gone_) mark_start();", "mark_start();",
         INBOUND + ORDERLY_END),
        ("the-end-of-one-task-is-that-of-all", "if (ended == end.ended) return;", "", INBOUND),
        ("marks-are-the-senders", "from.received += row.size();", "", INBOUND),
        ("any-root-may-be-acked", "if (!is_own_spout(last_task_)) return".replace("last_task_", "last_task"),
         "if (is_own_spout(last_task) && last_task < 0) return", INBOUND),
    ),
    *in_file(
        "worker/transport/connection.cc",
        ("a-large-buffer-is-for-ever", "++small_reads_ >= kSmallReadsMax) {", "++small_reads_ < 0) {",
         CONNECTION),
    ),
    *in_file(
        "worker/transport/outbound.cc",
        ("what-a-lost-worker-held-is-not-told", "if (lost) fail_rows(*batch, false);",
         "static_cast<void>(lost);", OUTBOUND),
        ("tracked-rows-are-lost-untracked", "kinds.has_other() ?", "kinds.has_other() && run.count == 0 ?", OUTBOUND),
        ("credit-of-a-new-life-has-no-base", "to.base = to.shipped;", "", OUTBOUND),
        ("a-peer-may-grant-all", "to.base + std::min(limit, most)", "to.base + std::max(limit, most)",
         OUTBOUND),
        ("credit-moves-back", "if (granted <= to.granted) return;", "", OUTBOUND),
        ("an-older-credit-counts", "limit = std::max(limit, record.limit);", "limit = record.limit;",
         OUTBOUND),
        ("a-new-life-is-not-told-its-credit",
         "for (const CreditRecord& record : credits) raise(credits_, record);", "", OUTBOUND + WORKERS),
        ("a-fence-leaves-credit", "to.receiver->revoke();", "static_cast<void>(to);", OUTBOUND + WORKERS),
        ("what-a-former-life-was-owed-is-told",
         "drop_controls();\n    revoke_credit();", "revoke_credit();", OUTBOUND),
        ("merging-forgets-fails",
         "all.fails.insert(all.fails.end(), next->fails.begin(), next->fails.end());", "", OUTBOUND),
        ("who-waits-for-the-gone-sleeps-on", "to.receiver->give_up();\n        to.source->resume();",
         "to.receiver->give_up();", OUTBOUND),
        ("what-is-for-the-gone-is-kept", "return drop(batch);", "static_cast<void>(0);", OUTBOUND),
        ("a-later-life-takes-credit-back", "void Outbound::revoke_credit() {\n    if (gone_) return;",
         "void Outbound::revoke_credit() {", OUTBOUND),
        ("what-was-shipped-is-not-counted", "target.shipped += run.bytes;", "", OUTBOUND),
        ("what-was-not-executed-is-no-loss", "if (lost > 0) to.source->", "if (lost > 1'000'000) to.source->",
         OUTBOUND + LIVES),
        ("what-was-executed-is-lost", "to.unexecuted.executed(std::max(granted, to.base + window_) - window_);", "", OUTBOUND),
        ("a-window-is-executed", "to.unexecuted.executed(std::max(granted, to.base + window_) - window_);",
         "to.unexecuted.executed(granted);", OUTBOUND),
        ("a-new-life-loses-the-old-ones-rows", "to.granted = 0;\n        to.unexecuted.clear();",
         "to.granted = 0;", OUTBOUND),
    ),

    *in_file(
        "worker/transport/unexecuted.h",
        ("the-beginning-of-a-mark-is-all", "marks_.front().end <= end", "marks_.front().begin < end", UNEXECUTED),
    ),

    # ---- Executors ----------------------------------------------------------------------------
    *in_file(
        "worker/executor/bolt_emits.cc",
        ("an-anchored-row-is-of-no-kind", "sent_kinds_.note_other();\n        // One", "// One", LOSSES),
        ("a-joined-row-is-untracked", "sent_kinds_.note_other();\n    }", "sent_kinds_.note_untracked();\n    }", LOSSES),
        ("a-refused-row-fails-nothing", "fail_as(anchor, FailReason::kOverflow);", "", FLOW),
        ("a-join-forgets-an-edge", "edges_[static_cast<std::size_t>(root - roots_.begin())] ^= edge;",
         "edges_[static_cast<std::size_t>(root - roots_.begin())] = edge;", TRACKING),
        ("a-joined-root-counts-twice",
         "roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());", "", TRACKING),
    ),
    *in_file(
        "worker/executor/bolt_task.cc",
        ("the-ending-of-what-failed-counts", "await_ending_anew(input.source_task());", ";", ENDINGS),
        ("inputs-ended-is-always-repeated", "if (std::exchange(inputs_since_ended_, false) || site_->keeps_any())",
         "if (true)", ENDINGS),
        ("an-acked-kept-tuple-is-not-let-go-of", "ack(kept->tuple);\n    let_go(kept->tuple);", "ack(kept->tuple);", KEPT),
        ("what-is-left-is-no-failure", "count_failed(kept);", "", LOSSES),
        ("an-end-counts-twice", "if (!ended_sources_.insert(source).second) return;",
         "ended_sources_.insert(source);", FENCES + WORKERS),
        ("who-ended-stays-so", "        reopen();\n    } else {", "    } else {", LIVES),
        ("posts-stay-refused", "    } else {\n        accept_posts();\n    }", "    }", LIVES),
        ("a-new-life-has-the-old-handles", "renew_site();", "", LIVES),
        ("groupings-have-the-former-context", "renew_groupings();", "", LIVES),
        ("the-end-comes-before-cleanup", "leaves_cycle_ = true;\n    close();",
         "leaves_cycle_ = true;\n    tell_listeners(wire::Eos{}, Listeners::kOutsideOfCycle);\n    close();", LOSSES),
        ("a-cleanup-emits-into-its-cycle", "leaves_cycle_ = true;", "", LOSSES),
        ("one-member-ends-a-cycle", "if (cycle_->tasks_not_ending.load() > 0) return;", "", ENDINGS),
        ("inputs-end-again-and-again", "if (again && !site_->keeps_any()) return;",
         "static_cast<void>(again);", ENDINGS),
        ("the-first-ending-is-a-repetition", "std::exchange(endings_seen_, endings) == endings;",
         "std::exchange(endings_seen_, endings) <= endings;", ENDINGS),
        ("a-failed-error-that-fails-nothing-is-lost", "if (!fails) report();", "", LOSSES),
        ("a-reopened-bolt-tells-nobody", "tell_listeners(wire::Reopen{}, Listeners::kAll);", "", LIVES),
        ("an-ending-stops-here", "tell_listeners(wire::Ending{}, Listeners::kOutsideOfCycle);", "",
         ENDINGS),
    ),
    *in_file(
        "worker/executor/bolt_task.h",
        ("what-was-emitted-is-not-owed", "acks_.ack(anchor.root, anchor.edge ^ emitted);",
         "acks_.ack(anchor.root, anchor.edge);", TRACKING),
        ("what-a-cycles-last-row-posts-is-dropped", "accept_posts();  // Calls", "// Calls", POSTS),
    ),
    *in_file(
        "worker/executor/task.cc",
        ("a-control-row-is-untracked", "sent_kinds_.note_other();", "", LOSSES),
        ("what-was-posted-before-the-refusal-is-dropped", "posts_left_ = waiting();\n    return posts_left_ == 0;",
         "posts_left_ = 0;\n    return posts_left_ == 0;", POSTS),
    ),
    *in_file(
        "worker/executor/task_site.h",
        ("a-kept-tick-is-a-tuple", "original.is_tick()))", "false))", LOSSES),
    ),
    *in_file(
        "worker/executor/bolt_executor.cc",
        ("inputs-are-executed-without-credit",
         "if (!outbox.refresh()) return false;  // Its arrival wakes us.", "", FLOW),
        ("what-is-consumed-is-not-granted", "grant(from, consumed);", "", FLOW),
        ("a-cycle-ends-with-rows-in-it", " &&\n           cycle_->empty();", ";", ENDINGS),
        ("a-cycle-executes-after-cleanup",
         "(cycle_->unfinished_tasks.load() != 0 || !cycle_->empty())", "cycle_->unfinished_tasks.load() != 0", FLOW),
        ("a-full-cycle-takes-more", "(cycle_ != nullptr && cycle_->above_high_water())", "false", FLOW),
        ("a-bolt-that-ended-does-not-say-it-again",
         "if (!bolt->ended()) continue;\n        bolt->tell_listeners(",
         "if (!bolt->ended() || event.worker < 99) continue;\n        bolt->tell_listeners(",
         FENCES + LIVES),
        ("nothing-is-stale", "return shortest != 0 && now - batch.born >= shortest;",
         "return shortest != 0 && now - batch.born < 0;", EXPIRY),
        ("a-hop-makes-young", "output_born = std::max(output_born, batch.born);", "output_born = now;",
         AGE),
        ("what-was-executed-is-told-late", "grant_all_untracked();", "", ORDERLY_END),
        ("a-bolt-executes-without-credit", "if (outbox.refresh()) more = run_inputs(now) || more;",
         "more = run_inputs(now) || more;", FLOW + POSTS),
    ),
    *in_file(
        "worker/executor/message_timeouts.cc",
        ("one-spout-s-patience-is-that-of-all", "if (timeout == 0) continue;\n        shortest_",
         "if (timeout == 0) { shortest_ = 0; return; }\n        shortest_", MESSAGE_TIMEOUTS + AGE),
        ("the-hastiest-of-a-row-s-spouts-decides", "if (timeout == 0 || age < timeout) return false;",
         "if (timeout != 0 && age >= timeout) return true;", MESSAGE_TIMEOUTS),
        ("who-has-no-timeout-has-one-of-zero", "if (timeout == 0 || age < timeout) return false;",
         "if (age < timeout) return false;", MESSAGE_TIMEOUTS + AGE),
        ("what-nobody-tracks-times-out", "return roots > 0;", "return true;",
         MESSAGE_TIMEOUTS + AGE),
    ),
    *in_file(
        "worker/executor/spout_task.cc",
        ("a-tracked-row-is-of-no-kind", "sent_kinds_.note_other();", "", LOSSES),
        ("a-refused-tuple-is-not-failed", "apply(FailRecord{root, FailReason::kOverflow});", "",
         FLOW),
        ("an-emit-that-throws-stays-pending", "(void)ledger_.fail(root);", "(void)root;", TRACKING),
        ("the-end-comes-before-close", "// First, because close() may emit.\n",
         "tell_listeners(wire::Eos{}, Listeners::kOutsideOfCycle);\n", LOSSES),
        ("a-tracked-emit-in-close-is-pending", "if (closing_) [[unlikely]] {", "if (closing_ && now_ < 0) {", LOSSES),
        ("each-overflow-is-an-error", "!std::exchange(told_overflow_, true)", "!told_overflow_", ("worker/engine/tracking:Overflow*",)),
        ("replays-are-not-asked-for", "replays_left_ += kReplayCallsMax;", "", ENDINGS),
        ("a-replay-is-one-call", "replays_left_ += kReplayCallsMax;", "++replays_left_;", ENDINGS),
        ("what-is-kept-stays-in-flight", "bound_.limit(window_.limit(), ledger_.pending(), ledger_.held());",
         "window_.limit();",
         ENDINGS),
        ("what-was-kept-is-taken-off-again", "kept_now_ = 0;", "", KEPT),
        ("nothing-times-out", "if (ledger_.pending() == 0 || !timeouts_ || until < next_scan_) return;",
         "if (now_ < kNever) return;",
         TIMEOUTS),
    ),
    *in_file(
        "worker/executor/spout_task.h",
        ("the-ending-does-not-wait-for-what-is-in-flight", "&& all_held());", ");", ENDINGS),
        ("a-drain-does-not-wait-for-callbacks", "ledger_.pending() == 0 && !has_callbacks() &&",
         "ledger_.pending() == 0 &&", CALLBACKS),
    ),
    *in_file(
        "worker/executor/spout_executor.cc",
        ("who-waits-is-told-one-steps-worth", "return called.more && may_call_back();", "return false;", CALLBACKS),
        ("a-lost-worker-fails-nothing", "} else if (std::binary_search(",
         "} else if (event.worker > 99 && std::binary_search(", WORKERS),
        ("a-spout-that-ended-does-not-say-it-again",
         "if (!spout->ended()) continue;\n            spout->tell_listeners(",
         "if (!spout->ended() || event.worker < 99) continue;\n            spout->tell_listeners(",
         FENCES + LIVES),
        ("acks-that-wait-are-late", "if (applied_ == applying_.size()) spout.expire(taken_at_);", "spout.expire(time_);",
         CALLBACKS),
        ("ack-and-fail-need-no-credit", "return outbox.refresh() || outbox.has_leeway();", "return true;",
         CALLBACKS),
        ("a-long-call-shortens-the-timeout", "if (took_long) [[unlikely]]\n            spout->postpone(now);",
         "static_cast<void>(took_long);", TIMEOUTS),
    ),

    *in_file(
        "worker/executor/pending_bound.cc",
        ("the-first-that-settles-closes-the-bound", "now_ < first_ends_ ? first_ : 0.0", "0.0", BOUND),
        ("a-pause-floods-the-next-bolt", "applies_ = limit < free;", "", BOUND),
        ("a-bound-forgets-what-is-usually-pending", "count + usually_pending_,", "count,", BOUND),
        ("a-bound-knows-no-quiet-times", "static_cast<double>(span_) / flight));", "0 / flight));", BOUND),
        ("who-waits-for-more-waits-for-ever", "if (now_ < due_) return", "if (now_ >= 0) return", BOUND),
        ("a-bound-doubles-though-bolts-work", "due_ = std::max(heard_, raised_at_) + span_;",
         "due_ = raised_at_ + span_;", BOUND),
        ("a-bound-doubles-in-each-step", "raised_at_ = now_;", "", BOUND),
        ("a-spout-without-tuples-is-looked-at-all-the-time", "due_ = kNever;", "", BOUND),
        ("a-raised-bound-stays-so", "if (pending < usual) raised_ = 0;", "", BOUND),
        ("what-is-unknown-has-no-bound", "return first_ = kFirst * std::max(1.0, times * times);",
         "return kFirst * std::max(1'024.0, times);", BOUND),
        ("what-is-unknown-stays-small", "return first_ = kFirst * std::max(1.0, times * times);", "return kFirst + 0 * times;", BOUND),
        ("a-bound-remembers-one-span", "at_ = (at_ + 1) % kSpans;", "at_ = 0;", BOUND),
        ("nothing-is-usually-held", "window + std::max<double>(held, usually_held_);", "window + held;", BOUND),
        ("a-bound-is-less-than-the-window", "std::max<double>(window, std::min(free, bound(pending)));",
         "std::min(free, bound(pending));", BOUND),
        ("no-timeout-is-a-short-one", "if (span_ == 0) return window + held;", "", BOUND),
    ),
    *in_file(
        "worker/executor/spout_window.cc",
        ("a-window-grows-beside-a-bound", "(round_.may_grow && !unknown)", "(round_.limited && !unknown)", BOUND),
        ("a-window-only-grows", "if (latency > target()) return shrink(latency, rate);", "static_cast<void>(rate);", WINDOW),
        ("a-timeout-is-no-limit", "std::min(target, base_ + kQueueOfTimeout * timeout_)", "target", WINDOW),
        ("a-window-knows-no-base", "if (base_ == 0 || latency < base_) base_ = latency;", "base_ = latency;",
         WINDOW),
    ),
    *in_file(
        "worker/executor/executor.cc",
        ("a-burst-stays-in-its-loop", "entry.dedicated || entry.step_loop->detach(*this)", "entry.dedicated", EXPIRY),
    ),

    *in_file(
        "worker/executor/step_clock.h",
        ("nobody-is-hurried", "void hurry() { calls_left_.store(1, std::memory_order_relaxed); }",
         "void hurry() {}", ("worker/executor/step_clock",)),
    ),

    # ---- Loops --------------------------------------------------------------------------------
    *in_file(
        "worker/loop/stall_watch.cc",
        ("a-step-of-slow-calls-goes-on", "holder != nullptr) holder->hurry();", "holder == nullptr) return;",
         STALL),
    ),
    *in_file(
        "worker/loop/carrying.cc",
        ("batches-are-given-back-to-nobody", "if (--batch->open_runs > 0) return;", "--batch->open_runs; return;",
         FLOW),
    ),
    *in_file(
        "worker/loop/loop.cc",
        ("a-resumed-executor-is-not-found-in-its-annex", "part.resumed.push_back(executor);", "", STALL + FLOW),
        ("acks-wait-for-ever", "const bool flush = !more || old || executor.entry.prompt;",
         "const bool flush = old || executor.entry.prompt;", TRACKING),
        ("who-has-arrivals-sleeps", "if (has_arrivals()) {\n        sleep_.cancel_wait(ticket);",
         "if (stopping()) {\n        sleep_.cancel_wait(ticket);", TRACKING + ENGINE),
        ("who-comes-home-stays-prompt",
         "executor.entry.prompt = shared_.wiring.topology.components()[executor.component()].blocking;\n    executor.entry.home_since",
         "executor.entry.home_since", STALL),
    ),

    # ---- The end of the process ---------------------------------------------------------------
    *in_file(
        "worker/run/exit_guard.cc",
        ("a-copy-of-the-process-is-the-run", "void in_child() {\n    armed.store(false);", "void in_child() {",
         EXIT_GUARD),
    ),

    # ---- Who vouches for a worker -------------------------------------------------------------
    *in_file(
        "worker/serve/lease.cc",
        ("an-answer-holds-for-ever", "confirmed_ = asked_;", "confirmed_ = *asked_ + 3600 * base::kMicrosPerSecond;", LEASE),
        ("an-older-no-outlives-a-vouch", "vouched_ = now;\n    gone_ = false;", "vouched_ = now;", LEASE),
        ("silence-ends-without-a-limit", "silence_max_ > 0 && age(now) >= silence_max_",
         "age(now) >= (silence_max_ > 0 ? silence_max_ : 60'000'000)", LEASE),
        ("a-question-for-each-look", "if (asked_ && now - *asked_ < kAskInterval) return false;", "",
         LEASE),
        ("nobody-asks", "now - vouched_.value_or(began_) < kAskAfter) return false;",
         "vouched_) return false;", LEASE),
        ("a-late-no-beats-a-vouch", "gone_ = vouched_.value_or(began_) < *asked_;", "gone_ = true;", LEASE),
    ),
    *in_file(
        "worker/serve/lease.h",
        ("it-begins-unvouched", "return silence_max_ == 0 || vouched_ || confirmed_;", "return true;", LEASE),
    ),

    # ---- Whom a worker believes ---------------------------------------------------------------
    *in_file(
        "worker/serve/nimbus_answer.cc",
        ("a-worker-believes-anybody", "if (!cluster::is_sealed(", "if (false && !cluster::is_sealed(", NIMBUS_ANSWER),
        ("what-has-no-seal-is-believed", "return not_believed(\"it has no seal\");",
         "return {Answer::kGone, std::nullopt};", NIMBUS_ANSWER),
        ("an-older-assignment-vouches", " || assignment->epoch < asked.epoch", "", NIMBUS_ANSWER),
        ("anothers-assignment-vouches", "assignment->topology != asked.topology || ", "", NIMBUS_ANSWER),
    ),
    *in_file(
        "worker/serve/nimbus_question.cc",
        ("one-challenge-for-all", "asked.challenge = cluster::new_challenge();",
         "if (asked.challenge.empty()) asked.challenge = cluster::new_challenge();", NIMBUS_QUESTION),
        ("the-first-stranger-ends-the-question", "== Lease::Answer::kNone) continue;", "== Lease::Answer::kNone) break;",
         NIMBUS_QUESTION),
        ("strangers-are-asked-for-ever", "in_vain_ = by ? 0 : in_vain_ + 1;", "in_vain_ = 0;", NIMBUS_QUESTION),
        ("distrust-fills-the-log", "if (!warned_.try_emplace(address, now).second) continue;", "", NIMBUS_QUESTION),
        ("distrust-is-told-once", "return now - each.second >= kDistrustInterval;",
         "return now < each.second;", NIMBUS_QUESTION),
        ("a-stranger-fills-the-memory", "call.response_bytes_max = cluster::kRecordBytesMax;", "", NIMBUS_QUESTION),
    ),
    *in_file(
        "cluster/sealed_answer.cc",
        ("a-seal-without-the-topology", "add(text, answer.topology);", "", SEALED_ANSWER),
        ("a-seal-without-the-challenge", "add(text, answer.challenge);", "", SEALED_ANSWER),
        ("a-seal-without-the-status", "add(text, std::to_string(answer.status));", "", SEALED_ANSWER),
        ("a-seal-without-the-body", "add(text, answer.body_sha256);", "", SEALED_ANSWER),
        ("fields-run-into-each-other", "text += std::to_string(field.size()) + ':';", "", SEALED_ANSWER),
        ("one-key-for-all-topologies", "std::string(kKeyPurpose).append(topology)",
         "std::string(kKeyPurpose).append(topology.substr(0, 0))", SEALED_ANSWER),
        ("the-secret-itself-is-the-key", "return base::hmac_sha256(secret, std::string(kKeyPurpose).append(topology));",
         "return std::string(secret).append(topology.substr(0, 0));", SEALED_ANSWER),
    ),
    *in_file(
        "cluster/seal.cc",
        ("a-mark-shows-its-key", "{key ? seal(key_, *key, about_removal(record.id)) : std::string()};",
         "{key ? std::string(kSealMark) + *key : std::string()};", SEAL),
        ("a-mark-opens-anothers", "return std::string(\"\\0removed\\0\", 9) + topology;",
         "return topology.substr(0, 0);", SEAL),
        ("who-has-no-secret-has-a-key", "if (record.secret.size() != kSecretBytes) return std::nullopt;\n    const auto secret",
         "const auto secret", SEAL),
    ),
    *in_file(
        "nimbus/blobs/blob_store.cc",
        ("what-is-lost-is-not-used", "has_users ? keep.lost : keep.unused", "keep.unused", BLOB_STORE),
        ("what-is-lost-stays-for-ever", "has_users ? keep.lost : keep.unused",
         "has_users ? keep.lost * 1'000'000 + std::chrono::hours(1) : keep.unused", BLOB_STORE),
        ("the-removed-use-it-still", "::unlink(entry->path().c_str()) == 0;", "false;", BLOB_STORE),
        ("what-cannot-be-read-is-spoilt", "if (!digest) {", "if (!digest && sha256.empty()) {", BLOB_STORE),
    ),
    *in_file(
        "nimbus/topology_store/followed_topologies.cc",
        ("an-old-assignment-is-told-for-ever", "return now == records.end() || now->second != assignments_.at(each.first);",
         "return now == records.end();", ASSIGNMENT_ANSWER),
    ),
    *in_file(
        "nimbus/api/assignment_answer.cc",
        ("any-challenge-is-hashed", "if (!challenge.empty() && !cluster::is_challenge(challenge))",
         "if (challenge == \"none\")", ASSIGNMENT_ANSWER),
        ("the-body-of-a-410-is-not-sealed", "sha256 = base::sha256(made.body);", "", ASSIGNMENT_ANSWER),
        ("nobody-is-noted-as-asking", "topologies.asked(topology, *worker);", "static_cast<void>(*worker);",
         ASSIGNMENT_ANSWER),
    ),

    # ---- What was removed, and what was lost --------------------------------------------------
    *in_file(
        "coordination/cluster_state.cc",
        ("a-removal-leaves-no-mark", "steps.emplace_back(Create{nodes.mark, nodes.mark_data});", "", CLUSTER_STATE),
        ("a-lost-one-gets-no-mark", "return data == nullptr ? std::optional<Step>(mark) : std::nullopt;",
         "return data == nullptr ? std::optional<Step>() : std::nullopt;", CLUSTER_STATE),
        ("a-lost-one-takes-another's-name", "data != nullptr && *data == id;", "data != nullptr;", CLUSTER_STATE),
        ("nobody-reads-the-marks", "sort(*marks, removed, all.removed, unreadable_marks);", "", CLUSTER_STATE),
        ("an-unreadable-mark-is-none", "all.removed.emplace(id, Removal{});", "", CLUSTER_STATE),
        ("who-was-away-tells-the-past", "return session_ == nodes_.session();", "return true;", ASSIGNMENT_ANSWER),
    ),
    *in_file(
        "supervisor/assigned.cc",
        ("what-is-missing-was-removed", "removed ? Absence::kRemoved : Absence::kLost;",
         "removed ? Absence::kRemoved : Absence::kRemoved;", LOST),
        ("what-was-removed-is-lost", "removed ? Absence::kRemoved : Absence::kLost;",
         "removed ? Absence::kLost : Absence::kLost;", LOST),
        ("an-older-assignment-is-followed", "assignment.epoch < known->second->epoch) return true;",
         "false) return true;", ("supervisor/assigned",)),
        ("an-old-kill-does-not-count", "if (assignment.status == cluster::Status::kKilled ||", "if (", LOST),
        ("it-forgets-by-what-it-runs-at-a-restart", "target.epoch > assignment.epoch;", "false;", LOST),
    ),
    *in_file(
        "nimbus/topology_store/rebalance.cc",
        ("a-rebalanced-worker-keeps-its-place", "known.assignment.workers.clear();", "", TOPOLOGIES),
        ("what-is-too-large-is-tried-for-ever", "if (too_large.count(record.id) > 0) {", "if (false) {", TOPOLOGIES),
        ("what-failed-while-it-drained-is-lost", "book.forget_unreplayed(record.id);", "", TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/removal.cc",
        ("a-rebalance-places-what-is-missing", "if (known.record.status == Status::kRebalancing && is_left_alone(known)) continue;", "",
         TOPOLOGIES),
    ),
    *in_file(
        "nimbus/lifecycle/lifecycle.cc",
        ("a-rebalance-activates", "return {fate.rebalance.back_to};", "return {Status::kActive};",
         ("nimbus/lifecycle/lifecycle",) + TOPOLOGIES),
    ),
    *in_file(
        "supervisor/fetcher.cc",
        ("settings-are-read-once", "&& target.epoch <= known->second.epoch)", ")",
         ("supervisor/supervisor:*Rebalanced*",)),
    ),
    *in_file(
        "nimbus/topology_store/term.cc",
        ("what-was-too-large-stays-so", "too_large.clear();", "", TOPOLOGIES),
        ("a-late-report-makes-a-removed-one-missing", "if (removed.contains(id)) return;", "",
         TOPOLOGIES),
        ("missing-ones-are-not-bounded", "if (static_cast<std::size_t>(missing) >= kMissingMax) return;",
         "static_cast<void>(missing);",
         TOPOLOGIES),
        ("what-runs-is-taken-over-too-soon", "known.writing || loop.now() < presence.grace_until()) return;",
         "known.writing) return;", TOPOLOGIES),
        ("what-runs-is-not-taken-over", "slot = slot_of(worker, report);", "", TOPOLOGIES),
        ("a-kill-is-as-old-as-another-clock-says", "was_known ? before->second.draining_since : loop.now();",
         "was_known ? 0 : loop.now() - (wall.now_ms() - made.record.killed_ms) * base::kMicrosPerMilli;", TOPOLOGIES),
        ("what-was-removed-is-missing", "read.count(id) > 0 || removed.contains(id)) continue;",
         "read.count(id) > 0) continue;", TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/removal.cc",
        ("marks-are-swept-at-once", "loop.now() - since > kRemovalKept;", "loop.now() - since > 0;", TOPOLOGIES),
        ("a-mark-keeps-no-key", "use_last ? last->second : known.record",
         "use_last ? last->second : cluster::TopologyRecord()",
         ASSIGNMENT_ANSWER),
        ("marks-are-never-swept", "loop.now() - since > kRemovalKept;", "false;", TOPOLOGIES),
        ("marks-that-have-gone-stay", "std::erase_if(self.removed, [&](const auto& each) { return !marks->contains(each.first); });",
         "", TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/topologies_impl.cc",
        ("anybody-is-a-worker-that-asks", "{ return slot.number == worker; };", "{ return slot.number <= worker; };", TOPOLOGIES),
        ("a-worker-tells-of-anything", "keep_own(known->second, worker.report);", "", TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/led_topology.cc",
        ("a-component-counts-twice", "return own.erase(component.id) == 0;", "return !own.contains(component.id);", TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/supervisor_presence.cc",
        ("nobody-is-silent", "if (silent_for(id, now) > kReportsLost)", "if (false)", PRESENCE),
        ("we-who-hear-nobody-lose-all", "if (2 * heard < records_.size()) found.clear();", "", PRESENCE),
        ("who-comes-back-is-steady", "if (lost_since_.erase(id) > 0)", "if (false)", PRESENCE),
        ("who-was-restarted-is-lost", "now - *heard < kAliveUntilGone", "now - *heard < 0", PRESENCE),
    ),

    # ---- What goes wrong is told --------------------------------------------------------------
    *in_file(
        "base/crash.cc",
        ("a-crash-ends-well", "std::raise(signal);", "_exit(0);", CRASH),
        ("all-threads-tell-of-a-crash", "if (somebody_tells.test_and_set())", "if (false)", CRASH),
        ("crashes-take-over-handlers", "if (before.sa_handler == SIG_DFL) sigaction", "sigaction", CRASH),
        ("crashes-need-the-stack", "SA_SIGINFO | SA_ONSTACK", "SA_SIGINFO", CRASH),
    ),
    *in_file(
        "base/thread.cc",
        ("threads-have-no-alternate-stack", "const AlternateStack for_signals;", "", CRASH),
    ),
    *in_file(
        "base/stack_trace.cc",
        ("a-broken-heap-has-no-names", "i = written; i < calls.size()", "i = written + calls.size(); i < calls.size()", CRASH),
        ("names-are-never-readable", "if (copy == 0)", "if (copy == 0) ::_exit(0);\n        if (copy == 0)", CRASH),
        ("the-handler-is-among-the-calls", "std::move(first, all.end(), all.begin());", "", CRASH),
    ),
    *in_file(
        "worker/executor/error_book.cc",
        ("equal-errors-are-many", "return entry.error.text == what;", "return entry.error.text == what && false;", ERROR_BOOK),
        ("equal-errors-are-logged", "now - entry.logged < kErrorRepeatMicros", "false", ERROR_BOOK),
        ("an-error-again-stays-where-it-was", "std::rotate(found, found + 1, entries.end());",
         "return *found;", ERROR_BOOK),
    ),
    *in_file(
        "worker/executor/bolt_task.cc",
        ("forgotten-is-forgotten", "fail_as(input, FailReason::kForgotten);", "", TRACKING + ENGINE),
        ("a-destroyed-kept-is-no-error", "if (open && prepared_ && !kept->reported)", "if (open && prepared_ && false)", NOTICES),
        ("a-stolen-kept-is-told-twice", "kept->reported = true;", "", CALLBACKS),
    ),
    *in_file(
        "worker/executor/tuple_text.cc",
        ("debug-shows-secrets", "if (secrets.has(name,", "if (false && secrets.has(name,", NOTICES),
    ),
    *in_file(
        "worker/executor/task.cc",
        ("anchors-are-bytes-of-the-tuple", "bytes - detail::anchor_bytes(anchors);", "bytes;", TRACKING),
    ),
    *in_file(
        "nimbus/topology_store/led_topology.cc",
        ("a-crash-of-any-component", "error.component.clear();", "", TOPOLOGIES),
    ),
    *in_file(
        "cluster/records.cc",
        ("equal-errors-stay-apart", "error.count += same->count;", "", TOPOLOGIES),
        ("the-first-time-is-the-last", "error.first_ms = std::min(error.first_ms, first_of(*same));", "",
         TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/unwritten_errors.h",
        ("errors-wait-to-be-written", "cluster::merge_errors(known, of_(errors_, topology));", "", TOPOLOGIES),
        ("written-errors-count-twice", "each.time_ms >= error.time_ms;", "false;", TOPOLOGIES),
    ),
    *in_file(
        "nimbus/topology_store/report_book.cc",
        ("who-was-killed-knew-why", 'worker.exit.starts_with(cluster::kKilledBy)', "false", REPORT_BOOK),
        ("a-crash-is-nobodys", "find_task(crash);", "if (false) find_task(crash);", REPORT_BOOK),
        ("errors-are-told-again", "error.count < known ? error.count : error.count - known",
         "known == 0 ? error.count : error.count",
         REPORT_BOOK),
    ),
    *in_file(
        "cli/log_lines.cc",
        ("logs-come-one-by-one", "return a.time < b.time;", "return a.time < b.time && false;", ("cli/log_lines",)),
        ("a-stack-leaves-its-crash", "lines.push_back({time_,", "lines.push_back({std::string(time_of(line)),",
         ("cli/log_lines",)),
    ),

    # ---- Who knows the token ------------------------------------------------------------------
    *in_file(
        "base/secret.cc",
        ("a-token-file-is-read-each-time", "if (!state || state != state_) secret_ =", "secret_ =", SECRET),
        ("a-token-file-is-read-once", "if (!state || state != state_) secret_ =",
         "if (!state || !state_) secret_ =", SECRET),
    ),
    *in_file(
        "net/digest_nonces.cc",
        ("a-turn-comes-twice", "nc <= use.nc", "nc < use.nc", NONCES),
        ("an-older-nonce-goes-on", "if (nonce.when < use.when || (", "if ((", NONCES),
        ("what-was-forgotten-begins-anew", "if (nonce <= forgotten_) return false;", "", NONCES),
        ("a-full-book-grows", "if (last_.size() > most_) forget_the_oldest_();", "", NONCES),
        ("any-seal-will-do", "if (!base::same_secret(text.substr(sealed.size()), seal_(sealed))) return std::nullopt;",
         "", NONCES),
        ("the-next-nonce-begins-anew", "return sealed_({now, nonce.conversation});",
         "return sealed_({now, nonce.conversation + 1'000'000});", NONCES),
    ),
    *in_file(
        "net/access.cc",
        ("a-proof-of-any-host", "return uri == head.target ||\n", "return uri.ends_with(head.target) ||\n",
         ACCESS),
        ("a-proof-of-a-used-nonce", "if (!book.use(*nonce, shown->turn.nc, clock_.now())) {",
         "if (!book.use(*nonce, shown->turn.nc, clock_.now()) && false) {", ACCESS),
        ("readers-fill-the-book-of-all", "access == Access::kChange ? changing_ : reading_;", "changing_;", ACCESS),
    ),
    *in_file(
        "net/http_connection.cc",
        ("another-body-than-was-proved", "receipt_ && base::sha256(request_.body) != receipt_->body_sha256",
         "receipt_ && receipt_->body_sha256.empty()", TOKEN_CLIENT),
    ),
    *in_file(
        "net/answer_proof.cc",
        ("any-answer-is-believed", "if (!base::same_secret(info->proof, of_body)) return unknown;", "",
         TOKEN_CLIENT),
        ("any-status-is-believed", "std::to_string(answer.status), body_sha256}", "body_sha256}", TOKEN_CLIENT),
        ("a-proof-of-the-status-is-not-asked-for",
         "if (!base::same_secret(header_of(answer.headers, kProofHeader), of_all)) {", "if (false) {", TOKEN_CLIENT),
        ("any-header-is-believed", "if (lower.starts_with(kOurHeaders)) ours[lower] = value;", "", TOKEN_CLIENT),
    ),
    *in_file(
        "net/token_client.cc",
        ("an-upload-is-sent-to-be-refused", "wanted.body_file.empty() || known->second.uses == 0", "true",
         TOKEN_CLIENT),
    ),
    *in_file(
        "net/http_client.cc",
        ("a-trickle-is-a-file-that-moves", "if (moved_lately_ >= wanted_.file_bytes_min) return watch_pace();",
         "return watch_pace();", HTTP_CLIENT),
        ("a-file-is-given-up-for-its-age", "if (!limit) end_.reset();", "", HTTP_CLIENT),
        ("a-refusal-may-trickle", "file_is_over();  // One that was sent", "// One that was sent", HTTP_CLIENT),
        ("a-file-that-is-saved-has-no-pace", "if (is_saved) watch_pace();", "", HTTP_CLIENT),
        ("a-saved-file-has-any-size", "file_parser_->body_limit(wanted_.save_bytes_max);", "", HTTP_CLIENT),
    ),
    *in_file(
        "supervisor/downloads.cc",
        ("downloads-share-a-thread", "std::min_element(jobs_.begin(), jobs_.end());", "jobs_.begin();", DOWNLOADS),
        ("a-topology-downloads-beside-itself", "if (held.jobs == 0) {", "if (true) {", DOWNLOADS),
        ("a-thread-is-never-free-again", "--jobs_[held->second.lane];", "", DOWNLOADS),
    ),
    *in_file(
        "supervisor/artifact_cache.cc",
        ("a-download-has-no-deadline", "wanted.deadline = net::file_deadline(artifact.bytes);", "", ARTIFACTS),
        ("a-download-has-any-size", "wanted.save_bytes_max = artifact.bytes;", "", ARTIFACTS),
    ),
    *in_file(
        "daemon/ending.cc",
        ("a-session-outlives-its-loop", "    session.abandon();\n", "    static_cast<void>(session);\n", IN_TIME),
        ("a-daemon-waits-for-its-threads", "[code] {\n", "[code] {\n        if (code == kDaemonDone) return;\n",
         IN_TIME),
    ),
    *in_file(
        "supervisor/leftover_rules.cc",
        ("another-worker-is-a-leftover", "if (process.has_ended || is_spared(process)) return false;",
         "if (process.has_ended) return false;", LEFTOVERS),
        ("a-session-of-another-worker-is-not-spared", "if (spared_.count(process.session) > 0) return true;", "",
         LEFTOVERS),
        ("by-user-beside-another-worker", "by_user_ = worker.user && no_other_has_user(others) &&",
         "by_user_ = worker.user &&", LEFTOVERS),
        ("by-user-beside-a-worker-of-another-home", "if (!process.marks.home.empty()) return has_another_home(process);", "",
         LEFTOVERS),
        ("a-moved-worker-is-a-leftover", "if (has_another_home(process)) return false;", "",
         LEFTOVERS),
        ("an-old-mark-hides-leftovers", "return !is_ours && !has_all_marks(process);",
         "return (!is_ours || port > 0) && !has_all_marks(process);", LEFTOVERS),
        ("by-user-beside-another-supervisor", "return !is_ours && !has_all_marks(process);",
         "return !is_ours && port == 0 && !has_all_marks(process);", LEFTOVERS),
        ("an-older-session-is-the-workers", "process.start_time >= worker_.start_time;", "true;", LEFTOVERS),
        ("any-session-of-that-number", "process.is_without_privileges &&", "", LEFTOVERS),
        ("a-reused-pid-keeps-its-session", "return !process.has_ended || process.start_time", "return process.start_time == 0 && process.start_time",
         LEFTOVERS),
    ),
    *in_file(
        "supervisor/supervisor.cc",
        ("other-workers-are-not-known", "if (auto worker = runner->worker()) others", "if (auto worker = runner->worker(); false) others",
         OTHER_WORKERS),
        ("leftovers-from-an-absence-stay", "if (is_of_this_boot(saved)) {", "if (false) {", LEFT_BEHIND),
    ),
    *in_file(
        "supervisor/saved_worker.cc",
        ("a-worker-from-before-the-boot-may-live", "return state.boot.empty() || state.boot == boot_id();", "return state.boot.size() < 1'000'000;",
         LEFT_BEHIND),
    ),
    *in_file(
        "supervisor/slot_runner.cc",
        ("it-is-ended-before-its-leftovers", "shop_.disconnect(port_);\n",
         "shop_.disconnect(port_);\n    saved_.running = false;\n    save_();\n", LEFT_BEHIND),
    ),
    *in_file(
        "supervisor/reporter.cc",
        ("any-stranger-refuses-the-token", "(all_refuse && !all.empty())", "(outcome.refused && !all.empty())", REPORTER),
        ("a-proved-refusal-is-none", "outcome.refused = is_proved ||", "outcome.refused =", REPORTER),
    ),
    *in_file(
        "coordination/operation_queue.cc",
        ("what-may-have-happened-has-failed", "error == CoordinationError::kBadVersion && operations_.front().tries > 1;",
         "false;", CLUSTER_STATE),
    ),
    *in_file(
        "worker/serve/own_part.cc",
        ("a-moved-worker-goes-on", "slot == nullptr || slot->epoch > own_epoch", "slot == nullptr", OWN_PART + SIM),
        ("executors-change-under-a-worker", "next.worker_of_executor != present.worker_of_executor", "false", OWN_PART),
    ),
    # ---- Found by simulated clusters. Other tests find them, too; this is how we know that the
    # simulation looks.
    *in_file(
        "worker/acker/ack_ledger.h",
        ("sim-half-a-tree-is-acked", "if (entry->edges != 0) return std::nullopt;",
         "if (edges == 0) return std::nullopt;", SIM),
    ),
    *in_file(
        "worker/transport/link.h",
        ("sim-what-was-taken-is-forgotten",
         "return incarnation == incarnation_ && state_ != State::kFenced ? received_ : 0;",
         "return incarnation == incarnation_ && state_ != State::kFenced ? received_ - received_ : 0;",
         SIM),
        ("sim-the-fenced-is-let-in",
         "return incarnation <= fenced_ || incarnation < incarnation_ ? Verdict::kFenced",
         "return incarnation < incarnation_ ? Verdict::kFenced", SIM),
    ),
    *in_file(
        "worker/transport/link.cc",
        ("sim-the-next-life-counts-on", "    sent_ = received_ = 0;\n", "", SIM),
    ),
    *in_file(
        "worker/transport/membership.cc",
        ("sim-who-is-fenced-goes-on", "if (!who.fenced) return true;", "if (!who.fenced) return false;", SIM),
    ),
    *in_file(
        "supervisor/slot.cc",
        ("sim-an-incarnation-comes-twice", "    ++history_.starts;\n", "", SIM),
        ("sim-a-history-is-forgotten", "        history_ = next_history_;\n", "        history_ = {};\n", SIM),
    ),
    *in_file(
        "nimbus/topology_store/led_topology.cc",
        ("sim-an-epoch-comes-twice", "known.epoch_given) + 1;", "known.epoch_given);", SIM),
        ("sim-an-epoch-that-may-be-written-is-given-again",
         "std::max(known.assignment.epoch, known.epoch_given) + 1;", "known.assignment.epoch + 1;", SIM),
    ),
    *in_file(
        "nimbus/topology_store/rebalance.cc",
        ("sim-it-is-spread-over-its-old-places", "    known.assignment.workers.clear();\n", "", SIM),
    ),
    *in_file(
        "nimbus/topology_store/placing.cc",
        ("sim-slots-are-given-twice",
         "            supply.taken.push_back(&slot);\n        }\n    }\n    for (const Assignment& orphan",
         "            static_cast<void>(slot);\n        }\n    }\n    for (const Assignment& orphan", SIM),
    ),
    *in_file(
        "nimbus/topology_store/supervisor_presence.cc",
        ("sim-the-lost-are-expected-for-ever", "unreadable_.count(id) > 0 || now < expected_until(id);",
         "unreadable_.count(id) > 0 || now < expected_until(id) + 1'000'000'000;", SIM),
        ("sim-an-outage-is-everybody-s-end", "grace_until_ = now + kReturnGrace;", "grace_until_ = now;", SIM),
    ),
    *in_file(
        "nimbus/lifecycle/lifecycle.cc",
        ("sim-a-rebalance-pauses", "return {fate.rebalance.back_to};", "return {Status::kInactive};", SIM),
    ),
    *in_file(
        "coordination/cluster_state.cc",
        ("sim-a-stale-leader-writes", 'return {session.path("leader"), term.version};',
         'return {session.path("supervisors"), term.version - term.version};', SIM),
    ),
    *in_file(
        "coordination/own_node.cc",
        ("sim-the-own-record-is-written-once",
         "                return there_.refresh();  // When there is a connection again.", "                return;", SIM),
    ),
    *in_file(
        "coordination/node_set.cc",
        ("sim-a-new-session-reads-no-records", "        stale_ = names_;\n", "", SIM),
        ("sim-what-is-removed-stays", "        on_node_(*at, nullptr);\n        changed_ = true;\n", "", SIM),
    ),
]
