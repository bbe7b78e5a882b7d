// One other worker: the state of its link, what comes from it and goes to it, and the connection
// that carries both.
//
// The link and its two directions outlive connections: after a break the life is resumed on the
// next connection, and `resend_` says which retained frames still have to be sent on it. Frames
// enter the link's order in gather() only, when they are about to be written.
//
// A receipt may arrive while its frame is still part of the present write. So receipted frames
// wait in `releasing_`, and are freed when no write is under way.
//
// Threads: the links' thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "worker/transport/call.h"
#include "worker/transport/connection.h"
#include "worker/transport/inbound.h"
#include "worker/transport/limits.h"
#include "worker/transport/link.h"
#include "worker/transport/liveness.h"
#include "worker/transport/membership.h"
#include "worker/transport/outbound.h"
#include "worker/transport/peers.h"

namespace storm::worker {

class PeerLink {
public:
    /// Calls that concern more than this link.
    struct Events {
        /// Carries out what the membership asks for.
        std::function<void(const Membership::Actions&)> perform;
        /// A handshake has shown that this worker must end.
        std::function<void()> superseded;
        /// Something that the peer was to send, or to take, never will be.
        std::function<void(std::uint32_t worker)> missing;
    };

    /// `members` and `times` must outlive this.
    PeerLink(boost::asio::io_context& io, Shared& shared, const LinkIdentity& own,
             std::uint32_t worker, const base::Clock& clock, const LinkTimes& times,
             Membership& members, Events events);
    PeerLink(const PeerLink&) = delete;
    PeerLink& operator=(const PeerLink&) = delete;
    ~PeerLink();

    std::uint32_t worker() const { return worker_; }
    const Link& link() const { return link_; }
    LinkStatus status() const;

    void set_place(const std::optional<PeerPlace>& place);
    /// The peer dialed, and the handshake is done.
    void welcome(const std::shared_ptr<Connection>& connection, std::uint64_t incarnation,
                 std::uint64_t peer_received, std::uint64_t peer_epoch);
    std::uint64_t received_from(std::uint64_t incarnation) const {
        return link_.received_from(incarnation);
    }
    /// To be called before the answer to a handshake: no byte of the old connection may be taken
    /// after it.
    void drop_connection();

    /// A life of the peer has ended.
    void lost(std::uint64_t incarnation);
    void tell(const wire::ControlRecord& record);
    /// Writes everything that may be sent now.
    void pump();
    /// To be called every times.heartbeat.
    void tick(base::Micros now);
    void close();

    // ---- At the end of the topology.
    /// This worker has done its part: asks the peer for prompt receipts.
    void leave();
    /// Whether something that matters has not been taken by the peer. A peer that leaves is owed
    /// nothing.
    bool owes();
    /// Since when the peer has not been connected; empty if it is, or is gone.
    std::optional<base::Micros> away_since() const;
    /// The peer will not come back in any incarnation: nobody waits for its rows, or for it to take
    /// some, any longer.
    void give_up();

private:
    bool dials() const { return own_.worker < worker_; }
    void dial_later();
    void dial();
    void greet();
    bool handshake(Connection& connection, const wire::Frame& frame);
    bool on_frame(const wire::Frame& frame);
    base::Result<base::Done> take(const wire::Frame& frame);
    base::Result<base::Done> take_batch(const wire::BatchFrame& frame);
    base::Result<base::Done> take_control(const wire::ControlFrame& frame);
    base::Result<base::Done> take_receipt(std::uint64_t sequence);
    void attend(const std::shared_ptr<Connection>& connection);
    void begin(std::uint64_t incarnation, std::uint64_t peer_received, std::uint64_t peer_epoch);
    base::Result<base::Done> check_control(std::span<const std::byte> records) const;
    void took(std::uint64_t sequence, std::size_t bytes);
    void release_lost(std::uint64_t incarnation);
    void disconnected(const std::string& why);
    void warn(const std::string& what);
    void release_written();
    void receipt();
    Liveness::Heard heard() const;
    bool lacks_something() const;
    void tell_missing();
    bool gather();
    void add(const Shipment& shipment);

    boost::asio::io_context& io_;
    Shared& shared_;
    const LinkIdentity& own_;
    const std::uint32_t worker_;
    const base::Clock& clock_;
    const LinkTimes& times_;
    Membership& members_;
    const Events events_;
    Link& link_;
    Inbound in_;
    Outbound out_;
    std::optional<PeerPlace> place_;
    std::shared_ptr<Connection> connection_;  // Up, or a dialer's attempt.
    // The life of the peer, and what either side has announced.
    bool up_ = false;
    bool leaving_ = false;  // This worker is leaving; told with each new life.
    bool peer_leaves_ = false;
    bool gone_ = false;
    bool told_missing_ = false;
    bool rows_lost_ = false;  // Rows were lost with the last life, and no new life has begun.
    base::Micros down_since_ = 0;
    // Dialing.
    boost::asio::steady_timer dial_timer_;
    base::Micros dial_wait_;     // Next pause between two attempts.
    Call call_;                  // Used only if this worker dials.
    base::Micros deadline_ = 0;  // End of the present handshake's time.

    // Sending.
    std::vector<boost::asio::const_buffer> buffers_;  // The present write
    std::string receipt_;
    // Receipted while perhaps still part of the present write.
    std::vector<Shipment> releasing_;
    std::size_t resend_ = 0;  // Index into link_.retained() of the next frame to send again.
    std::uint64_t receipted_ = 0;
    std::size_t unreceipted_bytes_ = 0;
    bool heartbeat_due_ = false;
    bool wrote_ = false;  // Since the last tick.
    Liveness liveness_;
    std::uint64_t bytes_in_ = 0;  // As of liveness_'s last look.
    std::uint64_t bytes_out_ = 0;
    std::uint64_t refused_ = 0;
    base::RateLimit warnings_{kRefusalBurst, base::kMicrosPerSecond};
};

}  // namespace storm::worker
