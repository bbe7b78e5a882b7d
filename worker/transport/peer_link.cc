#include "worker/transport/peer_link.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "base/check.h"
#include "wire/batch.h"
#include "wire/control.h"

namespace storm::worker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

base::Error refused(const std::string& why) {
    return {"cannot accept what a worker sent: " + why};
}

}  // namespace

PeerLink::PeerLink(asio::io_context& io, Shared& shared, const LinkIdentity& own,
                   std::uint32_t worker, const base::Clock& clock, const LinkTimes& times,
                   Membership& members, Events events)
    : io_(io),
      shared_(shared),
      own_(own),
      worker_(worker),
      clock_(clock),
      times_(times),
      members_(members),
      events_(std::move(events)),
      link_(members.link(worker)),
      in_(shared, worker),
      out_(shared, worker, own.incarnation),
      dial_timer_(io),
      dial_wait_(kDialMicrosMin),
      call_(own, worker, members) {}

PeerLink::~PeerLink() {
    close();
    link_.fence(link_.incarnation());
    for (Shipment& shipment : link_.take_dropped()) out_.release(shipment, false);
}

LinkStatus PeerLink::status() const {
    return {.worker = worker_,
            .up = up_,
            .lost = link_.state() == Link::State::kFenced,
            .incarnation = link_.incarnation(),
            .bytes_in = bytes_in_ + (up_ ? liveness_.news(connection_->bytes_read()) : 0),
            .bytes_out = bytes_out_,
            .refused = refused_};
}

// ---- Coming up ----------------------------------------------------------------------------------

void PeerLink::set_place(const std::optional<PeerPlace>& place) {
    if (place == place_) return;
    place_ = place;
    dial_timer_.cancel();
    if (!place) return;
    // All incarnations of its earlier slots are over.
    if (place->epoch > 0) events_.perform(members_.set_slot_epoch(worker_, place->epoch));
    // A dialer tries the new address at once; an attempt at the old one is void.
    if (dials() && !up_) {
        drop_connection();
        dial();
    }
}

void PeerLink::dial_later() {
    if (!dials() || !place_) return;
    dial_timer_.expires_after(std::chrono::microseconds(dial_wait_));
    dial_wait_ = std::min(2 * dial_wait_, kDialMicrosMax);
    dial_timer_.async_wait([this](error_code error) {
        if (!error && connection_ == nullptr && place_) dial();
    });
}

void PeerLink::dial() {
    auto connection = std::make_shared<Connection>(asio::ip::tcp::socket(io_));
    connection_ = connection;
    deadline_ = clock_.now() + times_.handshake;
    connection->connect(place_->host, place_->port, [this, connection](error_code why) {
        if (connection->closed()) return;
        if (!why) return greet();
        if (connection_ != connection) return;
        connection->close();
        connection_ = nullptr;
        dial_later();
    });
}

void PeerLink::greet() {
    connection_->attend(
        [this](Connection& connection, const wire::Frame& frame) {
            return &connection == connection_.get() && handshake(connection, frame);
        },
        [this](Connection& connection, const std::string& why) {
            if (&connection == connection_.get()) disconnected(why);
        });
    connection_->write(wire::Frame(call_.begin()));
    connection_->start_reading(wire::kHandshakeBytesMax);
}

bool PeerLink::handshake(Connection& connection, const wire::Frame& frame) {
    const Call::Step step = call_.take(frame, connection.writing());
    switch (step.kind) {
        case Call::Step::Kind::kProve:
            connection.write(wire::Frame(*step.proof));
            return true;
        case Call::Step::Kind::kUp:
            attend(connection.shared_from_this());
            begin(step.incarnation, step.received, step.epoch);
            return true;
        case Call::Step::Kind::kRefused:
            warn(step.why);
            ++refused_;
            break;
        case Call::Step::Kind::kOver:
            break;
    }
    disconnected(step.why);
    if (step.superseded) events_.superseded();
    return false;
}

void PeerLink::welcome(const std::shared_ptr<Connection>& connection, std::uint64_t incarnation,
                       std::uint64_t peer_received, std::uint64_t peer_epoch) {
    connection_ = connection;
    attend(connection);
    begin(incarnation, peer_received, peer_epoch);
}

