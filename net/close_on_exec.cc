#include "net/close_on_exec.h"

#include <fcntl.h>

namespace storm::net {

void close_on_exec(int descriptor) {
    // Fails only if the descriptor is not open; then there is nothing to close.
    static_cast<void>(::fcntl(descriptor, F_SETFD, FD_CLOEXEC));
}

}  // namespace storm::net
