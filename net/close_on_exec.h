// Keeps a socket from the programs that this process, or user code in it, starts: they would keep a
// port or a connection open beyond the end of this process. Asio does not do it.
//
// Between the creation of a socket and this call, another thread may start a program. So listeners
// are made before user code runs; a connection that is inherited anyway is closed once it is
// silent.
//
// Threads: any.
#pragma once

namespace storm::net {

void close_on_exec(int descriptor);

/// For an open socket or acceptor of Asio's.
template <typename Socket>
void close_on_exec(Socket& socket) {
    close_on_exec(static_cast<int>(socket.native_handle()));
}

}  // namespace storm::net
