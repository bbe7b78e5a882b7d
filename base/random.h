// Random 64-bit numbers for edge ids, routing and jitter.
//
// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
// Its output is a non-linear function of its state, so that XORs of its numbers do not cancel by
// construction, as those of a linear generator would. Not for secrets: see base/secret.h.
//
// Threads: one.
// Cost:    1 ns.
#pragma once

#include <cstdint>

namespace storm::base {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    /// Uniform in 0 … bound - 1. REQUIRES: bound > 0. (Lemire's multiplication; bias below 2^-32.)
    std::uint64_t below(std::uint32_t bound) { return ((next() >> 32) * bound) >> 32; }

private:
    std::uint64_t state_;
};

/// 64 bits from the kernel, to seed a Random.
std::uint64_t kernel_seed();

}  // namespace storm::base
