#include "supervisor/fetcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/secret.h"
#include "cluster/seal.h"
#include "supervisor/host.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

constexpr const char* kTooMuchToDo = "too many fetches are waiting";

}  // namespace

Fetcher::Fetcher(coordination::ClusterState& state, const base::WallClock& wall,
                 daemon::Errands& files, daemon::Errands& removals, Downloads& downloads,
                 Places places, Nimbuses nimbuses, std::string token_file)
    : state_(state),
      wall_(wall),
      files_(files),
      removals_(removals),
      downloads_(downloads),
      places_(std::move(places)),
      nimbuses_(std::move(nimbuses)),
      token_file_(std::move(token_file)) {}

void Fetcher::fetch(const Target& target, Then then) {
    read_(target,
          [this, number = target.number, then = std::move(then)](base::Result<Record> record) {
              if (!record) return then(record.error());
              stage_(std::move(record).value(), number, false, then);
          });
}

void Fetcher::get_ready(const Target& target) {
    read_(target, [](const base::Result<Record>&) {});  // fetch() will report errors.
}

void Fetcher::read_(const Target& target, std::function<void(base::Result<Record>)> then) {
    const std::string& topology = target.topology;
    // Kept while the topology runs here (keep_only()), so that a worker can be started again
    // without ZooKeeper.
    const auto known = records_.find(topology);
    if (known != records_.end() && target.epoch <= known->second.epoch)
        return then(known->second.record);
    state_.read_topology(topology, [this, topology, epoch = target.epoch, then = std::move(then)](
                                       base::Result<std::optional<cluster::TopologyRecord>> read) {
        if (!read) return then(read.error());
        if (!*read) return then(base::Error{"topology \"" + topology + "\" has no record"});
        auto opened = opened_(*std::move(read).value());
        if (!opened) return then(opened.error());
        auto record = std::make_shared<const cluster::TopologyRecord>(std::move(opened).value());
        Known& now = records_[topology];
        now = {record, std::max(now.epoch, epoch)};
        then(Record(std::move(record)));
    });
}

base::Result<cluster::TopologyRecord> Fetcher::opened_(cluster::TopologyRecord record) const {
    if (!record.sealed) return record;
    if (token_file_.empty()) {
        return base::Error{"cannot open the secrets of topology \"" + record.name +
                           "\": this supervisor has no token; set storm.token.file to Nimbus'"};
    }
    // Read each time: a token that was missing may be there by the next try.
    const auto token = base::read_secret(token_file_, kSmallFileBytesMax);
    if (!token) {
        return base::Error{"cannot open the secrets of topology \"" + record.name +
                           "\": " + token.error().message};
    }
    return cluster::Seal(*token).opened(std::move(record));
}

void Fetcher::stage_(const Record& record, std::uint32_t number, bool downloaded,
                     const Then& then) {
    const bool taken =
        files_.run([places = places_, record, number] { return stage(places, *record, number); },
                   [this, record, number, downloaded, then](const base::Result<Staged>& staged) {
                       staged_(record, number, downloaded, staged, then);
                   });
    if (!taken) then(base::Error{kTooMuchToDo});
}

void Fetcher::staged_(const Record& record, std::uint32_t number, bool downloaded,
                      const base::Result<Staged>& staged, const Then& then) {
    if (!staged) return then(staged.error());
    if (staged->missing.empty()) return then(Fetched{record, staged->program, staged->user});
    // Once is enough: a second download in a row would hardly be different.
    if (downloaded) {
        return then(base::Error{"artifact \"" + staged->missing.front().name +
                                "\" is gone or corrupt right after its download"});
    }
    const bool taken = downloads_.run(
        record->id,
        [places = places_, missing = staged->missing,
         nimbuses = nimbuses_()]() -> base::Result<base::Done> {
            for (const cluster::Artifact& artifact : missing) {
                auto done = download(places, artifact, nimbuses);
                if (!done) return done;
            }
            return base::Done{};
        },
        [this, record, number, then](const base::Result<base::Done>& done) {
            if (!done) return then(done.error());
            stage_(record, number, true, then);
        });
    if (!taken) then(base::Error{kTooMuchToDo});
}

void Fetcher::keep_only(const std::set<std::string>& topologies) {
    std::erase_if(records_, [&](const auto& known) { return topologies.count(known.first) == 0; });
    STORM_CHECK(records_.size() <= topologies.size(),
                "a record that is kept is that of one of them");
    InUse in_use = {topologies, std::nullopt};
    // Otherwise one runs on whose record is not known, perhaps because ZooKeeper has lost it.
    if (records_.size() == topologies.size()) {
        std::set<std::string>& artifacts = in_use.artifacts.emplace();
        for (const auto& [id, known] : records_) {
            for (const cluster::Artifact& artifact : known.record->artifacts)
                artifacts.insert(artifact.sha256);
        }
    }
    // Removing may take long, and starts and ends of workers wait for `files`.
    const bool taken = files_.run(
        [places = places_, in_use, now = wall_.now()] { return put_aside(places, in_use, now); },
        [this](std::vector<std::string> aside) {
            static_cast<void>(removals_.run(
                [aside = std::move(aside)] {
                    remove_all(aside);
                    return base::Done{};
                },
                [](base::Done) {}));
        });
    static_cast<void>(taken);  // The next call will do it.
}

}  // namespace storm::supervisor
