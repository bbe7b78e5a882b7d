// The calls that a thread is in, for a report of a crash.
//
// Making names readable allocates, but the heap may be broken. So a copy of the process does it; if
// the copy fails, the process writes the names as the linker has them.
//
// Threads: any; safe in a signal handler.
// Cost:    some milliseconds; up to kPatienceSeconds if the heap is broken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace storm::base {

/// Longest time that the copy may take.
inline constexpr unsigned kPatienceSeconds = 2;

/// Fills in the addresses of the calls, innermost first, and returns their number. `interrupted` is
/// the third argument of a signal handler; the calls are those that the signal interrupted.
std::size_t stack_of(const void* interrupted, std::span<std::uintptr_t> calls);

/// Writes a line for each call:
///
///         #0 Work::execute(storm::Tuple const&)+0x12 (shop+0x1a2b)
void write_stack(int descriptor, std::span<const std::uintptr_t> calls);

}  // namespace storm::base