void PeerLink::attend(const std::shared_ptr<Connection>& connection) {
    connection->attend(
        [this](Connection& from, const wire::Frame& frame) {
            return &from == connection_.get() && on_frame(frame);
        },
        [this](Connection& from, const std::string& why) {
            if (&from == connection_.get()) disconnected(why);
        });
    // The peer has proved its identity, so frames may have their full size now.
    connection->set_limit(wire::kFrameBytesMax);
}

void PeerLink::begin(std::uint64_t incarnation, std::uint64_t peer_received,
                     std::uint64_t peer_epoch) {
    const std::uint64_t before = link_.incarnation();
    Membership::Up up = members_.up(worker_, incarnation, peer_received, peer_epoch);
    Link::Beginning& beginning = up.beginning;
    for (Shipment& shipment : beginning.taken) out_.release(shipment, false);
    if (beginning.lost) release_lost(before);
    if (beginning.new_life) {
        in_.start_life();
        out_.start_life(in_.all_credits());
        if (!gone_) tell_all(shared_, PeerEvent::Kind::kStarted, worker_);
        peer_leaves_ = rows_lost_ = false;
    }
    // A new life has not heard of it; a resumed one may hear it twice.
    if (leaving_) out_.add(wire::make_leaving());
    up_ = true;
    // The retained frames go out before anything new: see gather().
    resend_ = 0;
    receipted_ = link_.received();
    unreceipted_bytes_ = 0;
    liveness_.begin(clock_.now(), heard());
    base::log::info("link up", {{"worker", static_cast<std::int64_t>(worker_)},
                                {"incarnation", static_cast<std::int64_t>(incarnation)},
                                {"resumed", static_cast<std::int64_t>(!beginning.new_life)}});
    events_.perform(up.actions);
    pump();
}

// ---- Going down ---------------------------------------------------------------------------------

void PeerLink::drop_connection() {
    if (connection_ == nullptr) return;
    const std::shared_ptr<Connection> dropped = std::exchange(connection_, nullptr);
    dropped->close();
    if (std::exchange(up_, false)) {
        // Its last bytes came after the last tick.
        bytes_in_ += liveness_.news(dropped->bytes_read());
        down_since_ = clock_.now();
        release_written();
        events_.perform(members_.down(worker_, clock_.now()));
        return;
    }
    release_written();
}

void PeerLink::disconnected(const std::string& why) {
    if (up_)
        base::log::info("link down",
                        {{"worker", static_cast<std::int64_t>(worker_)}, {"why", why}});
    drop_connection();
    dial_later();
}

void PeerLink::warn(const std::string& what) {
    std::uint64_t held_back = 0;
    if (!warnings_.admit(clock_.now(), held_back)) return;
    base::log::warn(what, {{"worker", static_cast<std::int64_t>(worker_)},
                           {"like_this", static_cast<std::int64_t>(held_back)}});
}

void PeerLink::lost(std::uint64_t incarnation) {
    drop_connection();
    out_.collect();
    out_.end_life();
    release_lost(incarnation);
    dial_later();
}

void PeerLink::release_lost(std::uint64_t incarnation) {
    base::log::warn("a worker is lost: what it held fails",
                    {{"worker", static_cast<std::int64_t>(worker_)},
                     {"incarnation", static_cast<std::int64_t>(incarnation)}});
    for (Shipment& shipment : link_.take_dropped()) {
        rows_lost_ = rows_lost_ || shipment.batch != nullptr;
        out_.release(shipment, true);
    }
    // One that leaves has executed all that it has taken.
    if (!peer_leaves_ || rows_lost_) out_.count_unexecuted();
    tell_all(shared_, PeerEvent::Kind::kLost, worker_);
}

void PeerLink::close() {
    dial_timer_.cancel();
    drop_connection();
}

// ---- Receiving ----------------------------------------------------------------------------------

