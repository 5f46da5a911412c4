#pragma once

namespace pp {

/// Opens a socket bound to a free port of 127.0.0.1, to which only this machine
/// can connect. Returns its descriptor, which the caller owns.
/// throws  Error(Runtime): the system gives no socket
int listen_on_loopback();

/// Returns the port that a socket is bound to.
int port_of(int socket);

}  // namespace pp
