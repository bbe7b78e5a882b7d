// Programs that do anything but describe a topology: each ends soon, with an error that says what
// it did. Method: small scripts, run for real; deadlines are short where one is to pass.
#include "cli/describe_child.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/settings_file.h"
#include "cli/limits.h"
#include "cli/program.h"

namespace storm::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DescribeChildTest : public ::testing::Test {
protected:
    DescribeChildTest() { std::filesystem::create_directories(folder_); }
    ~DescribeChildTest() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& content, mode_t mode = 0755) {
        std::string path = folder_ + "/program";
        std::ofstream(path, std::ios::binary) << content;
        ::chmod(path.c_str(), mode);
        return path;
    }
    std::string script(const std::string& lines) { return file("#!/bin/bash\n" + lines + '\n'); }

    base::Result<std::string> run(const std::string& program,
                                  base::Micros within = 30 * base::kMicrosPerSecond) {
        return run_to_describe({program, {"--describe", "-c", "a=b c"}, clock_.now() + within},
                               clock_);
    }
    std::string error_of(const std::string& program,
                         base::Micros within = 30 * base::kMicrosPerSecond) {
        const auto result = run(program, within);
        return result ? "no error, but: " + *result : result.error().message;
    }

    const base::SteadyClock clock_;
    const std::string folder_ = ::testing::TempDir() + "describe-child-" + std::to_string(getpid());
};

TEST_F(DescribeChildTest, TheDescriptionIsWhatComesOnItsDescriptor) {
    const auto described = run(script(R"(echo chatter; echo more >&2
        echo "{$#:$1:$2:$3}" >&$STORM_DESCRIBE_FD; echo and more)"));

    ASSERT_TRUE(described) << described.error().message;
    EXPECT_EQ(*described, "{3:--describe:-c:a=b c}\n");
}

TEST_F(DescribeChildTest, SettingsAreInAFileAndInNoArgument) {
    const auto described = run_to_describe(
        {script(R"([ "$2" = --config ] && cat "$3" >&3; tr '\0' ' ' </proc/$$/cmdline >&3
                   env >&3; { echo x >>"$3"; } 2>/dev/null || echo sealed >&3)"),
         {"--describe"},
         clock_.now() + 30 * base::kMicrosPerSecond,
         {{"db.password", "hunter2"}, {"text", "a\n\"b\" ${c} \xc3\xa4"}}},
        clock_);

    ASSERT_TRUE(described) << described.error().message;
    const std::size_t end = described->find('}', described->find("${c}") + 4);
    const auto read = base::parse_settings(described->substr(0, end + 1), "it");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->at("db.password"), "hunter2");
    EXPECT_EQ(read->at("text"), "a\n\"b\" $${c} \xc3\xa4");  // Which its reader resolves.
    EXPECT_THAT(described->substr(end), AllOf(HasSubstr("--describe --config /dev/fd/4"),
                                              HasSubstr("sealed"), Not(HasSubstr("hunter2"))));
}

TEST_F(DescribeChildTest, ChatterWithoutEndDoesNotHurt) {
    const auto described = run(script("head -c 50000000 /dev/zero; echo '{}' >&3"));

    ASSERT_TRUE(described) << described.error().message;
    EXPECT_EQ(*described, "{}\n");
}

TEST_F(DescribeChildTest, ACrashIsSaidToBeOne) {
    EXPECT_THAT(error_of(script("echo last words >&2; kill -SEGV $$")),
                AllOf(HasSubstr("it crashed: ended by SIGSEGV"), HasSubstr("\n    last words")));
}

TEST_F(DescribeChildTest, AnEndlessLoopEndsAtTheDeadline) {
    const base::Micros start = clock_.now();
    EXPECT_THAT(error_of(script("while :; do :; done"), 300 * base::kMicrosPerMilli),
                HasSubstr("it does not end"));
    EXPECT_LT(clock_.now() - start, 3 * base::kMicrosPerSecond);
}

TEST_F(DescribeChildTest, WaitingForAProcessorIsNotHeldAgainstIt) {
    // All of them share one processor.
    cpu_set_t before, one;
    CPU_ZERO(&one);
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    }
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    std::vector<pid_t> busy;
    for (int i = 0; i < 8; ++i) {
        busy.push_back(::fork());
        if (busy.back() == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (busy.back() == 0) {
        }
    }

    const auto described =
        run(script("i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done; echo '{}' >&3"),
            base::kMicrosPerSecond);

    for (const pid_t pid : busy) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    ::sched_setaffinity(0, sizeof before, &before);
    EXPECT_TRUE(described) << described.error().message;
}

