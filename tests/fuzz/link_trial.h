// The trial of one input for the fuzzers of links and their test by mutations: frames, as they come
// from a connection, and the body of a batch, as a worker takes it from another one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "tests/fuzz/row_trial.h"
#include "tests/support/bytes.h"
#include "tests/worker/transport/one_worker.h"
#include "wire/frame.h"
#include "worker/transport/inbound.h"

namespace storm::testing {

/// Whatever is accepted of the handshake says the same when it is written again.
inline void say_again(const wire::Frame& frame) {
    if (std::holds_alternative<wire::BatchFrame>(frame) ||
        std::holds_alternative<wire::ControlFrame>(frame))
        return;
    const std::string written = wire::write_frame(frame);
    std::vector<std::uint64_t> words(written.size() / 8);
    std::memcpy(words.data(), written.data(), written.size());
    const auto again = wire::read_frame(std::as_bytes(std::span(words)));
    STORM_CHECK(again && again->index() == frame.index(), "it is a frame");
    STORM_CHECK(wire::write_frame(*again) == written, "and says the same");
}

/// True: accepted.
inline bool try_frame(std::span<const std::byte> input) {
    std::vector<std::byte> aligned(input.begin(), input.end());
    aligned.resize(input.size() / 8 * 8);
    for (const std::size_t limit : {wire::kHandshakeBytesMax, wire::kFrameBytesMax}) {
        const auto size = wire::frame_bytes(aligned, limit);
        if (!size || *size == 0) continue;
        STORM_CHECK(*size <= limit && *size % 8 == 0, "a frame keeps to its limit");
        if (*size > aligned.size()) continue;
        const auto frame = wire::read_frame(std::span(aligned).first(*size));
        if (!frame) continue;
        say_again(*frame);
        if (const auto* const batch = std::get_if<wire::BatchFrame>(&*frame))
            return wire::try_batch(batch->batch);
        if (const auto* const control = std::get_if<wire::ControlFrame>(&*frame))
            return wire::check_checksum(*control) && wire::check_control_records(control->records);
        return true;
    }
    return false;
}

/// Worker 1 of two, which never runs, and what worker 0 sends it.
class InboundTrial {
public:
    /// True: accepted, and all of it is in the loop; else none is.
    bool try_runs(std::span<const std::byte> input) {
        std::vector<std::byte> runs(input.begin(), input.end());
        runs.resize(input.size() / 8 * 8);
        const bool taken = in_.take_batch(runs).has_value();
        std::size_t bytes = 0;
        one_.engine.shared().entrance(0).batches.take_all([&](worker::Batch* batch) {
            bytes += batch->used;
            one_.engine.shared().pool.bytes_in_flight.fetch_sub(batch->used);
            one_.engine.shared().pool.give(batch);
        });
        STORM_CHECK(bytes == (taken ? runs.size() : 0), "all or nothing");
        STORM_CHECK(one_.engine.shared().pool.bytes_in_flight == 0, "and counted");
        return taken;
    }
    std::vector<std::byte> good_run() const { return one_.good_run(); }

private:
    OneWorker one_;
    worker::Inbound in_{one_.engine.shared(), 0};
};

inline std::vector<std::vector<std::byte>> frame_seeds() {
    const wire::Hello hello{.worker = 1,
                            .incarnation = 2,
                            .topology = "wc-1-1",
                            .nonce = std::string(wire::kNonceBytes, 'n')};
    const std::string mac(wire::kMacBytes, 'm');
    std::vector<std::string> frames;
    for (const wire::Frame& frame :
         {wire::Frame(hello), wire::Frame(wire::Challenge{hello, mac}),
          wire::Frame(wire::Proof{mac, 3, true}), wire::Frame(wire::Ready{mac, 4, false}),
          wire::Frame(wire::Refused{"why"}), wire::Frame(wire::Receipt{5}),
          wire::Frame(wire::Heartbeat{})})
        frames.push_back(wire::write_frame(frame));
    const std::vector<wire::ControlRecord> records = {wire::make_ack(1, 2), wire::make_fenced(1, 1),
                                                      wire::make_held(3, -1)};
    const auto bytes = std::as_bytes(std::span(records));
    frames.push_back(with_bytes(wire::write_control_head(1, bytes), bytes));
    const std::vector<std::byte> batch = wire::row_seeds().back();
    frames.push_back(with_bytes(wire::write_batch_head(batch.size()), batch));

    std::vector<std::vector<std::byte>> seeds;
    for (const std::string& frame : frames) {
        const auto as_bytes = std::as_bytes(std::span(frame));
        seeds.emplace_back(as_bytes.begin(), as_bytes.end());
    }
    return seeds;
}

}  // namespace storm::testing
