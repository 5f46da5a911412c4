#pragma once

namespace pp {

/// Opens a socket that only this machine can connect to, bound to a free port
/// of 127.0.0.1. The caller owns it.
/// throws Error(Runtime)
int listen_on_loopback();

/// The port that a socket is bound to.
int port_of(int socket);

}  // namespace pp
