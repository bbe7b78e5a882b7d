#include "supervisor/edition_file.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cluster/json_fields.h"
#include "supervisor/limits.h"

namespace storm::supervisor {

base::Result<base::Done> write_edition(const Places& places, const cluster::Edition& edition) {
    const nlohmann::json json = {{"cluster", edition.cluster}, {"epoch", edition.epoch}};
    // No fsync: with the host its workers go, too.
    return base::write_whole_file(places.edition(), json.dump() + '\n', 0600,
                                  base::Keep::kOverProcess);
}

std::optional<cluster::Edition> read_edition(const Places& places) {
    const auto bytes = base::read_small_file(places.edition(), kSmallFileBytesMax);
    if (!bytes) return std::nullopt;
    const nlohmann::json json = nlohmann::json::parse(*bytes, nullptr, false);
    cluster::JsonMistake mistake;
    const cluster::JsonFields fields(json, "", mistake);
    const cluster::Edition edition = {fields.text("cluster"),
                                      fields.number<std::uint64_t>("epoch")};
    if (mistake.text().empty()) return edition;
    base::log::warn("cannot read which cluster this is",
                    {{"file", places.edition()}, {"why", mistake.text()}});
    return std::nullopt;
}

}  // namespace storm::supervisor
