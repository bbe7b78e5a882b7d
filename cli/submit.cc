#include "cli/submit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <ostream>

#include <fmt/format.h>
#include <storm/detail/names.h>

#include "cli/artifact.h"
#include "cli/await_ready.h"
#include "cli/describe_child.h"
#include "cli/difference.h"
#include "cli/failure.h"
#include "cli/limits.h"
#include "cli/listing.h"
#include "cli/nimbus_client.h"
#include "cli/program.h"
#include "cluster/description.h"

namespace storm::cli {
namespace {

constexpr std::size_t kBarColumns = 30;

bool is_of_daemons(std::string_view key) {
    constexpr std::array<std::string_view, 3> kPrefixes = {"nimbus.", "supervisor.", "storm."};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [key](std::string_view prefix) { return key.starts_with(prefix); });
}

/// A check before the upload. Somebody may still be faster: Nimbus has the last word.
void refuse_taken_name(NimbusClient& nimbus, const std::string& name) {
    const Json listed = nimbus.get("/api/v1/topologies");
    for (const Json& topology : list_at(listed, "topologies")) {
        if (text_at(topology, "name") != name) continue;
        throw Failure(ExitCode::kConflict, "there is a topology \"" + name + "\" already",
                      "kill it first, or take another name");
    }
}

Json parsed(const std::string& program, const std::string& description) {
    Json json = Json::parse(description, nullptr, false);
    const auto read = cluster::read_description(description);
    if (read && json.is_object()) return json;
    throw Failure(ExitCode::kFailed,
                  "\"" + program + "\" gives a description that is of no use: " +
                      (read ? "it is not a JSON object" : printable(read.error().message)),
                  "build it with the same version of Storm as this storm-submit");
}

/// Draws a bar on a terminal; elsewhere it prints a line at the start.
class UploadProgress {
public:
    UploadProgress(std::string_view name, std::uint64_t bytes, std::ostream& err,
                   const Terminal& terminal)
        : name_(printable(name)), bytes_(bytes), err_(err), terminal_(terminal) {
        if (!terminal_.is_terminal) {
            err_ << "uploading " << name_ << " (" << bytes_text(bytes_) << ")\n";
        }
    }
    UploadProgress(const UploadProgress&) = delete;
    UploadProgress& operator=(const UploadProgress&) = delete;
    ~UploadProgress() {
        if (percent_ >= 0) err_ << '\n' << std::flush;
    }

    void show(std::uint64_t done) {
        const int percent =
            bytes_ == 0 ? 100 : static_cast<int>(100 * std::min(done, bytes_) / bytes_);
        if (!terminal_.is_terminal || percent == percent_) return;
        percent_ = percent;
        const std::size_t full = kBarColumns * static_cast<std::size_t>(percent) / 100;
        const std::string line =
            fmt::format("uploading {} [{}{}] {:3}% of {}", name_, std::string(full, '='),
                        std::string(kBarColumns - full, ' '), percent, bytes_text(bytes_));
        err_ << '\r' << fitted(line, std::max<std::size_t>(terminal_.width, 2) - 1) << std::flush;
    }

private:
    const std::string name_;
    const std::uint64_t bytes_;
    std::ostream& err_;
    const Terminal terminal_;
    int percent_ = -1;
};

void upload(NimbusClient& nimbus, const std::vector<LocalArtifact>& artifacts, std::ostream& err,
            const Terminal& terminal) {
    for (const LocalArtifact& artifact : artifacts) {
        // To ask also keeps it from being swept until the submission names it.
        if (nimbus.has_blob(artifact.sha256)) continue;
        UploadProgress progress(artifact.name, artifact.bytes, err, terminal);
        nimbus.put_blob(artifact.sha256, artifact.path,
                        [&progress](std::uint64_t done, std::uint64_t) { progress.show(done); });
        progress.show(artifact.bytes);
    }
}

}  // namespace

/// Only those of -c: files have settings of daemons for good reason.
void refuse_settings_of_daemons(const cluster::LayeredSettings& settings) {
    // Settings about where the cluster is, and who asks.
    constexpr std::array<std::string_view, 5> kOurs = {
        "nimbus.port", "nimbus.seeds", "storm.local.dir", "storm.readonly.token.file",
        "storm.token.file"};
    for (const auto& [key, origin] : settings.origins) {
        if (origin != "-c" || !is_of_daemons(key)) continue;
        if (std::find(kOurs.begin(), kOurs.end(), key) != kOurs.end()) continue;
        throw Failure(ExitCode::kUsage,
                      "-c " + key +
                          ": this is a setting of the daemons, and has no effect on a "
                          "topology",
                      "set it in storm.yaml on the daemons' hosts, and restart them");
    }
}