bool PeerLink::on_frame(const wire::Frame& frame) {
    const std::shared_ptr<Connection> connection = connection_;
    const auto taken = take(frame);
    if (!taken) {
        ++refused_;
        warn(taken.error().message);
        disconnected(taken.error().message);
        events_.perform(members_.refused(worker_));
        return false;
    }
    // The frame has ended the connection, or brought a new one.
    if (connection_ != connection) return false;
    // TCP holds back a peer that exceeds its credit; memory would not.
    if (in_.overfull()) connection->pause();
    if (unreceipted_bytes_ >= kReceiptBytes) pump();
    if (peer_leaves_) receipt();  // It waits for a receipt of each frame.
    return true;
}

base::Result<base::Done> PeerLink::take(const wire::Frame& frame) {
    if (const auto* const batch = std::get_if<wire::BatchFrame>(&frame)) return take_batch(*batch);
    if (const auto* const control = std::get_if<wire::ControlFrame>(&frame))
        return take_control(*control);
    if (const auto* const receipt = std::get_if<wire::Receipt>(&frame))
        return take_receipt(receipt->sequence);
    if (std::holds_alternative<wire::Heartbeat>(frame)) return base::Done{};
    return refused("a frame that belongs to the handshake");
}

base::Result<base::Done> PeerLink::take_batch(const wire::BatchFrame& frame) {
    const auto header = wire::read_batch_header(frame.batch);
    if (!header) return header.error();
    if (header->header_bytes + header->runs_bytes != frame.batch.size())
        return refused("a batch that does not fill its frame");
    if (header->source_incarnation != link_.incarnation())
        return refused("a batch of another incarnation");
    if (!link_.is_next(header->sequence))
        return refused("a frame that does not follow the last one");
    const std::span<const std::byte> runs = frame.batch.subspan(header->header_bytes);
    auto checked = wire::check_checksum(*header, runs);
    if (checked) checked = in_.take_batch(runs);
    if (checked) took(header->sequence, frame.batch.size());
    return checked;
}

base::Result<base::Done> PeerLink::take_control(const wire::ControlFrame& frame) {
    if (!link_.is_next(frame.sequence)) return refused("a frame that does not follow the last one");
    auto checked = wire::check_checksum(frame);
    if (checked) checked = check_control(frame.records);
    if (!checked) return checked;
    took(frame.sequence, frame.records.size());
    for (std::size_t i = 0; i < frame.records.size() / sizeof(wire::ControlRecord); ++i) {
        const wire::ControlRecord record = wire::control_record(frame.records, i);
        const auto kind = static_cast<wire::ControlKind>(record.kind);
        if (kind == wire::ControlKind::kCredit) {
            out_.granted(record.subject, record.amount);
        } else if (kind == wire::ControlKind::kLeaving) {
            peer_leaves_ = true;
        } else if (wire::names_worker(record)) {
            events_.perform(members_.told(worker_, record, clock_.now()));
        }
    }
    in_.take_control(frame.records);
    return base::Done{};
}

// Checks all records before any of them has an effect.
base::Result<base::Done> PeerLink::check_control(std::span<const std::byte> records) const {
    if (records.size() > wire::kControlRecordsMax * sizeof(wire::ControlRecord))
        return refused("too many control records in one frame");
    auto checked = wire::check_control_records(records);
    if (!checked) return checked;
    for (std::size_t i = 0; i < records.size() / sizeof(wire::ControlRecord); ++i) {
        const wire::ControlRecord record = wire::control_record(records, i);
        const auto kind = static_cast<wire::ControlKind>(record.kind);
        if (kind == wire::ControlKind::kAck) continue;  // Nearly all records are acks.
        if (kind == wire::ControlKind::kCredit && !out_.has_channel(record.subject))
            return refused("credit for a channel that does not exist");
        if (wire::names_worker(record) && record.subject >= shared_.wiring.share.workers)
            return refused("a worker that does not exist");
    }
    return in_.check_control(records);
}

void PeerLink::took(std::uint64_t sequence, std::size_t bytes) {
    link_.took(sequence);
    unreceipted_bytes_ += bytes;
}

base::Result<base::Done> PeerLink::take_receipt(std::uint64_t sequence) {
    std::vector<Shipment> released;
    const std::size_t before = link_.retained().size();
    if (!link_.receipted(sequence, released)) return refused("a receipt for what was not sent");
    const std::size_t gone = before - link_.retained().size();
    // The index moves with the front of retained().
    resend_ -= std::min(resend_, gone);
    std::move(released.begin(), released.end(), std::back_inserter(releasing_));
    pump();
    return base::Done{};
}

