// Decides whether a peer is still alive: bytes keep coming, and each frame that begins also ends.
//
// Order:   begin() with each connection; look() at each tick.
// Threads: the links' thread.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "worker/transport/limits.h"

namespace storm::worker {

class Liveness {
public:
    /// Totals of a connection.
    struct Heard {
        std::uint64_t bytes = 0;
        std::uint64_t frames = 0;
        bool in_frame = false;  // A frame has begun, and not ended.
    };

    void begin(base::Micros now, const Heard& heard) {
        heard_ = heard;
        any_at_ = frame_at_ = now;
    }
    /// This worker did not listen for a while, so silence proves nothing.
    void excuse(base::Micros now) { any_at_ = frame_at_ = now; }
    /// Bytes received since begin() or the last look().
    std::uint64_t news(std::uint64_t bytes) const { return bytes - heard_.bytes; }
    /// Null, or why the peer counts as dead.
    const char* look(base::Micros now, const Heard& heard, base::Micros silence) {
        if (heard.bytes != heard_.bytes) {
            any_at_ = now;
        } else if (now - any_at_ >= silence) {
            return "it has gone silent";
        }
        if (heard.frames != heard_.frames || !heard.in_frame) {
            frame_at_ = now;
        } else if (now - frame_at_ >= kFrameMicros) {
            return "a frame does not end";
        }
        heard_ = heard;
        return nullptr;
    }

private:
    Heard heard_;
    base::Micros any_at_ = 0;
    base::Micros frame_at_ = 0;  // Time when the last frame ended.
};

}  // namespace storm::worker