/// Settings of daemons say nothing to a topology, and name files of tokens.
std::map<std::string, std::string> topology_settings(const Config& config,
                                                     const std::string& name) {
    std::map<std::string, std::string> settings;
    for (const auto& [key, value] : config.entries()) {
        if (!is_of_daemons(key)) settings.emplace(key, value);
    }
    settings["topology.name"] = name;
    return settings;
}

/// Twice, since each worker builds the topology again, and all must come to the same.
std::string describe(const std::string& program, const std::map<std::string, std::string>& settings,
                     const base::Clock& clock) {
    if (const auto mistake = mistake_in_program(program)) {
        throw Failure(ExitCode::kUsage, mistake->what, mistake->hint);
    }
    const DescribeCall call{program, {"--describe"}, clock.now() + kDescribeMicros, settings};
    const auto run = [&call, &clock] {
        auto described = run_to_describe(call, clock);
        if (!described) throw Failure(ExitCode::kFailed, described.error().message);
        return std::move(described).value();
    };
    std::string first = run();
    const Json once = parsed(program, first);
    const Json again = parsed(program, run());
    if (const auto differs = difference(once, again)) {
        throw Failure(ExitCode::kFailed,
                      "\"" + program + "\" builds another topology each time: " + *differs,
                      "each worker builds it again, so it may depend on its settings only");
    }
    return first;
}

void submit(const Submission& submission, const Config& config, const Patience& patience,
            std::ostream& out, std::ostream& err, const Terminal& err_terminal) {
    const std::string of_program = std::filesystem::path(submission.program).filename().string();
    const std::string name =
        submission.name.empty() ? config.string("topology.name", of_program) : submission.name;
    if (const std::string fault = detail::fault_of_topology_name(name); !fault.empty())
        throw Failure(ExitCode::kUsage, fault, "choose one with --name NAME");
    // All that can go wrong on this host does so before the cluster is asked for anything.
    const auto settings = topology_settings(config, name);
    const std::string description = describe(submission.program, settings, patience.clock);
    const std::vector<LocalArtifact> artifacts = artifacts_of(submission.program, submission.files);

    NimbusClient nimbus(config);
    // Only the leader takes a submission, and it looks for the files in its own folder: an upload
    // to another Nimbus might come there too late.
    nimbus.stay_with_leader(patience);
    refuse_taken_name(nimbus, name);
    upload(nimbus, artifacts, err, err_terminal);
    const Json answer =
        nimbus.post("/api/v1/topologies", {{"name", name},
                                           {"description", Json::parse(description)},
                                           {"settings", settings},
                                           {"artifacts", to_json(artifacts)},
                                           {"inactive", submission.inactive}});
    const std::string id = text_at(answer, "id");
    out << "submitted \"" << name << "\" as " << printable(id) << '\n' << std::flush;
    const std::string warning = printable(text_at(answer, "warning"));
    if (!warning.empty()) err << "warning: " << warning << '\n' << std::flush;
    if (submission.detach) return;
    // Not bound to the leader, which may change before the topology runs.
    NimbusClient any(config);
    const std::string how = await_ready(any, name, id, submission.timeout, patience, err);
    out << how << '\n' << std::flush;
}

base::Micros duration_of(const std::string& text) {
    constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
        {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"h", 3600}}};
    constexpr double kSecsMax = 7 * 24 * 3600;
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [unit_at, error] = std::from_chars(text.data(), end, number);
    const std::string_view unit(unit_at, static_cast<std::size_t>(end - unit_at));
    for (const auto& [name, secs] : kUnits) {
        const double wanted = number * secs;
        if (error != std::errc() || unit != name || !(wanted >= 0 && wanted <= kSecsMax)) continue;
        return static_cast<base::Micros>(wanted * 1e6);
    }
    throw Failure(ExitCode::kUsage, "\"" + text + "\" is not a duration",
                  "write a number and s, ms, m or h, as in 60s");
}

}  // namespace storm::cli
