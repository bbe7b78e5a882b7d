#include "supervisor/identity.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "cluster/json_fields.h"
#include "cluster/names.h"
#include "supervisor/host.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

struct Kept {
    std::string id;
    std::string home;
    std::vector<std::uint16_t> ports;  ///< Picked for slots with port 0.
};

base::Result<Kept> read_kept(const Places& places) {
    const auto bytes = base::read_small_file_if_any(places.identity(), kSmallFileBytesMax);
    // Not as if there were none: under a new id this Supervisor would stop all workers of the old.
    if (!bytes) return bytes.error();
    if (!bytes->has_value()) return Kept{};
    const nlohmann::json json = nlohmann::json::parse(**bytes, nullptr, false);
    cluster::JsonMistake mistake;
    const cluster::JsonFields fields(json, "", mistake);
    Kept kept = {fields.text("id"), fields.text("home"), fields.numbers<std::uint16_t>("ports")};
    if (!cluster::is_id(kept.id)) mistake.note("id", "is not an id");
    if (!cluster::is_id(kept.home)) mistake.note("home", "is not an id");
    if (mistake.text().empty()) return kept;
    base::log::warn("cannot read who this supervisor was; it gets a new id",
                    {{"file", places.identity()}, {"why", mistake.text()}});
    return Kept{};
}

std::string new_id() {
    constexpr std::size_t kBytes = 6;
    return base::to_hex(base::random_bytes(kBytes));
}

/// Picks ports that nobody uses: kept ones first, then upwards from a random one. 0: none is left.
class AnyPort {
public:
    AnyPort(std::vector<std::uint16_t> kept, const std::function<bool(std::uint16_t)>& free)
        : kept_(std::move(kept)), free_(free) {
        base::Random random(base::kernel_seed());
        next_ = static_cast<std::uint16_t>(kAnyPortMin + random.below(kAnyPortMax - kAnyPortMin));
    }
    std::uint16_t pick(const std::set<std::uint16_t>& used) {
        for (; !kept_.empty(); kept_.erase(kept_.begin())) {
            const std::uint16_t port = kept_.front();
            if (port != 0 && used.count(port) == 0 && free_(port)) return port;
        }
        for (int i = kAnyPortMin; i < kAnyPortMax; ++i) {
            const std::uint16_t port = next_;
            next_ = next_ + 1 < kAnyPortMax ? static_cast<std::uint16_t>(next_ + 1) : kAnyPortMin;
            if (used.count(port) == 0 && free_(port)) return port;
        }
        return 0;
    }

private:
    std::vector<std::uint16_t> kept_;
    const std::function<bool(std::uint16_t)>& free_;
    std::uint16_t next_;
};

}  // namespace

std::string home_in(const Places& places) {
    const auto kept = read_kept(places);
    return kept ? kept->home : std::string();
}

base::Result<Identity> identify(const Settings& settings,
                                const std::function<bool(std::uint16_t)>& free) {
    const auto read = read_kept(settings.places);
    if (!read) return read.error();
    const Kept& kept = *read;
    Identity identity;
    identity.id = !settings.id.empty() ? settings.id
                  : !kept.id.empty()   ? kept.id
                                       : "supervisor-" + new_id();
    // It stays when the id is changed by a setting: it says which folder this is, and so whether a
    // record under our id is our own former one.
    identity.home = !kept.home.empty() ? kept.home : new_id();
    std::set<std::uint16_t> used(settings.slots.begin(), settings.slots.end());
    AnyPort any(kept.ports, free);
    std::vector<std::uint16_t> picked;
    for (std::uint16_t port : settings.slots) {
        if (port == 0) {
            port = any.pick(used);
            if (port == 0) {
                return base::Error{"cannot find a free port from " + std::to_string(kAnyPortMin) +
                                   " to " + std::to_string(kAnyPortMax) + " for each slot"};
            }
            picked.push_back(port);
            used.insert(port);
        }
        identity.slots.push_back(port);
    }
    if (identity.id == kept.id && identity.home == kept.home && picked == kept.ports)
        return identity;
    const nlohmann::json json = {{"id", identity.id}, {"home", identity.home}, {"ports", picked}};
    // Before anything is published under it: an id that is forgotten would leave the workers of
    // this host to a Supervisor that never comes back.
    const auto written =
        base::write_whole_file(settings.places.identity(), json.dump() + '\n', 0600);
    if (!written) return written.error();
    return identity;
}

}  // namespace storm::supervisor
