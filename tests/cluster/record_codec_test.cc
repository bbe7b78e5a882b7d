// Goal:   records come back as they were, and no bytes whatever do more than be refused.
// Method: any record; whole, cut off, with flipped bits, as another kind; then each check by hand.

#include "cluster/record_codec.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cluster/flat_message.h"
#include "tests/cluster/any_record.h"
#include "tests/cluster/newer_records.capnp.h"

namespace storm::cluster {
namespace {

using ::testing::HasSubstr;

template <typename Record>
void comes_back(const Record& record) {
    const auto read = decode<Record>(encode(record));
    if (!read) RC_FAIL(read.error().message);
    RC_ASSERT(*read == record);
}

/// The outcome does not matter; that it comes does, and that what is taken can be written again.
template <typename Record>
void survives(std::string_view bytes) {
    const auto read = decode<Record>(bytes);
    if (read) RC_ASSERT(decode<Record>(encode(*read)).has_value());
}

void survives_as_any_kind(std::string_view bytes) {
    survives<TopologyRecord>(bytes);
    survives<Assignment>(bytes);
    survives<SupervisorRecord>(bytes);
    survives<NimbusRecord>(bytes);
    survives<Leadership>(bytes);
    survives<TopologyErrors>(bytes);
    survives<Removal>(bytes);
}

RC_GTEST_PROP(Records, ComeBackAsTheyWere, (std::uint64_t seed)) {
    AnyRecord any(seed);

    comes_back(any.topology());
    comes_back(any.assignment());
    comes_back(any.supervisor());
    comes_back(any.nimbus());
    comes_back(any.leadership());
    comes_back(any.errors());
    comes_back(any.removal());
}

/// As a newer version reads it.
template <typename Struct, typename Look>
void look_at(const std::string& bytes, const Look& look) {
    const auto words = words_of(bytes);
    capnp::FlatArrayMessageReader reader(words, limits_of(words));
    look(reader.getRoot<Struct>());
}

/// As a newer version would write it.
std::string newer_version_of(const TopologyRecord& record) {
    const auto words = words_of(encode(record));
    capnp::FlatArrayMessageReader reader(words);
    const auto known = reader.getRoot<newer::TopologyRecord>();
    return message<newer::TopologyRecord>([&](newer::TopologyRecord::Builder to) {
        to.setId(known.getId());
        to.setName(known.getName());
        to.setSubmittedMs(known.getSubmittedMs());
        to.setDescription(known.getDescription());
        auto settings = to.initSettings(known.getSettings().size());
        for (unsigned i = 0; i < settings.size(); ++i) {
            settings[i].setKey(known.getSettings()[i].getKey());
            settings[i].setValue(known.getSettings()[i].getValue());
            settings[i].setSecret(true);
        }
        to.setArtifacts(known.getArtifacts());
        to.setSecret(known.getSecret());
        to.setSealed(known.getSealed());
        to.getRebalance().set(known.getRebalance());
        to.setOwner("an owner");
        to.setPriority(-7);
    });
}

RC_GTEST_PROP(Records, KeepWhatANewerVersionPutInATopology, (std::uint64_t seed)) {
    TopologyRecord written = AnyRecord(seed).topology();
    auto read = decode<TopologyRecord>(newer_version_of(written));
    RC_ASSERT(read.has_value());
    TopologyRecord record = std::move(read).value();
    RC_ASSERT(record.name == written.name && record.settings == written.settings);

    record.status = Status::kKilled;
    record.killed_ms = 12;
    record.kill_wait_ms = 34;
    const std::string again = encode(record);

    look_at<newer::TopologyRecord>(again, [&](newer::TopologyRecord::Reader seen) {
        RC_ASSERT(std::string(seen.getOwner().cStr()) == "an owner");
        RC_ASSERT(seen.getPriority() == -7);
        for (const auto setting : seen.getSettings()) RC_ASSERT(setting.getSecret());
        RC_ASSERT(seen.getSettings().size() == record.settings.size());
        RC_ASSERT(seen.getStatus() == static_cast<std::uint8_t>(Status::kKilled));
        RC_ASSERT(seen.getKilledMs() == 12 && seen.getKillWaitMs() == 34);
    });
    const auto twice = decode<TopologyRecord>(again);
    RC_ASSERT(twice.has_value() && encode(*twice) == again);
}

RC_GTEST_PROP(Records, KeepWhatARebalanceChanges, (std::uint64_t seed)) {
    AnyRecord any(seed);
    auto read = decode<TopologyRecord>(newer_version_of(any.topology()));
    RC_ASSERT(read.has_value());
    TopologyRecord record = std::move(read).value();

    record.status = Status::kRebalancing;
    record.rebalance = any.rebalance();
    record.settings["topology.workers"] = "17";
    record.description += ' ';
    const std::string again = encode(record);

    look_at<newer::TopologyRecord>(again, [&](newer::TopologyRecord::Reader seen) {
        RC_ASSERT(std::string(seen.getOwner().cStr()) == "an owner");
    });
    const auto twice = decode<TopologyRecord>(again);
    RC_ASSERT(twice.has_value());
    RC_ASSERT(twice->rebalance == record.rebalance && twice->settings == record.settings);
    RC_ASSERT(twice->description == record.description);
}

TEST(Records, WithARebalanceThatCannotBeAreRefused) {
    TopologyRecord record = AnyRecord(3).topology();
    const auto why = [&](const Rebalance& rebalance) {
        record.rebalance = rebalance;
        const auto read = decode<TopologyRecord>(encode(record));
        return read ? std::string("taken") : read.error().message;
    };
    EXPECT_EQ(why({Status::kInactive, 2, {{"count", 4}}}), "taken");
    EXPECT_THAT(why({Status::kKilled, 2, {}}), HasSubstr("back to status"));
    EXPECT_THAT(why({Status::kActive, kWorkersMax + 1, {}}), HasSubstr("too many workers"));
    EXPECT_THAT(why({Status::kActive, 0, {{"count", 0}}}), HasSubstr("\"count\" 0 executors"));
    EXPECT_THAT(why({Status::kActive, 0, {{"count", kTasksMax + 1}}}), HasSubstr("\"count\""));
    EXPECT_THAT(why({Status::kActive, 0, {{"a/b", 1}}}), HasSubstr("no component is"));
}

TEST(Records, KeepWhatANewerVersionPutInAnAssignment) {
    const std::string bytes = message<newer::Assignment>([](newer::Assignment::Builder to) {
        to.setTopology("wc-1-1");
        to.setEpoch(3);
        to.setReason("somebody asked for it");
        auto workers = to.initWorkers(2);
        for (unsigned i = 0; i < 2; ++i) {
            workers[i].setNumber(i);
            workers[i].setSupervisor("s");
            workers[i].setHost("h");
            workers[i].setPort(static_cast<std::uint16_t>(6700 + i));
            workers[i].setEpoch(3);
            workers[i].setZone(i == 0 ? "north" : "south");
            workers[i].setWeight(i + 10);
        }
        auto executors = to.initWorkerOfExecutor(2);
        executors.set(1, 1);
    });
    Assignment record = decode<Assignment>(bytes).value();

    // Worker 1 goes, 0 stays, 2 and 3 come.
    record.epoch = 4;
    record.workers = {record.workers[0], {2, "t", "h2", 6702, 4}, {3, "t", "h2", 6703, 4}};
    record.worker_of_executor = {0, 2, 3};
    const std::string again = encode(record);

    const auto read = decode<Assignment>(again);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->epoch, 4U);
    EXPECT_EQ(read->workers, record.workers);
    EXPECT_EQ(read->worker_of_executor, record.worker_of_executor);
    look_at<newer::Assignment>(again, [](newer::Assignment::Reader seen) {
        EXPECT_STREQ(seen.getReason().cStr(), "somebody asked for it");
        ASSERT_EQ(seen.getWorkers().size(), 3U);
        EXPECT_STREQ(seen.getWorkers()[0].getZone().cStr(), "north");
        EXPECT_EQ(seen.getWorkers()[0].getWeight(), 10U);
        EXPECT_STREQ(seen.getWorkers()[1].getZone().cStr(), "") << "another worker's";
        EXPECT_EQ(seen.getWorkers()[1].getWeight(), 0U);
    });
}

TEST(Records, OfTheSameVersionHaveNothingNewer) {
    AnyRecord any(7);
    TopologyRecord large = any.topology();
    large.description = std::string(300'000, 'd');

    EXPECT_EQ(decode<TopologyRecord>(encode(large))->newer, "");
    EXPECT_EQ(decode<Assignment>(encode(any.assignment()))->newer, "");
}

RC_GTEST_PROP(Records, NeedNoAlignment, (std::uint64_t seed)) {
    AnyRecord any(seed);
    const Assignment record = any.assignment();
    const std::string shifted = "x" + encode(record);

    const auto read = decode<Assignment>(std::string_view(shifted).substr(1));

    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == record);
}

RC_GTEST_PROP(Records, SurviveBeingCutOff, (std::uint64_t seed)) {
    AnyRecord any(seed);
    const std::string bytes = any_record_bytes(seed);

    survives_as_any_kind(
        std::string_view(bytes).substr(0, any.below(static_cast<std::uint32_t>(bytes.size()))));
}

RC_GTEST_PROP(Records, SurviveFlippedBits, (std::uint64_t seed)) {
    AnyRecord any(seed);
    std::string bytes = any_record_bytes(seed);
    for (std::uint32_t flips = 1 + any.below(8); flips > 0; --flips) {
        char& c = bytes[any.below(static_cast<std::uint32_t>(bytes.size()))];
        c = static_cast<char>(c ^ 1 << any.below(8));
    }

    survives_as_any_kind(bytes);
}

RC_GTEST_PROP(Records, SurviveAnyBytes, (std::string bytes)) {
    survives_as_any_kind(bytes);
}

TEST(Records, RefuseWhatFollowsThem) {
    const std::string bytes = encode(AnyRecord(1).nimbus());

    EXPECT_TRUE(decode<NimbusRecord>(bytes));
    EXPECT_FALSE(decode<NimbusRecord>(bytes + std::string(8, '\0')));
    EXPECT_FALSE(decode<NimbusRecord>(""));
}

template <typename Record>
std::string refusal(const Record& record) {
    const auto read = decode<Record>(encode(record));
    return read ? "taken" : read.error().message;
}

TEST(Records, OfATopologyAreRefusedWithTheirFault) {
    const TopologyRecord good = AnyRecord(7).topology();
    const auto with = [&](auto change) {
        TopologyRecord record = good;
        change(record);
        return refusal(record);
    };

    EXPECT_EQ(refusal(good), "taken");
    EXPECT_THAT(with([](auto& r) { r.id = "../../etc"; }), HasSubstr("id is \"../../etc\""));
    EXPECT_THAT(with([](auto& r) { r.id = ".hidden"; }), HasSubstr("id"));
    EXPECT_THAT(with([](auto& r) { r.name = ""; }), HasSubstr("name"));
    EXPECT_THAT(with([](auto& r) { r.name = std::string(129, 'a'); }), HasSubstr("name"));
    EXPECT_THAT(with([](auto& r) { r.name = "-rf"; }), HasSubstr("name"));
    EXPECT_THAT(with([](auto& r) { r.artifacts[0].name = "a/b"; }), HasSubstr("not a file name"));
    EXPECT_THAT(with([](auto& r) { r.artifacts[0].name = ".."; }), HasSubstr("not a file name"));
    EXPECT_THAT(with([](auto& r) { r.artifacts[0].sha256[5] = 'G'; }), HasSubstr("SHA-256"));
    EXPECT_THAT(with([](auto& r) { r.artifacts[0].sha256[5] = 'A'; }), HasSubstr("SHA-256"));
    EXPECT_THAT(with([](auto& r) { r.artifacts[0].mode = 04755; }), HasSubstr("mode"));
    EXPECT_THAT(with([](auto& r) { r.artifacts.push_back(r.artifacts[0]); }), HasSubstr("two"));
    EXPECT_THAT(with([](auto& r) { r.artifacts.clear(); }), HasSubstr("no artifact"));
    EXPECT_THAT(with([](auto& r) { r.secret.pop_back(); }), HasSubstr("31 bytes instead of 32"));
    EXPECT_THAT(with([](auto& r) { r.status = static_cast<Status>(5); }), HasSubstr("status 5"));
    EXPECT_THAT(with([](auto& r) { r.killed_ms = -1; }), HasSubstr("negative"));
}

TEST(Records, OfAnAssignmentAreRefusedWithTheirFault) {
    Assignment good;
    good.topology = "wc-1-1";
    good.epoch = 3;
    good.workers = {{0, "s1", "h1", 6700, 2}, {2, "s2", "h2", 6700, 3}};
    good.worker_of_executor = {0, 2, kUnassigned};
    const auto with = [&](auto change) {
        Assignment record = good;
        change(record);
        return refusal(record);
    };

    EXPECT_EQ(refusal(good), "taken");
    EXPECT_THAT(with([](auto& r) { r.worker_of_executor[0] = 1; }), HasSubstr("worker 1"));
    EXPECT_THAT(with([](auto& r) { r.workers[1].number = 0; }), HasSubstr("order"));
    EXPECT_THAT(with([](auto& r) { r.workers[0].epoch = 4; }), HasSubstr("epoch"));
    EXPECT_THAT(with([](auto& r) { r.workers[0].port = 0; }), HasSubstr("no port"));
    EXPECT_THAT(with([](auto& r) { r.workers[0].host = "a b"; }), HasSubstr("no host"));
    EXPECT_THAT(with([](auto& r) { r.workers[1].number = kWorkersMax; }), HasSubstr("number"));
    EXPECT_THAT(with([](auto& r) { r.epoch = kEpochMax + 1; }), HasSubstr("32 bits"));
}

TEST(Records, OfDaemonsAreRefusedWithTheirFault) {
    SupervisorRecord supervisor = AnyRecord(3).supervisor();
    supervisor.slots = {6700, 6700};
    EXPECT_THAT(refusal(supervisor), HasSubstr("two slots have port 6700"));
    supervisor.slots = {6700};
    supervisor.home = "a/b";
    EXPECT_THAT(refusal(supervisor), HasSubstr("no home"));
    supervisor.home = "";
    supervisor.id = "a/b";
    EXPECT_THAT(refusal(supervisor), HasSubstr("supervisor's id"));

    NimbusRecord nimbus = AnyRecord(3).nimbus();
    nimbus.port = 0;
    EXPECT_THAT(refusal(nimbus), HasSubstr("no port"));

    EXPECT_EQ(refusal(Leadership{}), "taken");
    EXPECT_THAT(refusal(Leadership{1, "", 0}), HasSubstr("nimbus' id"));
}

TEST(Records, AMarkOfARemovalMayBeOfAnyVersion) {
    EXPECT_EQ(*decode<Removal>(""), Removal{}) << "as versions made it that knew of no key";
    const std::string newer = message<newer::Removal>([](newer::Removal::Builder to) {
        to.setAnswerKey(kj::StringPtr("sealed").asBytes());
        to.setBy("somebody");
    });
    EXPECT_EQ(*decode<Removal>(newer), Removal{"sealed"});
    EXPECT_THAT(refusal(Removal{std::string(kSealedKeyBytesMax + 1, 'k')}), HasSubstr("too long"));
}

TEST(Records, OfThousandsOfWorkersAndExecutorsFit) {
    Assignment record;
    record.topology = "wide-1-1";
    record.epoch = 1;
    for (std::uint32_t i = 0; i < 2000; ++i) {
        record.workers.push_back(
            {i, "supervisor-of-host-" + std::to_string(i), "10.0.0.1", 6700, 1});
    }
    for (std::uint32_t i = 0; i < 100'000; ++i) record.worker_of_executor.push_back(i % 2000);

    EXPECT_EQ(refusal(record), "taken");
    EXPECT_LT(encode(record).size(), kRecordBytesMax);
}

TEST(TopologyErrors, EqualOnesOfAComponentBecomeOneWithBothTimes) {
    std::vector<TopologyError> known = {{"count", "a", 10}, {"split", "a", 11}, {"count", "b", 12}};

    merge_errors(known, {{"count", "a", 20, 3, 0, 7}});

    ASSERT_EQ(known.size(), 3U);
    EXPECT_EQ(known[0], (TopologyError{"split", "a", 11}));
    EXPECT_EQ(known[1], (TopologyError{"count", "b", 12}));
    EXPECT_EQ(known[2], (TopologyError{"count", "a", 20, 4, 10, 7}));
    merge_errors(known, {{"count", "a", 15, 1, 0, 8}});
    EXPECT_EQ(known[2], (TopologyError{"count", "a", 20, 5, 10, 8})) << "told late";
}

TEST(TopologyErrors, OnlyTheLatestAreKept) {
    std::vector<TopologyError> known;
    for (int i = 0; i < 30; ++i) merge_errors(known, {{"count", std::to_string(i), i}});
    merge_errors(known, {{"count", "10", 40}});

    ASSERT_EQ(known.size(), kTopologyErrorsMax);
    EXPECT_EQ(known.front().error, "11");
    EXPECT_EQ(known.back(), (TopologyError{"count", "10", 40, 2, 10}));
}

}  // namespace
}  // namespace storm::cluster
