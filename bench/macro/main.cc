// storm-bench: see README.md.
//
// Exit: 0 measured, 1 the engine failed or tuples did, 2 usage.
#include <cstdio>
#include <exception>

#include <time.h>

#include "bench/macro/core_distance.h"
#include "bench/macro/measure.h"
#include "bench/macro/options.h"
#include "bench/macro/report.h"
#include "bench/macro/text.h"

namespace storm::bench {
namespace {

/// About when the process started: it has used as much processor time as has passed since, nearly
/// all of it for loading libraries. (The kernel's own record is too coarse: 10 ms.)
Nanos process_start() {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return now() - Nanos{used.tv_sec} * 1'000'000'000 - used.tv_nsec;
}

int run(const Options& options, Nanos started) {
    const Nanos text_begin = now();
    std::optional<Text> text;
    if (options.counts_words()) {
        base::Result<Text> made = Text::named(options.text);
        if (!made) {
            std::fprintf(stderr, "storm-bench: %s\n", made.error().message.c_str());
            return 2;
        }
        text = std::move(made).value();
    }
    const Nanos text_time = now() - text_begin;

    Report report;
    report.outcome = measure(options, text ? &*text : nullptr);
    report.rss_mb = report.outcome.rss_mb.value_or(peak_rss_mb());
    if (report.outcome.first_tuple) {
        const Nanos took = *report.outcome.first_tuple - started - text_time;
        report.start_to_first_tuple_ms = static_cast<double>(took) / 1e6;
    }
    report.core_round_trip_ns = core_round_trip_ns();
    const std::string shown = options.json ? to_json(options, report) : to_text(options, report);
    std::fputs(shown.c_str(), stdout);
    return 0;
}

}  // namespace
}  // namespace storm::bench

int main(int argc, char** argv) {
    namespace bench = storm::bench;
    const bench::Nanos started = bench::process_start();
    try {
        const auto parsed = bench::parse_options(argc, argv);
        if (const auto* const exit = std::get_if<bench::ExitCode>(&parsed)) return exit->code;
        return bench::run(std::get<bench::Options>(parsed), started);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "storm-bench: %s\n", error.what());
        return 1;
    }
}
