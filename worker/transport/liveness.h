// Whether a peer still lives: something comes from it, and what it has begun to send ends.
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
    /// What a connection has taken in.
    struct Heard {
        std::uint64_t bytes = 0;
        std::uint64_t frames = 0;
        bool in_frame = false;  // One has begun, and has not ended.
    };

    void begin(base::Micros now, const Heard& heard) {
        heard_ = heard;
        any_at_ = frame_at_ = now;
    }
    /// We have not listened: what has come meanwhile has not been looked at.
    void excuse(base::Micros now) { any_at_ = frame_at_ = now; }
    /// Bytes since begin() or look().
    std::uint64_t news(std::uint64_t bytes) const { return bytes - heard_.bytes; }
    /// Null, or why it is to be given up for dead.
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
    base::Micros frame_at_ = 0;  // When the last frame ended.
};

}  // namespace storm::worker
