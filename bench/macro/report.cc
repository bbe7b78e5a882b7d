#include "bench/macro/report.h"

#include <cmath>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace storm::bench {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double per_unit) {
    return std::round(value * per_unit) / per_unit;
}

Json json_of(const std::optional<double>& value, double per_unit) {
    return value ? Json(rounded(*value, per_unit)) : Json(nullptr);
}

Json json_of(const std::optional<Quantiles>& latency) {
    if (!latency) return nullptr;
    return {{"p50", rounded(latency->p50_us, 1000)},
            {"p99", rounded(latency->p99_us, 1000)},
            {"p999", rounded(latency->p999_us, 1000)}};
}

std::optional<double> ratio(const Outcome& outcome, const std::optional<double>& to) {
    if (!to || *to == 0) return std::nullopt;
    return outcome.tally.per_second(&Counts::executed) / *to;
}

/// The options that are not at their default.
Json settings_of(const Options& options) {
    Json settings = Json::object();
    for (const auto& [key, value] : options.settings.entries()) settings[key] = value;
    if (!options.acks) settings["acks"] = "off";
    if (options.parallelism) settings["parallelism"] = *options.parallelism;
    if (options.executors) settings["executors"] = *options.executors;
    if (options.rate > 0) settings["rate"] = options.rate;
    if (options.fail_every > 0) settings["fail_every"] = options.fail_every;
    return settings;
}

std::string line(std::string_view name, const std::string& value) {
    return fmt::format("  {:<22}{}\n", name, value);
}

std::string rate_text(double per_second) {
    if (per_second >= 1e5) return fmt::format("{:8.2f} M/s", per_second / 1e6);
    return fmt::format("{:8.0f} /s", per_second);
}

std::string latency_text(const Quantiles& latency) {
    return fmt::format("p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us", latency.p50_us,
                       latency.p99_us, latency.p999_us);
}

}  // namespace

std::string to_json(const Options& options, const Report& report) {
    const Outcome& outcome = report.outcome;
    const Tally& tally = outcome.tally;
    const auto per_second = [&](std::uint64_t Counts::*count) -> Json {
        if (!outcome.counts_tuples && count != &Counts::executed) return nullptr;
        if (!options.acks && count == &Counts::acked) return nullptr;
        return std::llround(tally.per_second(count));
    };
    Json json = {
        {"scenario", options.scenario_name},
        {"emitted_per_s", per_second(&Counts::emitted)},
        {"executed_per_s", per_second(&Counts::executed)},
        {"acked_per_s", per_second(&Counts::acked)},
        {"failed", outcome.counts_tuples ? Json(tally.counts.failed) : Json(nullptr)},
        {"complete_latency_us", json_of(quantiles(tally.complete))},
        {"due_latency_us", json_of(quantiles(tally.due))},
        {"cpu_cores", rounded(tally.cpu_seconds / tally.seconds, 1e5)},
        {"rss_mb", rounded(report.rss_mb, 100)},
        {"start_to_first_tuple_ms", json_of(report.start_to_first_tuple_ms, 1000)},
        {"core_round_trip_ns", json_of(report.core_round_trip_ns, 1)},
        {"share_of_loop", json_of(ratio(outcome, outcome.loop_per_s), 1e4)},
        {"text", options.counts_words() ? Json(options.text) : Json(nullptr)},
        {"seconds", rounded(tally.seconds, 1000)},
        {"warmup_s", kWarmUpSeconds},
        {"settings", settings_of(options)},
    };
    if (outcome.narrow_per_s)
        json["wide_over_narrow"] = json_of(ratio(outcome, outcome.narrow_per_s), 1e4);
    return json.dump() + "\n";
}

std::string to_text(const Options& options, const Report& report) {
    const Outcome& outcome = report.outcome;
    const Tally& tally = outcome.tally;
    std::string text = fmt::format("{}: {:.1f} s after {:.0f} s of warm-up", options.scenario_name,
                                   tally.seconds, kWarmUpSeconds);
    if (options.counts_words()) text += ", text " + options.text;
    const Json settings = settings_of(options);
    text += settings.empty() ? ", default settings\n" : ", " + settings.dump() + "\n";
    if (outcome.counts_tuples)
        text += line("emitted", rate_text(tally.per_second(&Counts::emitted)));
    text += line(options.counts_words() ? "words executed" : "executed",
                 rate_text(tally.per_second(&Counts::executed)));
    if (outcome.counts_tuples && options.acks) {
        text += line("acked", rate_text(tally.per_second(&Counts::acked)));
        text += line("failed", fmt::format("{:8}", tally.counts.failed));
    }
    if (const auto latency = quantiles(tally.complete))
        text += line("emit to ack", latency_text(*latency));
    if (const auto latency = quantiles(tally.due))
        text += line("due to ack", latency_text(*latency));
    text += line("cpu", fmt::format("{:8.3f} cores", tally.cpu_seconds / tally.seconds));
    text += line("memory, at most", fmt::format("{:8.1f} MB", report.rss_mb));
    if (report.start_to_first_tuple_ms)
        text += line("start to first tuple",
                     fmt::format("{:8.1f} ms", *report.start_to_first_tuple_ms));
    if (report.core_round_trip_ns)
        text +=
            line("core to core and back", fmt::format("{:8.0f} ns", *report.core_round_trip_ns));
    if (const auto share = ratio(outcome, outcome.loop_per_s)) {
        text += line("plain loop", rate_text(*outcome.loop_per_s));
        text += line("share of loop", fmt::format("{:8.2f}", *share));
    }
    if (const auto share = ratio(outcome, outcome.narrow_per_s)) {
        text += line("narrow, executed", rate_text(*outcome.narrow_per_s));
        text += line("wide over narrow", fmt::format("{:8.2f}", *share));
    }
    return text;
}

}  // namespace storm::bench
