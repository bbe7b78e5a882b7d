// Goal:   nobody but a Nimbus of the cluster can end a worker, move its peers, or hold its lease;
//         nor keep it from asking one that is.
// Method: HTTP servers on ports that the kernel chose, of which some lie.

#include "worker/serve/nimbus_question.h"

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>

#include "base/sha256.h"
#include "cluster/record_codec.h"
#include "cluster/sealed_answer.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "tests/support/stopped_clock.h"
#include "worker/serve/limits.h"

namespace storm::worker {
namespace {

using cluster::NimbusAddress;
using net::HttpRequest;
using net::HttpResponse;
using Answer = Lease::Answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTopology = "wc-1-1";
const std::string kKey = cluster::answer_key("secret", kTopology);

HttpResponse removed() {
    return {.status = 410, .body = "it was removed"};
}
HttpResponse assigned(std::uint64_t epoch) {
    cluster::Assignment made;
    made.topology = kTopology;
    made.epoch = epoch;
    made.workers = {{0, "s1", "127.0.0.1", 6700, 1}};
    return {.status = 200, .body = cluster::encode(made)};
}
HttpResponse sealed(HttpResponse made, const HttpRequest& question, const std::string& key = kKey) {
    const auto challenge = net::header_of(question.headers, cluster::kChallengeHeader);
    const std::string body = base::sha256(made.body);
    made.headers[cluster::kAnswerSealHeader] =
        cluster::seal_of({kTopology, challenge, made.status, body}, key);
    return made;
}

/// Listens at the address of a Nimbus.
class Listener {
public:
    using Answers = std::function<HttpResponse(const HttpRequest&)>;

    explicit Listener(Answers answers)
        : server_(
              std::move(net::HttpServer::listen(0, [this, answers](const HttpRequest& question) {
                  {
                      const std::lock_guard lock(mutex_);
                      questions_.push_back(question);
                  }
                  return answers(question);
              })).value()) {}

    NimbusAddress address() const { return {"127.0.0.1", server_->port()}; }
    std::vector<HttpRequest> questions() {
        const std::lock_guard lock(mutex_);
        return questions_;
    }

private:
    std::mutex mutex_;
    std::vector<HttpRequest> questions_;
    std::unique_ptr<net::HttpServer> server_;
};

Listener honest(HttpResponse made) {
    return Listener([made](const HttpRequest& question) { return sealed(made, question); });
}

class NimbusQuestionTest : public ::testing::Test {
protected:
    NimbusAnswer ask(const std::vector<NimbusAddress>& nimbuses) {
        std::optional<NimbusAnswer> said;
        question_.ask(nimbuses, 7, [&](NimbusAnswer answer) {
            said = std::move(answer);
            io_.stop();
        });
        io_.restart();
        io_.run_for(std::chrono::seconds(60));
        return said.value();
    }

