// Goal:   a worker believes what is sealed for its own question, and nothing else.
// Method: an honest answer, and all that a stranger could make of it, without the key.

#include "worker/serve/nimbus_answer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "cluster/record_codec.h"
#include "cluster/sealed_answer.h"

namespace storm::worker {
namespace {

using net::HttpResponse;
using Answer = Lease::Answer;
using ::testing::HasSubstr;

const AskedNimbus kAsked{"wc-1-1", cluster::answer_key("secret", "wc-1-1"), std::string(64, 'a'),
                         7};

cluster::Assignment assignment(std::uint64_t epoch) {
    cluster::Assignment made;
    made.topology = "wc-1-1";
    made.epoch = epoch;
    made.workers = {{0, "s1", "127.0.0.1", 6700, 1}};
    return made;
}

HttpResponse sealed(HttpResponse response, const AskedNimbus& asked = kAsked) {
    const std::string body = base::sha256(response.body);
    response.headers[cluster::kAnswerSealHeader] =
        cluster::seal_of({asked.topology, asked.challenge, response.status, body}, asked.key);
    return response;
}
HttpResponse removed() {
    return {.status = 410, .body = "it was removed"};
}
HttpResponse assigned(std::uint64_t epoch) {
    return {.status = 200, .body = cluster::encode(assignment(epoch))};
}
void is_not_believed(const HttpResponse& response, const std::string& why) {
    const NimbusAnswer found = answer_in(response, kAsked);
    EXPECT_EQ(found.answer, Answer::kNone);
    EXPECT_FALSE(found.assignment);
    EXPECT_THAT(found.distrust, HasSubstr(why));
}

TEST(NimbusAnswer, WhatIsSealedIsBelieved) {
    EXPECT_EQ(answer_in(sealed(removed()), kAsked).answer, Answer::kGone);

    const NimbusAnswer yours = answer_in(sealed(assigned(8)), kAsked);
    EXPECT_EQ(yours.answer, Answer::kYours);
    EXPECT_EQ(yours.assignment, assignment(8));
    EXPECT_EQ(yours.distrust, "");
    EXPECT_EQ(answer_in(sealed(assigned(7)), kAsked).answer, Answer::kYours);
}

TEST(NimbusAnswer, WithoutASealNeitherAnEndNorAnAssignmentIs) {
    is_not_believed(removed(), "no seal");
    is_not_believed(assigned(8), "no seal");
}

TEST(NimbusAnswer, OfAnotherStatusOrBodyTheSealIsWrong) {
    HttpResponse other_status = sealed({.status = 200, .body = "it was removed"});
    other_status.status = 410;
    is_not_believed(other_status, "wrong");

    HttpResponse cut_off = sealed(assigned(8));
    cut_off.body.resize(cut_off.body.size() - 8);
    is_not_believed(cut_off, "wrong");
    HttpResponse longer = sealed(assigned(8));
    longer.body += '\0';
    is_not_believed(longer, "wrong");

    HttpResponse garbage = removed();
    for (const std::string& seal : {std::string(64, '0'), std::string(1, '0'), std::string()}) {
        garbage.headers[cluster::kAnswerSealHeader] = seal;
        is_not_believed(garbage, "seal");
    }
}

TEST(NimbusAnswer, ToAnotherQuestionOrWithAnotherKeyTheSealIsWrong) {
    AskedNimbus before = kAsked;
    before.challenge = std::string(64, 'b');
    is_not_believed(sealed(removed(), before), "wrong");
    AskedNimbus stranger = kAsked;
    stranger.key = cluster::answer_key("another secret", "wc-1-1");
    is_not_believed(sealed(removed(), stranger), "wrong");
    AskedNimbus of_another{"wc-2-1", cluster::answer_key("secret", "wc-2-1"), kAsked.challenge, 7};
    is_not_believed(sealed(removed(), of_another), "wrong");
    AskedNimbus with_its_name = kAsked;
    with_its_name.key = of_another.key;
    is_not_believed(sealed(removed(), with_its_name), "wrong");
}

TEST(NimbusAnswer, AnOlderAssignmentSaysNothing) {
    const NimbusAnswer found = answer_in(sealed(assigned(6)), kAsked);

    EXPECT_EQ(found.answer, Answer::kNone)
        << "who does not know of the last one vouches for nobody";
    EXPECT_FALSE(found.assignment);
    EXPECT_EQ(found.distrust, "");
}

TEST(NimbusAnswer, WhatCannotBeReadOrIsAboutAnotherSaysNothing) {
    is_not_believed(sealed({.status = 200, .body = "garbage"}), "cannot read");
    cluster::Assignment other = assignment(8);
    other.topology = "wc-2-1";
    EXPECT_EQ(answer_in(sealed({.status = 200, .body = cluster::encode(other)}), kAsked).answer,
              Answer::kNone);
}

TEST(NimbusAnswer, WhoDoesNotKnowSaysNothingSealedOrNot) {
    for (const int status : {201, 404, 421, 500, 503}) {
        for (const HttpResponse& each :
             {HttpResponse{.status = status}, sealed({.status = status})}) {
            const NimbusAnswer found = answer_in(each, kAsked);
            EXPECT_EQ(found.answer, Answer::kNone);
            EXPECT_EQ(found.distrust, "");
        }
    }
}

}  // namespace
}  // namespace storm::worker
