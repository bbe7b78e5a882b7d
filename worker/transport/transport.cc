#include "worker/transport/transport.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "base/secret.h"
#include "base/thread.h"
#include "net/address.h"
#include "net/close_on_exec.h"
#include "worker/transport/authentication.h"
#include "worker/transport/limits.h"
#include "worker/transport/membership.h"
#include "worker/transport/peer_link.h"

namespace storm::worker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

class Transport::Impl {
public:
    Impl(Shared& shared, LinkIdentity identity, const base::Clock& clock,
         std::function<void()> superseded, const LinkTimes& times)
        : shared_(shared),
          own_(std::move(identity)),
          clock_(clock),
          superseded_(std::move(superseded)),
          times_(times),
          members_(own_.worker, own_.incarnation, shared.wiring.share.workers, times),
          io_(1),
          acceptor_(io_),
          accept_timer_(io_),
          tick_timer_(io_),
          flush_timer_(io_) {
        const std::uint32_t workers = shared.wiring.share.workers;
        for (std::uint32_t worker = 0; worker < workers; ++worker) {
            links_.push_back(worker == own_.worker ? nullptr : make_link(worker));
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    ~Impl() { close(); }

    // Posted, since all that is cut belongs to the links' thread; joined before anything of it is
    // destroyed.
    void close() {
        if (!thread_) return;
        asio::post(io_, [this] {
            cut();
            // Also keeps a timer or connection that is already done from starting anything new.
            io_.stop();
        });
        thread_->join();
        thread_.reset();
    }

    // On the caller's thread, before the links' thread starts: here a slow name server holds up
    // nobody else.
    base::Result<base::Done> listen(const std::string& host, std::uint16_t port) {
        error_code error;
        const auto address = asio::ip::make_address(host, error);
        if (error) {
            tcp::resolver resolver(io_);
            const auto found = resolver.resolve(host, std::to_string(port), error);
            if (error) return cannot_listen(host, port, error);
            return listen(found.begin()->endpoint(), host);
        }
        return listen({address, port}, host);
    }

    std::uint16_t port() const { return port_; }

    // From here on all but `status_` belongs to the links' thread, and the functions below post to
    // it.
    void start() {
        accept();
        tick_later();
        thread_.emplace("links", [this] { io_.run(); });
    }

    void set_peers(std::vector<std::optional<PeerPlace>> peers, std::uint64_t epoch) {
        asio::post(io_, [this, peers = std::move(peers), epoch] {
            // First, because the new addresses are dialled at once, and each hello tells the epoch.
            members_.set_epoch(epoch);
            for (std::size_t i = 0; i < links_.size() && i < peers.size(); ++i) {
                if (links_[i] != nullptr) links_[i]->set_place(peers[i]);
            }
        });
    }

    void drain(base::Micros patience, std::function<void(std::uint32_t)> missing) {
        asio::post(io_, [this, patience, missing = std::move(missing)] {
            drain_ = Drain{clock_.now(), patience, missing};
        });
    }

    // A peer that is away may return meanwhile and take the rest: PeerLink tells it, too, that this
    // worker leaves.
    void flush(base::Micros patience, std::function<void(bool)> done) {
        asio::post(io_, [this, patience, done = std::move(done)] {
            for (const auto& link : links_)
                if (link != nullptr) link->leave();
            await_receipts(clock_.now() + patience, done);
        });
    }

    std::vector<LinkStatus> status() {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    /// A connection whose peer has not proved its identity.
    struct Stranger {
        std::shared_ptr<Connection> connection;
        base::Micros deadline = 0;
        std::optional<wire::Hello> hello;  // The peer's.
        wire::Hello ours;
    };

    struct Drain {
        base::Micros since = 0;
        base::Micros patience = 0;
        std::function<void(std::uint32_t worker)> missing;
    };

    std::unique_ptr<PeerLink> make_link(std::uint32_t worker) {
        // Something is missing only after give_up(), which nobody calls before drain(): so drain_
        // is set then.
        auto link = std::make_unique<PeerLink>(
            io_, shared_, own_, worker, clock_, times_, members_,
            PeerLink::Events{
                .perform = [this](const Membership::Actions& actions) { perform(actions); },
                .superseded = superseded_,
                .missing = [this](std::uint32_t missing) { drain_->missing(missing); }});
        PeerLink* const raw = link.get();
        // Loops call this until they have stopped, so the engine stops before this object goes.
        shared_.peers[worker]->attach([this, raw] { asio::post(io_, [raw] { raw->pump(); }); });
        return link;
    }

    /// Carries out the decisions of the membership.
    void perform(const Membership::Actions& actions) {
        if (cut_) return;
        for (const Membership::Action& action : actions) {
            switch (action.kind) {
                case Membership::Action::Kind::kTell:
                    links_[action.worker]->tell(action.record);
                    break;
                case Membership::Action::Kind::kLost:
                    links_[action.worker]->lost(action.incarnation);
                    break;
                case Membership::Action::Kind::kConfirmed:
                    tell_all(shared_, PeerEvent::Kind::kLost, action.worker);
                    break;
                case Membership::Action::Kind::kSuperseded:
                    superseded_();
                    break;
            }
        }
    }

    // ---- Listening ----

    static base::Error cannot_listen(const std::string& host, std::uint16_t port,
                                     const error_code& why) {
        return {"cannot listen on " + net::to_string({host, port}) + ": " + why.message()};
    }

    base::Result<base::Done> listen(const tcp::endpoint& endpoint, const std::string& host) {
        error_code error;
        acceptor_.open(endpoint.protocol(), error);
        if (!error) net::close_on_exec(acceptor_);
        if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (error) return cannot_listen(host, endpoint.port(), error);
        port_ = acceptor_.local_endpoint(error).port();
        return base::Done{};
    }

    void accept() {
        acceptor_.async_accept([this](error_code error, tcp::socket socket) {
            if (error == asio::error::operation_aborted) return;
            if (error) {
                // Most likely out of descriptors; all we can do is wait.
                accept_timer_.expires_after(std::chrono::milliseconds(100));
                accept_timer_.async_wait([this](error_code cancelled) {
                    if (!cancelled) accept();
                });
                return;
            }
            if (strangers_.size() >= kStrangersMax) close_oldest_stranger();
            meet(std::move(socket));
            accept();
        });
    }

    void close_oldest_stranger() {
        const auto oldest = std::min_element(strangers_.begin(), strangers_.end(),
                                             [](const auto& one, const auto& other) {
                                                 return one.second.deadline < other.second.deadline;
                                             });
        oldest->second.connection->close();
        strangers_.erase(oldest);
    }

    void meet(tcp::socket socket) {
        auto connection = std::make_shared<Connection>(std::move(socket));
        strangers_[connection.get()] = {.connection = connection,
                                        .deadline = clock_.now() + times_.handshake,
                                        .hello = {},
                                        .ours = {.worker = own_.worker,
                                                 .features = 0,
                                                 .incarnation = own_.incarnation,
                                                 .topology = own_.topology,
                                                 .nonce = base::random_bytes(wire::kNonceBytes),
                                                 .epoch = members_.epoch()}};
        connection->attend(
            [this](Connection& from, const wire::Frame& frame) { return handshake(from, frame); },
            [this](Connection& from, const std::string&) { strangers_.erase(&from); });
        connection->start_reading(wire::kHandshakeBytesMax);
    }

    bool refuse(Connection& connection, const std::string& why) {
        std::uint64_t held_back = 0;
        if (refusals_.admit(clock_.now(), held_back)) {
            base::log::warn("a connection is refused: " + why,
                            {{"like_this", static_cast<std::int64_t>(held_back)}});
        }
        if (!connection.writing()) connection.write(wire::Refused{why});
        connection.close_after_write();
        strangers_.erase(&connection);
        return false;
    }

    // Up to a valid proof nothing of a stranger changes any state but its own entry.
    bool handshake(Connection& connection, const wire::Frame& frame) {
        Stranger& stranger = strangers_.at(&connection);
        if (const auto* const hello = std::get_if<wire::Hello>(&frame)) {
            if (stranger.hello) return refuse(connection, "a second hello");
            if (hello->topology != own_.topology)
                return refuse(connection, "it is of another topology");
            if (hello->worker >= own_.worker)
                return refuse(connection, "only workers with lower numbers dial this one");
            if (hello->nonce.size() != wire::kNonceBytes)
                return refuse(connection, "its nonce has the wrong length");
            if (hello->protocol_min > wire::kProtocolMax ||
                hello->protocol_max < wire::kProtocolMin) {
                return refuse(connection, "it speaks no protocol version that this worker speaks");
            }
            stranger.hello = *hello;
            connection.write(
                wire::Challenge{stranger.ours, proof_of({}, own_.secret, *hello, stranger.ours)});
            return true;
        }
        const auto* const proof = std::get_if<wire::Proof>(&frame);
        if (proof == nullptr || !stranger.hello || connection.writing())
            return refuse(connection, "a frame that is not a proof, or comes too early");
        const wire::Hello theirs = *stranger.hello;
        const Statement said{Statement::Kind::kProof, proof->received, proof->fenced,
                             proof->succeeded, proof->live};
        if (!base::same_secret(proof->mac, proof_of(said, own_.secret, theirs, stranger.ours))) {
            return refuse(connection, "it does not know the topology's secret");
        }
        const std::shared_ptr<Connection> known = stranger.connection;
        const wire::Hello ours = stranger.ours;
        strangers_.erase(&connection);
        return answer(known, theirs, ours, *proof);
    }

    /// The caller has proved its identity.
    bool answer(const std::shared_ptr<Connection>& caller, const wire::Hello& theirs,
                const wire::Hello& ours, const wire::Proof& proof) {
        PeerLink& link = *links_[theirs.worker];
        const Standing it_says{proof.fenced, proof.succeeded, proof.live, theirs.epoch,
                               theirs.worker};
        Standing we_say = members_.standing(theirs.worker, theirs.incarnation);
        we_say.epoch = ours.epoch;  // The epoch that the caller has been told.
        const bool welcome = !it_says.fenced && !we_say.fenced;
        // Before `received` is said below: see peer_link.h.
        if (welcome) link.drop_connection();
        const std::uint64_t received = link.received_from(theirs.incarnation);
        const Statement statement{Statement::Kind::kReady, received, we_say.fenced,
                                  we_say.succeeded, we_say.live};
        caller->write(wire::Ready{.mac = proof_of(statement, own_.secret, theirs, ours),
                                  .received = received,
                                  .fenced = we_say.fenced,
                                  .succeeded = we_say.succeeded,
                                  .live = we_say.live},
                      [&link] { link.pump(); });
        if (welcome) {
            link.welcome(caller, theirs.incarnation, proof.received, theirs.epoch);
            return true;
        }
        caller->close_after_write();
        if (must_end(we_say, it_says)) superseded_();
        return false;
    }

    // ---- Time ----

    void tick_later() {
        tick_timer_.expires_after(std::chrono::microseconds(times_.heartbeat));
        tick_timer_.async_wait([this](error_code error) {
            if (error) return;
            tick();
            tick_later();
        });
    }

    void tick() {
        const base::Micros now = clock_.now();
        // The membership first: it notices that this process stood still, and then no link counts
        // the silence.
        perform(members_.tick(now));
        if (drain_) look_for_the_gone(now);
        for (const auto& link : links_) {
            if (link != nullptr) link->tick(now);
        }
        for (auto each = strangers_.begin(); each != strangers_.end();) {
            if (now >= each->second.deadline) {
                each->second.connection->close();
                each = strangers_.erase(each);
            } else {
                ++each;
            }
        }
        std::vector<LinkStatus> status;
        for (const auto& link : links_) {
            if (link != nullptr) status.push_back(link->status());
        }
        const std::lock_guard lock(mutex_);
        status_ = std::move(status);
    }

    // A peer gets the whole patience from the drain on, however long it has been away before.
    void look_for_the_gone(base::Micros now) {
        for (const auto& link : links_) {
            if (link == nullptr) continue;
            const auto away = link->away_since();
            if (away && now - std::max(*away, drain_->since) >= drain_->patience) link->give_up();
        }
    }

    // A poll, since what is owed changes with each frame, of any link, and this lasts for some ms.
    void await_receipts(base::Micros until, const std::function<void(bool)>& done) {
        const bool owes = std::any_of(links_.begin(), links_.end(), [](const auto& link) {
            return link != nullptr && link->owes();
        });
        if (!owes || clock_.now() >= until) return done(!owes);
        flush_timer_.expires_after(std::chrono::microseconds(kLeavePollMicros));
        flush_timer_.async_wait([this, until, done](error_code error) {
            if (!error) await_receipts(until, done);
        });
    }

    void cut() {
        cut_ = true;  // From here on perform() tells nobody anything.
        error_code ignored;
        acceptor_.close(ignored);
        tick_timer_.cancel();
        flush_timer_.cancel();
        accept_timer_.cancel();
        for (auto& [key, stranger] : strangers_) stranger.connection->close();
        strangers_.clear();
        for (const auto& link : links_) {
            if (link != nullptr) link->close();
        }
    }

    Shared& shared_;
    const LinkIdentity own_;
    const base::Clock& clock_;
    const std::function<void()> superseded_;
    const LinkTimes times_;
    Membership members_;
    // Destroyed after all that follows. The handlers that it still holds then go with it, uncalled.
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    asio::steady_timer accept_timer_;
    asio::steady_timer tick_timer_;
    asio::steady_timer flush_timer_;
    std::optional<Drain> drain_;
    std::vector<std::unique_ptr<PeerLink>> links_;  // Indexed by worker; null for this one.
    std::map<Connection*, Stranger> strangers_;
    base::RateLimit refusals_{kRefusalBurst, base::kMicrosPerSecond};
    bool cut_ = false;

    std::mutex mutex_;
    std::vector<LinkStatus> status_;  // As of the last tick. Guarded by mutex_.
    std::optional<base::Thread> thread_;
};

base::Result<std::unique_ptr<Transport>> Transport::listen(
    Shared& shared, LinkIdentity identity, const std::string& host, std::uint16_t port,
    const base::Clock& clock, std::function<void()> superseded, const LinkTimes& times) {
    auto impl =
        std::make_unique<Impl>(shared, std::move(identity), clock, std::move(superseded), times);
    const auto listening = impl->listen(host, port);
    if (!listening) return listening.error();
    return std::unique_ptr<Transport>(new Transport(std::move(impl)));
}

Transport::Transport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transport::~Transport() = default;

std::uint16_t Transport::port() const {
    return impl_->port();
}
void Transport::start() {
    impl_->start();
}
void Transport::close() {
    impl_->close();
}
void Transport::set_peers(std::vector<std::optional<PeerPlace>> peers, std::uint64_t epoch) {
    impl_->set_peers(std::move(peers), epoch);
}
void Transport::drain(base::Micros patience, std::function<void(std::uint32_t)> missing) {
    impl_->drain(patience, std::move(missing));
}
void Transport::flush(base::Micros patience, std::function<void(bool)> done) {
    impl_->flush(patience, std::move(done));
}
std::vector<LinkStatus> Transport::status() const {
    return impl_->status();
}

}  // namespace storm::worker
