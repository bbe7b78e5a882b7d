// Reads the answer to a worker's question. It means nothing unless it is sealed, and an answer to
// this very question (cluster/sealed_answer.h).
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cluster/records.h"
#include "net/http_message.h"
#include "worker/serve/lease.h"

namespace storm::worker {

struct AskedNimbus {
    std::string topology;
    std::string key;  ///< The key that seals answers to its workers.
    std::string challenge;
    std::uint64_t epoch = 0;  ///< Epoch of the assignment that the worker follows.
};

struct NimbusAnswer {
    Lease::Answer answer = Lease::Answer::kNone;
    /// Set with kYours: names the worker of the slot.
    std::optional<cluster::Assignment> assignment;
    /// Why an answer that would prolong the lease, or end the worker, is not believed. Empty: it is
    /// believed, or says nothing.
    std::string distrust = {};
};

/// An assignment older than the worker's says nothing either: that Nimbus does not know, or does
/// not know any more, where the worker was placed.
NimbusAnswer answer_in(const net::HttpResponse& response, const AskedNimbus& asked);

}  // namespace storm::worker
