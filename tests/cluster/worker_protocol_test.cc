// Goal:   what a Supervisor and a worker say arrives whole however it is cut, and nothing that the
//         other side may send does more than be refused.
// Method: any messages, in pieces of any size; flipped bits; lengths that lie; each check by hand.

#include "cluster/worker_protocol.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/cluster/any_record.h"

namespace storm::cluster {
namespace {

using ::testing::HasSubstr;

/// The messages that the other side gets, in pieces of up to 40 bytes.
template <typename Message>
base::Result<std::vector<Message>> arrive(std::string_view bytes, AnyRecord& any) {
    MessageReader<Message> reader;
    std::vector<Message> all;
    while (!bytes.empty()) {
        const std::size_t some = std::min<std::size_t>(bytes.size(), 1 + any.below(40));
        reader.append(bytes.substr(0, some));
        bytes.remove_prefix(some);
        auto taken = reader.take();
        if (!taken) return taken.error();
        for (const Message& message : *taken) all.push_back(message);
    }
    return all;
}

RC_GTEST_PROP(WorkerProtocol, MessagesArriveWholeInOrderHoweverTheyAreCut, (std::uint64_t seed)) {
    AnyRecord any(seed);
    std::vector<std::string> told;
    std::string told_bytes;
    std::vector<std::string> reported;
    std::string reported_bytes;
    for (std::uint32_t i = any.below(5); i > 0; --i) {
        told.push_back(encode(any.to_worker()));
        told_bytes += told.back();
        reported.push_back(encode(any.to_supervisor()));
        reported_bytes += reported.back();
    }

    const auto to_worker = arrive<ToWorker>(told_bytes, any);
    const auto to_supervisor = arrive<ToSupervisor>(reported_bytes, any);

    RC_ASSERT(to_worker.has_value());
    RC_ASSERT(to_supervisor.has_value());
    RC_ASSERT(to_worker->size() == told.size());
    RC_ASSERT(to_supervisor->size() == reported.size());
    for (std::size_t i = 0; i < told.size(); ++i) {
        RC_ASSERT(encode((*to_worker)[i]) == told[i]);
        RC_ASSERT(encode((*to_supervisor)[i]) == reported[i]);
    }
}

RC_GTEST_PROP(WorkerProtocol, ReportsComeBackAsTheyWere, (std::uint64_t seed)) {
    AnyRecord any(seed);
    const WorkerReport report = any.report();

    const auto arrived = arrive<ToSupervisor>(encode(ToSupervisor(report)), any);

    RC_ASSERT(arrived.has_value());
    RC_ASSERT(std::get<WorkerReport>(arrived->at(0)) == report);
}

RC_GTEST_PROP(WorkerProtocol, BootstrapsComeBackAsTheyWere, (std::uint64_t seed)) {
    const Bootstrap bootstrap = AnyRecord(seed).bootstrap();

    const auto read = decode_bootstrap(encode(bootstrap));

    if (!read) RC_FAIL(read.error().message);
    RC_ASSERT(read->topology == bootstrap.topology);
    RC_ASSERT(read->assignment == bootstrap.assignment);
    RC_ASSERT(read->number == bootstrap.number);
    RC_ASSERT(read->incarnation == bootstrap.incarnation);
    RC_ASSERT(read->supervisor_socket == bootstrap.supervisor_socket);
    RC_ASSERT(read->token == bootstrap.token);
    RC_ASSERT(read->nimbuses == bootstrap.nimbuses);
}

RC_GTEST_PROP(WorkerProtocol, SurvivesFlippedBits, (std::uint64_t seed)) {
    AnyRecord any(seed);
    std::string bytes;
    for (int i = 0; i < 3; ++i) bytes += encode(any.to_supervisor()) + encode(any.to_worker());
    std::string bootstrap = encode(any.bootstrap());
    for (std::string* const each : {&bytes, &bootstrap}) {
        for (std::uint32_t flips = 1 + any.below(8); flips > 0; --flips) {
            char& c = (*each)[any.below(static_cast<std::uint32_t>(each->size()))];
            c = static_cast<char>(c ^ 1 << any.below(8));
        }
    }

    (void)arrive<ToWorker>(bytes, any).has_value();
    (void)arrive<ToSupervisor>(bytes, any).has_value();
    (void)decode_bootstrap(bootstrap).has_value();
    (void)decode_bootstrap(std::string_view(bootstrap).substr(8 * any.below(20))).has_value();
}

TEST(WorkerProtocol, RefusesALengthThatLiesAtOnce) {
    for (const char* const length : {"\x00\x00\x00\x00", "\x01\x00\x40\x00", "\xff\xff\xff\xff"}) {
        MessageReader<ToWorker> reader;
        reader.append(std::string(length, 4));

        EXPECT_FALSE(reader.take());
    }
}

TEST(WorkerProtocol, SkipsAMessageOfAKindThatItDoesNotKnow) {
    std::string strange = encode(ToWorker(Stop{true}));
    // 4 bytes of length, 8 of the segment table, 8 of the root pointer, then the kind.
    ASSERT_EQ(strange[20], 1);
    strange[20] = 9;
    MessageReader<ToWorker> reader;
    reader.append(strange + encode(ToWorker(Stop{false})));

    const auto taken = reader.take();

    ASSERT_TRUE(taken) << taken.error().message;
    ASSERT_EQ(taken->size(), 1);
    EXPECT_FALSE(std::get<Stop>(taken->at(0)).drain);
}

std::string refusal(const ToSupervisor& message) {
    MessageReader<ToSupervisor> reader;
    reader.append(encode(message));
    const auto taken = reader.take();
    return taken ? "taken" : taken.error().message;
}

TEST(WorkerProtocol, RefusesWhatAWorkerCannotMean) {
    const std::string token(kSecretBytes, 't');
    EXPECT_EQ(refusal(Hello{token, "1", 5}), "taken");
    EXPECT_THAT(refusal(Hello{token + "x", "1", 5}), HasSubstr("token"));
    EXPECT_THAT(refusal(Hello{token, "1", 0}), HasSubstr("process"));
    EXPECT_THAT(refusal(Hello{token, "1", -1}), HasSubstr("process"));

    WorkerReport report;
    report.state = WorkerState::kCrashLoop;
    EXPECT_THAT(refusal(report), HasSubstr("state"));
    report.state = WorkerState::kRunning;
    report.components = {ComponentReport{}};
    EXPECT_THAT(refusal(report), HasSubstr("component"));
}

TEST(WorkerProtocol, CutsWhatUserCodeMakesTooLong) {
    WorkerReport report;
    report.failure = std::string(1'000'000, 'f');
    report.components.resize(1);
    report.components[0].id = "count";
    report.components[0].last_errors.assign(50, {std::string(1'000'000, 'e')});
    report.components[0].last_errors.back().text = "the last";
    report.components[0].statuses.assign(50, {1, std::string(1'000'000, 's')});

    MessageReader<ToSupervisor> reader;
    reader.append(encode(ToSupervisor(report)));
    const auto taken = reader.take();

    ASSERT_TRUE(taken) << taken.error().message;
    const auto& read = std::get<WorkerReport>(taken->at(0));
    ASSERT_EQ(read.components[0].last_errors.size(), kReportErrorsMax);
    EXPECT_EQ(read.components[0].last_errors.back().text, "the last");
    EXPECT_EQ(read.components[0].last_errors[0].text.size(), kErrorBytesMax);
    ASSERT_EQ(read.components[0].statuses.size(), kStatusesMax);
    EXPECT_EQ(read.components[0].statuses[0].text.size(), kStatusBytesMax);
}

TEST(WorkerProtocol, LeavesErrorsOutWhereThousandsOfComponentsHaveThem) {
    WorkerReport report;
    for (int i = 0; i < 500; ++i) {
        report.components.emplace_back().id = "c" + std::to_string(i);
        report.components.back().last_errors.assign(20, {std::string(2000, 'e')});
    }

    EXPECT_EQ(refusal(report), "taken");
}

TEST(WorkerProtocol, RefusesABootstrapThatContradictsItself) {
    const Bootstrap good = AnyRecord(5).bootstrap();
    const auto with = [&](auto change) {
        Bootstrap bootstrap = good;
        change(bootstrap);
        const auto read = decode_bootstrap(encode(bootstrap));
        return read ? std::string("taken") : read.error().message;
    };

    EXPECT_EQ(with([](auto&) {}), "taken");
    EXPECT_THAT(with([](auto& b) { b.assignment.topology = "other"; }), HasSubstr("other"));
    EXPECT_THAT(with([](auto& b) { b.number = 60'000; }), HasSubstr("no worker 60000"));
    EXPECT_THAT(with([](auto& b) { b.incarnation ^= 1ULL << 40; }), HasSubstr("incarnation"));
    EXPECT_THAT(with([](auto& b) { b.supervisor_socket = "relative"; }), HasSubstr("path"));
    EXPECT_THAT(with([](auto& b) { b.supervisor_socket = "/" + std::string(200, 'a'); }),
                HasSubstr("path"));
    EXPECT_THAT(with([](auto& b) { b.token = ""; }), HasSubstr("token"));
}

}  // namespace
}  // namespace storm::cluster
