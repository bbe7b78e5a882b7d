// Goal:   a link finds each of its channels and no other, and takes memory for those alone.
// Method: tables of any ids against a set; a topology of many executors that hardly talk to each
//         other.

#include "worker/transport/channel_table.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "tests/support/any_topology.h"
#include "worker/transport/inbound.h"
#include "worker/transport/outbound.h"

namespace storm::worker {
namespace {

struct Entry {
    std::uint64_t id = 0;
};

RC_GTEST_PROP(ChannelTable, FindsWhatIsInItAndNothingElse, (std::uint64_t seed)) {
    base::Random random(seed);
    std::set<std::uint64_t> ids;
    const auto executors = static_cast<std::uint32_t>(1 + random.below(60));
    const std::uint64_t channels = random.below(200);
    for (std::uint64_t i = 0; i < channels; ++i)
        ids.insert(channel_id(random.below(executors), random.below(executors)));
    std::vector<Entry> entries;
    for (const std::uint64_t id : ids) entries.push_back({id});

    ChannelTable<Entry> table(std::move(entries));

    for (std::uint64_t source = 0; source < executors; ++source) {
        for (std::uint64_t target = 0; target < executors; ++target) {
            const std::uint64_t id = channel_id(source, target);
            const Entry* const found = table.find(id);
            RC_ASSERT((found != nullptr) == ids.contains(id));
            if (found != nullptr) RC_ASSERT(found->id == id);
        }
    }
    RC_ASSERT(table.find(~std::uint64_t{0}) == nullptr);
    RC_ASSERT(static_cast<std::size_t>(table.end() - table.begin()) == ids.size());
}

std::size_t allocated() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// Two workers with half of the executors each: ten spouts of `each` executors, and a bolt behind
/// each of them.
struct Crowd {
    explicit Crowd(int each)
        : engine(topology(each), testing::config_of({1, false}), clock, share(each)) {}

    static Topology topology(int each) {
        TopologyBuilder t;
        for (int i = 0; i < 10; ++i) {
            const std::string spout = "spout" + std::to_string(i);
            t.spout<testing::Numbers>(spout, 0).parallelism(each);
            t.bolt_fn("bolt" + std::to_string(i), {}, [](const Tuple&, BasicCollector&) {
             }).global(spout);
        }
        return t.build();
    }
    static Share share(int each) {
        Share share;
        share.workers = 2;
        share.incarnation = 1;
        share.workers_on_host = 2;
        for (std::uint32_t e = 0; e < 10 * (static_cast<std::uint32_t>(each) + 1); ++e)
            share.worker_of_executor.push_back(e % 2);
        return share;
    }

    base::SteadyClock clock;
    Engine engine;
};

TEST(LinkMemory, ExecutorsThatDoNotTalkTakeNone) {
    if (testing::kSanitized) GTEST_SKIP() << "sanitizers have their own ways with memory";
    Crowd crowd(200);
    const std::size_t before = allocated();

    std::optional<Inbound> in(std::in_place, crowd.engine.shared(), 1);
    std::optional<Outbound> out(std::in_place, crowd.engine.shared(), 1, 1);

    EXPECT_LT(allocated() - before, 1 << 20) << "2,010 executors, 500 channels each way";
}

TEST(LinkMemory, AnExecutorTakesNoneForThoseThatItDoesNotTalkTo) {
    if (testing::kSanitized) GTEST_SKIP() << "sanitizers have their own ways with memory";
    const auto taken = [](int each) {
        const std::size_t before = allocated();
        const Crowd crowd(each);
        return allocated() - before;
    };
    const std::size_t some = taken(100);
    const std::size_t many = taken(400);

    EXPECT_LT(many, 6 * some) << "four times as many";
}

}  // namespace
}  // namespace storm::worker
