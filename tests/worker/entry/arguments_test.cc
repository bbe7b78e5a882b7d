// The command line is taken as documented, and mistakes in it are answered with what to write.

#include "worker/entry/arguments.h"

#include <gmock/gmock.h>

namespace storm::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Arguments parsed(std::vector<std::string> arguments) {
    return parse_arguments(std::move(arguments)).value();
}

TEST(Arguments, DefaultToARunWithoutMetrics) {
    const Arguments arguments = parsed({});

    EXPECT_EQ(arguments.mode, Arguments::Mode::kRun);
    EXPECT_EQ(arguments.metrics_port, std::nullopt);
}

TEST(Arguments, KeepSettingsAsTheyAreWritten) {
    const Arguments arguments =
        parsed({"-c", "a=b=c", "--config", "x.yaml", "-c", "list=[1,2]", "-c", "empty=", "-c",
                "-dash=1", "-c", R"(quoted="a b")", "--config=y.yaml"});

    EXPECT_THAT(arguments.assignments,
                ElementsAre("a=b=c", "list=[1,2]", "empty=", "-dash=1", R"(quoted="a b")"));
    EXPECT_THAT(arguments.config_files, ElementsAre("x.yaml", "y.yaml"));
}

TEST(Arguments, NameTheMode) {
    EXPECT_EQ(parsed({"--explain", "-c", "a=b"}).mode, Arguments::Mode::kExplain);
    EXPECT_EQ(parsed({"--describe"}).mode, Arguments::Mode::kDescribe);
    EXPECT_EQ(parsed({"--version"}).mode, Arguments::Mode::kVersion);
    EXPECT_EQ(parsed({"--help", "nonsense"}).mode, Arguments::Mode::kHelp);
}

TEST(Arguments, TakeAnyPortThatThereIs) {
    EXPECT_EQ(parsed({"--metrics-port", "0"}).metrics_port, 0);
    EXPECT_EQ(parsed({"--metrics-port=65535"}).metrics_port, 65'535);
    EXPECT_THAT(parse_arguments({"--metrics-port", "65536"}).error().message, HasSubstr("65536"));
    EXPECT_THAT(parse_arguments({"--metrics-port", "http"}).error().message, HasSubstr("http"));
}

TEST(Arguments, SayWhatToWriteInstead) {
    EXPECT_EQ(parse_arguments({"--explian"}).error().message,
              "unknown option \"--explian\"\n  hint: did you mean \"--explain\"?");
    EXPECT_EQ(parse_arguments({"input=x"}).error().message,
              "unexpected argument \"input=x\"\n  hint: settings are given with -c input=x");
    EXPECT_THAT(parse_arguments({"file.txt"}).error().message, HasSubstr("-c KEY=VALUE"));
    EXPECT_THAT(parse_arguments({"-c"}).error().message, HasSubstr("-c"));
    EXPECT_THAT(parse_arguments({"--explain", "--describe"}).error().message,
                HasSubstr("do not go together"));
}

TEST(Arguments, HelpFitsOnAScreen) {
    const std::string help = help_text("word-count");

    EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 32);
    EXPECT_THAT(help, HasSubstr("word-count -c"));
}

}  // namespace
}  // namespace storm::worker
