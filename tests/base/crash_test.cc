// Goal:   a process that crashes reports the signal and its calls, and ends by that signal.
// Method: child processes that crash in all ways; the tests read their stderr.

#include "base/crash.h"

#include <array>
#include <atomic>
#include <bit>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/stack_trace.h"
#include "base/symbol.h"
#include "base/thread.h"
#include "tests/support/sanitized.h"

namespace storm::base {

// Not in an unnamed namespace: the tests look for these names.
struct Crashing {
    // NOLINTBEGIN(bugprone-*,clang-analyzer-*,misc-no-recursion)
    [[gnu::noinline]] static int touches(const volatile int* at) { return *at + 1; }
    [[gnu::noinline]] static int divides(const volatile int* by) { return 100 / *by; }
    [[gnu::noinline]] static int recurses(int depth) {
        volatile int here = depth;  // Used after the call, so that this is not a loop.
        return depth < 0 ? 0 : recurses(depth + 1) + here;
    }
    // NOLINTEND(bugprone-*,clang-analyzer-*,misc-no-recursion)
    [[gnu::noinline]] static void throws() noexcept { throw_it(); }

private:
    [[noreturn]] static void throw_it() { throw std::runtime_error("no shop 17"); }
};

namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::KilledBySignal;
using ::testing::Not;

const volatile int* nowhere() {
    return nullptr;
}

struct CrashDeathTest : ::testing::Test {
    void SetUp() override {
        if (storm::testing::kSanitized) GTEST_SKIP() << "a sanitizer tells of crashes itself";
        GTEST_FLAG_SET(death_test_style, "threadsafe");
    }
};

constexpr const char* kTouches =
    R"(#0 storm::base::Crashing::touches\(int const volatile\*\)\+0x[0-9a-f]+ )"
    R"(\(base_crash_test\+0x[0-9a-f]+\))";

TEST_F(CrashDeathTest, TellsTheSignalTheAddressAndTheCalls) {
    EXPECT_EXIT(
        {
            tell_of_crashes();
            Crashing::touches(nowhere());
        },
        KilledBySignal(SIGSEGV),
        AllOf(HasSubstr("error: ended by SIGSEGV (at address 0x0)\n    #0 "),
              ContainsRegex(kTouches), HasSubstr("    #1 "),
              ContainsRegex("hint: addr2line -Cfie /.*/base_crash_test 0x[0-9a-f]+ .* -g\n")));
}

TEST_F(CrashDeathTest, TellsOfEachSignal) {
    EXPECT_EXIT(
        {
            tell_of_crashes();
            const volatile int zero = 0;
            const volatile int result = Crashing::divides(&zero);
            static_cast<void>(result);
        },
        KilledBySignal(SIGFPE), AllOf(HasSubstr("ended by SIGFPE\n"), HasSubstr("::divides(")));
    EXPECT_EXIT(
        {
            tell_of_crashes();
            __builtin_trap();
        },
        KilledBySignal(SIGILL), HasSubstr("ended by SIGILL\n"));
    EXPECT_EXIT(
        {
            tell_of_crashes();
            Crashing::throws();
        },
        KilledBySignal(SIGABRT),
        AllOf(HasSubstr("no shop 17"), HasSubstr("ended by SIGABRT\n"), HasSubstr("::throws()")));
    EXPECT_EXIT(
        {
            tell_of_crashes();
            raise(SIGBUS);
        },
        KilledBySignal(SIGBUS), HasSubstr("ended by SIGBUS (sent by process "));
}

TEST_F(CrashDeathTest, AStackThatIsUsedUpIsToldOfInAnyThread) {
    const auto told =
        AllOf(HasSubstr(": its stack is used up)\n    #0 "), HasSubstr("::recurses(int"));
    EXPECT_EXIT(
        {
            tell_of_crashes();
            Crashing::recurses(0);
        },
        KilledBySignal(SIGSEGV), told);
    EXPECT_EXIT(
        {
            tell_of_crashes();
            Thread("deep", [] { Crashing::recurses(0); }).join();
        },
        KilledBySignal(SIGSEGV), told);
}

TEST_F(CrashDeathTest, WithABrokenHeapNamesAreAsTheLinkerHasThem) {
    EXPECT_EXIT(
        {
            tell_of_crashes();
            std::ifstream maps("/proc/self/maps");
            std::uintptr_t heap = 0;
            for (std::string line; std::getline(maps, line);) {
                if (line.ends_with("[heap]")) heap = std::stoull(line, nullptr, 16);
            }
            // The free blocks of the C library are listed at the beginning.
            std::memset(std::bit_cast<void*>(heap + 16), 'A', 0x280);
            Crashing::touches(nowhere());
        },
        KilledBySignal(SIGSEGV),
        AllOf(HasSubstr("error: ended by SIGSEGV (at address 0x0)"),
              HasSubstr("#0 _ZN5storm4base8Crashing7touchesEPVKi+0x"), HasSubstr("    #1 ")));
}

TEST_F(CrashDeathTest, OfSeveralThreadsOneTells) {
    const ::testing::Matcher<const std::string&> twice =
        ContainsRegex("error: ended by SIG.*error: ended by SIG");
    EXPECT_EXIT(
        {
            tell_of_crashes();
            static std::atomic<int> ready{0};
            std::vector<Thread> threads;
            for (int i = 0; i < 4; ++i) {
                threads.emplace_back("crashes", [] {
                    ++ready;
                    while (ready.load() < 4) yield();
                    Crashing::touches(nowhere());
                });
            }
            for (Thread& thread : threads) thread.join();
        },
        KilledBySignal(SIGSEGV), AllOf(ContainsRegex(kTouches), Not(twice)));
}

TEST_F(CrashDeathTest, WhoHasAHandlerKeepsIt) {
    const auto own = [](int) {
        const std::string_view text = "own handler\n";
        static_cast<void>(!write(STDERR_FILENO, text.data(), text.size()));
        _exit(7);
    };
    EXPECT_EXIT(
        {
            std::signal(SIGSEGV, own);
            tell_of_crashes();
            Crashing::touches(nowhere());
        },
        ::testing::ExitedWithCode(7), "^own handler\n$");
    EXPECT_EXIT(
        {
            tell_of_crashes();
            std::signal(SIGSEGV, own);
            Crashing::touches(nowhere());
        },
        ::testing::ExitedWithCode(7), "^own handler\n$");
}

TEST_F(CrashDeathTest, HooksAddWhatIsKnownOfTheThread) {
    EXPECT_EXIT(
        {
            tell_of_crashes({.first = [] { std::fputs("first\n", stderr); },
                             .whose = [](LineBuffer& line) { (line << " in task ").number(17); }});
            std::abort();
        },
        KilledBySignal(SIGABRT), HasSubstr("first\nerror: ended by SIGABRT in task 17\n"));
}

TEST(Symbol, OfALibraryIsFoundToo) {
    Symbol symbol;
    // Not one that sanitizers replace.
    find_symbol(std::bit_cast<std::uintptr_t>(&::getpagesize) + 1, symbol);

    EXPECT_THAT(std::string(symbol.file()), HasSubstr("/libc.so"));
    EXPECT_THAT(std::string(symbol.function()), HasSubstr("getpagesize"));
    EXPECT_EQ(symbol.into_function, 1U);
}

TEST(Symbol, OfAnAddressThatIsNoCodeIsNone) {
    Symbol symbol;
    const int local = 0;
    find_symbol(std::bit_cast<std::uintptr_t>(&local), symbol);

    EXPECT_EQ(symbol.file(), "");
    EXPECT_EQ(symbol.function(), "");
    find_symbol(0, symbol);
    EXPECT_EQ(symbol.function(), "");
}

TEST(LineBuffer, LeavesOutWhatDoesNotFit) {
    LineBuffer line;
    (line << "a").number(10).hex(0x2f) << std::string(1000, 'x');

    EXPECT_THAT(std::string(line.text()), ::testing::StartsWith("a100x2fxxx"));
    EXPECT_EQ(line.text().size(), 511U);
    line << "more";
    EXPECT_EQ(line.text().size(), 511U);
}

}  // namespace
}  // namespace storm::base