TEST_F(DescribeChildTest, ADescendantThatHoldsTheDescriptorsDoesNotKeepUs) {
    const base::Micros start = clock_.now();
    const auto described = run(script("sleep 100 & echo '{}' >&3"));

    ASSERT_TRUE(described) << described.error().message;
    EXPECT_LT(clock_.now() - start, 10 * base::kMicrosPerSecond);
}

TEST_F(DescribeChildTest, OneThatEatsMemoryIsStoppedAndNamed) {
    EXPECT_THAT(
        error_of(file("#!/usr/bin/python3\nx = []\nwhile True: x.append(bytearray(1 << 20))\n")),
        HasSubstr("more than 1.1 GB of memory"));
}

TEST_F(DescribeChildTest, OneThatDescribesWithoutEndIsStopped) {
    EXPECT_THAT(error_of(script("while :; do echo {}; done >&3")),
                HasSubstr("its description is over 524.3 kB"));
}

TEST_F(DescribeChildTest, OneThatWritesHugeFilesIsStopped) {
    EXPECT_THAT(error_of(script("exec head -c 50000000 /dev/zero >" + folder_ + "/huge")),
                HasSubstr("SIGXFSZ"));
    EXPECT_LE(std::filesystem::file_size(folder_ + "/huge"), kDescribeFileBytesMax);
}

TEST_F(DescribeChildTest, NoDescriptionIsAnError) {
    EXPECT_THAT(error_of("/bin/true"), HasSubstr("ended without describing a topology"));
    EXPECT_THAT(error_of(script("echo '{}'")), HasSubstr("it printed:\n    {}"));
}

TEST_F(DescribeChildTest, AnExitCodeIsNamed) {
    EXPECT_THAT(error_of(script("echo 'error: setting \"x\" is not set' >&2; exit 2")),
                AllOf(HasSubstr("exit code 2"), HasSubstr("setting \"x\" is not set")));
}

TEST_F(DescribeChildTest, WhatItPrintsCannotTakeTheTerminalOver) {
    EXPECT_THAT(error_of(script("printf '\\033[2J' >&2; exit 1")), Not(HasSubstr("\x1b")));
}

TEST_F(DescribeChildTest, AMissingInterpreterIsNamed) {
    EXPECT_THAT(error_of(file("#!/no/such/shell\n")),
                HasSubstr("its interpreter \"/no/such/shell\" does not exist"));
}

TEST_F(DescribeChildTest, AMissingLibraryIsNamed) {
    const auto mistake = linker_mistake(
        "./x: error while loading shared libraries: libfoo.so.3: cannot open shared object "
        "file: No such file or directory\n");
    ASSERT_TRUE(mistake);
    EXPECT_THAT(mistake->what, HasSubstr("\"libfoo.so.3\""));
    EXPECT_THAT(linker_mistake("./x: /lib/libc.so.6: version `GLIBC_2.38' not found (required")
                    .value()
                    .what,
                HasSubstr("\"GLIBC_2.38\""));
    EXPECT_EQ(linker_mistake("all is well"), std::nullopt);
}

TEST_F(DescribeChildTest, WhatCannotBeStartedIsSeenBeforeItIs) {
    const auto what = [](const std::string& path) { return mistake_in_program(path).value().what; };
    EXPECT_THAT(what(folder_ + "/none"), HasSubstr("No such file"));
    EXPECT_THAT(what(folder_), HasSubstr("is a folder"));
    EXPECT_THAT(what("/dev/null"), HasSubstr("is not a file"));
    EXPECT_THAT(what(file("#!/bin/sh\n", 0644)), HasSubstr("is not executable"));
    EXPECT_THAT(what(file("")), HasSubstr("is empty"));
    EXPECT_THAT(what(file("MZ\x90")), HasSubstr("neither a Linux program nor a script"));
    EXPECT_THAT(what(file("\x7f"
                          "ELF\x02\x01\x01")),
                HasSubstr("neither a Linux program"));
    EXPECT_EQ(mistake_in_program("/bin/true"), std::nullopt);
}

/// The start of an ELF file for that machine.
std::string elf(unsigned char machine) {
    std::string head(
        "\x7f"
        "ELF\x02\x01\x01");
    head.resize(64, '\0');
    head[16] = 2;
    head[18] = static_cast<char>(machine);
    return head;
}

TEST_F(DescribeChildTest, AProgramForAnotherMachineIsNamedByIt) {
    EXPECT_THAT(mistake_in_program(file(elf(183))).value().what,
                HasSubstr("is built for aarch64, and this machine is"));
    EXPECT_THAT(mistake_in_program(file(elf(183).substr(0, 17))).value().what,
                HasSubstr("is cut off"));
}

}  // namespace
}  // namespace storm::cli