void PeerLink::release_written() {
    for (Shipment& shipment : releasing_) out_.release(shipment, false);
    releasing_.clear();
}

// ---- Sending ------------------------------------------------------------------------------------

void PeerLink::tell(const wire::ControlRecord& record) {
    out_.add(record);
    pump();
}

void PeerLink::add(const Shipment& shipment) {
    STORM_CHECK(shipment.head.size() >= sizeof(std::string),
                "its bytes stay where they are when the shipment moves");
    buffers_.emplace_back(shipment.head.data(), shipment.head.size());
    if (shipment.batch != nullptr) {
        buffers_.emplace_back(shipment.batch->bytes(), shipment.batch->used);
    } else {
        buffers_.emplace_back(shipment.records.data(),
                              shipment.records.size() * sizeof(wire::ControlRecord));
    }
    bytes_out_ += shipment.bytes;
}

// Collects the buffers of the next write. False: there is nothing to write.
bool PeerLink::gather() {
    buffers_.clear();
    receipt_.clear();
    std::size_t bytes = 0;
    // 1. A receipt, which tells the peer that we live as well as a heartbeat would.
    const bool owes_receipt = link_.received() > receipted_;
    if (owes_receipt && (heartbeat_due_ || unreceipted_bytes_ >= kReceiptBytes)) {
        receipt_ = wire::write_frame(wire::Receipt{link_.received()});
        receipted_ = link_.received();
        unreceipted_bytes_ = 0;
    } else if (heartbeat_due_) {
        receipt_ = wire::write_frame(wire::Heartbeat{});
    }
    heartbeat_due_ = false;
    if (!receipt_.empty()) buffers_.emplace_back(receipt_.data(), receipt_.size());
    const std::deque<Shipment>& retained = link_.retained();
    // 2. What a former connection did not deliver, in the old order.
    for (; resend_ < retained.size() && bytes < kWriteBytesMax; ++resend_) {
        add(retained[resend_]);
        bytes += retained[resend_].bytes;
    }
    // 3. New frames. Control before batches: acks and credit must not wait behind rows.
    while (resend_ == retained.size() && bytes < kWriteBytesMax && link_.may_ship()) {
        if (out_.has_control()) {
            link_.ship(out_.control_frame(link_.next_sequence(), in_));
        } else if (out_.has_batches()) {
            link_.ship(out_.batch_frame(link_.next_sequence()));
        } else {
            break;
        }
        add(retained.back());
        bytes += retained.back().bytes;
        ++resend_;
    }
    return !buffers_.empty();
}

void PeerLink::pump() {
    out_.collect();
    if (out_.has_dropped()) tell_missing();
    if (!up_) return;
    if (connection_->paused() && !in_.overfull()) connection_->resume();
    if (connection_->writing()) return;
    release_written();
    if (!gather()) return;
    wrote_ = true;
    connection_->write(buffers_, [this] { pump(); });
}

Liveness::Heard PeerLink::heard() const {
    return {.bytes = connection_->bytes_read(),
            .frames = connection_->frames_read(),
            .in_frame = connection_->in_frame()};
}

void PeerLink::tick(base::Micros now) {
    if (!up_) {
        if (connection_ != nullptr && dials() && now >= deadline_) disconnected("no answer");
        return;
    }
    if (members_.was_frozen() || connection_->paused()) liveness_.excuse(now);
    // At most one heartbeat long: the credit that a held-up consumer waits for may come behind
    // these rows.
    connection_->resume();
    const std::uint64_t news = liveness_.news(connection_->bytes_read());
    if (const char* const why = liveness_.look(now, heard(), times_.silence))
        return disconnected(why);
    bytes_in_ += news;
    dial_wait_ = kDialMicrosMin;  // The link has been up for at least a tick.
    heartbeat_due_ = !wrote_ || link_.received() > receipted_;
    wrote_ = false;
    pump();
}

}  // namespace storm::worker
