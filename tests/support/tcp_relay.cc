#include "tests/support/tcp_relay.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "base/thread.h"

namespace storm::testing {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

class Link : public std::enable_shared_from_this<Link> {
public:
    Link(tcp::socket client, tcp::socket server)
        : client_(std::move(client)), server_(std::move(server)) {}

    void start() {
        pump(client_, server_, there_);
        pump(server_, client_, back_);
    }
    void close() {
        error_code ignored;
        client_.close(ignored);
        server_.close(ignored);
    }

private:
    using Bytes = std::array<char, 16 * 1024>;

    void pump(tcp::socket& from, tcp::socket& to, Bytes& bytes) {
        from.async_read_some(
            boost::asio::buffer(bytes),
            [&, self = shared_from_this()](const error_code& read, std::size_t count) {
                if (read) return close();
                boost::asio::async_write(to, boost::asio::buffer(bytes, count),
                                         [&, self](const error_code& wrote, std::size_t) {
                                             if (wrote) return close();
                                             pump(from, to, bytes);
                                         });
            });
    }

    tcp::socket client_;
    tcp::socket server_;
    Bytes there_{};
    Bytes back_{};
};

}  // namespace

class TcpRelay::Impl {
public:
    explicit Impl(std::uint16_t to)
        : to_(boost::asio::ip::address_v4::loopback(), to),
          acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          port_(acceptor_.local_endpoint().port()) {
        accept();  // Before the thread: it ends when there is nothing to wait for.
        thread_.emplace("relay", [this] { io_.run(); });
    }
    ~Impl() { io_.stop(); }

    std::uint16_t port() const { return port_; }
    void set_cut(bool is_cut) {
        boost::asio::post(io_, [this, is_cut] {
            is_cut_ = is_cut;
            for (const auto& link : std::exchange(links_, {})) {
                if (const auto open = link.lock()) open->close();
            }
        });
    }

private:
    void accept() {
        acceptor_.async_accept([this](const error_code& error, tcp::socket client) {
            if (!error && !is_cut_) connect(std::move(client));
            accept();
        });
    }
    void connect(tcp::socket client) {
        tcp::socket server(io_);
        error_code error;
        server.connect(to_, error);  // On the same machine: it takes no time.
        if (error) return;
        const auto link = std::make_shared<Link>(std::move(client), std::move(server));
        links_.push_back(link);
        link->start();
    }

    boost::asio::io_context io_;
    const tcp::endpoint to_;
    tcp::acceptor acceptor_;
    const std::uint16_t port_;
    bool is_cut_ = false;
    std::vector<std::weak_ptr<Link>> links_;
    std::optional<base::Thread> thread_;  // The last: it is joined before what it uses goes.
};

TcpRelay::TcpRelay(std::uint16_t to) : impl_(std::make_unique<Impl>(to)) {}
TcpRelay::~TcpRelay() = default;
std::uint16_t TcpRelay::port() const {
    return impl_->port();
}
void TcpRelay::cut() {
    impl_->set_cut(true);
}
void TcpRelay::mend() {
    impl_->set_cut(false);
}

}  // namespace storm::testing
