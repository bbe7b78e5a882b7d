// Reports reach the Nimbus that knows the token, in one round trip each, and nobody else learns it.
// Method: real servers on ports that the kernel chose, one of them good.

#include "supervisor/reporter.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/asio_loop.h"
#include "net/access.h"
#include "net/http_server.h"
#include "tests/support/local_socket.h"
#include "tests/support/temp_dir.h"

namespace storm::supervisor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReporterTest : public ::testing::Test {
protected:
    ReporterTest() {
        auto server = net::HttpServer::listen(
            0,
            [this](const net::HttpRequest& request) {
                auto refused = door_.refuse_without(net::Access::kChange, request, "");
                if (refused) return *std::move(refused);
                ++taken_;
                return net::HttpResponse{.status = 204};
            },
            [this](const net::HttpRequest& head) {
                ++heads_;
                return door_.recognize(head);
            });
        nimbus_ = std::move(server).value();
    }

    net::Address nimbus() const { return {"127.0.0.1", nimbus_->port()}; }
    /// Until so many reports were taken, or some seconds are over.
    int reports(const std::vector<net::Address>& nimbuses, int wanted) {
        Reporter reporter(loop_, errands_,
                          {[] {
                               cluster::SupervisorReport report;
                               report.supervisor = "s";
                               return report;
                           },
                           [&] { return nimbuses; }, dir_.write("token", "s3cret\n")});
        reporter.begin();
        for (int turns = 0; turns < 500 && taken_ < wanted; ++turns) {
            reporter.changed(true);
            io_.run_for(std::chrono::milliseconds(10));
        }
        refused_ = reporter.refused();
        return taken_;
    }

    const storm::testing::TempDir dir_;
    const base::SteadyClock clock_;
    net::Tokens tokens_{"s3cret", ""};  // The server's thread reads them: set them between calls.
    net::Doorkeeper door_{[this] { return tokens_; }, clock_, "of nonces"};
    std::atomic<int> heads_ = 0;
    std::atomic<int> taken_ = 0;
    std::unique_ptr<net::HttpServer> nimbus_;
    std::string refused_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    daemon::AsioLoop loop_{io_};
    daemon::Errands errands_{loop_, "reports", 16};
};

TEST_F(ReporterTest, AReportTakesOneRoundTripOnceItHasANonce) {
    EXPECT_GE(reports({nimbus()}, 5), 5);

    EXPECT_LE(heads_, taken_ + 2) << "one asked for the nonce; one may be under way";
    EXPECT_EQ(refused_, "");
}

TEST_F(ReporterTest, WhoDoesNotKnowTheTokenIsPassedOverAndDoesNotLearnIt) {
    const tests::Listener taker("HTTP/1.1 204 No Content\r\n\r\n");
    const tests::Listener liar(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest "
        "realm=\"storm\", qop=\"auth-int\", algorithm=SHA-256, nonce=\"n\"\r\n\r\n");

    EXPECT_GE(reports({{"127.0.0.1", taker.port()}, {"127.0.0.1", liar.port()}, nimbus()}, 2), 2);

    EXPECT_EQ(refused_, "");
    EXPECT_THAT(taker.received(), HasSubstr("HEAD /health"));
    EXPECT_THAT(liar.received(), HasSubstr("POST /api/v1/supervisors/s/report"));
    EXPECT_THAT(taker.received() + liar.received(), Not(HasSubstr("s3cret")));
}

TEST_F(ReporterTest, OnlyAProvedRefusalOrThatOfAllSaysThatTheTokenIsWrong) {
    const tests::Listener stranger("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    const net::Address refuses = {"127.0.0.1", stranger.port()};
    const net::Address deaf = {"127.0.0.1", 1};
    const auto refused = [this](const std::vector<net::Address>& nimbuses) {
        Reporter reporter(loop_, errands_,
                          {[] { return cluster::SupervisorReport(); }, [&] { return nimbuses; },
                           dir_.write("token", "s3cret\n")});
        reporter.begin();
        io_.run_for(std::chrono::milliseconds(300));
        return reporter.refused();
    };

    EXPECT_EQ(refused({refuses, deaf}), "");
    EXPECT_EQ(refused({deaf, refuses}), "");
    EXPECT_THAT(refused({refuses, refuses}), HasSubstr("is not Nimbus'"));
    tokens_ = {"other", "s3cret"};
    EXPECT_THAT(refused({nimbus(), deaf}), HasSubstr("is not the one that changes something"));
}

TEST_F(ReporterTest, ATakerWithoutTheTokenHasTakenNothing) {
    const tests::Listener taker("HTTP/1.1 204 No Content\r\n\r\n");
    Reporter reporter(loop_, errands_,
                      {[] { return cluster::SupervisorReport(); },
                       [&] {
                           return std::vector<net::Address>{{"127.0.0.1", taker.port()}};
                       },
                       dir_.write("token", "s3cret\n")});

    ::testing::internal::CaptureStderr();
    reporter.begin();
    io_.run_for(std::chrono::milliseconds(300));

    EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                HasSubstr("does not show that it knows the token"));
}

}  // namespace
}  // namespace storm::supervisor
