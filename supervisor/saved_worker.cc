#include "supervisor/saved_worker.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "cluster/json_fields.h"
#include "cluster/limits.h"
#include "cluster/names.h"
#include "supervisor/limits.h"
#include "supervisor/process_table.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint32_t> number_of(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool is_true(const nlohmann::json& json, const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_boolean() && at->get<bool>();
}

base::Result<SavedWorker> parse_state(const std::string& bytes, const std::string& path,
                                      const std::string& topology, std::uint32_t number) {
    const nlohmann::json json = nlohmann::json::parse(bytes, nullptr, false);
    cluster::JsonMistake mistake;
    const cluster::JsonFields fields(json, "", mistake);
    SavedWorker state;
    state.topology = fields.text("topology");
    state.number = fields.number<std::uint32_t>("number");
    state.port = fields.number<std::uint16_t>("port");
    state.epoch = fields.number<std::uint64_t>("epoch");
    state.starts = fields.number<std::uint32_t>("starts");
    state.pid = fields.number<pid_t>("pid");
    state.start_time = fields.number<std::uint64_t>("start_time");
    state.token_hash = fields.text("token_hash");
    state.boot = fields.text_or_empty("boot");
    if (mistake.text().empty()) {
        state.finished = is_true(json, "finished");
        state.running = is_true(json, "running");
        state.skipped = fields.number_or_zero<std::uint32_t>("skipped");
        // A copy of another worker's file would give that one's incarnations a second time.
        if (state.topology != topology || state.number != number) {
            mistake.note("it", "is of another worker");
        }
        if (state.pid < 0) mistake.note("pid", "is negative");
        if (state.epoch > cluster::kEpochMax) mistake.note("epoch", "has over 32 bits");
        if (state.port == 0) mistake.note("port", "is 0");
    }
    if (mistake.text().empty()) return state;
    return base::Error{"cannot read \"" + path + "\": " + mistake.text()};
}

}  // namespace

base::Result<base::Done> write_state(const Places& places, const SavedWorker& state) {
    // From a state that cannot be read the next Supervisor would count anew, from incarnations that
    // the peers know already.
    STORM_CHECK(state.port != 0 && state.pid >= 0 && state.epoch <= cluster::kEpochMax,
                "what is written can be read again");
    const nlohmann::json json = {{"topology", state.topology}, {"number", state.number},
                                 {"port", state.port},         {"epoch", state.epoch},
                                 {"starts", state.starts},     {"skipped", state.skipped},
                                 {"finished", state.finished}, {"running", state.running},
                                 {"pid", state.pid},           {"start_time", state.start_time},
                                 {"boot", state.boot},         {"token_hash", state.token_hash}};
    // No fsync: workers die with the host, and peers refuse a repeated incarnation.
    return base::write_whole_file(places.state(state.topology, state.number), json.dump() + '\n',
                                  0600, base::Keep::kOverProcess);
}

base::Result<SavedWorker> read_state(const Places& places, const std::string& topology,
                                     std::uint32_t number) {
    const std::string path = places.state(topology, number);
    const auto bytes = base::read_small_file(path, kSmallFileBytesMax);
    if (!bytes) return bytes.error();
    return parse_state(*bytes, path, topology, number);
}

base::Result<std::optional<SavedWorker>> read_state_if_any(const Places& places,
                                                           const std::string& topology,
                                                           std::uint32_t number) {
    const std::string path = places.state(topology, number);
    const auto bytes = base::read_small_file_if_any(path, kSmallFileBytesMax);
    if (!bytes) return bytes.error();
    if (!bytes->has_value()) return std::optional<SavedWorker>();
    auto state = parse_state(**bytes, path, topology, number);
    if (state) return std::optional<SavedWorker>(std::move(state).value());
    // Peers refuse a repeated incarnation, so counting anew ends well.
    base::log::warn("a worker's history is lost", {{"why", state.error().message}});
    return std::optional<SavedWorker>();
}

/// The name of the file says which worker's it is, so a state that is not of that name is refused
/// in read_state().
SavedWorkers read_states(const Places& places) {
    SavedWorkers states;
    std::error_code ended;
    for (fs::directory_iterator topology(places.workers(), ended), none; topology != none;
         topology.increment(ended)) {
        const std::string id = topology->path().filename().string();
        if (!cluster::is_name(id, cluster::kIdBytesMax)) continue;
        std::error_code inner;
        for (fs::directory_iterator file(topology->path(), inner); file != none;
             file.increment(inner)) {
            if (file->path().extension() != ".json") continue;
            const auto number = number_of(file->path().stem().string());
            if (!number) continue;
            auto state = read_state(places, id, *number);
            if (state) {
                states.workers.push_back(std::move(state).value());
            } else {
                states.unreadable.push_back(state.error().message);
            }
        }
    }
    return states;
}

bool is_of_this_boot(const SavedWorker& state) {
    return state.boot.empty() || state.boot == boot_id();
}

std::optional<WorkerProcess> find_process(const Places& places, const SavedWorker& state) {
    if (!is_of_this_boot(state)) return std::nullopt;
    // A state without a pid was written before its process was started, and never after: only the
    // directory can tell which process that is.
    return state.pid > 0 ? WorkerProcess::find(state.pid, state.start_time)
                         : WorkerProcess::find_in(places.worker(state.topology, state.number));
}

}  // namespace storm::supervisor
