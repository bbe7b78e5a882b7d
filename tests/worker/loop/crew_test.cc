// Goal:   a thread that has nothing to run is used again, and one that cannot be had is no
// disaster. Method: pieces of work that wait for each other, and a system that gives no threads.

#include "worker/loop/crew.h"

#include <atomic>
#include <cerrno>
#include <functional>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/thread.h"
#include "worker/queue/limits.h"

namespace storm::worker {
namespace {

struct CrewTest : ::testing::Test {
    class Hand final : public base::Clock {
    public:
        base::Micros now() const override { return time; }
        base::Micros time = 0;
    };
    Hand clock;
    Crew crew{clock};

    void wait() const {
        while (crew.at_work()) base::yield();
    }
    static base::Thread refuse(const std::string&, const std::function<void()>&) {
        throw std::system_error(EAGAIN, std::generic_category());
    }
};

TEST_F(CrewTest, WorkOneAfterTheOtherNeedsOneThread) {
    std::atomic<int> runs{0};

    for (int i = 0; i < 100; ++i) {
        crew.run(*crew.take(), "work", [&runs] { runs.fetch_add(1); });
        wait();
    }

    EXPECT_EQ(runs.load(), 100);
    EXPECT_EQ(crew.size(), 1);
}

TEST_F(CrewTest, WorkAtTheSameTimeHasAThreadEach) {
    std::atomic<int> arrived{0};

    for (int i = 0; i < 3; ++i) {
        crew.run(*crew.take(), "work", [&arrived] {
            arrived.fetch_add(1);
            while (arrived.load() < 3) base::yield();
        });
    }
    wait();

    EXPECT_EQ(crew.size(), 3);
}

TEST_F(CrewTest, WhatIsGivenBackCanBeTakenAgain) {
    Crew::Member& member = *crew.take();

    crew.give_back(member);

    EXPECT_FALSE(crew.at_work());
    EXPECT_EQ(crew.take(), &member);
    crew.give_back(member);
}

TEST_F(CrewTest, ASystemThatGivesNoThreadIsAskedAgainLater) {
    int asked = 0;
    crew.make_threads_with([&asked](const std::string& name, std::function<void()> body) {
        ++asked;
        return refuse(name, body);
    });

    EXPECT_EQ(crew.take(), nullptr);
    EXPECT_EQ(crew.take(), nullptr);
    EXPECT_EQ(asked, 1);
    clock.time += kNoThreadPauseMicros;
    EXPECT_EQ(crew.take(), nullptr);
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(crew.size(), 0);
}

TEST_F(CrewTest, WithoutAThreadToBeginWithItThrows) {
    crew.make_threads_with(refuse);

    EXPECT_THROW(crew.hire(), std::system_error);
}

TEST_F(CrewTest, NobodyIsTakenAfterItWasClosed) {
    crew.give_back(*crew.take());

    crew.close();

    EXPECT_EQ(crew.take(), nullptr);
}

}  // namespace
}  // namespace storm::worker
