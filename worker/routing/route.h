// A route: where the rows of one stream of one task go on behalf of one subscription.
//
// Threads: the emitting executor's.
// Cost:    one indirect jump to the grouping; none with a single target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include <storm/topology.h>

#include "groupings/all.h"
#include "groupings/custom.h"
#include "groupings/direct.h"
#include "groupings/fields.h"
#include "groupings/global.h"
#include "groupings/local_or_shuffle.h"
#include "groupings/none.h"
#include "groupings/partial_key.h"
#include "groupings/shuffle.h"
#include "worker/queue/outbox.h"

namespace storm::worker {

struct Target {
    TaskId task;
    Lane* lane;
    std::uint64_t run;
    Sender* sender;
};

struct Route {
    using Chooser = std::variant<groupings::Shuffle, groupings::Fields, groupings::PartialKey,
                                 groupings::All, groupings::Global, groupings::None,
                                 groupings::Direct, groupings::LocalOrShuffle, groupings::Custom>;

    Chooser chooser;
    std::vector<Target> targets;
    std::vector<std::uint16_t> key_fields;  // For Fields and PartialKey.
    RouteCredit credit;
};

}  // namespace storm::worker
