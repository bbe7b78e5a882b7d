// The end of a daemon whose loop has ended, whatever its threads are doing.
//
// Its parts wait for their threads when they are destroyed, and a thread may be in a call for long:
// a download, a report, a disk that does not answer. ZooKeeper's client keeps the session alive
// meanwhile, with threads of its own, so that others count on a daemon that does nothing any more.
//
//     io.run();
//     begin_ending(session, kDaemonDone);      // then the parts are destroyed, and main() returns
//
// Time:    the process has ended kEndPatience later, unless the kernel holds it.
// Threads: the loop's, which has ended.
#pragma once

#include <functional>

#include "base/clock.h"
#include "coordination/session.h"
#include "daemon/daemon_main.h"

namespace storm::daemon {

/// Time for the work of threads when a daemon ends.
inline constexpr base::Micros kEndPatience = 3 * base::kMicrosPerSecond;

/// Ends the session now, as its last use, and the process with `code` in kEndPatience, if it has
/// not ended by itself.
void begin_ending(coordination::Session& session, DaemonExitCode code);

/// Ends the process, even if this waits for a disk, or for the reader of the log. `last_words` may
/// do so for a second.
[[noreturn]] void end_at_once(DaemonExitCode code, const std::function<void()>& last_words);

}  // namespace storm::daemon
