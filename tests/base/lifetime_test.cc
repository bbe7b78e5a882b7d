#include "base/lifetime.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

namespace storm::base {
namespace {

TEST(Lifetime, GuardsACallUntilItIsOver) {
    std::optional<Lifetime> lifetime(std::in_place);
    int sum = 0;
    const std::function<void(int)> add = lifetime->guard([&sum](int n) { sum += n; });

    add(1);
    add(2);
    lifetime.reset();
    add(4);

    EXPECT_EQ(sum, 3);
}

TEST(Lifetime, IsOverWhenItIsEnded) {
    Lifetime lifetime;
    const Lifetime::Watch watch = lifetime.watch();
    EXPECT_FALSE(watch.is_over());

    lifetime.end();

    EXPECT_TRUE(watch.is_over());
    EXPECT_TRUE(lifetime.watch().is_over());
}

// As a callback that destroys its own object.
TEST(Lifetime, MayEndInAGuardedCall) {
    auto lifetime = std::make_unique<Lifetime>();
    int calls = 0;
    auto call = lifetime->guard([&] {
        lifetime.reset();
        ++calls;
    });

    call();
    call();

    EXPECT_EQ(calls, 1);
}

TEST(Lifetime, MovesArgumentsOn) {
    const Lifetime lifetime;
    std::unique_ptr<int> got;
    auto take = lifetime.guard([&got](std::unique_ptr<int> one) { got = std::move(one); });

    take(std::make_unique<int>(7));

    ASSERT_NE(got, nullptr);
    EXPECT_EQ(*got, 7);
}

}  // namespace
}  // namespace storm::base
