// One other worker: its link, what comes from and goes to it, and the connection that carries both.
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
    /// What concerns the other links, too.
    struct Events {
        /// What the membership asks for.
        std::function<void(const Membership::Actions&)> perform;
        /// This worker must end: a handshake has shown it.
        std::function<void()> superseded;
        /// Something that was to come from it, or to get to it, never will.
        std::function<void(std::uint32_t worker)> missing;
    };

    /// `members` and `times` outlive it.
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
    /// A handshake that the peer began is over.
    void welcome(const std::shared_ptr<Connection>& connection, std::uint64_t incarnation,
                 std::uint64_t peer_received);
    std::uint64_t received_from(std::uint64_t incarnation) const {
        return link_.received_from(incarnation);
    }
    /// Before the answer to a handshake: no byte of the connection before may be taken after it.
    void drop_connection();

    /// A life of it has ended.
    void lost(std::uint64_t incarnation);
    void tell(const wire::ControlRecord& record);
    /// Sends what there is to send.
    void pump();
    /// Every times.heartbeat.
    void tick(base::Micros now);
    void close();

    // ---- At the end of the topology.
    /// This worker has done its part: the peer is asked to receipt promptly.
    void leave();
    /// Something that matters has not been taken by the peer, nor has it said that it leaves.
    bool owes();
    /// Since when it has not been connected; nothing: it is, or it was given up.
    std::optional<base::Micros> away_since() const;
    /// It is gone for good, in this life and all others: whoever waits for rows of it, or until it
    /// takes some, waits no longer.
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
    void begin(std::uint64_t incarnation, std::uint64_t peer_received);
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
    std::shared_ptr<Connection> connection_;  // Up, or, of a dialer, on its way there.
    bool up_ = false;
    bool leaving_ = false;  // This worker is.
    bool peer_leaves_ = false;
    bool gone_ = false;
    bool told_missing_ = false;
    bool rows_lost_ = false;  // With its present life, and no other has begun.
    base::Micros down_since_ = 0;
    boost::asio::steady_timer dial_timer_;
    base::Micros dial_wait_;
    Call call_;                  // If this worker dials.
    base::Micros deadline_ = 0;  // Of the handshake.

    std::vector<boost::asio::const_buffer> buffers_;  // Of the present write.
    std::string receipt_;
    // Receipted, but perhaps part of the present write: the peer may say anything at any time.
    std::vector<Shipment> releasing_;
    std::size_t resend_ = 0;  // Index into link_.retained(): from here on, send again.
    std::uint64_t receipted_ = 0;
    std::size_t unreceipted_bytes_ = 0;
    bool heartbeat_due_ = false;
    bool wrote_ = false;  // Since the last tick.
    Liveness liveness_;
    std::uint64_t bytes_in_ = 0;  // As of its last look.
    std::uint64_t bytes_out_ = 0;
    std::uint64_t refused_ = 0;
    int refused_in_turn_ = 0;  // Nothing was taken in between.
    base::RateLimit warnings_{kRefusalBurst, base::kMicrosPerSecond};
};

}  // namespace storm::worker
