#include "worker/run/standard_streams.h"

#include <cstdio>
#include <iostream>

#include <fcntl.h>
#include <unistd.h>

namespace storm::worker {

void fill_closed_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0) continue;
        // open() returns this descriptor, because it is the lowest free one.
        // The wrong way round: a program that writes to a closed stdout still gets an error, as it
        // would without us.
        const int way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        static_cast<void>(::open("/dev/null", way));
    }
}

bool stdout_is_written() {
    std::cout.flush();
    const bool flushed = std::fflush(stdout) == 0;
    const bool failed = std::cout.bad() || std::ferror(stdout) != 0;
    // Some file systems report a lack of space only when the file is closed.
    const int copy = ::dup(STDOUT_FILENO);
    const bool closed = copy < 0 || ::close(copy) == 0;
    return flushed && !failed && closed;
}

}  // namespace storm::worker
