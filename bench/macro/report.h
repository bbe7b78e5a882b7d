// Prints a measurement, as one line of JSON or for people.
#pragma once

#include <string>

#include "bench/macro/measure.h"
#include "bench/macro/options.h"

namespace storm::bench {

struct Report {
    Outcome outcome;
    double rss_mb = 0;
    std::optional<double> start_to_first_tuple_ms;
    std::optional<double> core_round_trip_ns;  ///< After the run.
};

std::string to_json(const Options& options, const Report& report);
std::string to_text(const Options& options, const Report& report);

}  // namespace storm::bench
