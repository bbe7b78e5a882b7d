// Reports a crash of the process: the signal, and the calls that the thread was in.
//
//     error: ended by SIGSEGV (at address 0x8) while it ran the code of "work" (task 3)
//         #0 Work::execute(storm::Tuple const&)+0x12 (shop+0x1a2b)
//         #1 …
//       hint: addr2line -Cfie shop 0x1a2b … names the lines of what was compiled with -g
//
// The signal then takes its default action, so that exit status and core file stay as they were.
//
// Order:   to be called once, before other threads start. Signals that already have a handler keep
//          it; a handler that is set later replaces this one.
// Threads: any may crash. If several do at once, the first one reports.
#pragma once

#include <string_view>

#include "base/line_buffer.h"

namespace storm::base {

// Parts of such a report, for those who write it and those who look for it in a log.
inline constexpr std::string_view kCrashError = "error: ";
inline constexpr std::string_view kCrashBySignal = "ended by SIG";
inline constexpr std::string_view kCrashCodeOf = " while it ran the code of ";
inline constexpr std::string_view kCrashTask = " (task ";

/// Called in a signal handler.
struct CrashHooks {
    void (*first)() = nullptr;                  ///< Called before anything is written.
    void (*whose)(LineBuffer& line) = nullptr;  ///< Adds to the first line.
};

/// Handles SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT.
void tell_of_crashes(const CrashHooks& hooks = {});

}  // namespace storm::base
