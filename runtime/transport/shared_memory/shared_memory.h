#pragma once

#include <memory>

#include "runtime/transport/transport_end.h"

namespace pp {

/// Makes this rank's end of the transport through memory that ranks of one host
/// share. A sender copies a message once; the receiver's tensors use the memory
/// that the sender wrote.
/// throws  Error(Runtime): there is no memory left
std::unique_ptr<TransportEnd> make_shared_memory_end(const JobMember& self);

}  // namespace pp
