#include "cluster/losses.h"

namespace storm::cluster {
namespace {

std::string counted(std::uint64_t count, const std::string& thing) {
    return std::to_string(count) + ' ' + thing + (count == 1 ? "" : "s");
}

std::string were(std::uint64_t count) {
    return count == 1 ? " was" : " were";
}

}  // namespace

Losses& Losses::operator+=(const Losses& more) {
    dropped += more.dropped;
    inputs += more.inputs;
    emits += more.emits;
    unreplayed += more.unreplayed;
    return *this;
}

/// One text for each kind, since each asks for something else of whoever reads it. Nimbus, the
/// worker's log and tools all tell these.
std::vector<LossText> loss_texts(const std::string& id, const Losses& losses) {
    const std::string named = '"' + id + '"';
    std::vector<LossText> texts;
    if (losses.unreplayed > 0) {
        texts.push_back({counted(losses.unreplayed, "tuple") + " of " + named + " failed and" +
                             were(losses.unreplayed) + " not emitted again",
                         "emit what fail(id) names again, under the same id; dealt_with(id) says "
                         "that it need not be"});
    }
    if (losses.inputs > 0) {
        texts.push_back({named + " failed " + counted(losses.inputs, "untracked tuple") +
                             ", which nobody emits again",
                         "its errors say why; what a spout emits with emit_tracked() can be "
                         "emitted again"});
    }
    if (losses.emits > 0) {
        texts.push_back({counted(losses.emits, "call") + " of " + named +
                             " threw, and what was to be done is missing",
                         "its errors say why"});
    }
    if (losses.dropped > 0) {
        texts.push_back({counted(losses.dropped, "untracked tuple") + " of " + named +
                             were(losses.dropped) +
                             " dropped: there was no room for more, or a worker was lost",
                         "emit_tracked() makes a tuple that can be emitted again; emits of what is "
                         "declared blocking() wait for room"});
    }
    return texts;
}

}  // namespace storm::cluster