    boost::asio::io_context io_;
    const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io_);
    testing::StoppedClock clock_;
    NimbusQuestion question_{io_, clock_, {kTopology, "secret", 3}};
};

TEST_F(NimbusQuestionTest, ANimbusIsBelieved) {
    Listener nimbus = honest(assigned(8));

    EXPECT_EQ(ask({nimbus.address()}).assignment->epoch, 8U);
    EXPECT_EQ(nimbus.questions().at(0).target, "/api/v1/assignments/wc-1-1?worker=3");
}

TEST_F(NimbusQuestionTest, AStrangersRemovalAndAssignmentAreNoAnswers) {
    const std::string other = cluster::answer_key("another secret", kTopology);
    Listener ends([](const HttpRequest&) { return removed(); });
    Listener moves([](const HttpRequest&) { return assigned(99); });
    Listener ends_another(
        [&](const HttpRequest& asked) { return sealed(removed(), asked, other); });
    Listener vouches([&](const HttpRequest& asked) { return sealed(assigned(7), asked, other); });

    for (Listener* const each : {&ends, &moves, &ends_another, &vouches}) {
        const NimbusAnswer said = ask({each->address()});
        EXPECT_EQ(said.answer, Answer::kNone);
        EXPECT_FALSE(said.assignment);
        EXPECT_EQ(each->questions().size(), 1U);
    }
}

TEST_F(NimbusQuestionTest, AnAnswerHoldsForItsQuestionAlone) {
    std::optional<HttpResponse> heard;
    Listener replays([&](const HttpRequest& asked) {
        if (!heard) heard = sealed(removed(), asked);
        return *heard;
    });

    EXPECT_EQ(ask({replays.address()}).answer, Answer::kGone);
    EXPECT_EQ(ask({replays.address()}).answer, Answer::kNone);
}

TEST_F(NimbusQuestionTest, EachIsAskedAnew) {
    Listener first([](const HttpRequest&) { return removed(); });
    Listener second([](const HttpRequest&) { return removed(); });
    ask({first.address(), second.address()});
    ask({first.address(), second.address()});

    std::set<std::string> challenges;
    for (Listener* const each : {&first, &second}) {
        for (const HttpRequest& asked : each->questions()) {
            challenges.insert(asked.headers.at(cluster::kChallengeHeader));
            EXPECT_TRUE(cluster::is_challenge(asked.headers.at(cluster::kChallengeHeader)));
        }
    }
    EXPECT_EQ(challenges.size(), 4U);
}

TEST_F(NimbusQuestionTest, AnAnswerThatIsCutOffOrTooLargeIsNone) {
    Listener cut_off([](const HttpRequest& asked) {
        HttpResponse made = sealed(assigned(8), asked);
        made.body.resize(made.body.size() / 2);
        return made;
    });
    Listener too_large([](const HttpRequest& asked) {
        return sealed({.status = 410, .body = std::string(cluster::kRecordBytesMax + 1, 'x')},
                      asked);
    });

    EXPECT_EQ(ask({cut_off.address()}).answer, Answer::kNone);
    EXPECT_EQ(ask({too_large.address()}).answer, Answer::kNone);
}

TEST_F(NimbusQuestionTest, WhoPassesTheQuestionOnCanOnlyTellWhatANimbusSays) {
    Listener nimbus = honest(assigned(8));
    Listener between([&](const HttpRequest& asked) {
        net::HttpCall call;
        call.host = nimbus.address().host;
        call.port = nimbus.address().port;
        call.target = asked.target;
        call.headers[cluster::kChallengeHeader] = asked.headers.at(cluster::kChallengeHeader);
        HttpResponse passed = net::call(call).value();
        return HttpResponse{.status = passed.status,
                            .body = passed.body,
                            .headers = {{cluster::kAnswerSealHeader,
                                         passed.headers.at(cluster::kAnswerSealHeader)}}};
    });

    EXPECT_EQ(ask({between.address()}).assignment->epoch, 8U);
}

TEST_F(NimbusQuestionTest, StrangersKeepNobodyFromBeingAsked) {
    std::vector<std::unique_ptr<Listener>> strangers;
    std::vector<NimbusAddress> all;
    for (std::size_t i = 0; i < cluster::kNimbusesTold - 1; ++i) {
        strangers.push_back(
            std::make_unique<Listener>([](const HttpRequest&) { return removed(); }));
        all.push_back(strangers.back()->address());
    }
    Listener nimbus = honest(assigned(8));
    all.push_back(nimbus.address());

    EXPECT_EQ(ask(all).answer, Answer::kNone);
    EXPECT_EQ(ask(all).answer, Answer::kYours);
    EXPECT_EQ(ask(all).answer, Answer::kYours);
    EXPECT_EQ(strangers[0]->questions().size(), 1U) << "who has answered is asked first";
}

TEST_F(NimbusQuestionTest, WhoIsNotBelievedIsInTheLogOnceAMinute) {
    Listener ends([](const HttpRequest&) { return removed(); });
    Listener unknowing([](const HttpRequest&) { return HttpResponse::error(404, "unknown"); });
    const auto logged = [&] {
        ::testing::internal::CaptureStderr();
        ask({ends.address(), unknowing.address()});
        return ::testing::internal::GetCapturedStderr();
    };
    const auto address = [](const Listener& of) { return std::to_string(of.address().port); };

    const std::string first = logged();
    EXPECT_THAT(first, HasSubstr("127.0.0.1:" + address(ends)));
    EXPECT_THAT(first, HasSubstr("it has no seal"));
    EXPECT_THAT(first, Not(HasSubstr(address(unknowing))));
    EXPECT_EQ(logged(), "");
    clock_.advance(kDistrustInterval);
    EXPECT_THAT(logged(), HasSubstr("it has no seal"));
}

std::vector<NimbusAddress> addresses(std::uint16_t count) {
    std::vector<NimbusAddress> made;
    for (std::uint16_t port = 1; port <= count; ++port) made.push_back({"n", port});
    return made;
}
std::vector<int> ports(const std::vector<NimbusAddress>& of) {
    std::vector<int> found;
    for (const NimbusAddress& each : of) found.push_back(each.port);
    return found;
}

TEST(AskOrder, GoesOnWithOthersUntilOneAnswers) {
    AskOrder order;

    EXPECT_THAT(ports(order.next(addresses(6))), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(ports(order.next(addresses(6))), ElementsAre(1, 2, 3, 4)) << "it was not asked";
    order.answered({});
    EXPECT_THAT(ports(order.next(addresses(6))), ElementsAre(5, 6, 1, 2));
    order.answered({});
    EXPECT_THAT(ports(order.next(addresses(6))), ElementsAre(3, 4, 5, 6));
    order.answered(NimbusAddress{"n", 6});
    EXPECT_THAT(ports(order.next(addresses(6))), ElementsAre(6, 1, 2, 3));
    order.answered({});
    EXPECT_THAT(ports(order.next(addresses(6))), ElementsAre(5, 6, 1, 2));
}

TEST(AskOrder, OfFewAllAreAskedEachTime) {
    AskOrder order;
    EXPECT_THAT(order.next({}), ElementsAre());
    for (int i = 0; i < 5; ++i) {
        EXPECT_THAT(ports(order.next(addresses(3))), ::testing::UnorderedElementsAre(1, 2, 3));
        order.answered({});
    }
    order.answered(NimbusAddress{"elsewhere", 9});
    EXPECT_THAT(ports(order.next(addresses(2))), ElementsAre(9, 1, 2)) << "it may still be there";
}

}  // namespace
}  // namespace storm::worker
